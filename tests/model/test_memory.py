"""The model alone, far more steps than PostgreSQL could take: whatever happens, its own laws hold.

A model that is wrong proves nothing of the ledger it is compared with. A step is one event asked.
"""

import copy
import os
import random
from collections import Counter
from datetime import timedelta
from itertools import count
from uuid import UUID

import pytest

from ledger.terms.contract import ContractBalance
from ledger.terms.journal import Entry
from tests.books.happenings import Happenings
from tests.books.ledger_model import Model
from tests.model.books import Books
from tests.world import CUSTODY, DAY, HANDS, RESERVE, SECOND_CUSTODY

STEPS = 200_000 if os.environ.get("CUSTODY_TEST_FULL") == "1" else 3_000
STEPS_OF_A_BOOK = 400


def begin(seed: int) -> tuple[Books, Happenings]:
    """Six families over two custody accounts' worth of funds, nothing paid yet."""
    ids, rng = count(seed * 10**6 + 1), random.Random(seed)
    families = {}
    for n in range(6):
        contract_id = UUID(int=next(ids))
        price, hours = rng.randint(50_00, 300_00), rng.randint(5, 40) * 50
        families[contract_id] = ContractBalance(
            contract_id, HANDS if n >= 4 else CUSTODY, price, hours, price_signed_fen=price
        )
    model = Model(families)
    opened = DAY - timedelta(days=1)
    books = Books(model, dict.fromkeys((CUSTODY, RESERVE, HANDS, SECOND_CUSTODY), opened))
    return books, Happenings(model, rng, lambda: UUID(int=next(ids)))


def step(books: Books, happen: Happenings, number: int, results: Counter[str]) -> None:
    """Ask one event, perhaps late, perhaps twice; seal, close and reopen now and then."""
    rng, event = happen.rng, happen.event()
    day = DAY + timedelta(days=rng.randint(-2, 6))
    entry = Entry(happen.new(), f"k{number}", (("event", event.kind),), event, day, "test")
    before = state(books)
    (answer,) = books.ask([entry])
    if answer.result == "later":
        assert state(books) == before, "later leaves no trace"
        books.seal()
        (answer,) = books.ask([entry], final=True)
    results[answer.result] += 1
    if answer.result == "done":
        happen.posted.append((entry.entry_id, event))
    else:
        assert answer.result == "refused"
        assert state(books)[1:] == before[1:], "a refusal leaves nothing but itself"
    if rng.random() < 0.05:
        after = state(books)
        (again,) = books.ask([entry])
        assert (again.result, again.refused) == ("replayed", answer.refused)
        (other,) = books.ask([Entry(happen.new(), entry.key, (("event", "else"),), event, day, "test")])
        assert (other.result, other.field) == ("conflict", "event")
        assert state(books) == after, "asked twice, done once"
    luck = rng.random()
    if luck < 0.06:
        books.seal()
        happen.old = dict(books.model.contracts)
    elif luck < 0.08:
        books.close(CUSTODY, books.closed[CUSTODY] + timedelta(days=1))
    elif luck < 0.09:
        books.reopen(CUSTODY, books.closed[CUSTODY] - timedelta(days=1))


def state(books: Books) -> tuple[object, ...]:
    """All of the books that a request might change."""
    model = books.model
    return (
        len(books.requests), len(books.journal), model.balances(), dict(model.contracts), +model.items,
        {one: dict(parts) for one, parts in model.payments.items()}, dict(model.holds), +model.held,
        len(model.reversed_ids),
    )  # fmt: skip


def test_the_laws_hold_whatever_happens() -> None:
    results: Counter[str] = Counter()
    kinds: set[str] = set()
    for seed in range(STEPS // STEPS_OF_A_BOOK + 1):
        books, happen = begin(seed)
        for number in range(min(STEPS_OF_A_BOOK, STEPS - seed * STEPS_OF_A_BOOK)):
            step(books, happen, number, results)
            assert books.laws_of_now() == [], (seed, number)
            if number % 40 == 0:
                assert books.laws() == [], (seed, number)
        assert books.laws() == [], seed
        kinds |= {event.kind for _, event in happen.posted}
        known = books.sums(block=books.blocks)
        late = Entry(happen.new(), "late", (), happen.deposit(), DAY - timedelta(days=30), "test")
        books.ask([late])
        assert books.sums(block=books.blocks) == known, "what was known stays what was known"
    assert sum(results.values()) == STEPS
    assert results["refused"] > STEPS // 10, results
    assert len(kinds) >= 42, sorted(kinds)


@pytest.mark.parametrize("broken", ["claim", "item", "hold", "account", "block"])
def test_a_broken_law_is_noticed(broken: str) -> None:
    books, happen = begin(7)
    results: Counter[str] = Counter()
    for number in range(200):
        step(books, happen, number, results)
    books.seal()
    assert books.laws() == []
    model = copy.deepcopy(books.model)
    wrong = Books(model, books.closed, books.requests, list(books.journal), books.blocks)
    if broken == "claim":
        one, row = next((key, row) for key, row in model.contracts.items() if row.paid_fen)
        model.contracts[one] = ContractBalance(one, row.fund_no, row.price_fen, row.hours_total, row.paid_fen + 1)
    elif broken == "item":
        payments = next(iter(model.payments.values()))
        payments.popitem()
    elif broken == "hold":
        model.holds[happen.new()] = (1, None)
    elif broken == "account":
        model.accounts[next(iter(model.accounts))] += 1
    else:
        wrong.journal.append(next(one for one in wrong.journal if one.event.transfers))
    assert wrong.laws() != []
