"""A file of lessons that an institution hands in, row by row, before any rule has looked at it."""

from dataclasses import dataclass
from datetime import date, time

from ledger.terms.lesson_law import Attendance
from ledger.terms.price_cap import Mode


@dataclass(frozen=True, slots=True)
class LessonRow:
    """One lesson as stated. ``line`` counts from 1 in the file; ``hours`` are hundredths of class hours.

    ``starts_at`` is the clock on the wall in Shanghai on ``taught_on``. ``room`` may be "" for online lessons.
    """

    line: int
    lesson_no: str
    contract_no: str
    taught_on: date
    starts_at: time
    minutes: int
    hours: int
    teacher: str
    room: str
    mode: Mode
    attendance: Attendance


@dataclass(frozen=True, slots=True)
class RowFault:
    """One thing wrong with a line. ``field`` is the column, "" for the whole line; ``value`` as written, cut short."""

    line: int
    field: str
    code: str
    value: str


@dataclass(frozen=True, slots=True)
class LessonSheet:
    """The rows that can be read, and what is wrong with the others: the first 1,000 of ``fault_count`` faults."""

    rows: tuple[LessonRow, ...]
    faults: tuple[RowFault, ...]
    fault_count: int
