"""Lesson files: what is read, and that every fault is listed with its line."""

from datetime import date, time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadInput, message
from ledger.formats import lesson_sheet
from ledger.formats.lesson_sheet import COLUMNS, FAULTS_LISTED_MAX, ROWS_MAX, read_lesson_sheet
from ledger.terms.lesson_law import Attendance
from ledger.terms.lesson_sheet import LessonRow, RowFault
from ledger.terms.price_cap import Mode

HEADER = ",".join(COLUMNS)
GOOD = {
    "lesson_no": "L-0001",
    "contract_no": "HT2026/0017",
    "taught_on": "2026-03-02",
    "starts_at": "18:30",
    "minutes": "45",
    "hours": "1.5",
    "teacher": "令狐老师",
    "room": "A座（201）",
    "mode": "offline",
    "attendance": "present",
}


def line(**changes: str) -> str:
    return ",".join({**GOOD, **changes}.values())


def sheet(*lines: str, header: str = HEADER, end: str = "\n") -> bytes:
    return end.join((header, *lines, "")).encode()


def faults(content: bytes) -> list[tuple[int, str, str]]:
    return [(one.line, one.field, one.code) for one in read_lesson_sheet(content).faults]


def code_of(content: bytes) -> str:
    with pytest.raises(BadInput) as refused:
        read_lesson_sheet(content, "march.csv")
    assert refused.value.where.startswith("march.csv")
    return refused.value.code


def test_a_row_is_read_into_its_terms() -> None:
    read = read_lesson_sheet(sheet(line()))
    assert (read.faults, read.fault_count) == ((), 0)
    assert read.rows == (
        LessonRow(
            line=2,
            lesson_no="L-0001",
            contract_no="HT2026/0017",
            taught_on=date(2026, 3, 2),
            starts_at=time(18, 30),
            minutes=45,
            hours=150,
            teacher="令狐老师",
            room="A座(201)",
            mode=Mode.OFFLINE,
            attendance=Attendance.PRESENT,
        ),
    )


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_that_spreadsheets_write(encoding: str, end: str) -> None:
    content = sheet(line(), line(lesson_no="L-0002"), end=end).decode().encode(encoding)
    read = read_lesson_sheet(content)
    assert [(row.line, row.teacher) for row in read.rows] == [(2, "令狐老师"), (3, "令狐老师")]


def test_columns_may_stand_in_any_order_and_cells_in_quotes() -> None:
    header = ",".join(f'" {column.upper()}"' for column in reversed(COLUMNS))
    row = ",".join(f'"\t{GOOD[column]}\u3000"' for column in reversed(COLUMNS))
    assert read_lesson_sheet(sheet(row, header=header)).rows == read_lesson_sheet(sheet(line())).rows


def test_lines_without_text_are_passed_over_and_still_counted() -> None:
    read = read_lesson_sheet(("\n" + HEADER + "\n\n" + "," * 9 + "\n" + line() + "\n\n").encode())
    assert [row.line for row in read.rows] == [5]


@pytest.mark.parametrize("attendance", list(Attendance))
def test_every_attendance_is_read(attendance: Attendance) -> None:
    assert read_lesson_sheet(sheet(line(attendance=attendance))).rows[0].attendance is attendance


def test_an_online_lesson_needs_no_room() -> None:
    assert read_lesson_sheet(sheet(line(mode="online", room=""))).rows[0].room == ""
    assert faults(sheet(line(room=""))) == [(2, "room", "EMPTY_CELL")]


@pytest.mark.parametrize(
    ("column", "written", "code"),
    [
        *((column, "", "EMPTY_CELL") for column in COLUMNS),
        ("lesson_no", "课1", "BAD_IDENTIFIER"),
        ("lesson_no", "=1+1", "BAD_IDENTIFIER"),
        ("lesson_no", "L" * 41, "BAD_IDENTIFIER"),
        ("contract_no", "A B", "BAD_IDENTIFIER"),
        ("contract_no", "A\x00", "BAD_IDENTIFIER"),
        ("taught_on", "2026-02-30", "BAD_DATE"),
        ("taught_on", "2026/03/02", "BAD_DATE"),
        ("taught_on", "46083", "BAD_DATE"),
        ("taught_on", "０２６-03-02", "BAD_DATE"),
        ("taught_on", "9999-03-02", "BAD_DATE"),
        ("starts_at", "24:30", "BAD_TIME"),
        ("starts_at", "9:30", "BAD_TIME"),
        ("starts_at", "18:30:00", "BAD_TIME"),
        ("starts_at", "0.77", "BAD_TIME"),
        ("minutes", "0", "BAD_MINUTES"),
        ("minutes", "-45", "BAD_MINUTES"),
        ("minutes", "1441", "BAD_MINUTES"),
        ("minutes", "99999999999", "BAD_MINUTES"),
        ("minutes", "45.0", "BAD_MINUTES"),
        ("minutes", "４５", "BAD_MINUTES"),
        ("hours", "0", "BAD_HOURS"),
        ("hours", "-1", "BAD_HOURS"),
        ("hours", "NaN", "BAD_HOURS"),
        ("hours", "1e1", "BAD_HOURS"),
        ("hours", "1.005", "BAD_HOURS"),
        ("hours", "100.01", "BAD_HOURS"),
        ("teacher", "=HYPERLINK(1)", "FORMULA_CELL"),
        ("teacher", "＝1", "FORMULA_CELL"),
        ("teacher", "@x", "FORMULA_CELL"),
        ("room", "+1", "FORMULA_CELL"),
        ("room", "-1", "FORMULA_CELL"),
        ("teacher", "王\u202e老师", "BAD_TEXT"),
        ("teacher", "王\x1b[2J", "BAD_TEXT"),
        ("teacher", "王\u2028", "BAD_TEXT"),
        ("teacher", "王" * 61, "BAD_TEXT"),
        ("mode", "Online", "BAD_CHOICE"),
        ("attendance", "absent", "BAD_CHOICE"),
    ],
)
def test_a_cell_that_does_not_fit_is_a_fault_with_line_and_column(column: str, written: str, code: str) -> None:
    read = read_lesson_sheet(sheet(line(lesson_no="L-0000"), line(**{column: written})))
    assert RowFault(3, column, code, written) in read.faults
    assert [row.line for row in read.rows] == [2]
    assert message(code, "zh") != code


