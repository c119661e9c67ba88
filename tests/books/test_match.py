"""Bank lines and announced payments meet: scenario M1 to the line, what is left to a person, and undoing one match."""

import os
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ledger.books import record
from ledger.books.register import read_funds
from ledger.flows import match as flow
from ledger.vault import Vault
from scripts.benchmark import receipts
from tests.conftest import Database
from tests.world import CUSTODY, NOW, SECOND_CUSTODY, World, make_world

PAYMENTS = 10_000
VAULT = Vault({1: bytes(range(32))}, 1)
WHOLE = 1_000_000 if os.environ.get("CUSTODY_TEST_FULL") == "1" else PAYMENTS
_RUN = """SELECT rule, matches, lines, payments
          FROM ledger.match_account(:institution, CAST(:fund AS smallint), :run, 'rules', :at, 'test')"""


def match(world: World, fund_no: int = CUSTODY) -> dict[str, tuple[int, int, int]]:
    said = {"institution": world.number, "fund": fund_no, "run": uuid4(), "at": NOW}
    with world.engine.begin() as conn:
        return {rule: (matches, lines, paid) for rule, matches, lines, paid in conn.execute(text(_RUN), said)}


def number(world: World, sql: str, **said: object) -> int:
    with world.engine.connect() as conn:
        return int(conn.scalar(text(sql), {"institution": world.number, "fund": CUSTODY, **said}) or 0)


def filled(database: Database, payments: int = PAYMENTS) -> World:
    world = make_world(database.app)
    contracts = [world.open_contract(), world.open_contract()]
    with database.owner.connect() as conn:
        raw = conn.connection.driver_connection
        assert raw is not None
        receipts.fill(raw, world.number, CUSTODY, SECOND_CUSTODY, contracts, payments)
        raw.commit()  # SQLAlchemy has not seen what went over its head
    return world


_OPEN_LINES = """SELECT count(*) FROM ledger.statement_line l
    WHERE l.institution_id = :institution AND l.fund_no = :fund AND NOT EXISTS (
        SELECT FROM ledger.match_now m WHERE m.institution_id = l.institution_id AND m.line_id = l.line_id)"""
_OPEN_PAYMENTS = """SELECT count(*) FROM ledger.announced_payment a
    WHERE a.institution_id = :institution AND NOT EXISTS (
        SELECT FROM ledger.match_now m WHERE m.institution_id = a.institution_id AND m.payment_id = a.payment_id)"""
_SIBLINGS = """SELECT count(*) FROM ledger.match_part m
    JOIN ledger.announced_payment a USING (institution_id, payment_id)
    WHERE m.institution_id = :institution AND a.payment_no LIKE 'SB%'"""


def test_every_rule_finds_what_scenario_m1_holds_for_it_and_nothing_else(
    copied_database: Callable[[], AbstractContextManager[Database]],
) -> None:
    with copied_database() as database:
        world, times = filled(database, WHOLE), WHOLE // 10_000
        expected = {
            rule: (matches * times, lines * times, paid * times)
            for rule, (matches, lines, paid) in receipts.EXPECTED.items()
        }
        assert match(world) == expected
        # two children, one parent, one amount, one day: whose money it is only a person knows
        assert number(world, _SIBLINGS) == 0
        siblings = 2 * receipts.PAIRS
        assert number(world, _OPEN_LINES) == (receipts.LINES_OPEN + siblings) * times
        assert number(world, _OPEN_PAYMENTS) == (receipts.PAYMENTS_OPEN + siblings) * times
        runs = "SELECT count(*) FROM ledger.match_run WHERE institution_id = :institution"
        assert number(world, runs) == 1
        assert match(world) == {}  # a second run finds nothing, and leaves no trace
        assert match(world, SECOND_CUSTODY) == {}  # money on another account is not taken for a payment of this one
        assert number(world, runs) == 1


def test_a_settlement_of_four_comes_apart_as_one_and_waits_for_a_person(
    copied_database: Callable[[], AbstractContextManager[Database]],
) -> None:
    with copied_database() as database:
        world = filled(database)
        match(world)
        lines, payments = number(world, _OPEN_LINES), number(world, _OPEN_PAYMENTS)
        with world.engine.begin() as conn:
            undo(
                conn,
                world,
                conn.scalars(text("SELECT match_id FROM ledger.match_part WHERE rule = 'R4' LIMIT 1")).one(),
            )
        assert number(world, _OPEN_LINES) == lines + 1
        assert number(world, _OPEN_PAYMENTS) == payments + 4
        assert match(world) == {}  # somebody said that it is not: no rule says it again


