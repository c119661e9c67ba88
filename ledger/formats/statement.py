"""Statement files of any format: find out what it is, read it, and say what the file is worth as a whole."""

import hashlib
import re
from collections import deque
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Final

from ledger.errors import BadInput
from ledger.formats import camt053
from ledger.formats.strict_xml import ByteSource
from ledger.terms.statement import Fault, Statement, StatementFile, StatementLine, Verdict, worst

_HEAD_BYTES: Final = 4096
_MAGIC: Final = {
    b"\x1f\x8b": "gzip",
    b"%PDF": "PDF",
    b"PK\x03\x04": "XLSX or ZIP",
    b"\xd0\xcf\x11\xe0": "XLS",
    b"{\\rtf": "RTF",
}
_MT: Final = re.compile(rb"\{1:F|^:(?:20|25|28C?|60[FM]):", re.MULTILINE)
_SHEET: Final = re.compile(rb"\S[^\r\n]*[,;\t]")
_MARKUP: Final = re.compile(rb"(?:\xef\xbb\xbf)?\s*<")


def read_statements(source: ByteSource, name: str) -> Iterator[StatementLine | Statement | StatementFile]:
    """Stream a file: the lines of each statement, its ``Statement``, and at the very end one ``StatementFile``.

    Nothing is to be kept when the last one says reject. Constant memory; reads ``source`` to its end (for its
    SHA-256). Faults are verdicts: nothing is raised but what ``source.read`` raises (OSError).
    """
    hashing = _Hashing(source)
    head = hashing.peek()
    statements: list[Statement] = []
    fault: Fault | None = None
    try:
        _refuse_other_formats(head)
        for found in camt053.read(hashing):
            if isinstance(found, Statement):
                statements.append(found)
            yield found
    except BadInput as bad:
        fault = Fault(bad.code, bad.where, bad.field, "" if bad.value is None else str(bad.value))
        statements = []
    verdict = Verdict.REJECT if fault else worst([statement.verdict for statement in statements])
    if fault is None:
        fault = next((one.fault for one in statements if one.verdict == verdict), None)
    yield StatementFile(name, hashing.sha256(), verdict, fault, tuple(statements))


def read_statement_file(source: Path | bytes | ByteSource, name: str = "") -> StatementFile:
    """Check one file alone; its lines are read and dropped. ``name`` defaults to the path's last part.

    Raises BadInput FILE_UNREADABLE for a path that is missing, a folder, or not ours to read.
    """
    if isinstance(source, Path):
        try:
            if source.exists() and not source.is_file():
                raise BadInput("FILE_UNREADABLE", where=str(source))  # a folder, or a device that never ends
            with source.open("rb") as opened:
                return read_statement_file(opened, name or source.name)
        except OSError as fault:
            raise BadInput("FILE_UNREADABLE", where=str(source), value=fault.strerror) from fault
    stream = BytesIO(source) if isinstance(source, bytes) else source
    (last,) = deque(read_statements(stream, name), maxlen=1)
    assert isinstance(last, StatementFile)
    return last


def _refuse_other_formats(head: bytes) -> None:
    """Name a format that is known and not read here. Raises BadInput UNSUPPORTED_MESSAGE."""
    kind = next((kind for magic, kind in _MAGIC.items() if head.startswith(magic)), None)
    if kind is None and b"\x00" not in head and not _MARKUP.match(head):
        kind = "MT940/MT942" if _MT.search(head) else "CSV" if _SHEET.search(head) else None
    if kind is not None:
        raise BadInput("UNSUPPORTED_MESSAGE", value=kind)


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
