"""Workbooks from outside: whatever they claim to unpack to is counted before a library unpacks them."""

import io
import struct
import zipfile
from collections.abc import Mapping
from types import SimpleNamespace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadInput
from ledger.formats import workbook, workbook_xls
from ledger.formats.statement import read_statement_file
from ledger.formats.workbook_xls import check_xls
from tests.bank_files import HEADER, judged, rows, xlsx

GOOD = xlsx([HEADER, *rows()])
SHEET = "xl/worksheets/sheet1.xml"
SPREADSHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"


def repacked(members: Mapping[str, bytes | None], content: bytes = GOOD, **kept: int) -> bytes:
    """The workbook with some members replaced (None: taken out)."""
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as new:
        for name in [*old.namelist(), *(set(members) - set(old.namelist()))]:
            body = members.get(name, old.read(name) if name in old.namelist() else None)
            if body is not None:
                new.writestr(name, body, **kept)
    return written.getvalue()


def sheet_of(cells: str) -> bytes:
    return f'<worksheet xmlns="{SPREADSHEET}"><sheetData>{cells}</sheetData></worksheet>'.encode()


def test_a_good_workbook_is_read_however_it_is_packed() -> None:
    assert judged(GOOD) == "accept"
    assert judged(repacked({}, compress_type=zipfile.ZIP_STORED)) == "accept"


def test_a_member_that_is_larger_than_it_declares_is_refused() -> None:
    bomb = bytearray(repacked({"xl/media/a.bin": b"\0" * 3_000_000}))
    real = struct.pack("<I", 3_000_000)
    assert bomb.count(real) == 2
    bomb[bomb.rindex(real) : bomb.rindex(real) + 4] = struct.pack("<I", 1_000)
    assert judged(bytes(bomb)) == "reject:LIMIT_EXCEEDED"


def test_bombs_are_refused_by_what_they_declare_and_by_what_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    assert judged(repacked({"xl/media/a.bin": b"\0" * (workbook.UNPACKED_BYTES_MAX + 1)})) == "reject:LIMIT_EXCEEDED"
    monkeypatch.setattr(workbook, "MEMBERS_MAX", 3)
    assert judged(GOOD) == "reject:LIMIT_EXCEEDED"
    monkeypatch.undo()
    monkeypatch.setattr(workbook, "SHEETS_MAX", 0)
    assert judged(GOOD) == "reject:LIMIT_EXCEEDED"
    # a directory that declares little and a stream that goes on: counted while it is unpacked
    monkeypatch.undo()
    lying = bytearray(repacked({"xl/media/a.bin": b"\0" * 3_000_000}))
    real = struct.pack("<I", 3_000_000)
    lying[lying.rindex(real) : lying.rindex(real) + 4] = struct.pack("<I", 1_000)
    monkeypatch.setattr(workbook, "UNPACKED_BYTES_MAX", 1_000_000)
    assert judged(bytes(lying)) == "reject:LIMIT_EXCEEDED"


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        '<row r="1"><c r="A1"><v>1</v></c><c r="&#88;FD1048576"><v>1</v></c></row>',
    ],
)
def test_a_cell_in_the_last_corner_is_refused(cells: str) -> None:
    assert judged(repacked({SHEET: sheet_of(cells)})) == "reject:LIMIT_EXCEEDED"


def test_one_long_text_for_every_cell_is_refused() -> None:
    shared = f'<sst xmlns="{SPREADSHEET}"><si><t>{"x" * 30_000}</t></si></sst>'.encode()
    cells = "".join(f'<row r="{n}"><c r="A{n}" t="s"><v>0</v></c></row>' for n in range(1, 2_001))
    assert judged(repacked({SHEET: sheet_of(cells), "xl/sharedStrings.xml": shared})) == "reject:LIMIT_EXCEEDED"
    few = '<row><c t="s"><v>0</v></c><c><v>7</v></c></row><row><c r="B2" t="s"><v>9</v></c></row>'
    assert judged(repacked({SHEET: sheet_of(few), "xl/sharedStrings.xml": shared})).startswith("reject:")


@pytest.mark.parametrize(
    "cells",
    [
        '<row r="4294967295"><c><v>1</v></c></row>',
        '<row r="0"/>',
        '<row r="1"><c r="$A$1"/></row>',
        '<row r="1"><c r="ABCD1"/></row>',
        '<row r="1"><c r="A99999999"/></row>',
        '<row r="1"><c t="s"><v>x</v></c></row>',
        '<row r="1"><c t="s"><v/></c></row>',
    ],
)
def test_a_cell_whose_place_cannot_be_told_is_refused(cells: str) -> None:
    assert judged(repacked({SHEET: sheet_of(cells)})) == "reject:UNSUPPORTED_MESSAGE"


