"""`custody cash record`, and `custody due` finding what the bank did not book in time."""

import json
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CODE, Shop, deposit


def words(**changed: str) -> list[str]:
    asked = {"institution": CODE, "contract": "HT000001", "receipt": "R-1", "amount": "500.00", "on": "2026-03-06"}
    return [word for name, value in {**asked, **changed}.items() for word in (f"--{name}", value)]


def record(shop: Shop, code: int = 0, **changed: str) -> dict[str, Any]:
    ran = shop.custody("cash", "record", *words(**changed), "--actor", "school:zhao", "--json")
    assert (ran.code, bool(ran.out)) == (code, True), ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_a_receipt_is_recorded_with_its_last_day_and_moves_nothing(shop: Shop) -> None:
    assert record(shop) == {
        "receipt": "R-1", "contract": "HT000001", "amount": "500.00", "received_on": "2026-03-06",
        "due_on": "2026-03-11", "result": "done", "code": "",
    }  # fmt: skip
    assert record(shop)["result"] == "replayed"
    assert shop.counts("cash_receipt", "journal_entry") == {"cash_receipt": 1, "journal_entry": 0}
    assert shop.ask("SELECT recorded_by FROM ledger.cash_receipt") == "school:zhao"


def test_the_same_number_with_another_amount_is_a_conflict(shop: Shop) -> None:
    record(shop)
    answer = record(shop, REFUSED, amount="500.01")
    assert (answer["result"], answer["code"]) == ("conflict", "REQUEST_CONFLICT")
    assert shop.ask("SELECT amount_fen FROM ledger.cash_receipt") == 500_00


def test_cash_of_a_day_to_come_is_refused(shop: Shop) -> None:
    answer = record(shop, REFUSED, on="2099-01-01")
    assert (answer["code"], answer["due_on"], shop.count("cash_receipt")) == ("DATE_IN_FUTURE", None, 0)


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"amount": "0"}, "BAD_AMOUNT"),
        ({"amount": "-5"}, "BAD_AMOUNT"),
        ({"amount": "5.001"}, "BAD_AMOUNT"),
        ({"on": "2026-02-30"}, "BAD_DATE"),
        ({"receipt": " "}, "BAD_TEXT"),
        ({"receipt": "R\n1"}, "BAD_TEXT"),
        ({"receipt": "R" * 41}, "BAD_TEXT"),
        ({"contract": "HT999999"}, "UNKNOWN_CONTRACT"),
        ({"institution": "JG9999"}, "UNKNOWN_INSTITUTION"),
    ],
)
def test_what_cannot_be_read_is_exit_2(shop: Shop, changed: dict[str, str], code: str) -> None:
    ran = shop.custody("cash", "record", *words(**changed), "--json")
    assert (ran.code, ran.out, code in ran.err) == (UNUSABLE, "", True), ran.err
    assert shop.count("cash_receipt") == 0


def test_due_finds_late_cash_once_and_tells_people(shop: Shop) -> None:
    for number in ("R-1", "R-2"):
        record(shop, receipt=number)
    paid = shop.statement("day.xml", deposit(1, 700_00), on=shop.ask("SELECT due_on FROM ledger.cash_receipt LIMIT 1"))
    assert shop.custody("statement", "import", paid).code == 0
    found = [json.loads(shop.custody("due", "--until", day, "--json").out)["cash_late"]
             for day in ("2026-03-11", "2026-03-12", "2026-03-13")]  # fmt: skip
    assert found == [0, 1, 0]
    assert shop.ask("SELECT facts ->> 'missing_fen' FROM ledger.finding WHERE code = 'CASH_LATE'") == "30000"
    ran = shop.custody("cash", "record", *words())
    assert [line.split()[-1] for line in ran.out.splitlines()] == ["result", "replayed"]
