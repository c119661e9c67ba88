"""How the states a bank reports move a payment: forward only, whatever order the reports arrive in.

Source: the message definition of pain.002 and its code set. A settled state (ACSC, ACCC) is status and no money:
only a booked statement line posts. A rejection is final unless the payment was settled before: that is a break.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final
from uuid import UUID

from ledger.rules import posting_payment
from ledger.terms.journal import AccountClass, Event
from ledger.terms.payout_status import (
    KnownPayment,
    PartStatus,
    PaymentState,
    PaymentStatus,
    SentPayment,
    StatusReason,
    StatusReport,
    StatusStep,
    StatusSteps,
    StepKind,
)

# Pending is below all others: it is news only to a payment nothing was heard of.
_RANK: Final = {
    PaymentState.PENDING: 0,
    PaymentState.RECEIVED: 1,
    PaymentState.PARTIAL_TECHNICAL: 2,
    PaymentState.TECHNICAL: 3,
    PaymentState.PROFILE: 4,
    PaymentState.FUNDS: 5,
    PaymentState.CHANGED: 5,
    PaymentState.IN_PROCESS: 6,
    PaymentState.WITHOUT_POSTING: 7,
    PaymentState.SETTLED: 8,
    PaymentState.CREDITED: 9,
}
REFUSED: Final = frozenset({PaymentState.REJECTED, PaymentState.CANCELLED})
_PAID: Final = frozenset({PaymentState.SETTLED, PaymentState.CREDITED})
# Reasons that lie in the payee's account or bank: sent again unchanged, the payment would be refused again.
_ACCOUNT: Final = frozenset(
    {"AC01", "AC03", "AC04", "AC06", "AC07", "AC13", "AC14", "AG01", "BE01", "BE06", "MD07", "RC01", "RC03", "RC04"}
)
_Said = tuple[PaymentState | None, tuple[StatusReason, ...]]


def known_state(payment: SentPayment) -> PaymentState | None:
    """How far a payment is known to be: what the bank reported, and what its statement or a rejection booked.

    A booked line says settled, whatever was reported before it.
    """
    if payment.books == "rejected":
        return PaymentState.REJECTED
    booked = payment.books in ("booked", "returned")
    return PaymentState.SETTLED if booked and payment.said not in _PAID else payment.said


def rejection(payment: SentPayment, posted: Sequence[tuple[UUID, Event]] = ()) -> Event:
    """What a rejection before booking moves: in transit -> where the payment came from, never back to a claim; but a
    contract that was to go on in another account stays whole where it is: ``posted``, the entry that took its money
    out, is reversed.
    """
    if payment.source is AccountClass.CLAIM:
        ((entry_id, event),) = posted
        return posting_payment.reversal(event, entry_id)
    if payment.source is AccountClass.RESERVE:
        return posting_payment.reserve_rejected(payment.fund_no, payment.instruction_id, payment.amount_fen)
    return posting_payment.rejected(
        payment.source, payment.fund_no, payment.instruction_id, payment.amount_fen,
        contract_id=payment.contract_id if payment.source is AccountClass.REFUND_DUE else None,
        line_id=payment.line_id,
    )  # fmt: skip


def waits_for_account(reasons: Iterable[StatusReason]) -> bool:
    """Whether a rejected refund needs another account before it is sent again."""
    return any(reason.code in _ACCOUNT for reason in reasons)


def step_kind(known: PaymentState | None, arrived: PaymentState) -> StepKind:
    """What a state does to the known one. PART says nothing about a single payment and is never asked here."""
    if known == arrived:
        return StepKind.SAME
    if known in REFUSED or arrived in REFUSED:
        if known in REFUSED and arrived in REFUSED:
            return StepKind.SAME
        if known in _PAID or arrived in _PAID:
            return StepKind.CONTRADICTS
        return StepKind.LATE if known in REFUSED else StepKind.FORWARD
    if known is None or _RANK[arrived] > _RANK[known]:
        return StepKind.FORWARD
    return StepKind.LATE


def steps(report: StatusReport, known: Sequence[KnownPayment]) -> StatusSteps:
    """What a report does to the payments of its batch, in their order.

    A payment's own state counts before its part's, a part's before the group's; PART decides nothing. What the report
    does not speak of keeps its state. An id listed twice: in the order listed.
    """
    ids, part_ids = {payment.end_to_end_id for payment in known}, {payment.part_id for payment in known}
    unknown = [id_ for id_ in _ids(report.parts) if id_ not in ids]
    unknown += [part.part_id for part in report.parts if part.part_id and part.part_id not in part_ids]
    group: _Said = (report.state, report.reasons)
    parts = {part.part_id: part for part in report.parts}
    own: dict[str, list[PaymentStatus]] = {}
    for part in report.parts:
        for payment in part.payments:
            own.setdefault(payment.end_to_end_id, []).append(payment)
    found: list[StatusStep] = []
    for one in known:
        above = _above(parts.get(one.part_id), group)
        said = [(payment.state, payment.reasons) for payment in own.get(one.end_to_end_id, [])]
        found += _steps(one, [state if state[0] is not None else above for state in said] or [above])
    return StatusSteps(tuple(found), tuple(dict.fromkeys(unknown)))


def _ids(parts: Iterable[PartStatus]) -> Iterator[str]:
    return (payment.end_to_end_id for part in parts for payment in part.payments)


def _above(part: PartStatus | None, group: _Said) -> _Said:
    """What is said of a payment that no state of its own is given for."""
    if part is not None and part.state is not None:
        return part.state, part.reasons
    return group


def _steps(payment: KnownPayment, said: Iterable[_Said]) -> Iterator[StatusStep]:
    known = payment.state
    for state, reasons in said:
        if state is None or state is PaymentState.PARTIAL:
            continue
        kind = step_kind(known, state)
        yield StatusStep(payment.end_to_end_id, known, state, kind, reasons)
        known = state if kind is StepKind.FORWARD else known
