"""The values of a rulebook key as written in TOML. Money, hours and shares are decimal strings, never TOML floats."""

import re
from collections.abc import Callable, Mapping
from datetime import time
from fractions import Fraction
from itertools import pairwise
from typing import Final

from ledger.errors import BadInput
from ledger.money import fen_from_text, hours_from_text, hours_text, round_half_up, yuan
from ledger.terms.rulebook import Scalar
from ledger.terms.rulebook_key import KEYS, Key, Kind


class Point(str):
    """A TOML number with a point, kept as written: no key takes one, and the finding shows what stood there."""

    __slots__ = ()


_CLOCK = re.compile(r"([01][0-9]|2[0-3]):([0-5][0-9])")
_SHARE = re.compile(r"[0-9]{1,3}(?:/[1-9][0-9]{0,2})?")
_PERCENT_MAX = 1000


def read_value(key: str, written: object) -> Scalar:
    """The value of a known ``key``: see ``Kind`` for shapes. Raises BadInput RULE_NUMBER, RULE_CHOICE or RULE_EMPTY."""
    rule = KEYS[key]
    return _READERS[rule.kind](rule, written)


def write_value(key: str, value: Scalar) -> str:
    """The value as a rulebook file writes it, without quotes: what people read."""
    match KEYS[key].kind:
        case Kind.YUAN:
            return yuan(_number(value))
        case Kind.HOURS:
            return hours_text(_number(value))
        case Kind.PERCENT:
            return _percent_text(value)
        case Kind.PERCENTS:
            return "/".join(_percent_text(part) for part in _parts(value))
        case Kind.SHARES:
            return ", ".join(str(part) for part in _parts(value))
        case Kind.CLOCK:
            return str(value)[: len("20:30")]
        case Kind.FLAG:
            return "true" if value else "false"
    return str(value)


def _number(value: Scalar) -> int:
    assert isinstance(value, int)
    return value


def _parts(value: Scalar) -> tuple[Fraction, ...]:
    assert isinstance(value, tuple)
    return value


def _percent_text(value: Scalar) -> str:
    assert isinstance(value, Fraction)
    return hours_text(round_half_up(value * 100))


def _whole(rule: Key, written: object) -> int:
    if isinstance(written, bool) or not isinstance(written, int) or not rule.minimum <= written <= rule.maximum:
        raise BadInput("RULE_NUMBER")
    return written


def _yuan(rule: Key, written: object) -> int:
    return _at_least(rule, fen_from_text(_plain(written)))


def _hours(rule: Key, written: object) -> int:
    return _at_least(rule, hours_from_text(_plain(written)))


def _plain(written: object) -> object:
    """A string as written; a TOML number with a point arrives as ``Point`` and is refused like any other number."""
    if isinstance(written, Point):
        raise BadInput("RULE_NUMBER")
    return written


def _at_least(rule: Key, found: int) -> int:
    if found < rule.minimum:
        raise BadInput("RULE_NUMBER")
    return found


def _percent(_rule: Key, written: object) -> Fraction:
    found = Fraction(fen_from_text(_plain(written)), 100)
    if found > _PERCENT_MAX:
        raise BadInput("RULE_NUMBER")
    return found


def _percents(rule: Key, written: object) -> tuple[Fraction, ...]:
    found = tuple(_percent(rule, part) for part in written.split("/")) if isinstance(written, str) else ()
    if sum(found) != 100:
        raise BadInput("RULE_NUMBER")
    return found


def _shares(_rule: Key, written: object) -> tuple[Fraction, ...]:
    """Shares of the whole as fractions, each above the one before, the last one 1."""
    parts = [part.strip() for part in written.split(",")] if isinstance(written, str) else []
    if not parts or not all(_SHARE.fullmatch(part) for part in parts):
        raise BadInput("RULE_NUMBER")
    found = tuple(Fraction(part) for part in parts)
    if found[-1] != 1 or found[0] <= 0 or any(after <= before for before, after in pairwise(found)):
        raise BadInput("RULE_NUMBER")
    return found


def _clock(_rule: Key, written: object) -> time:
    found = _CLOCK.fullmatch(written) if isinstance(written, str) else None
    if found is None:
        raise BadInput("RULE_CLOCK")
    return time(int(found[1]), int(found[2]))


def _choice(rule: Key, written: object) -> str:
    if not isinstance(written, str) or written not in rule.choices:
        raise BadInput("RULE_CHOICE")
    return written


def _text(_rule: Key, written: object) -> str:
    if isinstance(written, Point) or not isinstance(written, str) or not written.strip():
        raise BadInput("RULE_EMPTY")
    return written


def _flag(_rule: Key, written: object) -> bool:
    if not isinstance(written, bool):
        raise BadInput("RULE_CHOICE")
    return written


_READERS: Final[Mapping[Kind, Callable[[Key, object], Scalar]]] = {
    Kind.WHOLE: _whole,
    Kind.YUAN: _yuan,
    Kind.HOURS: _hours,
    Kind.PERCENT: _percent,
    Kind.PERCENTS: _percents,
    Kind.SHARES: _shares,
    Kind.CLOCK: _clock,
    Kind.CHOICE: _choice,
    Kind.TEXT: _text,
    Kind.FLAG: _flag,
}
