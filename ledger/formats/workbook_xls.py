"""What an XLS file would spread out to: its cell records, counted before a library unpacks them.

An XLS is a compound file (chains of sectors) with a stream of records; the record of a cell begins with row and column.
A crafted file of a few bytes may claim a cell in the last corner of a sheet, or one long text for every cell.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ledger.errors import BadInput

SHEETS_MAX: Final = 50
RECORDS_MAX: Final = 3_000_000
TEXTS_MAX: Final = 1_000_000
_MAGIC: Final = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENTRY_BYTES: Final = 128
_NO_SECTOR: Final = 0xFFFFFFFA  # from here on: end of chain, free, table sectors
_STREAMS: Final = frozenset({"workbook", "book"})
_SHORT_STREAM: Final = 4096  # streams below it are kept elsewhere; spreadsheets pad theirs
_SHEET, _END, _TEXTS, _CONTINUE = 0x0085, 0x000A, 0x00FC, 0x003C
# Records of one cell: formula, blank, number, text (of three kinds), truth, small number; and of several side by side.
_ONE_CELL: Final = frozenset({
    0x0001, 0x0002, 0x0003, 0x0004, 0x0005, 0x0006, 0x007E, 0x00D6, 0x00FD, 0x0201, 0x0203, 0x0204, 0x0205, 0x0206,
    0x027E, 0x0406,
})  # fmt: skip
_MANY_CELLS: Final = frozenset({0x00BD, 0x00BE})
_DIMENSIONS: Final = frozenset({0x0000, 0x0200})
_SHARED_TEXT: Final = 0x00FD


class _Span(NamedTuple):
    """What a sheet spreads over: cells of its rectangle, and the shared texts that its cells repeat."""

    cells: int
    text_bytes: int


def check_xls(content: bytes, cells_max: int, text_bytes_max: int) -> None:
    """Bound the cells each sheet spans and the text its cells would repeat.

    Raises BadInput LIMIT_EXCEEDED, UNSUPPORTED_MESSAGE (no workbook in it, or one that is broken).
    """
    try:
        for stream in _workbooks(content):
            _check_stream(stream, cells_max, text_bytes_max)
    except (struct.error, IndexError, UnicodeDecodeError) as fault:
        raise _unreadable() from fault


def _check_stream(stream: bytes, cells_max: int, text_bytes_max: int) -> None:
    """Walk the records of the whole book, then of each sheet where the book says that it begins."""
    begins, texts = [0], list[bytes]()
    previous = 0
    for kind, body in _records(stream, 0, RECORDS_MAX):
        if kind == _SHEET:
            begins.append(struct.unpack_from("<I", body)[0])
        if kind == _TEXTS or (kind == _CONTINUE and previous == _TEXTS):
            texts.append(body)
        previous = previous if kind == _CONTINUE else kind
    if len(begins) > SHEETS_MAX:
        raise BadInput("LIMIT_EXCEEDED", field="sheets", value=SHEETS_MAX)
    lengths = _lengths(texts) if texts else []
    cells = text_bytes = 0
    for begin in begins:
        span = _span(stream, begin, lengths)
        cells, text_bytes = cells + span.cells, text_bytes + span.text_bytes
        if cells > cells_max or text_bytes > text_bytes_max:
            raise BadInput("LIMIT_EXCEEDED", field="cells", value=cells_max)


def _span(stream: bytes, begin: int, lengths: Sequence[int]) -> _Span:
    rows = columns = text_bytes = claimed = 0
    for kind, body in _records(stream, begin, RECORDS_MAX // SHEETS_MAX * 10):
        if kind in _ONE_CELL or kind in _MANY_CELLS:
            row, column = struct.unpack_from("<HH", body)
            if kind in _MANY_CELLS:
                (column,) = struct.unpack_from("<H", body, len(body) - 2)
            rows, columns = max(rows, row + 1), max(columns, column + 1)
            if kind == _SHARED_TEXT:
                (index,) = struct.unpack_from("<I", body, 6)
                text_bytes += lengths[index]
        elif kind in _DIMENSIONS:  # room is made for all that it claims, before any cell is read
            first_row, last_row, first, last = struct.unpack_from("<IIHH" if len(body) > 10 else "<HHHH", body)
            if last_row < first_row or last < first:
                raise _unreadable()
            claimed = max(claimed, (last_row - first_row) * (last - first))
    return _Span(max(rows * columns, claimed), text_bytes)


def _records(stream: bytes, at: int, records_max: int) -> Iterator[tuple[int, bytes]]:
    """(kind, body) of the records from ``at`` on, up to the one that ends a sheet or book."""
    for _ in range(records_max):
        if at + 4 > len(stream):
            return
        kind, length = struct.unpack_from("<HH", stream, at)
        yield kind, stream[at + 4 : at + 4 + length]
        if kind == _END:
            return
        at += 4 + length
    raise BadInput("LIMIT_EXCEEDED", field="records", value=records_max)


def _lengths(segments: Sequence[bytes]) -> list[int]:
    """Bytes of each shared text, in order. A text may run on in the next record, which begins with its width."""
    segment, at = 0, 8
    lengths: list[int] = []
    total, count = struct.unpack_from("<II", segments[0])
    if total > TEXTS_MAX:  # room is made for as many as it claims, before any is read
        raise BadInput("LIMIT_EXCEEDED", field="texts", value=TEXTS_MAX)
    for _ in range(count):
        if at >= len(segments[segment]):
            segment, at = segment + 1, 0
        length, flags = struct.unpack_from("<HB", segments[segment], at)
        lengths.append(length * 3)  # UTF-8 in the library's memory
        at += 3
        behind = 0
        if flags & 8:
            behind += 4 * struct.unpack_from("<H", segments[segment], at)[0]
            at += 2
        if flags & 4:
            behind += struct.unpack_from("<I", segments[segment], at)[0]
            at += 4
        width = 1 + (flags & 1)
        while length > (room := (len(segments[segment]) - at) // width):
            length -= room
            segment, at = segment + 1, 1
            width = 1 + (segments[segment][0] & 1)
        at += length * width
        while behind > (room := len(segments[segment]) - at):
            behind -= room
            segment, at = segment + 1, 0
        at += behind
    return lengths


# -- the compound file around it


def _workbooks(content: bytes) -> list[bytes]:
    """Every stream that a reader could take for the workbook. Raises BadInput UNSUPPORTED_MESSAGE without one."""
    if not content.startswith(_MAGIC):
        raise _unreadable()
    sector_bytes = 1 << struct.unpack_from("<H", content, 30)[0]
    (short_stream,) = struct.unpack_from("<I", content, 56)
    if sector_bytes not in (512, 4096) or short_stream != _SHORT_STREAM:
        raise _unreadable()
    claimed = [struct.unpack_from("<I", content, at)[0] for at in (40, 44, 64, 72)]
    if max(claimed) > len(content) // sector_bytes:
        raise _unreadable()  # room is made for as many sectors as it claims
    table = _table(content, sector_bytes)
    directory = _chain(content, sector_bytes, table, struct.unpack_from("<I", content, 48)[0])
    found = []
    for at in range(0, len(directory) - _ENTRY_BYTES + 1, _ENTRY_BYTES):
        (name_bytes,) = struct.unpack_from("<H", directory, at + 64)
        name = directory[at : at + max(min(name_bytes, 64) - 2, 0)].decode("utf-16-le")
        start, size, size_above = struct.unpack_from("<III", directory, at + 116)
        if size + ((size_above << 32) if sector_bytes > 512 else 0) > len(content):
            raise _unreadable()
        if name.lower() in _STREAMS:
            if size < _SHORT_STREAM:
                raise _unreadable()
            found.append(_chain(content, sector_bytes, table, start)[:size])
    if not found:
        raise _unreadable()
    return found


def _table(content: bytes, sector_bytes: int) -> list[int]:
    """Which sector follows which: the table's own sectors are listed in the header and in a chain from there."""
    listed = list(struct.unpack_from("<109I", content, 76))
    following, count = struct.unpack_from("<II", content, 68)
    per_sector = sector_bytes // 4
    for _ in range(min(count, len(content) // sector_bytes)):
        part = struct.unpack_from(f"<{per_sector}I", content, sector_bytes * (following + 1))
        listed += part[:-1]
        following = part[-1]
    used = [sector < _NO_SECTOR for sector in listed]
    if sorted(used, reverse=True) != used or sum(used) > len(content) // sector_bytes:  # readers would differ on it
        raise _unreadable()
    table: list[int] = []
    for sector in listed[: sum(used)]:
        table += struct.unpack_from(f"<{per_sector}I", content, sector_bytes * (sector + 1))
    return table


def _chain(content: bytes, sector_bytes: int, table: Sequence[int], sector: int) -> bytes:
    """The bytes of a chain of sectors. Raises BadInput UNSUPPORTED_MESSAGE where it runs in a circle."""
    found = bytearray()
    while sector < _NO_SECTOR:
        if len(found) > len(content):
            raise _unreadable()
        found += content[sector_bytes * (sector + 1) : sector_bytes * (sector + 2)]
        sector = table[sector]
    return bytes(found)


def _unreadable() -> BadInput:
    return BadInput("UNSUPPORTED_MESSAGE", value="unreadable XLS")
