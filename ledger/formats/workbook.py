"""XLSX and XLS files as rows of text. What they would unpack to is counted before any library unpacks them.

An XLSX is a ZIP of XML files: the sizes it declares and the sizes it really has are bounded, and so are the cells it
would spread over and the text its cells would repeat. Cells that hold numbers come out as the shortest text of them.
"""

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Final

from lxml import etree
from python_calamine import CalamineError, CalamineSheet, CalamineWorkbook

from ledger.errors import BadInput
from ledger.formats.statement_header import Row
from ledger.formats.strict_xml import ByteSource, XmlDocument
from ledger.formats.workbook_xls import TEXTS_MAX, check_xls

WORKBOOK_BYTES_MAX: Final = 16 * 1024 * 1024
MEMBERS_MAX: Final = 500
UNPACKED_BYTES_MAX: Final = 64 * 1024 * 1024
CELLS_MAX: Final = 1_500_000  # rows times columns: a sheet is spread out as a rectangle
TEXT_BYTES_MAX: Final = 48 * 1024 * 1024
SHEETS_MAX: Final = 50
_ZIP: Final = b"PK\x03\x04"
_LOCAL_HEADER: Final = 30
_CHUNK_BYTES: Final = 1 << 16
_ZIP64: Final = b"PK\6\7"
_END_BYTES: Final = 22
_SHARED_TEXTS, _LINKS = "xl/sharedstrings.xml", "xl/_rels/workbook.xml.rels"
_COUNT: Final = re.compile("[0-9]{1,9}")
_PLACE: Final = re.compile("([A-Za-z]{1,3})([1-9][0-9]{0,6})")
_ROW: Final = re.compile("[1-9][0-9]{0,6}")
_METHODS: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_ENCRYPTED: Final = 1


class Sheet:
    """One sheet of a workbook. Its rows become text one by one, as often as asked."""

    def __init__(self, sheet: CalamineSheet) -> None:
        self._sheet = sheet

    def rows(self) -> Iterator[Row]:
        """The rows from the first that holds anything."""
        first = self._sheet.start[0] + 1 if self._sheet.start else 1
        for at, cells in enumerate(self._sheet.iter_rows(), first):
            yield Row(f"row {at}", [str(cell) for cell in cells])


def read_sheets(content: bytes) -> Iterator[Sheet]:
    """The sheets, one after another. Raises BadInput LIMIT_EXCEEDED, UNSUPPORTED_MESSAGE."""
    kind = "XLSX" if content.startswith(_ZIP) else "XLS"
    if kind == "XLSX":
        _check_xlsx(content)
    else:
        check_xls(content, CELLS_MAX, TEXT_BYTES_MAX)
    with _opening(kind):
        book = CalamineWorkbook.from_filelike(BytesIO(content))
    if len(book.sheet_names) > SHEETS_MAX:
        raise BadInput("LIMIT_EXCEEDED", field="sheets", value=SHEETS_MAX)
    for at in range(len(book.sheet_names)):
        with _opening(kind):
            sheet = book.get_sheet_by_index(at)
        yield Sheet(sheet)


@contextmanager
def _opening(kind: str) -> Iterator[None]:
    """What the library cannot open is refused, also what makes it panic (which is no Exception in Python)."""
    try:
        yield
    except BaseException as fault:
        if isinstance(fault, CalamineError | ValueError | OSError) or type(fault).__name__ == "PanicException":
            raise BadInput("UNSUPPORTED_MESSAGE", value=f"unreadable {kind}") from fault
        raise


