"""Whoever changes sealed rows as superuser with triggers off is found, and what was changed is named.

In: every column of every money table. Out, because they hold no money and nothing is derived from them: institution,
fund (names, addresses, who opened), class_rule and posting_rule (law of the program, written by migrations), and what
waits in the inbox, which is not sealed yet. ``close`` is checked by its own steps (tests/time).
"""

import os
import random
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from tests.seal.conftest import Sealed, triggers_off

TABLES = (
    "request", "refusal", "journal_entry", "transfer", "reversal", "block", "block_item", "bucket", "checkpoint",
    "signing_key", "balance", "contract_balance", "item_balance", "hold",
)  # fmt: skip
# Counters of updates: they say nothing about money and nothing reads them.
NOT_MONEY = {("balance", "version")}
TRIES = 1000 if os.environ.get("CUSTODY_TEST_FULL") == "1" else 20


def columns(conn: Connection, table: str) -> list[str]:
    rows = conn.execute(
        text("""SELECT column_name FROM information_schema.columns WHERE table_schema = 'ledger' AND table_name = :t
                AND is_generated = 'NEVER' ORDER BY ordinal_position"""),
        {"t": table},
    )
    return [name for (name,) in rows if (table, name) not in NOT_MONEY]


def other(value: Any, chance: random.Random) -> Any:
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + chance.choice([1, -1, 100])
    if isinstance(value, UUID):
        return UUID(int=value.int ^ (1 << chance.randrange(128)))
    if isinstance(value, bytes):
        return bytes([value[0] ^ 1]) + value[1:] if value else b"\1"
    if isinstance(value, datetime):
        return value + timedelta(microseconds=1)
    if isinstance(value, date):
        return value + timedelta(days=1)
    if isinstance(value, list):
        return [value[0] + 1, *value[1:]]
    return None


def tamper(conn: Connection, chance: random.Random, table: str, column: str) -> str:
    """Change one column of one row; what was done, or nothing where the row allows no other value."""
    row = conn.execute(text(f"SELECT ctid::text AS ctid, {column} FROM ledger.{table}")).all()
    if not row:
        return ""
    place, value = chance.choice(row)
    fresh = other(value, chance)
    if fresh is None:  # a word: another one of the same column, or of the same kind of word
        words = {found for _, found in row if found not in (None, value)}
        spare = {
            "kind": "deposit",
            "actor": "nobody",
            "code": "CLAIM_TOO_SMALL",
            "statement": "x",
            "hold_action": "capture",
        }
        fresh = chance.choice(sorted(words)) if words else spare.get(column, uuid4())
        if str(fresh) == str(value):
            return ""
    try:
        with conn.begin_nested():
            conn.execute(
                text(f"UPDATE ledger.{table} SET {column} = :v WHERE ctid = CAST(:at AS tid)"),
                {"v": fresh, "at": place},
            )
    except DBAPIError:
        return ""  # a CHECK or a key refuses this value even now
    return f"{table}.{column}: {value!r} -> {fresh!r}"


def remove(conn: Connection, chance: random.Random, table: str) -> str:
    places = conn.execute(text(f"SELECT ctid::text FROM ledger.{table}")).scalars().all()
    if not places:
        return ""
    conn.execute(text(f"DELETE FROM ledger.{table} WHERE ctid = CAST(:at AS tid)"), {"at": chance.choice(places)})
    return f"{table}: a row deleted"


def double(conn: Connection, chance: random.Random, table: str) -> str:
    """Insert a copy of a row under another key."""
    key = {
        "journal_entry": "entry_id", "transfer": "ord", "request": "request_key", "refusal": "request_key",
        "reversal": "entry_id", "block": "block_no", "block_item": "entry_id", "bucket": "sealed_on",
        "checkpoint": "block_no", "signing_key": "key_no", "item_balance": "item_id", "hold": "hold_id",
        "contract_balance": "contract_id", "balance": "fund_no",
    }[table]  # fmt: skip
    names = columns(conn, table)
    rows = conn.execute(text(f"SELECT {', '.join(names)} FROM ledger.{table}")).mappings().all()
    row = dict(chance.choice(rows))
    row[key] = other(row[key], chance)
    try:
        with conn.begin_nested():
            conn.execute(
                text(f"INSERT INTO ledger.{table} ({', '.join(names)}) VALUES ({', '.join(':' + n for n in names)})"),
                row,
            )
    except DBAPIError:
        return ""
    return f"{table}: a row added"