@pytest.mark.parametrize("claim", ['count="4000000000"', 'uniqueCount="4000000"', 'count="+4000000000"'])
def test_texts_that_a_workbook_only_claims_are_not_believed(claim: str) -> None:
    shared = f'<sst xmlns="{SPREADSHEET}" {claim}><si><t>a</t></si></sst>'.encode()
    assert judged(repacked({"xl/sharedStrings.xml": shared})) == "reject:LIMIT_EXCEEDED"


def test_a_sheet_under_another_name_or_namespace_is_counted_too() -> None:
    corner = '<row r="1"><c r="A1"/></row><row r="1048576"><c r="XFD1048576"/></row>'
    assert judged(repacked({"xl/other.xml": sheet_of(corner)})) == "reject:LIMIT_EXCEEDED"
    other = f'<worksheet xmlns="urn:x" xmlns:y="{SPREADSHEET}">{corner}</worksheet>'.replace("<c", "<y:c")
    assert judged(repacked({SHEET: other.encode()})) == "reject:LIMIT_EXCEEDED"
    links = "xl/_rels/workbook.xml.rels"
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        pictures = archive.read(links).replace(b"sheet1.xml", b"sheet1.png")
    assert judged(repacked({links: pictures})) == "reject:UNSUPPORTED_MESSAGE"


def test_an_archive_that_two_readers_could_read_otherwise_is_refused() -> None:
    assert judged(GOOD + GOOD) == "reject:UNSUPPORTED_MESSAGE"
    assert judged(GOOD[:4] + b"xx" + GOOD[4:]) == "reject:UNSUPPORTED_MESSAGE"
    with io.BytesIO(repacked({})) as written:
        with zipfile.ZipFile(written, "a") as archive:
            archive.writestr(SHEET.upper(), b"<worksheet/>")
        assert judged(written.getvalue()) == "reject:UNSUPPORTED_MESSAGE"


def test_a_dtd_in_a_workbook_is_refused() -> None:
    evil = b'<!DOCTYPE x [<!ENTITY a "b">]>' + sheet_of("")
    assert judged(repacked({SHEET: evil})) == "reject:DTD_FORBIDDEN"


@pytest.mark.parametrize(
    "content",
    [
        b"PK\x03\x04\x14\x00",
        GOOD[:-30],
        b"PK\x03\x04" + GOOD[4:200],
        repacked({"xl/workbook.xml": b"<workbook/>"}),
        repacked({"xl/workbook.xml": None}),
        repacked({"xl/_rels/workbook.xml.rels": None}),
        GOOD.replace(b"PK\x01\x02", b"PK\x01\x07"),
        repacked({"a": b"x"}, compress_type=zipfile.ZIP_BZIP2),
    ],
)
def test_what_is_no_workbook_is_refused(content: bytes) -> None:
    assert judged(content).split(":")[1] in ("UNSUPPORTED_MESSAGE", "HEADER_NOT_FOUND")


def test_an_encrypted_member_or_one_that_does_not_unpack_is_refused() -> None:
    with zipfile.ZipFile(io.BytesIO(GOOD)) as archive:
        first = archive.infolist()[0]
    encrypted = bytearray(GOOD)
    at = encrypted.index(b"PK\x01\x02")
    encrypted[at + 8] |= 1
    assert judged(bytes(encrypted)) == "reject:UNSUPPORTED_MESSAGE"
    broken = bytearray(GOOD)
    start = first.header_offset + 30 + len(first.filename)
    broken[start : start + 20] = b"\xff" * 20
    assert judged(bytes(broken)) == "reject:UNSUPPORTED_MESSAGE"
    moved = bytearray(GOOD)
    moved[at + 42 : at + 46] = struct.pack("<I", 7)  # the member is not where the directory says
    assert judged(bytes(moved)) == "reject:UNSUPPORTED_MESSAGE"


def test_a_workbook_is_bounded_as_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ledger.formats.sheet_file.WORKBOOK_BYTES_MAX", 1_000)
    assert judged(GOOD) == "reject:LIMIT_EXCEEDED"


def test_faults_of_our_own_are_not_taken_for_a_bad_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ledger.formats.workbook.CalamineWorkbook", SimpleNamespace(from_filelike=interrupted))
    with pytest.raises(KeyboardInterrupt):
        judged(GOOD)


