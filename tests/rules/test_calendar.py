"""Working days and last days, on the official notices of 2020 to 2026."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import calendar as days
from ledger.terms.calendar import CalendarDays, DayKind, Deadline, OpenDeadline, Side, shanghai_day

NOTICES = load_rulebooks([BUILT_IN]).calendar("110000")


def test_the_legal_day_is_shanghais() -> None:
    assert shanghai_day(datetime(2026, 1, 1, 15, 59, 59, tzinfo=UTC)) == date(2026, 1, 1)
    assert shanghai_day(datetime(2026, 1, 1, 16, 0, tzinfo=UTC)) == date(2026, 1, 2)
    with pytest.raises(ValueError, match="time zone"):
        shanghai_day(datetime(2026, 1, 1))


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 10, 1), False),  # holiday on a Thursday
        (date(2026, 10, 10), True),  # Saturday made up
        (date(2026, 10, 11), False),  # plain Sunday
        (date(2026, 10, 12), True),
        (date(2020, 1, 31), False),  # the 2020 extension
    ],
)
def test_working_days_follow_the_notices(day: date, works: bool) -> None:
    assert days.is_working_day(day, NOTICES) is works


def test_seven_years_of_notices_are_loaded() -> None:
    assert NOTICES.noticed_years == frozenset(range(2020, 2027))
    assert len(NOTICES.holidays) + len(NOTICES.workdays) == 254


def test_working_days_are_counted_from_the_day_after() -> None:
    # 2026-09-24 is a Thursday; the 25th to the 27th are Mid-Autumn, 1 to 7 October National Day
    assert days.add_working_days(date(2026, 9, 24), 3, NOTICES) == Deadline(date(2026, 9, 30))
    assert days.add_working_days(date(2026, 9, 24), 4, NOTICES) == Deadline(date(2026, 10, 8))
    assert days.add_working_days(date(2026, 10, 8), 2, NOTICES) == Deadline(date(2026, 10, 10))
    assert days.add_working_days(date(2026, 10, 11), 0, NOTICES) == Deadline(date(2026, 10, 11))
    with pytest.raises(ValueError, match="forward"):
        days.add_working_days(date(2026, 9, 24), -1, NOTICES)


def test_a_year_without_notice_is_provisional() -> None:
    found = days.add_working_days(date(2026, 12, 25), 15, NOTICES)
    assert found == Deadline(date(2027, 1, 15), provisional=True)


def test_a_last_day_moves_on_from_a_rest_day() -> None:
    assert days.moved_on(date(2026, 10, 1), NOTICES) == Deadline(date(2026, 10, 8))
    assert days.moved_on(date(2026, 10, 10), NOTICES) == Deadline(date(2026, 10, 10))
    assert days.deadline(date(2026, 9, 25), 5, DayKind.CALENDAR, NOTICES) == Deadline(date(2026, 9, 30))
    assert days.deadline(date(2026, 9, 26), 5, DayKind.CALENDAR, NOTICES) == Deadline(date(2026, 10, 8))
    assert days.deadline(date(2026, 9, 26), 5, DayKind.WORKING, NOTICES) == Deadline(date(2026, 10, 9))


@pytest.mark.parametrize(
    ("binds", "new", "kept"),
    [
        (Side.INSTITUTION, date(2027, 1, 10), date(2027, 1, 10)),
        (Side.INSTITUTION, date(2027, 1, 20), date(2027, 1, 15)),
        (Side.PARENT, date(2027, 1, 20), date(2027, 1, 20)),
        (Side.PARENT, date(2027, 1, 10), date(2027, 1, 15)),
    ],
)
def test_a_new_notice_moves_a_deadline_only_for_the_family(binds: Side, new: date, kept: date) -> None:
    open_one = Deadline(date(2027, 1, 15), provisional=True)
    assert days.recomputed(open_one, Deadline(new), binds) == Deadline(kept)


def test_open_deadlines_are_reckoned_again_when_a_notice_is_loaded() -> None:
    """New Year 2027 off until 4 January, as a notice might say; 2 January made up. Firm deadlines stand."""
    notice = CalendarDays(
        holidays=NOTICES.holidays | {date(2027, 1, day) for day in (1, 4, 5)},
        workdays=NOTICES.workdays | {date(2027, 1, 2), date(2027, 1, 9), date(2027, 1, 10), date(2027, 1, 16)},
        noticed_years=NOTICES.noticed_years | {2027},
    )

    def running(ref: str, days_after: int, binds: Side, kind: DayKind = DayKind.WORKING) -> OpenDeadline:
        start = date(2026, 12, 25)
        return OpenDeadline(ref, start, days_after, kind, binds, days.deadline(start, days_after, kind, NOTICES))

    late = [running(f"late {binds}", 6, binds) for binds in Side]  # 4 January becomes 6 January
    early = [running(f"early {binds}", 20, binds) for binds in Side]  # 22 January becomes 21 January
    same = running("same", 10, Side.PARENT, DayKind.CALENDAR)  # 4 January, a Monday, now a day off
    firm = replace(running("firm", 20, Side.INSTITUTION), last=Deadline(date(2027, 1, 22)))
    found = {one.ref: one.last for one in days.recomputed_open([*late, *early, same, firm], notice)}
    assert found == {
        "late institution": Deadline(date(2027, 1, 4)),
        "late parent": Deadline(date(2027, 1, 6)),
        "early institution": Deadline(date(2027, 1, 21)),
        "early parent": Deadline(date(2027, 1, 22)),
        "same": Deadline(date(2027, 1, 6)),
    }
    assert days.recomputed_open([*late, *early, same], NOTICES) == []


def test_days_of_a_term_count_both_ends() -> None:
    assert days.days_both_ends(date(2026, 1, 1), date(2026, 1, 31)) == 31
    assert days.days_both_ends(date(2026, 1, 1), date(2026, 1, 1)) == 1
    assert days.days_both_ends(date(2026, 1, 2), date(2026, 1, 1)) == 0


def test_months_keep_the_day_or_end_with_the_month() -> None:
    assert days.add_months(date(2024, 1, 31), 1) == date(2024, 2, 29)
    assert days.add_months(date(2024, 12, 15), 1) == date(2025, 1, 15)
    assert days.add_months(date(2024, 3, 31), -1) == date(2024, 2, 29)


def test_whole_months_of_a_term() -> None:
    assert days.months_between(date(2025, 1, 1), date(2025, 12, 31)) == 12
    assert days.months_between(date(2025, 1, 15), date(2025, 2, 14)) == 1
    assert days.months_between(date(2025, 1, 15), date(2025, 2, 15)) is None


def test_without_any_notice_weekends_are_all_that_is_known() -> None:
    assert days.add_working_days(date(2026, 9, 30), 1, CalendarDays()) == Deadline(date(2026, 10, 1), provisional=True)
