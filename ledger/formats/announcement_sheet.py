"""Lists of announced payments (CSV): a row a payment; what cannot be read is named by line, and nothing is guessed."""

from typing import Final

from ledger.errors import BadInput
from ledger.formats.csv_table import Row, read_table
from ledger.formats.plain_text import is_plain
from ledger.money import fen_from_text
from ledger.terms.announced_payment import AnnouncedPayment
from ledger.terms.rulebook import Finding

COLUMNS: Final = ("payment", "contract", "amount", "paid_on")
OPTIONAL: Final = ("fee", "reference", "batch", "payer_name", "payer_account", "payer_bank")
BYTES_MAX: Final = 32 * 1024 * 1024
_LENGTH_MAX: Final = 140  # the longest name a bank's message carries


def read_announcements(content: bytes, file: str) -> tuple[tuple[AnnouncedPayment, ...], list[Finding]]:
    """The payments and what is wrong with the others, by line. ``amount`` and ``fee`` in yuan, ``paid_on`` YYYY-MM-DD.

    Codes: RULE_EMPTY, BAD_AMOUNT (none, or a fee that leaves nothing), BAD_DATE, BAD_TEXT, and those of the table
    (CSV_UNREADABLE, CSV_CELLS, CSV_COLUMN_MISSING ...).
    """
    table = read_table(content, file, COLUMNS, OPTIONAL)
    payments = []
    for row in table.rows:
        before = len(table.findings)
        payment = _payment(row)
        if len(table.findings) == before:
            payments.append(payment)
    return tuple(payments), table.findings


def _payment(row: Row) -> AnnouncedPayment:
    amount_fen = _amount(row, "amount")
    fee_fen = _amount(row, "fee") if row.cells["fee"].strip() else 0
    if amount_fen is not None and amount_fen <= 0:
        row.flaw("amount", "BAD_AMOUNT")
    elif amount_fen is not None and fee_fen is not None and not 0 <= fee_fen < amount_fen:
        row.flaw("fee", "BAD_AMOUNT")
    for column in ("payment", "contract", *OPTIONAL[1:]):
        if not is_plain(row.cells[column]) or len(row.cells[column]) > _LENGTH_MAX:
            row.flaw(column, "BAD_TEXT")
    said = {column: row.cells[column].strip() for column in OPTIONAL[1:]}
    return AnnouncedPayment(
        line=row.line,
        payment_no=row.text("payment"),
        contract_no=row.text("contract"),
        amount_fen=amount_fen or 0,
        fee_fen=fee_fen or 0,
        paid_on=row.day("paid_on"),
        **said,
    )


def _amount(row: Row, column: str) -> int | None:
    try:
        return fen_from_text(row.cells[column].strip())
    except BadInput as fault:
        row.flaw(column, fault.code)
        return None
