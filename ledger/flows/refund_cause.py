"""The cause of a refund, decided by the competent office: entered with its evidence, confirmed by a second person.

The cause swings the sum most, so every refund keeps the sheet of every cause since it was asked; a decision takes up
the one that belongs to it, to the fen. Until it is confirmed both outcomes stand beside each other.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import journal, record, register
from ledger.books import refund as refunds
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats import refund_worksheet
from ledger.rules import posting
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry
from ledger.terms.refund import Cause
from ledger.terms.refund_request import CONTESTED, CauseDecision, Refund, RefundState


@dataclass(frozen=True, slots=True)
class CauseDecided:
    """What an office decided of one refund. ``evidence_sha256``: of the document, where there is one."""

    refund_id: UUID
    cause: Cause
    office: str
    evidence: str
    evidence_sha256: bytes | None
    actor: str


def decide(conn: Connection, institution_id: int, decided: Sequence[CauseDecided], now: datetime) -> list[Outcome]:
    """Enter decisions, one outcome each; none counts before ``confirm``.

    Refused: UNKNOWN_REFUND, CAUSE_SETTLED (agreed, approved or closed), CAUSE_NOT_QUOTED (no sheet of that cause is
    kept). The same decision that waits already: replayed.
    """
    ids = [one.refund_id for one in decided]
    found = refunds.locked(conn, institution_id, ids)
    kept = refunds.worksheets(conn, institution_id, ids)
    waiting = _waiting(refunds.decisions(conn, institution_id, ids))
    outcomes, rows = [], []
    for one, decision_id in zip(decided, new_ids(now, len(decided)), strict=True):
        refund, known = found.get(one.refund_id), waiting.get(one.refund_id)
        refusal = _undecidable(refund)
        if refund is None or refusal is not None:
            outcomes.append(refusal or Outcome(Result.REFUSED, "UNKNOWN_REFUND"))
            continue
        if known is not None and _says(known) == _says(one):
            outcomes.append(Outcome(Result.REPLAYED, entry_id=known.decision_id))
            continue
        sheet = refund_worksheet.decided_sheet(kept[one.refund_id], refund.cause, one.cause)
        if sheet is None:
            outcomes.append(Outcome(Result.REFUSED, "CAUSE_NOT_QUOTED"))
            continue
        rows.append({
            "institution_id": institution_id, "decision_id": decision_id, "refund_id": one.refund_id,
            "cause": one.cause, "office": one.office, "evidence": one.evidence, "evidence_digest": one.evidence_sha256,
            "amount_fen": sheet["refund_fen"], "worksheet": sheet, "decided_on": shanghai_day(now),
            "entered_by": one.actor, "entered_at": now,
        })  # fmt: skip
        outcomes.append(Outcome(Result.DONE, entry_id=decision_id))
    record.insert(conn, "refund_cause", rows)
    return outcomes


def confirm(
    conn: Connection, institution_id: int, refund_ids: Sequence[UUID], actor: str, now: datetime
) -> list[Outcome]:
    """A second person confirms the newest decision of each refund. From then on its sheet counts and the refund is
    agreed; where nothing comes back it is refused, closed, and what was held for it is free again.

    Refused: UNKNOWN_REFUND, CAUSE_SETTLED, CAUSE_UNDECIDED, SAME_PERSON.
    """
    found = refunds.locked(conn, institution_id, refund_ids)
    waiting = _waiting(refunds.decisions(conn, institution_id, refund_ids))
    holds = register.open_holds(conn, institution_id, [r.hold_id for r in found.values() if r.hold_id])
    outcomes, approvals, steps, closed, entries = [], [], [], [], []
    for refund_id, entry_id in zip(refund_ids, new_ids(now, len(refund_ids)), strict=True):
        refund, decision = found.get(refund_id), waiting.get(refund_id)
        outcomes.append(_confirmable(refund, decision, actor))
        if refund is None or decision is None or outcomes[-1].result is not Result.DONE:
            continue
        approvals.append({
            "institution_id": institution_id, "subject_id": decision.decision_id, "subject": "cause",
            "made_by": decision.entered_by, "approved_by": actor, "approved_at": now,
        })  # fmt: skip
        state = RefundState.AGREED if decision.amount_fen else RefundState.REFUSED
        found[refund_id] = replace(refund, state=state)
        said = f"{decision.office}: {decision.cause.value}"
        steps.append(refunds.step(institution_id, refund_id, refund.step + 1, state, actor, now, said))
        if state is RefundState.REFUSED:
            closed.append({"institution_id": institution_id, "refund_id": refund_id, "closed_on": shanghai_day(now)})
            entries += _freed(refund, holds.get(refund.hold_id) if refund.hold_id else None, entry_id, actor, now)
    for entry, outcome in zip(entries, journal.post(conn, institution_id, entries, now), strict=True):
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    record.insert(conn, "approval", approvals)
    record.insert(conn, "refund_step", steps)
    record.insert(conn, "refund_closed", closed)
    return outcomes


def _waiting(decisions: Sequence[CauseDecision]) -> dict[UUID, CauseDecision]:
    """The newest decision of each refund that nobody has confirmed yet."""
    return {one.refund_id: one for one in decisions if one.confirmed_by is None}


def _says(decision: CauseDecision | CauseDecided) -> tuple[Cause, str, str]:
    return decision.cause, decision.office, decision.evidence


def _undecidable(refund: Refund | None) -> Outcome | None:
    if refund is None:
        return Outcome(Result.REFUSED, "UNKNOWN_REFUND")
    return None if refund.state in CONTESTED else Outcome(Result.REFUSED, "CAUSE_SETTLED")


def _confirmable(refund: Refund | None, decision: CauseDecision | None, actor: str) -> Outcome:
    refusal = _undecidable(refund)
    if refusal is not None:
        return refusal
    if decision is None:
        return Outcome(Result.REFUSED, "CAUSE_UNDECIDED")
    return Outcome(Result.REFUSED, "SAME_PERSON") if decision.entered_by == actor else Outcome(Result.DONE)


def _freed(refund: Refund, held_fen: int | None, entry_id: UUID, actor: str, now: datetime) -> list[Entry]:
    """The hold of a refund that came to nothing ends: the contract goes on."""
    if refund.hold_id is None or held_fen is None:
        return []
    event = posting.hold_ended(refund.fund_no, refund.hold_id, held_fen, refund.contract_id)
    asked = (("refund", str(refund.refund_id)),)
    return [Entry(entry_id, f"refuse {refund.refund_id}", asked, event, shanghai_day(now), actor, refund.refund_id)]
