"""Lines packed away come out as they went in, in any order."""

from dataclasses import replace

import pytest

from ledger.formats.statement_spool import PACK, Spool
from tests.samples import camt053, read


def test_lines_come_out_as_they_went_in_forwards_and_backwards() -> None:
    (line, *_), _ = read(camt053())
    lines = [replace(line, ord=n, memo=f"学费 {n}") for n in range(2 * PACK + 3)]
    spool = Spool()
    for one in lines:
        spool.append(one)
    assert len(spool) == len(lines)
    places = range(len(lines))
    assert [spool[n] for n in places] == lines
    assert [spool[n] for n in reversed(places)] == lines[::-1]
    for beyond in (-1, len(lines)):
        with pytest.raises(IndexError):
            spool[beyond]
    assert len(Spool()) == 0
