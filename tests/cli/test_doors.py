"""Every door of the command line: bad input is named and changes nothing; a killed command leaves nothing half done."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger.cli.main import NOT_READY, UNUSABLE
from ledger.settings import CLONE
from tests.cli.shop import CODE, CUSTODY, SIGNED_ON, Shop, deposit, lesson_row

BOOKS = (
    "journal_entry", "transfer", "request", "refusal", "inbox", "block", "lesson", "lesson_step", "statement",
    "statement_line", "statement_file", "line_match", "finding", "break", "refund", "payout_batch",
    "instruction", "approval",
)  # fmt: skip
NO_DAYS = [
    "",
    "NaN",
    "-1",
    "2026-02-30",
    "2026-13-01",
    "20260301",
    "２０２６-０３-０１",
    "2026-03-01T00:00",
    "9" * 10_000,
    "01/03/2026",
]
DATED = {
    "due": ["due", "--until"],
    "reconcile": ["reconcile", "--account", CUSTODY, "--on"],
    "payout": ["payout", "build", "--kind", "payout", "--execute-on"],
    "reserve": ["reserve", "report", "--out", "nowhere", "--as-of"],
    "trial-balance": ["trial-balance", "--as-of"],
}
NO_CODES = ["", "jg1001", "JG1001 ", "' OR 1=1 --", "龘", "\x1b[2J", "9" * 10_000, "\udcff"]
CODED = {
    "lessons": ["lessons", "import", "sheet.csv", "--institution"],
    "due": ["due", "--until", "2026-03-01", "--institution"],
    "seal": ["seal", "--institution"],
    "payout": ["payout", "list", "--institution"],
    "refund": ["refund", "list", "--institution"],
}


def refused(shop: Shop, said: str, *words: str | Path) -> None:
    """Exit 2, one message that names the code, nothing on standard output, and the books as before."""
    before = shop.counts(*BOOKS)
    ran = shop.custody(*words, "--json")
    assert (ran.code, ran.out) == (UNUSABLE, ""), ran.err
    assert f"({said})" in ran.err
    assert len(ran.err.splitlines()) == 1
    assert "\x1b" not in ran.err
    assert len(ran.err) < 500
    assert shop.counts(*BOOKS) == before


@pytest.mark.parametrize("door", DATED)
def test_what_is_no_day_opens_no_door(shop: Shop, door: str) -> None:
    for written in NO_DAYS:
        refused(shop, "BAD_DATE", *DATED[door], written)
    assert not Path("nowhere").exists()


@pytest.mark.parametrize("door", CODED)
def test_what_is_no_institution_opens_no_door(shop: Shop, door: str, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.sheet("sheet.csv", lesson_row("L1"))
    monkeypatch.chdir(shop.folder)
    for written in NO_CODES:
        refused(shop, "UNKNOWN_INSTITUTION", *CODED[door], written)


CELLS = {
    "hours": ["", "NaN", "-1", "1e3", "１", "0", "100.01", "1.234", "9" * 400, "=1+1"],
    "minutes": ["", "NaN", "-45", "45.0", "1441", "0", "四十五"],
    "taught_on": ["", "2026-02-30", "9999-12-31", "2026/03/09", "NaN"],
    "starts_at": ["", "24:30", "4pm", "16:00:00", "-1:00"],
    "contract_no": ["", "HT 1", "合同", "x" * 41, "HT\u202e1"],
    "mode": ["", "Offline", "NaN"],
    "attendance": ["", "yes", "PRESENT"],
}
_PLACE = {"contract_no": 1, "taught_on": 2, "starts_at": 3, "minutes": 4, "hours": 5, "mode": 8, "attendance": 9}


@pytest.mark.parametrize("column", CELLS)
def test_a_cell_that_cannot_be_used_is_named_by_file_line_and_field(shop: Shop, column: str) -> None:
    good = lesson_row("L1").split(",")
    rows = []
    for number, written in enumerate(CELLS[column]):
        cells = [f"B{number}", *good[1:]]
        cells[_PLACE[column]] = written
        rows.append(",".join(cells))
    before = shop.counts(*BOOKS)
    sheet = shop.sheet("sheet.csv", lesson_row("L1"), *rows)
    ran = shop.custody("lessons", "import", sheet, "--institution", CODE, "--json")
    answer = json.loads(ran.out)
    lines = {fault["line"] for fault in answer["faults"] if fault["field"] == column}
    assert (ran.code, lines) == (UNUSABLE, set(range(3, 3 + len(rows))))
    assert f"line 3, {column}: " in ran.err
    assert shop.counts(*BOOKS) == before


def test_files_that_are_damaged_leave_the_books_as_they_were(shop: Shop) -> None:
    whole = shop.statement("day.xml", deposit(1), on=SIGNED_ON).read_bytes()
    twice = shop.statement("twice.xml", deposit(1), deposit(1), on=SIGNED_ON).read_bytes()
    damaged = {
        "empty": (b"", "EMPTY_FILE"),
        "cut": (whole[: len(whole) // 2], "MALFORMED_XML"),
        "encoding": (whole.replace("欧阳小满".encode(), "欧阳小满".encode("gb18030")), "BAD_ENCODING"),
        "type": (b"%PDF-1.7 not a statement", "UNSUPPORTED_MESSAGE"),
        "negative": (whole.replace(b">4000.00<", b">-4000.00<", 2), "BAD_AMOUNT"),
        "nan": (whole.replace(b">4000.00<", b">NaN<", 2), "BAD_AMOUNT"),
        "huge": (whole.replace(b">4000.00<", b">9999999999999999.00<", 2), "BAD_AMOUNT"),
        "twice": (twice, "DUPLICATE_ENTRY_REF"),
    }  # fmt: skip
    tables = [name for name in BOOKS if name != "statement_file"]  # there they are kept, in quarantine
    before = shop.counts(*tables)
    for name, (content, said) in damaged.items():
        path = shop.file(f"{name}.xml", content)
        ran = shop.custody("statement", "import", path, "--json")
        answer = json.loads(ran.out)
        assert (name, ran.code, answer["class"], answer["lines"]) == (name, UNUSABLE, said, 0)
        assert f"({said})" in ran.err
        assert shop.counts(*tables) == before
    assert shop.ask("SELECT count(*) FROM ledger.statement_file WHERE verdict = 'reject'") == len(damaged)


def test_paths_that_are_no_files_and_names_that_are_no_text(shop: Shop) -> None:
    odd = os.fsdecode(os.fsencode(shop.folder) + b"/\xff\xfe.xml")
    for path in (shop.folder, shop.folder / "none", "", odd):
        refused(shop, "FILE_UNREADABLE", "statement", "import", path)
        refused(shop, "FILE_UNREADABLE", "lessons", "import", path, "--institution", CODE)
    Path(odd).write_bytes(shop.statement("day.xml", deposit(1), on=SIGNED_ON).read_bytes())
    ran = shop.custody("statement", "import", odd, "--json")
    assert (ran.code, json.loads(ran.out)["verdict"]) == (0, "accept")


def test_messages_come_in_the_language_asked_for(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTODY_LANGUAGE", "zh")
    ran = shop.custody("seal", "--institution", "JG9999")
    assert ran.code == UNUSABLE
    assert "没有使用此代码的机构" in ran.err


def test_no_database_is_the_environments_fault(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgresql+psycopg://me@/books?host=/nowhere")
    sheet, day = shop.sheet("a.csv", lesson_row("L1")), shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    for words in (
        ["statement", "import", day], ["lessons", "import", sheet, "--institution", CODE], ["verify"], ["seal"],
        ["due", "--until", "2026-03-01"], ["payout", "list"], ["trial-balance"], ["refund", "list"],
        ["reconcile", "--account", CUSTODY], ["export", "beancount", "--out", shop.folder / "out"],
    ):  # fmt: skip
        ran = shop.custody(*words, "--json")
        assert (words[0], ran.code, ran.out) == (words[0], NOT_READY, "")
        assert "DATABASE_UNREACHABLE" in ran.err
    assert not (shop.folder / "out").exists()


# -- killed half way: the process is stopped by a lock of ours between two writes of its transaction


def killed_at(shop: Shop, table: str, *words: str | Path) -> None:
    """Run a command as a process of its own, kill -9 it while it waits to write ``table``, and see its session end."""
    command = [sys.executable, "-c", "from ledger.cli import main; main()", *map(str, words)]
    with shop.database.owner.connect() as conn:
        conn.execute(text(f"LOCK TABLE ledger.{table} IN SHARE MODE"))
        victim = subprocess.Popen(
            command, env={**os.environ}, cwd=CLONE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        _wait(shop, f"SELECT count(*) = 1 FROM pg_locks WHERE NOT granted AND relation = 'ledger.{table}'::regclass")
        os.kill(victim.pid, signal.SIGKILL)
        out, _ = victim.communicate(timeout=60)
        assert (victim.returncode, out) == (-signal.SIGKILL, b"")
        conn.rollback()
    sessions = "SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = current_database()"
    _wait(shop, f"{sessions} AND state <> 'idle' AND pid <> pg_backend_pid()")


def _wait(shop: Shop, question: str, seconds: int = 60) -> None:
    deadline = time.monotonic() + seconds
    with shop.database.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        while not conn.scalar(text(question)):
            assert time.monotonic() < deadline, question
            time.sleep(0.02)


def test_a_lesson_import_that_is_killed_half_way_left_nothing_and_runs_again(shop: Shop) -> None:
    sheet = shop.sheet("march.csv", *(lesson_row(f"L{n}", hours="0.01") for n in range(2_000)))
    before = shop.counts(*BOOKS)
    killed_at(shop, "lesson_step", "lessons", "import", sheet, "--institution", CODE)
    assert shop.counts(*BOOKS) == before
    ran = shop.custody("lessons", "import", sheet, "--institution", CODE, "--json")
    assert (ran.code, json.loads(ran.out)["recorded"], shop.count("lesson")) == (0, 2_000, 2_000)
    assert shop.broken() == []


@pytest.mark.parametrize("table", ["statement_line", "journal_entry", "line_match", "statement_file"])
def test_a_statement_import_that_is_killed_half_way_left_nothing_and_runs_again(shop: Shop, table: str) -> None:
    day = shop.statement("day.xml", deposit(1), deposit(2), on=SIGNED_ON)
    before = shop.counts(*BOOKS)
    killed_at(shop, table, "statement", "import", day)
    assert shop.counts(*BOOKS) == before
    ran = shop.custody("statement", "import", day, "--json")
    assert (ran.code, json.loads(ran.out)["imported"]) == (0, 1)
    assert shop.ask("SELECT sum(paid_fen) FROM ledger.contract_balance") == 8_000_00
    assert shop.broken() == []


def test_a_payout_that_is_killed_half_way_sends_no_money_twice(shop: Shop) -> None:
    day = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.taught(*(lesson_row(f"L{n}") for n in range(4)))
    assert shop.custody("due", "--until", "2026-04-01").code == 0
    killed_at(shop, "instruction", "payout", "build", "--kind", "payout")
    assert shop.counts("payout_batch", "instruction") == {"payout_batch": 0, "instruction": 0}
    for expected in ("400.00", "0.00"):
        assert json.loads(shop.custody("payout", "build", "--kind", "payout", "--json").out)["control_sum"] == expected
    assert shop.broken() == []
