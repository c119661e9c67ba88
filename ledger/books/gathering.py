"""Requests of many threads gathered into one call: each asks for one thing and waits until that is committed.

What it is for: a call of its own costs a request most of its time (beginning, locking, committing), a place in a call
of eight or more nearly nothing. Nobody waits for company that did not come last time.
"""

from collections.abc import Callable, Sequence
from threading import Condition, Lock
from typing import Final, Generic, TypeVar

from ledger.errors import Outcome

MOST: Final = 1_000
# How long a call waits for as many requests as came together last time: those are just being answered.
PATIENCE_SECONDS: Final = 1 / 1000

Item = TypeVar("Item")


class Gathering(Generic[Item]):
    """One door for requests of a kind, in one process. ``run`` asks for a set in a transaction of its own and answers
    an outcome per item, in order (``transaction.ask`` around a flow).

    A fault of one item is its asker's alone: where ``run`` raises, each item of the set is run by itself.
    """

    def __init__(self, run: Callable[[Sequence[Item]], Sequence[Outcome]], most: int = MOST) -> None:
        self._run, self._most = run, most
        self._arrived = Condition()
        self._queue: list[_Place[Item]] = []
        self._led = False  # whether somebody is about to run what waits
        self._last = 1  # how many came together last time

    def ask(self, item: Item) -> Outcome:
        """What became of one item, committed. Raises what ``run`` raises for it alone."""
        mine = _Place(item)
        with self._arrived:
            self._queue.append(mine)
            if self._led:
                if self._enough():  # to wake whoever leads for less took a tenth of the time
                    self._arrived.notify()
            else:
                self._led = mine.leads = True
                mine.called.release()
        mine.called.acquire()
        if mine.leads:
            self._lead(mine)
        if mine.fault is not None:
            raise mine.fault
        return mine.outcome

    def _lead(self, mine: "_Place[Item]") -> None:
        """Run what waits, my own included, and answer it; the next of those who wait by then leads after me."""
        with self._arrived:
            self._arrived.wait_for(self._enough, PATIENCE_SECONDS)
            taken, self._queue = self._queue[: self._most], self._queue[self._most :]
            self._last = len(taken)
        try:
            self._answer(taken)
        finally:
            with self._arrived:
                self._led = bool(self._queue)
                if self._queue:
                    self._queue[0].leads = True
                    self._queue[0].called.release()
            for place in taken:
                if place is not mine:
                    place.called.release()

    def _enough(self) -> bool:
        return len(self._queue) >= min(self._last, self._most)

    def _answer(self, taken: "Sequence[_Place[Item]]") -> None:
        try:
            outcomes = self._run([place.item for place in taken])
            for place, outcome in zip(taken, outcomes, strict=True):
                place.outcome = outcome
        except Exception as fault:  # whatever it is, it belongs to one of them
            if len(taken) == 1:
                taken[0].fault = fault
            else:
                for place in taken:
                    self._answer([place])


class _Place(Generic[Item]):
    """A request in the queue. ``called`` is released when it is answered, or is to lead."""

    __slots__ = ("called", "fault", "item", "leads", "outcome")

    def __init__(self, item: Item) -> None:
        self.item, self.leads = item, False
        self.called = Lock()
        self.called.acquire()
        self.outcome: Outcome
        self.fault: BaseException | None = None
