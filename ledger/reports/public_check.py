"""What the public check of an institution reads: its accounts, what they must hold, what is there."""

from sqlalchemy import Connection, text

from ledger.books import reserve
from ledger.terms.institution import Institution
from ledger.terms.journal import FundKind
from ledger.terms.public_check import PublicAccount, PublicFacts

_TAIL = 4


def facts(conn: Connection, code: str) -> PublicFacts | None:
    """The institution with this code, or None."""
    row = conn.execute(
        text(f"SELECT {', '.join(Institution.__slots__)} FROM ledger.institution WHERE code = :code"), {"code": code}
    ).one_or_none()
    if row is None:
        return None
    institution = Institution(**row._mapping)
    positions, held_fen = reserve.positions(conn, institution.institution_id)
    custody = [one for one in positions if one.is_custody]
    return PublicFacts(
        institution,
        tuple(_accounts(conn, institution.institution_id)),
        sum(one.claim_fen + one.refund_due_fen for one in custody),
        sum(one.due_fen for one in custody),
        held_fen,
    )


def _accounts(conn: Connection, institution_id: int) -> list[PublicAccount]:
    rows = conn.execute(
        text("""SELECT f.kind, f.bank_name, f.account_no,
                       (SELECT max(s.last_on) FROM ledger.statement_now s WHERE s.institution_id = f.institution_id
                        AND s.fund_no = f.fund_no AND s.believed) AS booked_through,
                       CASE WHEN c.closed_through >= f.opened_on THEN c.closed_through END AS closed_through
                FROM ledger.fund f JOIN ledger.close c USING (institution_id, fund_no)
                WHERE f.institution_id = :i AND f.account_no IS NOT NULL ORDER BY f.fund_no"""),
        {"i": institution_id},
    )
    return [
        PublicAccount(
            FundKind(row.kind), row.bank_name, row.account_no[-_TAIL:], row.booked_through, row.closed_through
        )
        for row in rows
    ]
