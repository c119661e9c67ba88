"""What the daily figures read: accounts by class, open items, breaks, and shortfalls no break names yet."""

from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import payout
from ledger.terms.institution import Fund
from ledger.terms.reconcile import Break, DayFigures, OpenDay

_ITEM_CLASSES = ("suspense", "in_transit", "difference")


def unnamed_shortfalls(conn: Connection, institution_id: int, fund_no: int) -> list[tuple[UUID, int]]:
    """Contracts with a due that their newest shortfall break does not name to the fen: contract and fen."""
    rows = conn.execute(
        text("""SELECT b.contract_id, b.due_fen FROM ledger.contract_balance b
                LEFT JOIN LATERAL (SELECT k.amount_fen FROM ledger.break k
                                   WHERE k.institution_id = b.institution_id AND k.contract_id = b.contract_id
                                     AND k.kind = 'shortfall' ORDER BY k.break_id DESC LIMIT 1) x ON true
                WHERE b.institution_id = :i AND b.fund_no = :f AND b.due_fen > 0
                  AND b.due_fen IS DISTINCT FROM x.amount_fen ORDER BY b.contract_id"""),
        {"i": institution_id, "f": fund_no},
    )
    return [(row.contract_id, int(row.due_fen)) for row in rows]


def figures(conn: Connection, fund: Fund, on: date, statement: tuple[str, int, int, str] | None) -> DayFigures:
    """The figures of an account at the end of the legal day ``on``, against its last believed statement up to then.

    Accounts and items are read as they are kept, and what was booked for later days is taken off both: a past day can
    be asked for, and the kept rows are still what is checked. Breaks are those open now.
    """
    sums = payout.account_sums(conn, fund.institution_id, fund.fund_no)
    later = _booked_after(conn, fund, on)
    sums = {name: fen - later.get(name, 0) for name, fen in sums.items()}
    items: dict[str, int] = {}
    for name, open_fen in conn.execute(
        text("""SELECT class::text, sum(credit_fen - debit_fen)::bigint FROM ledger.item_balance
                WHERE institution_id = :i AND fund_no = :f AND class IN ('suspense', 'in_transit', 'difference')
                GROUP BY class"""),
        {"i": fund.institution_id, "f": fund.fund_no},
    ):
        items[name] = open_fen
    assert fund.account_no is not None, "figures are of a bank account"
    return DayFigures(
        institution_id=fund.institution_id,
        account_no=fund.account_no,
        on=on,
        statement_id=statement[0] if statement else None,
        bank_fen=statement[2] if statement else None,
        book_fen=sums.get("bank", 0),
        classes=sums,
        items_fen={name: items.get(name, 0) - later.get(name, 0) for name in _ITEM_CLASSES},
        breaks=tuple(breaks(conn, fund)),
    )


def _booked_after(conn: Connection, fund: Fund, on: date) -> dict[str, int]:
    """What each class of a fund moved by, on its normal side in fen, in entries of accounting days after ``on``."""
    rows = conn.execute(
        text("""SELECT p.class::text AS class,
                       sum((p.debit_fen - p.credit_fen) * CASE WHEN r.debit_normal THEN 1 ELSE -1 END)::bigint AS fen
                FROM ledger.posting p JOIN ledger.class_rule r USING (class)
                WHERE p.institution_id = :i AND p.fund_no = :f AND p.effective_on > :on GROUP BY p.class"""),
        {"i": fund.institution_id, "f": fund.fund_no, "on": on},
    )
    return {row[0]: row.fen for row in rows}


def breaks(conn: Connection, fund: Fund) -> list[Break]:
    """Open breaks of an account, oldest first: differences not made good, shortfalls that still stand, and payments the
    bank contradicts itself on until a line of its statement that came later answers.
    """
    rows = conn.execute(
        text("""SELECT k.break_id, k.kind, k.amount_fen, k.owner, k.reason, k.opened_on, k.due_on, c.contract_no
                FROM ledger.break k
                LEFT JOIN ledger.contract c ON c.institution_id = k.institution_id AND c.contract_id = k.contract_id
                LEFT JOIN ledger.contract_balance b
                       ON b.institution_id = k.institution_id AND b.contract_id = k.contract_id
                LEFT JOIN ledger.item_balance d ON d.institution_id = k.institution_id AND d.item_id = k.break_id
                                               AND d.class = 'difference'
                WHERE k.institution_id = :i AND k.fund_no = :f
                  AND CASE WHEN k.kind = 'shortfall' THEN b.due_fen = k.amount_fen
                           WHEN k.kind = 'status_contradicts' THEN NOT EXISTS (
                               SELECT FROM ledger.line_match m WHERE m.institution_id = k.institution_id
                               AND m.ref = k.ref AND m.line_id > k.break_id)
                           ELSE d.debit_fen IS DISTINCT FROM d.credit_fen END
                ORDER BY k.break_id"""),
        {"i": fund.institution_id, "f": fund.fund_no},
    )
    return [Break(**row._mapping) for row in rows]


def open_days(conn: Connection, fund: Fund, on: date, unidentified: str, not_received: str) -> list[OpenDay]:
    """What is open in an account and no break, by day: money in suspense (that no day says of, from when the account
    was opened) and announced payments of days up to ``on`` that no line has covered. As they stand now.
    """
    rows = conn.execute(
        text("""SELECT :unidentified AS kind, coalesce(l.booked_on, :opened) AS opened_on, count(*) AS count,
                       sum(b.credit_fen - b.debit_fen)::bigint AS fen
                FROM ledger.item_balance b
                LEFT JOIN ledger.statement_line l ON l.institution_id = b.institution_id AND l.line_id = b.item_id
                WHERE b.institution_id = :i AND b.fund_no = :f AND b.class = 'suspense' AND b.debit_fen <> b.credit_fen
                  AND coalesce(l.booked_on, :opened) <= :on
                GROUP BY 2
                UNION ALL
                SELECT :not_received, a.paid_on, count(*), sum(a.amount_fen - coalesce(m.fen, 0))::bigint
                FROM ledger.announced_payment a
                LEFT JOIN (SELECT payment_id, sum(amount_fen + fee_fen) AS fen FROM ledger.match_now
                           WHERE institution_id = :i AND fund_no = :f GROUP BY 1) m USING (payment_id)
                WHERE a.institution_id = :i AND a.fund_no = :f AND a.paid_on <= :on
                  AND a.amount_fen > coalesce(m.fen, 0)
                GROUP BY 2"""),
        {"i": fund.institution_id, "f": fund.fund_no, "on": on, "opened": fund.opened_on,
         "unidentified": unidentified, "not_received": not_received},
    )  # fmt: skip
    return [OpenDay(row.kind, row.opened_on, None, row[2], row.fen) for row in rows]
