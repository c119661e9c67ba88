"""How an edge runs a flow: one transaction, and for answers that come ``later`` a seal and one more asking."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, Engine

from ledger.books import journal
from ledger.errors import Outcome, Result
from ledger.terms.journal import Entry

_WHOLE_TABLES = ("enable_nestloop TO off", "enable_bitmapscan TO off", "work_mem TO '64MB'")


class Flow(Protocol):
    """A flow with its arguments bound: a connection and, when asked again, the block number of the seal between."""

    def __call__(self, conn: Connection, folded_block: int | None) -> Sequence[Outcome]: ...


def ask(engine: Engine, institution_id: int, now: datetime, flow: Flow) -> Sequence[Outcome]:
    """Run a flow in a transaction of its own. Where an item is answered ``later``, seal in another and ask once more.

    Asking again is safe: what was done is replayed, and nothing was recorded for what came later.
    """
    with engine.begin() as conn:
        outcomes = flow(conn, None)
    return _once_more(engine, institution_id, now, flow, outcomes)


def post_alone(engine: Engine, institution_id: int, entries: Sequence[Entry], now: datetime) -> Sequence[Outcome]:
    """Post a set that is the whole of its transaction, asked again as in ``ask``.

    One statement begins and commits by itself: asking for both separately took a set of four a third of its time.
    """

    def flow(conn: Connection, folded_block: int | None) -> Sequence[Outcome]:
        return journal.post(conn, institution_id, entries, now, folded_block)

    with engine.connect() as conn:
        outcomes = flow(conn.execution_options(isolation_level="AUTOCOMMIT"), None)
    return _once_more(engine, institution_id, now, flow, outcomes)


def _once_more(
    engine: Engine, institution_id: int, now: datetime, flow: Flow, outcomes: Sequence[Outcome]
) -> Sequence[Outcome]:
    if not any(outcome.result is Result.LATER for outcome in outcomes):
        return outcomes
    with engine.begin() as conn:
        block = journal.seal(conn, institution_id, now)
    with engine.begin() as conn:
        return flow(conn, block)


@contextmanager
def whole_tables(conn: Connection) -> Iterator[None]:
    """Plans for passes over whole tables. What the planner believes of a table that has grown since it was analysed may
    be wrong by any factor, and a nested loop over it then takes hours; a hash or a merge takes what it takes.
    """
    for setting in _WHOLE_TABLES:
        conn.exec_driver_sql(f"SET LOCAL {setting}")
    yield
    for setting in _WHOLE_TABLES:
        conn.exec_driver_sql(f"SET LOCAL {setting.partition(' ')[0]} TO DEFAULT")


@contextmanager
def snapshots(engine: Engine) -> Iterator[tuple[Connection, Connection]]:
    """Two connections that see the books of the same moment, for questions asked side by side."""
    with snapshot(engine) as first, snapshot(engine) as second:
        shared = first.exec_driver_sql("SELECT pg_export_snapshot()").scalar_one()
        second.exec_driver_sql(f"SET TRANSACTION SNAPSHOT '{shared}'")
        yield first, second


@contextmanager
def snapshot(engine: Engine) -> Iterator[Connection]:
    """A connection that sees the books of one moment, whatever is asked, and writes nothing: for reports and checks."""
    with engine.connect() as conn:
        yield conn.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
