"""Bank lines and announced payments that nothing has brought together yet, and what they may be."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class OpenReceipt:
    """Money in that waits in suspense: ``open_fen`` of it is in no match. ``payer`` is opened only where asked for."""

    line_id: UUID
    booked_on: date
    open_fen: int
    match_key: str
    payer_index: bytes | None
    payer: str = ""


@dataclass(frozen=True, slots=True)
class ExpectedPayment:
    """An announced payment, or what no line was matched with of it: ``open_fen`` is what the bank should book."""

    payment_id: UUID
    payment_no: str
    contract_id: UUID
    open_fen: int
    fee_fen: int
    paid_on: date
    match_key: str
    batch_key: str
    payer_index: bytes | None
    payer: str = ""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Lines that may be payments, for a person to decide. ``answers``: 1, or 2 where there is more than one way (then
    ``payments`` are all that any of them names, and nothing may be taken for granted). ``difference_fen``: bank less
    announced.
    """

    rule: str
    line_ids: tuple[UUID, ...]
    payment_ids: tuple[UUID, ...]
    answers: int
    difference_fen: int = 0

    @property
    def ambiguous(self) -> bool:
        """Whether several answers fit."""
        return self.answers > 1
