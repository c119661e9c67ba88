"""What a paid refund kept for hours in dispute, once these are decided for the institution: it has earned it."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import journal, register
from ledger.books import lesson as lessons
from ledger.books import refund as refunds
from ledger.errors import InvariantBroken, Result
from ledger.rules import posting, posting_payment, refund_funding
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry
from ledger.terms.lesson import LessonState

_TAUGHT = frozenset({LessonState.CONFIRMED, LessonState.RELEASED})


def leave_earned(conn: Connection, institution_id: int, now: datetime) -> int:
    """End what is kept where every disputed hour was decided to be taught, and leave it to the institution: as the rest
    of a claim when a refund is paid. One hour decided for the family: nothing moves, it asks a refund that follows.
    How many refunds.
    """
    found = refunds.locked(conn, institution_id, refunds.keeping(conn, institution_id))
    holds = register.open_holds(conn, institution_id, [one.hold_id for one in found.values() if one.hold_id])
    balances = register.read_contracts(conn, institution_id, [one.contract_id for one in found.values()])
    disputed = {
        refund_id: [UUID(part["lesson"]) for part in sheet.get("disputed", [])]
        for refund_id, sheet in refunds.worksheets(conn, institution_id, list(found)).items()
    }
    every = lessons.by_id(conn, institution_id, [one for ids in disputed.values() for one in ids])
    ids, entries, left = iter(new_ids(now, 2 * len(found))), [], 0
    for refund_id, refund in found.items():
        if refund.hold_id not in holds or any(every[one].state not in _TAUGHT for one in disputed[refund_id]):
            continue
        contract = balances[refund.contract_id]
        ended = posting.hold_ended(contract.fund_no, refund.hold_id, holds[refund.hold_id], contract.contract_id)
        earned = posting_payment.remainder_left(refund_funding.after(contract, ended), holds[refund.hold_id])
        asked = (("refund", str(refund_id)),)
        entries += [
            Entry(
                next(ids), f"{event.kind} {refund.hold_id}", asked, event, shanghai_day(now), "custody:due", refund_id
            )
            for event in (ended, earned)
        ]
        left += 1
    for entry, outcome in zip(entries, journal.post(conn, institution_id, entries, now), strict=True):
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    return left
