"""`custody takeover FILE`: two people, the same file, all or nothing; and a life that goes on from there."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.cli.main import HELD, REFUSED, UNUSABLE
from tests.cli.shop import NUMBER, PRICE_FEN, SIGNED_ON, Shop, lesson_row
from tests.conftest import run_custody
from tests.running_books import ACCOUNT, CODE, PAYER, as_bytes, changed_at, contract, running_books
from tests.running_books import NUMBER as TAKEN
from tests.samples import SampleLine, camt053

TAKING = ("before_takeover_commit", "after_takeover_commit")
TABLES = ("institution", "fund", "course", "contract", "student", "journal_entry", "lesson", "taken_over_payment")
KILLED = -9
NEW = {"paid": "8000.00", "released": "3000.00", "claim": "5000.00", "due": "800.00", "payable": "800.00"}


def offer(shop: Shop, file: Path, by: str, *more: str, code: int = 0) -> dict[str, Any]:
    ran = shop.custody("takeover", file, "--actor", by, "--json", *more)
    assert ran.code == code, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.fixture
def file(shop: Shop) -> Path:
    return shop.file("books.json", as_bytes(running_books()))


@pytest.fixture
def taken(shop: Shop, file: Path) -> Shop:
    """The books of a second school, taken over by two people."""
    offer(shop, file, "clerk:li", code=HELD)
    offer(shop, file, "clerk:wang")
    return shop


def balances(shop: Shop) -> dict[str, int]:
    with shop.database.app.connect() as conn:
        rows = conn.execute(text("SELECT * FROM ledger.balances(:i)"), {"i": TAKEN}).all()
    found: Counter[str] = Counter()
    for _, account_class, _, debit_fen, credit_fen in rows:
        found[account_class] += debit_fen - credit_fen
    return {account_class: abs(fen) for account_class, fen in found.items() if fen}


def test_two_people_offer_the_same_file_and_it_is_taken_over(shop: Shop, file: Path) -> None:
    before = shop.counts(*TABLES)
    first = offer(shop, file, "clerk:li", code=HELD)
    assert first["result"] == "offered"
    assert shop.counts(*TABLES) == before
    again = offer(shop, file, "clerk:li", code=HELD)
    assert again == first
    assert shop.count("takeover") == 1
    done = offer(shop, file, "clerk:wang")
    assert done == {**first, "result": "done"}
    assert {name: done[name] for name in NEW} == NEW
    assert (done["contracts"], done["unexplained"], done["refusals"]) == (3, "100.00", [])
    assert offer(shop, file, "clerk:zhao")["result"] == "replayed"
    assert balances(shop) == {
        "bank": 5_100_00, "claim": 5_000_00, "due": 800_00, "payable": 800_00, "suspense": 100_00
    }  # fmt: skip
    # what the school still holds of one family's money is a shortfall, which the day names by its contract
    assert shop.broken(besides=("12_cover",)) == []
    assert len(shop.broken()) == 1
    day = shop.custody("reconcile", "--account", ACCOUNT, "--on", SIGNED_ON.isoformat(), "--json")
    assert [one["amount"] for one in json.loads(day.out)["breaks"]] == ["800.00"]
    assert shop.broken() == []


def test_a_dry_run_and_an_offer_keep_nothing_of_it(shop: Shop, file: Path) -> None:
    before = shop.counts(*TABLES, "takeover", "finding")
    shown = offer(shop, file, "clerk:li", "--dry-run")
    assert (shown["result"], shown["claim"]) == ("dry run", "5000.00")
    assert shop.counts(*TABLES, "takeover", "finding") == before
    table = shop.custody("takeover", file, "--actor", "clerk:li", "--dry-run").out
    assert all(word in table for word in ("claim", "5000.00", "unexplained", "100.00", shown["sha256"]))


def test_a_file_that_cannot_be_true_is_refused_whole_with_every_reason(shop: Shop) -> None:
    wrong = changed_at(running_books(earned="9000.00"), "contracts.1.in_custody", "2000.01")
    file = shop.file("wrong.json", as_bytes(wrong))
    before = shop.counts(*TABLES, "takeover")
    ran = shop.custody("takeover", file, "--actor", "clerk:li", "--json")
    assert ran.code == REFUSED
    assert shop.counts(*TABLES, "takeover") == before
    assert [(one["code"], one["where"]) for one in json.loads(ran.out)["refusals"]] == [
        ("CUSTODY_OVER_PAID", "contracts[1].in_custody"), ("TAKEOVER_OVER_BALANCE", "account.balance")
    ]  # fmt: skip
    assert "contracts[1].in_custody: 2000.01 > 2000.00: " in ran.err
    unknown = shop.file("unknown.json", as_bytes(running_books(colour="red")))
    assert shop.custody("takeover", unknown, "--actor", "clerk:li").code == UNUSABLE


def test_contracts_and_money_are_taken_over_once(taken: Shop) -> None:
    before = balances(taken)
    more = taken.file("more.json", as_bytes(running_books(earned="100.00", contracts=[])))
    too_much = taken.file("too-much.json", as_bytes(running_books(earned="100.01", contracts=[])))
    same = taken.file("same.json", as_bytes(running_books(earned="0")))
    assert offer(taken, too_much, "clerk:li", code=REFUSED)["refusals"] == [
        {"code": "TAKEOVER_OVER_BALANCE", "where": "account.balance", "detail": "100.01 > 100.00"}
    ]
    known = offer(taken, same, "clerk:li", code=REFUSED)["refusals"]
    assert {one["code"] for one in known} == {"CONTRACT_KNOWN", "TAKEOVER_OVER_BALANCE"}
    assert len(known) == 7
    assert balances(taken) == before
    offer(taken, more, "clerk:li", code=HELD)
    assert offer(taken, more, "clerk:wang")["unexplained"] == "0.00"
    assert balances(taken)["payable"] == 900_00
    assert "suspense" not in balances(taken)


def test_an_institution_or_account_registered_otherwise_is_not_overwritten(taken: Shop) -> None:
    for path, value, where in (("institution.name", "别的学校", "institution"), ("account.balance", "1.00", "account")):
        other = taken.file("other.json", as_bytes(changed_at(running_books(contracts=[]), path, value)))
        (refused,) = offer(taken, other, "clerk:li", code=REFUSED)["refusals"]
        assert (refused["code"], refused["where"]) == ("REGISTERED_OTHERWISE", where)
    stolen = changed_at(running_books(contracts=[]), "institution.number", NUMBER)
    (refused,) = offer(taken, taken.file("s.json", as_bytes(stolen)), "clerk:li", code=REFUSED)["refusals"]
    assert (refused["code"], refused["where"]) == ("REGISTERED_OTHERWISE", "institution")


def test_what_was_signed_before_is_found_and_not_refused(shop: Shop) -> None:
    """70 hours at once pass the limit of 60, and 90 yuan more a lesson the guided cap of an academic course."""
    long = contract(1, hours_bought="70", price="4900.00", payments=[], hours_taught="0", in_custody="0")
    books = running_books(contracts=[long], earned="0")
    file = shop.file("long.json", as_bytes(books))
    offer(shop, file, "clerk:li", code=HELD)
    assert offer(shop, file, "clerk:wang")["findings"] == 1
    assert shop.ask(f"SELECT code FROM ledger.finding WHERE institution_id = {TAKEN}") == "PREPAYMENT_OVER_HOURS"
    dear = changed_at(books, "institution.number", TAKEN + 1)
    for path, value in (
        ("institution.code", "JG1078"), ("account.number", "6232001000000007799"),
        ("courses.0.category", "academic"), ("courses.0.subject", "数学"), ("courses.0.lesson_price", "500.00"),
        ("contracts.0.price", "30000.00"), ("contracts.0.hours_bought", "60"),
    ):  # fmt: skip
        dear = changed_at(dear, path, value)
    file = shop.file("dear.json", as_bytes(dear))
    offer(shop, file, "clerk:li", code=HELD)
    assert offer(shop, file, "clerk:wang")["contracts"] == 1
    found = "SELECT string_agg(code, ' ' ORDER BY code) FROM ledger.finding WHERE institution_id = 1078"
    assert shop.ask(found) == "CONTRACT_ABOVE_CAP PRICE_ABOVE_CAP"


def test_the_hours_taught_before_count_in_lessons_and_refunds(taken: Shop) -> None:
    at = ("--institution", CODE)
    rows = [lesson_row(f"L{n}", f"TK00000{n}", hours="1") for n in (1, 3)]
    ran = taken.custody("lessons", "import", taken.sheet("l.csv", *rows), *at, "--json", "--actor", "school")
    assert [(one["line"], one["code"]) for one in json.loads(ran.out)["refused"]] == [(3, "LESSON_OVER_HOURS")]
    asked = taken.custody("refund", "ask", *at, "--contract", "TK000001", "--cause", "institution", "--json")
    (refund,) = json.loads(asked.out)["refunds"]
    assert refund["amount"] == "2900.00"  # 40 hours less the 10 taken over and the one taught since
    # the family's own account is known for the newest payment alone: what the refund goes back on first
    assert taken.ask("SELECT payee_bank FROM ledger.refund") == PAYER["bank_no"]


def test_a_family_disputes_the_hours_that_were_taken_over(taken: Shop) -> None:
    at = ("--institution", CODE)
    lesson = taken.ask(
        "SELECT lesson_id FROM ledger.lesson JOIN ledger.contract USING (institution_id, contract_id)"
        " WHERE contract_no = 'TK000001'"
    )
    why = ("--reason", "twelve hours were put down, we had ten")
    assert taken.custody("lessons", "dispute", str(lesson), *at, *why, "--actor", "guardian:1").code == 0
    ran = taken.custody("lessons", "decide", str(lesson), *at, "--outcome", "reversed", *why, "--actor", "clerk:li",
                        "--json")  # fmt: skip
    decision = json.loads(ran.out)["lessons"][0]["decision"]
    assert taken.custody("lessons", "approve", decision, *at, "--actor", "clerk:wang").code == 0
    row = "SELECT paid_fen, released_fen, hours_released, due_fen FROM ledger.contract_balance WHERE paid_fen = 400000"
    with taken.database.app.connect() as conn:
        assert tuple(conn.execute(text(row)).one()) == (PRICE_FEN, 0, 0, 200_00)
    assert taken.broken(besides=("12_cover",)) == []


def test_the_first_statement_goes_on_from_the_opening_balance(taken: Shop) -> None:
    day = camt053(
        account=ACCOUNT, statement_id="S-1", sequence=1, opening_fen=5_100_00, on=SIGNED_ON,
        lines=[SampleLine(1_000_00, ref="D1", end_to_end_id="TP00000002", memo="学费 TP00000002")],
    )  # fmt: skip
    assert taken.custody("statement", "import", taken.file("day.xml", day)).code == 0
    assert taken.ask("SELECT max(paid_fen) FROM ledger.contract_balance b JOIN ledger.contract c"
                     " USING (institution_id, contract_id) WHERE contract_no = 'TK000002'") == 3_000_00  # fmt: skip


def test_nothing_of_a_file_stands_in_the_books_in_clear(taken: Shop) -> None:
    with taken.database.app.connect() as conn:
        rows = conn.execute(text("SELECT t::text FROM ledger.takeover t UNION ALL"
                                 " SELECT p::text FROM ledger.taken_over_payment p")).scalars().all()  # fmt: skip
    whole = "".join(rows)
    for word in ("诸葛", PAYER["account"], "13600000001", "110108201602020001"):
        assert word not in whole
        assert word.encode().hex() not in whole


@pytest.mark.parametrize("point", TAKING)
def test_a_take_over_that_is_killed_is_whole_or_not_there(shop: Shop, file: Path, point: str) -> None:
    offer(shop, file, "clerk:li", code=HELD)
    words = ("takeover", str(file), "--actor", "clerk:wang")
    assert run_custody({**shop.environment, "CUSTODY_FAULT": point}, *words).returncode == KILLED
    assert shop.count("taken_over_payment") == (0 if point == TAKING[0] else 4)
    assert run_custody(shop.environment, *words).returncode == 0
    assert shop.count("taken_over_payment") == 4
    assert balances(shop)["claim"] == 5_000_00


def test_reserve_mode_is_taken_over_without_a_bank(shop: Shop) -> None:
    books = running_books(account={"fund": 3, "kind": "hands", "opened_on": "2026-03-01"}, earned="0")
    for n in range(3):
        books = changed_at(books, f"contracts.{n}.in_custody", "0")
    file = shop.file("hands.json", as_bytes(books))
    offer(shop, file, "clerk:li", code=HELD)
    done = offer(shop, file, "clerk:wang")
    assert (done["claim"], done["due"], done["payable"], done["unexplained"]) == (
        "5000.00", "5000.00", "0.00", "0.00"
    )  # fmt: skip
