"""Payment files for banks: pain.001.001.09, or .03 where a bank asks for it, the same bytes every time.

The XML is written out by hand, so that no library version changes a byte. The schema lets wrong control sums,
repeated references and three decimals pass; ``check_totals`` does not, and runs before any file is handed out.
"""

import re
from datetime import datetime
from typing import Final
from xml.sax.saxutils import escape

from lxml import etree

from ledger.errors import BadInput
from ledger.formats.plain_text import is_plain
from ledger.money import fen_from_text, yuan
from ledger.terms.calendar import shanghai_time
from ledger.terms.payment_file import PaymentFile, PaymentInstruction, PaymentPart, PaymentTotals

NAMESPACE: Final = "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"
NAMESPACES: Final = {"09": NAMESPACE, "03": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.03"}
NAME_MAX: Final = 140
MEMO_MAX: Final = 140
_REFERENCE: Final = re.compile("[0-9A-Za-z][0-9A-Za-z-]{0,19}")
_MESSAGE_ID: Final = re.compile("[0-9A-Za-z][0-9A-Za-z-]{0,29}")
_ACCOUNT: Final = re.compile("[0-9A-Za-z][0-9A-Za-z-]{0,33}")
_CNAPS: Final = re.compile("[0-9]{12}")


def render(file: PaymentFile, version: str = "09") -> bytes:
    """The file as UTF-8 bytes, in version "09" or "03".

    Each part is a PmtInf that asks for one bank line per payment (BtchBookg false). The payment's reference is
    EndToEndId and stands first in the text the payee sees. Raises BadInput BAD_REFERENCE, BAD_NAME, BAD_ACCOUNT,
    BAD_MEMO, and whatever ``check_totals`` finds; ValueError for a naive ``created_at``.
    """
    if not _MESSAGE_ID.fullmatch(file.message_id):
        raise BadInput("BAD_REFERENCE", field="message_id", value=file.message_id)
    payments = [payment for part in file.parts for payment in part.instructions]
    header = _tag(
        "GrpHdr",
        _leaf("MsgId", file.message_id),
        _leaf("CreDtTm", _china_time(file.created_at)),
        *_counts(payments),
        _tag("InitgPty", _leaf("Nm", _name(file.initiator_name, "initiator_name"))),
    )
    parts = [_part(part, f"{file.message_id}-{ord_}", version) for ord_, part in enumerate(file.parts, 1)]
    body = "\n".join((header, *parts))
    content = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<Document xmlns="{NAMESPACES[version]}"><CstmrCdtTrfInitn>\n{body}\n</CstmrCdtTrfInitn></Document>\n'
    ).encode()
    check_totals(content)
    return content


