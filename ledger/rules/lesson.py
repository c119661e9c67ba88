"""Lesson times and attendance (double reduction Opinions 2021 arts. 13 and 14; sleep notice of 2021-04-02)."""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Final

from ledger.rules.calendar import is_working_day
from ledger.terms.calendar import CalendarDays, shanghai_day, shanghai_time
from ledger.terms.lesson_law import Attendance, LessonFlag, LessonLaw, LessonTime
from ledger.terms.price_cap import Category, Mode, Stage
from ledger.terms.rulebook import Rulebook

_MINUTE = timedelta(minutes=1)
# Where neither the contract nor the place says anything: what was taught is charged, doubt goes to the consumer.
_CHARGED: Final = frozenset({Attendance.PRESENT, Attendance.LATE, Attendance.MAKE_UP})


def law(rulebook: Rulebook) -> LessonLaw:
    """The lesson-time limits in force for a place on the rulebook's day."""
    set_keys = rulebook.values
    return LessonLaw(
        offline_ends_by=rulebook.clock("lesson.offline_ends_by") if "lesson.offline_ends_by" in set_keys else None,
        online_ends_by=rulebook.clock("lesson.online_ends_by") if "lesson.online_ends_by" in set_keys else None,
        online_minutes_max=(
            rulebook.whole("lesson.online_minutes_max") if "lesson.online_minutes_max" in set_keys else None
        ),
        online_gap_minutes_min=(
            rulebook.whole("lesson.online_gap_minutes_min") if "lesson.online_gap_minutes_min" in set_keys else None
        ),
        academic_rest_days_refused="lesson.academic_rest_days_refused" in set_keys
        and rulebook.flag("lesson.academic_rest_days_refused"),
    )


def charged_states(clause: Collection[str] | None, rulebook: Rulebook) -> frozenset[Attendance]:
    """The attendance states whose hours count as delivered under a contract.

    ``clause``: the states the contract says are charged, None where it says nothing; then ``attendance.<state>`` of the
    rulebook decides, else present, late and make-up are charged. A class the institution cancelled never is, whatever a
    clause says: it was not delivered (法释〔2025〕4号 art. 15(1)), and a term that charges it is unfair (art. 9).
    """

    def charges(state: Attendance) -> bool:
        if state is Attendance.CLASS_CANCELLED:
            return False
        if clause is not None:
            return state.value in clause
        key = f"attendance.{state.value}"
        return state in _CHARGED if rulebook.find(key) is None else rulebook.text(key) == "charged"

    return frozenset(filter(charges, Attendance))


def charged(attendance: Attendance, states: Collection[Attendance] | None) -> bool:
    """Whether the hour counts as delivered. ``states``: the contract's charged states; None where none were kept."""
    return attendance in (_CHARGED if states is None else states)


def waits_for_decision(flags: Collection[str], *, decided: bool) -> bool:
    """Whether release waits for the competent authority: a lesson at an unlawful time until it has decided.

    No text says who keeps the fee of such a lesson: it is recorded and flagged, and neither silence nor a parent
    releases it.
    """
    return bool(flags) and not decided


def refusal(hours: int, hours_left: int, *, contract_open: bool) -> str | None:
    """Why a lesson of ``hours`` hundredths may not be recorded on a contract, or None."""
    if not contract_open:
        return "CONTRACT_NOT_OPEN"
    return "LESSON_OVER_HOURS" if hours > hours_left else None


def flags(
    lesson: LessonTime, same_student: Sequence[LessonTime], limits: LessonLaw, calendar: CalendarDays
) -> tuple[LessonFlag, ...]:
    """What is unlawful about the time of ``lesson``; ``same_student`` are the student's other lessons around it."""
    found = {
        LessonFlag.ENDS_TOO_LATE: _ends_too_late(lesson, limits),
        LessonFlag.ONLINE_TOO_LONG: _online_too_long(lesson, limits),
        LessonFlag.GAP_TOO_SHORT: any(_gap_too_short(lesson, other, limits) for other in same_student),
        LessonFlag.ON_REST_DAY: limits.academic_rest_days_refused and _on_rest_day(lesson, calendar),
    }
    return tuple(flag for flag, holds in found.items() if holds)


def _ends_too_late(lesson: LessonTime, limits: LessonLaw) -> bool:
    """Offline by 20:30, online by 21:00; a lesson past midnight is too late whatever the clock then says."""
    latest = limits.online_ends_by if lesson.mode is Mode.ONLINE else limits.offline_ends_by
    if latest is None:
        return False
    ends = shanghai_time(lesson.ends_at)
    return ends.date() > shanghai_day(lesson.starts_at) or ends.time() > latest


def _online_too_long(lesson: LessonTime, limits: LessonLaw) -> bool:
    """At most 30 minutes online."""
    if lesson.mode is not Mode.ONLINE or limits.online_minutes_max is None:
        return False
    return lesson.ends_at - lesson.starts_at > limits.online_minutes_max * _MINUTE


def _gap_too_short(lesson: LessonTime, other: LessonTime, limits: LessonLaw) -> bool:
    """At least 10 minutes between two online lessons of one student."""
    if limits.online_gap_minutes_min is None or other.lesson_id == lesson.lesson_id:
        return False
    if lesson.mode is not Mode.ONLINE or other.mode is not Mode.ONLINE:
        return False
    gap = max(lesson.starts_at - other.ends_at, other.starts_at - lesson.ends_at)
    return gap < limits.online_gap_minutes_min * _MINUTE


def _on_rest_day(lesson: LessonTime, calendar: CalendarDays) -> bool:
    """Academic lessons of the compulsory stage: no statutory holidays, rest days, vacations."""
    if lesson.category is not Category.ACADEMIC or lesson.stage is not Stage.COMPULSORY:
        return False
    day: date = shanghai_day(lesson.starts_at)
    return day in calendar.vacations or not is_working_day(day, calendar)
