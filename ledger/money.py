"""Money as integer fen, and nothing else.

Amounts are ``int`` fen (1 yuan = 100 fen) everywhere below the edges. Shares and unit prices are
``Fraction``; they are rounded once, where a rule says so. Text is turned into fen by one pattern,
checked before any number type sees it: ``Decimal`` would take "NaN", "1E3" and full-width digits.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from ledger.errors import BadInput

FEN_PER_YUAN = 100
# 11 digits before the point: below 100 billion yuan, the most one transfer may move, so that sums stay inside bigint.
_AMOUNT = re.compile(r"(-?)(\d{1,11})(?:\.(\d{1,2}))?", re.ASCII)
_HOURS = re.compile(r"(\d{1,7})(?:\.(\d{1,2}))?", re.ASCII)


def fen_from_text(text: object, *, where: str = "", field: str = "amount", signed: bool = False) -> int:
    """Read yuan as written ("1234.50") into fen. Raises BadInput BAD_AMOUNT; no sign unless ``signed``."""
    found = _AMOUNT.fullmatch(text) if isinstance(text, str) else None
    if found is None or (found[1] and not signed):
        raise BadInput("BAD_AMOUNT", where=where, field=field, value=text)
    fen = int(found[2]) * FEN_PER_YUAN + int((found[3] or "").ljust(2, "0"))
    return -fen if found[1] else fen


def yuan(fen: int) -> str:
    """Fen as yuan with two digits and a plain minus: -5 -> "-0.05"."""
    whole, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'-' if fen < 0 else ''}{whole}.{rest:02d}"


def yuan_grouped(fen: int) -> str:
    """Fen for people: 123450 -> "1,234.50", the minus as U+2212."""
    whole, rest = divmod(abs(fen), FEN_PER_YUAN)
    return f"{'−' if fen < 0 else ''}{whole:,}.{rest:02d}"


def hours_from_text(text: object, *, where: str = "", field: str = "hours") -> int:
    """Read class hours ("17.5") into integer hundredths. Raises BadInput BAD_HOURS."""
    found = _HOURS.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        raise BadInput("BAD_HOURS", where=where, field=field, value=text)
    return int(found[1]) * 100 + int((found[2] or "").ljust(2, "0"))


def hours_text(hundredths: int) -> str:
    """Hundredths of a class hour as people write them: 1750 -> "17.5", 200 -> "2"."""
    whole, rest = divmod(hundredths, 100)
    return f"{whole}.{rest:02d}".rstrip("0") if rest else str(whole)


def round_half_up(share: Fraction) -> int:
    """The one rounding of money: half up to the fen, away from zero for negative amounts."""
    return ratio_half_up(share.numerator, share.denominator)


def ratio_half_up(numerator: int, denominator: int) -> int:
    """The same for ``numerator / denominator`` (> 0) not brought to lowest terms, which costs more than the rest."""
    magnitude = (abs(numerator) * 2 + denominator) // (denominator * 2)
    return magnitude if numerator >= 0 else -magnitude


def split_by_largest_remainder(total_fen: int, weights: Sequence[int]) -> list[int]:
    """Share ``total_fen`` by ``weights`` (all >= 0) so that the parts add up exactly.

    Whole fen are cut first, the rest goes one fen each to the largest remainders; equal remainders
    are served in the order given (callers sort by claim id). A sum of weights of 0 gives all zeros
    and is only allowed for a total of 0.
    """
    whole = sum(weights)
    if total_fen < 0 or any(weight < 0 for weight in weights) or (whole == 0 and total_fen):
        raise ValueError("a split needs a total >= 0 and weights >= 0 that are not all zero")
    if whole == 0:
        return [0] * len(weights)
    parts = [total_fen * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total_fen * weights[i] % whole), i))
    for i in by_remainder[: total_fen - sum(parts)]:
        parts[i] += 1
    return parts
