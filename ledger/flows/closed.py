"""An institution closes: two people enter the office's order. From then on nothing is paid to it and nothing is signed;
lessons after that day are not recorded. Families keep what is theirs, and say what they want.
"""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import closed, record, register
from ledger.errors import Outcome, Result
from ledger.terms.calendar import shanghai_day
from ledger.terms.closed import Choice, Closed


def enter(conn: Connection, institution_id: int, order: Closed, now: datetime) -> Outcome:
    """One person enters the order; it has no effect before ``confirm``. Entered before: replayed, or a conflict that
    names the field. Refused: DATE_IN_FUTURE (it closes later than today).
    """
    closed.lock(conn, institution_id)
    known = next((one for one in closed.orders(conn, institution_id) if one.document_no == order.document_no), None)
    if known is not None:
        said = ("closed_on", "office", "choose_by", "news_on")
        differs = next((name for name in said if getattr(known, name) != getattr(order, name)), "")
        return Outcome(Result.CONFLICT, "REQUEST_CONFLICT", differs) if differs else Outcome(Result.REPLAYED)
    if order.closed_on > shanghai_day(now):
        return Outcome(Result.REFUSED, "DATE_IN_FUTURE", "closed_on")
    fields = {name: getattr(order, name) for name in Closed.__slots__ if name != "confirmed_by"}
    record.insert(conn, "institution_closed", [{"institution_id": institution_id, **fields, "entered_at": now}])
    return Outcome(Result.DONE, entry_id=order.closed_id)


def confirm(conn: Connection, institution_id: int, document_no: str, actor: str, now: datetime) -> Outcome:
    """A second person confirms it: the institution is closed. Confirmed before: replayed. Refused: NOTHING_PROPOSED,
    SAME_PERSON.
    """
    closed.lock(conn, institution_id)
    known = next((one for one in closed.orders(conn, institution_id) if one.document_no == document_no), None)
    if known is None:
        return Outcome(Result.REFUSED, "NOTHING_PROPOSED")
    if known.confirmed_by is not None:
        return Outcome(Result.REPLAYED, entry_id=known.closed_id)
    if known.entered_by == actor:
        return Outcome(Result.REFUSED, "SAME_PERSON")
    record.insert(conn, "approval", [{
        "institution_id": institution_id, "subject_id": known.closed_id, "subject": "closed",
        "made_by": known.entered_by, "approved_by": actor, "approved_at": now,
    }])  # fmt: skip
    return Outcome(Result.DONE, entry_id=known.closed_id)


def choose(
    conn: Connection, institution_id: int, contract_id: UUID, wanted: Choice, actor: str, now: datetime
) -> Outcome:
    """A family says what it wants; it may change its mind. The same again: replayed. Refused: NOT_CLOSED."""
    register.lock_contracts(conn, institution_id, [contract_id])
    if closed.standing(conn, institution_id) is None:
        return Outcome(Result.REFUSED, "NOT_CLOSED")
    if closed.choice(conn, institution_id, contract_id) is wanted:
        return Outcome(Result.REPLAYED)
    closed.choose(conn, institution_id, contract_id, wanted, actor, now)
    return Outcome(Result.DONE)
