"""Bank profiles: how a bank lays out its spreadsheet of movements. Data, read from a TOML file."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Sign(StrEnum):
    """Where a line says whether money came in."""

    COLUMNS = "columns"  # one column for money in, one for money out
    SIGNED = "signed"  # one column, minus is money out
    DEBIT_PLUS = "debit plus"  # one column, minus is money in (credit cards)
    MARK = "mark"  # one column and a word in another: 借 / 贷
    TEXT = "text"  # one column; the memo begins with a word that says so


class Chain(StrEnum):
    """What the running balance is worth."""

    MUST = "must"  # every row follows from the one before, or the file is held
    MAY = "may"  # proves the file where it does; a file where it does not is read, and proves nothing
    NONE = "none"  # there is none


class Decimals(StrEnum):
    """What stands before the decimals of an amount."""

    POINT = "point"
    COMMA = "comma"
    DELIMITER = "by delimiter"  # a comma where semicolons part the cells, else a point


@dataclass(frozen=True, slots=True)
class BankProfile:
    """One layout. ``needed`` and ``optional``: our field -> the headers banks write for it, the first that is there.

    ``generic``: tried only when no other profile fits. ``marks``: the word of a cell (or the beginning of a memo) ->
    money in (True), out (False), neither (None). ``unpaid``: states of a line that moved no money yet.
    ``ends``: first cells with which the table ends. ``totals``: label of the footer's sum -> money in or out.
    ``preamble``: label above the table -> field (account, opening, currency). ``unique``: references never repeat.
    """

    name: str
    title: str
    generic: bool
    currency: str
    sign: Sign
    chain: Chain
    decimals: Decimals
    newest_first: bool | None
    unique: bool
    dates: tuple[str, ...]
    needed: Mapping[str, tuple[str, ...]]
    optional: Mapping[str, tuple[str, ...]]
    marks: Mapping[str, bool | None]
    unpaid: frozenset[str]
    ends: tuple[str, ...]
    totals: Mapping[str, bool]
    preamble: Mapping[str, str]
