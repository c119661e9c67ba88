"""Lesson files (CSV) of institutions: every cell is text until its own pattern has fitted, every fault has its line.

A row with a fault is left out and the rest is still read, so that one upload shows everything there is to repair.
"""

import csv
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, time
from typing import Final, TypeVar

from ledger.errors import BadInput
from ledger.formats.plain_text import is_plain
from ledger.money import hours_from_text
from ledger.terms.lesson_law import Attendance
from ledger.terms.lesson_sheet import LessonRow, LessonSheet, RowFault
from ledger.terms.price_cap import Mode

COLUMNS: Final = (
    "lesson_no",
    "contract_no",
    "taught_on",
    "starts_at",
    "minutes",
    "hours",
    "teacher",
    "room",
    "mode",
    "attendance",
)
# A column a sheet may leave out, with what its rows then say.
OPTIONAL: Final = {"attendance": Attendance.PRESENT.value}
BYTES_MAX: Final = 8 * 1024 * 1024
ROWS_MAX: Final = 10_000
FAULTS_LISTED_MAX: Final = 1_000
TEXT_MAX: Final = 60
MINUTES_MAX: Final = 1_440
HOURS_MAX: Final = 10_000  # hundredths: 100 class hours in one lesson are a slip of the pen
_VALUE_SHOWN_MAX: Final = 80
_LINE_BREAK: Final = re.compile("\r\n|\n|\r")
_IDENTIFIER: Final = re.compile("[0-9A-Za-z][0-9A-Za-z._/-]{0,39}")
_DAY: Final = re.compile("(?:19|20)[0-9]{2}-[0-9]{2}-[0-9]{2}")
_TIME: Final = re.compile("[0-9]{2}:[0-9]{2}")
_WHOLE: Final = re.compile("[0-9]{1,4}")
_FORMULA: Final = ("=", "+", "-", "@")
Read = TypeVar("Read")


def read_lesson_sheet(content: bytes, name: str = "") -> LessonSheet:
    """Read a lesson file: UTF-8 (a byte order mark is fine), else GB18030; commas; the header first, in any order.

    The column ``attendance`` may be left out: everybody was present.

    Raises BadInput for a file that cannot be read at all: EMPTY_FILE, BAD_ENCODING, HEADER_NOT_FOUND,
    UNKNOWN_COLUMN, TOO_MANY_ROWS, LIMIT_EXCEEDED. Faults of rows: BAD_ROW, EMPTY_CELL, BAD_TEXT, FORMULA_CELL,
    BAD_IDENTIFIER, BAD_DATE, BAD_TIME, BAD_MINUTES, BAD_HOURS, BAD_CHOICE, DUPLICATE_LESSON. Lines without any
    text are passed over.
    """
    if len(content) > BYTES_MAX:
        raise BadInput("LIMIT_EXCEEDED", where=name, field="bytes", value=BYTES_MAX)
    lines = _lines(content, name)
    header = _header(lines, name)
    rows: list[LessonRow] = []
    faults: list[RowFault] = []
    numbers: set[tuple[str, str]] = set()
    row_count = 0
    for line, cells in lines:
        row_count += 1
        if row_count > ROWS_MAX:
            raise BadInput("TOO_MANY_ROWS", where=_place(name, line))
        if cells is None or len(cells) != len(header):
            faults.append(_fault(line, "", "BAD_ROW", "" if cells is None else ",".join(cells)))
            continue
        by_column = {**OPTIONAL, **dict(zip(header, cells, strict=True))}
        # a lesson number belongs to its contract: the pupils of one class share it
        number = (by_column["contract_no"], by_column["lesson_no"])
        repeated = number in numbers
        if repeated:
            faults.append(_fault(line, "lesson_no", "DUPLICATE_LESSON", number[1]))
        elif all(number):
            numbers.add(number)
        found = _row(_Cells(line, by_column, faults))
        if found is not None and not repeated:
            rows.append(found)
    return LessonSheet(tuple(rows), tuple(faults[:FAULTS_LISTED_MAX]), len(faults))


def _lines(content: bytes, name: str) -> Iterator[tuple[int, list[str] | None]]:
    """(line number, cells) of the lines that hold text; cells None where the quoting is broken.

    Each line is parsed by itself: no cell may hold a line break, and an open quote spoils its own line only.
    """
    for line, written in enumerate(_LINE_BREAK.split(_text(content, name)), 1):
        try:
            cells = [cell.strip(" \t\u3000") for cell in next(csv.reader([written], strict=True), [])]
        except csv.Error:
            yield line, None
            continue
        if any(cells):
            yield line, cells


