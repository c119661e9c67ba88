"""A payment that was announced: somebody says it was made, the bank has not said so yet."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class AnnouncedPayment:
    """One row of a sales list or a settlement report. ``amount_fen`` is what the family paid, ``fee_fen`` what the
    provider keeps of it (0 <= fee < amount); ``reference`` and ``batch`` as written, "" where there is none.
    """

    line: int
    payment_no: str
    contract_no: str
    amount_fen: int
    fee_fen: int
    paid_on: date
    reference: str
    batch: str
    payer_name: str
    payer_account: str
    payer_bank: str
