"""10,000 random events over 50 families and three funds, against a model written from the policy, step by step."""

import random
from collections import Counter
from dataclasses import dataclass

from ledger.books import register
from ledger.errors import Outcome
from ledger.terms.journal import Event
from tests.books.happenings import Happenings
from tests.books.ledger_model import Model
from tests.conftest import Database
from tests.world import CUSTODY, HANDS, World, make_world

SEED = 20210724  # the day of the opinions
STEPS = 10_000


@dataclass
class Walk:
    """What happens, the books it happens to, and the model that must agree."""

    world: World
    model: Model
    happen: Happenings

    def book(self, event: Event, outcome: Outcome, results: Counter[str]) -> None:
        """Ask the model the same; it must agree."""
        fits = self.model.take(event, self.happen.kind_of(event))
        assert outcome.result == ("done" if fits else "refused"), (event, outcome)
        results[outcome.code or outcome.result] += 1
        if fits and outcome.entry_id:
            self.happen.posted.append((outcome.entry_id, event))

    def compare(self, events: list[Event]) -> None:
        """Every account, the equation of every fund, and the rows of the families just touched, against the model."""
        assert self.world.balances() == self.model.balances(), events
        assert all(left == right for left, right in self.model.equation()), events
        named = {t.contract_id for event in events for t in event.transfers} | {event.contract_id for event in events}
        touched = [contract_id for contract_id in named if contract_id]
        with self.world.engine.begin() as conn:
            rows = register.read_contracts(conn, self.world.number, touched)
        assert rows == {contract_id: self.model.contracts[contract_id] for contract_id in touched}, events

    def compare_all(self) -> None:
        """All promises as SQL, all families and all their payments against the model."""
        assert self.world.broken() == []
        for contract_id, row in self.model.contracts.items():
            assert self.world.contract(contract_id) == row
            assert self.world.payments(contract_id) == self.model.payments_of(contract_id)


def begin(database: Database) -> Walk:
    world = make_world(database.app)
    rng = random.Random(SEED)
    for n in range(50):
        fund_no = CUSTODY if n < 35 else HANDS
        world.open_contract(
            rng.randint(50_00, 900_00), rng.randint(5, 40) * 50, fund_no, gifted=rng.choice([0, 0, 2_50])
        )
    with database.app.begin() as conn:
        ids = list(conn.exec_driver_sql("SELECT contract_id FROM ledger.contract_balance ORDER BY 1").scalars())
    model = Model({contract_id: world.contract(contract_id) for contract_id in ids})
    return Walk(world, model, Happenings(model, rng, world.new_id))


def test_every_promise_is_kept_through_random_events(module_database: Database) -> None:
    walk = begin(module_database)
    world, model, rng = walk.world, walk.model, walk.happen.rng
    results: Counter[str] = Counter()
    steps = 0
    while steps < STEPS:
        events = [walk.happen.event() for _ in range(rng.choice([1, 1, 1, 2, 4, 8]))]
        key = f"walk {steps}" if len(events) == 1 else ""
        outcomes = world.post(*events, key=key, fold=False)
        waiting = [event for event, outcome in zip(events, outcomes, strict=True) if outcome.result == "later"]
        for event, outcome in zip(events, outcomes, strict=True):
            if outcome.result != "later":
                walk.book(event, outcome, results)
        for event in waiting:  # what a fold may bring is decided after it, one by one
            walk.book(event, world.post(event, key=key)[0], results)
        if key and rng.random() < 0.1:  # asked twice
            (again,) = world.post(events[0], key=key)
            assert again.result == "replayed", (steps, events)
        walk.compare(events)
        if steps // 500 < (steps + len(events)) // 500:
            walk.compare_all()
        steps += len(events)
        if rng.random() < 0.06:
            world.seal()
            walk.happen.old = dict(model.contracts)
    walk.compare_all()
    assert results["done"] > STEPS // 2, results
    refusals = {code for code in results if code.isupper()}
    assert len(refusals) >= 15, results
    kinds = {event.kind for _, event in walk.happen.posted}
    assert len(kinds) >= 35, kinds
