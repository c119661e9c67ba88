"""A digest of what a statement says, the same whichever message brought it.

Two deliveries of one statement differ in message number and time, never in this digest; a changed amount, name
or order changes it. The fields are listed one by one: a new field must not change the digests already stored.
"""

import hashlib
from datetime import date

from ledger.terms.statement import LineDetail, StatementLine

_BETWEEN = "\x1f"  # cannot stand in XML, nor in what the other readers let through


class ContentDigest:
    """Fed line by line, closed with the header."""

    def __init__(self) -> None:
        self._lines = hashlib.sha256()

    def add(self, line: StatementLine) -> None:
        """Take in one line, in the statement's order."""
        parts = [part for detail in line.details for part in _detail_parts(detail)]
        text = _BETWEEN.join(
            (
                f"{line.ord}",
                f"{line.amount_fen}",
                _sign(line.credit),
                line.status,
                _day(line.booked_on),
                _day(line.value_on),
                line.bank_ref,
                line.end_to_end_id,
                line.counterparty_account,
                line.counterparty_name,
                line.counterparty_bank,
                line.memo,
                line.bank_code,
                "R" if line.reversal else "",
                f"{line.detail_count}",
                *parts,
            )
        )
        self._lines.update(f"{text}\n".encode())

    def close(
        self,
        number: tuple[str, str, int | None],
        balances: tuple[str, int | None, int | None],
        days: tuple[date | None, date | None, date | None],
    ) -> str:
        """The digest (SHA-256, hex).

        ``number``: account, statement id, sequence. ``balances``: currency, opening, closing (smallest units).
        ``days``: first and last of the period, day of the closing balance.
        """
        header = (*number, *balances, *map(_day, days))
        texts = ["" if part is None else str(part) for part in header]
        return hashlib.sha256(_BETWEEN.join((*texts, self._lines.hexdigest())).encode()).hexdigest()


def _detail_parts(detail: LineDetail) -> tuple[str, ...]:
    amount = "" if detail.amount_fen is None else str(detail.amount_fen)
    texts = (detail.end_to_end_id, detail.counterparty_account, detail.counterparty_name, detail.memo)
    return (amount, _sign(detail.credit), *texts)


def _sign(credit: bool) -> str:
    return "C" if credit else "D"


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()