# -- XLS: a compound file made by hand, one stream of records


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def cell(row: int, column: int, kind: int = 0x0203, rest: bytes = bytes(10)) -> bytes:
    return record(kind, struct.pack("<HHH", row, column, 0) + rest)


def shared_texts(*texts: str) -> bytes:
    body = struct.pack("<II", len(texts), len(texts))
    return body + b"".join(struct.pack("<HB", len(one), 0) + one.encode("latin-1") for one in texts)


def stream(*sheets: bytes, globals_: bytes = b"", padding: int = 4096) -> bytes:
    """Records of a book and its sheets, each sheet where the book says."""
    begin = record(0x0809, struct.pack("<HHHHII", 0x0600, 5, 0, 0, 0, 0))
    names = [struct.pack("<IBBBB", 0, 0, 0, 1, 0) + b"A" for _ in sheets]
    at = len(begin) + len(globals_) + sum(4 + len(name) for name in names) + 4
    bound = b""
    for name, sheet in zip(names, sheets, strict=True):
        bound += record(0x0085, struct.pack("<I", at) + name[4:])
        at += len(begin) + len(sheet) + 4
    book = begin + globals_ + bound + record(0x000A)
    book += b"".join(begin + sheet + record(0x000A) for sheet in sheets)
    return book.ljust(padding, b"\0")


def xls(content: bytes, name: str = "Workbook", size: int | None = None) -> bytes:
    """A compound file that holds one stream: header, allocation table, directory, stream."""
    sectors = -(-len(content) // 512)
    header = bytearray(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1".ljust(512, b"\0"))
    struct.pack_into("<HHHHH", header, 24, 0x3E, 3, 0xFFFE, 9, 6)
    struct.pack_into("<IIIIIIII", header, 44, 1, 1, 0, 4096, 0xFFFFFFFE, 0, 0xFFFFFFFE, 0)
    struct.pack_into("<109I", header, 76, 0, *[0xFFFFFFFF] * 108)
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, 2 + sectors), 0xFFFFFFFE]
    table = struct.pack("<128I", *[*chain, *[0xFFFFFFFF] * 128][:128])
    entries = b"".join(
        title.encode("utf-16-le").ljust(64, b"\0")
        + struct.pack("<HBBIII", 2 * len(title) + 2, kind, 1, 0xFFFFFFFF, 0xFFFFFFFF, child)
        + bytes(36)
        + struct.pack("<III", start, length, 0)
        for title, kind, child, start, length in (
            ("Root Entry", 5, 1, 0xFFFFFFFE, 0),
            (name, 2, 0xFFFFFFFF, 2, len(content) if size is None else size),
        )
    )
    return bytes(header) + table + entries.ljust(512, b"\0") + content.ljust(512 * sectors, b"\0")


def checked(content: bytes, cells_max: int = 1_000, text_bytes_max: int = 10_000) -> str:
    try:
        check_xls(content, cells_max, text_bytes_max)
    except BadInput as fault:
        return fault.code
    return "ok"


def test_cells_and_texts_of_an_xls_are_counted() -> None:
    many = record(0x00BD, struct.pack("<HH", 0, 0) + bytes(12) + struct.pack("<H", 1))
    text = cell(1, 0, 0x00FD, struct.pack("<I", 0))
    texts = record(0x00FC, shared_texts("a" * 100, "b"))
    assert checked(xls(stream(cell(9, 9) + many))) == "ok"
    assert checked(xls(stream(cell(9, 9), cell(9, 9)))) == "ok"
    assert checked(xls(stream(cell(99, 9), cell(0, 0)))) == "LIMIT_EXCEEDED"
    assert checked(xls(stream(cell(65_535, 255)))) == "LIMIT_EXCEEDED"
    assert checked(xls(stream(text * 9, globals_=texts))) == "ok"
    assert checked(xls(stream(text * 99, globals_=texts))) == "LIMIT_EXCEEDED"
    assert checked(xls(stream(*[b""] * 51))) == "LIMIT_EXCEEDED"
    assert checked(xls(stream(cell(9, 9)), name="Book")) == "ok"
    assert checked(xls(record(0x0022, bytes(4_092)))) == "ok"  # records that simply stop


