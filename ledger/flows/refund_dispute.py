"""What a paid refund kept for hours in dispute, once these are decided for the institution: it has earned it."""

from datetime import datetime

from sqlalchemy import Connection

from ledger.books import journal, register
from ledger.books import refund as refunds
from ledger.errors import InvariantBroken, Result
from ledger.rules import posting, posting_payment, refund_funding
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry


def leave_earned(conn: Connection, institution_id: int, now: datetime) -> int:
    """End what is kept where every disputed hour was decided to be taught, and leave what is free of the claim to the
    institution: as the rest of a claim when a refund is paid. The disputes' own holds ended with their decisions. One
    hour decided for the family: nothing moves, it asks a refund that follows. How many refunds.
    """
    found = refunds.locked(conn, institution_id, refunds.keeping(conn, institution_id))
    kept = set(refunds.keeping(conn, institution_id))  # again: as they stand under the lock
    holds = register.open_holds(conn, institution_id, [one.hold_id for one in found.values() if one.hold_id])
    balances = register.read_contracts(conn, institution_id, [one.contract_id for one in found.values()])
    ids, entries, left = iter(new_ids(now, 2 * len(found))), [], 0
    for refund_id, refund in found.items():
        contract, events = balances[refund.contract_id], []
        if refund.hold_id is not None and refund.hold_id in holds:
            held_fen = holds[refund.hold_id]
            events.append(posting.hold_ended(contract.fund_no, refund.hold_id, held_fen, contract.contract_id))
            contract = refund_funding.after(contract, events[0])
        if refund_id not in kept or contract.free_fen == 0:
            continue
        events.append(posting_payment.remainder_left(contract, contract.free_fen))
        asked = (("refund", str(refund_id)),)
        entries += [
            Entry(next(ids), f"{event.kind} {refund_id} {contract.released_fen}", asked, event, shanghai_day(now),
                  "custody:due", refund_id)
            for event in events
        ]  # fmt: skip
        left += 1
    for entry, outcome in zip(entries, journal.post(conn, institution_id, entries, now), strict=True):
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    return left
