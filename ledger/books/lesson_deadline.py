"""Open last days to answer for lessons: grouped by the days that decide them, and moved as sets."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import record

# The newest row of ledger.lesson_date is the last day. Days of instants by a fixed offset, as in terms/calendar.
_OPEN = """
    SELECT l.lesson_id, CAST(l.recorded_at AT TIME ZONE INTERVAL '8 hours' AS date) AS from_on,
           coalesce(m.answer_until, l.answer_until) AS due_on, coalesce(m.provisional, false) AS provisional,
           coalesce(m.step, 0) AS step
    FROM ledger.lesson l
    LEFT JOIN LATERAL (SELECT m.answer_until, m.provisional, m.step FROM ledger.lesson_date m
                       WHERE m.institution_id = l.institution_id AND m.lesson_id = l.lesson_id
                       ORDER BY m.step DESC LIMIT 1) m ON true
    WHERE l.institution_id = :i AND l.answer_until IS NOT NULL
      AND NOT EXISTS (SELECT FROM ledger.lesson_step s WHERE s.institution_id = l.institution_id
                      AND s.lesson_id = l.lesson_id AND s.step > 1)"""


@dataclass(frozen=True, slots=True)
class OpenDays:
    """``count`` lessons whose silence is reckoned from the same day and now ends on the same last day."""

    from_on: date
    due_on: date
    provisional: bool
    count: int


def open_days(conn: Connection, institution_id: int) -> list[OpenDays]:
    """The open last days to answer of an institution, by the day that decides them."""
    rows = conn.execute(
        text(f"""SELECT from_on, due_on, provisional, count(*) AS count FROM ({_OPEN}) o
                 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""),
        {"i": institution_id},
    )
    return [OpenDays(**row._mapping) for row in rows]


def move(
    conn: Connection, institution_id: int, days: OpenDays, due_on: date, provisional: bool, now: datetime
) -> int:  # fmt: skip
    """Put all lessons of a group on another last day, or mark how certain it is; how many."""
    rows = conn.execute(
        text(f"""SELECT lesson_id, step FROM ({_OPEN}) o
                 WHERE from_on = :from_on AND due_on = :due_on AND provisional = :p ORDER BY lesson_id"""),
        {"i": institution_id, "from_on": days.from_on, "due_on": days.due_on, "p": days.provisional},
    )
    return insert(conn, institution_id, [(row.lesson_id, row.step + 1) for row in rows], due_on, provisional, now)


def insert(
    conn: Connection, institution_id: int, lessons: Sequence[tuple[UUID, int]], due_on: date, provisional: bool,
    now: datetime,
) -> int:  # fmt: skip
    """Reckon the last day of lessons (id, step) as a set."""
    return record.insert(conn, "lesson_date", [{
        "institution_id": institution_id, "lesson_id": lesson_id, "step": step, "answer_until": due_on,
        "provisional": provisional, "renewed_at": now,
    } for lesson_id, step in lessons])  # fmt: skip


def lock(conn: Connection, institution_id: int) -> None:
    """One reckoning at a time per institution. Key space as ``books.contract.lock_signing``."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:i, 99998)"), {"i": institution_id})
