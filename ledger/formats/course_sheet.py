"""Lists of courses (CSV) whose prices are to be checked: one row, one lesson; what cannot be read is named by line."""

from typing import Final

from ledger.errors import BadInput
from ledger.formats.csv_table import Row, read_table
from ledger.money import fen_from_text
from ledger.terms.course_sheet import CourseRow
from ledger.terms.price_cap import Category, Course, FeeLine, Mode, Stage
from ledger.terms.rulebook import Finding

COLUMNS: Final = ("place", "stage", "category", "mode", "class_size", "minutes", "price", "on")
OPTIONAL: Final = ("zone", "course", "fees")
BYTES_MAX: Final = 32 * 1024 * 1024


def read_courses(content: bytes, file: str) -> tuple[tuple[CourseRow, ...], list[Finding]]:
    """The courses and what is wrong with the others, by line. ``price`` is yuan for one lesson of ``minutes``.

    ``fees`` are charged besides: ``books:120.00; materials:30``. Codes: BAD_PLACE, RULE_EMPTY, RULE_CHOICE,
    RULE_NUMBER, BAD_AMOUNT, BAD_DATE, and those of the table (CSV_UNREADABLE, CSV_CELLS, CSV_COLUMN_MISSING ...).
    """
    table = read_table(content, file, COLUMNS, OPTIONAL)
    courses = []
    for row in table.rows:
        before = len(table.findings)
        course = _course(row)
        if len(table.findings) == before:
            courses.append(course)
    return tuple(courses), table.findings


def _course(row: Row) -> CourseRow:
    place = row.cells["place"].strip()
    if not (len(place) == 6 and place.isascii() and place.isdigit()):
        row.flaw("place", "BAD_PLACE")
    return CourseRow(
        line=row.line,
        code=row.cells["course"].strip(),
        place=place,
        zone=row.cells["zone"].strip(),
        on=row.day("on"),
        course=Course(
            stage=Stage(row.choice("stage", list(Stage))),
            category=Category(row.choice("category", list(Category))),
            mode=Mode(row.choice("mode", list(Mode))),
            class_size=_count(row, "class_size"),
            minutes=_count(row, "minutes"),
            price_fen=_amount(row, "price", row.cells["price"]),
        ),
        fees=_fees(row),
    )


def _count(row: Row, column: str) -> int:
    if not row.cells[column].strip():
        row.flaw(column, "RULE_EMPTY")
    return row.whole(column) or 1


def _amount(row: Row, column: str, text: str) -> int:
    try:
        return fen_from_text(text.strip())
    except BadInput as fault:
        row.flaw(column, fault.code)
        return 0


def _fees(row: Row) -> tuple[FeeLine, ...]:
    fees = []
    for part in filter(None, (part.strip() for part in row.cells["fees"].split(";"))):
        name, _, amount = part.rpartition(":")
        if not name.strip():
            row.flaw("fees", "RULE_EMPTY")
        fees.append(FeeLine(name.strip(), _amount(row, "fees", amount)))
    return tuple(fees)
