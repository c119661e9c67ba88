"""Bank spreadsheets as files: CSV in UTF-8 or GB18030, XLSX and XLS. Finds the profile, then reads row by row."""

import csv
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from itertools import islice
from typing import Final

from ledger.errors import BadInput
from ledger.formats import statement_sheet
from ledger.formats.bank_profile import built_in
from ledger.formats.statement_header import HEADER_ROWS_MAX, Header, Row, find_header
from ledger.formats.statement_text import Text, read_bytes, read_text
from ledger.formats.strict_xml import ByteSource
from ledger.formats.workbook import WORKBOOK_BYTES_MAX, Sheet, read_sheets
from ledger.terms.bank_profile import BankProfile
from ledger.terms.statement import Layout, Statement, StatementLine

_DELIMITERS: Final = (",", ";", "\t")
_PADDED: Final = re.compile(
    '"\t+(?=[,;\r\n])'
)  # TAB between a cell's last quote and the delimiter: banks pad numbers so
Read = Iterator[StatementLine | Statement | Layout]


def read_csv(source: ByteSource, profile: BankProfile | None = None) -> Read:
    """How the file is laid out, its lines, and the ``Statement`` that judges them.

    Raises BadInput EMPTY_FILE, BAD_ENCODING, LIMIT_EXCEEDED, HEADER_NOT_FOUND, PROFILE_UNCLEAR, BAD_FIELD (quoting).
    """
    text = read_text(source)
    delimiter, header = _csv_header(text, profile)
    yield header.layout
    yield from statement_sheet.read(_csv_rows(text.lines(), delimiter), header, "csv", delimiter)


def read_workbook(source: ByteSource, format_: str, profile: BankProfile | None = None) -> Read:
    """The same for an XLSX or XLS file: the only sheet of it that a profile fits.

    Raises BadInput as ``read_csv`` does, and UNSUPPORTED_MESSAGE for a workbook that cannot be opened.
    """
    found: tuple[Sheet, Header] | None = None
    for sheet in read_sheets(read_bytes(source, WORKBOOK_BYTES_MAX)):
        header = find_header(list(islice(sheet.rows(), HEADER_ROWS_MAX)), _profiles(profile))
        if header is not None and found is not None:
            raise BadInput("PROFILE_UNCLEAR", where="workbook", field="sheet")
        found = (sheet, header) if header is not None else found
    if found is None:
        raise BadInput("HEADER_NOT_FOUND", field="profile")
    sheet, header = found
    yield header.layout
    yield from statement_sheet.read(sheet.rows(), header, format_)


def _profiles(profile: BankProfile | None) -> tuple[BankProfile, ...]:
    return built_in() if profile is None else (profile,)


def _csv_header(text: Text, profile: BankProfile | None) -> tuple[str, Header]:
    """The delimiter and the header, by the first rows."""
    first = list(islice(text.lines(), HEADER_ROWS_MAX))
    for delimiter in _DELIMITERS:
        rows: list[Row] = []
        with suppress(BadInput):  # by another delimiter quotes may stand anywhere; a quoted cell may be cut in two here
            rows += _csv_rows(first, delimiter)
        header = find_header(rows, _profiles(profile))
        if header is not None:
            return delimiter, header
    raise BadInput("HEADER_NOT_FOUND", field="profile")


def _csv_rows(lines: Iterable[str], delimiter: str) -> Iterator[Row]:
    unpadded = lines if delimiter == "\t" else (_PADDED.sub('"', line) for line in lines)
    reader = csv.reader(unpadded, delimiter=delimiter, strict=True)
    while True:
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as fault:
            limit = "limit" in str(fault)  # 128 KiB in one cell: a quote that never ends
            code = "LIMIT_EXCEEDED" if limit else "BAD_FIELD"
            raise BadInput(code, where=f"line {reader.line_num}", field="quotes") from fault
        yield Row(f"line {reader.line_num}", cells)
