"""When a parent's silence confirms a lesson (platform notices to parents: 15 or 7 working days, data of the place)."""

from collections.abc import Collection
from datetime import date

from ledger.rules.calendar import add_working_days
from ledger.terms.calendar import CalendarDays, Deadline
from ledger.terms.lesson_law import LessonFlag, Silence


def silence_ends_on(notified_on: date, working_days: int, calendar: CalendarDays) -> Deadline:
    """The last day on which a parent may still answer; the day of the notice is not counted."""
    return add_working_days(notified_on, working_days, calendar)


def by_silence(
    answer_until: Deadline, today: date, flags: Collection[LessonFlag], *, is_disputed: bool, is_answered: bool
) -> Silence:
    """What silence does on the legal day ``today``.

    It confirms once the last day has passed, a provisional one too: the hour can still be disputed. A
    lesson at an unlawful time, a disputed one and one that was answered are never confirmed by silence.
    """
    if flags or is_disputed or is_answered:
        return Silence.NEVER
    return Silence.CONFIRMS if today > answer_until.on else Silence.WAITS
