"""`custody statement import`: verdicts by history, files kept, and nothing half done."""

import csv
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.cli import edge
from ledger.cli.main import HELD, UNUSABLE
from ledger.flows import register
from ledger.settings import read_settings
from ledger.terms.institution import Fund, Institution, Payee
from ledger.terms.journal import FundKind
from tests.bank_files import mt940
from tests.cli.shop import CUSTODY, OPENED_ON, PRICE_FEN, SIGNED_ON, Shop, deposit
from tests.samples import SampleLine, camt053, message, statement

FOLDER = Path(__file__).resolve().parents[3] / "shared" / "fixtures" / "statements" / "camt053"
WRITTEN = (
    "statement",
    "statement_line",
    "statement_file",
    "line_match",
    "journal_entry",
    "transfer",
    "finding",
    "break",
)


def imported(shop: Shop, *paths: Path) -> tuple[int, dict[str, Any]]:
    """Exit code and answer; the answer's verdict and the exit code belong together."""
    ran = shop.custody("statement", "import", *paths, "--json")
    assert ran.out, ran.err
    return ran.code, json.loads(ran.out)


def test_a_statement_is_stored_matched_and_posted(shop: Shop) -> None:
    day = shop.statement(
        "day.xml", deposit(1), SampleLine(50_00, ref="X1", end_to_end_id="", memo="no name"), on=SIGNED_ON
    )
    code, answer = imported(shop, day)
    assert code == 0
    assert {name: answer[name] for name in ("verdict", "class", "imported", "held", "lines", "already")} == {
        "verdict": "accept", "class": None, "imported": 1, "held": 0, "lines": 2, "already": 0,
    }  # fmt: skip
    assert answer["statements"][0]["closing"] == "4050.00"
    assert shop.ask("SELECT sum(paid_fen) FROM ledger.contract_balance") == PRICE_FEN
    assert (
        shop.ask("SELECT string_agg(kind, ' ' ORDER BY kind) FROM ledger.line_match") == "deposit deposit_to_suspense"
    )
    assert shop.ask("SELECT verdict || offered_by FROM ledger.statement_file").startswith("acceptcli:")
    assert shop.broken() == []


def test_the_same_file_again_changes_nothing_and_exits_0(shop: Shop) -> None:
    day = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    imported(shop, day)
    before = shop.counts(*WRITTEN)
    code, answer = imported(shop, day, day)
    assert code == 0
    assert [one["class"] for one in answer["files"]] == ["ALREADY_IMPORTED"] * 2
    assert (answer["verdict"], answer["imported"], answer["already"], answer["lines"]) == ("idempotent", 0, 2, 0)
    assert shop.counts(*WRITTEN) == before


def test_an_unknown_account_is_quarantined_and_taken_once_it_is_registered(shop: Shop) -> None:
    stranger = shop.file("stranger.xml", camt053(account="6232001000000000999", opening_fen=0, on=SIGNED_ON))
    for _ in range(2):
        code, answer = imported(shop, stranger)
        assert (code, answer["class"], answer["imported"], answer["lines"]) == (UNUSABLE, "UNKNOWN_ACCOUNT", 0, 0)
    assert shop.counts("statement", "statement_line", "statement_file") == {
        "statement": 0, "statement_line": 0, "statement_file": 1,
    }  # fmt: skip
    with shop.database.app.begin() as conn:
        fund = Fund(1001, 9, FundKind.CUSTODY, "6232001000000000999", "行", "102100099996", "CNY", 0, OPENED_ON)
        register.fund(conn, fund, "clerk:li", "clerk:wang", edge.now(read_settings()))
    code, answer = imported(shop, stranger)
    assert (code, answer["verdict"], answer["imported"]) == (0, "accept", 1)


