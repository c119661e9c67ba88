"""Building a batch: its payments leave where they come from and are in transit, recorded as they are to be sent."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import journal, payout, record
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_id, new_ids
from ledger.terms.institution import Payee
from ledger.terms.journal import AccountClass, Entry, Event
from ledger.terms.payout import BatchKind
from ledger.vault import Vault

_PREFIX = {BatchKind.PAYOUT: "PO", BatchKind.REFUND: "RF", BatchKind.RESERVE: "RD", BatchKind.RETURN: "RT",
    BatchKind.MOVE: "MV",
}  # fmt: skip
_MEMO = {
    BatchKind.PAYOUT: "课时费结算", BatchKind.REFUND: "培训费退费", BatchKind.RESERVE: "风险保证金支付",
    BatchKind.RETURN: "来款退回", BatchKind.MOVE: "托管账户变更划转",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NewPayment:
    """One payment to be instructed: where it comes from, how much, to whom, and what it does to the accounts."""

    source: AccountClass
    amount_fen: int
    payee: Payee
    event: Event
    instruction_id: UUID
    contract_id: UUID | None = None
    refund_id: UUID | None = None
    order_id: UUID | None = None
    line_id: UUID | None = None


def build(
    conn: Connection, vault: Vault, institution_id: int, fund_no: int, kind: BatchKind, payments: Sequence[NewPayment],
    execute_on: date, actor: str, now: datetime,
) -> list[Outcome]:  # fmt: skip
    """Post the payments and record the batch of those that were accepted. One outcome per payment."""
    if not payments:
        return []
    batch_id = new_id(now)
    today = shanghai_day(now)
    entries = [
        Entry(
            entry_id, f"instruct {p.instruction_id}", (("payment", str(p.instruction_id)),), p.event, today, actor,
            batch_id,
        )
        for entry_id, p in zip(new_ids(now, len(payments)), payments, strict=True)
    ]  # fmt: skip
    outcomes = journal.post(conn, institution_id, entries, now)
    accepted = [p for p, outcome in zip(payments, outcomes, strict=True) if outcome.result is Result.DONE]
    if any(outcome.result is Result.CONFLICT for outcome in outcomes):
        raise InvariantBroken("NOT_POSTED", f"batch {batch_id}")
    if not accepted:
        return outcomes
    number = payout.instruction_count(conn, institution_id)
    prefix = f"{_PREFIX[kind]}{institution_id:06d}"
    record.insert(conn, "payout_batch", [{
        "institution_id": institution_id, "batch_id": batch_id, "fund_no": fund_no, "kind": kind,
        "message_id": f"{prefix}-{today:%Y%m%d}-{number:06d}", "created_at": now.replace(microsecond=0),
        "execute_on": execute_on, "instructions": len(accepted), "control_fen": sum(p.amount_fen for p in accepted),
        "built_by": actor,
    }])  # fmt: skip
    record.insert(conn, "instruction", [{
        "institution_id": institution_id, "instruction_id": p.instruction_id, "batch_id": batch_id, "fund_no": fund_no,
        "source": p.source, "contract_id": p.contract_id, "refund_id": p.refund_id, "order_id": p.order_id,
        "line_id": p.line_id, "amount_fen": p.amount_fen, "end_to_end_id": f"{prefix}{number + n:08d}",
        "payee_name_sealed": vault.seal(p.payee.name, "instruction", "payee_name", p.instruction_id),
        "payee_account_sealed": vault.seal(p.payee.account, "instruction", "payee_account", p.instruction_id),
        "payee_bank": p.payee.bank_no, "memo": _MEMO[kind],
    } for n, p in enumerate(accepted)])  # fmt: skip
    return outcomes
