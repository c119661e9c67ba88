"""The band of an institution's cover, for the public check: at least all, nine tenths and more, or less."""

from fractions import Fraction
from typing import Final

from ledger.terms.public_check import Cover

NEARLY: Final = Fraction(9, 10)


def cover(have_fen: int, must_fen: int) -> Cover:
    """How much of ``must_fen`` is there."""
    if must_fen <= 0:
        return Cover.NOTHING
    if have_fen >= must_fen:
        return Cover.WHOLE
    return Cover.NEARLY if Fraction(have_fen, must_fen) >= NEARLY else Cover.LOW
