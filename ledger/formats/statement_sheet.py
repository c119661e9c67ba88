"""Spreadsheets of bank movements, row by row by a bank profile: CSV, XLSX and XLS look the same here.

A sheet is proved when its running balance chains; without one it is read and shown, and moves no money.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ledger.errors import BadInput
from ledger.formats import sheet_cell
from ledger.formats.sheet_cell import Money, clean, header_key
from ledger.formats.statement_chain import RunningBalance
from ledger.formats.statement_header import Header, Row
from ledger.formats.statement_tally import Head, Tally
from ledger.formats.statement_totals import Totals
from ledger.terms.bank_profile import Chain, Decimals, Sign
from ledger.terms.currency import amount_text
from ledger.terms.statement import Fault, Statement, StatementLine, Verdict

# Where a profile tells pending lines from booked ones, these are not money yet.
_BOOKED, _PENDING, _NEITHER = "BOOK", "PDNG", "INFO"
_PREAMBLE_CELLS_MAX: Final = 64


def read(rows: Iterable[Row], header: Header, format_: str, delimiter: str = "") -> Iterator[StatementLine | Statement]:
    """The lines in the file's order, then the ``Statement`` that judges them.

    A fault ends the reading with the statement, verdict reject. Raises what ``rows`` raises.
    """
    reading = _Reading(header, format_, delimiter)
    for at, row in enumerate(rows):
        try:
            line = reading.take(at, row)
        except BadInput as fault:
            yield reading.rejected(fault, row.where)
            return
        if line is not None:
            yield line
    yield reading.close()


class _Reading:
    """Collects a sheet row by row; ``close`` judges it."""

    def __init__(self, header: Header, format_: str, delimiter: str) -> None:
        self._header, self._profile = header, header.profile
        decimals = self._profile.decimals
        self._comma = decimals is Decimals.COMMA or (decimals is Decimals.DELIMITER and delimiter == ";")
        self._labels = {header_key(label): field for label, field in self._profile.preamble.items()}
        self._names = [header_key(cell) for cell in header.names]
        self._tally = Tally(1, format_, self._profile.name)
        self._walk = RunningBalance()
        self._totals = Totals(self._profile.totals, comma=self._comma)
        self._account = ""
        self._currency = ""
        self._opening: Money | None = None
        self._ended = False
        self._row = Row("", ())

    # -- rows

    def take(self, at: int, row: Row) -> StatementLine | None:
        """Take a row: above the header what is said about the account, below it a line or the footer. BadInput."""
        if at < self._header.at:
            self._take_preamble(row)
            return None
        if at == self._header.at:
            return None
        self._row = Row(row.where, [clean(cell) for cell in row.cells])
        first = next(filter(None, self._row.cells), "")
        if not first or [header_key(cell) for cell in row.cells] == self._names:  # a header again: a page break
            return None
        if self._ended or first.startswith(self._profile.ends) or self._totals.is_label(first):
            self._take_footer()
            return None
        if any(self._row.cells[len(self._names) :]):
            raise BadInput("BAD_FIELD", field=f"cell {len(self._names) + 1}")
        return self._line()

    def _take_preamble(self, row: Row) -> None:
        cells = [clean(cell) for cell in row.cells[:_PREAMBLE_CELLS_MAX]]
        for place, cell in enumerate(cells):
            label, _, rest = cell.replace("：", ":", 1).partition(":")
            field = self._labels.get(header_key(label))
            written = rest.strip() or next(filter(None, cells[place + 1 :]), "")
            if field is None or not written:
                continue
            if field == "account":
                self._take_account(written)
            elif field == "currency":
                self._currency = sheet_cell.currency_code(written)
            else:
                self._opening = sheet_cell.money(written, comma=self._comma)

    def _take_footer(self) -> None:
        """Below the table nothing may stand that looks like a line; its totals are compared."""
        self._ended = True
        if sheet_cell.day(self._cell("booked_on"), self._profile.dates) is not None:
            raise BadInput("BAD_FIELD", field="row below the table")
        self._totals.take(self._row.cells)

    def _take_account(self, written: str) -> None:
        found = sheet_cell.account(written)
        if self._account and found and found != self._account:
            raise BadInput("BAD_ACCOUNT", field="account")
        self._account = self._account or found

    def _cell(self, field: str) -> str:
        """The row's cell for a field; "" where the sheet has no such column or the row ends before it."""
        column = self._header.columns.get(field)
        return self._row.cells[column] if column is not None and column < len(self._row.cells) else ""

    def _named(self, field: str) -> str:
        return self._header.names[self._header.columns[field]].strip() if field in self._header.columns else field

    def _line(self) -> StatementLine:
        """The row as a line. Raises BadInput with the column it is about."""
        written = self._cell("booked_on")
        booked_on = sheet_cell.day(written, self._profile.dates)
        if booked_on is None:
            raise BadInput("BAD_DATE", field=self._named("booked_on"), value=sheet_cell.shown(written))
        if self._cell("own_account"):
            self._take_account(self._cell("own_account"))
        amount, credit = self._amount()
        self._take_currency(amount)
        amount_fen = self._minor(amount)
        status = _NEITHER if credit is None else _PENDING if self._cell("state") in self._profile.unpaid else _BOOKED
        effect = 0 if status != _BOOKED else amount_fen if credit else -amount_fen
        balance_fen = self._balance()
        self._walk.take(self._row.where, effect, balance_fen)
        line = StatementLine(
            ord=self._tally.entries + 1,
            amount_fen=amount_fen,
            credit=bool(credit),
            status=status,
            booked_on=booked_on,
            value_on=sheet_cell.day(self._cell("value_on"), self._profile.dates),
            bank_ref=self._bank_ref(),
            end_to_end_id=self._text("end_to_end_id", sheet_cell.reference),
            counterparty_account=self._text("account", sheet_cell.account),
            counterparty_name=self._text("name", sheet_cell.words),
            counterparty_bank=self._text("bank", sheet_cell.account),
            memo=self._memo(),
            bank_code="",
            reversal=False,
            detail_count=0,
            balance_fen=balance_fen,
        )
        self._tally.add(line, directed=credit is not None)
        return line

    # -- cells

    def _amount(self) -> tuple[Money, bool | None]:
        """The amount, and whether it came in (None: neither in nor out)."""
        sign = self._profile.sign
        if sign is Sign.COLUMNS:
            return self._amount_of_columns()
        amount = self._money("amount")
        if sign in (Sign.SIGNED, Sign.DEBIT_PLUS):
            return amount, (amount.sign != "-") is (sign is Sign.SIGNED)
        if amount.sign == "-":
            raise BadInput("BAD_AMOUNT", field=self._named("amount"), value=self._cell("amount"))
        marks: Mapping[str, bool | None] = self._profile.marks
        if sign is Sign.MARK:
            mark = self._cell("mark")
            if mark not in marks:
                raise BadInput("BAD_FIELD", field=self._named("mark"), value=sheet_cell.shown(mark))
            return amount, marks[mark]
        for beginning, credit in marks.items():
            if self._cell("memo").startswith(beginning):
                return amount, credit
        raise BadInput("BAD_FIELD", field=self._named("memo"))

    def _amount_of_columns(self) -> tuple[Money, bool]:
        """One of two columns; a zero in the other is as good as nothing."""
        found = {field: self._money(field) for field in ("credit", "debit") if self._cell(field)}
        moved = {field: amount for field, amount in found.items() if amount.digits.strip("0.")} or found
        if len(moved) != 1 and not (len(moved) == 2 and not any(one.digits.strip("0.") for one in moved.values())):
            raise BadInput("BAD_AMOUNT", field=self._named("credit"), value=self._cell("credit"))
        ((field, amount), *_) = moved.items()
        if amount.sign == "-":
            raise BadInput("BAD_AMOUNT", field=self._named(field), value=self._cell(field))
        return amount, field == "credit"

    def _money(self, field: str) -> Money:
        try:
            return sheet_cell.money(self._cell(field), comma=self._comma)
        except BadInput as fault:
            raise BadInput(fault.code, field=self._named(field), value=fault.value) from fault

    def _minor(self, amount: Money) -> int:
        try:
            return sheet_cell.minor(amount, self._currency)
        except BadInput as fault:
            raise BadInput("BAD_AMOUNT", field="amount", value=sheet_cell.shown(amount.digits)) from fault

    def _balance(self) -> int | None:
        """The running balance. A profile that must chain has one in every row; elsewhere one may be unreadable."""
        if self._profile.chain is Chain.NONE or "balance" not in self._header.columns:
            return None
        try:
            found = self._money("balance")
            return -self._minor(found) if found.sign == "-" else self._minor(found)
        except BadInput:
            if self._profile.chain is Chain.MUST:
                raise
            return None

    def _take_currency(self, amount: Money) -> None:
        written = self._cell("currency")
        for code in (sheet_cell.currency_code(written) if written else "", amount.currency):
            if code and self._currency and code != self._currency:
                raise BadInput("CURRENCY_MISMATCH", field="currency", value=f"{code} <> {self._currency}")
            self._currency = self._currency or code
        self._currency = self._currency or self._profile.currency
        if not self._currency:
            raise BadInput("MISSING_CURRENCY", field="currency")

    def _bank_ref(self) -> str:
        """The bank's reference. Where a bank repeats them, the second line of a number has none."""
        found = self._text("bank_ref", sheet_cell.reference)
        if not found or self._tally.is_new(found):
            return found
        if self._profile.unique:
            raise BadInput("DUPLICATE_ENTRY_REF", field=self._named("bank_ref"), value=found)
        return ""

    def _text(self, field: str, read: sheet_cell.Reader) -> str:
        try:
            return read(self._cell(field))
        except BadInput as fault:
            raise BadInput(fault.code, field=self._named(field)) from fault

    def _memo(self) -> str:
        found = (self._text(field, sheet_cell.words) for field in ("memo", "summary"))
        return " ".join(dict.fromkeys(filter(None, found)))

    # -- the judgement

    def close(self) -> Statement:
        """What the sheet is worth by itself."""
        self._currency = self._currency or self._profile.currency
        try:
            fault = self._totals.fault(self._tally, self._currency)
        except BadInput as unreadable:
            fault = Fault(unreadable.code, "totals", unreadable.field)
        newest_first = self._walk.newest_first(self._profile.newest_first is True)
        ends, broken_at = self._walk.ends(newest_first), self._walk.broken_at(newest_first)
        must = self._profile.chain is Chain.MUST
        if ends is None or (broken_at and not must):
            return self._statement(Verdict.REJECT if fault else Verdict.ACCEPT, fault, None, newest_first)
        fault = fault or self._opening_fault(ends[0])
        if fault is not None:
            return self._statement(Verdict.REJECT, fault, ends, newest_first)
        if broken_at:
            held = Fault("RUNNING_BALANCE_BREAK", broken_at, self._named("balance"))
            return self._statement(Verdict.HOLD, held, ends, newest_first)
        return self._statement(Verdict.ACCEPT, None, ends, newest_first)

    def _opening_fault(self, opening_fen: int) -> Fault | None:
        if self._opening is None:
            return None
        stated = self._minor(self._opening)
        if self._opening.sign == "-":
            stated = -stated
        if stated == opening_fen:
            return None
        shown = f"{amount_text(stated, self._currency)} <> {amount_text(opening_fen, self._currency)}"
        return Fault("BALANCE_MISMATCH", "preamble", "opening", shown)

    def _statement(
        self, verdict: Verdict, fault: Fault | None, ends: tuple[int, int] | None, newest_first: bool
    ) -> Statement:
        opening_fen, closing_fen = ends or (None, None)
        first_on, last_on = self._tally.first_on, self._tally.last_on
        head = Head(self._account, "", None, self._currency, opening_fen, closing_fen, first_on, last_on, newest_first)
        proved = verdict is Verdict.ACCEPT and ends is not None
        return self._tally.close(head, verdict, fault, proved=proved)

    def rejected(self, fault: BadInput, where: str) -> Statement:
        """The sheet as far as it was read, rejected for ``fault``; its figures are None."""
        value = "" if fault.value is None else str(fault.value)
        head = Head(self._account, "", None, self._currency, None, None, None, None)
        return self._tally.rejected(head, Fault(fault.code, fault.where or where, fault.field, value))
