"""Statement files of any format: find out what it is, read it, and say what the file is worth as a whole."""

import hashlib
import re
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import BinaryIO, Final

from ledger.errors import BadInput
from ledger.formats import camt053, mt940, sheet_file
from ledger.formats.strict_xml import ByteSource
from ledger.terms.bank_profile import BankProfile
from ledger.terms.statement import Fault, Layout, Statement, StatementFile, StatementLine, Verdict, worst

PREVIEW_LINES: Final = 5
_HEAD_BYTES: Final = 4096
_XLSX, _XLS = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_NEVER_READ: Final = {b"\x1f\x8b": "gzip", b"%PDF": "PDF", b"{\\rtf": "RTF"}
_MT: Final = re.compile(rb"\{[1-4]:|^[\s\x01]*:(?:\d\d[A-Z]?|NS):", re.MULTILINE)
_SHEET: Final = re.compile(rb"\S[^\r\n]*[,;\t]")
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")
_WIDE: Final = (b"\xff\xfe", b"\xfe\xff")  # UTF-16: only XML is read in it


def read_statements(
    source: ByteSource, name: str, profile: BankProfile | None = None
) -> Iterator[StatementLine | Statement | StatementFile]:
    """Stream a file: the lines of each statement, its ``Statement``, and at the very end one ``StatementFile``.

    ``profile``: how a spreadsheet is laid out; None: the only one that fits. Nothing is to be kept when the last one
    says reject. Reads ``source`` to its end (for its SHA-256). Faults are verdicts: nothing is raised but what
    ``source.read`` raises (OSError).
    """
    hashing = _Hashing(source)
    head = hashing.peek()
    statements: list[Statement] = []
    fault: Fault | None = None
    layout: Layout | None = None
    try:
        for found in _read(head, hashing, profile):
            if isinstance(found, Layout):
                layout = found
                continue
            if isinstance(found, Statement):
                statements.append(found)
            yield found
    except BadInput as bad:
        fault = Fault(bad.code, bad.where, bad.field, "" if bad.value is None else str(bad.value))
        statements = []
    verdict = Verdict.REJECT if fault else worst([statement.verdict for statement in statements])
    if fault is None:
        fault = next((one.fault for one in statements if one.verdict == verdict), None)
    yield StatementFile(name, hashing.sha256(), verdict, fault, tuple(statements), layout)


def _read(head: bytes, source: ByteSource, profile: BankProfile | None) -> Iterator[StatementLine | Statement | Layout]:
    """By the reader of the format that the first bytes tell. Raises BadInput."""
    kind = next((kind for magic, kind in _NEVER_READ.items() if head.startswith(magic)), None)
    if kind is not None:
        raise BadInput("UNSUPPORTED_MESSAGE", value=kind)
    if head.startswith((_XLSX, _XLS)):
        return sheet_file.read_workbook(source, "xlsx" if head.startswith(_XLSX) else "xls", profile)
    if not _MARKUP.match(head) and (head[:2].count(0) == 0 and head[:2] not in _WIDE):
        if _MT.search(head):
            return mt940.read(source)
        if _SHEET.search(head):
            return sheet_file.read_csv(source, profile)
    return camt053.read(source)


def preview(path: Path, name: str, profile: BankProfile | None = None) -> tuple[StatementFile, list[StatementLine]]:
    """A file as it would be read, with its first lines. Raises BadInput FILE_UNREADABLE."""
    lines: list[StatementLine] = []
    with _opened(path) as source:
        for found in read_statements(source, name, profile):
            if isinstance(found, StatementLine) and len(lines) < PREVIEW_LINES:
                lines.append(found)
    assert isinstance(found, StatementFile)
    return found, lines


def read_statement_file(
    source: Path | bytes | ByteSource, name: str = "", profile: BankProfile | None = None
) -> StatementFile:
    """Check one file alone; its lines are read and dropped. ``name`` defaults to the path's last part.

    Raises BadInput FILE_UNREADABLE for a path that is missing, a folder, or not ours to read.
    """
    if isinstance(source, Path):
        with _opened(source) as opened:
            return read_statement_file(opened, name or source.name, profile)
    stream = BytesIO(source) if isinstance(source, bytes) else source
    (last,) = deque(read_statements(stream, name, profile), maxlen=1)
    assert isinstance(last, StatementFile)
    return last


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A file, opened. Raises BadInput FILE_UNREADABLE, also for what fails while it is read."""
    try:
        if path.exists() and not path.is_file():
            raise BadInput("FILE_UNREADABLE", where=str(path))  # a folder, or a device that never ends
        with path.open("rb") as opened:
            yield opened
    except OSError as fault:
        raise BadInput("FILE_UNREADABLE", where=str(path), value=fault.strerror) from fault


class _Hashing:
    """A source that hashes what it hands out. ``sha256`` reads the rest."""

    def __init__(self, source: ByteSource) -> None:
        self._source = source
        self._hash = hashlib.sha256()
        self._head = b""

    def peek(self) -> bytes:
        """The first bytes, which the next ``read`` hands out again."""
        self._head = self._take(_HEAD_BYTES)
        return self._head

    def read(self, size: int) -> bytes:
        """Up to ``size`` bytes more; b"" at the end."""
        head, self._head = self._head, b""
        return head + self._take(size - len(head))

    def _take(self, size: int) -> bytes:
        found = self._source.read(size)
        self._hash.update(found)
        return found

    def sha256(self) -> str:
        """SHA-256 (hex) of the whole source."""
        while self._take(1 << 20):
            pass
        return self._hash.hexdigest()
