"""The totals below a sheet, compared with what was read: "借方合计, 6笔, 26,861.37, 贷方合计, 31笔, 91,373.97"."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from ledger.formats import sheet_cell
from ledger.formats.sheet_cell import Money, header_key
from ledger.formats.statement_tally import Tally
from ledger.terms.currency import amount_text
from ledger.terms.statement import Fault

_COUNT: Final = re.compile(r"(\d{1,9})\s*笔", re.ASCII)


class Totals:
    """Collects the footer's totals. ``labels``: the word before a total -> whether it is of money that came in."""

    def __init__(self, labels: Mapping[str, bool], *, comma: bool) -> None:
        self._labels = {header_key(label): credit for label, credit in labels.items()}
        self._comma = comma
        self._counts: dict[bool, int] = {}
        self._sums: dict[bool, Money] = {}

    def is_label(self, cell: str) -> bool:
        """Whether a cell is the word before a total."""
        return header_key(cell) in self._labels

    def take(self, cells: Sequence[str]) -> None:
        """A row of the footer: a label, then a count ("6笔") and a sum in either order. Raises BadInput BAD_AMOUNT."""
        credit: bool | None = None
        for cell in filter(None, cells):
            key = header_key(cell)
            count = _COUNT.fullmatch(cell)
            if key in self._labels:
                credit = self._labels[key]
            elif credit is not None and count:
                self._counts[credit] = int(count[1])
            elif credit is not None:
                self._sums[credit] = sheet_cell.money(cell, comma=self._comma)

    def fault(self, tally: Tally, currency: str) -> Fault | None:
        """The first total that differs from what was read; None when all agree. Raises BadInput BAD_AMOUNT."""
        for credit, stated in self._counts.items():
            if stated != tally.counts[credit]:
                return Fault("ENTRY_COUNT_MISMATCH", "totals", "笔", f"{stated} <> {tally.counts[credit]}")
        for credit, total in self._sums.items():
            read = tally.sums[credit]
            if total.sign == "-" or sheet_cell.minor(total, currency) != read:
                return Fault("BALANCE_MISMATCH", "totals", "", f"{total.digits} <> {amount_text(read, currency)}")
        return None
