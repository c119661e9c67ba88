"""The leaves of a camt message: text, codes, amounts and days, each checked by itself.

Elements are found by walking children once, not by paths: a path may find the amount of a child.
Names are looked up by qualified tag, so an element of another namespace is not there at all.
"""

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from functools import lru_cache
from typing import Final

from lxml import etree

from ledger.errors import BadInput
from ledger.formats.strict_xml import XML_SPACE
from ledger.terms.calendar import shanghai_day
from ledger.terms.currency import minor_from_text

Names = Mapping[str, str]
Children = Mapping[str, etree._Element]

# Every element this reader looks at and that may stand only once in its parent.
_ONCE: Final = """
    Id Othr PrtryAcct IBAN Ccy Acct ElctrncSeqNb FrToDt FrDtTm ToDtTm StmtPgntn NtfctnPgntn RptPgntn MsgPgntn LastPgInd
    Tp CdOrPrtry Cd Prtry SubTp Amt CdtDbtInd Dt DtTm
    TxsSummry TtlNtries TtlCdtNtries TtlDbtNtries NbOfNtries Sum TtlNetNtry TtlNetNtryAmt
    Sts RvslInd BookgDt ValDt AcctSvcrRef BkTxCd Domn Fmly SubFmlyCd AddtlNtryInf
    Refs EndToEndId AmtDtls TxAmt RltdPties Dbtr Cdtr DbtrAcct CdtrAcct Pty Nm
    RltdAgts DbtrAgt CdtrAgt FinInstnId ClrSysMmbId MmbId RmtInf CdtrRefInf Ref AddtlTxInf
"""
_FIELDS: Final = (*_ONCE.split(), "Bal", "Ustrd", "Strd")

_DAY: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:Z|[+-]\d\d:\d\d)?", re.ASCII)
_INSTANT: Final = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d{1,9})?(Z|[+-]\d\d:\d\d)?", re.ASCII)
_CURRENCY: Final = re.compile("[A-Z]{3}")
_ACCOUNT: Final = re.compile("[0-9A-Za-z][0-9A-Za-z-]{0,33}")
_TRUTH: Final = {"true": True, "1": True, "false": False, "0": False}
_CREDIT: Final = {"CRDT": True, "DBIT": False}


def names_of(namespace: str, names: Iterable[str] = _FIELDS) -> Names:
    """Qualified tag -> local name; by default for every element inside an entry or a statement's head."""
    return {f"{{{namespace}}}{name}": name for name in names}


def children(parent: etree._Element | None, names: Names) -> dict[str, etree._Element]:
    """The known children by local name; {} without a parent. Raises BadInput BAD_FIELD when one comes twice.

    Not for parents of elements that may come often (Bal, Ustrd, Strd): walk those.
    """
    found: dict[str, etree._Element] = {}
    if parent is None:
        return found
    for child in parent:
        name = names.get(child.tag)
        if name is None:
            continue
        if name in found:
            raise BadInput("BAD_FIELD", field=name)
        found[name] = child
    return found


def below(parent: etree._Element | None, path: str, names: Names) -> etree._Element | None:
    """Follow single children, "Id/Othr/Id"; None where the path ends early."""
    for name in path.split("/"):
        parent = children(parent, names).get(name)
        if parent is None:
            return None
    return parent


def text(leaf: etree._Element | None, field: str, length_max: int = 35) -> str:
    """The text of a leaf without surrounding blanks, "" when it is absent.

    Raises BadInput BAD_FIELD when it has elements inside or is longer than ``length_max`` characters.
    """
    if leaf is None:
        return ""
    found = (leaf.text or "").strip(XML_SPACE)
    if len(leaf) or len(found) > length_max:
        raise BadInput("BAD_FIELD", field=field)
    return found