def test_one_bad_statement_of_a_file_rejects_all_of_it(shop: Shop) -> None:
    good = statement(account=CUSTODY, statement_id="A", sequence=1, opening_fen=0, lines=(deposit(1),), on=SIGNED_ON)
    bad = statement(account="6232001000000000999", statement_id="B", sequence=1, opening_fen=0, lines=(), on=SIGNED_ON)
    code, answer = imported(shop, shop.file("both.xml", message(good, bad)))
    assert (code, answer["verdict"], answer["class"]) == (UNUSABLE, "reject", "UNKNOWN_ACCOUNT")
    assert shop.count("statement_line") == 0
    assert shop.ask("SELECT sum(paid_fen) FROM ledger.contract_balance") == 0


def test_two_days_in_one_file_chain_to_each_other(shop: Shop) -> None:
    first = statement(account=CUSTODY, statement_id="A", sequence=1, opening_fen=0, lines=(deposit(1),), on=SIGNED_ON)
    second = statement(
        account=CUSTODY, statement_id="B", sequence=2, opening_fen=PRICE_FEN, lines=(deposit(2),), on=SIGNED_ON
    )
    code, answer = imported(shop, shop.file("days.xml", message(first, second)))
    assert (code, answer["verdict"], answer["imported"], answer["lines"]) == (0, "accept", 2, 2)
    assert shop.broken() == []


def test_a_bank_reference_the_books_hold_already_is_held_for_a_person(shop: Shop) -> None:
    imported(shop, shop.statement("day1.xml", deposit(1), on=SIGNED_ON))
    again = shop.statement("day2.xml", deposit(1), sequence=2, opening_fen=PRICE_FEN, on=SIGNED_ON)
    code, answer = imported(shop, again)
    assert (code, answer["verdict"], answer["class"]) == (HELD, "hold", "DUPLICATE_ENTRY_REF")
    assert (answer["imported"], answer["held"], answer["lines"]) == (0, 1, 1)
    assert shop.count("line_match") == 1


def test_equal_lines_without_a_bank_reference_are_all_real(shop: Shop) -> None:
    twin = SampleLine(10_00, end_to_end_id="", memo="same")
    imported(shop, shop.statement("day1.xml", twin, twin, on=SIGNED_ON))
    code, answer = imported(shop, shop.statement("day2.xml", twin, sequence=2, opening_fen=20_00, on=SIGNED_ON))
    assert (code, answer["verdict"]) == (0, "accept")
    assert shop.ask("SELECT array_agg(occurrence ORDER BY occurrence) FROM ledger.statement_line") == [1, 2, 3]


def test_a_sheet_that_proves_nothing_is_read_and_moves_no_money(shop: Shop) -> None:
    sheet = shop.file("list.csv", f"Date,Amount,Currency,Account\n2026-03-02,5.00,CNY,{CUSTODY}\n")
    code, answer = imported(shop, sheet)
    assert (code, answer["verdict"], answer["statements"][0]["proved"], answer["lines"]) == (0, "accept", False, 0)
    assert shop.counts("statement", "statement_line", "journal_entry", "statement_file")["statement_line"] == 0
    assert shop.count("statement_file") == 1


def test_mt940_days_with_one_reference_chain_by_their_number(shop: Shop) -> None:
    first = mt940(account=CUSTODY, reference="STARTUMS", number="1/1", opening_fen=0)
    second = mt940(account=CUSTODY, reference="STARTUMS", number="2/1", opening_fen=101_850)
    code, answer = imported(shop, shop.file("1.sta", first), shop.file("2.sta", second), shop.file("3.sta", first))
    assert (code, answer["imported"], answer["already"], answer["lines"]) == (0, 2, 1, 6)
    assert shop.broken() == []


def test_the_worst_of_several_files_decides_and_the_others_still_count(shop: Shop) -> None:
    good = shop.statement("good.xml", deposit(1), on=SIGNED_ON)
    gap = shop.statement("gap.xml", deposit(2), sequence=9, opening_fen=PRICE_FEN, on=SIGNED_ON)
    ran = shop.custody("statement", "import", good, gap)
    assert ran.code == HELD
    assert "SEQUENCE_GAP" in ran.out
    assert "2 files: hold, 1 imported, 1 held, 0 known before, 2 lines stored" in ran.out
    bad = shop.file("bad.xml", b"<Document")
    ran = shop.custody("statement", "import", gap, bad, "--json")
    assert ran.code == UNUSABLE
    assert "bad.xml" in ran.err
    assert "MALFORMED_XML" in ran.err


