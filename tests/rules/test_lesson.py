"""Lesson times, attendance, and when silence confirms."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import confirmation, lesson
from ledger.terms.calendar import SHANGHAI, CalendarDays, Deadline
from ledger.terms.lesson_law import Attendance, LessonFlag, LessonLaw, LessonTime, Silence
from ledger.terms.price_cap import Category, Mode, Stage
from tests.rules.rulebooks import with_values

BOOKS = load_rulebooks([BUILT_IN])
LAW = lesson.law(BOOKS.in_force("110000", "", date(2026, 3, 2)))
CALENDAR = BOOKS.calendar("110000")


def at(
    start: str, minutes: int, mode: Mode = Mode.OFFLINE, day: date = date(2026, 3, 2), name: str = "L1"
) -> LessonTime:
    starts = datetime.combine(day, time.fromisoformat(start), SHANGHAI).astimezone(UTC)
    return LessonTime(
        name, "S1", "T1", starts, starts + timedelta(minutes=minutes), mode, Stage.COMPULSORY, Category.ACADEMIC
    )


def flags(one: LessonTime, *others: LessonTime, law: LessonLaw = LAW, calendar: CalendarDays = CALENDAR) -> list[str]:
    return [flag.value for flag in lesson.flags(one, others, law, calendar)]


def test_the_national_lesson_law_is_in_force() -> None:
    national = LessonLaw(time(20, 30), time(21, 0), 30, 10, academic_rest_days_refused=True)
    assert national == LAW
    assert lesson.law(BOOKS.in_force("110000", "", date(2021, 1, 1))) == LessonLaw()


@pytest.mark.parametrize(
    ("start", "minutes", "mode", "expected"),
    [
        ("19:45", 45, Mode.OFFLINE, []),
        ("19:46", 45, Mode.OFFLINE, ["LESSON_ENDS_TOO_LATE"]),
        ("20:30", 30, Mode.ONLINE, []),
        ("20:31", 30, Mode.ONLINE, ["LESSON_ENDS_TOO_LATE"]),
        ("18:00", 31, Mode.ONLINE, ["LESSON_ONLINE_TOO_LONG"]),
        ("18:00", 120, Mode.OFFLINE, []),
        ("23:30", 60, Mode.OFFLINE, ["LESSON_ENDS_TOO_LATE"]),  # past midnight the clock shows 00:30
    ],
)
def test_ends_and_lengths(start: str, minutes: int, mode: Mode, expected: list[str]) -> None:
    assert flags(at(start, minutes, mode)) == expected


def test_online_lessons_need_a_pause() -> None:
    one = at("18:00", 30, Mode.ONLINE)
    assert flags(one, at("18:40", 30, Mode.ONLINE, name="L2")) == []
    assert flags(one, at("18:39", 30, Mode.ONLINE, name="L2")) == ["LESSON_GAP_TOO_SHORT"]
    assert flags(one, at("17:21", 30, Mode.ONLINE, name="L2")) == ["LESSON_GAP_TOO_SHORT"]
    assert flags(one, at("18:39", 30, Mode.OFFLINE, name="L2")) == []
    assert flags(one, one) == []


def test_academic_lessons_keep_off_rest_days() -> None:
    sunday, made_up, holiday = date(2026, 3, 1), date(2026, 2, 28), date(2026, 5, 1)
    assert flags(at("10:00", 45, day=sunday)) == ["LESSON_ON_REST_DAY"]
    assert flags(at("10:00", 45, day=made_up)) == []
    assert flags(at("10:00", 45, day=holiday)) == ["LESSON_ON_REST_DAY"]
    assert flags(replace(at("10:00", 45, day=sunday), category=Category.NON_ACADEMIC)) == []
    assert flags(replace(at("10:00", 45, day=sunday), stage=Stage.SENIOR_HIGH)) == []
    vacation = CalendarDays(vacations=frozenset({date(2026, 7, 20)}))
    assert flags(at("10:00", 45, day=date(2026, 7, 20)), calendar=vacation) == ["LESSON_ON_REST_DAY"]


def test_where_no_limit_is_set_nothing_is_flagged() -> None:
    one = at("22:00", 90, Mode.ONLINE, day=date(2026, 3, 1))
    assert flags(one, replace(one, lesson_id="L2"), law=LessonLaw()) == []


CHARGED = {Attendance.PRESENT, Attendance.LATE, Attendance.MAKE_UP}


def test_what_was_taught_is_charged_where_nothing_is_said() -> None:
    national = BOOKS.in_force("110000", "", date(2026, 3, 2))
    assert lesson.charged_states(None, national) == CHARGED
    assert {state for state in Attendance if lesson.charged(state, None)} == CHARGED


@pytest.mark.parametrize("state", list(Attendance))
def test_each_state_is_charged_as_the_place_says_and_the_contract_goes_before_it(state: Attendance) -> None:
    cancelled = state is Attendance.CLASS_CANCELLED
    for word, charges in (("charged", not cancelled), ("not_charged", False)):
        place = with_values(BOOKS.in_force("110000", "", date(2026, 3, 2)), {f"attendance.{state.value}": word})
        assert lesson.charged(state, lesson.charged_states(None, place)) is charges
        assert lesson.charged_states(None, place) - {state} == CHARGED - {state}
        assert lesson.charged(state, lesson.charged_states([state.value], place)) is not cancelled
        assert lesson.charged_states([], place) == set()


def test_an_unlawful_lesson_waits_until_it_is_decided() -> None:
    waits = {
        (flagged, decided): lesson.waits_for_decision(["LESSON_ON_REST_DAY"] * flagged, decided=decided)
        for flagged in (0, 1)
        for decided in (False, True)
    }
    assert waits == {(0, False): False, (0, True): False, (1, False): True, (1, True): False}


def test_a_lesson_needs_an_open_contract_with_hours() -> None:
    assert lesson.refusal(100, 100, contract_open=True) is None
    assert lesson.refusal(150, 100, contract_open=True) == "LESSON_OVER_HOURS"
    assert lesson.refusal(100, 100, contract_open=False) == "CONTRACT_NOT_OPEN"


def test_silence_confirms_after_the_last_day() -> None:
    until = confirmation.silence_ends_on(date(2026, 9, 24), 15, CALENDAR)
    assert until == Deadline(date(2026, 10, 22))

    def silence(
        today: date, flagged: tuple[LessonFlag, ...] = (), disputed: bool = False, done: bool = False
    ) -> Silence:
        return confirmation.by_silence(until, today, flagged, is_disputed=disputed, is_answered=done)

    assert silence(date(2026, 10, 22)) is Silence.WAITS
    assert silence(date(2026, 10, 23)) is Silence.CONFIRMS
    assert silence(date(2027, 1, 1), (LessonFlag.ON_REST_DAY,)) is Silence.NEVER
    assert silence(date(2027, 1, 1), disputed=True) is Silence.NEVER
    assert silence(date(2027, 1, 1), done=True) is Silence.NEVER
