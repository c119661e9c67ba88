"""camt.053 bank statements: a thin, strict reader that streams.

``read`` hands out the lines of a statement one by one and then the ``Statement`` that judges them, in
constant memory. A statement is believed only when it proves itself: opening + booked credits - booked
debits = closing. camt.052 and camt.054 are read for information. What is refused has a class; see ``MESSAGES``.
"""

import re
from collections.abc import Iterator
from typing import Final

from lxml import etree

from ledger.errors import BadInput
from ledger.formats.camt053_field import below, names_of, truth
from ledger.formats.camt053_statement import Message, Reading, check_place
from ledger.formats.strict_xml import ByteSource, XmlDocument
from ledger.terms.statement import Statement, StatementLine

STATEMENTS_MAX: Final = 10_000
_VERSIONS: Final = frozenset({"02", "04", "06", "08", "10"})
_ISO: Final = "urn:iso:std:iso:20022:tech:xsd:"
_MESSAGE: Final = re.compile(_ISO + r"(camt\.05[234])\.001\.(\d\d)", re.ASCII)
_ENVELOPES: Final = {
    "camt.052": ("BkToCstmrAcctRpt", "Rpt"),
    "camt.053": ("BkToCstmrStmt", "Stmt"),
    "camt.054": ("BkToCstmrDbtCdtNtfctn", "Ntfctn"),
}


def read(source: ByteSource) -> Iterator[StatementLine | Statement]:
    """The lines of each statement in the file's order, each set followed by its ``Statement``.

    A fault inside a statement ends the reading with that statement, verdict reject. Raises BadInput where the file as
    a whole is unusable: EMPTY_FILE, BAD_ENCODING, DTD_FORBIDDEN, MALFORMED_XML, LIMIT_EXCEEDED,
    UNSUPPORTED_MESSAGE, NO_STATEMENT, BAD_FIELD (an element at a wrong place), INCOMPLETE_STATEMENT
    (more pages follow). Lines handed out before a fault are not to be kept.
    """
    document = XmlDocument(source)
    message = _message(document)
    reading: Reading | None = None
    seen: set[tuple[str, str]] = set()
    headers = statements = 0
    for event, element in document.elements("GrpHdr", message.statement, "Ntry", "TxDtls"):
        name = message.names[element.tag]
        found: StatementLine | Statement | None = None
        try:
            if event == "start":
                check_place(element, message)
                headers += name == "GrpHdr"
                statements += name == message.statement
                if headers > 1:
                    raise BadInput("BAD_FIELD", field=name)
                if statements > STATEMENTS_MAX:
                    raise BadInput("LIMIT_EXCEEDED", field=name, value=STATEMENTS_MAX)
                if name == message.statement:
                    reading = Reading(message, statements)
            elif reading is not None:
                found = reading.take(name, element, seen)
            else:  # outside of statements only a header passes ``check_place``
                _refuse_pages(element, message)
        except BadInput as fault:
            if reading is None:
                raise
            yield reading.rejected(fault)
            return
        if found is not None:
            yield found
        if isinstance(found, Statement):
            reading = None
    if not statements:
        raise BadInput("NO_STATEMENT")


def _message(document: XmlDocument) -> Message:
    """Which message it is, by the root's namespace alone. Raises BadInput UNSUPPORTED_MESSAGE, NO_STATEMENT."""
    if document.name == "Document" and document.empty:
        raise BadInput("NO_STATEMENT")
    found = _MESSAGE.fullmatch(document.namespace)
    if document.name != "Document" or found is None or (found[1] == "camt.053" and found[2] not in _VERSIONS):
        raise BadInput("UNSUPPORTED_MESSAGE", value=document.namespace.removeprefix(_ISO) or document.name)
    body, statement = _ENVELOPES[found[1]]
    if found[2] == "01":
        body += "V01"
    envelope = ("Document", body, statement, "GrpHdr", "Ntry", "NtryDtls", "TxDtls")
    return Message(
        version=f"{found[1]}.001.{found[2]}",
        body=body,
        statement=statement,
        names=names_of(document.namespace, envelope),
        fields=names_of(document.namespace),
        proves=found[1] == "camt.053",
    )


def _refuse_pages(header: etree._Element, message: Message) -> None:
    """Refuse a message that says another page follows: its statements are not whole."""
    last = below(header, "MsgPgntn/LastPgInd", message.fields)
    if message.proves and not truth(last, "LastPgInd", absent=True):
        raise BadInput("INCOMPLETE_STATEMENT", field="LastPgInd")