def test_a_file_that_cannot_be_opened_is_told_before_any_is_imported(shop: Shop) -> None:
    good = shop.statement("good.xml", deposit(1), on=SIGNED_ON)
    ran = shop.custody("statement", "import", good, shop.folder / "none.xml", "--json")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert "FILE_UNREADABLE" in ran.err
    assert shop.count("statement") == 0


def test_a_dump_of_the_books_holds_no_name_of_a_payer(shop: Shop) -> None:
    imported(shop, shop.statement("day.xml", deposit(1), on=SIGNED_ON))
    with shop.database.app.connect() as conn:
        dump = " ".join(
            str(row) for table in ("statement_line", "statement_file", "line_match")
            for row in conn.execute(text(f"SELECT {table}::text FROM ledger.{table}"))
        )  # fmt: skip
    assert "欧阳小满" not in dump
    assert "欧阳小满".encode().hex() not in dump
    assert "6217000099998888777" not in dump


def manifest() -> list[dict[str, str]]:
    with (FOLDER / "manifest.csv").open(encoding="utf-8", newline="") as rows:
        return [row for row in csv.DictReader(rows) if row["file"].startswith("own-")]


def test_the_files_of_the_collection_get_the_manifests_verdicts_by_history(shop: Shop) -> None:
    if not FOLDER.is_dir():
        pytest.skip("../shared is not beside this clone")
    _register_bank_of_the_collection(shop)
    need_history = ("own-redelivered-", "own-conflicting-", "own-discontinuous-", "own-gap-")
    rows = [row for row in manifest() if row["file"].startswith(("own-chain-", *need_history))]
    assert len(rows) == 10
    stored = 0
    for row in sorted(rows, key=lambda row: not row["file"].startswith("own-chain-")):
        before = shop.counts(*WRITTEN)
        code, answer = imported(shop, FOLDER / row["file"])
        judged = f"{answer['verdict']}:{answer['class']}" if answer["class"] else answer["verdict"]
        assert (row["file"], judged) == (row["file"], row["expected"])
        assert code == {"accept": 0, "idempotent": 0, "hold": HELD, "reject": UNUSABLE}[answer["verdict"]]
        stored += answer["lines"]
        assert shop.count("statement_line") == stored
        if answer["verdict"] == "idempotent":
            assert (shop.counts(*WRITTEN), answer["already"]) == (before, 1)
        if answer["verdict"] == "accept":
            assert (answer["imported"], answer["lines"]) == (1, int(row["booked_entries"]))
    assert stored == 159 + 20 + 20
    assert shop.count("line_match") == 159
    assert shop.ask("SELECT closing_fen FROM ledger.statement_now WHERE believed ORDER BY place DESC") == 95_685_790
    assert shop.broken() == []
    still = camt053(
        account="6232001000000000118", statement_id="AS106-2", sequence=106, opening_fen=95_685_790, lines=(),
        on=date(2026, 3, 7),
    )  # fmt: skip
    assert imported(shop, shop.file("106.xml", still))[1]["verdict"] == "accept"  # the gap: 107 joins both
    assert shop.count("line_match") == 159 + 20
    assert shop.broken() == []


def _register_bank_of_the_collection(shop: Shop) -> None:
    """The collection's account belongs to another school here: its books opened with what day 1 opens with."""
    now = edge.now(read_settings())
    other = Institution(1002, "JG1002", "另一学校", "110108", "", "non_academic", "custody", "区教委", "010")
    account = Fund(1002, 1, FundKind.CUSTODY, "6232001000000000118", "行", "102100099996", "CNY", 70_717_355, OPENED_ON)
    vault = edge.open_vault(read_settings())
    with shop.database.app.begin() as conn:
        register.institution(conn, vault, other, Payee("另一学校", "62220000", "102100099996"), now)
        register.fund(conn, account, "clerk:li", "clerk:wang", now)
    assert shop.ask("SELECT count(*) FROM ledger.fund WHERE account_no = '6232001000000000118'") == 1
