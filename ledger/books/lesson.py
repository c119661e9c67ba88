"""Lessons in the books: found by contract and number, by id, by day, or because their time to answer has run out."""

from collections.abc import Collection
from datetime import date, datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection, Row, text

from ledger.terms.calendar import SHANGHAI
from ledger.terms.lesson import Lesson, LessonState, TaughtHours
from ledger.terms.lesson_law import LessonTime
from ledger.terms.lesson_signal import Confirmation
from ledger.terms.price_cap import Category, Mode, Stage

# A place among the lessons whose time to answer runs out: its last day as first reckoned, then its id.
Cursor = tuple[date, UUID]

# An unlawful lesson is cleared once a decision that its hour stands was approved by a second person.
_CLEARED = """EXISTS (SELECT FROM ledger.lesson_decision d JOIN ledger.approval a
                      ON a.institution_id = d.institution_id AND a.subject_id = d.decision_id
                      WHERE d.institution_id = l.institution_id AND d.lesson_id = l.lesson_id
                        AND d.verdict = 'released')"""
_COLUMNS = f"""l.lesson_id, l.contract_id, l.lesson_no, l.taught_on, l.starts_at, l.minutes, l.hours, l.flags,
              l.answer_until, l.state, l.step, l.entry_id, l.flags <> '{{}}' AND {_CLEARED} AS is_cleared"""
_STATES: Final = {state.value: state for state in LessonState}
# The last day to answer: as it was last reckoned, else as it was recorded. It only ever moves to a later day.
_MOVED = """SELECT m.answer_until FROM ledger.lesson_date m
            WHERE m.institution_id = l.institution_id AND m.lesson_id = l.lesson_id
            ORDER BY m.step DESC LIMIT 1"""


