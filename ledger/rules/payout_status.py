"""How the states a bank reports move a payment: forward only, whatever order the reports arrive in.

Source: the message definition of pain.002 and its code set. A settled state (ACSC, ACCC) is status and no money:
only a booked statement line posts. A rejection is final unless the payment was settled before: that is a break.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ledger.terms.payout_status import (
    KnownPayment,
    PartStatus,
    PaymentState,
    PaymentStatus,
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
_REFUSED: Final = frozenset({PaymentState.REJECTED, PaymentState.CANCELLED})
_PAID: Final = frozenset({PaymentState.SETTLED, PaymentState.CREDITED})
_Said = tuple[PaymentState | None, tuple[StatusReason, ...]]


def step_kind(known: PaymentState | None, arrived: PaymentState) -> StepKind:
    """What a state does to the known one. PART says nothing about a single payment and is never asked here."""
    if known == arrived:
        return StepKind.SAME
    if known in _REFUSED or arrived in _REFUSED:
        if known in _REFUSED and arrived in _REFUSED:
            return StepKind.SAME
        if known in _PAID or arrived in _PAID:
            return StepKind.CONTRADICTS
        return StepKind.LATE if known in _REFUSED else StepKind.FORWARD
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
