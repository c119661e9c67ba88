"""What a draft rulebook would have changed: facts of past contracts, and the differences found. Nothing is stored."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger.terms.prepayment import Funding, OpenCharge
from ledger.terms.refund import Cause, PaidOn


class Subject(StrEnum):
    """What of the books a change is about: prices and limits at signing, the reserve, what each contract would give
    back if it ended now, refunds that were asked, and their dates.
    """

    PRICE = "price"
    PREPAYMENT = "prepayment"
    RESERVE = "reserve"
    QUOTE = "quote"
    REFUND = "refund"
    REFUND_DATES = "refund_dates"


@dataclass(frozen=True, slots=True)
class Signing:
    """A contract when it was signed, as a charge, and the pupil's others that were open then, of every subject."""

    contract_no: str
    funding: Funding
    own: OpenCharge
    others: tuple[OpenCharge, ...]


@dataclass(frozen=True, slots=True)
class ContractState:
    """What a contract's refund is reckoned from at the end of a day: fen and hundredths of hours.

    ``hours_used``: put down by then, confirmed or not. ``list_price_sold`` and ``same_service_before``: as
    ``OwnRecords``.
    """

    paid_fen: int
    refunded_fen: int
    hours_used: int
    payments: tuple[PaidOn, ...]
    list_price_sold: bool = False
    same_service_before: bool = False


@dataclass(frozen=True, slots=True)
class PastRefund:
    """A refund as it was asked: its contract at the end of that day at the price then in force, and what came out
    (``amount_fen``, under the decided cause).
    """

    contract_id: UUID
    cause: Cause
    asked_on: date
    first_lesson_on: date
    price_fen: int
    amount_fen: int
    state: ContractState


@dataclass(frozen=True, slots=True)
class Change:
    """One thing the draft decides otherwise. ``before`` and ``after`` say how; ``change_fen``: by how much, where it is
    money (more to the family, or more required, is positive).
    """

    subject: Subject
    institution: str
    item: str
    before: str
    after: str
    change_fen: int
