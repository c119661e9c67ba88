"""As of an accounting day, as known at a block: every way of asking gives what a plain sum over the transfers gives."""

import itertools
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial
from random import Random
from threading import Event as Event_
from threading import Thread
from uuid import UUID

from sqlalchemy import text

from ledger.books import close, journal
from ledger.books import seal as book
from ledger.books.transaction import snapshot
from ledger.reports import account as report
from ledger.reports import trial_balance
from ledger.reports.account import Account, Place
from ledger.rules import posting, posting_payment
from ledger.terms.ids import new_id
from ledger.terms.journal import OF_A_CONTRACT, AccountClass, Entry, Event
from tests.world import CUSTODY, DAY, RESERVE, World

KINDS = 6


@dataclass(frozen=True)
class Side:
    """One side of one transfer, written down apart from the books."""

    account: Account
    effective_on: date
    block: int | None
    fen: int


def happenings(world: World, chance: Random, families: list[UUID]) -> Iterator[Event]:
    for _ in range(chance.randrange(1, 6)):
        one = world.contract(chance.choice(families))
        kind = chance.randrange(KINDS)
        if kind == 0:
            yield posting.deposit(one, world.new_id(), chance.randrange(1, 9))
        elif kind == 1:
            yield posting.hours_released(one, 10)
        elif kind == 2:
            yield posting.deposit_to_suspense(CUSTODY, world.new_id(), chance.randrange(1, 9))
        elif kind == 3:
            yield posting_payment.reserve_topped_up(RESERVE, chance.randrange(1, 9))
        elif kind == 4:
            yield posting_payment.interest_booked(CUSTODY, 1)
        else:
            yield posting_payment.unordered_debit(CUSTODY, world.new_id(), 1)


def live(world: World, seed: int) -> list[Side]:
    """Random events with random accounting days and seals, some days of which have several blocks."""
    chance, sides = Random(seed), []
    families = [world.open_contract(paid_fen=0) for _ in range(3)]
    open_sides: list[tuple[Event, date]] = []
    for _ in range(25):
        for event in happenings(world, chance, families):
            day = DAY + timedelta(days=chance.randrange(-2, 4))
            world.clock += timedelta(milliseconds=5)
            entry = Entry(new_id(world.clock), f"{seed}-{next(world.keys)}", (), event, day, "test")
            with world.engine.begin() as conn:
                (outcome,) = journal.post(conn, world.number, [entry], world.clock)
            if outcome.accepted:
                open_sides.append((event, max(day, DAY)))  # the fund was opened on DAY: earlier days are closed
        if chance.random() < 0.6:
            block = world.seal()
            sides += [side for event, day in open_sides for side in told(world, event, day, block)]
            open_sides = []
        if chance.random() < 0.3:
            world.clock += timedelta(hours=17)
    return sides + [side for event, day in open_sides for side in told(world, event, day, None)]


def told(world: World, event: Event, day: date, block: int | None) -> Iterator[Side]:
    for moved in event.transfers:
        for account_class, sign in ((moved.debit, 1), (moved.credit, -1)):
            contract = moved.contract_id if account_class in OF_A_CONTRACT else None
            account = Account(world.number, event.fund_no, account_class, contract)
            yield Side(account, day, block, sign * moved.amount_fen)


def total(sides: list[Side], account: Account, as_of: date | None, block: int | None) -> int:
    return sum(
        side.fen
        for side in sides
        if side.account == account
        and (as_of is None or side.effective_on <= as_of)
        and (block is None or (side.block is not None and side.block <= block))
    )


