"""Whether what a person wants to match is still open on both sides, and how much of each."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from ledger.errors import Outcome, Result
from ledger.terms.match_proposal import PartAsked, ProposedPart
from ledger.terms.match_suggestion import ExpectedPayment, OpenReceipt


def fitting(
    asked: Sequence[PartAsked], lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment],
    contracts: Mapping[str, UUID],
) -> tuple[tuple[ProposedPart, ...], Outcome | None]:  # fmt: skip
    """The parts with their amounts, or why not. A target is an announced payment's number, else a contract's.

    Where no amount is said: what is open of the line and of the payment. Each part counts for the next one. Refused:
    UNKNOWN_LINE, UNKNOWN_PAYMENT, LINE_SPENT, PAYMENT_RECEIVED, with the line or the target in ``detail``.
    """
    left = {line.line_id: line.open_fen for line in lines}
    known = {payment.payment_no: payment for payment in payments}
    owed = {payment.payment_no: payment.open_fen + payment.fee_fen for payment in payments}
    parts = []
    for one in asked:
        payment, open_fen = known.get(one.target), left.get(one.line_id)
        contract_id = contracts.get(one.target) if payment is None else payment.contract_id
        if open_fen is None:
            return (), Outcome(Result.REFUSED, "UNKNOWN_LINE", "line", detail=f"{one.line_id}")
        if contract_id is None:
            return (), Outcome(Result.REFUSED, "UNKNOWN_PAYMENT", "payment", detail=one.target)
        fee = one.fee_fen or (payment.fee_fen if payment is not None and one.amount_fen is None else 0)
        room = open_fen if payment is None else owed[one.target] - fee
        amount = min(open_fen, room) if one.amount_fen is None else one.amount_fen
        if not 0 < amount <= open_fen:
            return (), Outcome(Result.REFUSED, "LINE_SPENT", "line", detail=f"{one.line_id}")
        if amount > room:
            return (), Outcome(Result.REFUSED, "PAYMENT_RECEIVED", "payment", detail=one.target)
        left[one.line_id] = open_fen - amount
        if payment is not None:
            owed[one.target] -= amount + fee
        parts.append(ProposedPart(one.line_id, contract_id, payment.payment_id if payment else None, amount, fee))
    return tuple(parts), None
