"""Refunds in the books: found by id, by contract, or because an answer or a payment is due."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books.register import lock_contracts
from ledger.terms.refund import Cause
from ledger.terms.refund_request import CauseDecision, OwnRecords, Refund, RefundState

_SELECT = """
    SELECT r.refund_id, r.contract_id, b.fund_no, r.cause, r.amount_fen, r.hold_id, r.asked_on, r.asked_by, r.answer_by,
           r.pay_by, r.state, r.step, coalesce((r.worksheet ->> 'overcharge_fen')::bigint, 0) AS overcharge_fen,
           coalesce((r.worksheet ->> 'extra_fen')::bigint, 0) AS extra_fen,
           coalesce((r.worksheet ->> 'disputed_fen')::bigint, 0) AS disputed_fen, r.delayed_after
    FROM ledger.refund_now r JOIN ledger.contract_balance b USING (institution_id, contract_id)
    WHERE r.institution_id = :i"""


def by_id(conn: Connection, institution_id: int, refund_ids: Sequence[UUID]) -> dict[UUID, Refund]:
    """Refunds by id; unknown ones are left out."""
    sql = f"{_SELECT} AND r.refund_id = ANY (CAST(:ids AS uuid[]))"
    return {refund.refund_id: refund for refund in _read(conn, sql, {"i": institution_id, "ids": list(refund_ids)})}


def of_contracts(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, list[Refund]]:
    """Every refund of some contracts, oldest first."""
    sql = f"{_SELECT} AND r.contract_id = ANY (CAST(:ids AS uuid[])) ORDER BY r.refund_id"
    found: dict[UUID, list[Refund]] = {}
    for refund in _read(conn, sql, {"i": institution_id, "ids": list(contract_ids)}):
        found.setdefault(refund.contract_id, []).append(refund)
    return found


def unanswered(conn: Connection, institution_id: int, today: date) -> list[Refund]:
    """Refunds the institution has not answered by the last day it had."""
    sql = f"{_SELECT} AND r.answer_by < :today AND r.state = 'asked' ORDER BY r.refund_id"
    return _read(conn, sql, {"i": institution_id, "today": today})


def in_state(conn: Connection, institution_id: int, state: RefundState) -> list[UUID]:
    """The ids of an institution's refunds in a state, oldest first."""
    sql = f"{_SELECT} AND r.state = :state ORDER BY r.refund_id"
    return [refund.refund_id for refund in _read(conn, sql, {"i": institution_id, "state": state.value})]


def overdue(conn: Connection, institution_id: int, today: date) -> list[Refund]:
    """Refunds that should have been paid and are not, and that carry no overdue mark yet."""
    return _unmarked(conn, institution_id, today, "pay_by", "REFUND_OVERDUE")


def delayed(conn: Connection, institution_id: int, today: date) -> list[Refund]:
    """Refunds whose delay counts as deliberate, and that carry no such mark yet."""
    return _unmarked(conn, institution_id, today, "delayed_after", "REFUND_DELAYED")


def _unmarked(conn: Connection, institution_id: int, today: date, last_day: str, code: str) -> list[Refund]:
    sql = f"""{_SELECT} AND r.{last_day} < :today AND r.state NOT IN ('paid', 'withdrawn', 'refused')
              AND NOT EXISTS (SELECT FROM ledger.finding f WHERE f.institution_id = r.institution_id
                              AND f.code = :code AND f.ref = r.refund_id) ORDER BY r.refund_id"""
    return _read(conn, sql, {"i": institution_id, "today": today, "code": code})


def locked(conn: Connection, institution_id: int, refund_ids: Sequence[UUID]) -> dict[UUID, Refund]:
    """Refunds as they stand once their contracts are locked."""
    found = by_id(conn, institution_id, refund_ids)
    lock_contracts(conn, institution_id, [refund.contract_id for refund in found.values()])
    return by_id(conn, institution_id, refund_ids)


def step(
    institution_id: int, refund_id: UUID, number: int, state: RefundState, actor: str, now: datetime, reason: str = "",
    entry_id: UUID | None = None,
) -> dict[str, object]:  # fmt: skip
    """A row of ledger.refund_step."""
    return {
        "institution_id": institution_id, "refund_id": refund_id, "step": number, "state": state, "at": now,
        "actor": actor, "reason": reason, "entry_id": entry_id,
    }  # fmt: skip


