"""32 clients on one contract and one custody account, every operation beside every other.

No limit is passed, every answer is one that its operation may give, and the books are what the model makes of the
accepted entries: block by block, with every limit holding at the end of each block.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import combinations_with_replacement, count
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from ledger.books import close, journal, register
from ledger.books.engine import open_engine
from ledger.books.transaction import snapshot
from ledger.flows.verify import verify
from ledger.reports import account as report
from ledger.rules import posting, posting_payment
from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.ids import new_id
from ledger.terms.journal import DEBIT_NORMAL, AccountClass, Entry, Event, HoldAction, HoldMove, Transfer
from tests.books.clients import Client, at_once
from tests.books.ledger_model import Model
from tests.conftest import Database
from tests.world import CUSTODY, DAY, NOW, World, make_world

CLIENTS = 32
SECONDS = 60.0 if os.environ.get("CUSTODY_TEST_FULL") == "1" else 5.0
PAYABLE, REFUND_DUE = AccountClass.PAYABLE, AccountClass.REFUND_DUE

# What each operation may be answered besides "done"; anything else is a fault.
TEACHING = {"CLAIM_TOO_SMALL", "OTHER_FAMILYS_MONEY", "HOURS_EXCEEDED", "DUE_TOO_SMALL"}
TAKEN_BACK = {"RELEASED_BELOW_ZERO", "HOURS_BELOW_ZERO", "PAYABLE_TOO_SMALL", "OTHER_FAMILYS_MONEY"}
ANSWERS = {
    "release": TEACHING,
    "deposit": {"PRICE_EXCEEDED"},
    "hold": {"CLAIM_TOO_SMALL", "HOLD_SPENT", "HELD_BELOW_ZERO"},
    "dispute": {"PAYABLE_TOO_SMALL", "HOLD_SPENT"},
    "refund": {"CLAIM_TOO_SMALL", "PAYMENT_SPENT", "HOLD_SPENT", "HELD_BELOW_ZERO"} | TAKEN_BACK,
    "pay refund": {"REFUND_DUE_TOO_SMALL", "OTHER_FAMILYS_MONEY"},
    "reverse": {"ALREADY_REVERSED", "CLAIM_TOO_SMALL", "PAYMENT_SPENT", "PAID_BELOW_ZERO", "LINE_SPENT"} | TAKEN_BACK,
    "pay out": {"PAYABLE_TOO_SMALL"},
    "bank": {"INSTRUCTION_SPENT", "ALREADY_RETURNED"},
    "ask again": {"replayed", "conflict"},
    "seal": {"sealed"},
    "close": {"closed", "closed before"},
}


class Shared:
    """What the clients know of each other: who does what now, and what was posted that others may want as well."""

    def __init__(self, contract_id: UUID) -> None:
        self.contract_id = contract_id
        self.lock = threading.Lock()
        self.at_work: Counter[str] = Counter()
        self.met: set[tuple[str, str]] = set()
        self.plain: list[tuple[UUID, Event]] = []
        self.holds: list[tuple[UUID, UUID | None, int]] = []
        self.instructions: list[tuple[UUID, AccountClass, int]] = []
        self.asked: list[Entry] = []
        self.closed = count(0)

    def begin(self, name: str) -> None:
        with self.lock:
            for other, number in self.at_work.items():
                if number:
                    self.met.add((min(name, other), max(name, other)))
            self.at_work[name] += 1

    def end(self, name: str) -> None:
        with self.lock:
            self.at_work[name] -= 1


class Hammer(Client):
    """Does one operation after the other, decided on readings that are old by the time they are used."""

    def __init__(self, engine: Engine, number: int, seed: int, ticks: "count[int]", shared: Shared) -> None:
        super().__init__(engine, number, seed, ticks)
        self.shared = shared
        self.answers: Counter[tuple[str, str]] = Counter()

    def work_until(self, end: float) -> None:
        names = list(ANSWERS)
        while time.monotonic() < end:
            self.do(self.rng.choice(names))

    def do(self, name: str) -> None:
        self.shared.begin(name)
        try:
            for answer in getattr(self, name.replace(" ", "_"))():
                self.answers[name, answer] += 1
        finally:
            self.shared.end(name)

    def post(self, *events: Event) -> Iterator[str]:
        entries = self.entries(list(events))
        outcomes = self.ask(lambda _: entries)
        for entry, outcome in zip(entries, outcomes, strict=True):
            if outcome.result == "done":
                self.shared.asked.append(entry)
                if entry.event.kind in ("hours_released", "deposit"):
                    self.shared.plain.append((entry.entry_id, entry.event))
            yield outcome.code or outcome.result.value

    def new(self) -> UUID:
        return new_id(NOW + timedelta(milliseconds=next(self.ticks)))

    def row(self) -> ContractBalance:
        with self.engine.begin() as conn:
            return register.read_contracts(conn, self.number, [self.shared.contract_id])[self.shared.contract_id]

    def payments(self) -> tuple[Payment, ...]:
        with self.engine.begin() as conn:
            return register.read_payments(conn, self.number, [self.shared.contract_id])[self.shared.contract_id]

    # -- the operations, each with the answers it got

    def release(self) -> Iterator[str]:
        return self.post(posting.hours_released(self.row(), self.rng.randint(1, 1_00)))

    def deposit(self) -> Iterator[str]:
        return self.post(posting.deposit(self.row(), self.new(), self.rng.randint(1, 3_00)))

    def hold(self) -> Iterator[str]:
        mine = [one for one in self.shared.holds[-20:] if one[1] is not None]
        if mine and self.rng.random() < 0.5:
            hold_id, contract_id, fen = self.rng.choice(mine)
            return self.post(posting.hold_ended(CUSTODY, hold_id, self.rng.randint(1, fen), contract_id))
        return self.place(self.shared.contract_id, self.rng.randint(1, 8_00))

    def place(self, contract_id: UUID | None, fen: int) -> Iterator[str]:
        hold_id = self.new()
        for answer in self.post(posting.hold_placed(CUSTODY, hold_id, fen, contract_id)):
            if answer == "done":
                self.shared.holds.append((hold_id, contract_id, fen))
            yield answer

    def dispute(self) -> Iterator[str]:
        mine = [one for one in self.shared.holds[-20:] if one[1] is None]
        if mine and self.rng.random() < 0.6:
            hold_id, _, fen = self.rng.choice(mine)
            return self.post(posting.hold_ended(CUSTODY, hold_id, self.rng.randint(1, fen), None))
        return self.place(None, self.rng.randint(1, 2_00))

    def refund(self) -> Iterator[str]:
        """Of the claim or beyond it; one in two captures a part of a hold."""
        row, payments = self.row(), self.payments()
        mine = [one for one in self.shared.holds[-6:] if one[1] is not None]
        hold = self.rng.choice(mine) if mine and self.rng.random() < 0.5 else None
        most = min(row.claim_fen + 50, sum(one.left_fen for one in payments), 3_00)
        part = min(self.rng.randint(1, hold[2]), most) if hold else self.rng.randint(1, max(most, 1))
        if not 0 < part <= most:
            return iter(())
        payable = self.rng.choice([0, 50])
        return self.post(
            posting_payment.refund_approved(row, part, payments, payable, (hold[0], part) if hold else None)
        )

    def pay_refund(self) -> Iterator[str]:
        return self.instruct(REFUND_DUE, self.rng.randint(1, 2_00))

    def pay_out(self) -> Iterator[str]:
        return self.instruct(PAYABLE, self.rng.randint(1, 2_00))

    def instruct(self, source: AccountClass, fen: int) -> Iterator[str]:
        instruction, named = self.new(), self.shared.contract_id if source is REFUND_DUE else None
        for answer in self.post(posting_payment.instructed(source, CUSTODY, instruction, fen, contract_id=named)):
            if answer == "done":
                self.shared.instructions.append((instruction, source, fen))
            yield answer

    def bank(self) -> Iterator[str]:
        """Booked, rejected or returned: several clients bring an answer to the same instruction."""
        if not self.shared.instructions:
            return iter(())
        instruction, source, fen = self.rng.choice(self.shared.instructions[-8:])
        named = self.shared.contract_id if source is REFUND_DUE else None
        verdict = self.rng.choice(["booked", "rejected", "returned"])
        if verdict == "booked":
            kind = posting_payment.PAYMENT_KINDS[source][1]
            return self.post(posting_payment.booked(kind, CUSTODY, instruction, fen))
        event = posting_payment.rejected if verdict == "rejected" else posting_payment.returned
        return self.post(event(source, CUSTODY, instruction, fen, contract_id=named))

    def reverse(self) -> Iterator[str]:
        if not self.shared.plain:
            return iter(())
        entry_id, event = self.rng.choice(self.shared.plain[-5:])
        return self.post(posting_payment.reversal(event, entry_id))

    def ask_again(self) -> Iterator[str]:
        """A key of anybody's, with its words or with others; never done, never refused anew."""
        if not self.shared.asked:
            return
        old = self.rng.choice(self.shared.asked[-10:])
        same = self.rng.random() < 0.5
        words = old.asked if same else (("kind", "something else"),)
        again = Entry(self.new(), old.key, words, old.event, DAY, "test")
        (outcome,) = self.ask(lambda _: [again])
        assert outcome.result == ("replayed" if same else "conflict"), outcome
        assert outcome.entry_id == old.entry_id
        yield outcome.result.value

    def seal(self) -> Iterator[str]:
        with self.engine.begin() as conn:
            journal.seal(conn, self.number, NOW, wait=self.rng.random() < 0.5)
        yield "sealed"

    def close(self) -> Iterator[str]:
        day = DAY + timedelta(days=next(self.shared.closed) // 4)
        with self.engine.begin() as conn:
            number = close.close_day(conn, self.number, CUSTODY, day, NOW, "clerk:li")
        yield "closed before" if number is None else "closed"


@pytest.fixture
def hammered(fresh_database: Database) -> Iterator[tuple[World, Engine]]:
    engine = open_engine(fresh_database.urls.app, pool_size=CLIENTS + 1)
    yield make_world(fresh_database.app), engine
    engine.dispose()


def hammer(
    world: World, engine: Engine, seconds: float
) -> tuple[Counter[tuple[str, str]], Shared, ContractBalance, list[BaseException]]:
    """Let everybody work; how often each operation got each answer, the family as it was before, and what was raised.

    The price is so low that the room under it, and the claim, run out again and again.
    """
    contract_id = world.open_contract(int(seconds * 30_00), int(seconds * 40_00), paid_fen=10_00)
    opened = world.contract(contract_id)
    shared, ticks, end = Shared(contract_id), count(10**6), time.monotonic() + seconds
    clients = [Hammer(engine, world.number, seed, ticks, shared) for seed in range(CLIENTS)]

    def work(client: Hammer) -> Callable[[], None]:
        return lambda: client.work_until(end)

    with at_once(*(work(client) for client in clients)) as faults:
        world.seal()
    return sum((client.answers for client in clients), Counter[tuple[str, str]]()), shared, opened, faults


def test_every_operation_beside_every_other(hammered: tuple[World, Engine]) -> None:
    world, engine = hammered
    answers, shared, opened, faults = hammer(world, engine, SECONDS)
    assert faults == []
    unexplained = {one for one in answers if one[1] != "done" and one[1] not in ANSWERS[one[0]]}
    assert unexplained == set()
    assert {name for name, _ in answers} == set(ANSWERS)
    pairs = {(min(pair), max(pair)) for pair in combinations_with_replacement(ANSWERS, 2)}
    assert pairs - shared.met == set(), "operations that never met"
    refusals = {code for _, code in answers if code.isupper()}
    assert len(refusals) >= 8, answers
    assert sum(answers[name, "done"] for name in ANSWERS) > CLIENTS, answers
    assert world.broken() == []
    with snapshot(engine) as conn:
        assert verify(conn).faults == ()
        replay(conn, world, opened)


def test_limits_that_are_switched_off_are_noticed(hammered: tuple[World, Engine], fresh_database: Database) -> None:
    """The same clients, with a posting function that refuses nothing and no CHECK behind it."""
    world, engine = hammered
    with fresh_database.owner.begin() as conn:
        conn.execute(
            text("""CREATE OR REPLACE FUNCTION ledger._decide(p_institution integer, p_items ledger._item[],
                        p_contracts ledger._contract_effect[], p_sides ledger._side[], p_count integer) RETURNS text[]
                    LANGUAGE sql AS $$ SELECT array_fill(NULL::text, ARRAY[p_count]) $$""")
        )
        named = conn.execute(
            text("""SELECT conrelid::regclass || ' DROP CONSTRAINT "' || conname || '"' FROM pg_constraint
                    WHERE contype = 'c' AND conrelid = ANY (ARRAY['ledger.contract_balance', 'ledger.balance',
                          'ledger.item_balance', 'ledger.hold']::regclass[])""")
        ).scalars()
        for one in named.all():
            conn.execute(text(f"ALTER TABLE {one}"))
        conn.execute(text('ALTER TABLE ledger.reversal DROP CONSTRAINT "an entry is reversed at most once"'))
    _, _, opened, _ = hammer(world, engine, 2.0)  # some clients meet figures that cannot be, and stop
    with snapshot(engine) as conn, pytest.raises(AssertionError):
        replay(conn, world, opened)


def replay(conn: Connection, world: World, opened: ContractBalance) -> None:
    """The accepted entries once more, by the model; what it holds then is what the books hold, at every few blocks."""
    zero = ContractBalance(
        opened.contract_id, CUSTODY, opened.price_fen, opened.hours_total, price_signed_fen=opened.price_signed_fen
    )
    model, kinds = Model({opened.contract_id: zero}), dict[UUID, str]()
    blocks = dict[int, list[tuple[UUID, Event]]]()
    for block, entry_id, event in accepted(conn, world.number):
        blocks.setdefault(block, []).append((entry_id, event))
    assert len(blocks) > 5
    for block, entries in sorted(blocks.items()):
        for entry_id, event in sorted(entries, key=lambda one: one[1].reverses is not None):
            kinds[entry_id] = kinds[event.reverses] if event.reverses else event.kind
            model.book(event, kinds[entry_id])
        assert model.overdrawn() == [], block
        if block % 20 == 0:
            for (fund_no, name, one), fen in model.accounts.items():
                known = report.balance_fen(conn, report.Account(world.number, fund_no, name, one), None, block)
                assert known == (fen if name in DEBIT_NORMAL else -fen), (block, name)
    assert {(fund, str(name), one): fen for (fund, name, one), fen in model.balances().items()} == world.balances()
    assert model.contracts[opened.contract_id] == world.contract(opened.contract_id)
    assert model.payments_of(opened.contract_id) == world.payments(opened.contract_id)


def accepted(conn: Connection, number: int) -> Iterator[tuple[int, UUID, Event]]:
    """Block, id and event of every entry, in the order of the books."""
    rows = conn.execute(
        text("""SELECT b.block_no, e.entry_id, e.kind, e.contract_id, e.hours, e.hold_id, e.hold_action::text AS action,
                       e.hold_fen, e.reverses,
                       array(SELECT row(t.debit_class, t.credit_class, t.amount_fen, t.contract_id, t.debit_item,
                                        t.credit_item)::text FROM ledger.transfer t
                             WHERE t.institution_id = e.institution_id AND t.entry_id = e.entry_id ORDER BY t.ord)
                           AS moved
                FROM ledger.block_item b JOIN ledger.journal_entry e USING (institution_id, entry_id)
                WHERE b.institution_id = :i ORDER BY b.block_no, e.entry_id"""),
        {"i": number},
    )
    for row in rows:
        moved = tuple(transfer(written) for written in row.moved)
        hold = HoldMove(row.hold_id, HoldAction(row.action), row.hold_fen) if row.hold_id else None
        yield (
            row.block_no,
            row.entry_id,
            Event(row.kind, CUSTODY, moved, row.contract_id, row.hours, hold, row.reverses),
        )


def transfer(written: str) -> Transfer:
    debit, credit, fen, contract_id, debit_item, credit_item = written.strip("()").split(",")
    named = [UUID(one) if one else None for one in (contract_id, debit_item, credit_item)]
    return Transfer(AccountClass(debit), AccountClass(credit), int(fen), *named)
