"""What a payment file orders a bank to do: one file, its parts, their payments. Amounts are fen, always yuan."""

from dataclasses import dataclass
from datetime import date, datetime

from ledger.terms.payout import BatchKind


@dataclass(frozen=True, slots=True)
class PaymentInstruction:
    """One payment. ``end_to_end_id`` comes back on the bank statement: at most 20 ASCII letters, digits, hyphens.

    ``memo`` follows it in the text the payee sees; together at most 140 characters.
    """

    end_to_end_id: str
    amount_fen: int
    creditor_name: str
    creditor_account: str
    creditor_bank_cnaps: str
    memo: str


@dataclass(frozen=True, slots=True)
class PaymentPart:
    """Payments of one kind from one custody account on one day (a PmtInf)."""

    kind: BatchKind
    debtor_name: str
    debtor_account: str
    debtor_bank_cnaps: str
    execute_on: date
    instructions: tuple[PaymentInstruction, ...]


@dataclass(frozen=True, slots=True)
class PaymentFile:
    """A whole file. ``created_at`` is the instant stored with the batch, so that rendering again gives the same bytes.

    ``message_id``: at most 30 ASCII letters, digits, hyphens.
    """

    message_id: str
    created_at: datetime
    initiator_name: str
    parts: tuple[PaymentPart, ...]


@dataclass(frozen=True, slots=True)
class PaymentTotals:
    """How many payments a file holds, and their sum in fen."""

    payments: int
    sum_fen: int