def test_every_account_on_every_day_at_every_block(world: World) -> None:
    sides = live(world, 7)
    last = max(side.block or 0 for side in sides)
    assert last >= 8
    accounts = {side.account for side in sides}
    assert len(accounts) >= 8
    days = [None, DAY - timedelta(days=1), DAY, DAY + timedelta(days=2)]
    with snapshot(world.engine) as conn:
        for account, day, block in itertools.product(accounts, days, [None, 0, 1, last // 2, last - 1, last]):
            assert report.balance_fen(conn, account, day, block) == total(sides, account, day, block), (
                account,
                day,
                block,
            )
        for day, block in itertools.product(days, [None, 1, last // 2, last]):
            known = None if block is None else {world.number: block}
            named = trial_balance.trial_balance(conn, day, known)
            mine = sum(abs(one.balance_fen) for one in named if one.account.startswith(f"JG{world.number}:"))
            assert mine == sum(abs(total(sides, account, day, block)) for account in accounts)
            by_class: Counter[str] = Counter()
            for one in trial_balance.by_class(conn, day, known):
                if one.account.startswith(f"JG{world.number}:"):
                    by_class[one.account.split(":")[1]] += one.balance_fen
            for name in AccountClass:
                wanted = sum(total(sides, one, day, block) for one in accounts if one.account_class is name)
                assert by_class[name.value] == wanted, (name, day, block)


def test_a_statement_is_the_same_page_by_page_and_whole(world: World) -> None:
    sides = [side for side in live(world, 11) if side.block is not None]
    for account in {side.account for side in sides}:
        with snapshot(world.engine) as conn:
            whole = report.statement(conn, account, Place(), 1000)
            for size in (1, 3):
                pages, after = [], Place()
                while page := report.statement(conn, account, after, size):
                    pages += page
                    after = page[-1].place
                assert pages == whole
        assert [line.balance_fen for line in whole] == list(
            itertools.accumulate(line.debit_fen - line.credit_fen for line in whole)
        )
        assert Counter(line.debit_fen - line.credit_fen for line in whole) == Counter(
            side.fen for side in sides if side.account == account
        )


def test_what_comes_late_changes_no_page_and_no_report_of_a_known_block(world: World) -> None:
    sides = live(world, 3)
    world.seal()
    account = next(side.account for side in sides if side.account.account_class is AccountClass.BANK)
    with snapshot(world.engine) as conn:
        known = {world.number: book.known_through(conn, world.clock)[world.number]}
        before = report.statement(conn, account, Place(), 5), trial_balance.trial_balance(conn, DAY, known)
    late = Entry(new_id(world.clock), "late", (), posting.deposit_to_suspense(CUSTODY, world.new_id(), 5), DAY, "test")
    with world.engine.begin() as conn:
        assert journal.post(conn, world.number, [late], world.clock)[0].accepted
    world.seal()
    with snapshot(world.engine) as conn:
        assert (report.statement(conn, account, Place(), 5), trial_balance.trial_balance(conn, DAY, known)) == before
        assert trial_balance.trial_balance(conn, DAY) != before[1]


def test_known_at_an_instant_is_the_last_block_sealed_by_then(world: World) -> None:
    instants = []
    for _ in range(3):
        world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
        world.clock += timedelta(minutes=1)
        world.seal()
        instants.append(world.clock)
    with snapshot(world.engine) as conn:
        for number, at in enumerate(instants, 1):
            assert book.known_through(conn, at)[world.number] == number
            assert book.known_through(conn, at - timedelta(seconds=1))[world.number] == number - 1


# -- closing


def test_what_comes_after_a_close_lies_in_the_first_open_day(world: World) -> None:
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
    with world.engine.begin() as conn:
        assert close.close_day(conn, world.number, CUSTODY, DAY, world.clock, "clerk:li") == 1
        assert close.close_day(conn, world.number, CUSTODY, DAY, world.clock, "clerk:li") is None
        assert close.closed_through(conn, world.number, CUSTODY) == DAY
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 2))
    world.done(posting_payment.reserve_topped_up(RESERVE, 4))  # another fund stays open
    with world.engine.begin() as conn:
        rows = conn.execute(
            text("""SELECT t.amount_fen, e.effective_on
                    FROM ledger.journal_entry e JOIN ledger.transfer t USING (institution_id, entry_id)
                    WHERE e.institution_id = :i ORDER BY 1"""),
            {"i": world.number},
        ).all()
        assert [tuple(row) for row in rows] == [(1, DAY), (2, DAY + timedelta(days=1)), (4, DAY)]
        before = DAY - timedelta(days=1)
        again = close.reopen_day(conn, world.number, CUSTODY, before, world.clock, "clerk:li", "clerk:wang")
        assert again == 2
        steps = conn.execute(
            text(
                "SELECT step, action, closed_through, block_no FROM ledger.close_step"
                " WHERE institution_id = :i ORDER BY 1"
            ),
            {"i": world.number},
        ).all()
    assert [tuple(row) for row in steps] == [(1, "close", DAY, 1), (2, "reopen", DAY - timedelta(days=1), 2)]
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 8))
    assert world.broken() == []


def test_closing_while_others_post_and_seal_waits_for_them_and_nothing_slips_behind(world: World) -> None:
    """Eight posters, a sealer and a closer: no deadlock, and every entry recorded after a close lies after its day."""
    stop, faults = Event_(), []

    def post(name: int) -> None:
        number = itertools.count()
        while not stop.is_set():
            now = datetime.now(UTC)
            event = posting.deposit_to_suspense(CUSTODY, new_id(now), 1)
            with world.engine.begin() as conn:
                journal.post(
                    conn, world.number, [Entry(new_id(now), f"{name}-{next(number)}", (), event, DAY, "test")], now
                )

    def guarded(work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as fault:
            faults.append(fault)
            stop.set()

    def seal() -> None:
        while not stop.is_set():
            with world.engine.begin() as conn:
                journal.seal(conn, world.number, datetime.now(UTC))

    workers = [Thread(target=guarded, args=[partial(post, name)]) for name in range(6)]
    workers.append(Thread(target=guarded, args=[seal]))
    for one in workers:
        one.start()
    for day in range(5):
        with world.engine.begin() as conn:
            assert close.close_day(
                conn, world.number, CUSTODY, DAY + timedelta(days=day), datetime.now(UTC), "clerk:li"
            )
    stop.set()
    for one in workers:
        one.join()
    assert faults == []
    world.seal()
    with world.engine.begin() as conn:
        behind = conn.scalar(
            text("""SELECT count(*) FROM ledger.close_step s JOIN ledger.block_item b
                           ON b.institution_id = s.institution_id AND b.block_no > s.block_no
                    JOIN ledger.journal_entry e ON e.institution_id = b.institution_id AND e.entry_id = b.entry_id
                    WHERE s.institution_id = :i AND e.effective_on <= s.closed_through"""),
            {"i": world.number},
        )
    assert behind == 0
    assert world.broken() == []
