"""What is entered of an institution beside its books, and what follows: outflow of a month, highest balance."""

from datetime import date, timedelta
from fractions import Fraction

import pytest

from ledger.books.transaction import snapshot
from ledger.errors import BadInput, Outcome, Result
from ledger.flows import prepayment, reserve
from ledger.reports import reserve as report
from ledger.terms.calendar import shanghai_day
from ledger.terms.payout import BatchKind
from ledger.terms.reserve import EnteredFacts
from ledger.terms.rulebook import Scalar
from tests.flows.school import OPENED_ON, School
from tests.flows.test_payout import build, told

FITNESS: dict[str, Scalar] = {
    "reserve.formula": "share_of_undelivered",
    "reserve.percent": Fraction(10),
    "reserve.balance_max_percent": Fraction(100),
    "reserve.young_balance_max_multiple": 2,
}


def enter(school: School, new: EnteredFacts, source: str = "licence 7") -> Outcome:
    with school.engine.begin() as conn:
        return reserve.enter_facts(conn, school.number, new, source, "clerk:li", school.tick())


def noted(school: School, days: int = 0) -> int:
    with school.engine.begin() as conn:
        return reserve.note_balance(conn, school.number, school.rulebook, school.tick() + timedelta(days=days))


def test_the_newest_row_counts_and_what_it_leaves_out_stays(school: School) -> None:
    assert told(enter(school, EnteredFacts(opened_on=OPENED_ON, capital_fen=5))) == (Result.DONE, "")
    assert told(enter(school, EnteredFacts(capital_fen=6, issuer_kind="group"), "accounts 2025")) == (Result.DONE, "")
    assert told(enter(school, EnteredFacts(capital_fen=6))) == (Result.REPLAYED, "")
    first, second = school.rows("institution_fact")
    assert (first.opened_on, first.capital_fen, first.issuer_kind, first.source) == (OPENED_ON, 5, None, "licence 7")
    assert (second.opened_on, second.capital_fen, second.issuer_kind) == (OPENED_ON, 6, "group")
    assert (second.source, second.entered_by) == ("accounts 2025", "clerk:li")


def test_a_report_counts_what_was_entered_by_the_time_of_its_block(school: School) -> None:
    school.paid()
    enter(school, EnteredFacts(capital_fen=5))
    school.seal()
    enter(school, EnteredFacts(capital_fen=6))
    with snapshot(school.engine) as conn:
        assert report.figures(conn, date(2026, 4, 1))[school.number].entered == EnteredFacts(capital_fen=5)
        nothing_sealed = report.figures(conn, date(2026, 4, 1), {school.number: 0})[school.number]
    assert nothing_sealed.entered is None
    school.paid()
    school.seal()
    with snapshot(school.engine) as conn:
        assert report.figures(conn, date(2026, 4, 1))[school.number].entered == EnteredFacts(capital_fen=6)


def test_no_more_leaves_in_a_month_than_the_place_allows(school: School) -> None:
    """Twice the least reserve of 100 yuan, where the place says so: the rest is paid in the next month."""
    school.rules = {
        "reserve.formula": "share_of_undelivered", "reserve.percent": Fraction(0), "reserve.floor": 100_00,
        "reserve.outflow_multiple": 2,
    }  # fmt: skip
    contract = school.paid()
    school.taught(contract.contract_id, 10_00)
    assert [told(outcome) for outcome in build(school, BatchKind.PAYOUT)] == [(Result.DONE, "")]
    (batch,) = school.batches()
    assert batch.control_fen == 200_00
    assert [told(outcome) for outcome in build(school, BatchKind.PAYOUT)] == [(Result.REFUSED, "OUTFLOW_LIMIT")]
    next_month = (batch.execute_on.replace(day=1) + timedelta(days=31)).replace(day=1)
    later = build(school, BatchKind.PAYOUT, execute_on=next_month)
    assert [told(outcome) for outcome in later] == [(Result.DONE, "")]
    assert [one.control_fen for one in school.batches()] == [200_00, 200_00]
    assert school.broken() == []


def test_a_balance_above_what_the_place_allows_is_named_once_a_day(school: School) -> None:
    assert noted(school) == 0  # no such rule here
    school.rules = dict(FITNESS)
    school.paid()
    with pytest.raises(BadInput, match="FACT_MISSING"):
        noted(school)
    enter(school, EnteredFacts(opened_on=OPENED_ON, capital_fen=2_000_00))
    assert noted(school) == 0  # exactly twice the capital
    school.paid()
    assert [noted(school), noted(school), noted(school, days=1)] == [1, 0, 1]
    first, _ = school.rows("finding")
    assert (first.code, first.found_on) == ("BALANCE_ABOVE_LIMIT", shanghai_day(school.clock))
    assert first.facts == {
        "balance_fen": 8_000_00, "limit_fen": 4_000_00, "rulebook_digest": school.rulebook.digest,
    }  # fmt: skip


def test_a_requirement_counts_what_was_entered(reserve_school: School) -> None:
    """Reserve mode: a fifth of last quarter's balance for a large issuer; without the kind nothing is decided."""
    reserve_school.rules = {
        "reserve.formula": "share_by_issuer", "reserve.percent_large": Fraction(20), "reserve.floor": 1_00,
    }  # fmt: skip
    book, now = reserve_school.rulebook, reserve_school.tick()
    with reserve_school.engine.begin() as conn, pytest.raises(BadInput, match="FACT_MISSING"):
        prepayment.receive(conn, reserve_school.number, [], book, "clerk:li", now)
    enter(reserve_school, EnteredFacts(issuer_kind="large"))
    with reserve_school.engine.begin() as conn:
        assert prepayment.receive(conn, reserve_school.number, [], book, "clerk:li", now) == []
        called = reserve.call_top_up(
            conn, reserve_school.number, reserve_school.rulebook, reserve_school.calendar, reserve_school.tick()
        )
    assert called is not None
    assert called[0] == 1_00
