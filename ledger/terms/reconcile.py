"""The day's figures of one bank account."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Break:
    """Something a person must look at: kind, owner, what it is about and until when."""

    break_id: UUID
    kind: str
    amount_fen: int
    owner: str
    reason: str
    opened_on: date
    due_on: date
    contract_no: str | None


@dataclass(frozen=True, slots=True)
class DayFigures:
    """Three-way figures of an account: the bank's closing balance, the cash book, and what the cash is owed to.

    ``bank_fen`` None: no believed statement yet. ``classes``: the balance of every class of the fund on its normal
    side.
    ``items_fen``: what open items (lines, instructions, breaks) add up to, by class.
    """

    institution_id: int
    account_no: str
    on: date
    statement_id: str | None
    bank_fen: int | None
    book_fen: int
    classes: dict[str, int]
    items_fen: dict[str, int]
    breaks: tuple[Break, ...]

    @property
    def difference_fen(self) -> int | None:
        """Bank less books; None without a statement."""
        return None if self.bank_fen is None else self.bank_fen - self.book_fen

    @property
    def explained(self) -> bool:
        """Whether bank and books agree and every item account equals its open items."""
        agree = all(self.classes.get(name, 0) == fen for name, fen in self.items_fen.items())
        return self.difference_fen == 0 and agree


@dataclass(frozen=True, slots=True)
class OpenDay:
    """Open items of one kind that were opened on one day and are due on another (None: by the kind's own days)."""

    kind: str
    opened_on: date
    due_on: date | None
    count: int
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Ageing:
    """Open items of one kind by age in bank days: ``counts`` and ``amounts_fen`` by the buckets of
    ``rules.reconcile.BUCKETS``; ``overdue`` are past their last day.
    """

    kind: str
    counts: tuple[int, ...]
    amounts_fen: tuple[int, ...]
    overdue: int
    oldest_on: date
