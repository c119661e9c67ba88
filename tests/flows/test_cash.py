"""Cash an institution took: its last day, and what the bank had not booked by then."""

from datetime import date
from uuid import UUID

import pytest

from ledger.books import cash as receipts
from ledger.errors import BadInput, Outcome, Result
from ledger.flows import cash
from ledger.terms.prepayment_receipt import Receipt
from tests.flows.school import CUSTODY, School, credit
from tests.flows.teaching import told
from tests.rules.rulebooks import without

TAKEN_ON, LAST_DAY = date(2026, 3, 6), date(2026, 3, 11)  # a Friday, and three working days later
DONE = (Result.DONE, "")


def record(school: School, *asked: Receipt) -> list[Outcome]:
    with school.engine.begin() as conn:
        return cash.record_receipts(
            conn, school.number, asked, school.rulebook, school.calendar, "school", school.at(school.clock)
        )


def late(school: School, today: date) -> int:
    with school.engine.begin() as conn:
        return cash.mark_late(conn, school.number, today, school.tick())


def receipt(contract_id: UUID, number: str = "R1", amount_fen: int = 500_00, on: date = TAKEN_ON) -> Receipt:
    return Receipt(number, contract_id, amount_fen, on)


@pytest.fixture
def later(school: School) -> School:
    """The school after the day the cash was taken."""
    school.clock = school.clock.replace(month=3, day=20)
    return school


def test_a_receipt_is_kept_with_its_last_day_and_moves_no_money(later: School) -> None:
    contract = later.signed()
    assert told(record(later, receipt(contract.contract_id))) == [DONE]
    with later.engine.begin() as conn:
        (kept,) = receipts.by_number(conn, later.number, ["R1", "R2"]).values()
    assert (kept.amount_fen, kept.received_on, kept.due_on) == (500_00, TAKEN_ON, LAST_DAY)
    assert (later.rows("journal_entry"), later.balance(contract.contract_id).paid_fen) == ([], 0)


def test_a_receipt_is_recorded_once_and_other_contents_are_a_conflict(later: School) -> None:
    one, other = later.signed(), later.signed()
    first = receipt(one.contract_id)
    assert told(record(later, first, first) + record(later, first)) == [DONE, *[(Result.REPLAYED, "")] * 2]
    conflicts = {
        "contract_id": receipt(other.contract_id),
        "amount_fen": receipt(one.contract_id, amount_fen=1),
        "received_on": receipt(one.contract_id, on=date(2026, 3, 5)),
    }
    for field, asked in conflicts.items():
        (outcome,) = record(later, asked)
        assert (outcome.result, outcome.code, outcome.field) == (Result.CONFLICT, "REQUEST_CONFLICT", field)
    assert len(later.rows("cash_receipt")) == 1


def test_a_renewed_rulebook_makes_no_conflict_of_a_receipt_known_before(later: School) -> None:
    contract = later.signed()
    record(later, receipt(contract.contract_id))
    later.rules = {"deposit.working_days": 5}
    assert told(record(later, receipt(contract.contract_id))) == [(Result.REPLAYED, "")]
    assert [row.due_on for row in later.rows("cash_receipt")] == [LAST_DAY]


def test_what_cannot_be_a_receipt_is_refused_and_the_others_are_recorded(later: School) -> None:
    contract = later.signed()
    outcomes = record(
        later, receipt(UUID(int=1), "R1"), receipt(contract.contract_id, "R2", on=date(2026, 3, 21)),
        receipt(contract.contract_id, "R3"),
    )  # fmt: skip
    assert told(outcomes) == [(Result.REFUSED, "UNKNOWN_CONTRACT"), (Result.REFUSED, "DATE_IN_FUTURE"), DONE]
    assert [row.receipt_no for row in later.rows("cash_receipt")] == ["R3"]


def test_a_place_without_a_last_day_for_cash_says_so(later: School) -> None:
    contract = later.signed()
    silent = without(later.rulebook, "deposit.working_days")
    with pytest.raises(BadInput, match="RULE_MISSING"), later.engine.begin() as conn:
        cash.record_receipts(
            conn, later.number, [receipt(contract.contract_id)], silent, later.calendar, "school", later.tick()
        )
    assert later.rows("cash_receipt") == []


def test_cash_that_is_not_booked_by_its_last_day_is_found_once(later: School) -> None:
    contract = later.signed()
    record(later, receipt(contract.contract_id))
    assert late(later, LAST_DAY) == 0
    assert (late(later, date(2026, 3, 12)), late(later, date(2026, 3, 13))) == (1, 0)
    (found,) = later.rows("finding")
    assert (found.code, found.contract_id, found.facts) == (
        "CASH_LATE", contract.contract_id, {"receipt_no": "R1", "missing_fen": 500_00, "due_on": "2026-03-11"},
    )  # fmt: skip


def test_a_deposit_between_the_receipt_and_its_last_day_covers_it_once(later: School) -> None:
    contract = later.signed()
    record(later, receipt(contract.contract_id, "R1", 300_00), receipt(contract.contract_id, "R2", 300_00))
    later.bank(CUSTODY, credit(400_00, contract.payment_reference), on=LAST_DAY)
    assert late(later, date(2026, 3, 12)) == 1
    assert [row.facts["missing_fen"] for row in later.rows("finding")] == [200_00]


def test_money_of_an_earlier_or_a_later_day_covers_no_cash(later: School) -> None:
    contract = later.signed()
    record(later, receipt(contract.contract_id))
    later.bank(CUSTODY, credit(500_00, contract.payment_reference), on=date(2026, 3, 5))
    later.bank(CUSTODY, credit(500_00, contract.payment_reference), on=date(2026, 3, 12))
    assert late(later, date(2026, 3, 12)) == 1
    assert [row.facts["missing_fen"] for row in later.rows("finding")] == [500_00]
