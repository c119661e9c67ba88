"""A refund goes back to the accounts the money came from: who gets how much, and when all of it has arrived."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from ledger.terms.refund_request import RefundState


def shares(
    amount_fen: int, back: Sequence[tuple[UUID, int]], payers: Mapping[UUID, str], main: str, sent: Mapping[str, int]
) -> list[tuple[str, int]]:
    """How ``amount_fen`` of a refund is split over accounts, in the order in which they are paid.

    ``back``: what of the refund goes back on which payment, newest first; ``payers``: the account of each payment where
    the bank named one. What came without the bank, and what is paid on top of the principal, goes to ``main``, the
    account of the refund. ``sent``: what accounts have been paid already.
    """
    wanted: dict[str, int] = {}
    for payment_id, fen in back:
        account = payers.get(payment_id, main)
        wanted[account] = wanted.get(account, 0) + fen
    found: dict[str, int] = {}
    for account, fen in wanted.items():
        part = min(max(fen - sent.get(account, 0), 0), amount_fen)
        found[account] = part
        amount_fen -= part
    found[main] = found.get(main, 0) + amount_fen
    return [(account, fen) for account, fen in found.items() if fen]


def after_line(credit: bool, before: RefundState, waiting: int, owed_fen: int) -> RefundState:
    """The state of a refund after a bank line about one of its payments, ``credit`` where that came back.

    ``waiting``: payments the bank has not answered yet; ``owed_fen``: what is not under way. One that came back waits
    for a new account, whatever becomes of the others; what the institution's cash did not cover is sent once it does.
    """
    if credit or before is RefundState.RETURNED:
        return RefundState.RETURNED
    if waiting:
        return RefundState.IN_TRANSIT
    return RefundState.APPROVED if owed_fen else RefundState.PAID


def after_rejection(before: RefundState, needs_account: bool) -> RefundState:
    """The state of a refund after the bank refused to pay a part of it."""
    return RefundState.RETURNED if needs_account or before is RefundState.RETURNED else RefundState.APPROVED
