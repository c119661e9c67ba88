"""Release by the calendar: what is confirmed leaves the claim when the contract's mode says so, and no fen more."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from ledger.errors import Result
from ledger.flows import lesson, release
from ledger.terms.rulebook import Rulebook, Scalar
from tests.flows.school import ASKED_AT, PRICE_FEN, School
from tests.rules.rulebooks import THIRDS, with_values

CONFIRMED_ON = ASKED_AT.date()


@dataclass
class Place(School):
    """A school in a place whose rulebook says something else."""

    says: Mapping[str, Scalar] = field(default_factory=dict)

    @property
    def rulebook(self) -> Rulebook:
        return with_values(super().rulebook, self.says)

    def confirmed(self, contract_no: str, lessons: int) -> None:
        """Lessons of an hour each, put down and confirmed by the family the same day."""
        for _ in range(lessons):
            self.lesson_recorded(contract_no)
        with self.engine.begin() as conn:
            waiting = [row.lesson_id for row in self.rows("lesson_now") if row.state == "recorded"]
            outcomes = lesson.confirm(conn, self.number, waiting, "guardian:1", self.tick())
        assert [outcome.result for outcome in outcomes] == [Result.DONE] * lessons

    def released_on(self, today: date, contract_id: UUID) -> int:
        """Let the calendar decide; what the contract has released by then, in fen."""
        with self.engine.begin() as conn:
            release.due(conn, self.number, today, self.calendar, self.at(datetime.combine(today, ASKED_AT.timetz())))
        return self.balance(contract_id).released_fen


def place(school: School, **says: Scalar) -> Place:
    keys = {name.replace("_", ".", 1): value for name, value in says.items()}
    return Place(school.engine, school.number, school.place, school.clock, says=keys)


def test_weekly_all_confirmed_hours_leave_when_the_oldest_has_waited_its_days(school: School) -> None:
    weekly = place(school, release_mode="periodic", release_period_days=7)
    made = weekly.paid()
    weekly.confirmed(made.contract_no, 2)
    assert weekly.released_on(CONFIRMED_ON + timedelta(6), made.contract_id) == 0
    assert weekly.released_on(CONFIRMED_ON + timedelta(7), made.contract_id) == 2 * PRICE_FEN // 40
    assert [row.state for row in weekly.rows("lesson_now")] == ["released", "released"]
    assert weekly.broken() == []


def test_milestones_release_their_share_when_their_part_of_the_hours_is_taught(school: School) -> None:
    thirds = place(school, release_mode="milestones", release_milestones=THIRDS)
    made = thirds.paid(hours_bought=6_00, price_fen=60_00)
    thirds.confirmed(made.contract_no, 1)
    assert thirds.released_on(CONFIRMED_ON, made.contract_id) == 0
    thirds.confirmed(made.contract_no, 1)
    assert thirds.released_on(CONFIRMED_ON, made.contract_id) == 18_00
    thirds.confirmed(made.contract_no, 4)
    assert thirds.released_on(CONFIRMED_ON, made.contract_id) == 60_00
    assert thirds.broken() == []


def test_after_the_order_nothing_leaves_before_its_working_days_are_over(school: School) -> None:
    after = place(school, release_mode="after_order", release_after_order_working_days=3)
    made = after.paid(hours_bought=2_00, price_fen=20_00)
    after.confirmed(made.contract_no, 1)
    assert after.released_on(CONFIRMED_ON + timedelta(30), made.contract_id) == 0
    after.confirmed(made.contract_no, 1)
    last = after.clock.date()
    assert after.released_on(last + timedelta(1), made.contract_id) == 0
    assert after.released_on(last + timedelta(10), made.contract_id) == 20_00
    assert after.broken() == []


def test_a_share_ahead_is_due_at_once_and_met_by_the_first_hours(school: School) -> None:
    ahead = place(school, release_ahead_percent_max=Fraction(30))
    made = ahead.paid()
    with ahead.engine.begin() as conn:
        (outcome,) = release.ahead(conn, ahead.number, ahead.tick())
    assert outcome.result is Result.DONE
    with ahead.engine.begin() as conn:
        assert release.ahead(conn, ahead.number, ahead.tick()) == []
    assert ahead.balance(made.contract_id).due_fen == PRICE_FEN * 30 // 100
    ahead.confirmed(made.contract_no, 1)
    hour = PRICE_FEN // 40
    after = ahead.balance(made.contract_id)
    assert (after.released_fen, after.due_fen) == (hour, PRICE_FEN * 30 // 100 - hour)
    assert ahead.broken() == []
