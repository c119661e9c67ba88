"""Risk reserves: orders of the competent department, entered by one person and confirmed by a second."""

from datetime import date, datetime

from sqlalchemy import Connection

from ledger.books import record
from ledger.books import reserve as reserves
from ledger.errors import Outcome, Result
from ledger.rules import reserve as reserve_rules
from ledger.rules.calendar import add_working_days
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.ids import new_id
from ledger.terms.payout import ReserveOrder
from ledger.terms.rulebook import Rulebook


def enter_order(conn: Connection, institution_id: int, order: ReserveOrder, approver: str, now: datetime) -> Outcome:
    """Enter an order to draw or release. The document number is its key. Refused SAME_PERSON."""
    known = reserves.orders(conn, institution_id, [order.document_no]).get(order.document_no)
    if known is not None:
        said = ("purpose", "amount_fen", "fund_no")
        differs = next((name for name in said if getattr(known, name) != getattr(order, name)), "")
        if not differs:
            return Outcome(Result.REPLAYED, entry_id=known.order_id)
        return Outcome(Result.CONFLICT, "REQUEST_CONFLICT", differs)
    if order.entered_by == approver:
        return Outcome(Result.REFUSED, "SAME_PERSON")
    row = {name: getattr(order, name) for name in ReserveOrder.__slots__}
    record.insert(conn, "reserve_order", [{"institution_id": institution_id, **row}])
    record.insert(conn, "approval", [{
        "institution_id": institution_id, "subject_id": order.order_id, "subject": "order",
        "made_by": order.entered_by, "approved_by": approver, "approved_at": now,
    }])  # fmt: skip
    return Outcome(Result.DONE, entry_id=order.order_id)


def call_top_up(
    conn: Connection, institution_id: int, rulebook: Rulebook, calendar: CalendarDays, now: datetime
) -> tuple[int, date] | None:
    """Call for what a reserve lacks: fen and the last day, kept as a finding once a day; None when none is."""
    today = shanghai_day(now)
    rule = reserve_rules.rule(rulebook)
    requirement = reserve_rules.required(rule, reserves.facts(conn, institution_id, today, rule.rolling_months))
    _, held = reserves.positions(conn, institution_id)
    lacking = requirement.required_fen - held
    if lacking <= 0:
        return None
    if reserves.called_on(conn, institution_id, today):
        return None
    due_on = add_working_days(today, rulebook.whole("reserve.top_up_working_days"), calendar).on
    record.insert(conn, "finding", [{
        "institution_id": institution_id, "finding_id": new_id(now), "code": "RESERVE_BELOW_REQUIRED", "ref": None,
        "contract_id": None, "found_on": today,
        "facts": {"required_fen": requirement.required_fen, "held_fen": held, "due_on": due_on.isoformat(),
                  "rulebook_digest": rulebook.digest},
    }])  # fmt: skip
    return lacking, due_on
