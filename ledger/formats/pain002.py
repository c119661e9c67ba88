"""pain.002 status reports of banks, versions .03 and .10: read strictly as a stream, states as terms.

Names only what the order named: our message id, parts and end-to-end ids. What is refused has a class.
"""

import hashlib
import re
import tomllib
from collections.abc import Mapping
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Final

from lxml import etree

from ledger.errors import BadInput, Message
from ledger.formats.camt053_field import Names, below, children, names_of, text
from ledger.formats.strict_xml import XmlDocument
from ledger.terms.payout_status import PartStatus, PaymentState, PaymentStatus, StatusReason, StatusReport

PAYMENTS_MAX: Final = 100_000
REASONS_MAX: Final = 20
_ISO: Final = "urn:iso:std:iso:20022:tech:xsd:"
_VERSION: Final = re.compile(_ISO + r"(pain\.002\.001\.(?:03|10))", re.ASCII)
_ORDERS: Final = "pain.001"
_ENVELOPE: Final = ("GrpHdr", "OrgnlGrpInfAndSts", "OrgnlPmtInfAndSts", "TxInfAndSts")
_FIELDS: Final = (
    "MsgId", "OrgnlMsgId", "OrgnlMsgNmId", "GrpSts", "OrgnlPmtInfId", "PmtInfSts", "OrgnlEndToEndId", "OrgnlInstrId",
    "TxSts", "StsRsnInf", "Rsn", "Cd", "Prtry", "AddtlInf",
)  # fmt: skip
_REASONS: Final = Path(__file__).resolve().parent / "status_reasons.toml"


def read(content: bytes) -> StatusReport:
    """The report. Raises BadInput EMPTY_FILE, BAD_ENCODING, DTD_FORBIDDEN, MALFORMED_XML, LIMIT_EXCEEDED,
    UNSUPPORTED_MESSAGE, BAD_FIELD (missing, repeated, out of place, an unknown state, an answer to no pain.001)."""
    document = XmlDocument(BytesIO(content))
    found = _VERSION.fullmatch(document.namespace)
    if document.name != "Document" or found is None:
        raise BadInput("UNSUPPORTED_MESSAGE", value=document.namespace.removeprefix(_ISO) or document.name)
    reading = _Reading(names_of(document.namespace, (*_FIELDS, *_ENVELOPE)))
    for event, element in document.elements(*_ENVELOPE):
        reading.take(event, element)
    return reading.close(found[1], hashlib.sha256(content).hexdigest())


def reason_text(code: str, language: str) -> str:
    """What an ISO reason code means, in "en" or "zh"; "" for a code that is not in the table."""
    found = _reasons().get(code)
    return "" if found is None else (found.zh if language == "zh" else found.en)


@cache
def _reasons() -> Mapping[str, Message]:
    found = tomllib.loads(_REASONS.read_text(encoding="utf-8"))
    return {code: Message(**sentences) for code, sentences in found.items()}


