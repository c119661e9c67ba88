"""The short way of ledger.post writes what the whole way writes, row by row, and answers the same."""

import random
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.books import journal
from ledger.terms.journal import AccountClass, Entry, Event, Transfer
from tests.conftest import Database
from tests.world import CUSTODY, DAY, NOW, RESERVE, World, make_world

NUMBER: Final = 2001
_TABLES: Final = (
    "request", "refusal", "journal_entry", "transfer", "contract_balance", "item_balance", "balance", "inbox",
    "unfolded",
)  # fmt: skip
_NEVER_SHORT: Final = """
    ALTER FUNCTION ledger._post_plain RENAME TO _set_aside;
    CREATE FUNCTION ledger._post_plain(
        integer, timestamptz, uuid[], bytea[], uuid[], text, smallint, date[], text[], uuid[], uuid[], integer[],
        ledger.account_class, ledger.account_class, bigint[])
    RETURNS boolean LANGUAGE sql AS 'SELECT false'"""
_RULES: Final = """
    SELECT kind, debit_class, credit_class FROM ledger.posting_rule
    WHERE debit_item = 'none' AND credit_item = 'none' ORDER BY 1, 2, 3"""
_OF_CONTRACTS: Final = {"due", "claim", "refund_due"}

Found = tuple[list[object], dict[str, list[object]]]


def test_both_ways_write_the_same_rows_and_answer_the_same(fresh_database: Database) -> None:
    world = make_world(fresh_database.app, NUMBER)
    contracts = [world.open_contract(paid_fen=paid) for paid in (0, 30, 60_00, 100_00)]
    with fresh_database.owner.connect() as conn:
        sets = _sets(world, [tuple(row) for row in conn.execute(text(_RULES))], contracts)
    short = _ran(fresh_database, sets, "")
    whole = _ran(fresh_database, sets, _NEVER_SHORT)
    assert short == whole
    answers = {answer for answer in short[0] if isinstance(answer, str)}
    assert {"done ", "replayed ", "conflict REQUEST_CONFLICT", "refused CLAIM_TOO_SMALL", "LG003"} <= answers
    assert len(short[1]["journal_entry"]) > 60


def _sets(world: World, rules: Sequence[tuple[str, ...]], contracts: Sequence[UUID]) -> list[list[Entry]]:
    """Sets of one kind each, some large, some asked again, some changed and asked again, some in the wrong fund."""
    dice = random.Random(11)
    made: list[list[Entry]] = []
    for number in range(240):
        if made and dice.random() < 0.15:
            made.append(dice.choice(made))
            continue
        kind, debit, credit = dice.choice(rules) if number % 2 else ("hours_released", "claim", "payable")
        fund = RESERVE if dice.random() < 0.05 else CUSTODY
        entries = []
        for _ in range(dice.choice((1, 1, 1, 2, 5))):
            contract = dice.choice(contracts)
            move = Transfer(
                AccountClass(debit), AccountClass(credit), dice.randint(1, 40),
                contract if {debit, credit} & _OF_CONTRACTS else None,
            )  # fmt: skip
            event = Event(kind, fund, (move,), contract, dice.choice((0, 1_00, 50, -50)))
            key = f"key {dice.randint(1, 900)}"
            asked = (("amount", str(move.amount_fen)),)
            entries.append(Entry(world.new_id(), key, asked, event, DAY, dice.choice(("a", 'b "\\')), world.new_id()))
        made.append(entries)
    return made


def _ran(database: Database, sets: Sequence[Sequence[Entry]], before: str) -> Found:
    """Post all sets, one call each, look at every row, and undo it all."""
    answers: list[object] = []
    with database.owner.connect() as conn, conn.begin() as everything:
        if before:
            conn.execute(text(before))
        for entries in sets:
            try:
                with conn.begin_nested():
                    outcomes = journal.post(conn, NUMBER, entries, NOW)
                answers += [f"{outcome.result} {outcome.code}" for outcome in outcomes]
                answers += [(outcome.entry_id, outcome.field) for outcome in outcomes]
            except DBAPIError as fault:
                answers.append(str(getattr(fault.orig, "sqlstate", "")))
        rows: dict[str, list[object]] = {
            table: [row[0] for row in conn.execute(text(f"SELECT t::text FROM ledger.{table} t ORDER BY 1"))]
            for table in _TABLES
        }
        everything.rollback()
    return answers, rows
