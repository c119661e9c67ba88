"""Payment batches: built, approved by a second person, written to a file, answered by the bank's statement."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from ledger.terms.journal import AccountClass


class BatchKind(StrEnum):
    """Payouts to institutions, refunds to families, reserve money on an order, money in suspense back to who sent it,
    claims on their way to another custody account: never in one batch.
    """

    PAYOUT = "payout"
    REFUND = "refund"
    RESERVE = "reserve"
    RETURN = "return"
    MOVE = "move"


class PayoutFormat(StrEnum):
    """What a batch may be rendered as; whatever the format, a bank gets one of them."""

    PAIN_09 = "pain.001.09"
    PAIN_03 = "pain.001.03"
    CSV = "csv"
    XLSX = "xlsx"


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of one account. ``control_fen`` is the sum of its instructions; ``created_at`` is stored, never "now".

    ``written_sha256``: of its first file, once that is rendered; ``placed``: that file lies in the folder it was
    written to.
    """

    batch_id: UUID
    institution_id: int
    fund_no: int
    kind: BatchKind
    message_id: str
    created_at: datetime
    execute_on: date
    instructions: int
    control_fen: int
    built_by: str
    approved_by: str | None
    written_sha256: str | None
    placed: bool = False


@dataclass(frozen=True, slots=True)
class Instruction:
    """One payment of a batch. The payee's fields are sealed in the books and opened when the file is rendered."""

    instruction_id: UUID
    source: AccountClass
    contract_id: UUID | None
    refund_id: UUID | None
    order_id: UUID | None
    line_id: UUID | None
    amount_fen: int
    end_to_end_id: str
    payee_name: str
    payee_account: str
    payee_bank: str
    memo: str


@dataclass(frozen=True, slots=True)
class ReserveOrder:
    """An order of the competent department: the only thing that moves a reserve."""

    order_id: UUID
    fund_no: int
    purpose: str
    amount_fen: int
    office: str
    document_no: str
    ordered_on: date
    entered_by: str
