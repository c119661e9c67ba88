"""Cash: its last day, and what the bank had not booked by then."""

from datetime import date
from uuid import UUID

import pytest

from ledger.errors import BadInput
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import cash
from ledger.terms.calendar import Deadline
from ledger.terms.cash import CashLate, CashReceipt
from tests.rules.rulebooks import with_values

BOOKS = load_rulebooks([BUILT_IN])
PLACE = BOOKS.in_force("110000", "", date(2026, 3, 2))
ONE, TWO = UUID(int=1), UUID(int=2)
RECEIPT = CashReceipt("SJ1", ONE, 500_00, date(2026, 3, 2), date(2026, 3, 5))
LATER = date(2026, 3, 6)


def test_the_last_day_is_data_of_the_place() -> None:
    three = with_values(PLACE, {"deposit.working_days": 3})
    assert cash.due_on(date(2026, 3, 5), three, BOOKS.calendar("110000")) == Deadline(date(2026, 3, 10))
    with pytest.raises(BadInput, match="RULE_MISSING"):
        cash.due_on(date(2026, 3, 5), PLACE, BOOKS.calendar("110000"))


@pytest.mark.parametrize(
    ("deposits", "missing"),
    [
        ([], 500_00),
        ([(date(2026, 3, 5), 500_00)], 0),
        ([(date(2026, 3, 2), 500_00)], 0),
        ([(date(2026, 3, 6), 500_00)], 500_00),  # it came, but late
        ([(date(2026, 3, 1), 500_00)], 500_00),  # a transfer of before is no cash of today
        ([(date(2026, 3, 3), 200_00), (date(2026, 3, 4), 100_00)], 200_00),
        ([(date(2026, 3, 3), 900_00)], 0),
    ],
)
def test_what_was_not_booked_in_time_is_late(deposits: list[tuple[date, int]], missing: int) -> None:
    found = cash.late([RECEIPT], {ONE: deposits}, LATER)
    assert found == ([CashLate(RECEIPT, missing)] if missing else [])
    assert cash.late([RECEIPT], {ONE: deposits}, RECEIPT.due_on) == []


def test_a_deposit_counts_for_one_receipt_and_one_contract() -> None:
    second = CashReceipt("SJ2", ONE, 500_00, date(2026, 3, 3), date(2026, 3, 6))
    other = CashReceipt("SJ3", TWO, 500_00, date(2026, 3, 2), date(2026, 3, 5))
    deposits = {ONE: [(date(2026, 3, 4), 700_00)]}
    today = date(2026, 3, 9)
    assert cash.late([second, RECEIPT, other], deposits, today) == [CashLate(other, 500_00), CashLate(second, 300_00)]
