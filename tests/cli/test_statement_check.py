"""`custody statement check`: the shape of its answer and its exit codes, as a user's shell sees them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

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