def tries() -> list[tuple[int, str]]:
    return [(number, TABLES[number % len(TABLES)]) for number in range(TRIES)]


def test_every_try_is_found_and_named(sealed: Sealed) -> None:
    done = []
    with sealed.owner.connect() as conn:
        assert sealed.faults(conn) == []
        for number, table in tries():
            chance = random.Random(number)
            with conn.begin_nested() as point:
                triggers_off(conn)
                way = chance.random()
                if way < 0.6:
                    done.append(tamper(conn, chance, table, chance.choice(columns(conn, table))))
                elif way < 0.8:
                    done.append(remove(conn, chance, table))
                else:
                    done.append(double(conn, chance, table))
                named = sealed.faults(conn) if done[-1] else ["not possible"]
                assert named, (number, done[-1])
                point.rollback()
        assert sealed.faults(conn) == []
    assert len([one for one in done if one]) > TRIES / 2


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_watched(sealed: Sealed, tampering: Connection, table: str) -> None:
    changed = 0
    for column in columns(tampering, table):
        chance = random.Random(f"{table} {column}")
        with tampering.begin_nested() as point:
            done = tamper(tampering, chance, table, column)
            if done:
                changed += 1
                assert sealed.faults(tampering), done
            point.rollback()
    assert changed


def test_the_changed_entry_is_named(sealed: Sealed, tampering: Connection) -> None:
    entry, block = tampering.execute(
        text("""SELECT t.entry_id::text, b.block_no
                FROM ledger.transfer t JOIN ledger.block_item b USING (institution_id, entry_id)
                ORDER BY t.entry_id OFFSET 4 LIMIT 1""")
    ).one()
    # both sides of the same transfer: the books still balance
    tampering.execute(
        text("UPDATE ledger.transfer SET amount_fen = amount_fen * 2 WHERE entry_id::text = :e"), {"e": entry}
    )
    fault = sealed.first(tampering)
    assert (fault.kind, fault.where) == ("item_changed", f"JG1001 block {block}, entry {entry}")


def test_what_is_gone_or_moved_is_named_by_its_block(sealed: Sealed, tampering: Connection) -> None:
    entry = tampering.scalar(text("SELECT min(entry_id::text) FROM ledger.block_item WHERE block_no = 2"))
    of_entry, of_any = "WHERE entry_id = CAST(:e AS uuid)", "AND :e <> ''"
    for statement, kind, where in (
        (f"DELETE FROM ledger.block_item {of_entry}", "item_missing", "JG1001 block 2: "),
        (f"UPDATE ledger.block_item SET block_no = 3 {of_entry}", "item_missing", "JG1001 block 2: "),
        (f"DELETE FROM ledger.journal_entry {of_entry}", "item_missing", f"JG1001 block 2, entry {entry}"),
        (f"DELETE FROM ledger.block WHERE block_no = 3 {of_any}", "block_missing", "JG1001 block 3"),
        (f"DELETE FROM ledger.block WHERE block_no = 5 {of_any}", "block_missing", "JG1001 block 5"),
        (f"UPDATE ledger.block SET sealed_at = now() WHERE block_no = 2 {of_any}", "block_changed", "JG1001 block 2"),
    ):  # fmt: skip
        with tampering.begin_nested() as point:
            tampering.execute(text(statement), {"e": entry})
            fault = sealed.first(tampering)
            assert fault.kind == kind, statement
            assert fault.where.startswith(where), statement
            point.rollback()
