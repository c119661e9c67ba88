"""Decisions and open disputes of lessons in the books."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.lesson import LessonDecision, LessonDispute, Verdict

_SELECT = """
    SELECT d.decision_id, d.lesson_id, d.verdict, d.reason, d.decided_by, d.decided_at, a.approved_by,
           NOT EXISTS (SELECT FROM ledger.lesson_decision n WHERE n.institution_id = d.institution_id
                       AND n.lesson_id = d.lesson_id AND n.decision_id > d.decision_id) AS is_newest
    FROM ledger.lesson_decision d
    LEFT JOIN ledger.approval a ON a.institution_id = d.institution_id AND a.subject_id = d.decision_id
    WHERE d.institution_id = :i"""


def by_id(conn: Connection, institution_id: int, decision_ids: Collection[UUID]) -> dict[UUID, LessonDecision]:
    """Decisions by id; unknown ones are left out."""
    return {one.decision_id: one for one in _read(conn, f"{_SELECT} AND d.decision_id = ANY (CAST(:ids AS uuid[]))",
                                                  institution_id, decision_ids)}  # fmt: skip


def open_of(conn: Connection, institution_id: int, lesson_ids: Collection[UUID]) -> dict[UUID, LessonDecision]:
    """The newest decision of each lesson that waits for its second person."""
    sql = f"{_SELECT} AND d.lesson_id = ANY (CAST(:ids AS uuid[])) AND a.approved_by IS NULL"
    return {one.lesson_id: one for one in _read(conn, sql, institution_id, lesson_ids) if one.is_newest}


def disputes(conn: Connection, institution_id: int, lesson_ids: Collection[UUID]) -> dict[UUID, LessonDispute]:
    """The last dispute of each lesson; lessons never disputed are left out."""
    rows = conn.execute(
        text("""SELECT DISTINCT ON (lesson_id) lesson_id, was_released, hold_id FROM ledger.lesson_dispute
                WHERE institution_id = :i AND lesson_id = ANY (CAST(:ids AS uuid[])) ORDER BY lesson_id, step DESC"""),
        {"i": institution_id, "ids": list(lesson_ids)},
    )
    return {row.lesson_id: LessonDispute(**row._mapping) for row in rows}


def held(conn: Connection, institution_id: int, contract_ids: Collection[UUID]) -> dict[UUID, int]:
    """What open disputes of contracts keep already (fen), on the contract or on the institution's payable."""
    rows = conn.execute(
        text("""SELECT l.contract_id, sum(h.amount_fen - h.captured_fen - h.released_fen)::bigint AS held_fen
                FROM ledger.lesson l
                JOIN ledger.lesson_dispute d ON d.institution_id = l.institution_id AND d.lesson_id = l.lesson_id
                JOIN ledger.hold h ON h.institution_id = d.institution_id AND h.hold_id = d.hold_id
                WHERE l.institution_id = :i AND l.contract_id = ANY (CAST(:c AS uuid[]))
                GROUP BY l.contract_id"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return {row.contract_id: row.held_fen for row in rows}


def held_of(conn: Connection, institution_id: int, lesson_id: UUID) -> int:
    """What the open dispute of a lesson keeps from being used, in fen; 0 without one."""
    return int(
        conn.scalar(
            text("""SELECT coalesce(sum(h.amount_fen - h.captured_fen - h.released_fen), 0)
                    FROM ledger.lesson_dispute d
                    JOIN ledger.hold h ON h.institution_id = d.institution_id AND h.hold_id = d.hold_id
                    WHERE d.institution_id = :i AND d.lesson_id = :l"""),
            {"i": institution_id, "l": lesson_id},
        )
        or 0
    )


def _read(conn: Connection, sql: str, institution_id: int, ids: Collection[UUID]) -> list[LessonDecision]:
    rows = conn.execute(text(sql), {"i": institution_id, "ids": list(ids)})
    return [LessonDecision(**{**row._mapping, "verdict": Verdict(row.verdict)}) for row in rows]