def _check_xlsx(content: bytes) -> None:
    """Bound everything that unpacking would cost. Raises BadInput LIMIT_EXCEEDED, UNSUPPORTED_MESSAGE, and of XML."""
    members = _members(content)
    if len(members) > MEMBERS_MAX:
        raise BadInput("LIMIT_EXCEEDED", field="members", value=MEMBERS_MAX)
    if sum(member.file_size for member in members.values()) > UNPACKED_BYTES_MAX:
        raise BadInput("LIMIT_EXCEEDED", field="unpacked bytes", value=UNPACKED_BYTES_MAX)
    real = 0
    for member in members.values():
        if member.compress_type not in _METHODS or member.flag_bits & _ENCRYPTED:
            raise BadInput("UNSUPPORTED_MESSAGE", value="encrypted or unknown XLSX")
        size = sum(len(piece) for piece in _Member(content, member, UNPACKED_BYTES_MAX - real).pieces())
        if size != member.file_size:
            raise BadInput("LIMIT_EXCEEDED", field="unpacked bytes", value="other than declared")
        real += size
    shared, links = members.get(_SHARED_TEXTS), members.get(_LINKS)
    if links is not None:
        _refuse_odd_links(_Member(content, links, UNPACKED_BYTES_MAX))
    lengths = [] if shared is None else _text_lengths(_Member(content, shared, UNPACKED_BYTES_MAX))
    cells = text_bytes = 0
    for name, member in members.items():
        if name.endswith(".xml"):  # any of them may be the one that the book calls its sheet
            more_cells, more_bytes = _spread(_Member(content, member, UNPACKED_BYTES_MAX), lengths)
            cells, text_bytes = cells + more_cells, text_bytes + more_bytes
            if cells > CELLS_MAX or text_bytes > TEXT_BYTES_MAX:
                raise BadInput("LIMIT_EXCEEDED", field="cells", value=CELLS_MAX)


def _members(content: bytes) -> dict[str, zipfile.ZipInfo]:
    """The members by name in small letters. Raises BadInput UNSUPPORTED_MESSAGE where two readers could see two files.

    So: one directory that ends the file, right behind the members, and no name twice.
    """
    end = content[-_END_BYTES:]
    plain = end.startswith(b"PK\5\6") and content[-_END_BYTES - 20 : -_END_BYTES - 16] != _ZIP64
    size, start = struct.unpack_from("<II", end, 12) if plain else (0, 0)
    if not plain or start + size + _END_BYTES != len(content):
        raise BadInput("UNSUPPORTED_MESSAGE", value="unreadable XLSX")
    try:
        found = zipfile.ZipFile(BytesIO(content)).infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as fault:
        raise BadInput("UNSUPPORTED_MESSAGE", value="unreadable XLSX") from fault
    members = {member.filename.lower(): member for member in found}
    if len(members) != len(found):
        raise BadInput("UNSUPPORTED_MESSAGE", value="a name twice in the XLSX")
    return members


def _refuse_odd_links(source: ByteSource) -> None:
    """A book's parts are XML files: were one called otherwise, it would not have been counted."""
    for event, element in XmlDocument(source).elements("Relationship", any_namespace=True):
        if event == "start" and not (element.get("Target") or "").lower().endswith(".xml"):
            raise BadInput("UNSUPPORTED_MESSAGE", value="a part of the XLSX that is no XML")


class _Member:
    """A file inside a ZIP, unpacked piece by piece from its own bytes, whatever size the directory declares."""

    def __init__(self, content: bytes, member: zipfile.ZipInfo, bytes_max: int) -> None:
        self._content, self._member, self._bytes_max = content, member, bytes_max
        self._pieces = self.pieces()

    def pieces(self) -> Iterator[bytes]:
        """Its content. Raises BadInput LIMIT_EXCEEDED, UNSUPPORTED_MESSAGE (not unpackable)."""
        at = self._member.header_offset
        head = self._content[at : at + _LOCAL_HEADER]
        if not head.startswith(_ZIP) or len(head) < _LOCAL_HEADER:
            raise BadInput("UNSUPPORTED_MESSAGE", value="unreadable XLSX")
        start = at + _LOCAL_HEADER + int.from_bytes(head[26:28], "little") + int.from_bytes(head[28:30], "little")
        packed = memoryview(self._content)[start : start + self._member.compress_size]
        if self._member.compress_type == zipfile.ZIP_STORED:
            yield from (bytes(packed[i : i + _CHUNK_BYTES]) for i in range(0, len(packed), _CHUNK_BYTES))
            return
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        taken = 0
        rest: bytes | memoryview = packed
        try:
            while not unpacker.eof and (piece := unpacker.decompress(rest, _CHUNK_BYTES)):
                rest = unpacker.unconsumed_tail
                taken += len(piece)
                if taken > self._bytes_max:
                    raise BadInput("LIMIT_EXCEEDED", field="unpacked bytes", value=UNPACKED_BYTES_MAX)
                yield piece
        except zlib.error as fault:
            raise BadInput("UNSUPPORTED_MESSAGE", value="unreadable XLSX") from fault

    def read(self, size: int, /) -> bytes:  # noqa: ARG002 (a source that gives what it has)
        """The next piece; b"" at the end."""
        return next(self._pieces, b"")


