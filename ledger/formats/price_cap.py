"""Price tables beside a rulebook: ``<same name>.csv``, one row per stage, category, mode and class-size band."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from itertools import pairwise
from typing import Final

from ledger.errors import BadInput
from ledger.formats.csv_table import Row, Table, day_from_text, read_table
from ledger.money import fen_from_text
from ledger.terms.price_cap import Category, Mode, PriceCap, Stage
from ledger.terms.rulebook import Finding

COLUMNS: Final = (
    "place",
    "gb2260_code",
    "stage",
    "category",
    "mode",
    "class_size_band",
    "base_price_yuan_per_hour",
    "standard_minutes",
    "up_float_pct",
    "effective_from",
    "source",
    "confidence",
    "size_min",
    "size_max",
)
OPTIONAL: Final = ("effective_to",)
_ALL_SIZES: Final = 1_000_000  # an open band: above any number a cell can hold


def read_caps(
    content: bytes, file: str, place: str, *, bands_as_printed: bool = False
) -> tuple[tuple[PriceCap, ...], list[Finding]]:
    """The rows and what is wrong with them. ``place`` is the GB/T 2260 code of the file's name.

    Sizes without a price and sizes with two are reported, not refused: real tables have them.
    ``bands_as_printed``: the rulebook says that the printed table is so, and nothing is reported.
    """
    table: Table = read_table(content, file, COLUMNS, OPTIONAL)
    rows = [(row.line, _cap(row, place)) for row in table.rows]
    if not table.findings:
        table.findings += _date_findings(file, rows)
        table.findings += [] if bands_as_printed else _band_findings(file, rows)
    return tuple(cap for _, cap in rows), table.findings


def _date_findings(file: str, rows: Sequence[tuple[int, PriceCap]]) -> Iterator[Finding]:
    """One band has one price on one day: rows of the same band that start together, or before the other one ended."""
    bands = defaultdict(list)
    for line, cap in rows:
        bands[cap.stage, cap.category, cap.mode, cap.size_min, cap.size_max].append((line, cap))
    for same in bands.values():
        same.sort(key=lambda row: (row[1].starts_on or date.min, row[0]))
        for (_, earlier), (line, later) in pairwise(same):
            together = earlier.starts_on == later.starts_on
            starts_on = later.starts_on or date.min
            if together or (earlier.ends_on is not None and earlier.ends_on >= starts_on):
                yield Finding(file, "class_size_band", "RULE_OVERLAP", line, later.band)


def _band_findings(file: str, rows: Sequence[tuple[int, PriceCap]]) -> Iterator[Finding]:
    """The bands of one table in the order of their sizes: what no band covers, and what two do."""
    tables = defaultdict(list)
    for line, cap in rows:
        tables[cap.stage, cap.category, cap.mode, cap.starts_on].append((line, cap))
    for table in tables.values():
        table.sort(key=lambda row: (row[1].size_min or 0, row[0]))
        covered = 0  # every size up to here has a price
        for line, cap in table:
            first = cap.size_min or 1
            if first > covered + 1:
                yield _band_finding(file, "RULE_BAND_GAP", line, covered + 1, first - 1)
            elif first <= covered:
                yield _band_finding(file, "RULE_BAND_OVERLAP", line, first, min(covered, cap.size_max or covered))
            covered = max(covered, cap.size_max or _ALL_SIZES)
        if covered < _ALL_SIZES:
            yield Finding(file, "size_max", "RULE_BAND_GAP", table[-1][0], f"> {covered}", refused=False)


def _band_finding(file: str, code: str, line: int, first: int, last: int) -> Finding:
    sizes = str(first) if first == last else f"{first}-{last}"
    return Finding(file, "size_min", code, line, sizes, refused=False)


def _cap(row: Row, place: str) -> PriceCap:
    if row.cells["gb2260_code"].strip() != place:
        row.flaw("gb2260_code", "RULE_PLACE_DIFFERS")
    size_min, size_max = row.whole("size_min"), row.whole("size_max")
    if size_min is not None and size_max is not None and size_min > size_max:
        row.flaw("size_max", "RULE_NUMBER")
    starts_text = row.cells["effective_from"].strip()
    ends_text = row.cells["effective_to"].strip()
    starts_on = _start(row, starts_text)
    ends_on = row.day("effective_to") if ends_text else None
    if ends_on is not None and starts_on is not None and ends_on < starts_on:
        row.flaw("effective_to", "BAD_DATE")
    return PriceCap(
        place_name=row.text("place"),
        stage=Stage(row.choice("stage", list(Stage))),
        category=Category(row.choice("category", list(Category))),
        mode=Mode(row.choice("mode", list(Mode))),
        band=row.text("class_size_band"),
        size_min=size_min,
        size_max=size_max,
        base_fen=_base(row),
        standard_minutes=row.whole("standard_minutes"),
        float_percent=_float_percent(row),
        starts_on=starts_on,
        starts_text=starts_text,
        ends_on=ends_on,
        source=row.text("source"),
        confidence=row.confidence(),
    )


def _start(row: Row, text: str) -> date | None:
    """A day, a month (its first day counts, the text is shown), or None where the source shows no date."""
    if not text:
        return None
    found = day_from_text(text if len(text) != len("2022-01") else f"{text}-01")
    if found is None:
        row.flaw("effective_from", "BAD_DATE")
    return found


def _base(row: Row) -> int:
    """Yuan for one standard lesson, in fen; a guided price of 0 is no price."""
    try:
        found = fen_from_text(row.cells["base_price_yuan_per_hour"].strip())
    except BadInput:
        found = 0
    if not found:
        row.flaw("base_price_yuan_per_hour", "RULE_NUMBER")
    return found


def _float_percent(row: Row) -> Fraction:
    """How far the price may go above the base, in percent; an empty cell allows nothing."""
    text = row.cells["up_float_pct"].strip() or "0"
    try:
        return Fraction(fen_from_text(text), 100)
    except BadInput:
        row.flaw("up_float_pct", "RULE_NUMBER")
        return Fraction(0)