def test_two_runs_at_once_make_one_match_of_a_line(
    copied_database: Callable[[], AbstractContextManager[Database]],
) -> None:
    with copied_database() as database:
        world = filled(database)
        said = {"institution": world.number, "fund": CUSTODY, "run": uuid4(), "at": NOW}
        with world.engine.begin() as first, ThreadPoolExecutor(1) as beside:
            found = {row.rule for row in first.execute(text(_RUN), said)}
            second = beside.submit(match, world)  # sees nothing of the first, whose transaction is open
            while number(world, _WAITING) == 0:
                assert not second.done()
            first.commit()
            assert (found, second.result()) == (set(receipts.EXPECTED), {})
        expected = sum(matches for matches, _, _ in receipts.EXPECTED.values())
        assert number(world, "SELECT count(DISTINCT match_id) FROM ledger.match_part") == expected


_WAITING = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND objid = 99997"


def test_lines_a_fen_short_are_suggested_with_their_key_and_second_receipts_are_named(
    copied_database: Callable[[], AbstractContextManager[Database]],
) -> None:
    with copied_database() as database:
        world = filled(database)
        with world.engine.begin() as conn:
            fund = read_funds(conn, world.number)[CUSTODY]
            _, twice = flow.run(conn, fund, "test", NOW)
            found, lines, payments = flow.suggest(conn, VAULT, fund)
        said = Counter((one.rule, one.answers, one.difference_fen) for one in found)
        # of 650 that do not come together (100 of them money on another account) 100 pairs are joined by their key
        assert said == {("R8", 1, -1): 100, ("R5", 2, 0): receipts.PAIRS}
        pairs = 2 * receipts.PAIRS
        assert (len(lines), len(payments)) == (receipts.LINES_OPEN + pairs, receipts.PAYMENTS_OPEN + pairs)
        assert twice == 100


def undo(conn: Connection, world: World, match_id: UUID) -> None:
    row = {
        "institution_id": world.number,
        "match_id": str(match_id),
        "undone_at": NOW.isoformat(),
        "undone_by": "test",
        "reason": "wrong day",
    }
    record.insert(conn, "match_undone", [row])


_PART = """SELECT institution_id, fund_no, line_id, payment_id, run_id, amount_fen FROM ledger.match_part
    WHERE rule = 'R1' LIMIT 1"""


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "a line is matched up to its amount"),
        ({"fund_no": SECOND_CUSTODY}, "a match joins a line and a payment of one account"),
        ({"line_id": str(uuid4())}, "a match joins a line and a payment of one account"),
        ({"payment_id": str(uuid4())}, "a match joins a line and a payment of one account"),
    ],
)
def test_no_part_beyond_a_line_or_across_accounts_can_be_recorded(
    matched: World, changed: dict[str, object], said: str
) -> None:
    assert said in refusal(matched, changed)


def test_no_part_beyond_a_payment_can_be_recorded(matched: World) -> None:
    spare = """SELECT l.line_id FROM ledger.statement_line l WHERE l.institution_id = :institution AND l.fund_no = :fund
        AND l.match_key IS NULL AND NOT EXISTS (SELECT FROM ledger.match_part m WHERE m.line_id = l.line_id) LIMIT 1"""
    with matched.engine.connect() as conn:
        line = conn.scalar(text(spare), {"institution": matched.number, "fund": CUSTODY})
    assert "a payment is matched up to its amount" in refusal(matched, {"line_id": str(line), "amount_fen": 1})


def refusal(world: World, changed: dict[str, object]) -> str:
    """What the database says to one more part, a copy of one that stands but for ``changed``."""
    with world.engine.connect() as conn:
        part = {name: str(value) for name, value in conn.execute(text(_PART)).mappings().one().items()}
        row = {**part, "match_id": str(uuid4()), "rule": "MANUAL", "fee_fen": 0, **changed}
        with pytest.raises(DBAPIError) as caught:
            record.insert(conn, "match_part", [row])
    return str(caught.value.orig)


@pytest.fixture(scope="module")
def matched(module_database: Database) -> World:
    world = filled(module_database)
    match(world)
    return world
