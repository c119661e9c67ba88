"""A lesson of one contract as the books keep it."""

from dataclasses import dataclass
from datetime import date, datetime, time
from enum import StrEnum
from uuid import UUID


class LessonState(StrEnum):
    """recorded -> confirmed (by a parent or by silence) -> released; disputed and reversed stand beside."""

    RECORDED = "recorded"
    CONFIRMED = "confirmed"
    DISPUTED = "disputed"
    RELEASED = "released"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class Lesson:
    """``hours`` in hundredths (0: attendance charges nothing). ``answer_until``: the last day a parent may answer
    before silence confirms; None where silence never confirms (unlawful time, nothing charged). ``is_cleared``: the
    authority has decided that the hour of an unlawful lesson stands.
    """

    lesson_id: UUID
    contract_id: UUID
    lesson_no: str
    taught_on: date
    starts_at: time
    minutes: int
    hours: int
    flags: tuple[str, ...]
    answer_until: date | None
    state: LessonState
    step: int
    entry_id: UUID | None
    is_cleared: bool = False


class Verdict(StrEnum):
    """What is decided of a disputed or unlawful lesson: its hour stands, or it comes back to the family."""

    RELEASED = "released"
    REVERSED = "reversed"


@dataclass(frozen=True, slots=True)
class LessonDecision:
    """``approved_by``: the second person, without whom it has no effect. ``is_newest``: of its lesson's decisions."""

    decision_id: UUID
    lesson_id: UUID
    verdict: Verdict
    reason: str
    decided_by: str
    decided_at: datetime
    approved_by: str | None
    is_newest: bool


@dataclass(frozen=True, slots=True)
class LessonDispute:
    """An open dispute: whether the hour was released when it was opened, and the hold that keeps its money."""

    lesson_id: UUID
    was_released: bool
    hold_id: UUID | None


@dataclass(frozen=True, slots=True)
class TaughtHours:
    """Confirmed or once released hours (hundredths) of a contract, alike in whether unlawful in time and cleared.

    ``waiting_since``: when the oldest of them that is not released was first confirmed; ``last_at``: when the last was;
    ``last_taught_on``: the day of the last lesson.
    """

    contract_id: UUID
    flags: bool
    is_cleared: bool
    hours: int
    waiting_since: datetime | None
    last_at: datetime
    last_taught_on: date
