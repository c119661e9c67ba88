"""Rulebooks: dated values per place, each with its source; what is in force somewhere on a day.

A key's value comes from the nearest place (zone, county, city, province, nation) and there from the
newest file in force. The vocabulary of keys is ``ledger/terms/rulebook_key.py``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from enum import StrEnum
from fractions import Fraction

from ledger.errors import BadInput, Message
from ledger.terms.calendar import CalendarDays, joined_days
from ledger.terms.digest import content_digest
from ledger.terms.price_cap import CapTable, PriceCap
from ledger.terms.rulebook_key import KEYS

NATION = "000000"
Scalar = int | str | bool | Fraction | time | tuple[Fraction, ...]


class Confidence(StrEnum):
    """How well a value is known; ``demo`` marks an operator's choice in the demo world."""

    QUOTED = "quoted"
    SECONDARY = "secondary"
    DERIVED = "derived"
    UNCERTAIN = "uncertain"
    DEMO = "demo"


@dataclass(frozen=True, slots=True)
class RuleValue:
    """One value and where it stands. ``value``: fen, hundredths of hours, Fraction of percent, time, text or flag.

    ``dated``: the date as the text shows it, where that is not ``effective_on``; "" otherwise. ``until``: the last day.
    """

    value: Scalar
    source: str
    confidence: Confidence
    place: str
    zone: str
    effective_on: date
    file: str
    note: str = ""
    dated: str = ""
    until: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it is still in force on ``on``."""
        return self.until is None or on <= self.until


@dataclass(frozen=True, slots=True)
class RulebookVersion:
    """One file: a place (zone "" = the whole place) from a day on."""

    place: str
    zone: str
    effective_on: date
    file: str
    name: Message | None
    values: Mapping[str, RuleValue]
    caps: CapTable | None
    digest: str

    def as_of_old(self) -> "RulebookVersion":
        """The same as if it had always been in force: of prices that start at different days the latest alone."""
        return replace(self, effective_on=date.min, caps=None if self.caps is None else self.caps.as_of_old())


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong in a rulebook file. ``reason`` is a code of ``ledger.errors``; ``line`` where it is known.

    ``refused``: the file is not loaded. Otherwise it is: real tables have gaps, and somebody has to look at them.
    """

    file: str
    key: str
    reason: str
    line: int | None = None
    value: object = None
    refused: bool = True

    def refusal(self) -> BadInput:
        """The same as the error that stops loading."""
        where = self.file if self.line is None else f"{self.file}:{self.line}"
        return BadInput(self.reason, where=where, field=self.key, value=self.value)


@dataclass(frozen=True, slots=True)
class RulebookChange:
    """A key or a price band that differs; None where a side has none. ``effective_on``: the day of one file."""

    key: str
    place: str
    zone: str
    before: RuleValue | PriceCap | None
    after: RuleValue | PriceCap | None
    effective_on: date | None = None


@dataclass(frozen=True, slots=True)
class Rate:
    """A published yearly interest rate in percent, from a day on."""

    name: str
    starts_on: date
    percent: Fraction
    source: str
    confidence: Confidence


@dataclass(frozen=True, slots=True)
class Rulebook:
    """What is in force for a place (and zone) on a day.

    ``cap_tables`` stand nearest place first, then newest first. ``digest`` names the content decided
    under.
    """

    place: str
    zone: str
    on: date
    name: Message
    values: Mapping[str, RuleValue]
    cap_tables: tuple[CapTable, ...]
    versions: tuple[str, ...]
    digest: str

    def find(self, key: str) -> RuleValue | None:
        """The value with its source, or None. Raises KeyError for a key outside the vocabulary."""
        if key not in KEYS:
            raise KeyError(f"{key} is no rulebook key")
        return self.values.get(key)

    def __getitem__(self, key: str) -> RuleValue:
        """The value with its source. Raises BadInput RULE_MISSING where no file in force sets it."""
        found = self.find(key)
        if found is None:
            raise BadInput("RULE_MISSING", where=f"{self.place} {self.on}", field=key)
        return found

    def whole(self, key: str) -> int:
        """A count, or fen, or hundredths of class hours."""
        value = self[key].value
        assert isinstance(value, int)
        return value

    def text(self, key: str) -> str:
        """A choice or a text."""
        value = self[key].value
        assert isinstance(value, str)
        return value

    def percent(self, key: str) -> Fraction:
        """A percentage, 12.5 for 12.5 %."""
        value = self[key].value
        assert isinstance(value, Fraction)
        return value

    def percents(self, key: str) -> tuple[Fraction, ...]:
        """Percentages that add up to 100, or shares that rise to 1."""
        value = self[key].value
        assert isinstance(value, tuple)
        return value

    def clock(self, key: str) -> time:
        """A time of day in Shanghai."""
        value = self[key].value
        assert isinstance(value, time)
        return value

    def flag(self, key: str) -> bool:
        """Yes or no."""
        value = self[key].value
        assert isinstance(value, bool)
        return value

    def missing(self) -> tuple[str, ...]:
        """The keys an operator must set (they have no default) and no file in force does."""
        return tuple(key for key, kind in KEYS.items() if kind.mandatory and key not in self.values)


