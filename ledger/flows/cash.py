"""Cash an institution took: recorded with its last day, and found when the bank has not booked it by then."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy import Connection

from ledger.books import cash, finding, record
from ledger.books import contract as contracts
from ledger.books.finding import NewFinding
from ledger.errors import Outcome, Result
from ledger.rules import cash as cash_rules
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.cash import CashReceipt
from ledger.terms.prepayment_receipt import Receipt
from ledger.terms.rulebook import Rulebook


def record_receipts(
    conn: Connection, institution_id: int, receipts: Sequence[Receipt], rulebook: Rulebook, calendar: CalendarDays,
    actor: str, now: datetime,
) -> list[Outcome]:  # fmt: skip
    """Record cash receipts; one outcome per receipt. No money moves: a claim stands on what the bank has booked.

    A number known already is replayed, or a conflict that names the field. Refused: UNKNOWN_CONTRACT, DATE_IN_FUTURE.
    """
    finding.lock(conn, institution_id)
    known = cash.by_number(conn, institution_id, [receipt.receipt_no for receipt in receipts])
    signed = contracts.signed_at(conn, institution_id, [receipt.contract_id for receipt in receipts])
    outcomes, rows = [], []
    for receipt in receipts:
        due_on = cash_rules.due_on(receipt.paid_on, rulebook, calendar).on
        asked = CashReceipt(receipt.receipt_no, receipt.contract_id, receipt.amount_fen, receipt.paid_on, due_on)
        before = known.get(receipt.receipt_no)
        if before is not None:
            said = ("contract_id", "amount_fen", "received_on")
            differs = next((name for name in said if getattr(asked, name) != getattr(before, name)), "")
            outcomes.append(
                Outcome(Result.CONFLICT, "REQUEST_CONFLICT", differs) if differs else Outcome(Result.REPLAYED)
            )
        elif receipt.contract_id not in signed:
            outcomes.append(Outcome(Result.REFUSED, "UNKNOWN_CONTRACT"))
        elif receipt.paid_on > shanghai_day(now):
            outcomes.append(Outcome(Result.REFUSED, "DATE_IN_FUTURE"))
        else:
            known[receipt.receipt_no] = asked
            outcomes.append(Outcome(Result.DONE))
            fields = {name: getattr(asked, name) for name in CashReceipt.__slots__}
            rows.append({"institution_id": institution_id, **fields, "recorded_by": actor, "recorded_at": now})
    record.insert(conn, "cash_receipt", rows)
    return outcomes


def mark_late(conn: Connection, institution_id: int, today: date, now: datetime) -> int:
    """Find cash that was not in the account by its last day, once per receipt: ``custody due``. How many are new."""
    finding.lock(conn, institution_id)
    receipts = cash.of_late_days(conn, institution_id, today)
    booked = cash.booked(conn, institution_id, sorted({receipt.contract_id for receipt in receipts}))
    new = [
        NewFinding(
            "CASH_LATE",
            uuid5(NAMESPACE_OID, f"{institution_id} {one.receipt.receipt_no}"),
            {"receipt_no": one.receipt.receipt_no, "missing_fen": one.missing_fen,
             "due_on": one.receipt.due_on.isoformat()},
            one.receipt.contract_id,
        )
        for one in cash_rules.late(receipts, booked, today)
    ]  # fmt: skip
    return len(finding.write_new(conn, institution_id, new, today, now))