def worksheets(conn: Connection, institution_id: int, refund_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
    """The kept worksheets of refunds, under the decided cause where one was decided."""
    return _column(conn, institution_id, refund_ids, "worksheet")


def dates(conn: Connection, institution_id: int, refund_ids: Sequence[UUID]) -> dict[UUID, list[dict[str, Any]]]:
    """The newest dates of refunds with the rule that gives each; none for refunds asked before they were kept."""
    return _column(conn, institution_id, refund_ids, "dates")


def _column(conn: Connection, institution_id: int, refund_ids: Sequence[UUID], name: str) -> dict[UUID, Any]:
    rows = conn.execute(
        text(f"""SELECT r.refund_id, r.{name} AS found FROM ledger.refund_now r
                 WHERE r.institution_id = :i AND r.refund_id = ANY (CAST(:ids AS uuid[])) AND r.{name} IS NOT NULL"""),
        {"i": institution_id, "ids": list(refund_ids)},
    )
    return {row.refund_id: row.found for row in rows}


def provisional(conn: Connection, institution_id: int) -> list[tuple[Refund, int, list[dict[str, Any]]]]:
    """Open refunds with a date that waits for a holiday notice: the refund, how often its dates were renewed, dates."""
    rows = conn.execute(
        text("""SELECT r.refund_id, r.dates, (SELECT count(*) FROM ledger.refund_date x
                       WHERE x.institution_id = r.institution_id AND x.refund_id = r.refund_id) AS renewals
                FROM ledger.refund_now r
                WHERE r.institution_id = :i AND r.state NOT IN ('paid', 'withdrawn', 'refused')
                  AND r.dates @> '[{"provisional": true}]'"""),
        {"i": institution_id},
    ).all()
    found = by_id(conn, institution_id, [row.refund_id for row in rows])
    return [(found[row.refund_id], row.renewals, row.dates) for row in rows]


def keeping(conn: Connection, institution_id: int) -> list[UUID]:
    """The newest refunds of contracts that are paid, where something of the claim was kept for hours in dispute and
    every one of them is decided to be taught. An hour that came back since the refund was asked is the family's.
    """
    return list(
        conn.scalars(
            text("""SELECT r.refund_id FROM ledger.refund_now r
                    JOIN ledger.contract_balance b USING (institution_id, contract_id)
                    JOIN ledger.refund_step f ON f.institution_id = r.institution_id AND f.refund_id = r.refund_id
                                             AND f.step = 1
                    WHERE r.institution_id = :i AND r.state = 'paid' AND b.claim_fen > 0
                      AND NOT EXISTS (SELECT FROM ledger.lesson_now l WHERE l.institution_id = r.institution_id
                                      AND l.contract_id = r.contract_id
                                      AND (l.state = 'disputed' OR (l.state = 'reversed' AND l.state_at >= f.at)))
                      AND NOT EXISTS (SELECT FROM ledger.refund_now x WHERE x.institution_id = r.institution_id
                                      AND x.contract_id = r.contract_id AND x.refund_id > r.refund_id
                                      AND x.state NOT IN ('withdrawn', 'refused'))
                    ORDER BY r.refund_id"""),
            {"i": institution_id},
        )
    )


def decisions(conn: Connection, institution_id: int, refund_ids: Sequence[UUID]) -> list[CauseDecision]:
    """What was decided of the causes of refunds, oldest first, confirmed or waiting for the second person."""
    rows = conn.execute(
        text("""SELECT d.decision_id, d.refund_id, d.cause, d.office, d.evidence,
                       encode(d.evidence_digest, 'hex') AS evidence_digest, d.amount_fen, d.decided_on, d.entered_by,
                       a.approved_by AS confirmed_by
                FROM ledger.refund_cause d
                LEFT JOIN ledger.approval a ON a.institution_id = d.institution_id AND a.subject_id = d.decision_id
                WHERE d.institution_id = :i AND d.refund_id = ANY (CAST(:ids AS uuid[])) ORDER BY d.decision_id"""),
        {"i": institution_id, "ids": list(refund_ids)},
    )
    return [CauseDecision(**{**row._mapping, "cause": Cause(row.cause)}) for row in rows]


def own_records(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, OwnRecords]:
    """What the books show of contracts: the cap of the course, sales at the list price, the same service before."""
    rows = conn.execute(
        text("""
            SELECT c.contract_id, k.cap_fen AS price_cap_fen,
                   EXISTS (SELECT FROM ledger.contract o
                           JOIN ledger.contract_balance b USING (institution_id, contract_id)
                           WHERE o.institution_id = c.institution_id AND o.course_id = c.course_id
                             AND o.contract_id <> c.contract_id AND o.signed_on <= c.signed_on AND b.paid_fen > 0
                             AND o.price_fen * 100 >= c.list_price_fen * (o.hours_bought + o.hours_gifted))
                   AS list_price_sold,
                   EXISTS (SELECT FROM ledger.contract o
                           JOIN ledger.contract_balance b USING (institution_id, contract_id)
                           JOIN ledger.course x USING (institution_id, course_id)
                           WHERE o.institution_id = c.institution_id AND o.student_id = c.student_id
                             AND x.subject = k.subject AND o.signed_on < c.signed_on AND b.hours_released > 0)
                   AS same_service_before
            FROM ledger.contract c JOIN ledger.course k USING (institution_id, course_id)
            WHERE c.institution_id = :i AND c.contract_id = ANY (CAST(:ids AS uuid[]))"""),
        {"i": institution_id, "ids": list(contract_ids)},
    )
    return {
        row.contract_id: OwnRecords(row.price_cap_fen, row.list_price_sold, row.same_service_before) for row in rows
    }


def paid_days(
    conn: Connection, institution_id: int, contract_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[date, int]]]:
    """The days and amounts (fen) of the payments of contracts, oldest first; those taken over have their own."""
    rows = conn.execute(
        text("""SELECT t.contract_id, coalesce(o.paid_on, e.effective_on) AS paid_on, t.amount_fen
                FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)
                LEFT JOIN ledger.taken_over_payment o ON o.institution_id = t.institution_id
                                                     AND o.payment_id = t.credit_item
                WHERE t.institution_id = :i AND t.credit_class = 'claim' AND t.contract_id = ANY (CAST(:ids AS uuid[]))
                  AND e.kind IN ('deposit', 'provider_deposit', 'suspense_assigned', 'prepaid_to_institution',
                  'deposit_moved',
                                 'contract_moved_in', 'taken_over')
                ORDER BY t.contract_id, paid_on, e.entry_id"""),
        {"i": institution_id, "ids": list(contract_ids)},
    )
    found: dict[UUID, list[tuple[date, int]]] = {}
    for row in rows:
        found.setdefault(row.contract_id, []).append((row.paid_on, row.amount_fen))
    return found


def _read(conn: Connection, sql: str, arguments: dict[str, object]) -> list[Refund]:
    return [
        Refund(**{**row._mapping, "cause": Cause(row.cause), "state": RefundState(row.state)})
        for row in conn.execute(text(sql), arguments)
    ]
