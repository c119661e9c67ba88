"""XML from outside, read as a stream and strictly: constant memory, no DTD, no guessed encodings.

The bytes are decoded here, not by the XML library, so that a wrong label is refused instead of repaired;
a DTD is refused before the library sees it, in every encoding. Faults are BadInput with a class:
EMPTY_FILE, BAD_ENCODING, DTD_FORBIDDEN, MALFORMED_XML, LIMIT_EXCEEDED.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Final, Literal, Protocol

from lxml import etree

from ledger.errors import BadInput

CHUNK_BYTES: Final = 65_536
FILE_BYTES_MAX: Final = 512 * 1024 * 1024
# Elements that nobody asked for stay in memory until the next one that is wanted: ten to thirty times their bytes.
UNASKED_BYTES_MAX: Final = 2 * 1024 * 1024
XML_SPACE: Final = " \t\r\n"

_CODECS: Final = {
    "utf-8": "utf-8-sig",
    "us-ascii": "ascii",
    "iso-8859-1": "iso-8859-1",
    "gb18030": "gb18030",
    "gbk": "gb18030",
    "gb2312": "gb18030",
}
_WIDE_STARTS: Final = {
    b"\xff\xfe": "utf-16",
    b"\xfe\xff": "utf-16",
    b"<\x00": "utf-16-le",
    b"\x00<": "utf-16-be",
}
_WIDE_NAMES: Final = frozenset({"utf-16", "utf-16le", "utf-16be"})
_DECLARED: Final = re.compile(r"""(?:\ufeff|ï»¿)?<\?xml[^>]*?\sencoding\s*=\s*["']([A-Za-z0-9._-]+)["']""")
# Latin-1 gives every byte a meaning; these code points are never text, so they betray another encoding.
_NEVER_TEXT: Final = re.compile("[\x80-\x9f]")
_DOCTYPE: Final = "<!DOCTYPE"
_MARK: Final = re.compile("[^ \\t\\r\\n]")


class ByteSource(Protocol):
    """Anything bytes can be read from: a file, a BytesIO, a wrapper that hashes."""

    def read(self, size: int, /) -> bytes:
        """Up to ``size`` bytes, b"" at the end."""


class XmlDocument:
    """An XML document whose root is known and whose other elements come as a stream, once.

    ``namespace`` and ``name`` are the root's; ``empty`` says that the root is closed without any child.
    """

    def __init__(self, source: ByteSource) -> None:
        """Reads the first 64 KiB. Raises BadInput with a class of this module."""
        self._pieces = _decoded(source)
        self._head = next(self._pieces, "")
        if not self._head.strip(XML_SPACE):
            raise BadInput("EMPTY_FILE")
        _refuse_doctype(self._head)
        parser = _parser(("start", "end"), None)
        malformed: BadInput | None = None
        try:
            parser.feed(self._head.encode())
        except etree.XMLSyntaxError as fault:
            malformed = _malformed(fault)
        seen = [(event, str(element.tag)) for event, element in _events(parser)]
        if not seen:
            raise malformed or BadInput("MALFORMED_XML")
        try:
            root = etree.QName(seen[0][1])
        except ValueError as fault:  # a prefix that nothing declares
            raise BadInput("MALFORMED_XML", where="line 1") from fault
        self.namespace, self.name = root.namespace or "", root.localname
        self.empty = len(seen) > 1 and seen[1][0] == "end"

    def elements(self, *names: str, any_namespace: bool = False) -> Iterator[tuple[str, etree._Element]]:
        """("start" | "end", element) for the named elements of the root's namespace (or any), in document order.

        Whoever takes an element clears it and drops what stands before it. Raises BadInput MALFORMED_XML,
        BAD_ENCODING or LIMIT_EXCEEDED where the stream breaks; what came before is unproved until it has ended.
        """
        namespace = "*" if any_namespace else self.namespace
        parser = _parser(("start", "end"), [f"{{{namespace}}}{name}" for name in names])
        unasked_bytes = 0
        for piece in chain((self._head,), self._pieces):
            content = piece.encode()
            unasked_bytes += len(content)
            try:
                parser.feed(content)
            except etree.XMLSyntaxError as fault:
                raise _malformed(fault) from fault
            for event in _events(parser):
                unasked_bytes = 0
                yield event
            if unasked_bytes > UNASKED_BYTES_MAX:
                raise BadInput("LIMIT_EXCEEDED", field="bytes in one element", value=UNASKED_BYTES_MAX)
        try:
            parser.close()
        except etree.XMLSyntaxError as fault:
            raise _malformed(fault) from fault
        yield from _events(parser)


def _parser(events: Iterable[Literal["start", "end"]], tags: list[str] | None) -> etree.XMLPullParser:
    return etree.XMLPullParser(
        events=tuple(events),
        tag=tags,
        encoding="utf-8",  # what we feed, whatever the declaration says
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,  # keeps the library's limits: 256 levels, 10 MB in one text
        remove_comments=True,  # so that a comment inside a number does not cut it in two
        remove_pis=True,
    )


def _events(parser: etree.XMLPullParser) -> Iterator[tuple[str, etree._Element]]:
    for event, element in parser.read_events():
        assert isinstance(element, etree._Element)  # all that "start" and "end" bring
        yield event, element


def _malformed(fault: etree.XMLSyntaxError) -> BadInput:
    return BadInput("MALFORMED_XML", where=f"line {fault.lineno or 1}")


def _decoded(source: ByteSource) -> Iterator[str]:
    """The text in pieces. Raises BadInput EMPTY_FILE, BAD_ENCODING, MALFORMED_XML (cut off), LIMIT_EXCEEDED."""
    chunk = source.read(CHUNK_BYTES)
    codec = _codec(chunk)
    decoder = codecs.getincrementaldecoder(codec)("strict")
    taken = 0
    while chunk:
        taken += len(chunk)
        if taken > FILE_BYTES_MAX:
            raise BadInput("LIMIT_EXCEEDED", field="bytes", value=FILE_BYTES_MAX)
        try:
            piece = decoder.decode(chunk)
        except UnicodeDecodeError as fault:
            raise BadInput("BAD_ENCODING", where=f"byte {taken - len(chunk) + fault.start + 1}", value=codec) from fault
        if codec == "iso-8859-1" and _NEVER_TEXT.search(piece):
            raise BadInput("BAD_ENCODING", value=codec)
        yield piece
        chunk = source.read(CHUNK_BYTES)
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as fault:
        raise BadInput("MALFORMED_XML", where="end of file") from fault


def _codec(head: bytes) -> str:
    """The codec that the first bytes and the declaration agree on; BadInput BAD_ENCODING when they do not."""
    wide = _WIDE_STARTS.get(head[:2])
    start = head[:400].decode(wide or "latin-1", errors="ignore")
    declared = _DECLARED.match(start)
    name = declared[1].lower() if declared else ""
    if wide:
        if name and name not in _WIDE_NAMES:
            raise BadInput("BAD_ENCODING", field="encoding", value=name)
        return wide
    codec = _CODECS.get(name or "utf-8")
    if codec is None or (head.startswith(codecs.BOM_UTF8) and codec != "utf-8-sig"):
        raise BadInput("BAD_ENCODING", field="encoding", value=name)
    return codec


def _refuse_doctype(head: str) -> None:
    """Walk declaration, comments and instructions up to the root element; nothing else may stand there.

    A prolog that is longer than the head counts as malformed: a DTD could hide behind it.
    """
    at = 0
    while True:
        mark = _MARK.search(head, at)
        at = mark.start() if mark else len(head)
        closing = next((end for start, end in (("<?", "?>"), ("<!--", "-->")) if head.startswith(start, at)), None)
        if closing is None:
            break
        found = head.find(closing, at)
        if found < 0:
            raise BadInput("MALFORMED_XML", where="line 1")
        at = found + len(closing)
    if head.startswith(_DOCTYPE, at):
        raise BadInput("DTD_FORBIDDEN", where=f"line {head.count(chr(10), 0, at) + 1}")
    if _DOCTYPE.startswith(head[at : at + len(_DOCTYPE)]):
        raise BadInput("MALFORMED_XML", where="line 1")