def _text_lengths(source: ByteSource) -> list[int]:
    """Bytes of each shared text, in order: cells refer to them by number, as often as they like."""
    lengths: list[int] = []
    for event, element in XmlDocument(source).elements("sst", "si", any_namespace=True):
        if event == "start" and etree.QName(element).localname == "sst":
            for claimed in ("count", "uniqueCount"):  # room is made for as many as it claims, before any is read
                written = element.get(claimed, "0")
                if not _COUNT.fullmatch(written) or int(written) > TEXTS_MAX:
                    raise BadInput("LIMIT_EXCEEDED", field="texts", value=TEXTS_MAX)
        elif event == "end" and etree.QName(element).localname == "si":
            lengths.append(sum(len(text.encode()) for text in element.itertext() if isinstance(text, str)))
            _drop(element)
    return lengths


def _spread(source: ByteSource, lengths: list[int]) -> tuple[int, int]:
    """(cells of the rectangle that a sheet's cells span, bytes of the shared texts they repeat)."""
    rows = columns = row = column = text_bytes = 0
    for event, element in XmlDocument(source).elements("row", "c", "v", any_namespace=True):
        name = etree.QName(element).localname
        if event == "start" and name == "row":
            row, column = _row(element.get("r"), row + 1), 0
            rows = max(rows, row)
        elif event == "start" and name == "c":
            row, column = _place(element.get("r"), row, column + 1)
            rows, columns = max(rows, row), max(columns, column)
        elif event == "end" and name == "v":
            parent = element.getparent()
            if parent is not None and parent.get("t") == "s":
                index = _index(element.text)
                text_bytes += lengths[index] if index < len(lengths) else 0
        elif event == "end" and name == "row":
            _drop(element)
    return rows * columns, text_bytes


def _place(written: str | None, row: int, column: int) -> tuple[int, int]:
    """ "C12" as (12, 3); the place that comes next where a cell does not say its own. BadInput UNSUPPORTED_MESSAGE."""
    if written is None:
        return row, column
    found = _PLACE.fullmatch(written)
    if found is None:
        raise BadInput("UNSUPPORTED_MESSAGE", value="unreadable XLSX")
    number = 0
    for letter in found[1].upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return int(found[2]), number


def _row(written: str | None, following: int) -> int:
    """The number of a row; the one that comes next where it does not say its own. BadInput UNSUPPORTED_MESSAGE."""
    if written is not None and not _ROW.fullmatch(written):
        raise BadInput("UNSUPPORTED_MESSAGE", value="unreadable XLSX")
    return following if written is None else int(written)


def _index(written: str | None) -> int:
    """Which shared text a cell refers to. Raises BadInput UNSUPPORTED_MESSAGE."""
    if written is None or not _COUNT.fullmatch(written):
        raise BadInput("UNSUPPORTED_MESSAGE", value="unreadable XLSX")
    return int(written)


def _drop(element: etree._Element) -> None:
    """Take an element and what stands before it out of memory."""
    element.clear()
    parent = element.getparent()
    while parent is not None and (previous := element.getprevious()) is not None:
        parent.remove(previous)
