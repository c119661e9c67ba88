"""Files of running books in the books: offered by one person, approved by another; what an account's opening leaves."""

from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import journal
from ledger.terms.takeover import TakeoverProposal, opening_key


def find(conn: Connection, institution_id: int, sha256: bytes) -> TakeoverProposal | None:
    """The file with this SHA-256, as it was offered, or None."""
    row = conn.execute(
        text("""SELECT t.takeover_id, t.proposed_by, t.proposed_at, a.approved_by
                FROM ledger.takeover t
                LEFT JOIN ledger.approval a ON a.institution_id = t.institution_id AND a.subject_id = t.takeover_id
                WHERE t.institution_id = :i AND t.sha256 = :digest"""),
        {"i": institution_id, "digest": sha256},
    ).one_or_none()
    return None if row is None else TakeoverProposal(**row._mapping)


def lock(conn: Connection, institution_id: int) -> None:
    """One take-over of an institution after the other. Key space as ``books.contract.lock_signing``."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:i, 99998)"), {"i": institution_id})


def opening(conn: Connection, institution_id: int, fund_no: int) -> tuple[UUID, int] | None:
    """The item under which an account's opening balance waits in suspense, and what is left of it, in fen;
    None where it was opened with nothing.
    """
    row = conn.execute(
        text("""SELECT e.ref, b.credit_fen - b.debit_fen AS left_fen
                FROM ledger.request q
                JOIN ledger.journal_entry e ON e.institution_id = q.institution_id AND e.entry_id = q.entry_id
                JOIN ledger.item_balance b ON b.institution_id = e.institution_id AND b.item_id = e.ref
                                          AND b.fund_no = e.fund_no AND b.class = 'suspense'
                WHERE q.institution_id = :i AND q.request_key = :key AND e.fund_no = :f"""),
        {"i": institution_id, "f": fund_no, "key": journal.request_key(institution_id, opening_key(fund_no))},
    ).one_or_none()
    return None if row is None else (row.ref, int(row.left_fen))
