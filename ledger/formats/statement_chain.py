"""The running balance of a sheet, walked in both directions at once: which one holds, and where it breaks."""

from typing import NamedTuple


class _Step(NamedTuple):
    balance_fen: int
    effect_fen: int


class RunningBalance:
    """Fed row by row with the balance after it and what the row did to it."""

    def __init__(self) -> None:
        self._first: _Step | None = None
        self._last: _Step | None = None
        self._rows = 0
        self._missing = ""
        # newest first? -> (row, where) of the first break
        self._breaks: dict[bool, tuple[int, str]] = {}

    def take(self, where: str, effect_fen: int, balance_fen: int | None) -> None:
        """A row; without a balance nothing is proved any more."""
        self._rows += 1
        if balance_fen is None:
            self._missing = self._missing or where
            return
        step, before = _Step(balance_fen, effect_fen), self._last
        if before is not None:
            if balance_fen != before.balance_fen + effect_fen:
                self._breaks.setdefault(False, (self._rows, where))
            if before.balance_fen != balance_fen + before.effect_fen:
                self._breaks.setdefault(True, (self._rows, where))
        self._first = self._first or step
        self._last = step

    def newest_first(self, expected: bool) -> bool:
        """Whether the rows run backwards: the direction that holds, or holds longer; else what was expected."""
        row = {way: self._breaks.get(way, (self._rows + 1, ""))[0] for way in (False, True)}
        return expected if row[False] == row[True] else row[True] > row[False]

    def broken_at(self, newest_first: bool) -> str:
        """Where the balance does not follow; "" where it holds throughout."""
        return self._missing or self._breaks.get(newest_first, (0, ""))[1]

    def ends(self, newest_first: bool) -> tuple[int, int] | None:
        """(opening, closing) of the rows in their time; None without a balance."""
        if self._first is None or self._last is None:
            return None
        oldest, newest = (self._last, self._first) if newest_first else (self._first, self._last)
        return oldest.balance_fen - oldest.effect_fen, newest.balance_fen
