"""`custody cash record`: cash has a last day to be in the account, and `custody due` finds what is late, once."""

import json
from datetime import date
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CODE, SIGNED_ON, Shop, deposit
from tests.cli.test_due import due

# 3 working days after Monday 2 March
DUE_ON = date(2026, 3, 5)
RECEIPT = {"receipt": "SJ-0001", "contract": "HT000001", "amount": "4000.00", "on": SIGNED_ON.isoformat()}


def words(**changed: str) -> list[str]:
    named = {"institution": CODE, **RECEIPT, **changed}
    return [word for name, value in named.items() for word in (f"--{name}", value)]


def recorded(shop: Shop, code: int = 0, **changed: str) -> dict[str, Any]:
    ran = shop.custody("cash", "record", *words(**changed), "--actor", "clerk:li", "--json")
    assert ran.code == code, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def test_cash_that_never_came_is_found_once_after_its_last_day(shop: Shop) -> None:
    assert recorded(shop)["due_on"] == DUE_ON.isoformat()
    assert recorded(shop)["result"] == "replayed"
    assert due(shop, DUE_ON)["cash_late"] == 0
    assert [due(shop, date(2026, 3, 6))["cash_late"] for _ in range(2)] == [1, 0]
    assert shop.ask("SELECT facts FROM ledger.finding WHERE code = 'CASH_LATE'") == {
        "receipt_no": "SJ-0001", "missing_fen": 4_000_00, "due_on": DUE_ON.isoformat(),
    }  # fmt: skip


def test_cash_that_the_bank_booked_in_time_is_no_finding(shop: Shop) -> None:
    recorded(shop)
    shop.custody("statement", "import", shop.statement("day.xml", deposit(1), on=SIGNED_ON))
    assert due(shop, date(2026, 3, 6))["cash_late"] == 0


def test_another_amount_under_a_known_number_is_a_conflict(shop: Shop) -> None:
    recorded(shop)
    found = recorded(shop, REFUSED, amount="3999.00")
    assert (found["result"], found["code"]) == ("conflict", "REQUEST_CONFLICT")
    assert shop.ask("SELECT sum(amount_fen) FROM ledger.cash_receipt") == 4_000_00


@pytest.mark.parametrize(
    ("changed", "code"),
    [({"amount": "0"}, "BAD_AMOUNT"), ({"contract": "HT9"}, "UNKNOWN_CONTRACT"), ({"receipt": " "}, "BAD_TEXT")],
)
def test_a_receipt_that_cannot_be_is_not_recorded(shop: Shop, changed: dict[str, str], code: str) -> None:
    ran = shop.custody("cash", "record", *words(**changed), "--actor", "clerk:li")
    assert (ran.code, code in ran.err) == (UNUSABLE, True)
    assert shop.count("cash_receipt") == 0


def test_cash_of_a_day_to_come_is_refused(shop: Shop) -> None:
    assert recorded(shop, REFUSED, on="2099-01-05")["code"] == "DATE_IN_FUTURE"