def is_credit(parts: Children) -> bool:
    """CdtDbtInd: CRDT is True, DBIT False. Raises BadInput BAD_FIELD on anything else, or when it is missing."""
    sign = text(parts.get("CdtDbtInd"), "CdtDbtInd")
    if sign not in _CREDIT:
        raise BadInput("BAD_FIELD", field="CdtDbtInd", value=sign)
    return _CREDIT[sign]


def truth(leaf: etree._Element | None, field: str, *, absent: bool = False) -> bool:
    """An indicator. Raises BadInput BAD_FIELD on anything but true, false, 1, 0."""
    found = text(leaf, field)
    if leaf is None:
        return absent
    if found not in _TRUTH:
        raise BadInput("BAD_FIELD", field=field, value=found)
    return _TRUTH[found]


def amount(leaf: etree._Element | None, field: str = "Amt") -> tuple[int, str]:
    """(smallest units, currency) of an Amt with its Ccy. Never negative: the sign is CdtDbtInd alone.

    Raises BadInput BAD_AMOUNT (also when absent), MISSING_CURRENCY, BAD_FIELD for a code that is not three capitals.
    """
    if leaf is None or len(leaf):
        raise BadInput("BAD_AMOUNT", field=field, value="")
    currency = leaf.get("Ccy")
    if not currency:
        raise BadInput("MISSING_CURRENCY", field=field)
    if not _CURRENCY.fullmatch(currency):
        raise BadInput("BAD_FIELD", field="Ccy", value=currency)
    return minor_from_text((leaf.text or "").strip(XML_SPACE), currency, field=field), currency


def account(holder: etree._Element | None, names: Names) -> str:
    """The number of an account element: Id/IBAN or Id/Othr/Id; "" when it has none. Raises BadInput BAD_FIELD."""
    parts = children(children(holder, names).get("Id"), names)
    iban = text(parts.get("IBAN"), "IBAN", 34)
    other = parts.get("Othr", parts.get("PrtryAcct"))  # PrtryAcct: version 01, for information
    return iban or text(children(other, names).get("Id"), "Id", 34)


def own_account(holder: etree._Element | None, names: Names) -> str:
    """The statement's own account number, as text. Raises BadInput BAD_ACCOUNT when absent or not letters and digits.

    That refuses a number that went through a spreadsheet ("6.23E+18").
    """
    found = account(holder, names)
    if not _ACCOUNT.fullmatch(found):
        raise BadInput("BAD_ACCOUNT", field="Acct")
    return found


def day(choice: etree._Element | None, field: str, names: Names) -> date | None:
    """The day of a date choice (Dt or DtTm) in China; None when absent. Raises BadInput BAD_DATE."""
    if choice is None:
        return None
    parts = children(choice, names)
    if len(parts) != 1 or not parts.keys() <= {"Dt", "DtTm"}:
        raise BadInput("BAD_DATE", field=field, value="")
    ((kind, leaf),) = parts.items()
    return day_of(leaf, field, instant=kind == "DtTm")


def day_of(leaf: etree._Element | None, field: str, *, instant: bool) -> date | None:
    """The day in China of a date or (``instant``) date-time leaf; None when absent. Raises BadInput BAD_DATE."""
    if leaf is None:
        return None
    written = text(leaf, field)
    found = _day_of_instant(written) if instant else _day_as_written(written)
    if found is None:
        raise BadInput("BAD_DATE", field=field, value=written)
    return found


@lru_cache(maxsize=1024)
def _day_as_written(written: str) -> date | None:
    found = _DAY.fullmatch(written)
    try:
        return date.fromisoformat(found[1]) if found else None
    except ValueError:
        return None


@lru_cache(maxsize=1024)
def _day_of_instant(written: str) -> date | None:
    found = _INSTANT.fullmatch(written)
    try:
        moment = datetime.fromisoformat(f"{found[1]}T{found[2]}{found[3] or ''}") if found else None
        if moment is None or moment.tzinfo is None:
            return moment.date() if moment else None
        return shanghai_day(moment)
    except (ValueError, OverflowError):
        return None
