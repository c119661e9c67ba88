"""Requests gathered at the edge into one flow call, against the same requests one by one.

The request is a parent's confirmation of a lesson: flow and commit. One by one, 8 clients wait for one answer each.
Gathered, one connection of the edge sends sets of what as many clients wait for; the waiting of the clients for a set
to fill is not in it.
"""

import math
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta

from ledger.books.engine import open_engine
from ledger.errors import Result
from ledger.flows import lesson as flow
from scripts.benchmark import lessons
from scripts.benchmark.case import Case, alternate, compared
from scripts.benchmark.clients import Asking, Crew, Work, crew
from scripts.benchmark.world import NUMBER, OPENED_AT, Stage

CLIENTS = 8
SETS = (8, 32)
_LONG = 60.0  # a round ends when its lessons do
_RECORDED_AT = OPENED_AT + timedelta(days=30)


def gathering(stage: Stage) -> Iterator[Case]:
    """Sets of 8 and of 32, in the same rounds."""
    run = stage.run
    one_by_one, gathered = run.sized(1_200, CLIENTS), run.sized(4_800, max(SETS))
    rounds = run.rounds + 1  # one warms up
    wanted = rounds * (one_by_one + len(SETS) * gathered)
    law = lessons.law_on(_RECORDED_AT)
    folder = run.folder / "gathering"
    folder.mkdir(parents=True, exist_ok=True)
    with stage.books() as books, ExitStack() as stack:
        for number, content in enumerate(lessons.sheets(math.ceil(wanted / 10) * 10, _RECORDED_AT)):
            path = folder / f"{number}.csv"
            path.write_bytes(content)
            lessons.record(books.engine, lessons.read(path), law, _RECORDED_AT)
            path.unlink()
        folder.rmdir()
        with books.owner() as conn:
            ids = [row[0] for row in conn.execute("SELECT lesson_id FROM lesson ORDER BY md5(lesson_id::text)")]
        url = books.app_url.render_as_string(hide_password=False)
        own = ids[: rounds * one_by_one]
        works = [Work(url, 1, (1, rounds, *own[number::CLIENTS])) for number in range(CLIENTS)]
        crews: dict[str, Crew] = {"one by one": stack.enter_context(crew(confirming, works, _LONG))}
        for place, size in enumerate(SETS):
            start = len(own) + place * rounds * gathered
            share = (size, rounds, *ids[start : start + rounds * gathered])
            crews[f"sets of {size}"] = stack.enter_context(crew(confirming, [Work(url, 1, share)], _LONG))
        figures = alternate({name: one.rate for name, one in crews.items()}, run.rounds)
    for size in SETS:
        yield compared(
            f"requests gathered into sets of {size}", "entries/s", f"one by one, {CLIENTS} clients",
            figures[f"sets of {size}"], figures["one by one"], None, 4.0, **crews[f"sets of {size}"].waits(),
        )  # fmt: skip


@contextmanager
def confirming(work: Work) -> Iterator[list[Asking]]:
    """One connection that confirms its lessons. ``share``: how many a call, over how many rounds, then their ids."""
    size, rounds, *ids = work.share
    engine = open_engine(work.url, pool_size=1)
    places = iter(_places(len(ids), size, rounds))

    def asking() -> int:
        place = next(places)
        if place is None:
            return 0
        asked = ids[place]
        with engine.begin() as conn:
            outcomes = flow.confirm(conn, NUMBER, asked, "parent:zhang", datetime.now(UTC))
        if any(outcome.result is not Result.DONE for outcome in outcomes):
            raise RuntimeError("a lesson was not confirmed")
        return len(asked)

    yield [asking]
    engine.dispose()


def _places(many: int, size: int, rounds: int) -> Iterator[slice | None]:
    """The calls of every round, each round ended by None."""
    each = many // rounds
    for number in range(rounds):
        for start in range(number * each, (number + 1) * each, size):
            yield slice(start, min(start + size, (number + 1) * each))
        yield None
