"""Contracts as they were signed, and what a flow needs to find them by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.contract import Contract


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """A published course."""

    course_id: UUID
    code: str
    name: str
    subject: str
    category: str
    stage: str
    mode: str


_COLUMNS = ", ".join(f"c.{name}" for name in Contract.__slots__)


@dataclass(frozen=True, slots=True)
class OpenCharge:
    """A contract of one pupil in one subject with money or hours left, as the prepayment limits count it."""

    contract_id: UUID
    student_id: UUID
    subject: str
    category: str
    signed_on: date
    first_lesson_on: date
    price_fen: int
    hours: int
    hours_left: int
    months: int | None


def find(
    conn: Connection, institution_id: int, *, numbers: Sequence[str] = (), references: Sequence[str] = (),
    ids: Sequence[UUID] = (),
) -> list[Contract]:  # fmt: skip
    """Signed contracts by contract number, payment reference or id."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.contract c WHERE c.institution_id = :i
                 AND (c.contract_no = ANY (CAST(:numbers AS text[]))
                      OR c.payment_reference = ANY (CAST(:references AS text[]))
                      OR c.contract_id = ANY (CAST(:ids AS uuid[])))"""),
        {"i": institution_id, "numbers": list(numbers), "references": list(references), "ids": list(ids)},
    )
    return [Contract(**{**row._mapping, "rulebook_digest": bytes(row.rulebook_digest)}) for row in rows]


def open_charges(conn: Connection, institution_id: int, students: Sequence[UUID]) -> list[OpenCharge]:
    """The open contracts of some pupils: hours left to teach and no refund approved. Locks the pupils: two signings at
    once would each miss the other's charge.
    """
    conn.execute(
        text("""SELECT pg_advisory_xact_lock(hashtextextended(k, 17))
                FROM unnest(CAST(:keys AS text[])) WITH ORDINALITY u (k, n) ORDER BY n"""),
        {"keys": [f"{institution_id} {student}" for student in sorted(set(students))]},
    )
    rows = conn.execute(
        text("""SELECT c.contract_id, c.student_id, k.subject, k.category, c.signed_on, c.first_lesson_on, c.price_fen,
                       b.hours_total AS hours, b.hours_total - b.hours_released AS hours_left, c.months
                FROM ledger.contract c
                JOIN ledger.contract_balance b USING (institution_id, contract_id)
                JOIN ledger.course k USING (institution_id, course_id)
                WHERE c.institution_id = :i AND c.student_id = ANY (CAST(:s AS uuid[]))
                  AND b.hours_released < b.hours_total
                  AND NOT EXISTS (SELECT FROM ledger.refund r
                                  JOIN ledger.refund_step s USING (institution_id, refund_id)
                                  WHERE r.institution_id = c.institution_id AND r.contract_id = c.contract_id
                                    AND s.state = 'approved')"""),
        {"i": institution_id, "s": list(students)},
    )
    return [OpenCharge(**row._mapping) for row in rows]


def ended(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> set[UUID]:
    """Contracts that take no more money: a refund of theirs was approved."""
    rows = conn.scalars(
        text("""SELECT DISTINCT r.contract_id FROM ledger.refund r
                JOIN ledger.refund_step s USING (institution_id, refund_id)
                WHERE r.institution_id = :i AND r.contract_id = ANY (CAST(:c AS uuid[])) AND s.state = 'approved'"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return set(rows)


def courses(conn: Connection, institution_id: int, ids: Sequence[UUID]) -> dict[UUID, CourseFacts]:
    """What rules ask of courses."""
    rows = conn.execute(
        text("""SELECT course_id, code, name, subject, category, stage, mode FROM ledger.course
                WHERE institution_id = :i AND course_id = ANY (CAST(:c AS uuid[]))"""),
        {"i": institution_id, "c": list(ids)},
    )
    return {row.course_id: CourseFacts(**row._mapping) for row in rows}
