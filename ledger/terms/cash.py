"""Cash an institution took from a family: it must be in the custody account within the place's days."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class CashReceipt:
    """``receipt_no`` is the institution's own number and the key. ``due_on``: the last day for the bank to book it."""

    receipt_no: str
    contract_id: UUID
    amount_fen: int
    received_on: date
    due_on: date


@dataclass(frozen=True, slots=True)
class CashLate:
    """What of a receipt the bank had not booked in time, in fen."""

    receipt: CashReceipt
    missing_fen: int
