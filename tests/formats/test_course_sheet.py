"""Lists of courses: what is read, and every fault by line and column."""

from datetime import date

import pytest

from ledger.formats.course_sheet import COLUMNS, read_courses
from ledger.terms.price_cap import Category, Course, FeeLine, Mode, Stage

ROW = {
    "place": "110000",
    "stage": "compulsory",
    "category": "academic",
    "mode": "offline",
    "class_size": "8",
    "minutes": "45",
    "price": "88.00",
    "on": "2024-06-03",
}


def sheet(*rows: dict[str, str], more: tuple[str, ...] = ()) -> bytes:
    columns = (*COLUMNS, *more)
    lines = [",".join((ROW | row).get(column, "") for column in columns) for row in rows]
    return "\n".join([",".join(columns), *lines]).encode()


def test_a_row_is_a_course() -> None:
    more = {"course": "SX-1", "zone": "centre", "fees": "books: 120.00; materials:30;"}
    ((first, second), findings) = read_courses(sheet(more, {}, more=("course", "zone", "fees")), "list.csv")
    assert findings == []
    assert (first.line, first.code, first.place, first.zone, first.on) == (
        2, "SX-1", "110000", "centre", date(2024, 6, 3),
    )  # fmt: skip
    assert first.course == Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 88_00)
    assert first.fees == (FeeLine("books", 120_00), FeeLine("materials", 30_00))
    assert (second.line, second.code, second.zone, second.fees) == (3, "", "", ())


@pytest.mark.parametrize(
    ("column", "cell", "reason"),
    [
        ("place", "beijing", "BAD_PLACE"),
        ("place", "11000", "BAD_PLACE"),
        ("stage", "primary", "RULE_CHOICE"),
        ("category", "", "RULE_CHOICE"),
        ("mode", "x", "RULE_CHOICE"),
        ("class_size", "", "RULE_EMPTY"),
        ("class_size", "0", "RULE_NUMBER"),
        ("minutes", "4.5", "RULE_NUMBER"),
        ("price", "1e3", "BAD_AMOUNT"),
        ("price", "-1", "BAD_AMOUNT"),
        ("on", "2024-02-30", "BAD_DATE"),
        ("fees", "books", "RULE_EMPTY"),
        ("fees", "books:x", "BAD_AMOUNT"),
    ],
)
def test_a_fault_is_named_and_the_rest_is_read(column: str, cell: str, reason: str) -> None:
    courses, findings = read_courses(sheet({}, {column: cell}, {}, more=("fees",)), "list.csv")
    assert [course.line for course in courses] == [2, 4]
    assert (findings[0].line, findings[0].key, findings[0].reason) == (3, column, reason)


def test_a_table_that_does_not_fit_gives_no_course() -> None:
    courses, findings = read_courses(b"place,stage\n110000,compulsory\n", "list.csv")
    assert (courses, {finding.reason for finding in findings}) == ((), {"CSV_COLUMN_MISSING"})
