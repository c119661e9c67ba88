"""Risk reserves: orders of the competent department, entered by one person and confirmed by a second."""

from dataclasses import replace
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
from ledger.terms.reserve import EnteredFacts, ReserveFacts, ReserveRule
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
    requirement = reserve_rules.required(rule, _facts(conn, institution_id, rule, today))
    _, held = reserves.positions(conn, institution_id)
    lacking = requirement.required_fen - held
    if lacking <= 0:
        return None
    if reserves.found_on(conn, institution_id, "RESERVE_BELOW_REQUIRED", today):
        return None
    due_on = add_working_days(today, rulebook.whole("reserve.top_up_working_days"), calendar).on
    record.insert(conn, "finding", [{
        "institution_id": institution_id, "finding_id": new_id(now), "code": "RESERVE_BELOW_REQUIRED", "ref": None,
        "contract_id": None, "found_on": today,
        "facts": {"required_fen": requirement.required_fen, "held_fen": held, "due_on": due_on.isoformat(),
                  "rulebook_digest": rulebook.digest},
    }])  # fmt: skip
    return lacking, due_on


def note_balance(conn: Connection, institution_id: int, rulebook: Rulebook, now: datetime) -> int:
    """A finding once a day while an institution holds more prepaid money than its place allows; how many were made.

    Money is never refused for it: the finding says how far it is above, and signals go to the competent department.
    """
    today = shanghai_day(now)
    if not reserve_rules.limits_balance(rulebook):
        return 0
    rule = reserve_rules.rule(rulebook)
    facts = _facts(conn, institution_id, rule, today)
    most = reserve_rules.balance_max_fen(rule, facts)
    held = facts.balance_fen or 0
    if most is None or held <= most or reserves.found_on(conn, institution_id, "BALANCE_ABOVE_LIMIT", today):
        return 0
    record.insert(conn, "finding", [{
        "institution_id": institution_id, "finding_id": new_id(now), "code": "BALANCE_ABOVE_LIMIT", "ref": None,
        "contract_id": None, "found_on": today,
        "facts": {"balance_fen": held, "limit_fen": most, "rulebook_digest": rulebook.digest},
    }])  # fmt: skip
    return 1


def enter_facts(
    conn: Connection, institution_id: int, new: EnteredFacts, source: str, actor: str, now: datetime
) -> Outcome:
    """Enter what the books cannot know of an institution, from the document ``source``. What ``new`` leaves out stays
    as it was entered before; nothing new: replayed.
    """
    known = reserves.entered(conn, institution_id)
    said = {name: value for name in EnteredFacts.__slots__ if (value := getattr(new, name)) is not None}
    now_known = replace(known or EnteredFacts(), **said)
    if known == now_known:
        return Outcome(Result.REPLAYED)
    record.insert(conn, "institution_fact", [{
        "institution_id": institution_id, "recorded_at": now, "source": source, "entered_by": actor,
        **{name: getattr(now_known, name) for name in EnteredFacts.__slots__},
    }])  # fmt: skip
    return Outcome(Result.DONE)


def _facts(conn: Connection, institution_id: int, rule: ReserveRule, today: date) -> ReserveFacts:
    facts = reserves.facts(conn, institution_id, today, rule.rolling_months)
    return reserve_rules.with_entered(facts, reserves.entered(conn, institution_id), today)
