"""Signals of fraud in what was taught and confirmed: findings with their evidence, each written once."""

from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import finding
from ledger.books import lesson as lessons
from ledger.books.finding import NewFinding
from ledger.rules import lesson_signal
from ledger.terms.calendar import SHANGHAI
from ledger.terms.rulebook import Rulebook

# How far back a run looks: lessons may be handed in late, and a day's run may have been missed.
DAYS_BACK = 31
# Evidence named in a finding; the measure counts all of it.
EVIDENCE_MAX = 50


def look(conn: Connection, institution_id: int, rulebook: Rulebook, until: date, now: datetime) -> int:
    """Look at the lessons and confirmations of the 31 days before ``until``; how many findings are new."""
    finding.lock(conn, institution_id)
    first_on, last_on = until - timedelta(days=DAYS_BACK), until - timedelta(days=1)
    since, before = (datetime.combine(day, time(), SHANGHAI) for day in (first_on, until))
    found = lesson_signal.signals(
        lessons.times(conn, institution_id, first_on, last_on),
        lessons.confirmations(conn, institution_id, since, before),
        lesson_signal.limits(rulebook),
    )
    new = [
        NewFinding(
            signal.code.value,
            UUID(signal.lesson_ids[0]),
            {"lessons": list(signal.lesson_ids[:EVIDENCE_MAX]), "measured": signal.measured, "limit": signal.limit},
        )
        for signal in found
    ]
    return len(finding.write_new(conn, institution_id, new, last_on, now))