def _composed(place: str, zone: str, on: date, versions: Sequence[RulebookVersion]) -> Rulebook:
    """Files, weakest first, as one rulebook; of each key the last value still in force counts."""
    values = {key: value for version in versions for key, value in version.values.items() if value.holds(on)}
    names = [version.name for version in versions if version.name is not None]
    return Rulebook(
        place=place,
        zone=zone,
        on=on,
        name=names[-1] if names else Message(en=place, zh=place),
        values=values,
        cap_tables=tuple(version.caps for version in reversed(versions) if version.caps is not None),
        versions=tuple(version.file for version in versions),
        digest=content_digest([version.digest for version in versions]),
    )


def levels(place: str) -> tuple[str, ...]:
    """The places a six-digit GB/T 2260 code inherits from, widest first: nation, province, city, itself."""
    return tuple(dict.fromkeys((NATION, f"{place[:2]}0000", f"{place[:4]}00", place)))


@dataclass(frozen=True, slots=True)
class Rulebooks:
    """Every file that was loaded. ``calendars`` by GB/T 2260 code; ``rates`` oldest first."""

    versions: tuple[RulebookVersion, ...]
    calendars: Mapping[str, CalendarDays]
    rates: tuple[Rate, ...] = ()

    def knows(self, place: str) -> bool:
        """Whether any file, of whatever date, is for the place or its city or province."""
        return any(version.place in levels(place)[1:] for version in self.versions)

    def zones(self, place: str) -> tuple[str, ...]:
        """The zones that files name for a place or what it inherits from."""
        chain = levels(place)
        return tuple(sorted({v.zone for v in self.versions if v.place in chain and v.zone}))

    def chain(self, place: str, zone: str, on: date) -> tuple[RulebookVersion, ...]:
        """The files in force, weakest first: wider place before nearer, older before newer.

        Raises BadInput BAD_PLACE for a code that is not six digits, UNKNOWN_ZONE for a zone no file names.
        """
        if not (len(place) == 6 and place.isascii() and place.isdigit()):
            raise BadInput("BAD_PLACE", field="place", value=place)
        if zone and zone not in self.zones(place):
            raise BadInput("UNKNOWN_ZONE", where=place, field="zone", value=zone)
        rank = {code: i for i, code in enumerate(levels(place))}
        chosen = [v for v in self.versions if v.place in rank and v.zone in ("", zone) and v.effective_on <= on]
        return tuple(sorted(chosen, key=lambda v: (rank[v.place], v.zone != "", v.effective_on)))

    def in_force(self, place: str, zone: str, on: date) -> Rulebook:
        """What holds for ``place`` (and ``zone``, "" = none) on the legal day ``on``. Raises as ``chain``."""
        return _composed(place, zone, on, self.chain(place, zone, on))

    def drafted(self, draft: "Rulebooks", place: str, zone: str, on: date) -> Rulebook:
        """What would hold on ``on`` had ``draft`` been in force: in each place its files stand above all others,
        whatever their dates; a file of the same place, zone and day replaces the other.

        Raises as ``chain``; a zone may be named by either.
        """
        replaced = {(version.place, version.zone, version.effective_on) for version in draft.versions}
        standing = [v for v in self.versions if (v.place, v.zone, v.effective_on) not in replaced]
        both = Rulebooks((*standing, *(version.as_of_old() for version in draft.versions)), self.calendars, self.rates)
        drafts = {version.digest for version in draft.versions}
        versions = sorted(
            both.chain(place, zone, on),
            key=lambda v: (levels(place).index(v.place), v.zone != "", v.digest in drafts),
        )
        return _composed(place, zone, on, versions)

    def calendar(self, place: str) -> CalendarDays:
        """Days off, make-up working days and vacations of a place: its own files on top of the nation's."""
        return joined_days(self.calendars[code] for code in levels(place) if code in self.calendars)

    def drafted_calendar(self, draft: "Rulebooks", place: str) -> CalendarDays:
        """The same with the days of a draft: a notice may add days, not take any away."""
        return joined_days((self.calendar(place), draft.calendar(place)))
