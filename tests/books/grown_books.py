"""Books that have grown large, loaded as sets: no statistics are taken by it, and none come by themselves."""

import os
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

from tests.conftest import Database
from tests.world import World, make_world

CONTRACTS, ENTRIES = (50_000, 200_000) if os.environ.get("CUSTODY_TEST_FULL") == "1" else (5_000, 20_000)
TAIL = ENTRIES // 40
_SMALL = 0.002  # the part that is there when the tables are analysed, if they are


def _id(kind: str, number: str) -> str:
    return f"CAST('{kind}' || lpad(to_hex({number}), 28, '0') AS uuid)"


_CONTRACT, _PAYMENT, _HOLD, _ENTRY = _id("0191", "n"), _id("0192", "n"), _id("0193", "n"), _id("0190", "n")
_KEY, _OF_CONTRACT = "CAST(md5(CAST(n AS text)) AS uuid)", _id("0191", "n % {contracts}")
_OF_CONTRACTS, _OF_ENTRIES = "FROM generate_series({c0}, {c1}) n", "FROM generate_series({e0}, {e1}) n"
LOAD = (
    f"""INSERT INTO ledger.contract_balance (institution_id, contract_id, fund_no, price_fen, hours_total, paid_fen,
                                              released_fen, hours_released)
        SELECT {{i}}, {_CONTRACT}, 1, 900000, 100000, 500000, 40, 40 {_OF_CONTRACTS}""",
    f"INSERT INTO ledger.item_balance SELECT {{i}}, {_PAYMENT}, 'claim', 1, {_CONTRACT}, 0, 500000 {_OF_CONTRACTS}",
    f"INSERT INTO ledger.hold SELECT {{i}}, {_HOLD}, 1, {_CONTRACT}, 9, 0, 9 {_OF_CONTRACTS}",
    f"INSERT INTO ledger.request SELECT {{i}}, {_KEY}, sha256(int8send(n)), {_ENTRY} {_OF_ENTRIES}",
    f"""INSERT INTO ledger.journal_entry (institution_id, fund_no, effective_on, entry_id, recorded_at, hours,
                                           contract_id, kind, actor)
        SELECT {{i}}, 1, CAST('2026-03-02' AS date) + n % 60, {_ENTRY}, '2026-03-02T00:00Z', 10, {_OF_CONTRACT},
               'hours_released', 'load' {_OF_ENTRIES}""",
    f"INSERT INTO ledger.transfer SELECT {{i}}, 1, {_ENTRY}, 10, 'claim', 'payable', {_OF_CONTRACT} {_OF_ENTRIES}",
    f"""INSERT INTO ledger.block_item (institution_id, entry_id, block_no, request_key, mark)
        SELECT {{i}}, {_ENTRY}, 1 + n * 20 / {{entries}}, {_KEY}, n {_OF_ENTRIES} WHERE n < {{sealed}}""",
    f"INSERT INTO ledger.inbox SELECT {{i}}, {_ENTRY}, {_KEY}, sha256(int8send(n)) {_OF_ENTRIES} WHERE n >= {{sealed}}",
    f"""INSERT INTO ledger.unfolded
        SELECT {{i}}, {_ENTRY}, 1, x.class, CAST('2026-03-02' AS date) + n % 60, x.debit, 10 - x.debit
        {_OF_ENTRIES} CROSS JOIN (VALUES (CAST('claim' AS ledger.account_class), 10), ('payable', 0)) x (class, debit)
        WHERE n >= {{sealed}}""",
)
REST = (
    """INSERT INTO ledger.block (institution_id, block_no, entries, sealed_at, tree_size, root, previous, hash,
                                 totals)
       SELECT {i}, block_no, count(*), CAST('2026-03-02T00:00Z' AS timestamptz) + block_no / 4 * interval '1 day', 0,
              '', '', '', array_fill(CAST(0 AS bigint), ARRAY[20]) FROM ledger.block_item GROUP BY 1, 2""",
    """UPDATE ledger.seal_state s SET (block_no, sealed_at) = (SELECT b.block_no, b.sealed_at FROM ledger.block b
       ORDER BY b.block_no DESC LIMIT 1)""",
    """INSERT INTO ledger.bucket
       SELECT {i}, 1, x.class, e.effective_on, CAST(b.sealed_at AT TIME ZONE 'Asia/Shanghai' AS date),
              sum(CASE x.class WHEN 'claim' THEN 10 ELSE 0 END), sum(CASE x.class WHEN 'payable' THEN 10 ELSE 0 END)
       FROM ledger.block_item i JOIN ledger.block b USING (institution_id, block_no)
       JOIN ledger.journal_entry e USING (institution_id, entry_id)
       CROSS JOIN (VALUES (CAST('claim' AS ledger.account_class)), ('payable')) x (class) GROUP BY 3, 4, 5""",
    """INSERT INTO ledger.block_sum
       SELECT {i}, i.block_no, 1, x.class, e.effective_on,
              sum(CASE x.class WHEN 'claim' THEN 10 ELSE 0 END), sum(CASE x.class WHEN 'payable' THEN 10 ELSE 0 END)
       FROM ledger.block_item i JOIN ledger.journal_entry e USING (institution_id, entry_id)
       CROSS JOIN (VALUES (CAST('claim' AS ledger.account_class)), ('payable')) x (class) GROUP BY 2, 4, 5""",
    "UPDATE ledger.balance SET credit_fen = 100000000 WHERE class = 'payable' AND fund_no = 1",
)


def contract_of(number: int) -> UUID:
    return UUID(f"0191{number:028x}")


def entry_of(number: int) -> UUID:
    return UUID(f"0190{number:028x}")


@dataclass(frozen=True)
class Grown:
    world: World
    database: Database


def grow(database: Database, *, analysed_when_small: bool) -> Grown:
    """``CONTRACTS`` families with a payment and an ended hold; ``ENTRIES`` releases in 20 blocks of five days, but for
    ``TAIL`` of them, which are not sealed.

    The planner knows nothing of them, or what it learnt when there was one in five hundred.
    """
    world = make_world(database.app)
    with database.owner.begin() as conn:
        names = conn.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'ledger'")).scalars()
        for table in names.all():
            conn.execute(text(f'ALTER TABLE ledger."{table}" SET (autovacuum_enabled = false)'))
        _load(conn, world.number, 0, _SMALL)
    if analysed_when_small:
        with database.owner.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
            conn.execute(text("ANALYZE"))
    with database.owner.begin() as conn:
        _load(conn, world.number, _SMALL, 1)
        for sql in REST:
            conn.exec_driver_sql(sql.format(i=world.number))
    return Grown(world, database)


def _load(conn: Connection, number: int, first: float, last: float) -> None:
    for sql in LOAD:
        conn.exec_driver_sql(
            sql.format(
                i=number, contracts=CONTRACTS, entries=ENTRIES, sealed=ENTRIES - TAIL,
                c0=int(CONTRACTS * first), c1=int(CONTRACTS * last) - 1,
                e0=int(ENTRIES * first), e1=int(ENTRIES * last) - 1,
            ).replace("%", "%%")
        )  # fmt: skip
