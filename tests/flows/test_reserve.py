"""Orders on reserves need two people and a document number; a lacking reserve is called for once a day."""

from dataclasses import replace
from datetime import timedelta

from ledger.errors import Result
from ledger.flows import reserve
from ledger.rules.calendar import add_working_days
from ledger.terms.calendar import shanghai_day
from tests.flows.school import SIGNED_ON, School
from tests.flows.test_prepayment import FLOOR_FEN, enter, order, told, top_up


def test_an_order_is_entered_by_two_people(reserve_school: School) -> None:
    new = order(reserve_school)
    assert told(enter(reserve_school, new, "clerk:li")) == (Result.REFUSED, "SAME_PERSON")
    assert (reserve_school.rows("reserve_order"), reserve_school.rows("approval")) == ([], [])
    outcome = enter(reserve_school, new)
    assert (*told(outcome), outcome.entry_id) == (Result.DONE, "", new.order_id)
    (approval,) = reserve_school.rows("approval")
    assert (approval.subject_id, approval.made_by, approval.approved_by) == (new.order_id, "clerk:li", "clerk:wang")


def test_a_document_is_entered_once(reserve_school: School) -> None:
    new = order(reserve_school)
    enter(reserve_school, new)
    again = enter(reserve_school, order(reserve_school))
    assert (again.result, again.entry_id) == (Result.REPLAYED, new.order_id)
    other = enter(reserve_school, replace(order(reserve_school), amount_fen=new.amount_fen + 1))
    assert told(other) == (Result.CONFLICT, "REQUEST_CONFLICT")
    assert [row.amount_fen for row in reserve_school.rows("reserve_order")] == [new.amount_fen]


def test_a_lacking_reserve_is_called_for_once_a_day(reserve_school: School) -> None:
    top_up(reserve_school, FLOOR_FEN - 300_00)
    now = reserve_school.tick()
    today = shanghai_day(now)
    assert today < SIGNED_ON + timedelta(days=30)
    called = []
    for instant in (now, now + timedelta(minutes=1), now + timedelta(days=1)):
        with reserve_school.engine.begin() as conn:
            called.append(
                reserve.call_top_up(
                    conn, reserve_school.number, reserve_school.rulebook, reserve_school.calendar, instant
                )
            )
    days = [add_working_days(day, 10, reserve_school.calendar).on for day in (today, today + timedelta(days=1))]
    assert called == [(300_00, days[0]), None, (300_00, days[1])]
    first, _ = reserve_school.rows("finding")
    assert first.facts == {
        "required_fen": FLOOR_FEN, "held_fen": FLOOR_FEN - 300_00, "due_on": days[0].isoformat(),
        "rulebook_digest": reserve_school.rulebook.digest,
    }  # fmt: skip


def test_a_reserve_that_reaches_is_not_called_for(reserve_school: School) -> None:
    top_up(reserve_school)
    with reserve_school.engine.begin() as conn:
        assert (
            reserve.call_top_up(
                conn, reserve_school.number, reserve_school.rulebook, reserve_school.calendar, reserve_school.tick()
            )
            is None
        )
    assert reserve_school.rows("finding") == []
