"""Signals of fraud: each is found with its evidence, and what is lawful gives none."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import lesson_signal
from ledger.terms.calendar import SHANGHAI
from ledger.terms.lesson_law import LessonTime
from ledger.terms.lesson_signal import Confirmation, LessonSignal, Signal, SignalLimits
from ledger.terms.price_cap import Category, Mode, Stage
from tests.rules.rulebooks import with_values

LIMITS = SignalLimits(student_minutes_a_day_max=90, burst_confirmations_max=3, burst_minutes=10, device_parents_max=2)
NOON = datetime(2026, 3, 2, 4, tzinfo=UTC)


def at(
    name: str, start: str, minutes: int = 45, student: str = "S1", teacher: str = "T1", room: str = "101",
    day: date = date(2026, 3, 2),
) -> LessonTime:  # fmt: skip
    starts = datetime.combine(day, time.fromisoformat(start), SHANGHAI)
    return LessonTime(
        name, student, teacher, starts, starts + timedelta(minutes=minutes), Mode.OFFLINE, Stage.COMPULSORY,
        Category.ACADEMIC, room,
    )  # fmt: skip


def confirmed(name: str, minute: float, parent: str = "", device: str = "") -> Confirmation:
    return Confirmation(name, parent or f"guardian:{name}", NOON + timedelta(minutes=minute), device)


def found(*lessons: LessonTime, limit: SignalLimits = LIMITS) -> list[tuple[LessonSignal, tuple[str, ...], int]]:
    return [(one.code, one.lesson_ids, one.measured) for one in lesson_signal.signals(lessons, (), limit)]


def test_the_thresholds_are_data_of_the_place() -> None:
    books = load_rulebooks([BUILT_IN, BUILT_IN / "demo"])
    place = books.in_force("110108", "", date(2026, 3, 2))
    assert lesson_signal.limits(place) == SignalLimits(240, 20, 10, None)
    set_here = {"signal.burst_minutes": 5, "signal.device_parents_max": 2}
    assert lesson_signal.limits(with_values(place, set_here)) == SignalLimits(240, 20, 5, 2)
    national = load_rulebooks([BUILT_IN]).in_force("110000", "", date(2026, 3, 2))
    assert lesson_signal.limits(national) == SignalLimits()


def test_a_pupil_in_two_lessons_at_once() -> None:
    assert found(at("A", "16:00"), at("B", "16:44", teacher="T2")) == [(LessonSignal.STUDENT_TWICE, ("B", "A"), 2)]
    assert found(at("A", "16:00"), at("B", "16:45", teacher="T2")) == []
    three = [at("A", "16:00"), at("B", "16:10", teacher="T2"), at("C", "16:20", teacher="T3")]
    assert [signal for signal in found(*three) if signal[0] is LessonSignal.STUDENT_TWICE] == [
        (LessonSignal.STUDENT_TWICE, ("B", "A"), 2),
        (LessonSignal.STUDENT_TWICE, ("C", "A", "B"), 3),
    ]


def test_a_teacher_in_two_rooms_at_once() -> None:
    one_class = [at(f"L{n}", "16:00", student=f"S{n}") for n in range(30)]
    assert found(*one_class) == []
    elsewhere = at("X", "16:00", student="S99", room="102")
    assert found(*one_class, elsewhere) == [(LessonSignal.TEACHER_TWICE, ("X", "L0"), 2)]
    overlapping = at("X", "16:30", student="S99")
    assert found(*one_class, overlapping) == [(LessonSignal.TEACHER_TWICE, ("X", "L0"), 2)]
    assert found(*one_class, replace(overlapping, teacher_id="T2")) == []


def test_a_day_too_long_for_a_pupil() -> None:
    day = [at("A", "09:00"), at("B", "10:00")]
    assert found(*day) == []
    assert found(*day, at("C", "11:00", 1)) == [(LessonSignal.DAY_TOO_LONG, ("A", "B", "C"), 91)]
    assert found(*day, at("C", "11:00", student="S2")) == []
    assert found(*day, at("C", "11:00", day=date(2026, 3, 3))) == []
    assert found(*day, at("C", "11:00", 1), limit=replace(LIMITS, student_minutes_a_day_max=None)) == []
    seconds = replace(at("C", "11:00", 1), ends_at=at("C", "11:00", 1).ends_at - timedelta(seconds=59))
    assert found(*day, seconds)[0][2] == 91  # a begun minute counts whole


def bursts(*confirmations: Confirmation, limit: SignalLimits = LIMITS) -> list[Signal]:
    return lesson_signal.confirmed_in_burst(confirmations, limit)


def test_confirmations_in_a_burst_are_one_signal() -> None:
    calm = [confirmed(f"A{n}", 5 * n) for n in range(20)]
    assert bursts(*calm) == []
    four = [confirmed(f"B{n}", n) for n in range(4)]
    assert bursts(*four[:3]) == []
    assert bursts(*four) == [Signal(LessonSignal.CONFIRMED_IN_BURST, ("B0", "B1", "B2", "B3"), 4, 3)]
    edge = [confirmed("E0", 0), confirmed("E1", 1), confirmed("E2", 2), confirmed("E3", 10)]
    assert len(bursts(*edge)) == 1
    assert bursts(*edge[:3], confirmed("E3", 10.1)) == []
    long = [confirmed(f"L{n:02d}", n) for n in range(30)]
    assert [(one.measured, one.lesson_ids[0]) for one in bursts(*reversed(long))] == [(30, "L00")]
    apart = [*four, *(confirmed(f"Z{n}", 60 + n) for n in range(5))]
    assert [one.measured for one in bursts(*apart)] == [4, 5]
    assert bursts(*long, limit=SignalLimits()) == []


def test_one_device_for_many_parents() -> None:
    def on_device(*confirmations: Confirmation, limit: SignalLimits = LIMITS) -> list[Signal]:
        return lesson_signal.confirmed_on_one_device(confirmations, limit)

    household = [confirmed("A", 0, "p1", "d"), confirmed("B", 1, "p2", "d"), confirmed("C", 2, "p1", "d")]
    assert on_device(*household) == []
    third = confirmed("D", 900, "p3", "d")
    assert on_device(third, *household) == [
        Signal(LessonSignal.CONFIRMED_ON_ONE_DEVICE, ("A", "B", "C", "D"), 3, 2)
    ]  # fmt: skip
    assert on_device(*household, replace(third, device="e")) == []
    assert on_device(*(replace(one, device="") for one in (third, *household))) == []
    assert on_device(third, *household, limit=SignalLimits()) == []


def test_all_signals_are_given_together() -> None:
    lessons = [at("A", "16:00"), at("B", "16:00", 90, teacher="T2")]
    confirmations = [confirmed(f"C{n}", 0, f"p{n}", "d") for n in range(4)]
    codes = [signal.code for signal in lesson_signal.signals(lessons, confirmations, LIMITS)]
    assert codes == [
        LessonSignal.STUDENT_TWICE, LessonSignal.DAY_TOO_LONG, LessonSignal.CONFIRMED_IN_BURST,
        LessonSignal.CONFIRMED_ON_ONE_DEVICE,
    ]  # fmt: skip
