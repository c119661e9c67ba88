"""`custody statement check`: the shape of its answer and its exit codes, as a user's shell sees them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.bank_files import csv_text, rows
from tests.samples import ACCOUNT, SampleLine, camt053

CAMT_054 = camt053(summary=False).replace(b"camt.053", b"camt.054").replace(b"BkToCstmrStmt", b"BkToCstmrDbtCdtNtfctn")
NOTICE = CAMT_054.replace(b"<Stmt>", b"<Ntfctn>").replace(b"</Stmt>", b"</Ntfctn>")


def custody(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from ledger.cli import main; main()", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def day(tmp_path: Path) -> Path:
    path = tmp_path / "day.xml"
    path.write_bytes(camt053(opening_fen=-123_456))
    return path


def test_the_answer_is_one_json_object_in_the_agreed_shape(day: Path) -> None:
    done = custody("statement", "check", str(day), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {
        "file": str(day),
        "verdict": "accept",
        "class": None,
        "statements": [
            {
                "format": "camt",
                "version": "camt.053.001.08",
                "account": ACCOUNT,
                "statement_id": "ST-0007",
                "sequence": 7,
                "currency": "CNY",
                "opening": "-1234.56",
                "closing": "-216.06",
                "entries": 3,
                "booked_entries": 3,
                "sum_credits": "1379.00",
                "sum_debits": "360.50",
                "proved": True,
                "verdict": "accept",
                "class": None,
            }
        ],
        "message": "The statement proves itself: opening and booked entries reach the closing balance.",
    }


@pytest.mark.parametrize(
    ("content", "exit_code", "verdict", "class_"),
    [
        (camt053(), 0, "accept", None),
        (NOTICE, 0, "info_only", None),
        (camt053(closing_fen=1), 2, "reject", "BALANCE_MISMATCH"),
        (b"", 2, "reject", "EMPTY_FILE"),
        (camt053(lines=(SampleLine(9, parts_fen=(1,)),)), 3, "hold", "DETAIL_SUM_MISMATCH"),
    ],
)
def test_the_exit_code_follows_the_verdict(
    tmp_path: Path, content: bytes, exit_code: int, verdict: str, class_: str | None
) -> None:
    path = tmp_path / "file.xml"
    path.write_bytes(content)
    done = custody("statement", "check", str(path), "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"], answer["class"]) == (exit_code, verdict, class_)
    assert answer["message"]


def test_a_file_that_cannot_be_opened_is_named_on_standard_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "none.xml"):
        done = custody("statement", "check", str(path), "--json")
        assert (done.returncode, done.stdout) == (2, "")
        assert "FILE_UNREADABLE" in done.stderr


def test_people_get_the_figures_flush_right(day: Path) -> None:
    done = custody("statement", "check", str(day))
    assert done.stdout.splitlines()[0] == f"{day}: accept"
    assert "  opening  -1234.56 CNY" in done.stdout
    assert "  closing   -216.06 CNY" in done.stdout
    assert "3, 3 of them booked" in done.stdout


def test_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    path = tmp_path / "file.xml"
    path.write_bytes(camt053(statement_id="A\x9b2J\u202eB", summary=False).replace(b"<Sts>", b"<Sts><x/>", 1))
    done = custody("statement", "check", str(path))
    assert done.returncode == 0
    assert "\x9b" not in done.stdout
    assert "\u202e" not in done.stdout
    path.write_bytes(camt053(statement_id="A\x9b2J").replace(b"1280.00</Amt>", b"x</Amt>", 1))
    done = custody("statement", "check", str(path))
    assert done.returncode == 2
    assert "BAD_AMOUNT" in done.stdout
    assert "\x9b" not in done.stdout


# -- spreadsheets


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "day.csv"
    path.write_bytes(csv_text(rows()).encode("gb18030"))
    return path


def test_a_preview_shows_which_column_is_what_and_the_first_lines(sheet: Path) -> None:
    done = custody("statement", "check", str(sheet), "--preview", "--json")
    shown = json.loads(done.stdout)["preview"]
    assert (done.returncode, shown["profile"], shown["header"]) == (0, "corporate_columns", "line 4")
    assert shown["columns"]["booked_on"] == "交易时间"
    assert shown["columns"]["balance"] == "余额"
    assert shown["lines"][1] == {
        "ord": 2,
        "booked_on": "2026-03-02",
        "amount": "-360.50",
        "status": "BOOK",
        "balance": "500919.50",
        "bank_ref": "L00002",
        "end_to_end_id": "",
        "name": "欧阳小满",
        "account": "6217000099998888777",
        "memo": "学费 RF20260302001",
    }
    assert len(shown["lines"]) == 3
    for_people = custody("statement", "check", str(sheet), "--preview").stdout
    assert "profile corporate_columns, header in line 4" in for_people
    assert "balance 500919.50" in for_people


def test_other_files_have_a_preview_without_columns(day: Path) -> None:
    shown = json.loads(custody("statement", "check", str(day), "--preview", "--json").stdout)["preview"]
    assert (shown["profile"], shown["columns"], len(shown["lines"])) == (None, {}, 3)
    assert "2026-03-02" in custody("statement", "check", str(day), "--preview").stdout
    day.write_bytes(b"")
    done = custody("statement", "check", str(day), "--preview", "--json")
    assert (done.returncode, json.loads(done.stdout)["preview"]["lines"]) == (2, [])


def test_a_profile_may_be_named_or_be_a_file_of_ones_own(tmp_path: Path) -> None:
    path = tmp_path / "unclear.csv"
    path.write_text("Date,Amount,Credit,Debit,Currency\n2026-03-02,1,1,,EUR\n")
    done = custody("statement", "check", str(path), "--json")
    assert (done.returncode, json.loads(done.stdout)["class"]) == (2, "PROFILE_UNCLEAR")
    own = tmp_path / "own.toml"
    own.write_text('sign = "columns"\n[columns]\nbooked_on = ["Date"]\ncredit = ["Credit"]\ndebit = ["Debit"]\n')
    own.write_text(own.read_text() + '[optional]\ncurrency = ["Currency"]\n')
    for name in ("generic_columns", str(own)):
        done = custody("statement", "check", str(path), "--profile", name, "--json")
        answer = json.loads(done.stdout)
        assert (done.returncode, answer["verdict"], answer["statements"][0]["sum_credits"]) == (0, "accept", "1.00")
        assert answer["statements"][0]["proved"] is False
        assert "nothing proves it" in answer["message"]
    done = custody("statement", "check", str(path), "--profile", "nobody", "--json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "UNKNOWN_PROFILE" in done.stderr


def test_a_broken_running_balance_is_held(sheet: Path) -> None:
    body = rows(moves=[(100, "A"), (200, "B"), (300, "C")])
    sheet.write_text(csv_text([body[0], body[2]], above=" \n"))
    done = custody("statement", "check", str(sheet), "--json")
    answer = json.loads(done.stdout)
    assert (done.returncode, answer["verdict"], answer["class"]) == (3, "hold", "RUNNING_BALANCE_BREAK")
    assert answer["message"].startswith("line 4, 余额")
