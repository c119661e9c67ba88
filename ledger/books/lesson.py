"""Lessons in the books: found by contract and number, by id, or because their time to answer has run out."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, Row, text

from ledger.terms.lesson import Lesson, LessonState

_COLUMNS = """l.lesson_id, l.contract_id, l.lesson_no, l.taught_on, l.starts_at, l.minutes, l.hours, l.flags,
              l.answer_until, l.state, l.step, l.entry_id"""


def of_contracts(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> list[Lesson]:
    """Every lesson of some contracts, in order of teaching."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.lesson_now l
                 WHERE l.institution_id = :i AND l.contract_id = ANY (CAST(:c AS uuid[]))
                 ORDER BY l.taught_on, l.starts_at, l.lesson_id"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return [_lesson(row) for row in rows]


def by_id(conn: Connection, institution_id: int, lesson_ids: Sequence[UUID]) -> dict[UUID, Lesson]:
    """Lessons by id; unknown ones are left out."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.lesson_now l
                 WHERE l.institution_id = :i AND l.lesson_id = ANY (CAST(:l AS uuid[]))"""),
        {"i": institution_id, "l": list(lesson_ids)},
    )
    return {row.lesson_id: _lesson(row) for row in rows}


def unanswered(conn: Connection, institution_id: int, until: date, limit: int) -> list[UUID]:
    """Lessons nobody answered whose last day to answer is before ``until`` (a day), oldest first, at most ``limit``."""
    return list(
        conn.scalars(
            text("""SELECT l.lesson_id FROM ledger.lesson l
                    WHERE l.institution_id = :i AND l.answer_until < :until
                      AND NOT EXISTS (SELECT FROM ledger.lesson_step s WHERE s.institution_id = l.institution_id
                                      AND s.lesson_id = l.lesson_id AND s.step > 1)
                    ORDER BY l.answer_until, l.lesson_id LIMIT :n"""),
            {"i": institution_id, "until": until, "n": limit},
        )
    )


def _lesson(row: Row[tuple[object, ...]]) -> Lesson:
    found = dict(row._mapping)
    return Lesson(**{**found, "flags": tuple(found["flags"]), "state": LessonState(found["state"])})
