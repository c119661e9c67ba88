"""Notices of refunds in the books: who is to be told, what was told, what was handed over."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, text

from ledger.books import record
from ledger.terms.notice import Notice, OpenRefund
from ledger.terms.refund_request import RefundState
from ledger.vault import Vault

_REFUNDS = """
    SELECT r.refund_id, b.guardian_id, r.amount_fen, r.asked_on, r.answer_by, r.pay_by, r.state,
           i.office_phone AS phone,
           ARRAY(SELECT n.day FROM ledger.notice n WHERE n.institution_id = r.institution_id
                 AND n.refund_id = r.refund_id AND n.guardian_id = b.guardian_id) AS told
    FROM ledger.refund_now r
    JOIN ledger.contract c USING (institution_id, contract_id)
    JOIN ledger.guardianship b ON b.institution_id = c.institution_id AND b.student_id = c.student_id
    JOIN ledger.institution i ON i.institution_id = r.institution_id
    WHERE r.institution_id = :i"""


def lock(conn: Connection, institution_id: int) -> None:
    """One teller of an institution at a time. Key space as ``books.contract.lock_signing``."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:i, 99997)"), {"i": institution_id})


def open_refunds(conn: Connection, institution_id: int) -> list[OpenRefund]:
    """The refunds that are not closed, once for every guardian, oldest first."""
    sql = f"{_REFUNDS} AND r.state NOT IN ('paid', 'withdrawn', 'refused') ORDER BY r.refund_id, b.guardian_id"
    return [_refund(row) for row in conn.execute(text(sql), {"i": institution_id}).mappings()]


def keep(conn: Connection, institution_id: int, told: Sequence[tuple[OpenRefund, int, str]], now: datetime) -> int:
    """Keep that these are to be told (refund and guardian, day, kind); how many."""
    return record.insert(conn, "notice", [{
        "institution_id": institution_id, "refund_id": one.refund_id, "day": day, "guardian_id": one.guardian_id,
        "kind": kind, "made_at": now,
    } for one, day, kind in told])  # fmt: skip


def unsent(conn: Connection, vault: Vault, institution_id: int) -> list[tuple[OpenRefund, int, str, str]]:
    """What was not handed over yet: refund and guardian, day, kind, and the phone it goes to."""
    rows = conn.execute(
        text(f"""SELECT x.*, n.day, n.kind, g.phone_sealed FROM ledger.notice n
                 JOIN ({_REFUNDS}) x ON x.refund_id = n.refund_id AND x.guardian_id = n.guardian_id
                 JOIN ledger.guardian g ON g.guardian_id = n.guardian_id
                 WHERE n.institution_id = :i
                   AND NOT EXISTS (SELECT FROM ledger.notice_sent s WHERE s.institution_id = n.institution_id
                                   AND s.refund_id = n.refund_id AND s.day = n.day AND s.guardian_id = n.guardian_id)
                 ORDER BY n.refund_id, n.day, n.guardian_id"""),
        {"i": institution_id},
    ).mappings()
    found = []
    for row in rows:
        phone = vault.open(bytes(row["phone_sealed"]), "guardian", "phone", row["guardian_id"])
        found.append((_refund(row), row["day"], row["kind"], phone))
    return found


def sent(conn: Connection, institution_id: int, notices: Sequence[Notice], now: datetime) -> None:
    """Keep that these were handed over."""
    record.insert(conn, "notice_sent", [{
        "institution_id": institution_id, "refund_id": one.refund_id, "day": one.day,
        "guardian_id": one.guardian_id, "sent_at": now,
    } for one in notices])  # fmt: skip


def _refund(row: RowMapping) -> OpenRefund:
    fields = {name: row[name] for name in OpenRefund.__slots__}
    return OpenRefund(**{**fields, "state": RefundState(row["state"]), "told": tuple(row["told"])})
