"""Who pays which part of a refund, and the entries that say so when it is approved (4-accounting, "Events").

The family's own money in custody first; what was released already comes back from what the institution has earned, and
what that does not cover the institution must bring in, or its reserve pays by order. The sum is exact. Amounts in fen.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from ledger.rules import posting_payment
from ledger.rules.posting import CLAIM, DUE, REFUND_DUE
from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.journal import Event, HoldMove
from ledger.terms.refund import Part
from ledger.terms.refund_request import FundingPart, Payer, RefundParts


def funding(
    contract: ContractBalance, parts: RefundParts, payable_fen: int, held_fen: int = 0, reserve_fen: int = 0
) -> tuple[FundingPart, ...]:
    """Who pays each part: sums to ``parts.total_fen``.

    ``held_fen`` of the claim is kept for this refund; ``payable_fen`` is what the institution has earned and not drawn,
    ``reserve_fen`` what an order of the competent office lets its reserve pay. A claim the institution has not brought
    in (``due``) is no money in custody.
    """
    back_fen = parts.overcharge_fen + parts.principal_fen
    unreleased_fen = max(0, back_fen - contract.free_fen - held_fen)
    brought_in_fen = max(0, contract.claim_fen - contract.due_fen)
    in_custody_fen = min(back_fen - unreleased_fen, brought_in_fen)
    earned_fen = min(unreleased_fen, payable_fen)
    missing_fen = back_fen - in_custody_fen - earned_fen
    ordered_fen = min(missing_fen, reserve_fen)
    back = [
        (Payer.CUSTODY, in_custody_fen),
        (Payer.PAYABLE, earned_fen),
        (Payer.RESERVE, ordered_fen),
        (Payer.INSTITUTION, missing_fen - ordered_fen),
    ]
    extra_earned_fen = min(parts.extra_fen, payable_fen - earned_fen)
    extra_ordered_fen = min(parts.extra_fen - extra_earned_fen, reserve_fen - ordered_fen)
    extra = [
        (Payer.PAYABLE, extra_earned_fen),
        (Payer.RESERVE, extra_ordered_fen),
        (Payer.INSTITUTION, parts.extra_fen - extra_earned_fen - extra_ordered_fen),
    ]
    return tuple(
        FundingPart(part, payer, amount_fen)
        for part, payer, amount_fen in (
            *_overcharge_first(back, parts.overcharge_fen),
            *((Part.EXTRA, payer, amount_fen) for payer, amount_fen in extra),
        )
        if amount_fen
    )


def _overcharge_first(sources: Sequence[tuple[Payer, int]], overcharge_fen: int) -> Iterator[tuple[Part, Payer, int]]:
    """Price law: what was charged above the cap comes back first, so the surest money pays it."""
    for payer, amount_fen in sources:
        first_fen = min(overcharge_fen, amount_fen)
        overcharge_fen -= first_fen
        yield Part.OVERCHARGE, payer, first_fen
        yield Part.PRINCIPAL, payer, amount_fen - first_fen


def approved(
    contract: ContractBalance,
    parts: RefundParts,
    payments: Sequence[Payment],
    payable_fen: int,
    hold: tuple[UUID, int] | None,
    kept_fen: int = 0,
) -> tuple[Event, ...]:
    """The entries of an approved refund: principal (with the hold), overcharge, compensation; none that moves nothing.

    ``payments`` newest first. ``kept_fen`` of the hold stays for hours in dispute, as far as this refund leaves it.
    """
    captured = None
    if hold is not None:
        wanted_fen = min(hold[1], parts.overcharge_fen + parts.principal_fen)
        captured = (hold[0], max(hold[1] - kept_fen, wanted_fen))
    principal = posting_payment.refund_approved(
        contract, parts.principal_fen, payments, payable_fen, captured if captured and captured[1] else None
    )
    payable_fen -= posting_payment.taken_from_payable(principal)
    contract = after(contract, principal)
    lacking_fen = max(0, parts.overcharge_fen - contract.free_fen)
    left = [_left_of(payment, principal) for payment in payments]
    overcharge = posting_payment.overcharge_returned(contract, lacking_fen, parts.overcharge_fen, left, payable_fen)
    payable_fen -= posting_payment.taken_from_payable(overcharge)
    compensation = posting_payment.compensation_due(after(contract, overcharge), parts.extra_fen, payable_fen)
    return tuple(event for event in (principal, overcharge, compensation) if event.moves_something)


def after(contract: ContractBalance, event: Event) -> ContractBalance:
    """The contract as it stands after an entry of an approved refund."""
    unreleased = sum(t.amount_fen for t in event.transfers if t.credit is CLAIM)
    refunded = sum(t.amount_fen for t in event.transfers if t.debit is CLAIM)
    return replace(
        contract,
        released_fen=contract.released_fen - unreleased,
        refunded_fen=contract.refunded_fen + refunded,
        held_fen=contract.held_fen - _captured(event.hold),
        due_fen=contract.due_fen + sum(t.amount_fen for t in event.transfers if t.debit is DUE),
        refund_due_fen=contract.refund_due_fen + sum(t.amount_fen for t in event.transfers if t.credit is REFUND_DUE),
    )


def _captured(hold: HoldMove | None) -> int:
    return 0 if hold is None else hold.amount_fen


def _left_of(payment: Payment, event: Event) -> Payment:
    taken = sum(t.amount_fen for t in event.transfers if t.debit_item == payment.payment_id)
    return replace(payment, refunded_fen=payment.refunded_fen + taken)
