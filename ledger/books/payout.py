"""Payment batches, their instructions and files in the books."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.journal import AccountClass
from ledger.terms.payout import Batch, BatchKind, Instruction, PayoutFormat
from ledger.vault import Vault

_BATCH = """
    SELECT b.batch_id, b.institution_id, b.fund_no, b.kind, b.message_id, b.created_at, b.execute_on, b.instructions,
           b.control_fen, b.built_by, a.approved_by, f.sha256 AS written_sha256, coalesce(f.placed, false) AS placed
    FROM ledger.payout_batch b
    LEFT JOIN ledger.approval a ON a.institution_id = b.institution_id AND a.subject_id = b.batch_id
    LEFT JOIN LATERAL (SELECT encode(x.sha256, 'hex') AS sha256, p.placed_at IS NOT NULL AS placed
                       FROM ledger.payout_file x
                       LEFT JOIN ledger.payout_placed p USING (institution_id, batch_id, format)
                       WHERE x.institution_id = b.institution_id AND x.batch_id = b.batch_id
                       ORDER BY x.written_at, x.format LIMIT 1) f ON true"""


@dataclass(frozen=True, slots=True)
class RefundToPay:
    """An approved refund with money owed and no payment under way."""

    refund_id: UUID
    contract_id: UUID
    step: int
    amount_fen: int
    payee_name_sealed: bytes
    payee_account_sealed: bytes
    payee_bank: str
    change_id: UUID | None


def refunds_to_pay(conn: Connection, institution_id: int, fund_no: int, now: datetime) -> list[RefundToPay]:
    """Approved refunds of a fund not in a payment file, oldest first. Returned ones wait for a new account, and those
    whose account was changed (``change_id``) until that may be used.

    The amount is what the family's own cash covers now (interest the institution has still to bring in waits, the
    principal does not); where it covers nothing, the whole, for the guard to refuse.
    """
    rows = conn.execute(
        text("""SELECT r.refund_id, r.contract_id, r.step,
                       CASE WHEN b.claim_fen + b.refund_due_fen > b.due_fen
                            THEN least(b.refund_due_fen, b.claim_fen + b.refund_due_fen - b.due_fen)
                            ELSE b.refund_due_fen END AS amount_fen,
                       coalesce(p.payee_name_sealed, r.payee_name_sealed) AS payee_name_sealed,
                       coalesce(p.payee_account_sealed, r.payee_account_sealed) AS payee_account_sealed,
                       coalesce(p.payee_bank, r.payee_bank) AS payee_bank, p.change_id
                FROM ledger.refund_now r JOIN ledger.contract_balance b USING (institution_id, contract_id)
                LEFT JOIN LATERAL (SELECT x.* FROM ledger.refund_payee_now x
                                   WHERE x.institution_id = r.institution_id AND x.refund_id = r.refund_id
                                     AND x.cancelled_at IS NULL ORDER BY x.change_id DESC LIMIT 1) p ON true
                WHERE r.institution_id = :i AND b.fund_no = :f AND r.state = 'approved' AND b.refund_due_fen > 0
                  AND (p.change_id IS NULL OR p.usable_at <= :now)
                ORDER BY r.refund_id"""),
        {"i": institution_id, "f": fund_no, "now": now},
    )
    return [
        RefundToPay(
            **{
                **row._mapping,
                "payee_name_sealed": bytes(row.payee_name_sealed),
                "payee_account_sealed": bytes(row.payee_account_sealed),
            }
        )
        for row in rows
    ]


def instruction_count(conn: Connection, institution_id: int) -> int:
    """How many instructions an institution has ever had: the next end-to-end id counts on. Call under a fund lock."""
    conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:k, 13))"), {"k": str(institution_id)})
    found = conn.scalar(
        text("SELECT count(*) FROM ledger.instruction WHERE institution_id = :i"), {"i": institution_id}
    )
    return int(found or 0)


def batches(
    conn: Connection, institution_id: int | None = None, batch_ids: Sequence[UUID] | None = None
) -> list[Batch]:
    """Batches of an institution (of all when None), or some of them, oldest first."""
    rows = conn.execute(
        text(f"""{_BATCH} WHERE (CAST(:all AS boolean) OR b.institution_id = :i)
                 AND (CAST(:any AS boolean) OR b.batch_id = ANY (CAST(:ids AS uuid[]))) ORDER BY b.batch_id"""),
        {"all": institution_id is None, "i": institution_id, "any": batch_ids is None, "ids": list(batch_ids or ())},
    )
    return [Batch(**{**row._mapping, "kind": BatchKind(row.kind)}) for row in rows]


def find(conn: Connection, reference: str) -> Batch | None:
    """The batch of an id or a message id, whichever institution's; None without one."""
    found = conn.execute(
        text(f"{_BATCH} WHERE CAST(b.batch_id AS text) = lower(:r) OR b.message_id = :r ORDER BY b.batch_id LIMIT 1"),
        {"r": reference},
    ).one_or_none()
    return None if found is None else Batch(**{**found._mapping, "kind": BatchKind(found.kind)})