def test_all_faults_of_a_file_are_listed_at_once() -> None:
    content = sheet(line(minutes="x", hours="y"), line(lesson_no="L-0002"), line(lesson_no="L-0003", mode="both"))
    assert faults(content) == [(2, "minutes", "BAD_MINUTES"), (2, "hours", "BAD_HOURS"), (4, "mode", "BAD_CHOICE")]
    assert [row.line for row in read_lesson_sheet(content).rows] == [3]


@pytest.mark.parametrize(
    "row", [line() + ",", line().rpartition(",")[0], line(teacher='"open'), line(teacher='"a"b'), line(room='"a\nb"')]
)
def test_a_row_of_another_shape_spoils_only_itself(row: str) -> None:
    read = read_lesson_sheet(sheet(row, line(lesson_no="L-0009")))
    assert {(one.field, one.code) for one in read.faults} == {("", "BAD_ROW")}
    assert [one.lesson_no for one in read.rows] == ["L-0009"]


def test_pupils_of_one_class_share_its_lesson_number() -> None:
    read = read_lesson_sheet(sheet(line(), line(contract_no="HT000002")))
    assert read.faults == ()
    assert len(read.rows) == 2


def test_a_lesson_number_comes_once_even_where_the_first_one_is_faulty() -> None:
    content = sheet(line(), line(lesson_no="L-0002", mode="x"), line(), line(lesson_no="L-0002"), line(minutes="x"))
    assert faults(content) == [
        (3, "mode", "BAD_CHOICE"),
        (4, "lesson_no", "DUPLICATE_LESSON"),
        (5, "lesson_no", "DUPLICATE_LESSON"),
        (6, "lesson_no", "DUPLICATE_LESSON"),
        (6, "minutes", "BAD_MINUTES"),
    ]
    assert [row.line for row in read_lesson_sheet(content).rows] == [2]


def test_long_values_are_cut_and_long_lists_too() -> None:
    read = read_lesson_sheet(sheet(*("x" * 500 for _ in range(FAULTS_LISTED_MAX + 5))))
    assert (len(read.faults), read.fault_count, len(read.faults[0].value)) == (
        FAULTS_LISTED_MAX,
        FAULTS_LISTED_MAX + 5,
        80,
    )


def test_ten_thousand_rows_are_read_and_one_more_is_not() -> None:
    rows = [line(lesson_no=f"L{n}") for n in range(ROWS_MAX)]
    assert len(read_lesson_sheet(sheet(*rows)).rows) == ROWS_MAX
    assert code_of(sheet(*rows, line())) == "TOO_MANY_ROWS"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "EMPTY_FILE"),
        (b"\xef\xbb\xbf\r\n ,,\n", "EMPTY_FILE"),
        (HEADER.encode("utf-16"), "BAD_ENCODING"),
        (b"PK\x03\x04\xff\xff\xff", "BAD_ENCODING"),
        (line().encode(), "HEADER_NOT_FOUND"),
        (HEADER.replace(",", ";").encode(), "HEADER_NOT_FOUND"),
        (HEADER.replace("hours,", "").encode(), "HEADER_NOT_FOUND"),
        (b'"' + HEADER.encode(), "HEADER_NOT_FOUND"),
        ((HEADER + ",note").encode(), "UNKNOWN_COLUMN"),
        ((HEADER + ",hours").encode(), "UNKNOWN_COLUMN"),
    ],
)
def test_a_file_without_a_usable_table_is_bad_input(content: bytes, code: str) -> None:
    assert code_of(content) == code


def test_a_file_beyond_all_measure_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lesson_sheet, "BYTES_MAX", 100)
    assert code_of(sheet(line())) == "LIMIT_EXCEEDED"


CONTENT = sheet(line(), line(lesson_no="L-0002"))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(CONTENT)), st.integers(0, 30), st.binary(max_size=10))
def test_no_change_of_bytes_makes_it_crash(at: int, gone: int, put: bytes) -> None:
    content = CONTENT[:at] + put + CONTENT[at + gone :]
    code, read = "", None
    try:
        read = read_lesson_sheet(content)
    except BadInput as refused:
        code = refused.code
    if read is None:
        assert code in {"EMPTY_FILE", "BAD_ENCODING", "HEADER_NOT_FOUND", "UNKNOWN_COLUMN"}
    else:
        assert all(0 < row.minutes <= 1_440 and 0 < row.hours <= 10_000 for row in read.rows)
        assert read.fault_count == len(read.faults)
