"""One statement (Stmt, Rpt, Ntfctn) of a camt message while it streams by, and the proof of its balances."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Final, NamedTuple

from lxml import etree

from ledger.errors import BadInput
from ledger.formats.camt053_entry import Part, read_entry, read_part
from ledger.formats.camt053_field import Names, amount, children, day, day_of, is_credit, own_account, text, truth
from ledger.formats.statement_digest import ContentDigest
from ledger.terms.currency import AMOUNT_MAX, amount_text, minor_from_text
from ledger.terms.statement import Fault, Statement, StatementLine, Verdict

ENTRIES_MAX: Final = 500_000
PARTS_MAX: Final = 100_000
_COUNT: Final = re.compile(r"\d{1,15}", re.ASCII)
_SEQUENCE: Final = re.compile(r"\d{1,18}", re.ASCII)
_PAGES: Final = frozenset({"StmtPgntn", "RptPgntn", "NtfctnPgntn"})
_BALANCES: Final = frozenset({"OPBD", "PRCD", "CLBD"})
# Which entries a total of TxsSummry runs over: all, credits, debits.
_TOTALS: Final[dict[str, tuple[bool, ...]]] = {
    "TtlNtries": (True, False),
    "TtlCdtNtries": (True,),
    "TtlDbtNtries": (False,),
}


class Message(NamedTuple):
    """Which message is read: version ("camt.053.001.08"), its body and statement elements.

    ``names`` are the tags of the envelope, ``fields`` those of what stands in it. ``proves``: it carries balances.
    """

    version: str
    body: str
    statement: str
    names: Names
    fields: Names
    proves: bool


class _Balance(NamedTuple):
    fen: int
    currency: str
    on: date | None


class _Total(NamedTuple):
    """One line of TxsSummry as written; "" where it says nothing. ``net_credit`` is the sign of ``net``."""

    signs: tuple[bool, ...]
    number: str
    total: str
    net: str
    net_credit: bool


class Reading:
    """Collects a statement child by child; ``close`` judges it. Memory does not grow with its entries but for
    the references, which must not repeat."""

    def __init__(self, message: Message, ord_: int) -> None:
        self._message, self._ord = message, ord_
        self._taken: set[str] = set()
        self._statement_id = self._account = self._account_currency = ""
        self._sequence: int | None = None
        self._period: tuple[date | None, date | None] = (None, None)
        self._more_pages = False
        self._balances: dict[str, _Balance] = {}
        self._totals: list[_Total] = []
        self._parts: list[Part] = []
        self._first_details: etree._Element | None = None
        self._entries = 0
        # [booked][credit] -> count and sum
        self._counts = [[0, 0], [0, 0]]
        self._sums = [[0, 0], [0, 0]]
        self._entry_currencies: dict[str, int] = {}  # currency -> first entry in it
        self._refs: set[str] = set()
        self._repeated_ref_at = 0
        self._unfit_parts_at = 0
        self._digest = ContentDigest()

    @property
    def _where(self) -> str:
        return f"{self._message.statement}[{self._ord}]"

    def _at(self, entry: int) -> str:
        return f"{self._where}/Ntry[{entry}]"

    def take(self, name: str, element: etree._Element, seen: set[tuple[str, str]]) -> StatementLine | Statement | None:
        """Take an element at its end tag: a Ntry gives its line, a TxDtls nothing yet, the statement its judgement.

        ``seen`` holds (account, id) of the file's statements so far and gains this one. Raises BadInput with a class.
        """
        if name == "TxDtls":
            self._part(element)
            return None
        return self._entry(element) if name == "Ntry" else self._close(element, seen)

    def _part(self, element: etree._Element) -> None:
        if len(self._parts) >= PARTS_MAX:
            raise BadInput("LIMIT_EXCEEDED", where=self._at(self._entries + 1), field="TxDtls", value=PARTS_MAX)
        try:
            self._parts.append(read_part(element, self._message.fields))
        except BadInput as fault:
            raise _placed(fault, f"{self._at(self._entries + 1)}/TxDtls[{len(self._parts) + 1}]") from fault
        # Of the parts nothing is to stay in the tree but the first NtryDtls; before it stands the entry's own head.
        details = element.getparent()
        if len(self._parts) == 1:
            self._first_details = details
        elif details is not None and details is not self._first_details:
            _drop_before(details, self._first_details)
        _drop_before(element)
        element.clear()

    def _entry(self, element: etree._Element) -> StatementLine:
        self._take_before(element)
        self._entries += 1
        if self._entries > ENTRIES_MAX:
            raise BadInput("LIMIT_EXCEEDED", where=self._where, field="Ntry", value=ENTRIES_MAX)
        try:
            line, currency, fits = read_entry(element, self._entries, self._parts, self._message.fields)
        except BadInput as fault:
            raise _placed(fault, self._at(self._entries)) from fault
        booked = line.status == "BOOK"
        if booked and line.booked_on is None and self._message.proves:
            raise BadInput("BAD_DATE", where=self._at(self._entries), field="BookgDt", value="")
        self._parts = []
        element.clear()
        self._counts[booked][line.credit] += 1
        self._sums[booked][line.credit] += line.amount_fen
        self._entry_currencies.setdefault(currency, line.ord)
        if line.bank_ref:
            if line.bank_ref in self._refs and not self._repeated_ref_at:
                self._repeated_ref_at = line.ord
            self._refs.add(line.bank_ref)
        if booked and not fits and not self._unfit_parts_at:
            self._unfit_parts_at = line.ord
        self._digest.add(line)
        return line

    def _close(self, element: etree._Element, seen: set[tuple[str, str]]) -> Statement:
        for child in element:
            self._take(child)
        _drop_before(element)
        element.clear()
        if "Acct" not in self._taken:
            raise BadInput("BAD_ACCOUNT", where=self._where, field="Acct")
        if not self._statement_id:
            raise BadInput("BAD_FIELD", where=self._where, field="Id")
        if (self._account, self._statement_id) in seen:
            raise BadInput("CONFLICTING_STATEMENT", where=self._where, field="Id", value=self._statement_id)
        seen.add((self._account, self._statement_id))
        if max(self._sum(True), self._sum(False)) >= AMOUNT_MAX:
            raise BadInput("BAD_AMOUNT", where=self._where, field="sum")
        if not self._message.proves:
            return self._statement(Verdict.INFO_ONLY, None, whole=True, proved=False)
        fault = self._fault()
        if fault is not None:
            return self._statement(Verdict.REJECT, fault, whole=True, proved=False)
        if self._unfit_parts_at:
            held = Fault("DETAIL_SUM_MISMATCH", self._at(self._unfit_parts_at), "TxDtls")
            return self._statement(Verdict.HOLD, held, whole=True, proved=True)
        return self._statement(Verdict.ACCEPT, None, whole=True, proved=True)

    def rejected(self, fault: BadInput) -> Statement:
        """The statement as far as it was read, rejected for ``fault``; its figures are None."""
        value = "" if fault.value is None else str(fault.value)
        placed = Fault(fault.code, fault.where or self._where, fault.field, value)
        return self._statement(Verdict.REJECT, placed, whole=False, proved=False)

    # -- what stands in a statement beside its entries

    def _take_before(self, element: etree._Element) -> None:
        """Take what stands before an entry out of the tree, so that it does not grow."""
        parent = element.getparent()
        while parent is not None and (previous := element.getprevious()) is not None:
            self._take(previous)
            previous.clear()  # first: removing an element takes time by the square of what is in it
            parent.remove(previous)

    def _take(self, child: etree._Element) -> None:
        name = self._message.fields.get(child.tag)
        if name is None:
            return
        try:
            if name == "Bal":
                self._take_balance(child)
                return
            if name in self._taken:
                raise BadInput("BAD_FIELD", field=name)
            self._taken.add(name)
            self._take_header(name, child)
        except BadInput as fault:
            raise _placed(fault, f"{self._where}/{name}") from fault

    def _take_header(self, name: str, child: etree._Element) -> None:
        names = self._message.fields
        if name == "Id":
            self._statement_id = text(child, "Id")
        elif name == "ElctrncSeqNb":
            written = text(child, name)
            if not _SEQUENCE.fullmatch(written):
                raise BadInput("BAD_FIELD", field=name, value=written)
            self._sequence = int(written)
        elif name == "FrToDt":
            found = children(child, names)
            first = day_of(found.get("FrDtTm"), "FrDtTm", instant=True)
            last = day_of(found.get("ToDtTm"), "ToDtTm", instant=True)
            if first and last and first > last:
                raise BadInput("BAD_DATE", field=name, value=f"{first} > {last}")
            self._period = (first, last)
        elif name == "Acct":
            self._account = own_account(child, names)
            self._account_currency = text(children(child, names).get("Ccy"), "Ccy", 3)
        elif name in _PAGES:
            self._more_pages = not truth(children(child, names).get("LastPgInd"), "LastPgInd", absent=True)
        elif name == "TxsSummry":
            self._totals = _totals(child, names)

    def _take_balance(self, child: etree._Element) -> None:
        """Keep opening (OPBD, PRCD) and closing (CLBD) balances; all others are information."""
        names = self._message.fields
        found = children(child, names)
        kind = children(found.get("Tp"), names)
        code = text(children(kind.get("CdOrPrtry"), names).get("Cd"), "Cd")
        if "Tp" not in found:
            raise BadInput("BAD_FIELD", field="Tp")
        if code not in _BALANCES:
            return
        if text(children(kind.get("SubTp"), names).get("Cd"), "SubTp") == "INTM":  # the balance of a page
            self._more_pages = True
        if code in self._balances:
            raise BadInput("BAD_FIELD", field=code)
        fen, currency = amount(found.get("Amt"))
        signed = fen if is_credit(found) else -fen
        on = day(found.get("Dt"), "Dt", names)
        if on is None:
            raise BadInput("BAD_DATE", field="Dt", value="")
        self._balances[code] = _Balance(signed, currency, on)

    # -- the judgement

    def _sum(self, credit: bool) -> int:
        return self._sums[False][credit] + self._sums[True][credit]

    @property
    def _opening(self) -> _Balance | None:
        return self._balances.get("OPBD") or self._balances.get("PRCD")

    @property
    def _closing(self) -> _Balance | None:
        return self._balances.get("CLBD")

    @property
    def _currency(self) -> str:
        stated = [balance.currency for balance in (self._opening, self._closing) if balance]
        return next(filter(None, (self._account_currency, *stated, *self._entry_currencies)), "")

    def _fault(self) -> Fault | None:
        """The first rule that the statement breaks by itself; None when it proves itself."""
        if self._more_pages:
            return Fault("INCOMPLETE_STATEMENT", self._where, "LastPgInd")
        opening, closing, currency = self._opening, self._closing, self._currency
        if opening is None or closing is None:
            return Fault("MISSING_BALANCE", self._where, "OPBD" if opening is None else "CLBD")
        if self._repeated_ref_at:
            return Fault("DUPLICATE_ENTRY_REF", self._at(self._repeated_ref_at), "AcctSvcrRef")
        for foreign, entry in self._entry_currencies.items():
            if foreign != currency:
                return Fault("CURRENCY_MISMATCH", self._at(entry), "Ccy", f"{foreign} <> {currency}")
        summary = self._summary_fault()
        if summary is not None:
            return summary
        reached = opening.fen + self._sums[True][True] - self._sums[True][False]
        if reached != closing.fen:
            shown = f"{amount_text(reached, currency)} <> {amount_text(closing.fen, closing.currency)}"
            return Fault("BALANCE_MISMATCH", self._where, "CLBD", shown)
        previous = self._balances.get("PRCD", opening)
        if previous.fen != opening.fen:
            shown = f"{amount_text(previous.fen, currency)} <> {amount_text(opening.fen, currency)}"
            return Fault("BALANCE_MISMATCH", self._where, "PRCD", shown)
        for balance in (opening, closing, previous):
            if balance.currency != currency:
                return Fault("CURRENCY_MISMATCH", self._where, "Ccy", f"{balance.currency} <> {currency}")
        return None

    def _summary_fault(self) -> Fault | None:
        """Compare TxsSummry with what was read. Banks count either all entries or the booked ones; both are right."""
        for total in self._totals:
            booked = [(self._counts[True][sign], self._sums[True][sign], sign) for sign in total.signs]
            every = [(self._counts[False][sign] + count, self._sum(sign), sign) for count, _, sign in booked]
            if total.number and int(total.number) not in {sum(one[0] for one in group) for group in (booked, every)}:
                return Fault("ENTRY_COUNT_MISMATCH", self._where, "NbOfNtries", total.number)
            if not any(_agrees(total, group, self._currency) for group in (booked, every)):
                return Fault("BALANCE_MISMATCH", self._where, "TxsSummry", total.total or total.net)
        return None

    def _statement(self, verdict: Verdict, fault: Fault | None, *, whole: bool, proved: bool) -> Statement:
        opening, closing = self._opening, self._closing
        from_on = self._period[0] or (opening.on if opening else None)
        to_on = self._period[1] or (closing.on if closing else None)
        closing_on = closing.on if closing else None
        opening_fen, closing_fen = (balance.fen if balance else None for balance in (opening, closing))
        digest = self._digest.close(
            (self._account, self._statement_id, self._sequence),
            (self._currency, opening_fen, closing_fen),
            (from_on, to_on, closing_on),
        )
        return Statement(
            ord=self._ord,
            format="camt",
            version=self._message.version,
            account=self._account,
            statement_id=self._statement_id,
            sequence=self._sequence,
            currency=self._currency,
            opening_fen=opening_fen,
            closing_fen=closing_fen,
            from_on=from_on,
            to_on=to_on,
            closing_on=closing_on,
            entries=self._entries if whole else None,
            booked_entries=sum(self._counts[True]) if whole else None,
            sum_credits_fen=self._sum(True) if whole else None,
            sum_debits_fen=self._sum(False) if whole else None,
            booked_credits_fen=self._sums[True][True] if whole else None,
            booked_debits_fen=self._sums[True][False] if whole else None,
            proved=proved,
            verdict=verdict,
            fault=fault,
            content_digest=digest if whole else "",
        )


def _agrees(total: _Total, group: Sequence[tuple[int, int, bool]], currency: str) -> bool:
    if total.number and int(total.number) != sum(count for count, _, _ in group):
        return False
    if total.total and minor_from_text(total.total, currency, field="Sum") != sum(fen for _, fen, _ in group):
        return False
    if not total.net:
        return True
    net = minor_from_text(total.net, currency, field="TtlNetNtry")
    return (net if total.net_credit else -net) == sum(fen if sign else -fen for _, fen, sign in group)


def _totals(summary: etree._Element, names: Names) -> list[_Total]:
    """The totals of TxsSummry that say something. Raises BadInput BAD_FIELD for a count that is none."""
    found: list[_Total] = []
    for name, element in children(summary, names).items():
        if name not in _TOTALS:
            continue
        parts = children(element, names)
        count, total = text(parts.get("NbOfNtries"), "NbOfNtries"), text(parts.get("Sum"), "Sum")
        if count and not _COUNT.fullmatch(count):
            raise BadInput("BAD_FIELD", field="NbOfNtries", value=count)
        # Until .03 amount and sign stand in the total itself, later in an element of their own.
        net = children(parts["TtlNetNtry"], names) if "TtlNetNtry" in parts else parts
        written = text(net.get("Amt", net.get("TtlNetNtryAmt")), "TtlNetNtry")
        found.append(_Total(_TOTALS[name], count, total, written, is_credit(net) if written else False))
    return found


def check_place(element: etree._Element, message: Message) -> None:
    """Refuse, at its start tag, an element of the envelope that does not stand where it belongs. BadInput BAD_FIELD.

    Were it read over instead, money could hide in it, and memory would grow with what is never taken.
    """
    name = message.names[element.tag]
    above = {"TxDtls": ("NtryDtls", "Ntry"), "Ntry": (message.statement,)}.get(name, (message.body, "Document", ""))
    parent = element.getparent()
    for expected in above:
        if (message.names.get(parent.tag) if parent is not None else "") != expected:
            raise BadInput("BAD_FIELD", field=name)
        parent = parent.getparent() if parent is not None else None


def _drop_before(element: etree._Element, stop: etree._Element | None = None) -> None:
    """Take what stands before an element, back to ``stop``, out of the tree."""
    parent = element.getparent()
    while parent is not None and (previous := element.getprevious()) is not None and previous is not stop:
        previous.clear()
        parent.remove(previous)


def _placed(fault: BadInput, where: str) -> BadInput:
    return BadInput(fault.code, where=fault.where or where, field=fault.field, value=fault.value)