def of_contracts(conn: Connection, institution_id: int, contract_ids: Collection[UUID]) -> list[Lesson]:
    """Every lesson of some contracts, in order of teaching."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.lesson_now l
                 WHERE l.institution_id = :i AND l.contract_id = ANY (CAST(:c AS uuid[]))
                 ORDER BY l.taught_on, l.starts_at, l.lesson_id"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return [_lesson(row) for row in rows]


def by_id(conn: Connection, institution_id: int, lesson_ids: Collection[UUID]) -> dict[UUID, Lesson]:
    """Lessons by id; unknown ones are left out."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.lesson_now l
                 WHERE l.institution_id = :i AND l.lesson_id = ANY (CAST(:l AS uuid[]))"""),
        {"i": institution_id, "l": list(lesson_ids)},
    )
    return {row.lesson_id: _lesson(row) for row in rows}


def contracts_of(conn: Connection, institution_id: int, lesson_ids: Collection[UUID]) -> list[UUID]:
    """The contracts some lessons belong to, which never changes: what to lock before the lessons are read."""
    return list(
        conn.scalars(
            text("""SELECT DISTINCT l.contract_id FROM ledger.lesson l
                    WHERE l.institution_id = :i AND l.lesson_id = ANY (CAST(:l AS uuid[]))"""),
            {"i": institution_id, "l": list(lesson_ids)},
        )
    )


def unanswered(
    conn: Connection, institution_id: int, until: date, limit: int, after: Cursor | None = None
) -> list[Cursor]:
    """Lessons nobody answered whose last day to answer is before ``until`` (a day), oldest first, at most ``limit``;
    those that come after the cursor ``after``, so that set after set does not pass the answered ones again.
    """
    rows = conn.execute(
        text(f"""SELECT l.answer_until, l.lesson_id FROM ledger.lesson l LEFT JOIN LATERAL ({_MOVED}) m ON true
                 WHERE l.institution_id = :i AND l.answer_until < :until
                   AND (CAST(:day AS date) IS NULL OR (l.answer_until, l.lesson_id) > (:day, CAST(:lesson AS uuid)))
                   AND NOT EXISTS (SELECT FROM ledger.lesson_step s WHERE s.institution_id = l.institution_id
                                   AND s.lesson_id = l.lesson_id AND s.step > 1)
                   AND coalesce(m.answer_until, l.answer_until) < :until
                 ORDER BY l.answer_until, l.lesson_id LIMIT :n"""),
        {"i": institution_id, "until": until, "n": limit, "day": after and after[0], "lesson": after and after[1]},
    )
    return [(row.answer_until, row.lesson_id) for row in rows]


def waiting_for_decision(conn: Connection, institution_id: int) -> list[Lesson]:
    """Lessons somebody must decide on: disputed ones, and those at an unlawful time that are not cleared."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.lesson_now l
                 WHERE l.institution_id = :i AND (l.state = 'disputed'
                       OR (l.flags <> '{{}}' AND l.hours > 0 AND l.state IN ('recorded', 'confirmed')
                           AND NOT {_CLEARED}))
                 ORDER BY l.taught_on, l.starts_at, l.lesson_id"""),
        {"i": institution_id},
    )
    return [_lesson(row) for row in rows]


def times(
    conn: Connection, institution_id: int, first_on: date, last_on: date, students: Collection[UUID] | None = None
) -> list[LessonTime]:
    """The lessons of some days (both counted) that were not reversed: of all pupils, or of ``students``. Hours
    that were taken over in one sum have no time of day.
    """
    rows = conn.execute(
        text("""SELECT l.lesson_id, c.student_id, l.teacher, l.taught_on, l.starts_at, l.minutes, l.mode, l.room,
                       k.stage, k.category
                FROM ledger.lesson_now l
                JOIN ledger.contract c USING (institution_id, contract_id)
                JOIN ledger.course k USING (institution_id, course_id)
                WHERE l.institution_id = :i AND l.taught_on BETWEEN :first AND :last AND l.state <> 'reversed'
                  AND l.minutes > 0
                  AND (CAST(:all AS boolean) OR c.student_id = ANY (CAST(:s AS uuid[])))
                ORDER BY l.lesson_id"""),
        {"i": institution_id, "first": first_on, "last": last_on, "all": students is None, "s": list(students or ())},
    )
    return [_time(row) for row in rows]


def confirmations(conn: Connection, institution_id: int, since: datetime, until: datetime) -> list[Confirmation]:
    """What people confirmed from ``since`` on, before ``until``; silence is nobody, nor is a
    take-over.
    """
    rows = conn.execute(
        text("""SELECT s.lesson_id, s.actor, s.at, encode(s.device_index, 'hex') AS device
                FROM ledger.lesson_step s
                WHERE s.institution_id = :i AND s.state = 'confirmed' AND s.actor <> 'custody:due'
                  AND s.reason <> 'taken over' AND s.at >= :since AND s.at < :until ORDER BY s.lesson_id, s.step"""),
        {"i": institution_id, "since": since, "until": until},
    )
    return [Confirmation(str(row.lesson_id), row.actor, row.at, row.device or "") for row in rows]


def taught_hours(conn: Connection, institution_id: int, contract_ids: Collection[UUID]) -> list[TaughtHours]:
    """Confirmed and released hours of contracts, the disputed ones that were released too (their hold lies on the
    payable until it is decided), added up by whether their time was unlawful and cleared. An hour counts from its first
    confirmation: a dispute later on stops a clock and does not start it anew.
    """
    rows = conn.execute(
        text(f"""SELECT l.contract_id, l.flags <> '{{}}' AS flags, {_CLEARED} AS is_cleared,
                        sum(l.hours)::integer AS hours,
                        min(c.at) FILTER (WHERE l.state = 'confirmed') AS waiting_since, max(c.at) AS last_at,
                        max(l.taught_on) AS last_taught_on
                 FROM ledger.lesson_now l
                 JOIN LATERAL (SELECT min(s.at) AS at FROM ledger.lesson_step s
                               WHERE s.institution_id = l.institution_id AND s.lesson_id = l.lesson_id
                                 AND s.state = 'confirmed') c ON true
                 LEFT JOIN ledger.lesson_dispute p ON p.institution_id = l.institution_id
                                                  AND p.lesson_id = l.lesson_id AND p.step = l.step
                 WHERE l.institution_id = :i AND l.contract_id = ANY (CAST(:c AS uuid[])) AND l.hours > 0
                   AND (l.state IN ('confirmed', 'released') OR (l.state = 'disputed' AND p.was_released))
                 GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return [TaughtHours(**row._mapping) for row in rows]


def step(
    institution_id: int, lesson_id: UUID, number: int, state: LessonState, actor: str, now: datetime, reason: str = "",
    entry_id: UUID | None = None, device: bytes | None = None,
) -> dict[str, object]:  # fmt: skip
    """A row of lesson_step: ``number`` is the step, ``device`` a keyed digest of what a person confirmed on."""
    return {
        "institution_id": institution_id, "lesson_id": lesson_id, "step": number, "state": state, "at": now,
        "actor": actor, "reason": reason, "entry_id": entry_id, "device_index": device,
    }  # fmt: skip


def _lesson(row: Row[tuple[object, ...]]) -> Lesson:
    found = row._mapping
    return Lesson(**{**found, "flags": tuple(found["flags"]), "state": _STATES[found["state"]]})


def _time(row: Row[tuple[object, ...]]) -> LessonTime:
    starts_at = datetime.combine(row.taught_on, row.starts_at, SHANGHAI)
    return LessonTime(
        str(row.lesson_id), str(row.student_id), row.teacher, starts_at, starts_at + timedelta(minutes=row.minutes),
        Mode(row.mode), Stage(row.stage), Category(row.category), row.room,
    )  # fmt: skip
