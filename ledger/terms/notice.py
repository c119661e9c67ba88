"""What a family is told of its refund without asking, and when."""

from dataclasses import dataclass
from datetime import date
from typing import Final
from uuid import UUID

from ledger.terms.refund_request import RefundState

# Days after the asking on which a family hears where its refund is (14: the last day to be paid is over or near).
DAYS: Final = (0, 5, 10, 14)


@dataclass(frozen=True, slots=True)
class OpenRefund:
    """A refund that is not closed, with one guardian to tell; ``told``: the days that were."""

    refund_id: UUID
    guardian_id: UUID
    amount_fen: int
    asked_on: date
    answer_by: date
    pay_by: date
    state: RefundState
    phone: str
    told: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to be sent: whose, of which day, to which phone, and what it says (Chinese)."""

    refund_id: UUID
    guardian_id: UUID
    day: int
    kind: str
    to: str
    text: str
