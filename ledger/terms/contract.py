"""A contract as its rules and its money see it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class ContractBalance:
    """The contract row of the books: every sum of one family's contract in fen, hours in hundredths.

    ``price_fen`` is the price in force (a later, lower price replaces the signed one); what may be paid at most is the
    signed price, which the database keeps.
    """

    contract_id: UUID
    fund_no: int
    price_fen: int
    hours_total: int
    paid_fen: int = 0
    released_fen: int = 0
    refunded_fen: int = 0
    held_fen: int = 0
    due_fen: int = 0
    refund_due_fen: int = 0
    hours_released: int = 0
    price_signed_fen: int = 0

    @property
    def claim_fen(self) -> int:
        """What stands for hours not yet taught."""
        return self.paid_fen - self.released_fen - self.refunded_fen

    @property
    def free_fen(self) -> int:
        """The claim less what is held."""
        return self.claim_fen - self.held_fen

    @property
    def payable_room_fen(self) -> int:
        """What may still be paid in: signed price less paid."""
        return (self.price_signed_fen or self.price_fen) - self.paid_fen


@dataclass(frozen=True, slots=True)
class Payment:
    """One payment of a contract: ``paid_fen`` came in with it, ``refunded_fen`` of it went back."""

    payment_id: UUID
    paid_fen: int
    refunded_fen: int

    @property
    def left_fen(self) -> int:
        return self.paid_fen - self.refunded_fen


@dataclass(frozen=True, slots=True)
class Contract:
    """A signed contract. Hours in hundredths; ``months`` where the contract counts time as well.

    ``gift_money_fen``: of a stored-value card, 0 where it has none; None for any other contract. ``charged_states``:
    the attendance states the contract says are charged; None where it says nothing. ``rules``: what the rulebook in
    force at signing says of it (``ledger/formats/contract_rules.py``); None for contracts signed before it was kept.
    """

    institution_id: int
    contract_id: UUID
    contract_no: str
    payment_reference: str
    course_id: UUID
    student_id: UUID
    fund_no: int
    price_fen: int
    list_price_fen: int | None
    hours_bought: int
    hours_gifted: int
    months: int | None
    first_lesson_on: date
    signed_on: date
    funded_by_loan: bool
    rulebook: str
    rulebook_digest: bytes
    gift_money_fen: int | None = None
    charged_states: tuple[str, ...] | None = None
    rules: Mapping[str, object] | None = None


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """A published course."""

    course_id: UUID
    code: str
    name: str
    subject: str
    category: str
    stage: str
    mode: str
    lesson_price_fen: int = 0
