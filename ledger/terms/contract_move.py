"""Contracts that go on in another custody account: what stands in the way, what is on the way, what arrives."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger.terms.contract import ContractBalance
from ledger.terms.institution import Payee


class Stay(StrEnum):
    """Why a contract stays where it is for now."""

    REFUND_OPEN = "MOVE_REFUND_OPEN"
    LESSON_OPEN = "MOVE_LESSON_OPEN"
    DUE = "MOVE_DUE"
    HELD = "MOVE_HELD"


@dataclass(frozen=True, slots=True)
class MoveCandidate:
    """A contract of the account with money in it. ``refund_open``: one is on its way, or was approved before;
    ``lesson_open``: hours put down that are not released or taken back.
    """

    contract_id: UUID
    contract_no: str
    refund_open: bool
    lesson_open: bool


@dataclass(frozen=True, slots=True)
class PaymentMade:
    """A payment of a contract as it stands: ``left_fen`` of it was not given back, ``moved_fen`` of that is on its way
    to the other account. ``payer``: who made it, where the bank says so.
    """

    payment_id: UUID
    paid_on: date
    left_fen: int
    moved_fen: int
    payer: Payee | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A contract on its way to this account. ``payments`` oldest first, with the ids they will have here; ``mode``: how
    it is taught.
    """

    contract_id: UUID
    successor: ContractBalance
    hours_released: int
    payments: tuple[PaymentMade, ...]
    mode: str

    @property
    def paid_fen(self) -> int:
        return sum(payment.left_fen for payment in self.payments)

    @property
    def moved_fen(self) -> int:
        return sum(payment.moved_fen for payment in self.payments)


@dataclass(frozen=True, slots=True)
class Chain:
    """The contract a chain of successors began with, and how many there are."""

    first_id: UUID
    contract_no: str
    payment_reference: str
    moves: int

    def next(self, name: str) -> str:
        """A number or reference for the next one: HT000001/2, then /3."""
        return f"{name}/{self.moves + 2}"
