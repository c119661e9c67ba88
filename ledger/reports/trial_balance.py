"""The trial balance: every account that ever moved, with both its sides, summed from the journal itself.

That the sums equal the balances kept is what ``custody verify`` checks (promises 03 and 08).
"""

from datetime import date

from sqlalchemy import Connection, text

from ledger.reports.journal import NAMING, account_name
from ledger.terms.journal import AccountBalance


def trial_balance(conn: Connection, as_of: date | None = None) -> list[AccountBalance]:
    """Every account with a posting up to the accounting day ``as_of`` (None: all), by name; sides in fen."""
    rows = conn.execute(
        text(f"""
        WITH sums AS (
            SELECT institution_id, fund_no, class, sum(debit_fen)::bigint AS debit_fen,
                   sum(credit_fen)::bigint AS credit_fen,
                   CASE WHEN class IN ('due', 'claim', 'refund_due') THEN contract_id END AS contract_id
            FROM ledger.posting WHERE CAST(:as_of AS date) IS NULL OR effective_on <= CAST(:as_of AS date)
            GROUP BY 1, 2, 3, 6)
        SELECT {account_name("p.class")} COLLATE "C" AS account, p.debit_fen, p.credit_fen
        FROM sums p {NAMING} ORDER BY 1"""),
        {"as_of": as_of},
    )
    return [AccountBalance(row.account, row.debit_fen, row.credit_fen) for row in rows]
