"""MT940 bank statements: pages joined, balances proved. MT942 is read for information.

``read`` hands out the lines of a statement one by one and then the ``Statement`` that judges them, like
``camt053.read``. A message is a page; the pages of a statement follow each other, the balance that ends one (:62M:)
begins the next (:60M:).
"""

from collections.abc import Iterator
from typing import Final

from ledger.errors import BadInput
from ledger.formats.mt940_field import BLOCK, END, Field, fields, message_kind
from ledger.formats.mt940_statement import Reading
from ledger.formats.statement_text import read_text
from ledger.formats.strict_xml import ByteSource
from ledger.terms.statement import Statement, StatementLine

STATEMENTS_MAX: Final = 10_000
_READ: Final = frozenset({"", "940", "942"})


def read(source: ByteSource) -> Iterator[StatementLine | Statement]:
    """The lines of each statement in the file's order, each set followed by its ``Statement``.

    A fault inside a statement ends the reading with that statement, verdict reject. Raises BadInput where the file as
    a whole is unusable: EMPTY_FILE, BAD_ENCODING, LIMIT_EXCEEDED, UNSUPPORTED_MESSAGE, NO_STATEMENT, BAD_FIELD.
    """
    messages = _Messages()
    for field in fields(read_text(source).lines()):
        try:
            found = messages.take(field)
        except BadInput as fault:
            yield messages.rejected(fault)
            return
        yield from found
    try:
        found = messages.finish()
    except BadInput as fault:
        yield messages.rejected(fault)
        return
    yield from found


class _Messages:
    """The messages of a file: begins and ends pages, and hands their fields to the statement they belong to."""

    def __init__(self) -> None:
        self._kind = ""
        self._statements = 0
        self._reading: Reading | None = None
        self._in_page = False
        self._seen: set[tuple[str, str]] = set()

    def take(self, field: Field) -> list[StatementLine | Statement]:
        """The lines and statements that are complete with this field. Raises BadInput."""
        if field.tag == BLOCK:
            found = self._end_page()
            self._kind = message_kind(field.lines[0])
            if self._kind not in _READ:
                raise BadInput("UNSUPPORTED_MESSAGE", where=field.where, value=f"MT{self._kind}")
            return found
        if field.tag == END:
            found, self._kind = self._end_page(), ""
            return found
        found = self._end_page() if field.tag == "20" else []
        if self._reading is None:
            self._statements += 1
            if self._statements > STATEMENTS_MAX:
                raise BadInput("LIMIT_EXCEEDED", field="statements", value=STATEMENTS_MAX)
            self._reading = Reading(self._statements, self._kind)
        if not self._in_page:
            self._reading.begin_page()
            self._in_page = True
        return [*found, *self._reading.take(field)]

    def _end_page(self) -> list[StatementLine | Statement]:
        if self._reading is None or not self._in_page:
            return []
        self._in_page = False
        found = self._reading.end_page(self._seen)
        if found and isinstance(found[-1], Statement):
            self._reading = None
        return found

    def finish(self) -> list[StatementLine | Statement]:
        """What is complete at the end of the file. Raises BadInput NO_STATEMENT, INCOMPLETE_STATEMENT."""
        found = self._end_page()
        if self._reading is not None:
            raise BadInput("INCOMPLETE_STATEMENT", field=":62F:")
        if not self._statements:
            raise BadInput("NO_STATEMENT")
        return found

    def rejected(self, fault: BadInput) -> Statement:
        """The statement being read, rejected. Raises the fault where it belongs to none."""
        if self._reading is None:
            raise fault
        return self._reading.rejected(fault)
