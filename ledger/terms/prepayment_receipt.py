"""A prepayment in reserve mode: the institution holds the money, its receipt says so."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Receipt:
    """``receipt_no`` is the institution's own number and the key: the same receipt is booked once.
    ``amount_fen`` > 0.
    """

    receipt_no: str
    contract_id: UUID
    amount_fen: int
    paid_on: date
