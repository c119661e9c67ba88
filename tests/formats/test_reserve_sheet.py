"""The reserve sheet and the manifest beside it: the same bytes for the same lines, nothing a spreadsheet would run."""

import csv
import hashlib
import io
import json
from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from ledger.formats import manifest, reserve_sheet
from ledger.terms.proof import ExportFile
from ledger.terms.reserve import Requirement, ReserveLine

LINE = ReserveLine(
    code="JG1001",
    name="启明书法学校",
    place="110108",
    zone="",
    mode="both",
    requirement=Requirement(150_000_00, "share_of_undelivered", 500_000_00, Fraction(30), floor_holds=False),
    held_fen=120_000_00,
    coverage=Fraction(7, 8),
    claim_fen=500_000_00,
    refund_due_fen=1_00,
    due_fen=5,
    custody_fen=400_000_00,
    students=42,
    rulebooks=("000000-2021-10-29", "110108-2026-01-01"),
    rulebook_digest="ab" * 32,
)
NOT_ASKED = replace(LINE, code="JG1002", mode="custody", requirement=None, coverage=None)


def rows(*lines: ReserveLine) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(reserve_sheet.render(lines).decode("utf-8-sig"), newline="")))


def test_a_line_holds_every_figure_in_yuan_and_percent() -> None:
    assert rows(LINE) == [
        {
            "institution": "JG1001", "name": "启明书法学校", "place": "110108", "zone": "", "mode": "both",
            "required": "150000.00", "held": "120000.00", "lacking": "30000.00", "coverage_percent": "87.50",
            "formula": "share_of_undelivered", "base": "500000.00", "percent": "30", "floor_holds": "no",
            "claims": "500000.00", "refunds_due": "1.00", "due_from_institution": "0.05", "custody": "400000.00",
            "pupils": "42", "rulebooks": "000000-2021-10-29; 110108-2026-01-01", "rulebook_digest": "ab" * 32,
        }
    ]  # fmt: skip


def test_custody_alone_asks_for_no_reserve_and_nobody_owed_has_no_coverage() -> None:
    (row,) = rows(NOT_ASKED)
    assert (row["required"], row["lacking"], row["coverage_percent"]) == ("0.00", "0.00", "")
    assert (row["formula"], row["base"], row["percent"], row["floor_holds"]) == ("", "", "", "")


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_text_of_an_institution_is_a_formula(name: str) -> None:
    assert rows(replace(LINE, name=name))[0]["name"] == f"'{name}"


def test_the_sheet_opens_in_spreadsheets_and_quotes_what_it_must() -> None:
    content = reserve_sheet.render([replace(LINE, name='A, "B"\nC')])
    assert content.startswith(b"\xef\xbb\xbfinstitution,")
    assert content.endswith(b"\r\n")
    assert rows(replace(LINE, name='A, "B"\nC'))[0]["name"] == 'A, "B"\nC'
    assert reserve_sheet.render([LINE]) == reserve_sheet.render([LINE])


def test_sums_add_up_and_a_share_of_a_percent_is_rounded_once() -> None:
    sums = reserve_sheet.sums_fen([LINE, NOT_ASKED])
    assert (sums["required"], sums["held"], sums["lacking"], sums["claims"]) == (
        150_000_00, 240_000_00, 30_000_00, 1_000_000_00,
    )  # fmt: skip
    assert reserve_sheet.percent_text(Fraction(1, 3)) == "33.33"
    assert reserve_sheet.percent_text(Fraction(2, 3)) == "66.67"
    assert reserve_sheet.percent_text(Fraction(1)) == "100.00"


def test_a_manifest_names_what_an_export_rests_on() -> None:
    rulebooks, files = [{"files": "f", "digest": "d"}], {"a.csv": b"x"}
    on = date(2026, 4, 30)
    made = manifest.manifest({"report": "reserve"}, on, rulebooks, {"JG1001": 7}, 1, {"held": 5}, files)
    assert made["files"] == [{"name": "a.csv", "bytes": 1, "sha256": hashlib.sha256(b"x").hexdigest()}]
    assert (made["as_of"], made["blocks"], made["rows"], made["sums_fen"]) == (
        "2026-04-30",
        {"JG1001": 7},
        1,
        {"held": 5},
    )
    assert (made["format"], made["checkpoints"]) == ("custody export 1", [])
    streamed = manifest.manifest({}, None, [], {}, 1, {}, {"a": ExportFile(5, "ab", 2, {"held": 1}), "b": b"x"})
    assert streamed["as_of"] is None
    assert streamed["files"][0] == {"name": "a", "bytes": 5, "sha256": "ab", "rows": 2, "sums_fen": {"held": 1}}
    assert json.loads(manifest.render(made)) == made
    assert manifest.render(made) == manifest.render(dict(reversed(made.items())))
