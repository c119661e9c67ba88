"""Price tables beside a rulebook: cells that cannot be read, contradictions, gaps and overlaps; how values end."""

from datetime import date
from pathlib import Path

import pytest

from ledger.errors import BadInput
from ledger.formats.rulebook import BUILT_IN, lint, load_rulebooks
from ledger.formats.rulebook_value import read_value, write_value
from ledger.terms.rulebook_key import KEYS, Kind
from tests.formats.test_rulebook import NAME, caps, entry, found, in_force, write


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("gb2260_code", "110000", "RULE_PLACE_DIFFERS"),
        ("stage", "primary", "RULE_CHOICE"),
        ("category", "", "RULE_CHOICE"),
        ("mode", "hybrid", "RULE_CHOICE"),
        ("class_size_band", "", "RULE_EMPTY"),
        ("base_price_yuan_per_hour", "8O", "RULE_NUMBER"),
        ("base_price_yuan_per_hour", "0", "RULE_NUMBER"),
        ("base_price_yuan_per_hour", "-80", "RULE_NUMBER"),
        ("standard_minutes", "0", "RULE_NUMBER"),
        ("standard_minutes", "45.5", "RULE_NUMBER"),
        ("up_float_pct", "ten", "RULE_NUMBER"),
        ("effective_from", "2026-13", "BAD_DATE"),
        ("effective_from", "spring", "BAD_DATE"),
        ("source", " ", "RULE_EMPTY"),
        ("confidence", "sure", "RULE_CHOICE"),
        ("size_max", "x", "RULE_NUMBER"),
        ("size_min", "10", "RULE_NUMBER"),
    ],
)
def test_cells_that_cannot_be_read_are_named(tmp_path: Path, column: str, cell: str, reason: str) -> None:
    write(tmp_path, table=caps(**{column: cell}))
    key = "size_max" if column == "size_min" else column
    assert found(tmp_path) == [(f"{NAME}.csv", key, reason, 2)]
    with pytest.raises(BadInput, match=reason):
        load_rulebooks([tmp_path])


def test_a_table_must_have_its_columns(tmp_path: Path) -> None:
    header, row = caps().split("\n")
    write(tmp_path, table=f"{header.replace('size_min', 'sizemin')},mode\n{row},offline")
    assert {(key, reason) for _, key, reason, _ in found(tmp_path)} == {
        ("sizemin", "RULE_UNKNOWN_KEY"),
        ("size_min", "CSV_COLUMN_MISSING"),
        ("mode", "CSV_COLUMN_TWICE"),
    }
    write(tmp_path, table=f"{header}\n{row},extra\n\n")
    assert found(tmp_path) == [(f"{NAME}.csv", "", "CSV_CELLS", 2)]
    write(tmp_path, table="")
    assert {reason for _, _, reason, _ in found(tmp_path)} == {"CSV_COLUMN_MISSING"}


def rows(*bands: dict[str, str], ends: bool = False) -> str:
    """A table with one row per dict of cells; ``ends``: with the column for the last day."""
    header, _ = caps().split("\n")
    lines = [caps(**cells).split("\n")[1] + (f",{cells.get('effective_to', '')}" if ends else "") for cells in bands]
    return "\n".join([f"{header},effective_to" if ends else header, *lines])


def test_one_band_stands_once_for_one_date(tmp_path: Path) -> None:
    write(tmp_path, table=rows({"size_max": ""}, {"size_max": "", "base_price_yuan_per_hour": "70"}))
    assert (f"{NAME}.csv", "class_size_band", "RULE_OVERLAP", 3) in found(tmp_path)
    with pytest.raises(BadInput, match="RULE_OVERLAP"):
        load_rulebooks([tmp_path])


@pytest.mark.parametrize(("ended", "reasons"), [("2026-05-31", []), ("2026-06-01", ["RULE_OVERLAP"]), ("", [])])
def test_a_price_ends_before_the_next_begins(tmp_path: Path, ended: str, reasons: list[str]) -> None:
    first = {"size_max": "", "effective_to": ended}
    write(tmp_path, table=rows(first, {"size_max": "", "effective_from": "2026-06-01"}, ends=True))
    assert [reason for _, _, reason, _ in found(tmp_path)] == reasons


