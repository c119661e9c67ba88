"""Another account for a refund: entered by one person, confirmed by another, used only after a time to object.

From the moment a change is entered until it may be used the refund is not paid: neither to the account that may be
wrong, nor to one that nobody had time to object to.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import record
from ledger.books import refund as refunds
from ledger.books import refund_payee as payees
from ledger.errors import Outcome, Result
from ledger.rules import refund_payee as rules
from ledger.terms.ids import new_ids
from ledger.terms.refund_payee import PayeeAsked, PayeeChange
from ledger.terms.refund_request import Refund, RefundState
from ledger.vault import Vault


def enter(
    conn: Connection, vault: Vault, institution_id: int, asked: Sequence[PayeeAsked], now: datetime
) -> list[Outcome]:
    """Enter changes, one outcome each; none counts before ``confirm``. One that waits already: replayed.

    Refused: UNKNOWN_REFUND, ACCOUNT_SETTLED (in transit, paid or closed).
    """
    ids = [one.refund_id for one in asked]
    found = refunds.locked(conn, institution_id, ids)
    opened = {id_: _open(known) for id_, known in payees.changes(conn, vault, institution_id, ids).items()}
    outcomes, rows = [], []
    for one, change_id in zip(asked, new_ids(now, len(asked)), strict=True):
        refund, known = found.get(one.refund_id), opened.get(one.refund_id)
        refusal = _unchangeable(refund)
        if refund is None or refusal is not None:
            outcomes.append(refusal or Outcome(Result.REFUSED, "UNKNOWN_REFUND"))
            continue
        if known is not None and known.payee == one.payee:
            outcomes.append(Outcome(Result.REPLAYED, entry_id=known.change_id))
            continue
        returned = refund.state is RefundState.RETURNED or (known is not None and known.returned)
        rows.append({
            "institution_id": institution_id, "change_id": change_id, "refund_id": one.refund_id,
            "payee_name_sealed": vault.seal(one.payee.name, "refund_payee", "payee_name", change_id),
            "payee_account_sealed": vault.seal(one.payee.account, "refund_payee", "payee_account", change_id),
            "payee_bank": one.payee.bank_no, "reason": one.reason, "returned": returned,
            "cooling_hours": rules.COOLING_HOURS, "entered_at": now, "entered_by": one.actor,
        })  # fmt: skip
        opened[one.refund_id] = PayeeChange(
            change_id, one.refund_id, one.payee, one.reason, returned, one.actor, now, None, None
        )
        outcomes.append(Outcome(Result.DONE, entry_id=change_id))
    record.insert(conn, "refund_payee", rows)
    return outcomes


def confirm(
    conn: Connection, vault: Vault, institution_id: int, refund_ids: Sequence[UUID], actor: str, now: datetime
) -> list[Outcome]:
    """A second person confirms the newest change of each refund; it may be used ``COOLING_HOURS`` later.

    A refund that had come back is approved again. Refused: UNKNOWN_REFUND, ACCOUNT_SETTLED, NO_ACCOUNT_CHANGE,
    SAME_PERSON.
    """
    found = refunds.locked(conn, institution_id, refund_ids)
    known = payees.changes(conn, vault, institution_id, refund_ids)
    outcomes, approvals, steps = [], [], []
    for refund_id in dict.fromkeys(refund_ids):
        refund, change = found.get(refund_id), _open(known.get(refund_id, []))
        outcomes.append(_confirmable(refund, change, actor))
        if refund is None or change is None or outcomes[-1].result is not Result.DONE:
            continue
        approvals.append({
            "institution_id": institution_id, "subject_id": change.change_id, "subject": "payee",
            "made_by": change.entered_by, "approved_by": actor, "approved_at": now,
        })  # fmt: skip
        if refund.state is RefundState.RETURNED:
            steps.append(_step(institution_id, refund, RefundState.APPROVED, actor, now, change.reason))
    record.insert(conn, "approval", approvals)
    record.insert(conn, "refund_step", steps)
    return outcomes


def cancel(
    conn: Connection, vault: Vault, institution_id: int, refund_ids: Sequence[UUID], actor: str, now: datetime,
    reason: str,
) -> list[Outcome]:  # fmt: skip
    """Take back the newest change of each refund: the account before it counts again. One person is enough to object.

    A refund that had come back from that account waits for another one again. Refused: UNKNOWN_REFUND,
    ACCOUNT_SETTLED, NO_ACCOUNT_CHANGE.
    """
    found = refunds.locked(conn, institution_id, refund_ids)
    known = payees.changes(conn, vault, institution_id, refund_ids)
    outcomes, rows, steps = [], [], []
    for refund_id in dict.fromkeys(refund_ids):
        refund, change = found.get(refund_id), _open(known.get(refund_id, []))
        refusal = _unchangeable(refund)
        if refusal is None and change is None:
            refusal = Outcome(Result.REFUSED, "NO_ACCOUNT_CHANGE")
        outcomes.append(refusal or Outcome(Result.DONE))
        if refund is None or change is None or refusal is not None:
            continue
        rows.append({
            "institution_id": institution_id, "change_id": change.change_id, "cancelled_at": now,
            "cancelled_by": actor, "reason": reason,
        })  # fmt: skip
        before = _open(known[refund_id][: known[refund_id].index(change)])
        confirmed_before = before is not None and before.confirmed_by is not None
        if change.returned and not confirmed_before and refund.state is RefundState.APPROVED:
            steps.append(_step(institution_id, refund, RefundState.RETURNED, actor, now, reason))
    record.insert(conn, "refund_payee_cancelled", rows)
    record.insert(conn, "refund_step", steps)
    return outcomes


def _open(changes: Sequence[PayeeChange]) -> PayeeChange | None:
    """The newest change that was not taken back, as long as no payment has followed it."""
    standing = next((one for one in reversed(changes) if one.cancelled_by is None), None)
    return None if standing is None or standing.used else standing


def _unchangeable(refund: Refund | None) -> Outcome | None:
    if refund is None:
        return Outcome(Result.REFUSED, "UNKNOWN_REFUND")
    return None if rules.changeable(refund.state) else Outcome(Result.REFUSED, "ACCOUNT_SETTLED")


def _confirmable(refund: Refund | None, change: PayeeChange | None, actor: str) -> Outcome:
    refusal = _unchangeable(refund)
    if refusal is not None:
        return refusal
    if change is None:
        return Outcome(Result.REFUSED, "NO_ACCOUNT_CHANGE")
    if change.confirmed_by is not None:
        return Outcome(Result.REPLAYED, entry_id=change.change_id)
    if change.entered_by == actor:
        return Outcome(Result.REFUSED, "SAME_PERSON")
    return Outcome(Result.DONE, entry_id=change.change_id)


def _step(
    institution_id: int, refund: Refund, state: RefundState, actor: str, now: datetime, reason: str
) -> dict[str, object]:
    return refunds.step(institution_id, refund.refund_id, refund.step + 1, state, actor, now, reason)
