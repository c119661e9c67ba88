"""Orders on reserves, and the sums a reserve requirement is reckoned from."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.payout import ReserveOrder
from ledger.terms.reserve import MONTHS_OF_A_CHARGE, EnteredFacts, FundPosition, ReserveFacts

_ENTERED = ", ".join(EnteredFacts.__slots__)
# What families paid in, per entry: deposits and what was taken back or moved, not what a release gave and took.
PAID = """
    SELECT e.institution_id, e.entry_id, e.effective_on,
           t.amount_fen * CASE WHEN t.credit_class = 'claim' THEN 1 ELSE -1 END AS fen
    FROM ledger.journal_entry e
    JOIN ledger.transfer t USING (institution_id, entry_id)
    LEFT JOIN ledger.journal_entry o ON o.institution_id = e.institution_id AND o.entry_id = e.reverses
    JOIN ledger.posting_rule r ON r.claim_counter = 'paid' AND r.kind = coalesce(o.kind, e.kind)
     AND r.kind <> 'contract_moved_in'  -- paid before, in another account
     AND (r.debit_class, r.credit_class) = CASE WHEN o.kind IS NULL THEN (t.debit_class, t.credit_class)
                                                ELSE (t.credit_class, t.debit_class) END"""


def orders(conn: Connection, institution_id: int, document_nos: Sequence[str]) -> dict[str, ReserveOrder]:
    """Orders of an institution by document number."""
    columns = ", ".join(ReserveOrder.__slots__)
    rows = conn.execute(
        text(f"""SELECT {columns} FROM ledger.reserve_order
                 WHERE institution_id = :i AND document_no = ANY (CAST(:d AS text[]))"""),
        {"i": institution_id, "d": list(document_nos)},
    )
    return {row.document_no: ReserveOrder(**row._mapping) for row in rows}


def approved(conn: Connection, institution_id: int, order_id: UUID) -> bool:
    """Whether a second person confirmed the entry of an order."""
    return bool(
        conn.scalar(
            text("SELECT count(*) FROM ledger.approval WHERE institution_id = :i AND subject_id = :o"),
            {"i": institution_id, "o": order_id},
        )
    )


def facts(conn: Connection, institution_id: int, on: date, rolling_months: int = MONTHS_OF_A_CHARGE) -> ReserveFacts:
    """What the requirement of an institution is reckoned from, as the books stand now.

    ``undelivered_fen``: claims of all its families. Receipts count payments by accounting day: one charging period is
    three months up to ``on``, recent ones go back ``rolling_months``. The last quarter ended before that of ``on``.
    """
    row = conn.execute(
        text(f"""
        WITH paid AS ({PAID} WHERE e.institution_id = :i AND e.effective_on <= :on)
        SELECT coalesce(sum(b.claim_fen), 0) AS undelivered, count(DISTINCT c.student_id) FILTER (WHERE b.claim_fen
        > 0) AS students,
               (SELECT coalesce(sum(fen), 0) FROM paid
                WHERE effective_on > CAST(:on AS date) - make_interval(months => :charge)) AS period,
               (SELECT coalesce(sum(fen), 0) FROM paid
                WHERE effective_on > CAST(:on AS date) - make_interval(months => :months)) AS recent,
               (SELECT coalesce(sum(t.amount_fen * ((t.credit_class = 'claim')::int
                                                    - (t.debit_class = 'claim')::int)), 0)
                FROM ledger.journal_entry e JOIN ledger.transfer t USING (institution_id, entry_id)
                WHERE e.institution_id = :i AND t.contract_id IS NOT NULL
                  AND e.effective_on < date_trunc('quarter', CAST(:on AS date))) AS quarter,
               (SELECT coalesce(sum(fen), 0) FROM paid
                WHERE effective_on > CAST(:on AS date) - interval '1 year') AS year
        FROM ledger.contract_balance b JOIN ledger.contract c USING (institution_id, contract_id)
        WHERE b.institution_id = :i"""),
        {"i": institution_id, "on": on, "months": rolling_months, "charge": MONTHS_OF_A_CHARGE},
    ).one()
    return ReserveFacts(
        undelivered_fen=int(row.undelivered),
        balance_fen=int(row.undelivered),
        last_quarter_balance_fen=int(row.quarter),
        last_year_receipts_fen=int(row.year),
        last_year_income_fen=int(row.year),
        recent_payments_fen=int(row.recent),
        period_receipts_fen=int(row.period),
        students=int(row.students),
    )


def entered(conn: Connection, institution_id: int) -> EnteredFacts | None:
    """What was entered of an institution last, or None."""
    row = conn.execute(
        text(f"""SELECT {_ENTERED} FROM ledger.institution_fact WHERE institution_id = :i
                 ORDER BY recorded_at DESC LIMIT 1"""),
        {"i": institution_id},
    ).one_or_none()
    return None if row is None else EnteredFacts(**row._mapping)


def positions(conn: Connection, institution_id: int) -> tuple[list[FundPosition], int]:
    """Per fund what families are owed and what is due from the institution; and what its reserves hold, in fen."""
    rows = conn.execute(
        text("""SELECT f.kind, coalesce(sum(b.claim_fen), 0) AS claim, coalesce(sum(b.refund_due_fen), 0) AS refund_due,
                       coalesce(sum(b.due_fen), 0) AS due
                FROM ledger.fund f LEFT JOIN ledger.contract_balance b USING (institution_id, fund_no)
                WHERE f.institution_id = :i AND f.kind <> 'reserve' GROUP BY f.fund_no, f.kind ORDER BY f.fund_no"""),
        {"i": institution_id},
    )
    found = [FundPosition(row.kind == "custody", int(row.claim), int(row.refund_due), int(row.due)) for row in rows]
    held = conn.scalar(
        text("""SELECT coalesce(sum(credit_fen - debit_fen), 0) FROM ledger.balances(:i) WHERE class = 'reserve'"""),
        {"i": institution_id},
    )
    return found, int(held or 0)


def found_on(conn: Connection, institution_id: int, code: str, on: date) -> bool:
    """Whether a finding of this code was made of an institution on that day."""
    return bool(
        conn.scalar(
            text("""SELECT count(*) FROM ledger.finding
                    WHERE institution_id = :i AND code = :code AND found_on = :on"""),
            {"i": institution_id, "code": code, "on": on},
        )
    )
