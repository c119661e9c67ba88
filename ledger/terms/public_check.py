"""What anybody may know of an institution: where its families' money is, and how much of it is there. No names."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from ledger.terms.institution import Institution
from ledger.terms.journal import FundKind


class Cover(StrEnum):
    """How much of what must be there is there. A band and no figure: what one family paid cannot be reckoned out."""

    NOTHING = "nothing"
    WHOLE = "whole"
    NEARLY = "nearly"
    LOW = "low"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class PublicAccount:
    """A custody or reserve account: its bank and the last four digits. ``booked_through``: the last bank day in the
    books; ``closed_through``: the last day that was closed and signed.
    """

    kind: FundKind
    bank: str
    tail: str
    booked_through: date | None
    closed_through: date | None


@dataclass(frozen=True, slots=True)
class PublicFacts:
    """An institution as the books show it to everybody. ``owed_fen``: what custody accounts must hold for families;
    ``due_fen``: what of that the institution has yet to bring in; ``held_fen``: what its reserves hold.
    """

    institution: Institution
    accounts: tuple[PublicAccount, ...]
    owed_fen: int
    due_fen: int
    held_fen: int
