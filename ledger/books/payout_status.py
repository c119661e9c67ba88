"""What banks reported of our payments, in the books: reports as they came, and the steps of each payment."""

from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.journal import AccountClass
from ledger.terms.payout_status import PaymentState, SentPayment


def payments(conn: Connection, institution_id: int, batch_id: UUID) -> list[SentPayment]:
    """The payments of a batch with what the books and the bank's last forward step say of each, in end-to-end order."""
    rows = conn.execute(
        text("""SELECT n.instruction_id, n.end_to_end_id, n.fund_no, n.source, n.amount_fen, n.contract_id, n.refund_id,
                       n.line_id, n.state AS books, s.state AS said, coalesce(m.step, 0) AS step
                FROM ledger.instruction_now n
                LEFT JOIN LATERAL (SELECT x.state FROM ledger.instruction_step x
                                   WHERE x.institution_id = n.institution_id AND x.instruction_id = n.instruction_id
                                     AND x.kind = 'forward' ORDER BY x.step DESC LIMIT 1) s ON true
                LEFT JOIN LATERAL (SELECT max(x.step) AS step FROM ledger.instruction_step x
                                   WHERE x.institution_id = n.institution_id
                                     AND x.instruction_id = n.instruction_id) m ON true
                WHERE n.institution_id = :i AND n.batch_id = :b ORDER BY n.end_to_end_id"""),
        {"i": institution_id, "b": batch_id},
    )
    return [
        SentPayment(
            **{
                **row._mapping,
                "source": AccountClass(row.source),
                "said": None if row.said is None else PaymentState(row.said),
            }
        )
        for row in rows
    ]


def known_report(conn: Connection, institution_id: int, sha256: str) -> UUID | None:
    """The report of these very bytes (SHA-256, hex), if it was taken before."""
    found: UUID | None = conn.scalar(
        text("SELECT report_id FROM ledger.payout_report WHERE institution_id = :i AND sha256 = :d"),
        {"i": institution_id, "d": bytes.fromhex(sha256)},
    )
    return found
