"""Rulebook files into terms: ``<gb2260 code>[-<zone>]-<effective date>.toml`` with a price table of the same name.

A file is a set of tables of keys; each key holds ``value``, ``source``, ``confidence`` and, where they
help, ``note``, ``dated``: what the text shows of its date where that is not the day in the file's name
("date unknown", "2021-09, day not shown"), and ``until``: the last day it was in force.
``name = { zh = "...", en = "..." }`` may stand on top. A zone is a part of a place, or a trade, with rules of its
own. Either file of a pair may stand alone. Nothing is guessed: a key, a number or a date that does not fit is
refused with its file and key.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Final

from ledger.errors import BadInput, Message
from ledger.formats.calendar import read_calendar, read_rates
from ledger.formats.csv_table import broken_line, day_from_text, refuse
from ledger.formats.price_cap import read_caps
from ledger.formats.rulebook_value import Point, read_value
from ledger.money import yuan
from ledger.terms.calendar import CalendarDays, joined_days
from ledger.terms.digest import content_digest
from ledger.terms.price_cap import CapTable, PriceCap
from ledger.terms.rulebook import (
    NATION,
    Confidence,
    Finding,
    Rate,
    Rulebooks,
    RulebookVersion,
    RuleValue,
    Scalar,
    levels,
)
from ledger.terms.rulebook_key import KEYS

BUILT_IN: Final = Path(__file__).resolve().parent.parent / "rulebooks"
_NAME = re.compile(r"([0-9]{6})(?:-(\w[\w-]*?))?-([0-9]{4}-[0-9]{2}-[0-9]{2})")
_CALENDAR_NAME = re.compile(r"calendar-(cn|[0-9]{6})")
_AT_LINE = re.compile(r"at line ([0-9]+)")
_ENTRY = ("value", "source", "confidence", "note", "dated", "until")
_OPTIONAL_TEXTS = ("note", "dated")


def load_rulebooks(dirs: Sequence[Path]) -> Rulebooks:
    """Read every rulebook of ``dirs`` (usually ``BUILT_IN`` and an operator's folder; sub-folders are not read).

    Raises BadInput with file and key for anything ``lint`` would find, RULE_OVERLAP for one place, zone
    and date stated differently in two folders, RULEBOOK_DIR_MISSING for a folder that is not there.
    """
    versions: dict[tuple[str, str, date], RulebookVersion] = {}
    calendars: dict[str, CalendarDays] = {}
    rates: dict[tuple[str, date], Rate] = {}
    for folder in dict.fromkeys(path.resolve() for path in dirs):
        reading = _Reading(folder)
        refuse(reading.findings)
        for version in reading.versions:
            twin = versions.setdefault((version.place, version.zone, version.effective_on), version)
            if twin.digest != version.digest:
                raise BadInput("RULE_OVERLAP", where=f"{folder.name}/{version.file}", field="effective date")
        for code, days in reading.calendars.items():
            calendars[code] = joined_days((calendars[code], days)) if code in calendars else days
        rates |= {(rate.name, rate.starts_on): rate for rate in reading.rates}
    return Rulebooks(
        versions=tuple(versions[key] for key in sorted(versions)),
        calendars=calendars,
        rates=tuple(sorted(rates.values(), key=lambda rate: (rate.starts_on, rate.name))),
    )


def lint(folder: Path) -> list[Finding]:
    """Everything that is wrong in one folder, by file and line. Raises BadInput RULEBOOK_DIR_MISSING."""
    return sorted(_Reading(folder).findings, key=lambda finding: (finding.file, finding.line or 0, finding.key))


class _Reading:
    """One folder as it stands: versions, calendars, rates, and every finding on the way."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise BadInput("RULEBOOK_DIR_MISSING", where=str(folder))
        self.findings: list[Finding] = []
        self.versions: list[RulebookVersion] = []
        self.calendars: dict[str, CalendarDays] = {}
        self.rates: tuple[Rate, ...] = ()
        stems: dict[str, dict[str, Path]] = {}
        for path in sorted(folder.iterdir()):
            if path.suffix in (".toml", ".csv"):
                stems.setdefault(path.stem, {})[path.suffix] = path
        for stem, paths in stems.items():
            self._read(stem, paths)
        self._look_at_zones()

    def _read(self, stem: str, paths: Mapping[str, Path]) -> None:
        table = paths.get(".csv")
        if table is not None and (named := _CALENDAR_NAME.fullmatch(stem)):
            days, found = read_calendar(table.read_bytes(), table.name)
            self.calendars[NATION if named[1] == "cn" else named[1]] = days
            self.findings += found
        elif table is not None and stem == "rates-cn":
            self.rates, found = read_rates(table.read_bytes(), table.name)
            self.findings += found
        else:
            self._read_version(stem, paths)

    def _read_version(self, stem: str, paths: Mapping[str, Path]) -> None:
        named = _NAME.fullmatch(stem)
        effective_on = day_from_text(named[3]) if named else None
        if named is None or effective_on is None:
            self.findings += [Finding(path.name, "", "RULEBOOK_NAME") for path in paths.values()]
            return
        place, zone = named[1], named[2] or ""
        name, values = None, {}
        if ".toml" in paths:
            text = _Toml(paths[".toml"], place, zone, effective_on)
            self.findings += text.findings
            name, values = text.name, text.values
        rows: tuple[PriceCap, ...] = ()
        if ".csv" in paths:
            printed = "price_cap.bands_as_printed" in values and values["price_cap.bands_as_printed"].value is True
            table = paths[".csv"]
            rows, found = read_caps(table.read_bytes(), table.name, place, bands_as_printed=printed)
            self.findings += found
        caps = CapTable(place, zone, effective_on, stem, rows) if rows else None
        digest = _digest(place, zone, effective_on, values, rows)
        self.versions.append(RulebookVersion(place, zone, effective_on, stem, name, values, caps, digest))

    def _look_at_zones(self) -> None:
        """Where a place names its zones, a file of another zone is a slip of the pen."""
        for version in self.versions:
            wider = [v for v in self.versions if v.place in levels(version.place) and "place.zones" in v.values]
            named = {zone.strip() for v in wider for zone in str(v.values["place.zones"].value).split(",")}
            if version.zone and named and version.zone not in named:
                self.findings.append(Finding(version.file, "zone", "RULEBOOK_ZONE", value=version.zone))


class _Toml:
    """One TOML file: its name and values, or findings."""

    def __init__(self, path: Path, place: str, zone: str, effective_on: date) -> None:
        self.file = path.name
        self.findings: list[Finding] = []
        self.name: Message | None = None
        self.values: dict[str, RuleValue] = {}
        self._effective_on = effective_on
        self._lines: dict[str, int] = {}
        try:
            content = path.read_bytes().decode("utf-8-sig")
            # Numbers with a point stay text, so that no binary fraction ever stands for money or a share.
            tables = tomllib.loads(content, parse_float=Point)
        except UnicodeDecodeError as fault:
            line = broken_line(path.read_bytes(), fault)
            self.findings.append(Finding(self.file, "", "TOML_UNREADABLE", line, str(fault)))
            return
        except (tomllib.TOMLDecodeError, RecursionError) as fault:
            at = _AT_LINE.search(str(fault))
            self.findings.append(Finding(self.file, "", "TOML_UNREADABLE", int(at[1]) if at else None, str(fault)))
            return
        self._lines = _key_lines(content)
        self.name = self._read_name(tables.pop("name", None))
        for key, entry in _entries(tables):
            if key not in KEYS:
                self._flaw(key, "RULE_UNKNOWN_KEY")
            elif (value := self._read_entry(key, entry)) is not None:
                found, source, confidence, note, dated, until = value
                self.values[key] = RuleValue(
                    found, source, confidence, place, zone, effective_on, path.stem, note, dated, until
                )

    def _flaw(self, key: str, reason: str, value: object = None) -> None:
        parents = [key.rsplit(".", cut)[0] for cut in range(key.count(".") + 1)]
        line = next((self._lines[name] for name in parents if name in self._lines), None)
        self.findings.append(Finding(self.file, key, reason, line, value))

    def _read_name(self, entry: object) -> Message | None:
        if entry is None:
            return None
        if isinstance(entry, dict) and set(entry) == {"zh", "en"} and all(_is_text(text) for text in entry.values()):
            return Message(en=entry["en"], zh=entry["zh"])
        self._flaw("name", "RULEBOOK_PLACE_NAME")
        return None

    def _read_entry(self, key: str, entry: object) -> tuple[Scalar, str, Confidence, str, str, date | None] | None:
        if not isinstance(entry, dict):
            self._flaw(key, "RULE_ENTRY", entry)
            return None
        before = len(self.findings)
        for name in entry:
            if name not in _ENTRY:
                self._flaw(f"{key}.{name}", "RULE_UNKNOWN_KEY")
        for name in ("source", "confidence"):
            if not _is_text(entry.get(name)):
                self._flaw(f"{key}.{name}", "RULE_EMPTY", entry.get(name))
        for name in _OPTIONAL_TEXTS:
            if name in entry and not _is_text(entry[name]):
                self._flaw(f"{key}.{name}", "RULE_EMPTY", entry[name])
        if entry.get("confidence") not in list(Confidence) and _is_text(entry.get("confidence")):
            self._flaw(f"{key}.confidence", "RULE_CHOICE", entry["confidence"])
        until = day_from_text(entry.get("until"))
        if "until" in entry and (until is None or until < self._effective_on):
            self._flaw(f"{key}.until", "BAD_DATE", entry["until"])
        try:
            value = read_value(key, entry.get("value"))
        except BadInput as fault:
            self._flaw(f"{key}.value", fault.code, entry.get("value"))
            return None
        if len(self.findings) > before:
            return None
        note, dated = (entry.get(name, "") for name in _OPTIONAL_TEXTS)
        return value, entry["source"], Confidence(entry["confidence"]), note, dated, until


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, Point) and bool(value.strip())