def test_texts_may_run_on_in_the_next_record() -> None:
    first = struct.pack("<IIHB", 4, 4, 300, 0) + b"x" * 200
    second = b"\1" + "y".encode("utf-16-le") * 100 + struct.pack("<HBH", 2, 8, 3) + b"ab" + b"r" * 12
    third = struct.pack("<HBI", 2, 4, 10) + b"cd" + b"e" * 4
    fourth = b"e" * 6 + struct.pack("<HB", 3, 1) + "xyz".encode("utf-16-le")
    assert workbook_xls._lengths([first, second, third, fourth]) == [900, 6, 6, 9]
    texts = record(0x00FC, first) + b"".join(record(0x003C, more) for more in (second, third, fourth))
    assert checked(xls(stream(cell(0, 0, 0x00FD, struct.pack("<I", 3)), globals_=texts))) == "ok"


BROKEN = [
    b"\xd0\xcf\x11\xe0\xa1\xb1",
    b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
    xls(stream())[:1000],
    xls(stream(), name="Nothing"),
    xls(stream(), size=100),
    xls(stream(record(0x0203, b"\0"))),
    xls(stream(cell(0, 0, 0x00FD, struct.pack("<I", 7)))),
    xls(stream(globals_=record(0x00FC, struct.pack("<II", 1, 1)))),
    xls(stream()).replace(struct.pack("<II", 3, 4), struct.pack("<II", 3, 2)),
]


@pytest.mark.parametrize("content", BROKEN)
def test_a_broken_xls_is_refused(content: bytes) -> None:
    assert checked(content) == "UNSUPPORTED_MESSAGE"
    assert judged(content) == "reject:UNSUPPORTED_MESSAGE"


@pytest.mark.parametrize(
    ("code", "claims"),
    [
        ("ok", record(0x0200, struct.pack("<IIHHH", 0, 9, 0, 9, 0))),
        ("ok", record(0x0200, struct.pack("<HHHHH", 0, 9, 0, 9, 0))),
        ("LIMIT_EXCEEDED", record(0x0200, struct.pack("<IIHHH", 0, 1_000_000, 0, 9, 0))),
        ("UNSUPPORTED_MESSAGE", record(0x0200, struct.pack("<IIHHH", 14, 9, 0, 9, 0))),
        ("UNSUPPORTED_MESSAGE", record(0x0200, struct.pack("<IIHHH", 0, 9, 10, 9, 0))),
    ],
)
def test_room_that_a_sheet_only_claims_is_counted(code: str, claims: bytes) -> None:
    assert checked(xls(stream(claims))) == code


@pytest.mark.parametrize("at", [40, 44, 64, 72])
def test_sectors_that_a_file_only_claims_are_not_believed(at: int) -> None:
    content = bytearray(xls(stream()))
    struct.pack_into("<I", content, at, 1_000_000)
    assert checked(bytes(content)) == "UNSUPPORTED_MESSAGE"


def test_texts_and_streams_that_a_file_only_claims_are_not_believed() -> None:
    texts = struct.pack("<II", workbook_xls.TEXTS_MAX + 1, 1) + struct.pack("<HB", 1, 0) + b"x"
    assert checked(xls(stream(globals_=record(0x00FC, texts)))) == "LIMIT_EXCEEDED"
    assert checked(xls(stream(), size=1 << 30)) == "UNSUPPORTED_MESSAGE"


def test_records_without_end_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook_xls, "RECORDS_MAX", 5)
    assert checked(xls(stream(cell(0, 0)))) in ("ok", "LIMIT_EXCEEDED")
    assert checked(xls(stream(globals_=record(0x0001) * 9))) == "LIMIT_EXCEEDED"


def test_large_tables_are_listed_in_sectors_of_their_own() -> None:
    content = bytearray(xls(stream()))
    struct.pack_into("<II", content, 68, len(content) // 512 - 1, 1)
    content += struct.pack("<128I", *[0xFFFFFFFF] * 127, 0xFFFFFFFE)
    assert checked(bytes(content)) == "ok"
    gap = bytearray(xls(stream()))
    struct.pack_into("<III", gap, 76, 0, 0xFFFFFFFF, 1)
    assert checked(bytes(gap)) == "UNSUPPORTED_MESSAGE"
    short = bytearray(xls(stream()))
    struct.pack_into("<I", short, 56, 1 << 20)
    assert checked(bytes(short)) == "UNSUPPORTED_MESSAGE"


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_no_change_of_bytes_makes_it_crash(drawn: st.DataObject) -> None:
    book = drawn.draw(st.sampled_from([GOOD, xls(stream(cell(3, 3) + cell(1, 1)))]))
    at = drawn.draw(st.integers(4, len(book) - 1))
    put = drawn.draw(st.binary(max_size=8))
    assert read_statement_file(book[:at] + put + book[at + len(put) :]).verdict in {"accept", "reject", "hold"}
