"""PostgreSQL and a plain Python model asked the same, step by step, in whatever order Hypothesis thinks of.

After every step: the answers are the same; every balance, family, payment and hold is the same; every promise holds and
every block verifies (``custody verify`` does both, from the journal anew); what is read at any day and any block is the
same; a request that was refused or came later, and one asked twice, left nothing behind.
"""

import os
import random
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from datetime import date, timedelta
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from sqlalchemy import text

from ledger.books import close, journal, register
from ledger.books.transaction import snapshot
from ledger.errors import Outcome
from ledger.flows.verify import verify
from ledger.reports import account as report
from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Entry, Event
from tests.books.happenings import OFTEN, Happenings
from tests.books.ledger_model import Account, Model
from tests.conftest import Database
from tests.model.books import Answer, Books
from tests.world import CUSTODY, DAY, HANDS, RESERVE, SECOND_CUSTODY, make_world

FULL = os.environ.get("CUSTODY_TEST_FULL") == "1"
# Events asked of PostgreSQL; Hypothesis makes them in examples of some steps each.
WANTED = 5_000 if FULL else 100
ANSWERS = {"done", "refused", "replayed", "conflict", "later"}
TURNS = 20 if FULL else 6
KINDS = sorted(set(OFTEN))
LUCK = st.randoms(use_true_random=False)
FUNDS = (CUSTODY, RESERVE, HANDS, SECOND_CUSTODY)


