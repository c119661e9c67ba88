"""A lesson of one contract as the books keep it."""

from dataclasses import dataclass
from datetime import date, time
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
    before silence confirms; None where silence never confirms (unlawful time, nothing charged).
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
