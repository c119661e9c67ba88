"""Requests of many threads gathered into one call: each gets its own answer, or its own fault."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.exc import DBAPIError

from ledger.books.gathering import Gathering
from ledger.books.transaction import post_alone
from ledger.errors import Outcome, Result
from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Entry, Event, Transfer
from tests.books.asking import entry
from tests.world import CUSTODY, World

CLIENTS = 16


def door(world: World, sizes: list[int]) -> Gathering[Entry]:
    """The edge's way to post; ``sizes`` gets how many came together in each call."""
    now = world.clock + timedelta(seconds=1)

    def run(entries: Sequence[Entry]) -> Sequence[Outcome]:
        sizes.append(len(entries))
        return post_alone(world.engine, world.number, entries, now)

    return Gathering(run)


def taught(world: World, name: str, fen: int = 1_00, paid_fen: int = 2_00) -> Entry:
    """A delivery of a family of its own."""
    contract = world.contract(world.open_contract(paid_fen=paid_fen))
    move = Transfer(AccountClass.CLAIM, AccountClass.PAYABLE, fen, contract.contract_id)
    return entry(world, name, Event("hours_released", CUSTODY, (move,), contract.contract_id, 1_00))


def impossible(world: World) -> Entry:
    """What no caller may send: the database raises."""
    event = posting.deposit_to_suspense(CUSTODY, world.new_id(), 1)
    return entry(world, "impossible", Event("hours_released", CUSTODY, event.transfers))


def test_many_at_once_share_calls_and_each_gets_its_own_answer(world: World) -> None:
    asked = [taught(world, f"lesson {n}", 3_00 if n % 5 == 0 else 1_00) for n in range(CLIENTS * 8)]
    sizes: list[int] = []
    gathering = door(world, sizes)
    with ThreadPoolExecutor(CLIENTS) as clients:
        outcomes = list(clients.map(gathering.ask, asked))
    assert [outcome.entry_id for outcome in outcomes] == [one.entry_id for one in asked]
    assert [outcome.result for outcome in outcomes] == [
        Result.REFUSED if n % 5 == 0 else Result.DONE for n in range(len(asked))
    ]
    assert (sum(sizes), max(sizes) > 1, len(sizes) < len(asked)) == (len(asked), True, True)
    assert world.broken() == []


def test_one_key_asked_at_once_by_all_is_done_once(world: World) -> None:
    one = taught(world, "lesson")
    gathering = door(world, [])
    with ThreadPoolExecutor(CLIENTS) as clients:
        outcomes = list(clients.map(gathering.ask, [one] * CLIENTS))
    assert sorted(outcome.result for outcome in outcomes) == [Result.DONE] + [Result.REPLAYED] * (CLIENTS - 1)
    assert world.contract(one.event.transfers[0].contract_id or world.new_id()).released_fen == 1_00


def test_a_fault_is_its_askers_alone(world: World) -> None:
    asked = [taught(world, f"lesson {n}") for n in range(CLIENTS)]
    bad = impossible(world)
    gathering = door(world, [])
    with ThreadPoolExecutor(CLIENTS + 1) as clients:
        waiting = [clients.submit(gathering.ask, one) for one in (*asked[:8], bad, *asked[8:])]
    faults = [one.exception() for one in waiting]
    assert [n for n, fault in enumerate(faults) if isinstance(fault, DBAPIError)] == [8]
    assert all(one.result().result is Result.DONE for n, one in enumerate(waiting) if n != 8)


def test_alone_nobody_waits_for_company(world: World) -> None:
    sizes: list[int] = []
    gathering = door(world, sizes)
    for n in range(3):
        assert gathering.ask(taught(world, f"lesson {n}")).result is Result.DONE
    with pytest.raises(DBAPIError):
        gathering.ask(impossible(world))
    assert gathering.ask(taught(world, "after a fault")).result is Result.DONE
    assert sizes == [1, 1, 1, 1, 1]


def test_a_set_alone_in_its_transaction_is_whole_and_asked_again_after_later(world: World) -> None:
    """Earned and not folded yet: the first answer is later, the second is final. A fault takes the whole set back."""
    now = world.clock + timedelta(seconds=1)
    earned = taught(world, "lesson", 2_00)
    assert [one.result for one in post_alone(world.engine, world.number, [earned], now)] == [Result.DONE]
    paid, too_much = (
        entry(world, key, posting_payment.instructed(AccountClass.PAYABLE, CUSTODY, world.new_id(), fen))
        for key, fen in (("paid out", 2_00), ("too much", 1))
    )
    with pytest.raises(DBAPIError):
        post_alone(world.engine, world.number, [paid, impossible(world)], now)
    outcomes = post_alone(world.engine, world.number, [paid, too_much], now)
    assert [(one.result, one.code) for one in outcomes] == [
        (Result.DONE, ""), (Result.REFUSED, "PAYABLE_TOO_SMALL"),
    ]  # fmt: skip
    assert world.broken() == []
