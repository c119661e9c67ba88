"""Charges before teaching, the limits on them, and what a rule finds."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from ledger.terms.contract import Contract, CourseFacts
from ledger.terms.price_cap import Category


class Funding(StrEnum):
    OWN = "own"
    LOAN = "loan"


@dataclass(frozen=True, slots=True)
class Charge:
    """One contract or charge of one student, institution and subject; gifts count in every number.

    ``hours`` and ``hours_left`` in hundredths of class hours, gift hours in; ``months`` gift months in.
    None where the charge does not count in that unit. ``charged_on`` is the legal day the charge is
    raised, ``last_lesson_on`` where the plan or the months give it. ``face_value_fen``: what a stored-value
    card may buy, gift money in; None where the price is what counts.
    """

    contract_id: str
    category: Category
    charged_on: date
    first_lesson_on: date
    price_fen: int
    hours: int | None = None
    hours_left: int | None = None
    months: int | None = None
    last_lesson_on: date | None = None
    crosses_term: bool = False
    funding: Funding = Funding.OWN
    face_value_fen: int | None = None


@dataclass(frozen=True, slots=True)
class OpenCharge:
    """An open contract as the books show it to the limits: hours left to teach and no refund approved.

    Amounts in fen, hours in hundredths, gift hours in. ``gift_money_fen``: only a stored-value card has it.
    """

    contract_id: UUID
    student_id: UUID
    subject: str
    category: str
    lesson_price_fen: int
    signed_on: date
    signed_at: datetime
    first_lesson_on: date
    price_fen: int
    gift_money_fen: int | None
    hours: int
    hours_left: int
    months: int | None


@dataclass(frozen=True, slots=True)
class PrepaymentLimits:
    """Limits of a place: hours in hundredths, amounts in fen, None where no file in force sets one."""

    months_max: int | None = None
    hours_max: int | None = None
    non_academic_amount_max_fen: int | None = None
    earliest_months: int | None = None
    earliest_hours_left: int | None = None
    cross_term_refused: bool = False
    loan_refused: bool = False


@dataclass(frozen=True, slots=True)
class PrepaymentRefusal:
    """A limit that is passed: ``measured`` and ``limit`` in the unit of the code, ``with_contracts`` counted in."""

    code: str
    measured: int
    limit: int
    with_contracts: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Assignment:
    """What becomes of booked money: ``claim_fen`` to the contract, ``suspense_fen`` waits, ``reasons`` say why."""

    claim_fen: int
    suspense_fen: int
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ChargeAtBooking:
    """What is checked again when money for a contract is booked: its charge, those signed before it, its limits."""

    charge: Charge
    signed_before: tuple[Charge, ...]
    limits: PrepaymentLimits


@dataclass(frozen=True, slots=True)
class BookingFacts:
    """What the limits ask about a contract when money for it is booked; ``held``: its pupil's open contracts."""

    contract: Contract
    signed_at: datetime
    course: CourseFacts
    held: tuple[OpenCharge, ...]