def instructions(conn: Connection, vault: Vault, institution_id: int, batch_id: UUID) -> list[Instruction]:
    """The instructions of a batch, payees opened, in end-to-end order."""
    rows = conn.execute(
        text("""SELECT * FROM ledger.instruction WHERE institution_id = :i AND batch_id = :b ORDER BY end_to_end_id"""),
        {"i": institution_id, "b": batch_id},
    )
    return [
        Instruction(
            instruction_id=row.instruction_id,
            source=AccountClass(row.source),
            contract_id=row.contract_id,
            refund_id=row.refund_id,
            order_id=row.order_id,
            line_id=row.line_id,
            amount_fen=row.amount_fen,
            end_to_end_id=row.end_to_end_id,
            payee_name=vault.open(row.payee_name_sealed, "instruction", "payee_name", row.instruction_id),
            payee_account=vault.open(row.payee_account_sealed, "instruction", "payee_account", row.instruction_id),
            payee_bank=row.payee_bank,
            memo=row.memo,
        )
        for row in rows
    ]


def lock_batch(conn: Connection, batch_id: UUID) -> None:
    """One writer of a batch's files at a time: two would both find none."""
    conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:b, 23))"), {"b": str(batch_id)})


def files(conn: Connection, institution_id: int, batch_id: UUID) -> dict[str, bool]:
    """The formats a batch was rendered in, and whether the file of each was placed in its folder."""
    rows = conn.execute(
        text("""SELECT f.format, p.placed_at IS NOT NULL AS placed FROM ledger.payout_file f
                LEFT JOIN ledger.payout_placed p USING (institution_id, batch_id, format)
                WHERE f.institution_id = :i AND f.batch_id = :b ORDER BY f.written_at, f.format"""),
        {"i": institution_id, "b": batch_id},
    )
    return {row.format: row.placed for row in rows}


def written_file(
    conn: Connection, vault: Vault, institution_id: int, batch_id: UUID, format_: PayoutFormat
) -> bytes | None:
    """The bytes of a batch's file in a format as they were first rendered; None before that."""
    token = conn.scalar(
        text("""SELECT file_sealed FROM ledger.payout_file
                WHERE institution_id = :i AND batch_id = :b AND format = :f"""),
        {"i": institution_id, "b": batch_id, "f": format_.value},
    )
    return None if token is None else vault.open_bytes(bytes(token), "payout_file", "file", file_row(batch_id, format_))


def file_row(batch_id: UUID, format_: PayoutFormat) -> str:
    """What a sealed file is bound to: the batch and, but for the format all files once had, the format."""
    return f"{batch_id}" if format_ is PayoutFormat.PAIN_09 else f"{batch_id} {format_}"


def institution_payee(conn: Connection, vault: Vault, institution_id: int) -> tuple[str, str, str]:
    """Name, account and bank number an institution is paid to."""
    row = conn.execute(
        text("""SELECT payee_name_sealed, payee_account_sealed, payee_bank FROM ledger.institution
                WHERE institution_id = :i"""),
        {"i": institution_id},
    ).one()
    return (
        vault.open(bytes(row.payee_name_sealed), "institution", "payee_name", institution_id),
        vault.open(bytes(row.payee_account_sealed), "institution", "payee_account", institution_id),
        row.payee_bank,
    )


def account_sums(conn: Connection, institution_id: int, fund_no: int) -> dict[str, int]:
    """The balance of every class of a fund, in fen, positive on its normal side; contracts added up."""
    rows = conn.execute(
        text("""SELECT b.class, sum((b.debit_fen - b.credit_fen) * CASE WHEN r.debit_normal THEN 1 ELSE -1 END) AS fen
                FROM ledger.balances(:i) b JOIN ledger.class_rule r USING (class)
                WHERE b.fund_no = :f GROUP BY b.class"""),
        {"i": institution_id, "f": fund_no},
    )
    return {row[0]: int(row.fen) for row in rows}


def paid_out_in_month(conn: Connection, institution_id: int, execute_on: date) -> int:
    """What batches pay the institution in the calendar month of a day, in fen; not what was rejected or returned."""
    found = conn.scalar(
        text("""SELECT coalesce(sum(i.amount_fen), 0) FROM ledger.instruction_now i
                JOIN ledger.payout_batch b USING (institution_id, batch_id)
                WHERE i.institution_id = :i AND b.kind = 'payout'
                  AND date_trunc('month', b.execute_on) = date_trunc('month', CAST(:on AS date))
                  AND i.state IN ('in_transit', 'booked')"""),
        {"i": institution_id, "on": execute_on},
    )
    return int(found or 0)


def ordered_so_far(conn: Connection, institution_id: int, order_id: UUID) -> int:
    """What instructions on an order add up to, in fen (rejected and returned ones do not count). Locks the order."""
    conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:o, 19))"), {"o": str(order_id)})
    found = conn.scalar(
        text("""SELECT coalesce(sum(amount_fen), 0) FROM ledger.instruction_now
                WHERE institution_id = :i AND order_id = :o AND state IN ('in_transit', 'booked')"""),
        {"i": institution_id, "o": order_id},
    )
    return int(found or 0)


def booked_refund(conn: Connection, institution_id: int) -> UUID | None:
    """The oldest refund instruction that the bank has booked and not returned; None without one."""
    found: UUID | None = conn.scalar(
        text("""SELECT instruction_id FROM ledger.instruction_now
                WHERE institution_id = :i AND batch_kind = 'refund' AND state = 'booked'
                ORDER BY instruction_id LIMIT 1"""),
        {"i": institution_id},
    )
    return found