def check_totals(content: bytes) -> PaymentTotals:
    """What the schema does not check: counts and sums of file and parts, references, amounts, currency, bank numbers.

    Raises BadInput MALFORMED_XML, BAD_FIELD, NO_PAYMENTS, BAD_AMOUNT (none, zero, more than two decimals, not yuan),
    BAD_NAME, BAD_BANK_NUMBER, BAD_REFERENCE, DUPLICATE_REFERENCE, PAYMENT_COUNT_MISMATCH, CONTROL_SUM_MISMATCH.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    try:
        root = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as fault:
        raise BadInput("MALFORMED_XML", where=f"line {fault.lineno}") from fault
    namespace = etree.QName(root).namespace or ""
    if namespace in NAMESPACES.values():  # what stands in another namespace stays unknown
        for element in root.iter("*"):
            element.tag = element.tag.removeprefix(f"{{{namespace}}}")
    order = root.find("CstmrCdtTrfInitn")
    if order is None:
        raise BadInput("BAD_FIELD", field="CstmrCdtTrfInitn")
    seen: set[str] = set()
    payments = sum_fen = 0
    parts = order.findall("PmtInf")
    for ord_, part in enumerate(parts, 1):
        found = _part_totals(part, f"PmtInf[{ord_}]", seen)
        payments += found.payments
        sum_fen += found.sum_fen
    totals = PaymentTotals(payments, sum_fen)
    if not payments:
        raise BadInput("NO_PAYMENTS")
    _compare(order, "GrpHdr/", "GrpHdr", totals)
    return totals


# -- writing


def _part(part: PaymentPart, part_id: str, version: str) -> str:
    day = part.execute_on.isoformat()
    head = (
        _leaf("PmtInfId", part_id),
        _leaf("PmtMtd", "TRF"),
        _leaf("BtchBookg", "false"),
        *_counts(part.instructions),
        _tag("PmtTpInf", _tag("SvcLvl", _leaf("Cd", "NURG"))),
        _leaf("ReqdExctnDt", day) if version == "03" else _tag("ReqdExctnDt", _leaf("Dt", day)),
        _tag("Dbtr", _leaf("Nm", _name(part.debtor_name, "debtor_name"))),
        _tag("DbtrAcct", _account(part.debtor_account, "debtor_account"), _leaf("Ccy", "CNY")),
        _tag("DbtrAgt", _bank(part.debtor_bank_cnaps)),
    )
    payments = "\n".join(_payment(payment) for payment in part.instructions)
    return f"<PmtInf>{''.join(head)}\n{payments}\n</PmtInf>"


def _payment(payment: PaymentInstruction) -> str:
    reference = payment.end_to_end_id
    if not _REFERENCE.fullmatch(reference):
        raise BadInput("BAD_REFERENCE", field="end_to_end_id", value=reference)
    memo = f"{reference} {payment.memo}".rstrip(" ")
    if len(memo) > MEMO_MAX or not is_plain(memo):
        raise BadInput("BAD_MEMO", where=reference, field="memo")
    return _tag(
        "CdtTrfTxInf",
        _tag("PmtId", _leaf("InstrId", reference), _leaf("EndToEndId", reference)),
        _tag("Amt", f'<InstdAmt Ccy="CNY">{yuan(payment.amount_fen)}</InstdAmt>'),
        _tag("CdtrAgt", _bank(payment.creditor_bank_cnaps)),
        _tag("Cdtr", _leaf("Nm", _name(payment.creditor_name, "creditor_name", reference))),
        _tag("CdtrAcct", _account(payment.creditor_account, "creditor_account", reference)),
        _tag("RmtInf", _leaf("Ustrd", memo)),
    )


def _counts(payments: tuple[PaymentInstruction, ...] | list[PaymentInstruction]) -> tuple[str, str]:
    total = sum(payment.amount_fen for payment in payments)
    return _leaf("NbOfTxs", str(len(payments))), _leaf("CtrlSum", yuan(total))


def _bank(cnaps: str) -> str:
    member = _tag("ClrSysMmbId", _tag("ClrSysId", _leaf("Cd", "CNAPS")), _leaf("MmbId", cnaps))
    return _tag("FinInstnId", member)


def _account(number: str, field: str, where: str = "") -> str:
    if not _ACCOUNT.fullmatch(number):
        raise BadInput("BAD_ACCOUNT", where=where, field=field)
    return _tag("Id", _tag("Othr", _leaf("Id", number)))


def _name(name: str, field: str, where: str = "") -> str:
    if not name.strip() or len(name) > NAME_MAX or not is_plain(name):
        raise BadInput("BAD_NAME", where=where, field=field)
    return name


def _china_time(instant: datetime) -> str:
    """The instant as bank time, "2026-03-05T09:30:00+08:00"."""
    return shanghai_time(instant).isoformat(timespec="seconds")


def _tag(name: str, *content: str) -> str:
    return f"<{name}>{''.join(content)}</{name}>"


def _leaf(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


# -- checking


def _part_totals(part: etree._Element, where: str, seen: set[str]) -> PaymentTotals:
    _check_party(part, "Dbtr", where)
    payments = part.findall("CdtTrfTxInf")
    if not payments:
        raise BadInput("NO_PAYMENTS", where=where)
    sum_fen = 0
    for ord_, payment in enumerate(payments, 1):
        place = f"{where}/CdtTrfTxInf[{ord_}]"
        _check_party(payment, "Cdtr", place)
        reference = _text(payment, "PmtId/EndToEndId")
        if not _REFERENCE.fullmatch(reference):
            raise BadInput("BAD_REFERENCE", where=place, field="EndToEndId", value=reference)
        if reference in seen:
            raise BadInput("DUPLICATE_REFERENCE", where=place, field="EndToEndId", value=reference)
        seen.add(reference)
        sum_fen += _payment_fen(payment, place)
    totals = PaymentTotals(len(payments), sum_fen)
    _compare(part, "", where, totals)
    return totals


def _payment_fen(payment: etree._Element, where: str) -> int:
    amount = payment.find("Amt/InstdAmt")
    written = None if amount is None else amount.text
    fen = fen_from_text(written, where=where, field="InstdAmt")
    if amount is None or fen <= 0 or amount.get("Ccy") != "CNY":
        raise BadInput("BAD_AMOUNT", where=where, field="InstdAmt", value=written)
    return fen


def _check_party(element: etree._Element, role: str, where: str) -> None:
    if not _text(element, f"{role}/Nm").strip():
        raise BadInput("BAD_NAME", where=where, field=f"{role}/Nm")
    bank = _text(element, f"{role}Agt/FinInstnId/ClrSysMmbId/MmbId")
    if not _CNAPS.fullmatch(bank):
        raise BadInput("BAD_BANK_NUMBER", where=where, field=f"{role}Agt", value=bank)


def _compare(element: etree._Element, prefix: str, where: str, totals: PaymentTotals) -> None:
    stated = _text(element, f"{prefix}NbOfTxs")
    if stated != str(totals.payments):
        raise BadInput("PAYMENT_COUNT_MISMATCH", where=where, field="NbOfTxs", value=stated)
    stated = _text(element, f"{prefix}CtrlSum")
    if fen_from_text(stated, where=where, field="CtrlSum") != totals.sum_fen:
        raise BadInput("CONTROL_SUM_MISMATCH", where=where, field="CtrlSum", value=stated)


def _text(element: etree._Element, path: str) -> str:
    return element.findtext(path) or ""
