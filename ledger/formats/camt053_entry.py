"""One entry (Ntry) of a camt message and its parts (TxDtls) as a ``StatementLine``.

Money is at the entry; the parts are allocations of it. The sign is CdtDbtInd alone: a reversal
(RvslInd) does not turn it again. Versions differ in where things stand: until .07 Sts is text and a party has its
name directly; from .08 on Sts/Cd and Pty/Nm. Both are read wherever they come.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from lxml import etree

from ledger.errors import BadInput
from ledger.formats.camt053_field import Names, account, amount, below, children, day, is_credit, text, truth
from ledger.terms.statement import LineDetail, StatementLine

# FUTR: a payment the bank has been given and not made. Only BOOK is money.
_STATUS: Final = {"BOOK": "BOOK", "PDNG": "PDNG", "INFO": "INFO", "FUTR": "PDNG"}
_NO_REFERENCE: Final = frozenset({"NOTPROVIDED", "NONREF", "NOREF", "/"})


class Party(NamedTuple):
    account: str
    name: str
    bank: str


class Part(NamedTuple):
    """One TxDtls. ``amount`` is (smallest units, currency) or None; ``credit`` None means: as the entry."""

    amount: tuple[int, str] | None
    credit: bool | None
    end_to_end_id: str
    debtor: Party
    creditor: Party
    memo: str


_NOBODY: Final = Party("", "", "")


def read_part(element: etree._Element, names: Names) -> Part:
    """Read a TxDtls. Raises BadInput with a class (BAD_AMOUNT, BAD_FIELD, MISSING_CURRENCY)."""
    found = children(element, names)
    # .02 has no amount of its own; AmtDtls/TxAmt is then the part's amount. The other AmtDtls are in foreign money.
    money = found.get("Amt")
    if money is None:
        money = below(found.get("AmtDtls"), "TxAmt/Amt", names)
    parties = children(found.get("RltdPties"), names)
    agents = children(found.get("RltdAgts"), names)
    return Part(
        amount=None if money is None else amount(money),
        credit=is_credit(found) if "CdtDbtInd" in found else None,
        end_to_end_id=_reference(below(found.get("Refs"), "EndToEndId", names), "EndToEndId"),
        debtor=_party(parties.get("Dbtr"), parties.get("DbtrAcct"), agents.get("DbtrAgt"), names),
        creditor=_party(parties.get("Cdtr"), parties.get("CdtrAcct"), agents.get("CdtrAgt"), names),
        memo=_memo(found.get("RmtInf"), names) or text(found.get("AddtlTxInf"), "AddtlTxInf", 500),
    )


def read_entry(
    element: etree._Element, ord_: int, parts: Sequence[Part], names: Names
) -> tuple[StatementLine, str, bool]:
    """(line, currency, whether its parts fit its amount). Raises BadInput with a class.

    Parts do not fit when all name an amount and the sum is not the entry's, or when those that do exceed it.
    """
    found = children(element, names)
    minor, currency = amount(found.get("Amt"))
    credit = is_credit(found)
    reversal = truth(found.get("RvslInd"), "RvslInd")
    # The other side of a credit is who paid; in a reversal the parties keep the roles of the first payment.
    details = tuple(_detail(part, credit, reversal, currency) for part in parts)
    bank = ""
    if len(parts) == 1:
        bank = _other_side(parts[0], credit, reversal).bank
    only = details[0] if len(details) == 1 else LineDetail(None, credit, "", "", "", "")
    line = StatementLine(
        ord=ord_,
        amount_fen=minor,
        credit=credit,
        status=_status(found.get("Sts"), names),
        booked_on=day(found.get("BookgDt"), "BookgDt", names),
        value_on=day(found.get("ValDt"), "ValDt", names),
        bank_ref=_reference(found.get("AcctSvcrRef"), "AcctSvcrRef"),
        end_to_end_id=only.end_to_end_id,
        counterparty_account=only.counterparty_account,
        counterparty_name=only.counterparty_name,
        counterparty_bank=bank,
        memo=only.memo or text(found.get("AddtlNtryInf"), "AddtlNtryInf", 500),
        bank_code=_bank_code(found.get("BkTxCd"), names),
        reversal=reversal,
        detail_count=len(parts),
        details=details if len(details) > 1 else (),
    )
    return line, currency, _parts_fit(minor, credit, details)


def _parts_fit(minor: int, credit: bool, details: Sequence[LineDetail]) -> bool:
    known = [
        one.amount_fen if one.credit == credit else -one.amount_fen for one in details if one.amount_fen is not None
    ]
    if not known:
        return True
    return sum(known) == minor if len(known) == len(details) else sum(known) <= minor


def _detail(part: Part, credit: bool, reversal: bool, currency: str) -> LineDetail:
    other = _other_side(part, credit, reversal)
    return LineDetail(
        amount_fen=part.amount[0] if part.amount and part.amount[1] == currency else None,
        credit=credit if part.credit is None else part.credit,
        end_to_end_id=part.end_to_end_id,
        counterparty_account=other.account,
        counterparty_name=other.name,
        memo=part.memo,
    )


def _other_side(part: Part, credit: bool, reversal: bool) -> Party:
    return part.debtor if credit != reversal else part.creditor


def _status(element: etree._Element | None, names: Names) -> str:
    code = children(element, names).get("Cd")
    written = text(element if code is None else code, "Sts")
    if written not in _STATUS:
        raise BadInput("BAD_FIELD", field="Sts", value=written)
    return _STATUS[written]


def _reference(leaf: etree._Element | None, field: str) -> str:
    found = text(leaf, field)
    return "" if found.upper() in _NO_REFERENCE else found


def _party(
    person: etree._Element | None, holder: etree._Element | None, agent: etree._Element | None, names: Names
) -> Party:
    if person is None and holder is None and agent is None:
        return _NOBODY
    wrapped = children(person, names)
    name = wrapped.get("Nm")
    if name is None:
        name = children(wrapped.get("Pty"), names).get("Nm")
    bank = below(agent, "FinInstnId/ClrSysMmbId/MmbId", names)
    return Party(account(holder, names), text(name, "Nm", 140), text(bank, "MmbId"))


def _memo(remittance: etree._Element | None, names: Names) -> str:
    """The free texts, joined by a blank; else the creditor's references."""
    if remittance is None:
        return ""
    free, references = [], []
    for child in remittance:
        name = names.get(child.tag)
        if name == "Ustrd":
            free.append(text(child, "Ustrd", 140))
        elif name == "Strd":
            references.append(text(below(child, "CdtrRefInf/Ref", names), "Ref"))
    return " ".join(found for found in (free or references) if found)


def _bank_code(element: etree._Element | None, names: Names) -> str:
    """BkTxCd as one text: domain/family/sub-family ("PMNT/RCDT/DMCT"), else the bank's own code."""
    found = children(element, names)
    if "Domn" not in found:
        return text(below(found.get("Prtry"), "Cd", names), "BkTxCd")
    domain = children(found["Domn"], names)
    family = children(domain.get("Fmly"), names)
    codes = (domain.get("Cd"), family.get("Cd"), family.get("SubFmlyCd"))
    return "/".join(filter(None, (text(code, "BkTxCd", 4) for code in codes)))
