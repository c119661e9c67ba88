"""What the price rules are asked about: every contract signed by a day, at the price in force on it. Facts alone."""

from collections.abc import Iterator, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.price_cap import Category, ContractPrice, Course, Mode, Stage

# One pass over the contracts of an institution (primary key), so that a city's million rows stream by.
_CONTRACTS = """
    SELECT i.code AS institution, i.place, i.zone, c.contract_id, c.contract_no, c.course_id, k.code AS course_code,
           k.stage, k.category, k.mode, k.class_size, k.minutes, k.lesson_price_fen,
           coalesce(p.price_fen, c.price_fen) AS price_fen, c.list_price_fen, c.hours_bought, c.hours_gifted,
           c.signed_on, c.rulebook_digest
    FROM ledger.contract c
    JOIN ledger.institution i USING (institution_id)
    JOIN ledger.course k USING (institution_id, course_id)
    LEFT JOIN LATERAL (SELECT price_fen FROM ledger.contract_price x
                       WHERE (x.institution_id, x.contract_id) = (c.institution_id, c.contract_id) AND x.since <= :on
                       ORDER BY x.since DESC LIMIT 1) p ON true
    WHERE c.institution_id = :i AND c.signed_on <= :on
      AND NOT EXISTS (SELECT FROM ledger.contract_move m  -- the same contract in another account
                      WHERE m.institution_id = c.institution_id AND m.successor_id = c.contract_id)"""
# Its own text: with one for both, a plan made once for all would read every contract to find a few.
_SOME = " AND c.contract_id = ANY (CAST(:ids AS uuid[]))"


def contracts(
    conn: Connection, institution_id: int, on: date, ids: Sequence[UUID] | None = None
) -> Iterator[ContractPrice]:
    """The contracts of an institution signed on or before ``on`` (only ``ids`` where given), by number, at the price in
    force on ``on``.
    """
    sql = f"{_CONTRACTS}{'' if ids is None else _SOME} ORDER BY c.contract_no"
    for row in conn.execute(text(sql), {"i": institution_id, "on": on, "ids": list(ids or ())}):
        yield ContractPrice(
            institution=row.institution,
            place=row.place,
            zone=row.zone,
            contract_id=row.contract_id,
            contract_no=row.contract_no,
            course_id=row.course_id,
            course_code=row.course_code,
            course=Course(
                Stage(row.stage),
                Category(row.category),
                Mode(row.mode),
                row.class_size,
                row.minutes,
                row.lesson_price_fen,
            ),
            price_fen=row.price_fen,
            list_price_fen=row.list_price_fen,
            hours_bought=row.hours_bought,
            hours_gifted=row.hours_gifted,
            signed_on=row.signed_on,
            rulebook_digest=row.rulebook_digest.hex(),
        )
