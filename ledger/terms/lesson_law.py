"""Lessons as the rules see them: when, how, who came, and what stands against it."""

from dataclasses import dataclass
from datetime import datetime, time
from enum import StrEnum

from ledger.terms.price_cap import Category, Mode, Stage


class Attendance(StrEnum):
    PRESENT = "present"
    LATE = "late"
    LEAVE_IN_TIME = "leave_in_time"
    LEAVE_LATE = "leave_late"
    NO_SHOW = "no_show"
    CLASS_CANCELLED = "class_cancelled"
    MAKE_UP = "make_up"


@dataclass(frozen=True, slots=True)
class LessonTime:
    """One lesson's place in time. ``starts_at`` and ``ends_at`` are aware instants; ids are any stable text.

    ``room`` is "" where none is known.
    """

    lesson_id: str
    student_id: str
    teacher_id: str
    starts_at: datetime
    ends_at: datetime
    mode: Mode
    stage: Stage
    category: Category
    room: str = ""


@dataclass(frozen=True, slots=True)
class LessonLaw:
    """Limits in force; None where no file sets one. Times of day in Shanghai, lengths in minutes."""

    offline_ends_by: time | None = None
    online_ends_by: time | None = None
    online_minutes_max: int | None = None
    online_gap_minutes_min: int | None = None
    academic_rest_days_refused: bool = False


class LessonFlag(StrEnum):
    """What is unlawful about a lesson's time. It is recorded all the same; silence never confirms it."""

    ENDS_TOO_LATE = "LESSON_ENDS_TOO_LATE"
    ONLINE_TOO_LONG = "LESSON_ONLINE_TOO_LONG"
    GAP_TOO_SHORT = "LESSON_GAP_TOO_SHORT"
    ON_REST_DAY = "LESSON_ON_REST_DAY"


class Silence(StrEnum):
    """What a parent's silence does to a lesson today."""

    CONFIRMS = "confirms"
    WAITS = "waits"
    NEVER = "never"