@pytest.mark.parametrize(
    ("bands", "expected"),
    [
        ([("", "9"), ("10", "35"), ("36", "")], []),
        ([("2", "9"), ("10", "")], [("RULE_BAND_GAP", 2, "1")]),
        ([("", "9"), ("11", "")], [("RULE_BAND_GAP", 3, "10")]),
        ([("", "9"), ("21", "")], [("RULE_BAND_GAP", 3, "10-20")]),
        ([("1", "35"), ("36", "50")], [("RULE_BAND_GAP", 3, "> 50")]),
        ([("", "35"), ("35", "")], [("RULE_BAND_OVERLAP", 3, "35")]),
        ([("", ""), ("10", "20")], [("RULE_BAND_OVERLAP", 3, "10-20")]),
    ],
)
def test_gaps_and_overlaps_of_bands_are_reported_and_loaded(
    tmp_path: Path, bands: list[tuple[str, str]], expected: list[tuple[str, int, str]]
) -> None:
    write(tmp_path, table=rows(*({"size_min": low, "size_max": high} for low, high in bands)))
    findings = lint(tmp_path)
    assert [(one.reason, one.line, one.value) for one in findings] == expected
    assert not any(one.refused for one in findings)
    assert len(load_rulebooks([tmp_path]).versions[0].caps.rows) == len(bands)  # type: ignore[union-attr] # a table
    write(tmp_path, f"[price_cap]\nbands_as_printed = {entry('true')}\n")
    assert found(tmp_path) == []


def test_a_zone_the_place_does_not_name_is_found(tmp_path: Path) -> None:
    write(tmp_path, f"[place]\nzones = {entry(chr(34) + 'centre, outside' + chr(34))}\n")
    write(tmp_path, "", name="990100-centre-2026-01-01")
    assert found(tmp_path) == []
    write(tmp_path, "", name="990100-center-2026-02-01")
    assert found(tmp_path) == [("990100-center-2026-02-01", "zone", "RULEBOOK_ZONE", None)]
    with pytest.raises(BadInput, match="RULEBOOK_ZONE"):
        load_rulebooks([tmp_path])


def test_a_value_may_end_and_may_say_how_its_text_is_dated(tmp_path: Path) -> None:
    more = 'until = "2026-06-30", dated = "date unknown" }'
    write(tmp_path, f"[refund]\ndays_after_class = {entry('3')[:-2]}, {more}\n")
    held = in_force(tmp_path, on=date(2026, 6, 30))["refund.days_after_class"]
    assert (held.value, held.dated, held.until) == (3, "date unknown", date(2026, 6, 30))
    assert in_force(tmp_path, on=date(2026, 7, 1)).find("refund.days_after_class") is None
    for wrong in ("2025-12-31", "June"):
        write(tmp_path, f'[refund]\ndays_after_class = {entry("3")[:-2]}, until = "{wrong}" }}\n')
        assert found(tmp_path) == [(f"{NAME}.toml", "refund.days_after_class.until", "BAD_DATE", 2)]


def test_values_are_written_as_they_are_read() -> None:
    for version in load_rulebooks([BUILT_IN, BUILT_IN / "demo"]).versions:
        for key, value in version.values.items():
            written: object = write_value(key, value.value)
            kind = KEYS[key].kind
            if kind is Kind.WHOLE:
                written = int(str(written))
            elif kind is Kind.FLAG:
                written = written == "true"
            assert read_value(key, written) == value.value, (version.file, key)


def test_a_row_may_end_but_not_before_it_starts(tmp_path: Path) -> None:
    header, row = caps().split("\n")
    write(tmp_path, table=f"{header},effective_to\n{row},2025-12-31")
    assert found(tmp_path) == [(f"{NAME}.csv", "effective_to", "BAD_DATE", 2)]
