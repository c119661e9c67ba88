"""Many clients at once, each connection served by an operating system process of its own.

Processes, so that no side is held back by Python's lock. A side whose connections are pooled has more clients than
connections: those queue for the connection of their process, as threads.
"""

import multiprocessing
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, Final

SECONDS: Final = 2.0
_AHEAD: Final = 0.1  # all clients begin at one moment, this far off when it is told

# What one client does once: ask for something and wait until it is committed. Answers how many entries that were; 0:
# there is nothing left to ask for in this round.
Asking = Callable[[], int]


@dataclass(frozen=True, slots=True)
class Work:
    """What a process is told: the database, how many clients it has, and what is theirs alone (ids of something)."""

    url: str
    threads: int
    share: tuple[Any, ...]


# Opens the connections of a process; one Asking per client.
Opener = Callable[[Work], AbstractContextManager[list[Asking]]]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a process did in a round: entries, the waits of its askings, and when it ended (monotonic seconds)."""

    entries: int
    waits: tuple[float, ...]
    ended: float


class Crew:
    """Processes that wait for the word to begin, all with their connections open."""

    def __init__(self, pipes: Sequence[Connection], seconds: float) -> None:
        self._pipes, self._seconds = pipes, seconds
        self._waits: list[float] = []

    def rate(self) -> float:
        """Entries a second over all clients, which begin at once and ask until time is up or nothing is left."""
        begin = time.monotonic() + _AHEAD
        for pipe in self._pipes:
            pipe.send((begin, begin + self._seconds))
        answers = [_received(pipe) for pipe in self._pipes]
        self._waits = sorted(wait for answer in answers for wait in answer.waits)
        return sum(answer.entries for answer in answers) / (max(answer.ended for answer in answers) - begin)

    def waits(self) -> dict[str, Any]:
        """Median and 99th percentile of the last round's waits, in milliseconds."""
        return {
            "p50_ms": round(statistics.median(self._waits) * 1000, 2),
            "p99_ms": round(self._waits[len(self._waits) * 99 // 100] * 1000, 2),
        }


@contextmanager
def crew(opener: Opener, works: Sequence[Work], seconds: float = SECONDS) -> Iterator[Crew]:
    """A process for each work, ready to begin."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["scripts.benchmark.single"])
    pipes, members = [], []
    try:
        for work in works:
            near, far = context.Pipe()
            member = context.Process(target=serve, args=[opener, work, far], daemon=True)
            member.start()
            far.close()
            pipes.append(near)
            members.append(member)
        for pipe in pipes:
            _received(pipe)
        yield Crew(pipes, seconds)
    finally:
        for pipe in pipes:
            pipe.close()
        for member in members:
            member.join()


def divided(url: str, clients: int, sessions: int, ids: Sequence[Any]) -> list[Work]:
    """The works of ``clients`` over ``sessions`` processes, each with its own part of ``ids``."""
    return [Work(url, clients // sessions, tuple(ids[number::sessions])) for number in range(sessions)]


def _received(pipe: Connection) -> Answered:
    """Raises RuntimeError with what a process said when it failed."""
    said = pipe.recv()
    if isinstance(said, Answered):
        return said
    raise RuntimeError(f"a client failed: {said}")


def serve(opener: Opener, work: Work, pipe: Connection) -> None:
    """One process: open what is needed, then answer every word to begin."""
    try:
        with opener(work) as askings:
            pipe.send(Answered(0, (), 0.0))
            while True:
                pipe.send(ask_until(askings, *pipe.recv()))
    except (EOFError, BrokenPipeError, KeyboardInterrupt):
        pass  # the bench is done with us
    except Exception as fault:  # whatever it is, the bench must hear of it, if it still listens
        with suppress(BrokenPipeError):
            pipe.send(f"{type(fault).__name__}: {fault}")


def ask_until(askings: Sequence[Asking], begin: float, end: float) -> Answered:
    """Every client asks from ``begin`` on, one thing after the other; counted is what was answered by ``end``."""
    waits: list[tuple[float, int]] = []
    early: list[float] = []
    faults: list[Exception] = []

    def client(asking: Asking) -> None:
        time.sleep(max(begin - time.monotonic(), 0))
        try:
            while (before := time.monotonic()) < end:
                entries = asking()
                now = time.monotonic()
                if not entries:
                    early.append(before)
                    return
                if now <= end:
                    waits.append((now - before, entries))
        except Exception as fault:  # raised below, where the process can tell it
            faults.append(fault)

    threads = [Thread(target=client, args=[asking]) for asking in askings[1:]]
    for thread in threads:
        thread.start()
    client(askings[0])
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    ended = max(early) if len(early) == len(askings) else end
    return Answered(sum(entries for _, entries in waits), tuple(wait for wait, _ in waits), ended)
