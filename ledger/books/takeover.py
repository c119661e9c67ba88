"""Files of running books in the books: offered by one person, approved by another; what an account's opening leaves."""

from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import journal
from ledger.books import lesson as lessons
from ledger.terms.institution import Payee
from ledger.terms.lesson import LessonState
from ledger.terms.takeover import LESSON_NO, TakeoverProposal, opening_key
from ledger.vault import Vault


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


def payment_row(
    vault: Vault, institution_id: int, contract_id: UUID, payment_id: UUID, paid_on: date, amount_fen: int,
    payer: Payee | None,
) -> dict[str, object]:  # fmt: skip
    """A row of ledger.taken_over_payment."""

    def sealed(column: str, value: str) -> bytes:
        return vault.seal(value, "taken_over_payment", column, payment_id)

    return {
        "institution_id": institution_id, "payment_id": payment_id, "contract_id": contract_id, "paid_on": paid_on,
        "amount_fen": amount_fen, "payer_name_sealed": sealed("payer_name", payer.name) if payer else None,
        "payer_account_sealed": sealed("payer_account", payer.account) if payer else None,
        "payer_bank": payer.bank_no if payer else None,
    }  # fmt: skip


def lesson_rows(
    institution_id: int, lesson_id: UUID, contract_id: UUID, on: date, hours: int, mode: str, entry_id: UUID | None,
    actor: str, now: datetime,
) -> tuple[dict[str, object], list[dict[str, object]]]:  # fmt: skip
    """The one lesson that stands for all hours (hundredths) taught before ``on``, and its steps; ``entry_id``: the
    entry that released them.
    """
    lesson = {
        "institution_id": institution_id, "lesson_id": lesson_id, "contract_id": contract_id, "lesson_no": LESSON_NO,
        "taught_on": on, "starts_at": time(), "minutes": 0, "hours": hours, "teacher": "", "room": "", "mode": mode,
        "attendance": "present", "flags": [], "answer_until": None, "recorded_at": now, "recorded_by": actor,
    }  # fmt: skip
    states = (LessonState.RECORDED, None), (LessonState.CONFIRMED, None), (LessonState.RELEASED, entry_id)
    steps = [
        lessons.step(institution_id, lesson_id, n, state, actor, now, LESSON_NO, by)
        for n, (state, by) in enumerate(states, 1)
    ]
    return lesson, steps
