"""What cannot be true, or is hardly true, of lessons and confirmations taken together: signals, never refusals."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class LessonSignal(StrEnum):
    STUDENT_TWICE = "LESSON_STUDENT_TWICE"
    TEACHER_TWICE = "LESSON_TEACHER_TWICE"
    DAY_TOO_LONG = "LESSON_DAY_TOO_LONG"
    CONFIRMED_IN_BURST = "CONFIRMED_IN_BURST"
    CONFIRMED_ON_ONE_DEVICE = "CONFIRMED_ON_ONE_DEVICE"


@dataclass(frozen=True, slots=True)
class SignalLimits:
    """Thresholds of a place; None where none is set: that signal is not looked for."""

    student_minutes_a_day_max: int | None = None
    burst_confirmations_max: int | None = None
    burst_minutes: int = 10
    device_parents_max: int | None = None


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A lesson confirmed by a person. ``at`` is an aware instant; ``device`` any stable text, "" where not known."""

    lesson_id: str
    parent: str
    at: datetime
    device: str = ""


@dataclass(frozen=True, slots=True)
class Signal:
    """``lesson_ids`` is the evidence, the first one names the signal; ``measured`` and ``limit`` in the code's unit.

    STUDENT_TWICE, TEACHER_TWICE count lessons at once, DAY_TOO_LONG minutes, CONFIRMED_IN_BURST confirmations,
    CONFIRMED_ON_ONE_DEVICE parents.
    """

    code: LessonSignal
    lesson_ids: tuple[str, ...]
    measured: int
    limit: int