class Lockstep(RuleBasedStateMachine):
    """One institution in a database of its own, and the model of it."""

    copied: ClassVar[Callable[[], AbstractContextManager[Database]]]
    seen: ClassVar[Counter[str]] = Counter()

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.world = make_world(self.stack.enter_context(type(self).copied()).app)
        world = self.world
        for price, hours, fund_no in ((60_00, 6_00, CUSTODY), (100_00, 10_50, CUSTODY), (33_33, 3_00, HANDS)):
            world.open_contract(price, hours, fund_no)
        with world.engine.begin() as conn:
            ids = list(conn.exec_driver_sql("SELECT contract_id FROM ledger.contract_balance ORDER BY 1").scalars())
        model = Model({contract_id: world.contract(contract_id) for contract_id in ids})
        self.books = Books(model, dict.fromkeys(FUNDS, DAY - timedelta(days=1)))
        self.happen = Happenings(model, random.Random(0), world.new_id)
        self.asked: list[Entry] = []
        for contract_id in ids:
            row = model.contracts[contract_id]
            paid = posting.deposit if row.fund_no == CUSTODY else posting.prepaid_to_institution
            self.post([self.entry(paid(row, world.new_id(), row.price_fen // 2))])

    def teardown(self) -> None:
        self.stack.close()

    # -- asking

    def entry(self, event: Event, day: date = DAY, key: str = "") -> Entry:
        world = self.world
        return Entry(world.new_id(), key or f"k{next(world.keys)}", (("event", event.kind),), event, day, "test")

    def post(self, entries: list[Entry]) -> list[Answer]:
        """Ask both; where anything comes later, seal both and ask once more, as an edge does."""
        world, books = self.world, self.books
        self.seen["asked"] += 1
        answers = books.ask(entries)
        with world.engine.begin() as conn:
            self.same(entries, answers, journal.post(conn, world.number, entries, world.clock))
        if any(answer.result == "later" for answer in answers):
            assert self.balances() == books.model.balances(), "later left a trace"
            block = world.seal()
            assert block == books.seal()
            again = books.ask(entries, final=True)
            with world.engine.begin() as conn:
                self.same(entries, again, journal.post(conn, world.number, entries, world.clock, block))
            self.remember(entries, again)
        self.remember(entries, answers)
        return answers

    def remember(self, entries: list[Entry], answers: list[Answer]) -> None:
        for entry, answer in zip(entries, answers, strict=True):
            self.seen[answer.result] += 1
            if answer.result == "done":
                self.seen[entry.event.kind] += 1
                self.happen.posted.append((entry.entry_id, entry.event))
            if answer.result in ("done", "refused"):
                self.asked.append(entry)

    def same(self, entries: list[Entry], answers: list[Answer], outcomes: list[Outcome]) -> None:
        for entry, answer, outcome in zip(entries, answers, outcomes, strict=True):
            told = (outcome.result.value, outcome.field, outcome.entry_id)
            assert told == (answer.result, answer.field, answer.entry_id), (entry, answer, outcome)
            assert (outcome.result == "replayed" and bool(outcome.code)) == (
                answer.result == "replayed" and answer.refused
            ), (entry, answer, outcome)

    # -- what may happen

    @rule(kind=st.sampled_from(KINDS), luck=LUCK, late=st.integers(-3, 3))
    def happens(self, kind: str, luck: random.Random, late: int) -> None:
        """One event of a kind; its fact may be late or early."""
        self.happen.rng = luck
        event = self.happen.try_one(kind)
        if event is not None:
            self.post([self.entry(event, DAY + timedelta(days=late))])

    @rule(kinds=st.lists(st.sampled_from(KINDS), min_size=2, max_size=6), luck=LUCK)
    def a_set_happens(self, kinds: list[str], luck: random.Random) -> None:
        """Decided on one reading, so that some of them no longer fit; one key may come twice."""
        self.happen.rng = luck
        events = [event for event in map(self.happen.try_one, kinds) if event is not None]
        entries = [self.entry(event) for event in events]
        if len(entries) > 1 and luck.random() < 0.3:
            entries[-1] = self.entry(entries[0].event, key=entries[0].key)
        if entries:
            self.post(entries)

    @precondition(lambda self: self.asked)
    @rule(which=st.integers(0, 10**6), words=st.sampled_from(["same", "other", "more", "none"]))
    def is_asked_again(self, which: int, words: str) -> None:
        """An old key with the same words, or with others: a replay or a conflict, and nothing changes."""
        old = self.asked[which % len(self.asked)]
        said = {
            "same": old.asked, "other": (("event", "something else"),), "more": (*old.asked, ("more", "1")), "none": ()
        }[words]  # fmt: skip
        before = self.counts()
        (answer,) = self.post([Entry(self.world.new_id(), old.key, said, old.event, DAY, "test")])
        assert answer.result == ("replayed" if words == "same" else "conflict")
        assert self.counts() == before

    @rule(luck=LUCK, parts=st.integers(1, 3))
    def a_hold_is_used_in_parts(self, luck: random.Random, parts: int) -> None:
        """Placed, captured in parts by refunds, the rest let go; once more than there is."""
        self.happen.rng = luck
        rows = [row for row in self.books.model.contracts.values() if row.free_fen > parts]
        if not rows:
            return
        row = luck.choice(rows)
        hold, fen = self.world.new_id(), luck.randint(parts + 1, row.free_fen)
        self.post([self.entry(posting.hold_placed(row.fund_no, hold, fen, row.contract_id))])
        part = fen // (parts + 1)
        for _ in range(parts):
            row = self.books.model.contracts[row.contract_id]
            payments = self.books.model.payments_of(row.contract_id)
            if sum(one.left_fen for one in payments) >= part > 0:
                self.post([self.entry(posting_payment.refund_approved(row, part, payments, 0, (hold, part)))])
        left = self.books.model.holds[hold][0]
        (answer,) = self.post([self.entry(posting.hold_ended(row.fund_no, hold, left + 1, row.contract_id))])
        assert answer.result == "refused"
        self.post([self.entry(posting.hold_ended(row.fund_no, hold, left, row.contract_id))])

    @precondition(lambda self: self.happen.posted)
    @rule(luck=LUCK)
    def an_entry_is_reversed(self, luck: random.Random) -> None:
        """At most once: the second asking is refused whatever the first one became."""
        self.happen.rng = luck
        event = self.happen.reversal()
        if event is not None:
            (first,) = self.post([self.entry(event)])
            if first.result == "done":
                assert self.post([self.entry(event)])[0].result == "refused"

    @rule()
    def is_sealed(self) -> None:
        self.happen.old = dict(self.books.model.contracts)
        assert self.world.seal() == self.books.seal()

    @rule(fund_no=st.sampled_from(FUNDS), days=st.integers(-1, 2))
    def a_day_is_closed(self, fund_no: int, days: int) -> None:
        through = DAY + timedelta(days=days)
        with self.world.engine.begin() as conn:
            number = close.close_day(conn, self.world.number, fund_no, through, self.world.clock, "clerk:li")
        assert number == self.books.close(fund_no, through)

    @rule(fund_no=st.sampled_from(FUNDS), days=st.integers(-2, 1))
    def days_are_opened_again(self, fund_no: int, days: int) -> None:
        through = DAY + timedelta(days=days)
        with self.world.engine.begin() as conn:
            number = close.reopen_day(
                conn, self.world.number, fund_no, through, self.world.clock, "clerk:li", "clerk:wang"
            )
        assert number == self.books.reopen(fund_no, through)

    @rule(hours=st.integers(1, 30))
    def time_passes(self, hours: int) -> None:
        """So that blocks fall on several days."""
        self.world.clock += timedelta(hours=hours)

    # -- what must hold after each of them

    @invariant()
    def every_promise_holds_and_every_block_verifies(self) -> None:
        with snapshot(self.world.engine) as conn:
            found = verify(conn)
        assert found.faults == ()
        broken = [one for one in found.promises if one.violations and one.name != "12_cover"]
        assert broken == []
        assert (found.entries, found.blocks) == (len(self.books.journal), self.books.blocks)
        assert found.unsealed == sum(one.block is None for one in self.books.requests.values())

    @invariant()
    def the_books_are_the_models(self) -> None:
        model, world = self.books.model, self.world
        assert self.balances() == model.balances()
        with world.engine.begin() as conn:
            assert register.read_contracts(conn, world.number, list(model.contracts)) == model.contracts
            payments = register.read_payments(conn, world.number, list(model.contracts))
            held = register.open_holds(conn, world.number, list(model.holds))
        assert payments == {one: model.payments_of(one) for one in model.contracts if model.payments_of(one)}
        assert held == {one: fen for one, (fen, _) in model.holds.items() if fen}
        assert self.counts() == (
            len(self.books.journal),
            sum(len(posted.event.transfers) for posted in self.books.journal),
            len(self.books.requests),
            sum(one.refused for one in self.books.requests.values()),
            len(model.reversed_ids),
            len(model.holds),
        )

    @rule(luck=LUCK)
    def is_read(self, luck: random.Random) -> None:
        """Any account on any day as known at any block, and its statement page by page."""
        books, world = self.books, self.world
        accounts = sorted({account for posted in books.journal for _, account, _, _ in posted.sides()}, key=str)
        days = [None, *(DAY + timedelta(days=n) for n in (-2, 0, 1, 4))]
        blocks = [None, *range(books.blocks + 1)]
        with snapshot(world.engine) as conn:
            for day, block in [(None, None), *((luck.choice(days), luck.choice(blocks)) for _ in range(3))]:
                sums = books.sums(day, block)
                for account in accounts:
                    shown = report.balance_fen(conn, self.named(account), day, block)
                    assert shown == sums[account], (account, day, block)
            for account in luck.sample(accounts, min(len(accounts), 3)):
                lines, after, size = [], report.Place(), luck.randint(1, 7)
                while page := report.statement(conn, self.named(account), after, size):
                    lines += page
                    after = page[-1].place
                read = [
                    (
                        one.place.block,
                        one.place.entry_id,
                        one.place.line,
                        one.effective_on,
                        one.debit_fen,
                        one.credit_fen,
                    )
                    for one in lines
                ]
                assert read == books.statement(account)
                if lines:
                    assert lines[-1].balance_fen == books.sums(block=books.blocks)[account]

    # -- looking

    def named(self, account: Account) -> report.Account:
        fund_no, account_class, contract_id = account
        return report.Account(self.world.number, fund_no, account_class, contract_id)

    def balances(self) -> dict[Account, int]:
        return {(fund, AccountClass(name), one): fen for (fund, name, one), fen in self.world.balances().items()}

    def counts(self) -> tuple[int, ...]:
        """How many rows there are of everything that a request might leave behind."""
        with self.world.engine.begin() as conn:
            row = conn.execute(
                text("""SELECT (SELECT count(*) FROM ledger.journal_entry), (SELECT count(*) FROM ledger.transfer),
                               (SELECT count(*) FROM ledger.request), (SELECT count(*) FROM ledger.refusal),
                               (SELECT count(*) FROM ledger.reversal), (SELECT count(*) FROM ledger.hold)""")
            ).one()
        return tuple(row)


def run(copied: Callable[[], AbstractContextManager[Database]], examples: int, phases: tuple[Phase, ...]) -> None:
    """Every run of a full test is another one; what fails is shrunk and printed."""
    Lockstep.copied = copied
    run_state_machine_as_test(
        Lockstep,
        settings=settings(
            max_examples=examples, stateful_step_count=50, deadline=None, database=None, derandomize=not FULL,
            suppress_health_check=list(HealthCheck), print_blob=True, phases=phases,
        ),
    )  # fmt: skip


def test_the_database_and_the_model_never_differ(
    copied_database: Callable[[], AbstractContextManager[Database]],
) -> None:
    Lockstep.seen.clear()
    for turn in range(1, TURNS):  # a longer one each time: what is drawn first is drawn again
        if Lockstep.seen["asked"] >= WANTED and set(Lockstep.seen) >= ANSWERS:
            break
        run(copied_database, 40 if FULL else 4 * turn, (Phase.generate, Phase.shrink))
    assert Lockstep.seen["asked"] >= WANTED
    assert set(Lockstep.seen) >= ANSWERS, Lockstep.seen
    if FULL:
        assert len(Lockstep.seen) > 40, Lockstep.seen  # answers and kinds of events


def test_a_model_that_differs_is_noticed(
    copied_database: Callable[[], AbstractContextManager[Database]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that forgets what is held and what a claim is, and the same run fails."""
    monkeypatch.setattr(Model, "held_on", lambda *_: 0)
    monkeypatch.setattr("tests.books.ledger_model._kept", lambda row: row.due_fen >= 0)
    with pytest.raises(AssertionError):
        run(copied_database, 4, (Phase.generate,))
