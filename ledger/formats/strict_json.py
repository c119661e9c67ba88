"""One JSON object from outside, read strictly: every key is asked for by its path, amounts and hours are strings.

A number where a string belongs, a key that stands twice and one that nobody knows are refused with their path, so that
nobody is paid on a typing error.
"""

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

from ledger.errors import BadInput
from ledger.formats.csv_table import day_from_text
from ledger.formats.plain_text import is_plain
from ledger.money import fen_from_text, hours_from_text

# JSON can spell half of a character; no file or screen can show it.
_LONE_HALF: Final = re.compile("[\ud800-\udfff]")


def read_object(content: bytes, file: str) -> Mapping[str, object]:
    """The object of a file in UTF-8. Raises BadInput JSON_UNREADABLE, CASE_NOT_OBJECT."""

    def no_constant(written: str) -> object:
        raise ValueError(written)

    try:
        # A number with a point stays text of its own kind, so that no binary fraction is ever taken for money.
        found: object = json.loads(
            content.decode("utf-8-sig"),
            object_pairs_hook=_pairs_once,
            parse_float=Point,
            parse_constant=no_constant,
        )
    except (ValueError, RecursionError) as fault:
        raise BadInput("JSON_UNREADABLE", where=file, value=str(fault)) from None
    if not isinstance(found, dict):
        raise BadInput("CASE_NOT_OBJECT", where=file)
    return found


class Point(str):
    """A JSON number with a point as written; not a string of the format."""

    __slots__ = ()


def _pairs_once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key stands twice")
    return found


@dataclass(frozen=True, slots=True)
class Part:
    """One object of the file and its path; reads its own keys. Each reader raises BadInput with the path."""

    file: str
    path: str
    keys: Mapping[str, object]

    def at(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def refusal(self, code: str, key: str) -> BadInput:
        return BadInput(code, where=self.file, field=self.at(key), value=self.keys.get(key))

    def only(self, allowed: Collection[str]) -> None:
        for key in self.keys:
            if key not in allowed:
                raise BadInput("CASE_UNKNOWN_KEY", where=self.file, field=self.at(key))

    def part(self, key: str, allowed: Collection[str]) -> "Part":
        found = self.keys.get(key)
        if not isinstance(found, dict):
            raise self.refusal("CASE_KEY_MISSING" if key not in self.keys else "CASE_NOT_OBJECT", key)
        inner = Part(self.file, self.at(key), found)
        inner.only(allowed)
        return inner

    def text(self, key: str) -> str:
        found = self.keys.get(key)
        if key not in self.keys:
            raise self.refusal("CASE_KEY_MISSING", key)
        if not isinstance(found, str) or isinstance(found, Point) or not found.strip() or _LONE_HALF.search(found):
            raise self.refusal("CASE_TEXT", key)
        return found

    def personal(self, key: str, length_max: int = 120) -> str:
        """A text about a person: one line, never shown in a refusal."""
        try:
            found = self.text(key)
        except BadInput as fault:
            raise BadInput(fault.code, where=self.file, field=self.at(key)) from None
        if len(found) > length_max or not is_plain(found):
            raise BadInput("BAD_TEXT", where=self.file, field=self.at(key))
        return found.strip()

    def line(self, key: str, length_max: int = 120) -> str:
        """A text of one line."""
        found = self.text(key)
        if len(found) > length_max or not is_plain(found):
            raise self.refusal("BAD_TEXT", key)
        return found.strip()

    def whole(self, key: str, most: int) -> int:
        """A whole JSON number, 1 to ``most``."""
        found = self.keys.get(key)
        if key not in self.keys:
            raise self.refusal("CASE_KEY_MISSING", key)
        if not isinstance(found, int) or isinstance(found, bool) or not 1 <= found <= most:
            raise self.refusal("RULE_NUMBER", key)
        return found

    def choice(self, key: str, allowed: Collection[str]) -> str:
        """One of some words."""
        found = self.text(key)
        if found not in allowed:
            raise self.refusal("RULE_CHOICE", key)
        return found

    def parts(self, key: str, allowed: Collection[str]) -> Iterator["Part"]:
        """The objects of a list, each under its place: ``contracts[3]``."""
        found = self.keys.get(key)
        if not isinstance(found, list):
            raise self.refusal("CASE_KEY_MISSING" if key not in self.keys else "CASE_LIST_WANTED", key)
        for place, one in enumerate(found):
            path = f"{self.at(key)}[{place}]"
            if not isinstance(one, dict):
                raise BadInput("CASE_NOT_OBJECT", where=self.file, field=path)
            inner = Part(self.file, path, one)
            inner.only(allowed)
            yield inner

    def fen(self, key: str) -> int:
        if key not in self.keys:
            raise self.refusal("CASE_KEY_MISSING", key)
        return fen_from_text(self._string(key), where=self.file, field=self.at(key))

    def fen_or_none(self, key: str) -> int | None:
        return self.fen(key) if key in self.keys else None

    def hours_or_none(self, key: str) -> int | None:
        if key not in self.keys:
            return None
        return hours_from_text(self._string(key), where=self.file, field=self.at(key))

    def hours(self, key: str) -> int:
        if key not in self.keys:
            raise self.refusal("CASE_KEY_MISSING", key)
        return self.hours_or_none(key) or 0

    def flag(self, key: str) -> bool:
        """True or false; absent means false."""
        found = self.keys.get(key, False)
        if not isinstance(found, bool):
            raise self.refusal("CASE_FLAG", key)
        return found

    def day_or_none(self, key: str) -> date | None:
        if key not in self.keys:
            return None
        found = day_from_text(self._string(key))
        if found is None:
            raise self.refusal("BAD_DATE", key)
        return found

    def day(self, key: str) -> date:
        found = self.day_or_none(key)
        if found is None:
            raise self.refusal("CASE_KEY_MISSING", key)
        return found

    def months(self, key: str) -> Fraction:
        """Months as a whole JSON number or a decimal string."""
        found = self.keys[key]
        if isinstance(found, int) and not isinstance(found, bool):
            found = str(found)
        written = None if isinstance(found, Point) else found
        return Fraction(hours_from_text(written, where=self.file, field=self.at(key)), 100)

    def _string(self, key: str) -> object:
        found = self.keys[key]
        return None if isinstance(found, Point) else found