def _entries(tables: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """``group.key`` and its entry; whatever stands outside a group comes as it is and is refused."""
    for group, table in tables.items():
        if isinstance(table, dict):
            yield from ((f"{group}.{name}", entry) for name, entry in table.items())
        else:
            yield group, table


def _key_lines(content: str) -> dict[str, int]:
    """Where each dotted key is first written, for findings: tomllib does not tell."""
    lines: dict[str, int] = {}
    header = ""
    for number, line in enumerate(content.splitlines(), 1):
        if found := re.match(r"\s*\[([^\[\]]+)\]", line):
            header = found[1].strip()
            lines.setdefault(header, number)
        elif found := re.match(r"\s*([\w.-]+)\s*=", line):
            lines.setdefault(f"{header}.{found[1]}" if header else found[1], number)
    return lines


def _digest(
    place: str, zone: str, effective_on: date, values: Mapping[str, RuleValue], rows: Sequence[PriceCap]
) -> str:
    """SHA-256 over what the files say, not over how they are laid out."""
    written = {
        key: [str(v.value), v.source, v.confidence.value, v.note, *(str(more) for more in (v.dated, v.until) if more)]
        for key, v in values.items()
    }
    table = [
        [
            *(row.place_name, row.stage.value, row.category.value, row.mode.value, row.band),
            *(row.size_min, row.size_max, yuan(row.base_fen), row.standard_minutes, str(row.float_percent)),
            *(row.starts_text, str(row.ends_on or ""), row.source, row.confidence),
        ]
        for row in rows
    ]
    return content_digest([place, zone, effective_on.isoformat(), written, table])
