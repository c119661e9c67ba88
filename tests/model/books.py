"""The books around the model's ledger: keys asked twice, sealed blocks, closed days, and every way of reading them.

Plain Python lists, read by summing them: nothing here knows how the database keeps anything.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from uuid import UUID

from ledger.terms.journal import DEBIT_NORMAL, OF_A_CONTRACT, AccountClass, Entry, Event
from tests.books.ledger_model import CLAIM, DUE, REFUND_DUE, Account, Model


@dataclass(frozen=True)
class Answer:
    """``field``: the differing one of a conflict. ``refused``: what a replay repeats."""

    result: str
    field: str = ""
    entry_id: UUID | None = None
    refused: bool = False


@dataclass
class Posted:
    """An entry of the journal; ``block`` is None while it is not sealed."""

    entry_id: UUID
    event: Event
    kind: str
    effective_on: date
    block: int | None = None

    def sides(self) -> Iterator[tuple[int, Account, int, int]]:
        """Line number, account, debit and credit of every side."""
        for line, moved in enumerate(self.event.transfers, 1):
            for account_class, debit in ((moved.debit, True), (moved.credit, False)):
                contract_id = moved.contract_id if account_class in OF_A_CONTRACT else None
                account = (self.event.fund_no, account_class, contract_id)
                yield line, account, moved.amount_fen * debit, moved.amount_fen * (not debit)


@dataclass
class Asked:
    words: tuple[tuple[str, str], ...]
    entry_id: UUID
    refused: bool = False
    block: int | None = None


@dataclass
class Books:
    """``closed``: the last closed accounting day of each fund."""

    model: Model
    closed: dict[int, date]
    requests: dict[str, Asked] = field(default_factory=dict)
    journal: list[Posted] = field(default_factory=list)
    blocks: int = 0

    def ask(self, entries: Sequence[Entry], *, final: bool = False) -> list[Answer]:
        """A set: keys are claimed first, then every new item is judged in the order it was asked."""
        mine: dict[str, int] = {}
        answers: list[Answer | None] = [None] * len(entries)
        for n, entry in enumerate(entries):
            first = entries[mine[entry.key]] if entry.key in mine else None
            before = Asked(first.asked, first.entry_id) if first else self.requests.get(entry.key)
            if before is None:
                mine[entry.key] = n
                continue
            differs = _difference(before.words, entry.asked)
            if differs is not None:
                answers[n] = Answer("conflict", differs, before.entry_id)
            elif first is None:
                answers[n] = Answer("replayed", entry_id=before.entry_id, refused=before.refused)
        for entry in (entries[n] for n in mine.values()):
            answers[mine[entry.key]] = self._judge(entry, final=final)
        return [answer or self._twin(answers[mine[entry.key]]) for entry, answer in zip(entries, answers, strict=True)]

    def _twin(self, first: Answer | None) -> Answer:
        assert first is not None
        return first if first.result == "later" else Answer("replayed", entry_id=first.entry_id, refused=first.refused)

    def _judge(self, entry: Entry, *, final: bool) -> Answer:
        event = entry.event
        kind = self.kind_of(event)
        result = self.model.answer(event, kind, final=final)
        if result != "later":
            self.requests[entry.key] = Asked(entry.asked, entry.entry_id, result == "refused")
        if result == "done":
            first_open = self.closed[event.fund_no] + timedelta(days=1)
            self.journal.append(Posted(entry.entry_id, event, kind, max(entry.effective_on, first_open)))
        return Answer(result, entry_id=entry.entry_id, refused=result == "refused")

    def kind_of(self, event: Event) -> str:
        """The kind whose rules an event follows: a reversal those of its original."""
        if event.reverses is None:
            return event.kind
        return next(one.kind for one in self.journal if one.entry_id == event.reverses)

    # -- sealing and closing

    def seal(self) -> int:
        """What is answered and waits becomes the next block; the number of the last one."""
        waiting = [one for one in self.requests.values() if one.block is None]
        if waiting:
            self.blocks += 1
            for one in waiting:
                one.block = self.blocks
            for posted in self.journal:
                posted.block = posted.block or self.blocks
            self.model.fold()
        return self.blocks

    def close(self, fund_no: int, through: date) -> int | None:
        if through <= self.closed[fund_no]:
            return None
        self.closed[fund_no] = through
        return self.seal()

    def reopen(self, fund_no: int, through: date) -> int | None:
        if through >= self.closed[fund_no]:
            return None
        self.closed[fund_no] = through
        return self.seal()

    # -- reading

    def sums(self, as_of: date | None = None, block: int | None = None) -> Counter[Account]:
        """Every account, debit positive: accounting days up to ``as_of``, known at ``block`` (None: no limit)."""
        found: Counter[Account] = Counter()
        for posted in self.journal:
            late = as_of is not None and posted.effective_on > as_of
            unknown = block is not None and (posted.block is None or posted.block > block)
            if not late and not unknown:
                for _, account, debit, credit in posted.sides():
                    found[account] += debit - credit
        return Counter({account: fen for account, fen in found.items() if fen})

    def statement(self, account: Account) -> list[tuple[int, UUID, int, date, int, int]]:
        """The sealed lines of an account in the order of the books."""
        return sorted(
            (posted.block, posted.entry_id, line, posted.effective_on, debit, credit)
            for posted in self.journal
            if posted.block is not None
            for line, side, debit, credit in posted.sides()
            if side == account
        )

    def laws(self) -> list[str]:
        """What must hold of the model itself; what does not. Everything is summed from the journal anew."""
        model = self.model
        wrong = self.laws_of_now()
        again = {account: fen if account[1] in DEBIT_NORMAL else -fen for account, fen in self.sums().items()}
        if again != model.balances():
            wrong.append("accounts are not what the journal adds up to")
        of_items: Counter[tuple[int, AccountClass]] = Counter()
        for posted in self.journal:
            for moved in posted.event.transfers:
                for side, item, sign in ((moved.debit, moved.debit_item, -1), (moved.credit, moved.credit_item, 1)):
                    if item is not None and side in _OF_ITEMS:
                        of_items[posted.event.fund_no, side] += sign * moved.amount_fen
        for (fund_no, side), fen in of_items.items():
            if fen != model.accounts[fund_no, side, None]:
                wrong.append(f"items of {side} in fund {fund_no}")
        if self.sums(block=self.blocks) != self._sealed():
            wrong.append("known at the last block is not what is sealed")
        return wrong

    def laws_of_now(self) -> list[str]:
        """Those that can be told from the balances alone, without the journal."""
        unequal = [f"equation {sides}" for sides in self.model.equation() if sides[0] != sides[1]]
        return unequal + list(self._laws_of_families())

    def _sealed(self) -> Counter[Account]:
        sealed = Books(self.model, self.closed, journal=[one for one in self.journal if one.block is not None])
        return sealed.sums()

    def _laws_of_families(self) -> Iterator[str]:
        model = self.model
        held: Counter[UUID | None] = Counter()
        for open_fen, contract_id in model.holds.values():
            held[contract_id] += open_fen
            if open_fen < 0:
                yield "a hold is spent twice"
        if held[None] != sum(model.held.values()):
            yield "held on payable"
        for contract_id, row in model.contracts.items():
            fund = row.fund_no
            payments = model.payments_of(contract_id)
            for account_class, fen in ((CLAIM, row.claim_fen), (DUE, row.due_fen), (REFUND_DUE, row.refund_due_fen)):
                if model.accounts[fund, account_class, contract_id] != fen:
                    yield f"{account_class} of {contract_id}"
            if sum(one.left_fen for one in payments) != row.paid_fen - row.refunded_fen:
                yield f"payments of {contract_id}"
            if held[contract_id] != row.held_fen:
                yield f"held on {contract_id}"
            if any(one.left_fen < 0 for one in payments):
                yield f"a payment of {contract_id} went back twice"


_OF_ITEMS = (AccountClass.SUSPENSE, AccountClass.IN_TRANSIT, AccountClass.DIFFERENCE)


def _difference(before: tuple[tuple[str, str], ...], now: tuple[tuple[str, str], ...]) -> str | None:
    """The first field in which two askings differ; None where they are the same."""
    for n in range(max(len(before), len(now))):
        if before[n : n + 1] != now[n : n + 1]:
            return now[n][0] if n < len(now) else "fields"
    return None
