"""`custody lessons import`: by line, all or nothing where a line cannot be read, and safe to send again."""

import json
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CODE, Shop, lesson_row


def imported(shop: Shop, path: Path, *more: str) -> tuple[int, dict[str, Any]]:
    ran = shop.custody("lessons", "import", path, "--institution", CODE, "--json", *more)
    assert ran.out, ran.err
    return ran.code, json.loads(ran.out)


def test_lessons_are_recorded_once_however_often_they_are_sent(shop: Shop) -> None:
    sheet = shop.sheet("march.csv", lesson_row("L1"), lesson_row("L2", "HT000002", hours="1.5"))
    code, answer = imported(shop, sheet, "--actor", "school:zhao")
    assert code == 0
    assert {name: answer[name] for name in ("rows", "recorded", "already", "refused", "fault_count", "dry_run")} == {
        "rows": 2, "recorded": 2, "already": 0, "refused": [], "fault_count": 0, "dry_run": False,
    }  # fmt: skip
    code, answer = imported(shop, sheet)
    assert (code, answer["recorded"], answer["already"]) == (0, 0, 2)
    assert shop.ask("SELECT string_agg(lesson_no || ' ' || hours, ', ' ORDER BY lesson_no) FROM ledger.lesson") == (
        "L1 100, L2 150"
    )
    assert shop.ask("SELECT DISTINCT recorded_by FROM ledger.lesson") == "school:zhao"


def test_a_line_that_cannot_be_read_keeps_the_whole_file_out(shop: Shop) -> None:
    sheet = shop.sheet("march.csv", lesson_row("L1"), lesson_row("L2", hours="NaN"), lesson_row("L1"))
    code, answer = imported(shop, sheet)
    assert code == UNUSABLE
    assert [(one["line"], one["field"], one["code"]) for one in answer["faults"]] == [
        (3, "hours", "BAD_HOURS"),
        (4, "lesson_no", "DUPLICATE_LESSON"),
    ]
    assert (answer["recorded"], shop.count("lesson")) == (0, 0)
    ran = shop.custody("lessons", "import", sheet, "--institution", CODE)
    assert ran.code == UNUSABLE
    assert "2 faults, nothing recorded" in ran.out
    assert "march.csv line 3, hours: " in ran.err


def test_a_lesson_that_a_rule_refuses_is_named_and_the_others_are_recorded(shop: Shop) -> None:
    rows = [
        lesson_row("L1"),
        lesson_row("L2", "HT999999"),
        lesson_row("L3", on="2099-01-01"),
        lesson_row("L4", hours="39.5"),
    ]
    code, answer = imported(shop, shop.sheet("march.csv", *rows))
    assert code == REFUSED
    assert [(one["line"], one["lesson_no"], one["code"]) for one in answer["refused"]] == [
        (3, "L2", "UNKNOWN_CONTRACT"), (4, "L3", "LESSON_IN_FUTURE"), (5, "L4", "LESSON_OVER_HOURS"),
    ]  # fmt: skip
    assert all(one["message"] for one in answer["refused"])
    assert (answer["recorded"], shop.count("lesson")) == (1, 1)


def test_a_known_number_with_other_contents_is_a_conflict_that_names_the_field(shop: Shop) -> None:
    imported(shop, shop.sheet("a.csv", lesson_row("L1")))
    code, answer = imported(shop, shop.sheet("b.csv", lesson_row("L1", hours="2")))
    assert (code, answer["refused"][0]["code"], answer["refused"][0]["field"]) == (REFUSED, "REQUEST_CONFLICT", "hours")
    assert shop.ask("SELECT hours FROM ledger.lesson") == 100


def test_a_lesson_at_an_unlawful_hour_is_recorded_and_told(shop: Shop) -> None:
    late = lesson_row("L1").replace("16:00", "20:00")
    code, answer = imported(shop, shop.sheet("late.csv", late))
    assert (code, answer["recorded"]) == (0, 1)
    assert answer["flagged"] == [{"line": 2, "lesson_no": "L1", "flags": ["LESSON_ENDS_TOO_LATE"]}]
    assert shop.ask("SELECT answer_until FROM ledger.lesson") is None


def test_a_dry_run_says_the_same_and_records_nothing(shop: Shop) -> None:
    sheet = shop.sheet("march.csv", lesson_row("L1"), lesson_row("L2", "HT999999"))
    code, dry = imported(shop, sheet, "--dry-run")
    assert (code, dry["recorded"], dry["dry_run"], shop.count("lesson")) == (REFUSED, 1, True, 0)
    code, done = imported(shop, sheet)
    assert (code, done | {"dry_run": True}) == (REFUSED, dry)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "EMPTY_FILE"),
        (b"\xff\xfe\xff\xff", "BAD_ENCODING"),
        (b"lesson_no,contract_no\nL1,HT000001\n", "HEADER_NOT_FOUND"),
        (b"x" * (8 * 1024 * 1024 + 1), "LIMIT_EXCEEDED"),
        (b"PK\x03\x04 a workbook", "HEADER_NOT_FOUND"),
    ],
)
def test_a_file_that_is_no_sheet_is_refused_whole(shop: Shop, content: bytes, said: str) -> None:
    ran = shop.custody("lessons", "import", shop.file("sheet.csv", content), "--institution", CODE, "--json")
    assert (ran.code, ran.out, shop.count("lesson")) == (UNUSABLE, "", 0)
    assert said in ran.err
    assert "sheet.csv" in ran.err


def test_an_institution_nobody_registered_is_refused(shop: Shop) -> None:
    ran = shop.custody("lessons", "import", shop.sheet("a.csv", lesson_row("L1")), "--institution", "JG9999", "--json")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert "UNKNOWN_INSTITUTION" in ran.err


def test_ten_thousand_lessons_are_one_file_and_one_more_is_too_many(shop: Shop) -> None:
    rows = [lesson_row(f"L{n}", hours="0.01") for n in range(10_001)]
    ran = shop.custody("lessons", "import", shop.sheet("huge.csv", *rows), "--institution", CODE, "--json")
    assert (ran.code, shop.count("lesson")) == (UNUSABLE, 0)
    assert "TOO_MANY_ROWS" in ran.err
