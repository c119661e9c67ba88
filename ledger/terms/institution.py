"""Institutions, their funds, courses and families, as they are registered."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from ledger.terms.journal import FundKind
from ledger.terms.price_cap import Course, FeeLine


@dataclass(frozen=True, slots=True)
class Payee:
    """Where money is sent: name, account and the bank's 12-digit CNAPS number. Personal or secret: sealed in
    the books.
    """

    name: str
    account: str
    bank_no: str


@dataclass(frozen=True, slots=True)
class Institution:
    """``institution_id`` is its number in the register, ``code`` its short name in accounts (JG1001)."""

    institution_id: int
    code: str
    name: str
    place: str
    zone: str
    category: str
    mode: str
    office_name: str
    office_phone: str


@dataclass(frozen=True, slots=True)
class Fund:
    """A custody account, a reserve account, or the institution's hands (no bank account)."""

    institution_id: int
    fund_no: int
    kind: FundKind
    account_no: str | None
    bank_name: str | None
    bank_no: str | None
    currency: str
    opening_fen: int
    opened_on: date


@dataclass(frozen=True, slots=True)
class CourseOffer:
    """A course an institution wants to publish: ``course`` is what the price check sees, ``fees`` come on top."""

    course_id: UUID
    code: str
    name: str
    subject: str
    course: Course
    fees: tuple[FeeLine, ...] = ()


@dataclass(frozen=True, slots=True)
class Family:
    """A pupil and the guardian who signs. ``identity_no`` tells pupils of the same name apart; all text is sealed."""

    student_id: UUID
    student_name: str
    identity_no: str
    guardian_id: UUID
    guardian_name: str
    phone: str
