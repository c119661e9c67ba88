"""Open last days to answer after a holiday notice: later for the parent or as they were, never earlier."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime

from ledger.flows import lesson, lesson_deadline
from ledger.terms.calendar import CalendarDays
from ledger.terms.institution import Institution
from ledger.terms.rulebook import Rulebooks
from tests.flows.school import LAW, School, institution
from tests.flows.teaching import confirm, put_down, states

DECEMBER = datetime(2026, 12, 14, 4, tzinfo=UTC)
# Fifteen working days after 14 December 2026: 4 January 2027, while no notice of 2027 is known.
LAST_DAY = date(2027, 1, 4)


def noticed(*holidays: date, workdays: tuple[date, ...] = ()) -> Rulebooks:
    """The rulebooks with a notice of 2027."""

    def known(calendar: CalendarDays) -> CalendarDays:
        return replace(
            calendar, holidays=calendar.holidays | set(holidays), workdays=calendar.workdays | set(workdays),
            noticed_years=calendar.noticed_years | {2027},
        )  # fmt: skip

    calendars: Mapping[str, CalendarDays] = {place: known(one) for place, one in LAW.calendars.items()}
    return replace(LAW, calendars=calendars)


def renewed(school: School, law: Rulebooks) -> int:
    here: Institution = institution(school.number)
    with school.engine.begin() as conn:
        return lesson_deadline.renew(conn, here, law, school.tick())


def silent(school: School, today: date) -> int:
    with school.engine.begin() as conn:
        return len(lesson.confirm_silent(conn, school.number, today, school.tick(), 100).outcomes)


def dates(school: School) -> list[tuple[date, bool]]:
    rows = sorted(school.rows("lesson_date"), key=lambda row: (row.lesson_id, row.step))
    return [(row.answer_until, row.provisional) for row in rows]


def test_a_day_in_a_year_without_a_notice_is_marked_and_moves_later_only(school: School) -> None:
    school.at(DECEMBER)
    (only,) = put_down(school, school.paid(), 1)
    assert dates(school) == [(LAST_DAY, True)]
    assert renewed(school, LAW) == 0
    law = noticed(date(2027, 1, 1))
    assert (renewed(school, law), renewed(school, law)) == (1, 0)
    assert dates(school) == [(LAST_DAY, True), (date(2027, 1, 5), False)]
    assert silent(school, date(2027, 1, 5)) == 0
    assert silent(school, date(2027, 1, 6)) == 1
    assert states(school, only) == ["released"]


def test_a_notice_that_would_shorten_the_time_only_makes_it_certain(school: School) -> None:
    school.at(DECEMBER)
    put_down(school, school.paid(), 2)
    assert renewed(school, noticed(workdays=(date(2027, 1, 2),))) == 0
    assert dates(school) == [(LAST_DAY, True), (LAST_DAY, False)] * 2
    assert silent(school, date(2027, 1, 4)) == 0


def test_an_answered_lesson_is_left_alone(school: School) -> None:
    school.at(DECEMBER)
    answered, _ = put_down(school, school.paid(), 2)
    confirm(school, answered)
    assert renewed(school, noticed(date(2027, 1, 1))) == 1
    assert len(dates(school)) == 3


def test_days_of_noticed_years_are_neither_marked_nor_moved(school: School) -> None:
    put_down(school, school.paid(), 1)
    assert (dates(school), renewed(school, LAW), dates(school)) == ([], 0, [])
