"""What a day's close reads and keeps: statements, open items, late lines, proposals and certificates."""

from datetime import date

from sqlalchemy import Connection, text

from ledger.terms.close import (
    Certificate,
    CloseAction,
    CloseProposal,
    DayStatement,
    LateLine,
    OpenItem,
)
from ledger.terms.institution import Fund


def lock(conn: Connection, institution_id: int) -> None:
    """Keep every posting out of an institution's books until this transaction ends, as closing a day does."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:i, 0)"), {"i": institution_id})


def statements(conn: Connection, fund: Fund, after: date, on: date) -> tuple[list[DayStatement], list[DayStatement]]:
    """The believed statements whose last day is after ``after`` and up to ``on``, in order; those held too."""
    rows = conn.execute(
        text("""SELECT statement_id, sequence, opening_fen, closing_fen, first_on, last_on, lines,
                        encode(file_sha256, 'hex') AS file_sha256, believed, class AS class_
                 FROM ledger.statement_now
                 WHERE institution_id = :i AND fund_no = :f
                   AND CASE WHEN believed THEN last_on > :after AND last_on <= :on
                            ELSE verdict = 'hold' AND first_on <= :on END ORDER BY place"""),
        {"i": fund.institution_id, "f": fund.fund_no, "after": after, "on": on},
    )
    found = [DayStatement(**row._mapping) for row in rows]
    return [one for one in found if one.believed], [one for one in found if not one.believed]


def items(conn: Connection, fund: Fund, on: date) -> list[OpenItem]:
    """What suspense, in transit and difference are made of at the end of ``on``, in id order.

    The kept rows, less what entries of later days moved: a past day can be asked for.
    """
    rows = conn.execute(
        text("""
        WITH later AS (
            SELECT e.institution_id, s.item, s.class, sum(s.fen) AS fen
            FROM ledger.journal_entry e JOIN ledger.transfer t USING (institution_id, entry_id)
            CROSS JOIN LATERAL (VALUES (t.debit_item, t.debit_class, -t.amount_fen::bigint),
                                       (t.credit_item, t.credit_class, t.amount_fen::bigint)) s (item, class, fen)
            WHERE e.institution_id = :i AND e.fund_no = :f AND e.effective_on > :on AND s.item IS NOT NULL
              AND s.class IN ('suspense', 'in_transit', 'difference') GROUP BY 1, 2, 3),
        moved AS (
            SELECT b.institution_id, b.item_id, b.class, (b.credit_fen - b.debit_fen)::bigint AS fen
            FROM ledger.item_balance b
            WHERE b.institution_id = :i AND b.fund_no = :f AND b.debit_fen <> b.credit_fen
              AND b.class IN ('suspense', 'in_transit', 'difference')
            UNION ALL SELECT r.institution_id, r.item, r.class, -r.fen FROM later r WHERE r.institution_id = :i),
        open AS (SELECT m.institution_id, m.item_id, m.class, sum(m.fen)::bigint AS fen FROM moved m
                 WHERE m.institution_id = :i GROUP BY 1, 2, 3 HAVING sum(m.fen) <> 0)
        SELECT o.item_id, o.class::text AS account, o.fen,
               coalesce(n.end_to_end_id, l.statement_id || ' ' || l.ord, k.kind, '') AS name
        FROM open o
        LEFT JOIN ledger.instruction n ON n.institution_id = o.institution_id AND n.instruction_id = o.item_id
        LEFT JOIN ledger.statement_line l ON l.institution_id = o.institution_id AND l.line_id = o.item_id
        LEFT JOIN ledger.break k ON k.institution_id = o.institution_id AND k.break_id = o.item_id
        WHERE o.institution_id = :i ORDER BY o.class, o.item_id"""),
        {"i": fund.institution_id, "f": fund.fund_no, "on": on},
    )
    return [OpenItem(**row._mapping) for row in rows]


def late_lines(conn: Connection, fund: Fund, closed_through: date, on: date) -> list[LateLine]:
    """Lines the bank booked on a closed day that came when it was closed, and count on a day up to ``on``."""
    rows = conn.execute(
        text("""SELECT l.statement_id, l.ord, l.booked_on, e.effective_on, l.amount_fen, l.credit, m.kind
                FROM ledger.statement_line l
                JOIN ledger.line_match m ON m.institution_id = l.institution_id AND m.line_id = l.line_id
                JOIN ledger.journal_entry e ON e.institution_id = m.institution_id AND e.entry_id = m.entry_id
                WHERE l.institution_id = :i AND l.fund_no = :f AND l.booked_on <= :closed
                  AND e.effective_on > :closed AND e.effective_on <= :on ORDER BY l.line_id"""),
        {"i": fund.institution_id, "f": fund.fund_no, "closed": closed_through, "on": on},
    )
    return [LateLine(**row._mapping) for row in rows]


def last_proposal(conn: Connection, institution_id: int, fund_no: int) -> CloseProposal | None:
    """The newest proposal of a fund, approved or waiting."""
    row = conn.execute(
        text("""SELECT p.proposal, p.action, p.through, p.figures_digest, p.reason, p.proposed_at, p.proposed_by,
                       c.record IS NOT NULL AS approved
                FROM ledger.close_proposal p
                LEFT JOIN ledger.certificate c USING (institution_id, fund_no, proposal)
                WHERE p.institution_id = :i AND p.fund_no = :f ORDER BY p.proposal DESC LIMIT 1"""),
        {"i": institution_id, "f": fund_no},
    ).one_or_none()
    if row is None:
        return None
    return CloseProposal(
        row.proposal, CloseAction(row.action), row.through, bytes(row.figures_digest), row.reason, row.proposed_at,
        row.proposed_by, row.approved,
    )  # fmt: skip


def certificates(conn: Connection, institution_id: int, fund_no: int | None = None) -> list[Certificate]:
    """The certificates of a fund (of all funds of an institution when None), by fund and record."""
    rows = conn.execute(
        text("""SELECT c.*, EXISTS (SELECT FROM ledger.certificate r WHERE r.institution_id = c.institution_id
                                    AND r.fund_no = c.fund_no AND r.record > c.record AND r.action = 'reopen'
                                    AND c.action = 'close' AND r.through < c.through) AS voided
                FROM ledger.certificate c
                WHERE c.institution_id = :i AND (CAST(:all AS boolean) OR c.fund_no = :f)
                ORDER BY c.fund_no, c.record"""),
        {"i": institution_id, "all": fund_no is None, "f": fund_no},
    )
    return [
        Certificate(
            row.fund_no, row.record, CloseAction(row.action), row.through, bytes(row.content), bytes(row.sha256),
            None if row.previous is None else bytes(row.previous), row.key_no, bytes(row.signature), row.proposed_by,
            row.approved_by, row.signed_at, row.voided,
        )
        for row in rows
    ]  # fmt: skip
