"""Statement files that are text (MT940, CSV): bounded, one encoding for the whole file, line by line.

UTF-8 strictly, then GB18030 strictly, as a whole: a file that mixes them is refused, nothing is repaired.
"""

import codecs
from collections.abc import Iterator
from io import BytesIO
from typing import Final, NamedTuple

from ledger.errors import BadInput
from ledger.formats.strict_xml import ByteSource

TEXT_BYTES_MAX: Final = 64 * 1024 * 1024
LINE_BYTES_MAX: Final = 64 * 1024
LINES_MAX: Final = 1_500_000
_CHUNK_BYTES: Final = 1 << 20
_ENCODINGS: Final = ("utf-8", "gb18030")


class Text(NamedTuple):
    """A whole file and the encoding that fits all of it."""

    content: bytes
    encoding: str

    def lines(self) -> Iterator[str]:
        """The lines with their ends, decoded one by one. Raises BadInput LIMIT_EXCEEDED (a long line, too many)."""
        stream = BytesIO(self.content)
        number = 0
        while line := stream.readline(LINE_BYTES_MAX + 1):
            number += 1
            if len(line) > LINE_BYTES_MAX:
                raise BadInput(
                    "LIMIT_EXCEEDED", where=f"line {number}", field="bytes in one line", value=LINE_BYTES_MAX
                )
            if number > LINES_MAX:
                raise BadInput("LIMIT_EXCEEDED", field="lines", value=LINES_MAX)
            text = line.decode(self.encoding)  # no line feed is ever part of another character in either encoding
            yield text.removeprefix("\ufeff") if number == 1 else text


def read_bytes(source: ByteSource, bytes_max: int = TEXT_BYTES_MAX) -> bytes:
    """All of a file. Raises BadInput EMPTY_FILE, LIMIT_EXCEEDED."""
    found = BytesIO()
    while chunk := source.read(_CHUNK_BYTES):
        found.write(chunk)
        if found.tell() > bytes_max:
            raise BadInput("LIMIT_EXCEEDED", field="bytes", value=bytes_max)
    content = found.getvalue()
    if not content or content.isspace():
        raise BadInput("EMPTY_FILE")
    return content


def read_text(source: ByteSource) -> Text:
    """A file with the encoding that fits it. BadInput EMPTY_FILE, LIMIT_EXCEEDED, BAD_ENCODING (also for NUL)."""
    content = read_bytes(source)
    if b"\x00" in content:
        line = content.count(b"\n", 0, content.index(b"\x00")) + 1
        raise BadInput("BAD_ENCODING", where=f"line {line}", field="NUL")
    for encoding in _ENCODINGS:
        if _fits(content, encoding):
            return Text(content, encoding)
    raise BadInput("BAD_ENCODING", value=" / ".join(_ENCODINGS))


def _fits(content: bytes, encoding: str) -> bool:
    """Whether all of it decodes, tried in pieces so that the text never stands in memory as a whole."""
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    try:
        for start in range(0, len(content), _CHUNK_BYTES):
            decoder.decode(content[start : start + _CHUNK_BYTES])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
