"""What release by the calendar is decided by: contracts that wait, what stops their clock, payments not shared yet."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.calendar import shanghai_day


@dataclass(frozen=True, slots=True)
class PaymentAhead:
    """A payment of a contract that may go ahead in part and has not yet. ``amount_fen`` is what was paid."""

    payment_id: UUID
    contract_id: UUID
    amount_fen: int


def waiting_contracts(conn: Connection, institution_id: int) -> list[UUID]:
    """Contracts that are not released hour by hour and have confirmed hours that are not released, in id order."""
    return list(
        conn.scalars(
            text("""SELECT c.contract_id FROM ledger.contract c
                    JOIN ledger.contract_balance b USING (institution_id, contract_id)
                    WHERE c.institution_id = :i AND c.rules -> 'release' ->> 'mode' <> 'per_hour'
                      AND b.hours_released < b.hours_total
                      AND EXISTS (SELECT FROM ledger.lesson_now l WHERE l.institution_id = c.institution_id
                                  AND l.contract_id = c.contract_id AND l.state = 'confirmed' AND l.hours > 0)
                    ORDER BY c.contract_id"""),
            {"i": institution_id},
        )
    )


def stops(
    conn: Connection, institution_id: int, contract_ids: Collection[UUID]
) -> dict[UUID, list[tuple[date, date | None]]]:
    """The days on which a refund was asked or an hour disputed, and when that was decided (None while it is open)."""
    rows = conn.execute(
        text("""SELECT r.contract_id, s.at AS first_at, CAST(NULL AS timestamptz) AS last_at, k.closed_on
                FROM ledger.refund r
                JOIN ledger.refund_step s ON s.institution_id = r.institution_id AND s.refund_id = r.refund_id
                                         AND s.step = 1
                LEFT JOIN ledger.refund_closed k ON k.institution_id = r.institution_id AND k.refund_id = r.refund_id
                WHERE r.institution_id = :i AND r.contract_id = ANY (CAST(:c AS uuid[]))
                UNION ALL
                SELECT l.contract_id, s.at, n.at, NULL
                FROM ledger.lesson l
                JOIN ledger.lesson_step s ON s.institution_id = l.institution_id AND s.lesson_id = l.lesson_id
                                         AND s.state = 'disputed'
                LEFT JOIN ledger.lesson_step n ON n.institution_id = s.institution_id AND n.lesson_id = s.lesson_id
                                              AND n.step = s.step + 1
                WHERE l.institution_id = :i AND l.contract_id = ANY (CAST(:c AS uuid[]))"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    found: dict[UUID, list[tuple[date, date | None]]] = {}
    for row in rows:
        last_on = row.closed_on if row.last_at is None else shanghai_day(row.last_at)
        found.setdefault(row.contract_id, []).append((shanghai_day(row.first_at), last_on))
    return found


def payments_ahead(conn: Connection, institution_id: int) -> list[PaymentAhead]:
    """Payments of custody contracts whose rules name a share ahead of teaching, none of which went ahead yet. Of
    one that was taken over what went ahead is what the institution owes already.
    """
    rows = conn.execute(
        text("""SELECT p.item_id AS payment_id, p.contract_id, p.credit_fen - p.debit_fen AS amount_fen
                FROM ledger.contract c
                JOIN ledger.item_balance p ON p.institution_id = c.institution_id AND p.contract_id = c.contract_id
                                          AND p.class = 'claim'
                JOIN ledger.fund f ON f.institution_id = p.institution_id AND f.fund_no = p.fund_no
                                  AND f.kind = 'custody'
                WHERE c.institution_id = :i AND c.rules -> 'release' ->> 'ahead_percent_max' <> '0'
                  AND p.credit_fen > p.debit_fen
                  AND NOT EXISTS (SELECT FROM ledger.journal_entry e WHERE e.institution_id = p.institution_id
                                  AND e.ref = p.item_id AND e.kind = 'released_ahead')
                  AND NOT EXISTS (SELECT FROM ledger.taken_over_payment o WHERE o.institution_id = p.institution_id
                                  AND o.payment_id = p.item_id)
                ORDER BY p.contract_id, p.item_id"""),
        {"i": institution_id},
    )
    return [PaymentAhead(**row._mapping) for row in rows]
