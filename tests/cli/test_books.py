"""Commands that only look: reconcile, reserve report, trial balance, Beancount export, verify."""

import csv
import hashlib
import io
import json
import subprocess
import sys
from collections import defaultdict
from datetime import date
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from beancount import loader
from beancount.core.data import Open, Transaction
from sqlalchemy import text

from ledger.books import register
from ledger.cli.main import REFUSED, UNUSABLE
from ledger.money import fen_from_text
from ledger.rules import posting, posting_payment
from tests.cli.shop import CODE, CUSTODY, NUMBER, PRICE_FEN, SIGNED_ON, Shop, deposit, lesson_row
from tests.samples import SampleLine
from tests.world import DAY, NOW, World, make_world

BEAN_CHECK = Path(sys.executable).parent / "bean-check"


def answered(shop: Shop, *words: str | Path, code: int = 0) -> dict[str, Any]:
    ran = shop.custody(*words, "--json")
    assert (ran.code, bool(ran.out)) == (code, True), ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Two bank days: two payments and money nobody knows; then a bank fee. Four hours taught and released."""
    unknown = SampleLine(50_00, ref="X1", end_to_end_id="", memo="no name")
    day1 = shop.statement("1.xml", deposit(1), deposit(2), unknown, on=SIGNED_ON)
    fee = SampleLine(3_00, credit=False, ref="F1", end_to_end_id="", memo="fee")
    day2 = shop.statement("2.xml", fee, sequence=2, opening_fen=2 * PRICE_FEN + 50_00, on=date(2026, 3, 4))
    assert shop.custody("statement", "import", day1, day2).code == 0
    shop.taught(*(lesson_row(f"L{n}") for n in range(4)))
    assert shop.custody("due", "--until", "2026-04-01").code == 0
    return shop


# -- reconcile


def test_a_day_that_agrees_is_explained_line_by_line(busy: Shop) -> None:
    answer = answered(busy, "reconcile", "--account", CUSTODY, "--on", "2026-03-04")
    assert (answer["bank"], answer["books"], answer["difference"], answer["explained"]) == (
        "8047.00", "8047.00", "0.00", True,
    )  # fmt: skip
    assert answer["accounts"]["suspense"] == answer["items"]["suspense"] == "50.00"
    (open_break,) = answer["breaks"]
    assert (open_break["kind"], open_break["amount"], open_break["owner"]) == ("unordered_debit", "3.00", "bank")
    assert [(one["kind"], one["ages"]["2-5"], one["overdue"]) for one in answer["ageing"]] == [
        ("unidentified_receipt", {"count": 1, "amount": "50.00"}, 0),
        ("unordered_debit", {"count": 0, "amount": "0.00"}, 0),
    ]
    human = busy.custody("reconcile", "--account", CUSTODY, "--on", "2026-03-04")
    assert "explained" in human.out
    assert "unordered_debit" in human.out


def test_a_past_day_is_told_as_it_was(busy: Shop) -> None:
    answer = answered(busy, "reconcile", "--account", CUSTODY, "--on", SIGNED_ON.isoformat())
    assert (answer["statement_id"], answer["bank"], answer["books"], answer["explained"]) == (
        "S-0001", "8050.00", "8050.00", True,
    )  # fmt: skip
    assert (answer["accounts"]["difference"], answer["items"]["difference"]) == ("0.00", "0.00")
    assert (answer["accounts"]["claim"], answer["accounts"]["payable"]) == ("8000.00", "0.00")


def test_books_that_differ_from_the_bank_are_exit_1(busy: Shop) -> None:
    world = World(busy.database.app, NUMBER, NOW, count(1))
    world.done(posting.deposit_to_suspense(1, world.new_id(), 1))
    answer = answered(busy, "reconcile", "--account", CUSTODY, "--on", "2026-03-04", code=REFUSED)
    assert (answer["difference"], answer["explained"]) == ("-0.01", False)
    before = answered(busy, "reconcile", "--account", CUSTODY, "--on", "2026-03-01", code=REFUSED)
    assert (before["statement_id"], before["bank"], before["explained"]) == (None, None, False)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--account", "1"], "UNKNOWN_ACCOUNT"),
        (["--account", "６２３２"], "UNKNOWN_ACCOUNT"),
        (["--account", CUSTODY, "--on", "2099-01-01"], "DATE_IN_FUTURE"),
        (["--account", CUSTODY, "--on", "20260304"], "BAD_DATE"),
        (["--account", CUSTODY, "--on", "-1"], "BAD_DATE"),
    ],
)
def test_a_day_that_cannot_be_asked_for(shop: Shop, words: list[str], said: str) -> None:
    ran = shop.custody("reconcile", *words, "--json")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert said in ran.err


# -- trial balance and export


def test_the_trial_balance_names_every_account_that_moved(busy: Shop) -> None:
    answer = answered(busy, "trial-balance")
    assert answer["accounts"] == [
        {"account": f"{CODE}:bank:{CUSTODY}", "debit": "8050.00", "credit": "3.00", "balance": "8047.00"},
        {"account": f"{CODE}:claim:HT000001", "debit": "400.00", "credit": "4000.00", "balance": "-3600.00"},
        {"account": f"{CODE}:claim:HT000002", "debit": "0.00", "credit": "4000.00", "balance": "-4000.00"},
        {"account": f"{CODE}:difference:{CUSTODY}", "debit": "3.00", "credit": "0.00", "balance": "3.00"},
        {"account": f"{CODE}:payable:{CUSTODY}", "debit": "0.00", "credit": "400.00", "balance": "-400.00"},
        {"account": f"{CODE}:suspense:{CUSTODY}", "debit": "0.00", "credit": "50.00", "balance": "-50.00"},
    ]
    assert answer["debit"] == answer["credit"] == "8453.00"
    earlier = answered(busy, "trial-balance", "--as-of", SIGNED_ON.isoformat())
    assert (earlier["as_of"], earlier["debit"], len(earlier["accounts"])) == ("2026-03-02", "8050.00", 4)
    assert answered(busy, "trial-balance", "--as-of", "1900-01-01")["accounts"] == []
    assert busy.custody("trial-balance").out.splitlines()[-1].split() == ["all", "8453.00", "8453.00"]


def whole_life(shop: Shop) -> World:
    """Many kinds of entries on contracts with awkward numbers; a part of it sealed."""
    world = make_world(shop.database.app, 2002)
    world.open_contract(paid_fen=100_00)
    lesson = world.open_contract(300_01, 30_00, paid_fen=300_01, gifted=2_00)
    world.done(posting.hours_released(world.contract(lesson), 7_00))
    world.seal()
    payments = world.payments(lesson)
    world.done(posting_payment.refund_approved(world.contract(lesson), 150_00, payments, 0, None))
    world.done(posting.hold_placed(1, world.new_id(), 10_00, lesson))  # moves no money
    world.done(posting_payment.reserve_topped_up(2, 1_000_00))
    world.done(posting.prepaid_to_institution(world.contract(world.open_contract(fund_no=3)), world.new_id(), 60_00))
    for number in ("HT-2026/007", "HT-x2d-1", "X1", "ht_1", "合同-七"):
        contract_id = _contract_numbered(world, number)
        world.done(posting.deposit(world.contract(contract_id), world.new_id(), 99_99))
    return world


def _contract_numbered(world: World, number: str) -> UUID:
    contract_id = world.new_id()
    with world.engine.begin() as conn:
        register.open_contracts(conn, world.number, [{
            "institution_id": world.number, "contract_id": contract_id, "contract_no": number, "fund_no": 4,
            "payment_reference": number, "course_id": UUID(int=world.number), "student_id": UUID(int=world.number),
            "price_fen": 100_00,
            "list_price_fen": None, "hours_bought": 10_00, "hours_gifted": 0, "months": None, "first_lesson_on": DAY,
            "signed_on": DAY, "funded_by_loan": False, "rulebook": "110000", "rulebook_digest": b"", "signed_at": NOW,
        }])  # fmt: skip
    return contract_id


def test_beancount_accepts_the_export_and_comes_to_the_same_balances(busy: Shop) -> None:
    whole_life(busy)
    path = busy.folder / "out" / "journal.beancount"
    answer = answered(busy, "export", "beancount", "--out", path)
    assert answer["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    checked = subprocess.run([BEAN_CHECK, path], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
    entries, errors, _ = loader.load_file(str(path))
    assert errors == []
    named = {entry.account: entry.meta["custody"] for entry in entries if isinstance(entry, Open)}
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for entry in entries:
        for moved in entry.postings if isinstance(entry, Transaction) else ():
            assert moved.units is not None
            sums[named[moved.account]] += moved.units.number or 0
    balance = answered(busy, "trial-balance")["accounts"]
    assert sums == {one["account"]: Decimal(one["balance"]) for one in balance}
    assert len(named) == len(set(named.values())) == len(balance) == answer["accounts"]
    assert sum(isinstance(entry, Transaction) for entry in entries) == answer["entries"] == busy.count("journal_entry")


def test_the_trial_balance_is_the_balances_the_books_keep(busy: Shop) -> None:
    whole_life(busy)
    last_on = busy.ask("SELECT max(effective_on) FROM ledger.journal_entry")
    listed = answered(busy, "trial-balance", "--as-of", str(last_on))["accounts"]
    with busy.database.app.connect() as conn:
        kept = conn.execute(
            text("""SELECT i.code || ':' || b.class || ':' || coalesce(c.contract_no, f.account_no) AS account,
                           b.debit_fen - b.credit_fen AS fen
                    FROM ledger.institution i CROSS JOIN LATERAL ledger.balances(i.institution_id) b
                    JOIN ledger.fund f ON f.institution_id = i.institution_id AND f.fund_no = b.fund_no
                    LEFT JOIN ledger.contract c ON c.institution_id = i.institution_id AND c.contract_id = b.contract_id
                    WHERE b.debit_fen <> b.credit_fen""")
        )
        expected = {row.account: row.fen for row in kept}
    found = {one["account"]: fen_from_text(one["balance"], signed=True) for one in listed}
    assert {account: fen for account, fen in found.items() if fen} == expected


def test_an_export_is_the_same_bytes_and_empty_books_are_a_file_too(shop: Shop) -> None:
    first = answered(shop, "export", "beancount", "--out", shop.folder / "a")
    assert (first["accounts"], first["entries"]) == (0, 0)
    assert subprocess.run([BEAN_CHECK, shop.folder / "a"], check=False).returncode == 0
    assert answered(shop, "export", "beancount", "--out", shop.folder / "b")["sha256"] == first["sha256"]
    ran = shop.custody("export", "beancount", "--out", shop.folder / "a" / "below-a-file", "--json")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert "OUT_NOT_WRITABLE" in ran.err


# -- verify


def test_sound_books_are_verified_and_counted(busy: Shop) -> None:
    answer = answered(busy, "verify")
    assert (answer["ok"], answer["first_fault"], answer["entries"]) == (True, None, busy.count("journal_entry"))
    assert (answer["blocks"], answer["unsealed"]) == (0, answer["entries"])
    assert all(one["checked"] >= 0 and one["faults"] == [] for one in answer["promises"])
    assert len(answer["promises"]) == 14
    assert "holds" in busy.custody("verify").out


def test_a_counter_changed_behind_the_ledgers_back_is_named(busy: Shop) -> None:
    with busy.database.owner.begin() as conn:
        conn.execute(
            text("UPDATE ledger.contract_balance SET paid_fen = paid_fen - 1 WHERE paid_fen > 0 AND released_fen > 0")
        )
    ran = busy.custody("verify", "--json")
    fault = json.loads(ran.out)["first_fault"]
    assert ran.code == REFUSED
    assert fault["expected"] != fault["found"]
    assert fault["promise"] in ran.err
    assert fault["where"] in ran.err


# -- reserve report


def test_the_report_tells_what_is_required_held_and_covered(busy: Shop) -> None:
    out = busy.folder / "reports"
    answer = answered(busy, "reserve", "report", "--as-of", "2026-04-30", "--out", out)
    (listed,) = answer["files"]
    content = (out / listed["name"]).read_bytes()
    assert (listed["name"], listed["sha256"]) == ("reserve-2026-04-30.csv", hashlib.sha256(content).hexdigest())
    assert content.startswith(b"\xef\xbb\xbf")
    (row,) = csv.DictReader(io.StringIO(content.decode("utf-8-sig")))
    assert (row["institution"], row["formula"], row["base"], row["percent"], row["floor_holds"]) == (
        CODE, "one_charging_period", "8000.00", "100", "yes",
    )  # fmt: skip
    assert (row["required"], row["held"], row["lacking"]) == ("100000.00", "0.00", "100000.00")
    # the four hours were confirmed later than this day, so both claims stood whole; the custody cash covers them
    assert (row["claims"], row["custody"], row["coverage_percent"], row["pupils"]) == (
        "8000.00",
        "8047.00",
        "100.00",
        "2",
    )
    assert answer["sums_fen"]["claims"] == 8_000_00
    assert (answer["rows"], answer["blocks"], answer["as_of"]) == (1, {CODE: 1}, "2026-04-30")
    assert json.loads((out / "manifest.json").read_text(encoding="utf-8")) == answer
    assert "100.00" in busy.custody("reserve", "report", "--as-of", "2026-04-30", "--out", out).out


def test_the_same_books_give_the_same_bytes(busy: Shop) -> None:
    for folder in ("a", "b"):
        answered(busy, "reserve", "report", "--as-of", "2026-04-30", "--out", busy.folder / folder)
    for name in ("manifest.json", "reserve-2026-04-30.csv"):
        assert (busy.folder / "a" / name).read_bytes() == (busy.folder / "b" / name).read_bytes()


def test_todays_report_equals_the_balances_the_books_keep(busy: Shop) -> None:
    today = busy.ask(
        "SELECT max(effective_on) FROM ledger.journal_entry"
    )  # the releases were recorded by the real clock
    sums = answered(busy, "reserve", "report", "--as-of", str(today), "--out", busy.folder / "r")["sums_fen"]
    kept = dict.fromkeys(("claim", "refund_due", "due", "bank", "reserve"), 0)
    with busy.database.app.connect() as conn:
        rows = conn.execute(
            text("SELECT class::text, sum(abs(debit_fen - credit_fen))::bigint FROM ledger.balances(1001) GROUP BY 1")
        )
        kept |= {row[0]: row[1] for row in rows}
    assert (sums["claims"], sums["refunds_due"], sums["due_from_institution"], sums["custody"], sums["held"]) == (
        kept["claim"], kept["refund_due"], kept["due"], kept["bank"], kept["reserve"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--as-of", "2099-01-01"], "DATE_IN_FUTURE"),
        (["--as-of", "yesterday"], "BAD_DATE"),
        (["--as-of", "2026-04-30", "--format", "csv,docx"], "BAD_CHOICE"),
        (["--as-of", "2026-04-30", "--format", ""], "BAD_CHOICE"),
    ],
)
def test_a_report_that_cannot_be_made_writes_nothing(shop: Shop, words: list[str], said: str) -> None:
    ran = shop.custody("reserve", "report", *words, "--out", shop.folder / "reports", "--json")
    assert (ran.code, ran.out, (shop.folder / "reports").exists()) == (UNUSABLE, "", False)
    assert said in ran.err


def test_a_place_whose_rulebook_is_silent_stops_the_report_by_name(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTODY_RULEBOOK_DIR")
    ran = shop.custody("reserve", "report", "--as-of", "2026-04-30", "--out", shop.folder / "reports")
    assert ran.code == UNUSABLE
    assert "RULE_MISSING" in ran.err
    assert f"{CODE}, 110108" in ran.err
