"""Which day's notice of a refund is due, and what it says: where it is, until when, whom to call. No name is in it."""

from datetime import date

from ledger.errors import message
from ledger.money import yuan_grouped
from ledger.rules import refund_number
from ledger.terms.notice import DAYS, OpenRefund
from ledger.terms.refund_request import RefundState

# state -> the sentence; what is late has a sentence of its own.
_KINDS = {
    RefundState.ASKED: "NOTICE_ASKED",
    RefundState.OBJECTED: "NOTICE_OBJECTED",
    RefundState.RETURNED: "NOTICE_RETURNED",
}


def day_due(refund: OpenRefund, today: date) -> int | None:
    """The newest notice day that has come and was not told; one that was missed meanwhile is not made up for."""
    come = [day for day in DAYS if (today - refund.asked_on).days >= day]
    return come[-1] if come and come[-1] not in refund.told else None


def kind(refund: OpenRefund, today: date) -> str:
    """The code of what is said."""
    if refund.state in (RefundState.OBJECTED, RefundState.RETURNED):
        return _KINDS[refund.state]
    if today > refund.pay_by:
        return "NOTICE_LATE"
    return _KINDS.get(refund.state, "NOTICE_PAYING")


def words(refund: OpenRefund, code: str, language: str = "zh") -> str:
    """The message of a code about a refund. Short: it goes to a phone."""
    return message(code, language).format(
        number=refund_number.number(refund.refund_id), amount=f"¥{yuan_grouped(refund.amount_fen)}",
        answer_by=refund.answer_by.isoformat(), pay_by=refund.pay_by.isoformat(), phone=refund.phone,
    )  # fmt: skip