def _text(content: bytes, name: str) -> str:
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise BadInput("BAD_ENCODING", where=name)


def _header(lines: Iterator[tuple[int, list[str] | None]], name: str) -> Sequence[str]:
    line, cells = next(lines, (0, None))
    if not line:
        raise BadInput("EMPTY_FILE", where=name)
    header = [cell.lower() for cell in cells or []]
    missing = [column for column in COLUMNS if column not in header and column not in OPTIONAL]
    if missing:
        raise BadInput("HEADER_NOT_FOUND", where=_place(name, line), field=", ".join(missing))
    for position, column in enumerate(header):
        if column not in COLUMNS or column in header[:position]:
            raise BadInput("UNKNOWN_COLUMN", where=_place(name, line), field=column)
    return header


def _row(cells: "_Cells") -> LessonRow | None:
    """The row, or None after noting every fault it has."""
    lesson_no = cells.read("lesson_no", _identifier)
    contract_no = cells.read("contract_no", _identifier)
    taught_on = cells.read("taught_on", _day)
    starts_at = cells.read("starts_at", _clock)
    minutes = cells.read("minutes", _minutes)
    hours = cells.read("hours", _hours)
    teacher = cells.read("teacher", _words)
    mode = cells.read("mode", _mode)
    room = cells.read("room", _words, may_be_empty=mode is Mode.ONLINE)
    attendance = cells.read("attendance", _attendance)
    # Spelled out one by one, so that the types show nothing is missing below.
    if lesson_no is None or contract_no is None or taught_on is None or starts_at is None or minutes is None:
        return None
    if hours is None or teacher is None or mode is None or room is None or attendance is None:
        return None
    return LessonRow(
        cells.line, lesson_no, contract_no, taught_on, starts_at, minutes, hours, teacher, room, mode, attendance
    )


class _Cells:
    """The cells of one line by column; a cell that its reader refuses is noted as a fault."""

    def __init__(self, line: int, by_column: Mapping[str, str], faults: list[RowFault]) -> None:
        self.line, self._by_column, self._faults = line, by_column, faults

    def read(self, column: str, reader: Callable[[str], Read], *, may_be_empty: bool = False) -> Read | None:
        """The cell's value, or None after a fault."""
        written = self._by_column[column]
        try:
            if not written and not may_be_empty:
                raise BadInput("EMPTY_CELL")
            return reader(written)
        except BadInput as fault:
            self._faults.append(_fault(self.line, column, fault.code, written))
            return None


def _identifier(written: str) -> str:
    if not _IDENTIFIER.fullmatch(written):
        raise BadInput("BAD_IDENTIFIER")
    return written


def _day(written: str) -> date:
    try:
        if _DAY.fullmatch(written):
            return date.fromisoformat(written)
    except ValueError:
        pass  # 30 February: written like a day, and none
    raise BadInput("BAD_DATE")


def _clock(written: str) -> time:
    try:
        if _TIME.fullmatch(written):
            return time.fromisoformat(written)
    except ValueError:
        pass  # 24:30
    raise BadInput("BAD_TIME")


def _minutes(written: str) -> int:
    minutes = int(written) if _WHOLE.fullmatch(written) else 0
    if not 0 < minutes <= MINUTES_MAX:
        raise BadInput("BAD_MINUTES")
    return minutes


def _hours(written: str) -> int:
    hours = hours_from_text(written)
    if not 0 < hours <= HOURS_MAX:
        raise BadInput("BAD_HOURS")
    return hours


def _words(written: str) -> str:
    """Text for people, in one form (NFKC: full-width letters and brackets become plain ones)."""
    words = unicodedata.normalize("NFKC", written).strip()
    if not is_plain(written) or len(words) > TEXT_MAX:
        raise BadInput("BAD_TEXT")
    if words.startswith(_FORMULA):
        raise BadInput("FORMULA_CELL")
    return words


def _mode(written: str) -> Mode:
    if written not in set(Mode):
        raise BadInput("BAD_CHOICE")
    return Mode(written)


def _attendance(written: str) -> Attendance:
    if written not in set(Attendance):
        raise BadInput("BAD_CHOICE")
    return Attendance(written)


def _fault(line: int, column: str, code: str, written: str) -> RowFault:
    return RowFault(line, column, code, written[:_VALUE_SHOWN_MAX])


def _place(name: str, line: int) -> str:
    return f"{name} line {line}".strip()
