"""Large tables that nobody has analysed: every call still finds its rows by key.

PostgreSQL plans by statistics, and freshly loaded books have none, or those of the day they were small. What is counted
is what a call reads (rows met by scanning a table, look-ups by index, pages), never how long it takes.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from uuid import UUID

import pytest
from sqlalchemy import Connection, text

from ledger.books import journal, register
from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.books.asking import entry
from tests.books.grown_books import CONTRACTS, ENTRIES, TAIL, Grown, contract_of, entry_of, grow
from tests.conftest import Database
from tests.world import CUSTODY

# The tables that grow without end. Scanning any of them costs more the longer the books live.
GROWN = ("request", "journal_entry", "transfer", "contract_balance", "item_balance", "block_item", "hold", "reversal")
PAYABLE, CLAIM = AccountClass.PAYABLE, AccountClass.CLAIM


@pytest.fixture(scope="module", params=["never analysed", "analysed when small"])
def grown(
    request: pytest.FixtureRequest, copied_database: Callable[[], AbstractContextManager[Database]]
) -> Iterator[Grown]:
    with copied_database() as database:
        yield grow(database, analysed_when_small=request.param == "analysed when small")


@dataclass(frozen=True)
class Cost:
    """``scanned``: rows of grown tables met by scanning them; ``met``: these, and the rows met through an index, wanted
    or not; ``pages``: buffers touched.
    """

    scanned: int
    met: int
    pages: int


def cost(conn: Connection, sql: str, arguments: dict[str, object], times: int = 7) -> Cost:
    """What the last of several calls reads: by then every plan that will be kept for any arguments is."""
    for _ in range(times):
        before = rows_met(conn)
        (plan,) = conn.exec_driver_sql(
            f"EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) {sql}", arguments
        ).scalar_one()
        after = rows_met(conn)
    pages = plan["Plan"]["Shared Hit Blocks"] + plan["Plan"]["Shared Read Blocks"]
    return Cost(after[0] - before[0], after[1] - before[1], pages)


def rows_met(conn: Connection) -> tuple[int, int]:
    """Rows of grown tables met in this transaction so far: by scanning; and in any way."""
    row = conn.execute(
        text("""SELECT sum(seq_tup_read) AS scanned, sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) AS met
                FROM pg_stat_xact_user_tables WHERE schemaname = 'ledger' AND relname = ANY (:grown)"""),
        {"grown": list(GROWN)},
    ).one()
    return int(row.scanned), int(row.met)


def post_cost(conn: Connection, grown: Grown, events: Callable[[int], list[Event]], times: int = 7) -> Cost:
    """Of posting a set, each time another one."""
    found = Cost(0, 0, 0)
    for n in range(times):
        entries = [entry(grown.world, f"{grown.world.new_id()}", event) for event in events(n)]
        arguments = journal._arguments(grown.world.number, entries, grown.world.clock, None)
        found = cost(conn, journal._POST, arguments, 1)
    return found


def taught(conn: Connection, grown: Grown, first: int, count: int) -> list[Event]:
    ids = [contract_of((first + 7919 * n) % CONTRACTS) for n in range(count)]
    rows = register.read_contracts(conn, grown.world.number, ids)
    return [posting.hours_released(rows[one], 10) for one in ids]


def one_of_each(conn: Connection, grown: Grown, n: int) -> list[Event]:
    """A deposit, a refund with a part of a hold, a hold, a payout and the reversal of an entry of long ago."""
    world, one = grown.world, contract_of(n + 100)
    row = register.read_contracts(conn, world.number, [one])[one]
    payments = register.read_payments(conn, world.number, [one])[one]
    hold, old = world.new_id(), entry_of(n + 300)
    (back,) = conn.execute(
        text("SELECT contract_id FROM ledger.transfer WHERE institution_id = :i AND entry_id = :e"),
        {"i": world.number, "e": old},
    ).scalars()
    original = Event("hours_released", CUSTODY, (Transfer(CLAIM, PAYABLE, 10, back),), back, 10)
    return [
        posting.deposit(row, world.new_id(), 5),
        posting.hold_placed(CUSTODY, hold, 9, one),
        posting_payment.refund_approved(row, 3, payments, 0, (hold, 3)),
        posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 7),
        posting_payment.reversal(original, old),
    ]


def test_posting_finds_every_row_by_key(grown: Grown) -> None:
    with grown.world.engine.connect() as conn:
        single = post_cost(conn, grown, lambda n: taught(conn, grown, n, 1))
        mixed = post_cost(conn, grown, lambda n: one_of_each(conn, grown, n))
        many = post_cost(conn, grown, lambda n: taught(conn, grown, 1000 * n, 500), 2)
        conn.rollback()
    assert (single.scanned, mixed.scanned, many.scanned) == (0, 0, 0)
    assert single.met <= 8, single
    assert mixed.met <= 80, mixed
    assert many.met <= 500 * 6, many
    assert many.pages <= 500 * 60, many


def test_sealing_looks_at_what_waits_and_at_nothing_else(grown: Grown) -> None:
    with grown.world.engine.connect() as conn:
        found = cost(conn, "SELECT ledger.seal(%(i)s, %(now)s)", {"i": grown.world.number, "now": grown.world.clock}, 1)
        waiting = conn.scalar(text("SELECT count(*) FROM ledger.inbox"))
        conn.rollback()
    assert (found.scanned, waiting) == (0, 0)
    assert found.met <= TAIL * 3 + 100, found  # an item and two sums each; the journal is not read


# A call of ours, and how many rows it may meet: of a family there are four entries, of a block a twentieth of all.
READS = {
    "a family now": ("SELECT * FROM ledger.contract_balance WHERE institution_id = %(i)s AND contract_id = %(c)s", 1),
    "claim as of": ("SELECT * FROM ledger.balance_as_of(%(i)s, 1::smallint, 'claim', %(c)s, '2026-03-20', 5)", 20),
    "claim's statement": (
        "SELECT * FROM ledger.account_statement(%(i)s, 1::smallint, 'claim', %(c)s, 0, %(zero)s, 0, 20)", 20),
    "payable known at a block": (  # two blocks of that day came later: of their entries item, entry and transfer
        "SELECT * FROM ledger.balance_as_of(%(i)s, 1::smallint, 'payable', NULL, NULL, 5)", 7 * ENTRIES // 20),
    "payable's statement": (
        "SELECT * FROM ledger.account_statement(%(i)s, 1::smallint, 'payable', NULL, 7, %(zero)s, 0, 20)",
        ENTRIES // 20 + 100),
}  # fmt: skip


@pytest.mark.parametrize("name", READS)
def test_reading_finds_its_rows_by_key(grown: Grown, name: str) -> None:
    sql, most = READS[name]
    arguments: dict[str, object] = {
        "i": grown.world.number, "c": contract_of(77), "d": contract_of(4711), "zero": UUID(int=0)
    }  # fmt: skip
    with grown.world.engine.connect() as conn:
        found = cost(conn, sql, {key: value for key, value in arguments.items() if f"%({key})s" in sql})
        conn.rollback()
    assert found.scanned == 0
    assert found.met <= most, found


def test_the_reads_of_a_flow_find_their_rows_by_key(grown: Grown) -> None:
    """As the books ask them, not as written here."""
    number, ids = grown.world.number, [contract_of(77), contract_of(4711)]
    asked: dict[str, Callable[[Connection], object]] = {
        "read_contracts": lambda conn: register.read_contracts(conn, number, ids),
        "lock_contracts": lambda conn: register.lock_contracts(conn, number, ids),
        "read_payments": lambda conn: register.read_payments(conn, number, ids),
        "open_holds": lambda conn: register.open_holds(conn, number, ids),
    }
    with grown.world.engine.connect() as conn:
        for name, ask in asked.items():
            for _ in range(7):
                before = rows_met(conn)[1]
                ask(conn)
            assert rows_met(conn)[1] - before <= 8, name
        conn.rollback()


def test_a_balance_with_a_tail_reads_the_tail_alone(grown: Grown) -> None:
    with grown.world.engine.connect() as conn:
        sql = "SELECT * FROM ledger.class_balances(%(i)s, NULL, NULL, 1::smallint, 'payable')"
        found = cost(conn, sql, {"i": grown.world.number})
        conn.rollback()
    assert found.scanned == 0
    assert found.met <= TAIL * 3 + 100, found


@pytest.mark.parametrize(
    ("drop", "call"),
    [
        ("CONSTRAINT journal_entry_pkey", "post"), ("CONSTRAINT contract_balance_pkey", "post"),
        ("INDEX transfer_contract", "claim's statement"), ("INDEX block_item_of_block", "payable's statement"),
    ],
)  # fmt: skip
def test_a_plan_that_degrades_is_noticed(grown: Grown, drop: str, call: str) -> None:
    """Without the index a call relies on, the counters show it."""
    kind, name = drop.split()
    number = grown.world.number
    with grown.database.owner.connect() as conn:
        table = name.removesuffix("_pkey")
        conn.execute(
            text(
                f"ALTER TABLE ledger.{table} DROP CONSTRAINT {name} CASCADE"
                if kind == "CONSTRAINT"
                else f"DROP INDEX {name}"
            )
        )
        if call == "post":
            found = post_cost(conn, grown, lambda n: one_of_each(conn, grown, n), 1)
        else:
            arguments: dict[str, object] = {"i": number, "zero": UUID(int=0)}
            if "%(c)s" in READS[call][0]:
                arguments["c"] = contract_of(77)
            found = cost(conn, READS[call][0], arguments, 1)
        conn.rollback()
    assert found.met > ENTRIES // 10, found
