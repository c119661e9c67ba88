"""Announced payments: recorded once under their number, to be matched with the lines of the bank."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.books import announced_payment as announced
from ledger.books import contract as contracts
from ledger.books import record
from ledger.errors import Outcome, Result
from ledger.rules.match import match_key
from ledger.terms.announced_payment import AnnouncedPayment
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_ids
from ledger.vault import Vault


def announce(
    conn: Connection, vault: Vault, institution_id: int, payments: Sequence[AnnouncedPayment], actor: str, now: datetime
) -> list[Outcome]:
    """Record announced payments; one outcome per payment. No money moves: a claim stands on what the bank has booked.

    A number known already is replayed, or a conflict that names the field. Refused: UNKNOWN_CONTRACT, DATE_IN_FUTURE.
    """
    announced.lock(conn, institution_id)
    known = announced.by_number(conn, institution_id, {payment.payment_no for payment in payments})
    signed = {
        one.contract_no: one
        for one in contracts.find(conn, institution_id, numbers=sorted({one.contract_no for one in payments}))
    }
    outcomes, rows, today = [], [], shanghai_day(now)
    for payment, payment_id in zip(payments, new_ids(now, len(payments)), strict=True):
        contract = signed.get(payment.contract_no)
        if contract is None:
            outcomes.append(Outcome(Result.REFUSED, "UNKNOWN_CONTRACT", "contract"))
            continue
        if payment.paid_on > today:
            outcomes.append(Outcome(Result.REFUSED, "DATE_IN_FUTURE", "paid_on"))
            continue
        row = {
            **announced.payment_row(vault, payment_id, payment),
            "contract_id": contract.contract_id, "fund_no": contract.fund_no,
            "match_key": match_key([payment.reference]) or None, "batch_key": match_key([payment.batch]) or None,
        }  # fmt: skip
        before = known.get(payment.payment_no)
        if before is not None:
            differs = next((name for name in announced.SAID if row[name] != before[name]), "")
            outcomes.append(
                Outcome(Result.CONFLICT, "REQUEST_CONFLICT", differs) if differs else Outcome(Result.REPLAYED)
            )
            continue
        known[payment.payment_no] = row
        outcomes.append(Outcome(Result.DONE))
        rows.append({"institution_id": institution_id, **row, "announced_at": now, "announced_by": actor})
    record.insert(conn, "announced_payment", rows)
    return outcomes
