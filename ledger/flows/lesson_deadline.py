"""Open last days to answer for lessons, reckoned again after a holiday notice was loaded: never worse for the parent.

Dates of refunds are renewed by ``flows.refund_deadline``; both move by ``rules.calendar.recomputed``.
"""

from datetime import datetime

from sqlalchemy import Connection

from ledger.books import lesson_deadline
from ledger.rules import confirmation
from ledger.rules.calendar import recomputed
from ledger.terms.calendar import Deadline, Side
from ledger.terms.institution import Institution
from ledger.terms.rulebook import Rulebooks


def renew(conn: Connection, institution: Institution, rulebooks: Rulebooks, now: datetime) -> int:
    """Reckon every open last day of an institution with the calendar as it is now; how many moved to another day.

    By the rulebook of the day each is reckoned from. What lies in a year without a notice is marked provisional.
    """
    number, calendar = institution.institution_id, rulebooks.calendar(institution.place)
    lesson_deadline.lock(conn, number)
    moved = 0
    for days in lesson_deadline.open_days(conn, number):
        rulebook = rulebooks.in_force(institution.place, institution.zone, days.from_on)
        working_days = rulebook.whole("confirmation.silence_working_days")
        old = Deadline(days.due_on, days.provisional)
        new = recomputed(old, confirmation.silence_ends_on(days.from_on, working_days, calendar), Side.PARENT)
        if new != old:
            changed = lesson_deadline.move(conn, number, days, new.on, new.provisional, now)
            moved += changed if new.on != old.on else 0
    return moved
