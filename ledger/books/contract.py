"""Contracts as they were signed, and what a flow needs to find them by."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import contract_move
from ledger.terms.contract import Contract, CourseFacts
from ledger.terms.prepayment import BookingFacts, OpenCharge

_COLUMNS = ", ".join(f"c.{name}" for name in Contract.__slots__)


def find(
    conn: Connection, institution_id: int, *, numbers: Sequence[str] = (), references: Sequence[str] = (),
    ids: Collection[UUID] = (),
) -> list[Contract]:  # fmt: skip
    """Signed contracts by contract number, payment reference or id."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.contract c WHERE c.institution_id = :i
                 AND (c.contract_no = ANY (CAST(:numbers AS text[]))
                      OR c.payment_reference = ANY (CAST(:references AS text[]))
                      OR c.contract_id = ANY (CAST(:ids AS uuid[])))"""),
        {"i": institution_id, "numbers": list(numbers), "references": list(references), "ids": list(ids)},
    )
    return [
        Contract(
            **{
                **row._mapping,
                "rulebook_digest": bytes(row.rulebook_digest),
                "charged_states": None if row.charged_states is None else tuple(row.charged_states),
            }
        )
        for row in rows
    ]


def lock_signing(conn: Connection, institution_id: int, keys: Collection[str]) -> None:
    """Let one signing after the other ask about a pupil and a subject: two at once would each miss the other's charge.

    The first locks a signing takes, before any row of the books. The keys share 1,024 locks, taken in order, so that
    a large set of contracts does not fill the server's lock table. Numbers of funds (close_day) stay below 100,000.
    """
    conn.execute(
        text("""SELECT pg_advisory_xact_lock(:i, k.lock)
                FROM (SELECT DISTINCT 100000 + (hashtextextended(u, 17) & 1023)::integer AS lock
                      FROM unnest(CAST(:keys AS text[])) u ORDER BY 1) k"""),
        {"i": institution_id, "keys": sorted(keys)},
    )


def open_charges(conn: Connection, institution_id: int, students: Collection[UUID]) -> list[OpenCharge]:
    """The open contracts of some pupils: hours left to teach and no refund approved."""
    rows = conn.execute(
        text("""SELECT c.contract_id, c.student_id, k.subject, k.category, k.lesson_price_fen, c.signed_on, c.signed_at,
                       c.first_lesson_on, c.price_fen, c.gift_money_fen, b.hours_total AS hours,
                       b.hours_total - b.hours_released AS hours_left, c.months
                FROM ledger.contract c
                JOIN ledger.contract_balance b USING (institution_id, contract_id)
                JOIN ledger.course k USING (institution_id, course_id)
                WHERE c.institution_id = :i AND c.student_id = ANY (CAST(:s AS uuid[]))
                  AND b.hours_released < b.hours_total
                  AND NOT EXISTS (SELECT FROM ledger.contract_move_now m WHERE m.institution_id = c.institution_id
                                  AND ((m.contract_id = c.contract_id AND m.state = 'arrived')
                                       OR (m.successor_id = c.contract_id AND m.state <> 'arrived')))
                  AND NOT EXISTS (SELECT FROM ledger.refund r
                                  JOIN ledger.refund_step s USING (institution_id, refund_id)
                                  WHERE r.institution_id = c.institution_id AND r.contract_id = c.contract_id
                                    AND s.state = 'approved')
                ORDER BY c.signed_at, c.contract_id"""),
        {"i": institution_id, "s": list(students)},
    )
    return [OpenCharge(**row._mapping) for row in rows]


def signed_at(conn: Connection, institution_id: int, contract_ids: Collection[UUID]) -> dict[UUID, datetime]:
    """When contracts were signed."""
    rows = conn.execute(
        text("""SELECT contract_id, signed_at FROM ledger.contract
                WHERE institution_id = :i AND contract_id = ANY (CAST(:c AS uuid[]))"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return {row.contract_id: row.signed_at for row in rows}


def booking(conn: Connection, institution_id: int, contract_ids: Collection[UUID]) -> list[BookingFacts]:
    """What limits are asked about again when money is booked; contracts signed before rules were kept are left out."""
    signed = [one for one in find(conn, institution_id, ids=contract_ids) if one.rules is not None]
    known = courses(conn, institution_id, sorted({one.course_id for one in signed}))
    since = signed_at(conn, institution_id, [one.contract_id for one in signed])
    held: dict[UUID, list[OpenCharge]] = {}
    for charge in open_charges(conn, institution_id, {one.student_id for one in signed}):
        held.setdefault(charge.student_id, []).append(charge)
    return [
        BookingFacts(one, since[one.contract_id], known[one.course_id], tuple(held.get(one.student_id, ())))
        for one in signed
    ]


def rules(
    conn: Connection, institution_id: int, contract_ids: Collection[UUID]
) -> dict[UUID, Mapping[str, Any] | None]:
    """What the rulebook in force at signing says of contracts, as kept (``formats.contract_rules`` reads it)."""
    rows = conn.execute(
        text("""SELECT contract_id, rules FROM ledger.contract
                WHERE institution_id = :i AND contract_id = ANY (CAST(:c AS uuid[]))"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return {row.contract_id: row.rules for row in rows}


def ended(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> set[UUID]:
    """Contracts that take no more money: a refund of theirs was approved, or their money is on its way to another
    account or there.
    """
    rows = conn.scalars(
        text("""SELECT DISTINCT r.contract_id FROM ledger.refund r
                JOIN ledger.refund_step s USING (institution_id, refund_id)
                WHERE r.institution_id = :i AND r.contract_id = ANY (CAST(:c AS uuid[])) AND s.state = 'approved'"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return {*rows, *contract_move.elsewhere(conn, institution_id, contract_ids)}


def courses(conn: Connection, institution_id: int, ids: Sequence[UUID]) -> dict[UUID, CourseFacts]:
    """What rules ask of courses."""
    rows = conn.execute(
        text("""SELECT course_id, code, name, subject, category, stage, mode, lesson_price_fen FROM ledger.course
                WHERE institution_id = :i AND course_id = ANY (CAST(:c AS uuid[]))"""),
        {"i": institution_id, "c": list(ids)},
    )
    return {row.course_id: CourseFacts(**row._mapping) for row in rows}
