"""Signals of fraud in lessons and their confirmations (early warning, 教监管函〔2021〕2号): each names its evidence.

Pure and by sets: every function sorts once and walks once. A signal is for a person to look at; it refuses nothing.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import chain

from ledger.terms.calendar import shanghai_day
from ledger.terms.lesson_law import LessonTime
from ledger.terms.lesson_signal import Confirmation, LessonSignal, Signal, SignalLimits
from ledger.terms.rulebook import Rulebook

_MINUTE = timedelta(minutes=1)


def limits(rulebook: Rulebook) -> SignalLimits:
    """The thresholds in force for a place on the rulebook's day."""

    def number(key: str) -> int | None:
        return None if rulebook.find(key) is None else rulebook.whole(key)

    return SignalLimits(
        student_minutes_a_day_max=number("warning.student_minutes_a_day_max"),
        burst_confirmations_max=number("warning.burst_confirmations_max"),
        burst_minutes=number("signal.burst_minutes") or SignalLimits().burst_minutes,
        device_parents_max=number("signal.device_parents_max"),
    )


def signals(
    lessons: Sequence[LessonTime], confirmations: Sequence[Confirmation], limit: SignalLimits
) -> tuple[Signal, ...]:
    """Every signal in some lessons and confirmations of one institution."""
    return tuple(
        chain(
            student_twice(lessons),
            teacher_twice(lessons),
            day_too_long(lessons, limit),
            confirmed_in_burst(confirmations, limit),
            confirmed_on_one_device(confirmations, limit),
        )
    )


def student_twice(lessons: Sequence[LessonTime]) -> list[Signal]:
    """One pupil in two lessons at once."""
    by_student: dict[str, list[LessonTime]] = defaultdict(list)
    for lesson in lessons:
        by_student[lesson.student_id].append(lesson)
    return [
        Signal(LessonSignal.STUDENT_TWICE, (later.lesson_id, *(one.lesson_id for one in earlier)), 1 + len(earlier), 1)
        for of_one in by_student.values()
        for later, earlier in _overlaps(of_one)
    ]


def teacher_twice(lessons: Sequence[LessonTime]) -> list[Signal]:
    """One teacher in two rooms at once. The pupils of one class share its time, mode and room: they are one lesson."""
    by_teacher: dict[str, dict[tuple[object, ...], LessonTime]] = defaultdict(dict)
    for lesson in sorted(lessons, key=lambda one: one.lesson_id):
        by_teacher[lesson.teacher_id].setdefault((lesson.starts_at, lesson.ends_at, lesson.mode, lesson.room), lesson)
    return [
        Signal(LessonSignal.TEACHER_TWICE, (later.lesson_id, *(one.lesson_id for one in earlier)), 1 + len(earlier), 1)
        for classes in by_teacher.values()
        for later, earlier in _overlaps(classes.values())
    ]


def day_too_long(lessons: Sequence[LessonTime], limit: SignalLimits) -> list[Signal]:
    """One pupil taught more minutes on one day than a child can bear."""
    most = limit.student_minutes_a_day_max
    if most is None:
        return []
    by_day: dict[tuple[str, date], list[LessonTime]] = defaultdict(list)
    for lesson in lessons:
        by_day[lesson.student_id, shanghai_day(lesson.starts_at)].append(lesson)
    return [
        Signal(LessonSignal.DAY_TOO_LONG, tuple(one.lesson_id for one in sorted(of_day, key=_in_time)), minutes, most)
        for of_day in by_day.values()
        if (minutes := sum(map(_minutes, of_day))) > most
    ]


def confirmed_in_burst(confirmations: Sequence[Confirmation], limit: SignalLimits) -> list[Signal]:
    """More confirmations within some minutes than families give by themselves; one signal for a whole burst."""
    most = limit.burst_confirmations_max
    if most is None:
        return []
    in_order = sorted(confirmations, key=lambda one: (one.at, one.lesson_id))
    bursts: list[tuple[int, int]] = []  # first and last place of each
    first = 0
    for last, one in enumerate(in_order):
        while one.at - in_order[first].at > limit.burst_minutes * _MINUTE:
            first += 1
        if last - first >= most:
            begins = bursts.pop()[0] if bursts and first <= bursts[-1][1] else first
            bursts.append((begins, last))
    found = [tuple(one.lesson_id for one in in_order[begins : last + 1]) for begins, last in bursts]
    return [Signal(LessonSignal.CONFIRMED_IN_BURST, lesson_ids, len(lesson_ids), most) for lesson_ids in found]


def confirmed_on_one_device(confirmations: Sequence[Confirmation], limit: SignalLimits) -> list[Signal]:
    """One device that confirms for more parents than share a household."""
    most = limit.device_parents_max
    if most is None:
        return []
    by_device: dict[str, list[Confirmation]] = defaultdict(list)
    for one in sorted(confirmations, key=lambda one: (one.at, one.lesson_id)):
        if one.device:
            by_device[one.device].append(one)
    return [
        Signal(LessonSignal.CONFIRMED_ON_ONE_DEVICE, tuple(one.lesson_id for one in on_device), parents, most)
        for on_device in by_device.values()
        if (parents := len({one.parent for one in on_device})) > most
    ]


def _overlaps(lessons: Iterable[LessonTime]) -> Iterable[tuple[LessonTime, list[LessonTime]]]:
    """Every lesson that begins while others last, with those others."""
    lasting: list[LessonTime] = []
    for lesson in sorted(lessons, key=_in_time):
        lasting = [one for one in lasting if one.ends_at > lesson.starts_at]
        if lasting:
            yield lesson, list(lasting)
        lasting.append(lesson)


def _in_time(lesson: LessonTime) -> tuple[datetime, str]:
    return lesson.starts_at, lesson.lesson_id


def _minutes(lesson: LessonTime) -> int:
    """Length in minutes, a begun minute counted whole."""
    return -((lesson.starts_at - lesson.ends_at) // _MINUTE)
