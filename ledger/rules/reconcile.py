"""How old open items are in bank days (working days), and until when they must be settled."""

from collections.abc import Sequence
from datetime import date

from ledger.rules.calendar import add_working_days, working_days_after
from ledger.terms.calendar import CalendarDays
from ledger.terms.reconcile import Ageing, OpenDay

# The first age of each bucket in bank days: today, 1, 2 to 5, 6 to 10, over 10.
BUCKETS = {"0": 0, "1": 1, "2-5": 2, "6-10": 6, "over 10": 11}
# A receipt nobody knows the owner of; an announced payment that has not come. Breaks carry a last day of their own.
UNIDENTIFIED, NOT_RECEIVED = "unidentified_receipt", "payment_not_received"
DUE_DAYS = {UNIDENTIFIED: 3, NOT_RECEIVED: 5}


def bucket(days: int) -> int:
    """The place in ``BUCKETS`` of an age in bank days."""
    return max(n for n, first in enumerate(BUCKETS.values()) if first <= days)


def due_on(item: OpenDay, calendar: CalendarDays) -> date:
    """The last day to settle an item."""
    return item.due_on or add_working_days(item.opened_on, DUE_DAYS[item.kind], calendar).on


def ageing(items: Sequence[OpenDay], on: date, calendar: CalendarDays) -> list[Ageing]:
    """Open items by kind and age at the end of ``on``, kinds in the order of their names."""
    found = []
    for kind in sorted({item.kind for item in items}):
        counts, amounts, overdue = [0] * len(BUCKETS), [0] * len(BUCKETS), 0
        mine = [item for item in items if item.kind == kind]
        for item in mine:
            place = bucket(working_days_after(item.opened_on, on, calendar))
            counts[place] += item.count
            amounts[place] += item.amount_fen
            overdue += item.count if due_on(item, calendar) < on else 0
        found.append(Ageing(kind, tuple(counts), tuple(amounts), overdue, min(item.opened_on for item in mine)))
    return found
