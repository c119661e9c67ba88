"""Many clients at once: no deadlock, no limit passed, every promise kept; of those who want the last fen, one wins."""

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest
from sqlalchemy import Connection, Engine, text

from ledger.books import close, journal, register
from ledger.books.engine import open_engine
from ledger.rules import posting, posting_payment
from ledger.terms.ids import new_id
from ledger.terms.journal import AccountClass, Entry, Event, Transfer
from tests.books.clients import Client, at_once
from tests.conftest import Database
from tests.world import CUSTODY, DAY, NOW, RESERVE, SECOND_CUSTODY, World, make_world

WRITERS, SEALERS, SECONDS = 12, 2, 4.0
PAYABLE, CLAIM = AccountClass.PAYABLE, AccountClass.CLAIM


@pytest.fixture
def many(fresh_database: Database) -> Iterator[tuple[World, Engine]]:
    """A world, and an engine with a session for every client."""
    engine = open_engine(fresh_database.urls.app, pool_size=WRITERS + SEALERS + 2)
    yield make_world(fresh_database.app), engine
    engine.dispose()


class Writer(Client):
    """Mixes what the flows do: sets decided on an unlocked reading, and decisions under locks."""

    def __init__(
        self,
        engine: Engine,
        number: int,
        seed: int,
        ticks: "count[int]",
        families: list[UUID],
        taught: list[tuple[UUID, Event]],
    ) -> None:
        super().__init__(engine, number, seed, ticks)
        self.families, self.taught = families, taught
        self.holds: list[tuple[UUID, UUID]] = []

    def write_until(self, end: float) -> None:
        while time.monotonic() < end:
            self.rng.choice(
                [
                    self.teach,
                    self.teach,
                    self.deposit,
                    self.pay_out,
                    self.refund,
                    self.hold,
                    self.reverse,
                    self.shared,
                    self.dispute,
                    self.two_funds,
                ]
            )()

    def some(self, most: int = 4) -> list[UUID]:
        return self.rng.sample(self.families, self.rng.randint(1, most))

    def teach(self) -> None:
        """A set over several families, in no order, decided on a reading without locks."""
        chosen = self.some()
        with self.engine.begin() as conn:
            rows = register.read_contracts(conn, self.number, chosen)
        events = [posting.hours_released(rows[family], self.rng.randint(1, 60)) for family in chosen for _ in (1, 2)]
        entries = self.entries(events)
        for entry, outcome in zip(entries, self.ask(lambda _: entries), strict=True):
            if outcome.result == "done":
                self.taught.append((entry.entry_id, entry.event))

    def deposit(self) -> None:
        with self.engine.begin() as conn:
            row = register.read_contracts(conn, self.number, self.families)[self.rng.choice(self.families)]
        line = new_id(NOW + timedelta(milliseconds=next(self.ticks)))
        entries = self.entries([posting.deposit(row, line, self.rng.randint(1, 5_00))])
        self.ask(lambda _: entries)

    def pay_out(self) -> None:
        instruction = new_id(NOW + timedelta(milliseconds=next(self.ticks)))

        def decide(conn: Connection) -> list[Entry]:
            sure = register.lock_account(conn, self.number, CUSTODY, "payable")
            return self.entries([posting_payment.instructed(PAYABLE, CUSTODY, instruction, sure // 2 + 1)])

        self.ask(decide)

    def refund(self) -> None:
        """Contracts first, then the account, then the decision."""
        chosen = self.some(2)

        def decide(conn: Connection) -> list[Entry]:
            rows = register.lock_contracts(conn, self.number, chosen)
            payments = register.read_payments(conn, self.number, chosen)
            sure = register.lock_account(conn, self.number, CUSTODY, "payable")
            events = []
            for family in chosen:
                fen = min(rows[family].free_fen + 5, sum(p.left_fen for p in payments.get(family, ())))
                if fen:
                    events.append(
                        posting_payment.refund_approved(rows[family], min(fen, 2_00), payments[family], sure // 2, None)
                    )
            return self.entries(events)

        self.ask(decide)

    def hold(self) -> None:
        if self.holds and self.rng.random() < 0.5:
            hold_id, family = self.holds.pop()
            entries = self.entries([posting.hold_ended(CUSTODY, hold_id, 10, family)])
            self.ask(lambda _: entries)
            return
        placed = [(new_id(NOW + timedelta(milliseconds=next(self.ticks))), family) for family in self.some()]
        entries = self.entries([posting.hold_placed(CUSTODY, hold_id, 10, family) for hold_id, family in placed])
        outcomes = self.ask(lambda _: entries)
        self.holds += [one for one, outcome in zip(placed, outcomes, strict=True) if outcome.result == "done"]

    def dispute(self) -> None:
        """A hold on payable and its end in one set: the hold's row and the account's."""
        hold_id = new_id(NOW + timedelta(milliseconds=next(self.ticks)))
        fen = self.rng.randint(1, 50)
        both = [posting.hold_placed(CUSTODY, hold_id, fen, None), posting.hold_ended(CUSTODY, hold_id, fen, None)]
        entries = self.entries(both)
        self.ask(lambda _: entries)

    def two_funds(self) -> None:
        """A set over all kinds of fund and every guarded account, in any order."""
        line, order, instruction = (new_id(NOW + timedelta(milliseconds=next(self.ticks))) for _ in range(3))
        events = [
            posting_payment.reserve_topped_up(RESERVE, 3),
            posting_payment.reserve_instructed(RESERVE, "draw", order, instruction, 1),
            posting_payment.interest_booked(CUSTODY, 3),
            posting_payment.interest_paid_over(CUSTODY, 1),
            posting_payment.instructed(PAYABLE, CUSTODY, new_id(NOW + timedelta(milliseconds=next(self.ticks))), 1),
            posting.deposit_to_suspense(SECOND_CUSTODY, line, 2),
        ]
        self.rng.shuffle(events)
        entries = self.entries(events)
        self.ask(lambda _: entries)

    def reverse(self) -> None:
        """The newest releases of everybody: several clients want the same one."""
        chosen = [pair for pair in self.taught[-6:] if self.rng.random() < 0.5]
        self.rng.shuffle(chosen)
        entries = self.entries([posting_payment.reversal(event, entry_id) for entry_id, event in chosen])
        if entries:
            self.ask(lambda _: entries)

    def shared(self) -> None:
        """Keys that other clients use as well, in another order."""
        keys = [f"shared {n}" for n in self.rng.sample(range(40), 4)]
        line = new_id(NOW + timedelta(milliseconds=next(self.ticks)))
        entries = self.entries([posting.deposit_to_suspense(CUSTODY, line, 1) for _ in keys], keys)
        self.ask(lambda _: entries)


def test_writers_and_sealers_over_few_families_keep_every_promise(many: tuple[World, Engine]) -> None:
    world, engine = many
    families = [world.open_contract(price_fen=5_000_00, hours=500_00, paid_fen=20_00) for _ in range(5)]
    ticks, taught = count(10**6), list[tuple[UUID, Event]]()
    end = time.monotonic() + SECONDS
    writers = [Writer(engine, world.number, seed, ticks, families, taught) for seed in range(WRITERS)]

    def seal(*, wait: bool) -> None:
        while time.monotonic() < end:
            with engine.begin() as conn:
                journal.seal(conn, world.number, NOW, wait=wait)

    def work(writer: Writer) -> Callable[[], None]:
        return lambda: writer.write_until(end)

    def close_days() -> None:
        """Takes each fund for itself, one after the other, while everybody writes; and opens the days again."""
        for day in count(1):
            if time.monotonic() > end:
                return
            for fund_no in (CUSTODY, RESERVE, SECOND_CUSTODY):
                with engine.begin() as conn:
                    close.close_day(conn, world.number, fund_no, DAY + timedelta(days=day), NOW, "clerk:li")
            with engine.begin() as conn:
                close.reopen_day(conn, world.number, CUSTODY, DAY, NOW, "clerk:li", "clerk:wang")
            time.sleep(0.02)

    others = [lambda: seal(wait=True), lambda: seal(wait=False), close_days]
    with at_once(*(work(writer) for writer in writers), *others) as faults:
        assert faults == []
    assert world.broken() == []
    assert closed_days(world) > 10
    results = sum((writer.results for writer in writers), Counter[str]())
    assert results["done"] > 100, results
    assert {"replayed", "ALREADY_REVERSED", "CLAIM_TOO_SMALL"} <= set(results), results
    assert not {"conflict", "later"} & set(results), results
    assert world.balance("suspense") <= 40  # each shared key moved one fen at most once


def test_who_holds_an_account_of_one_fund_may_post_in_another_that_is_closed_meanwhile(
    many: tuple[World, Engine],
) -> None:
    """Closing seals, and sealing folds every fund: with a lock per fund, each of the two would wait for the other."""
    world, engine = many
    family = world.open_contract(paid_fen=50_00)
    world.post(posting.hours_released(world.contract(family), 1_00))  # what the sealer has to fold into payable
    line, held = new_id(NOW), threading.Event()

    def post() -> None:
        with engine.begin() as conn:
            register.lock_account(conn, world.number, CUSTODY, "payable")
            held.set()
            while not waiting_for_locks(engine):
                time.sleep(0.01)
            event = posting.deposit_to_suspense(SECOND_CUSTODY, line, 1)
            entry = Entry(new_id(NOW), f"line {line}", (), event, DAY, "clerk:li")
            assert [outcome.result for outcome in journal.post(conn, world.number, [entry], NOW)] == ["done"]

    def close_second() -> None:
        held.wait()
        with engine.begin() as conn:
            assert close.close_day(conn, world.number, SECOND_CUSTODY, DAY, NOW, "clerk:li") is not None

    with at_once(post, close_second) as faults:
        assert faults == []
    assert world.balance("suspense", SECOND_CUSTODY) == 1
    assert closed_days(world) == 1


def waiting_for_locks(engine: Engine) -> int:
    """How many sessions of this database wait for a lock."""
    with engine.begin() as conn:
        sql = """SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
                 WHERE NOT l.granted AND a.datname = current_database()"""
        return int(conn.scalar(text(sql)) or 0)


def closed_days(world: World) -> int:
    """How often a day was closed; nothing sealed while it was closed lies on it."""
    with world.engine.begin() as conn:
        behind = conn.scalar(
            text("""SELECT count(*) FROM ledger.close_step s
                    JOIN ledger.block_item b ON b.institution_id = s.institution_id AND b.block_no > s.block_no
                    JOIN ledger.journal_entry e ON e.institution_id = b.institution_id AND e.entry_id = b.entry_id
                                               AND e.fund_no = s.fund_no
                    LEFT JOIN ledger.close_step n ON n.institution_id = s.institution_id AND n.fund_no = s.fund_no
                                                 AND n.step = s.step + 1
                    WHERE s.institution_id = :i AND s.action = 'close' AND e.effective_on <= s.closed_through
                      AND (n.step IS NULL OR b.block_no <= n.block_no)"""),
            {"i": world.number},
        )
        assert behind == 0
        return int(
            conn.scalar(
                text("SELECT count(*) FROM ledger.close_step WHERE institution_id = :i AND action = 'close'"),
                {"i": world.number},
            )
        )


def everybody_asks(engine: Engine, world: World, decided: list[list[Entry]]) -> Counter[str]:
    """Every set of entries asked by a client of its own at the same moment; how often each answer came."""
    clients = [Client(engine, world.number, n, count()) for n in range(len(decided))]

    def ask(client: Client, entries: list[Entry]) -> Callable[[], None]:
        def job() -> None:
            client.ask(lambda _: entries)

        return job

    with at_once(*(ask(client, entries) for client, entries in zip(clients, decided, strict=True))) as faults:
        assert faults == []
    assert world.broken() == []
    return sum((client.results for client in clients), Counter[str]())


def test_the_last_fen_is_drawn_by_one(many: tuple[World, Engine]) -> None:
    world, engine = many
    for _ in range(5):
        contract = world.open_contract(paid_fen=1)
        draw = Event("hours_released", CUSTODY, (Transfer(CLAIM, PAYABLE, 1, contract),))
        decided = [Client(engine, world.number, 0, count(n * 10)).entries([draw]) for n in range(8)]
        assert everybody_asks(engine, world, decided) == {"done": 1, "CLAIM_TOO_SMALL": 7}
        assert (world.contract(contract).claim_fen, world.contract(contract).released_fen) == (0, 1)


def test_the_last_fen_of_a_hot_account_is_paid_to_one(many: tuple[World, Engine]) -> None:
    world, engine = many
    world.done(posting_payment.reserve_topped_up(RESERVE, 1))  # not sealed: the first answer is later
    decided = [
        Client(engine, world.number, 0, count(n * 10)).entries(
            [posting_payment.reserve_instructed(RESERVE, "draw", world.new_id(), world.new_id(), 1)]
        )
        for n in range(8)
    ]
    assert everybody_asks(engine, world, decided) == {"done": 1, "RESERVE_TOO_SMALL": 7}
    assert world.balance("reserve", RESERVE) == 0


def test_one_key_asked_by_everybody_is_done_once(many: tuple[World, Engine]) -> None:
    world, engine = many
    line = world.new_id()
    event = posting.deposit_to_suspense(CUSTODY, line, 5_00)
    decided = [Client(engine, world.number, 0, count(n * 10)).entries([event], ["one"]) for n in range(8)]
    assert everybody_asks(engine, world, decided) == {"done": 1, "replayed": 7}
    assert world.balance("suspense") == 5_00


def test_one_entry_is_reversed_by_one_of_those_who_try(many: tuple[World, Engine]) -> None:
    world, engine = many
    contract = world.open_contract(paid_fen=100_00)
    taught = posting.hours_released(world.contract(contract), 1_00)
    (taught_id,) = world.done(taught)
    world.done(posting.hours_released(world.contract(contract), 5_00))
    back = posting_payment.reversal(taught, taught_id)
    decided = [Client(engine, world.number, 0, count(n * 10)).entries([back]) for n in range(8)]
    assert everybody_asks(engine, world, decided) == {"done": 1, "ALREADY_REVERSED": 7}
    assert world.contract(contract).hours_released == 5_00


def test_sets_that_lock_the_same_rows_in_any_order_do_not_deadlock(many: tuple[World, Engine]) -> None:
    world, engine = many
    families = [world.open_contract(paid_fen=100_00) for _ in range(8)]
    rows = [world.contract(family) for family in families]
    decided = []
    for n in range(8):
        client = Client(engine, world.number, n, count(n * 1000))
        order = random.Random(n).sample(rows, len(rows))
        keys = [f"{row.contract_id} {n % 2}" for row in order]
        decided.append(client.entries([posting.hours_released(row, 1_00) for row in order], keys))
    assert everybody_asks(engine, world, decided) == {"done": 16, "replayed": 48}
    assert {world.contract(family).hours_released for family in families} == {2_00}


def test_a_flow_that_locked_before_it_posts_and_a_close_do_not_deadlock(many: tuple[World, Engine]) -> None:
    """The flow holds payable and has not posted; the close must wait for it before it takes the fund for itself."""
    world, engine = many
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 5_00))
    world.seal()
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))  # something for the close to seal and fold
    payout = Client(engine, world.number, 0, count(10**6)).entries(
        [posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 50_00)]
    )

    def close_day() -> None:
        with engine.begin() as conn:
            assert close.close_day(conn, world.number, CUSTODY, DAY, NOW, "clerk:li")

    with engine.begin() as conn, ThreadPoolExecutor(1) as pool:
        register.lock_contracts(conn, world.number, [contract])
        assert register.lock_account(conn, world.number, CUSTODY, "payable") == 50_00
        closing = pool.submit(close_day)
        while not waits(world):
            time.sleep(0.01)
        assert journal.post(conn, world.number, payout, NOW)[0].result == "done"
        conn.commit()
        closing.result(30)
    assert world.broken() == []


def waits(world: World) -> bool:
    """Whether any session of this database waits for a lock."""
    with world.engine.begin() as conn:
        return bool(
            conn.scalar(
                text("""SELECT count(*) FROM pg_stat_activity
                        WHERE datname = current_database() AND wait_event_type = 'Lock'""")
            )
        )
