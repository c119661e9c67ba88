"""Open dates of refunds after a holiday notice was loaded: reckoned anew, in the family's favour only."""

from datetime import datetime

from sqlalchemy import Connection

from ledger.books import record
from ledger.books import refund as refunds
from ledger.formats import refund_worksheet
from ledger.rules import refund_deadline
from ledger.terms.calendar import CalendarDays
from ledger.terms.refund_request import DateCode


def renew(conn: Connection, institution_id: int, calendar: CalendarDays, now: datetime) -> int:
    """Reckon provisional dates of open refunds again: the institution's move only if that is earlier. How many refunds
    have new dates (or the same, no longer provisional).
    """
    rows = []
    for refund, renewals, kept in refunds.provisional(conn, institution_id):
        old = refund_worksheet.read_dates(kept)
        new = refund_deadline.renewed(old, calendar)
        if new == old:
            continue
        on = {one.code: one.on for one in new}
        rows.append({
            "institution_id": institution_id, "refund_id": refund.refund_id, "step": renewals + 1,
            "answer_by": on[DateCode.ANSWER_BY], "pay_by": on[DateCode.PAY_BY],
            "delayed_after": on[DateCode.DELAYED_AFTER], "dates": refund_worksheet.dates_as_rows(new),
            "renewed_at": now,
        })  # fmt: skip
    return record.insert(conn, "refund_date", rows)
