"""Batches of deliveries: posting against COPY, sealing against posting, and what an entry takes on disk."""

from collections import deque
from collections.abc import Callable, Iterator

from scripts.benchmark import copying
from scripts.benchmark.case import Case, Run, alternate, compared, seconds
from scripts.benchmark.copying import Rows
from scripts.benchmark.server import Session
from scripts.benchmark.world import SET, Books, Stage


def batch(stage: Stage) -> Iterator[Case]:
    """Sets of 1,000 and of 10,000 deliveries of one custody account, each set a transaction, against C."""
    run = stage.run
    for full_size, sets in ((1_000, 20), (SET, 4)):
        size = shrunk(run, full_size)
        with stage.books() as books, books.owner() as conn:
            figures = alternate(_sides(books, conn, size, sets), run.rounds)
        yield compared(
            f"batch of {full_size:,} deliveries", "entries/s", "C: COPY of the same rows", figures["ours"],
            figures["C"], 0.20, 0.50, size=size, sets_a_round=sets,
        )  # fmt: skip


def shrunk(run: Run, size: int) -> int:
    """A set of the size the case is named after; below scale 1 (to try the bench itself) a smaller one."""
    return size if run.scale >= 1 else run.sized(size, 10)


def _sides(books: Books, conn: Session, size: int, sets: int) -> dict[str, Callable[[], float]]:
    """Both sides of a round. C copies what we posted a round before, so that neither finds the other's rows warm."""
    waiting: deque[list[Rows]] = deque()

    def ours() -> float:
        asked = [books.deliveries(size) for _ in range(sets)]
        took = sum(seconds(lambda entries=entries: books.post(entries)) for entries in asked)  # type: ignore[misc]  # mypy knows no type for a default of a lambda
        waiting.append([copying.rows_of(conn, [entry.entry_id for entry in entries]) for entries in asked])
        books.seal()
        return size * sets / took

    def copied() -> float:
        took = sum(copying.write(conn, rows) for rows in waiting.popleft())
        copying.forget_waiting(conn)
        return size * sets / took

    ours()
    return {"ours": ours, "C": copied}


def sealing(stage: Stage) -> Iterator[Case]:
    """Sealing sets of 10,000 against posting the very same sets."""
    run, size, sets = stage.run, shrunk(stage.run, SET), 4
    posted, sealed = [], []
    with stage.books() as books:
        for number in range(-1, run.rounds):
            asked = [books.deliveries(size) for _ in range(sets)]
            post_took = seal_took = 0.0
            for entries in asked:
                post_took += seconds(lambda entries=entries: books.post(entries))  # type: ignore[misc]  # as above
                seal_took += seconds(books.seal)
            if number >= 0:  # the first warms up
                posted.append(size * sets / post_took)
                sealed.append(size * sets / seal_took)
    yield compared("sealing", "entries/s", "posting of the same sets", sealed, posted, 2.0, 5.0, size=size)


def space(stage: Stage) -> Iterator[Case]:
    """Bytes that an entry of one transfer takes for ever: every table that grew by it, with all indexes."""
    size = shrunk(stage.run, SET)
    with stage.books() as books, books.owner() as conn:
        for _ in range(2):  # rows that are only updated have found their size after these
            books.post(books.deliveries(size))
            books.seal()
        before = _sizes(conn)
        sets = 6
        for _ in range(sets):
            books.post(books.deliveries(size))
            books.seal()
            conn.execute("VACUUM inbox, unfolded")  # as the server does by itself: what has been sealed leaves its room
        after = _sizes(conn)
    grown = {name: (after[name] - before.get(name, 0)) / (size * sets) for name in after}
    each = {
        name: round(grown[name], 1) for name in sorted(grown, key=grown.__getitem__, reverse=True) if grown[name] > 0
    }
    yield Case(
        "bytes of a one-transfer entry", sum(grown.values()), "bytes", "limit", gate=600, reach=400, at_most=True,
        notes={"bytes": each, "entries": size * sets},
    )  # fmt: skip


def _sizes(conn: Session) -> dict[str, int]:
    """Every table of the books with its indexes, vacuumed, in bytes."""
    names = [str(row[0]) for row in conn.execute(
        "SELECT relname FROM pg_class WHERE relnamespace = 'ledger'::regnamespace AND relkind = 'r'")]  # fmt: skip
    found = {}
    for name in names:
        conn.execute(f"VACUUM {name}".encode())
        row = conn.execute("SELECT pg_total_relation_size(%s::regclass)", [name]).fetchone()
        found[name] = int(str(row[0])) if row else 0
    return found
