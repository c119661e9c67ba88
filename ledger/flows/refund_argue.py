"""The family's word against an objection: it goes to the competent office beside the institution's."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import record
from ledger.books import refund as refunds
from ledger.errors import Outcome, Result
from ledger.terms.refund_request import RefundState


def argue(
    conn: Connection, institution_id: int, refund_id: UUID, seen_step: int, reason: str, actor: str, now: datetime
) -> Outcome:
    """Keep what the family says of the objection that was shown as ``seen_step``; the refund stays objected.

    Said of that step already: replayed. Refused: UNKNOWN_REFUND, NOT_OBJECTED.
    """
    refund = refunds.locked(conn, institution_id, [refund_id]).get(refund_id)
    if refund is None:
        return Outcome(Result.REFUSED, "UNKNOWN_REFUND")
    if refund.state is not RefundState.OBJECTED:
        return Outcome(Result.REFUSED, "NOT_OBJECTED")
    if refund.step != seen_step:
        return Outcome(Result.REPLAYED)
    step = refunds.step(institution_id, refund_id, refund.step + 1, RefundState.OBJECTED, actor, now, reason)
    record.insert(conn, "refund_step", [step])
    return Outcome(Result.DONE)
