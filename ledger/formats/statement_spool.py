"""The lines of a statement, kept small while the file is read: nothing is to be done with them before its verdict."""

import pickle
import zlib
from dataclasses import fields
from operator import attrgetter
from typing import Any, Final

from ledger.terms.statement import StatementLine

PACK: Final = 500
_FIELDS: Final = attrgetter(*(field.name for field in fields(StatementLine)))


class Spool:
    """Lines by their place, from 0, in memory only: packs of ``PACK``, a tenth of their size. Read in order or
    backwards, a pack is opened once.
    """

    def __init__(self) -> None:
        self._packs: list[bytes] = []
        self._open: list[tuple[Any, ...]] = []
        self._read: tuple[int, list[tuple[Any, ...]]] = (-1, [])

    def append(self, line: StatementLine) -> None:
        """Take in the next line."""
        self._open.append(_FIELDS(line))
        if len(self._open) == PACK:
            self._packs.append(zlib.compress(pickle.dumps(self._open, protocol=5), 1))
            self._open = []

    def __len__(self) -> int:
        return len(self._packs) * PACK + len(self._open)

    def __getitem__(self, place: int, /) -> StatementLine:
        if not 0 <= place < len(self):
            raise IndexError(place)
        pack, within = divmod(place, PACK)
        if pack == len(self._packs):
            return StatementLine(*self._open[within])
        if self._read[0] != pack:
            # our own bytes, never out of this process
            self._read = pack, pickle.loads(zlib.decompress(self._packs[pack]))
        return StatementLine(*self._read[1][within])
