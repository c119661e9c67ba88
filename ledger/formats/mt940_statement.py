"""One statement of MT940 messages while its fields come by: pages, the order of fields, the proof of its balances."""

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Final

from ledger.errors import BadInput
from ledger.formats.mt940_field import Balance, Field, Move, balance, floor_currency, move, narrative, number
from ledger.formats.statement_tally import Head, Tally
from ledger.terms.currency import amount_text
from ledger.terms.statement import Fault, Statement, StatementLine, Verdict

# The order in which fields stand in a message; :NS: (a bank's own) stands anywhere.
_ORDER: Final[Mapping[str, int]] = {
    "20": 0, "21": 1, "25": 2, "25P": 2, "28": 3, "28C": 3, "34F": 4, "13": 5, "13D": 5, "60F": 6, "60M": 6,
    "61": 7, "62F": 8, "62M": 8, "90C": 9, "90D": 9, "64": 9, "65": 9,
}  # fmt: skip
_OFTEN: Final = frozenset({"34F", "61", "65", "90C", "90D"})
_ACCOUNT: Final = re.compile("[0-9A-Za-z][0-9A-Za-z/-]{0,34}")


class Reading:
    """Collects a statement field by field over its pages; ``end_page`` judges it when the last one has ended."""

    def __init__(self, ord_: int, kind: str) -> None:
        self._kind = kind
        self._tally = Tally(ord_, "mt", "MT940")
        self._head = Head("", "", None, "", None, None, None, None)
        self._page = 0
        self._opening: Balance | None = None
        self._carried: Balance | None = None  # closing balance of the page before
        self._closing: Balance | None = None
        self._pending: tuple[Move, Field] | None = None
        self._narrated: Field | None = None
        self._rank = -1
        self._tags: set[str] = set()
        self._numbered = False

    # -- pages

    def begin_page(self) -> None:
        """Another message for this statement."""
        self._page += 1
        self._rank, self._tags = -1, set()
        self._carried, self._closing = self._closing, None

    def end_page(self, seen: set[tuple[str, str]]) -> list[StatementLine | Statement]:
        """The last line of the page and, when no page follows, the statement. Raises BadInput."""
        found: list[StatementLine | Statement] = [*self._line()]
        if "62M" not in self._tags:
            found.append(self._close(seen))
        return found

    # -- fields

    def take(self, field: Field) -> list[StatementLine]:
        """Take a field. A :61: is complete, and its line handed out, when the next field is no :86:. BadInput."""
        if field.tag == "NS":
            return []
        if field.tag == "86":
            self._narrate(field)
            return []
        rank = _ORDER[field.tag]
        if rank < self._rank or (field.tag in self._tags and field.tag not in _OFTEN):
            raise BadInput("BAD_FIELD", where=field.where, field=f":{field.tag}:")
        self._rank = rank
        self._tags.add(field.tag)
        found = self._line()
        read = self._READERS.get(field.tag)
        if read is not None:
            read(self, field)
        return found

    def _narrate(self, field: Field) -> None:
        """A narrative belongs to the line before it; after the closing balance it speaks of the statement."""
        if self._pending is None:
            return
        if self._narrated is not None:
            raise BadInput("BAD_FIELD", where=field.where, field=":86:")
        self._narrated = field

    def _reference(self, field: Field) -> None:
        if self._page == 1:
            self._head = self._head._replace(statement_id=field.text)

    def _account(self, field: Field) -> None:
        account = field.lines[0].strip() if field.tag == "25P" else field.text  # 25P: the bank's code follows
        if not _ACCOUNT.fullmatch(account):
            raise BadInput("BAD_ACCOUNT", where=field.where, field=":25:")
        if self._page > 1 and account != self._head.account:
            raise BadInput("INCOMPLETE_STATEMENT", where=field.where, field=":25:")
        self._head = self._head._replace(account=account)

    def _number(self, field: Field) -> None:
        sequence, page = number(field)
        if self._page > 1 and (sequence, page) != (self._head.sequence, self._page):
            raise BadInput("INCOMPLETE_STATEMENT", where=field.where, field=f":{field.tag}:", value=field.text)
        self._numbered = True
        self._head = self._head._replace(sequence=sequence)

    def _floor(self, field: Field) -> None:
        self._kind = self._kind or "942"
        self._head = self._head._replace(currency=floor_currency(field))

    def _open(self, field: Field) -> None:
        found = balance(field)
        if self._page == 1:
            if field.tag == "60M":
                raise BadInput("INCOMPLETE_STATEMENT", where=field.where, field=":60M:")
            self._opening = found
            self._head = self._head._replace(currency=found.currency, opening_fen=found.fen)
        else:
            assert self._carried is not None, "a page follows only an intermediate balance"
            if field.tag == "60F":
                raise BadInput("INCOMPLETE_STATEMENT", where=field.where, field=":60F:")
            self._same(field, found, self._carried.fen)

    def _close_page(self, field: Field) -> None:
        found = balance(field)
        if self._page > 1 and "60M" not in self._tags:
            raise BadInput("INCOMPLETE_STATEMENT", where=field.where, field=":60M:")
        if self._opening is None:
            self._closing = found
            self._head = self._head._replace(currency=self._head.currency or found.currency)
            return
        self._same(field, found, self._tally.moved_from(self._opening.fen) if field.tag == "62M" else None)
        self._closing = found

    def _same(self, field: Field, found: Balance, expected_fen: int | None) -> None:
        name = f":{field.tag}:"
        if found.currency != self._head.currency:
            shown = f"{found.currency} <> {self._head.currency}"
            raise BadInput("CURRENCY_MISMATCH", where=field.where, field=name, value=shown)
        if expected_fen is not None and found.fen != expected_fen:
            shown = f"{amount_text(expected_fen, found.currency)} <> {amount_text(found.fen, found.currency)}"
            raise BadInput("BALANCE_MISMATCH", where=field.where, field=name, value=shown)

    def _move(self, field: Field) -> None:
        if not self._head.currency:
            raise BadInput("MISSING_BALANCE" if "20" in self._tags else "INCOMPLETE_STATEMENT", where=field.where)
        self._pending = move(field, self._head.currency), field

    _READERS: Final[Mapping[str, Callable[["Reading", Field], None]]] = {
        "20": _reference,
        "25": _account,
        "25P": _account,
        "28": _number,
        "28C": _number,
        "34F": _floor,
        "60F": _open,
        "60M": _open,
        "61": _move,
        "62F": _close_page,
        "62M": _close_page,
    }

    def _line(self) -> list[StatementLine]:
        """The line that is pending, if any, with its narrative."""
        if self._pending is None:
            return []
        found, field = self._pending
        said = None if self._narrated is None else narrative(self._narrated)
        self._pending = self._narrated = None
        # Some banks write one reference on many lines: the second and later ones then have none.
        bank_ref = found.bank_ref if found.bank_ref and self._tally.is_new(found.bank_ref) else ""
        line = StatementLine(
            ord=self._tally.entries + 1,
            amount_fen=found.amount_fen,
            credit=found.credit,
            status="BOOK",
            booked_on=found.booked_on,
            value_on=found.value_on,
            bank_ref=bank_ref,
            end_to_end_id=(said.end_to_end_id if said else "") or found.reference,
            counterparty_account=said.account if said else "",
            counterparty_name=said.name if said else "",
            counterparty_bank=said.bank if said else "",
            memo=(said.memo if said else "") or found.details,
            bank_code=found.kind,
            reversal=found.reversal,
            detail_count=0,
        )
        try:
            self._tally.add(line)
        except BadInput as fault:
            raise BadInput(fault.code, where=field.where, field=fault.field, value=fault.value) from fault
        return [line]

    # -- the judgement

    def _close(self, seen: set[tuple[str, str]]) -> Statement:
        days = self._days()
        closing_fen = None if self._closing is None else self._closing.fen
        self._head = self._head._replace(closing_fen=closing_fen, from_on=days[0], to_on=days[1])
        if self._kind == "942":
            self._tally.version = "MT942"
        fault = self._fault()
        verdict = Verdict.REJECT if fault else Verdict.INFO_ONLY if self._kind == "942" else Verdict.ACCEPT
        closed = self._tally.close(self._head, verdict, fault, proved=verdict is Verdict.ACCEPT)
        identity = (closed.account, closed.identity)
        if fault is None and identity in seen:
            raise BadInput("CONFLICTING_STATEMENT", field=":20:", value=closed.identity)
        seen.add(identity)
        return closed

    def _days(self) -> tuple[date | None, date | None]:
        """First and last day: a closing balance is of the last day, an opening one of the day before the first."""
        last_on = self._closing.on if self._closing else self._tally.last_on
        return self._tally.first_on or last_on, last_on

    def _fault(self) -> Fault | None:
        """The first rule that the statement breaks by itself; None when it proves itself."""
        where = self._where
        if not self._head.statement_id:
            return Fault("INCOMPLETE_STATEMENT", where, ":20:")
        if self._kind != "942" and (self._opening is None or self._closing is None):
            return Fault("MISSING_BALANCE", where, ":60F:" if self._opening is None else ":62F:")
        if not self._head.account:
            return Fault("BAD_ACCOUNT", where, ":25:")
        if not self._numbered:
            return Fault("BAD_FIELD", where, ":28C:")
        if self._opening is None or self._closing is None:
            return None
        reached = self._tally.moved_from(self._opening.fen)
        if reached != self._closing.fen:
            currency = self._head.currency
            shown = f"{amount_text(reached, currency)} <> {amount_text(self._closing.fen, currency)}"
            return Fault("BALANCE_MISMATCH", where, ":62F:", shown)
        return None

    @property
    def _where(self) -> str:
        return f"statement {self._tally.ord}"

    def rejected(self, fault: BadInput) -> Statement:
        """The statement as far as it was read, rejected for ``fault``; its figures are None."""
        value = "" if fault.value is None else str(fault.value)
        return self._tally.rejected(self._head, Fault(fault.code, fault.where or self._where, fault.field, value))
