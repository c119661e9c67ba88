"""Single entries of many clients on one custody account, each committed, against bare commits and a hot row.

``I``: a commit of two inserted rows, one prepared statement straight to the driver, as many connections as clients.
``H``: the same statement also updates one hot row. Ours has as many connections as the product's pool, 8: further
clients queue.
"""

import itertools
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Final

import psycopg
from sqlalchemy.engine import make_url

from ledger.books import register
from ledger.books.engine import POOL_SIZE, open_engine
from ledger.books.gathering import Gathering
from ledger.terms.ids import new_id
from ledger.terms.journal import Entry
from scripts.benchmark.case import Case, alternate, compared
from scripts.benchmark.clients import Asking, Crew, Work, crew, divided
from scripts.benchmark.server import Session
from scripts.benchmark.world import DAY, NUMBER, Stage, Teaching, posted, require_new

FEW, MANY = 8, 32
PROCESSES: Final = 2  # of ours: as many as `custody serve` has; their clients are threads
BARE: Final = """
    CREATE SCHEMA bare;
    CREATE TABLE bare.posting (entry_id uuid, ord smallint, account_id uuid, amount_fen bigint, effective_on date,
                               PRIMARY KEY (entry_id, ord));
    CREATE INDEX posting_account ON bare.posting (account_id);
    CREATE TABLE bare.hot (account_id uuid PRIMARY KEY, amount_fen bigint) WITH (fillfactor = 60);
    INSERT INTO bare.hot VALUES ('00000000-0000-0000-0000-000000000000', 0);
    GRANT USAGE ON SCHEMA bare TO PUBLIC;
    GRANT ALL ON ALL TABLES IN SCHEMA bare TO PUBLIC"""
_INSERT: Final = """INSERT INTO bare.posting VALUES
    (%(e)s, 1, %(a)s, 500, %(on)s), (%(e)s, 2, '00000000-0000-0000-0000-000000000000', -500, %(on)s)"""
_HOT: Final = f"WITH hot AS (UPDATE bare.hot SET amount_fen = amount_fen - 500) {_INSERT}"


def single(stage: Stage) -> Iterator[Case]:
    """8 and 32 clients, all in the same rounds."""
    with stage.books() as books, ExitStack() as stack:
        with books.owner() as conn:
            conn.execute(BARE)
        url = books.app_url.render_as_string(hide_password=False)
        half = len(books.contracts) // 2
        crews: dict[str, Crew] = {}
        for many, own in ((FEW, books.contracts[:half]), (MANY, books.contracts[half:])):
            pooled = divided(url, many, PROCESSES, own)
            crews[f"ours {many}"] = stack.enter_context(crew(ours, pooled))
            crews[f"H {many}"] = stack.enter_context(crew(hot, divided(url, many, many, own)))
            if many == FEW:
                crews[f"I {many}"] = stack.enter_context(crew(bare, divided(url, many, many, own)))
        figures = alternate({name: one.rate for name, one in crews.items()}, stage.run.rounds)
        books.seal()
        yield from _cases(figures, crews)


def _cases(figures: dict[str, list[float]], crews: dict[str, Crew]) -> Iterator[Case]:
    few, many = figures[f"ours {FEW}"], figures[f"ours {MANY}"]
    yield compared(
        f"single entries, {FEW} clients", "entries/s", "I: bare commit of two rows", few, figures[f"I {FEW}"],
        0.2, 0.5,
        **crews[f"ours {FEW}"].waits(), yardstick_waits=crews[f"I {FEW}"].waits(),
    )  # fmt: skip
    yield compared(
        f"single entries, {FEW} clients, hot row", "entries/s", "H: I and a hot row", few, figures[f"H {FEW}"],
        0.7, 3.0,
        yardstick_waits=crews[f"H {FEW}"].waits(),
    )  # fmt: skip
    yield compared(
        f"single entries, {MANY} clients, hot row", "entries/s", "H: I and a hot row", many, figures[f"H {MANY}"],
        1.2, 5.0,
        **crews[f"ours {MANY}"].waits(), yardstick_waits=crews[f"H {MANY}"].waits(),
    )  # fmt: skip
    yield compared(
        f"rate at {MANY} clients, pool of {POOL_SIZE}", "entries/s", f"rate at {FEW} clients", many, few, None, 1.0
    )


@contextmanager
def ours(work: Work) -> Iterator[list[Asking]]:
    """The clients of one connection of the pool: each posts one delivery of its own contracts at a time."""
    engine = open_engine(work.url, pool_size=1)
    with engine.connect() as conn:
        balances = list(register.read_contracts(conn, NUMBER, work.share).values())
    gathering: Gathering[Entry] = Gathering(lambda entries: posted(engine, entries, datetime.now(UTC)))

    def client(teaching: Teaching) -> Asking:
        def asking() -> int:
            (entry,) = teaching.deliveries(1, datetime.now(UTC))
            require_new([gathering.ask(entry)])
            return 1

        return asking

    yield [client(Teaching(balances[number :: work.threads])) for number in range(work.threads)]
    engine.dispose()


@contextmanager
def bare(work: Work) -> Iterator[list[Asking]]:
    """I."""
    with _session(work.url) as conn:
        yield [_bare(conn, work, _INSERT)]


@contextmanager
def hot(work: Work) -> Iterator[list[Asking]]:
    """H."""
    with _session(work.url) as conn:
        yield [_bare(conn, work, _HOT)]


def _session(url: str) -> Session:
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return psycopg.connect(address, autocommit=True, prepare_threshold=0)


def _bare(conn: Session, work: Work, statement: str) -> Asking:
    accounts = itertools.cycle(work.share)

    def asking() -> int:
        conn.execute(statement.encode(), {"e": new_id(datetime.now(UTC)), "a": next(accounts), "on": DAY})
        return 1

    return asking
