"""An institution that has closed: the order, what its families would get, what they would rather have."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID


class Choice(StrEnum):
    """What a family wants of a school that closed."""

    REFUND = "refund"
    TRANSFER = "transfer"


@dataclass(frozen=True, slots=True)
class Closed:
    """The competent office's order. ``choose_by``: until when families say what they want; ``news_on``: when they hear
    more. ``confirmed_by``: the second person, without whom it has no effect.
    """

    closed_id: UUID
    closed_on: date
    office: str
    document_no: str
    choose_by: date
    news_on: date
    entered_by: str
    confirmed_by: str | None = None


@dataclass(frozen=True, slots=True)
class Gap:
    """What the institution never brought in for a contract, in fen: its money is not in custody."""

    contract_id: UUID
    due_fen: int


@dataclass(frozen=True, slots=True)
class Entitlement:
    """What a family is owed, where it lies, and what it would get, in fen."""

    owed_fen: int
    in_custody_fen: int
    from_reserve_fen: int

    @property
    def expected_fen(self) -> int:
        return self.in_custody_fen + self.from_reserve_fen

    @property
    def missing_fen(self) -> int:
        return self.owed_fen - self.expected_fen