class _Reading:
    """Collects the report at the end tags of its four elements."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._single = {tag: name for tag, name in names.items() if name not in ("StsRsnInf", "TxInfAndSts")}
        self._once = {tag: name for tag, name in names.items() if name != "AddtlInf"}
        self._header: tuple[str, ...] | None = None
        self._group: tuple[str, PaymentState | None, tuple[StatusReason, ...]] | None = None
        self._parts: list[PartStatus] = []
        self._payments: list[PaymentStatus] = []
        self._count = 0

    def take(self, event: str, element: etree._Element) -> None:
        """An element of the envelope. Raises BadInput."""
        name = self._names[element.tag]
        parent = element.getparent()
        if event == "start":
            above = "" if parent is None else etree.QName(parent).localname
            if above != ("OrgnlPmtInfAndSts" if name == "TxInfAndSts" else "CstmrPmtStsRpt"):
                raise BadInput("BAD_FIELD", field=name)
            return
        if name == "TxInfAndSts":
            self._take_payment(element)
        elif name == "OrgnlPmtInfAndSts":
            self._take_part(element)
        elif name == "GrpHdr":
            self._refuse_second(self._header, name)
            self._header = (self._needed(element, "MsgId", "GrpHdr"),)
        else:
            self._refuse_second(self._group, name)
            self._take_group(element)
        element.clear()
        # A payment takes the one before it out of memory; what its part says of itself stays until the part ends.
        previous = element.getprevious()
        if parent is not None and previous is not None and previous.tag == element.tag:
            parent.remove(previous)

    def _take_group(self, element: etree._Element) -> None:
        order = self._needed(element, "OrgnlMsgNmId", "OrgnlGrpInfAndSts")
        if not order.startswith(_ORDERS):
            raise BadInput("BAD_FIELD", where="OrgnlGrpInfAndSts", field="OrgnlMsgNmId", value=order)
        message_id = self._needed(element, "OrgnlMsgId", "OrgnlGrpInfAndSts")
        self._group = message_id, self._state(element, "GrpSts", "OrgnlGrpInfAndSts"), self._said(element)

    def _take_part(self, element: etree._Element) -> None:
        where = f"OrgnlPmtInfAndSts[{len(self._parts) + 1}]"
        part_id = text(self._children(element).get("OrgnlPmtInfId"), "OrgnlPmtInfId")
        state = self._state(element, "PmtInfSts", where)
        self._parts.append(PartStatus(part_id, state, self._said(element), tuple(self._payments)))
        self._payments = []

    def _take_payment(self, element: etree._Element) -> None:
        self._count += 1
        if self._count > PAYMENTS_MAX:
            raise BadInput("LIMIT_EXCEEDED", field="TxInfAndSts", value=PAYMENTS_MAX)
        where = f"OrgnlPmtInfAndSts[{len(self._parts) + 1}]/TxInfAndSts[{len(self._payments) + 1}]"
        found = self._children(element)
        end_to_end_id = text(found.get("OrgnlEndToEndId"), "OrgnlEndToEndId") or text(
            found.get("OrgnlInstrId"),
            "OrgnlInstrId",  # our orders give both the same
        )
        if not end_to_end_id:
            raise BadInput("BAD_FIELD", where=where, field="OrgnlEndToEndId")
        self._payments.append(PaymentStatus(end_to_end_id, self._state(element, "TxSts", where), self._said(element)))

    # -- leaves

    def _children(self, element: etree._Element) -> dict[str, etree._Element]:
        """Children that may stand only once; reasons and payments may come often."""
        return children(element, self._single)

    def _needed(self, element: etree._Element, name: str, where: str) -> str:
        found = text(self._children(element).get(name), name)
        if not found:
            raise BadInput("BAD_FIELD", where=where, field=name)
        return found

    def _state(self, element: etree._Element, name: str, where: str) -> PaymentState | None:
        written = text(self._children(element).get(name), name)
        if not written:
            return None
        if written not in set(PaymentState) or (written == PaymentState.PARTIAL and name == "TxSts"):
            raise BadInput("BAD_FIELD", where=where, field=name, value=written)
        return PaymentState(written)

    def _said(self, element: etree._Element) -> tuple[StatusReason, ...]:
        """The reasons, each with its code and the bank's words."""
        found: list[StatusReason] = []
        for child in element:
            if self._names.get(child.tag) != "StsRsnInf":
                continue
            if len(found) >= REASONS_MAX:
                raise BadInput("LIMIT_EXCEEDED", field="StsRsnInf", value=REASONS_MAX)
            code, own = below(child, "Rsn/Cd", self._once), below(child, "Rsn/Prtry", self._once)
            more = [text(one, "AddtlInf", 105) for one in child if self._names.get(one.tag) == "AddtlInf"]
            found.append(StatusReason(text(code, "Cd", 4) or text(own, "Prtry"), " ".join(filter(None, more))))
        return tuple(found)

    @staticmethod
    def _refuse_second(found: object, name: str) -> None:
        if found is not None:
            raise BadInput("BAD_FIELD", field=name)

    def close(self, version: str, sha256: str) -> StatusReport:
        """The report as a whole. Raises BadInput BAD_FIELD when header or group is missing."""
        if self._header is None or self._group is None:
            raise BadInput("BAD_FIELD", field="GrpHdr" if self._header is None else "OrgnlGrpInfAndSts")
        (message_id,), (original, state, reasons) = self._header, self._group
        return StatusReport(version, message_id, original, state, reasons, tuple(self._parts), sha256)
