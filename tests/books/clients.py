"""Clients that ask the books at the same time, each in a thread with a session of its own."""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import count

from sqlalchemy import Connection, Engine

from ledger.books import journal
from ledger.errors import Outcome
from ledger.terms.ids import new_id
from ledger.terms.journal import Entry, Event
from tests.world import DAY, NOW


@contextmanager
def at_once(*jobs: Callable[[], None]) -> Iterator[list[BaseException]]:
    """Run every job in a thread of its own, all starting together; what they raised."""
    faults: list[BaseException] = []
    barrier = threading.Barrier(len(jobs))

    def run(job: Callable[[], None]) -> None:
        try:
            barrier.wait()
            job()
        except BaseException as fault:
            faults.append(fault)

    threads = [threading.Thread(target=run, args=(job,)) for job in jobs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(180)
    assert not any(thread.is_alive() for thread in threads), "a client hangs"
    yield faults


class Client:
    """One client with its own luck, asking as an edge does: after ``later`` it seals and asks once more."""

    def __init__(self, engine: Engine, number: int, seed: int, ticks: "count[int]") -> None:
        self.engine, self.number, self.rng, self.ticks = engine, number, random.Random(seed), ticks
        self.results: Counter[str] = Counter()

    def entries(self, events: list[Event], keys: list[str] | None = None) -> list[Entry]:
        """Keys of their own when none are given."""
        found = []
        for n, event in enumerate(events):
            entry_id = new_id(NOW + timedelta(milliseconds=next(self.ticks)))
            key = keys[n] if keys else str(entry_id)
            found.append(Entry(entry_id, key, (("kind", event.kind),), event, DAY, "test"))
        return found

    def ask(self, decide: Callable[[Connection], list[Entry]]) -> list[Outcome]:
        """Decide and post in one transaction; decided anew after a seal."""
        with self.engine.begin() as conn:
            outcomes = journal.post(conn, self.number, decide(conn), NOW)
        if any(outcome.result == "later" for outcome in outcomes):
            with self.engine.begin() as conn:
                block = journal.seal(conn, self.number, NOW)
            with self.engine.begin() as conn:
                outcomes = journal.post(conn, self.number, decide(conn), NOW, block)
        self.results.update(outcome.code or outcome.result for outcome in outcomes)
        return outcomes
