"""Whoever changes sealed rows as superuser with triggers off is found, and what was changed is named.

In: every column of every money table, edited, deleted, inserted and swapped; the tail cut off; history written anew,
with the books fitted to it and even signed with a key of one's own; an older copy put in place
(test_restored_backup.py).

Out, because they hold no money and nothing is derived from them: institution, fund (names, addresses, who opened),
class_rule and posting_rule (law of the program, written by migrations). ``close`` is checked by its own steps
(tests/time). What waits in the inbox is not sealed yet: verifying says how much that is, and the next seal closes it.
"""

import os
import random
from collections import Counter
from collections.abc import Sequence

import pytest
from sqlalchemy import Connection, text

from ledger.books import journal
from ledger.books import seal as book
from ledger.flows import verify
from ledger.rules import posting
from ledger.terms.journal import Entry
from ledger.terms.seal import Anchor
from tests.seal import tricks
from tests.seal.conftest import Sealed, triggers_off
from tests.world import CUSTODY, DAY

TABLES = (
    "request", "refusal", "journal_entry", "transfer", "reversal", "block", "block_item", "block_sum", "bucket",
    "checkpoint", "signing_key", "balance", "contract_balance", "item_balance", "hold",
)  # fmt: skip
TRIES = 1000 if os.environ.get("CUSTODY_TEST_FULL") == "1" else 28


def told(conn: Connection, anchors: Sequence[Anchor] = ()) -> str:
    """All that verifying says is wrong, as one text."""
    found = verify.verify(conn, anchors)
    chain = [f"{fault.kind}: {fault.where}" for fault in found.faults]
    return "\n".join(chain + [f"{v.promise}: {v.where}" for one in found.promises for v in one.violations])


def a_try(sealed: Sealed, conn: Connection, chance: random.Random, table: str) -> str:
    """One trick on one row; which, or nothing where the rows allow none. It is found and named."""
    way = chance.choice(["edit", "edit", "edit", "delete", "insert", "swap"])
    with conn.begin_nested() as point:
        triggers_off(conn)
        trick = tricks.ROW_TRICKS[way](conn, chance, table)
        said = told(conn, sealed.anchors) if trick else ""
        point.rollback()
    if trick is None:
        return ""
    assert said, f"not found: {trick.told}"
    assert any(word in said for word in trick.named), (trick, said)
    return way


def test_every_try_is_found_and_named(sealed: Sealed) -> None:
    done: Counter[str] = Counter()
    with sealed.owner.connect() as conn:
        assert sealed.faults(conn) == []
        number = 0
        while done.total() < TRIES:
            number += 1
            way = a_try(sealed, conn, random.Random(number), TABLES[number % len(TABLES)])
            done.update([way] if way else [])
        assert sealed.faults(conn) == []
    assert set(done) == set(tricks.ROW_TRICKS)
    print(f"{done.total()} tries: {dict(done)}")


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_watched(sealed: Sealed, tampering: Connection, table: str) -> None:
    changed = 0
    for column in tricks.columns(tampering, table):
        chance = random.Random(f"{table} {column}")
        with tampering.begin_nested() as point:
            trick = tricks.edit(tampering, chance, table, column)
            if trick:
                changed += 1
                assert sealed.faults(tampering), trick
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


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_tail_cut_off_clean_is_told_by_the_anchor_alone(sealed: Sealed, tampering: Connection, count: int) -> None:
    """Blocks, items and signatures of the end taken away, and everything derived fitted to what is left."""
    tricks.cut_tail(tampering, count)
    found = verify.verify(tampering)
    assert found.first_fault is None
    assert found.unsealed > 0  # what it pretends to be: books that have more to seal
    faults = verify.verify(tampering, sealed.anchors).faults
    assert [fault.kind for fault in faults] == ["anchor_block_missing"]
    assert faults[0].where.startswith("JG1001 block 5, signed ")


def test_a_tail_cut_off_roughly_is_told_by_the_books(sealed: Sealed, tampering: Connection) -> None:
    for sql, kind in (
        ("DELETE FROM ledger.block WHERE block_no = 5", "block_missing: JG1001 block 5"),
        ("DELETE FROM ledger.block_item WHERE block_no = 5", "item_missing: JG1001 block 5: 0 items of"),
        ("UPDATE ledger.seal_state SET block_no = 4", "block_missing: JG1001 block 4"),
        ("DELETE FROM ledger.checkpoint", ""),  # without the anchor, blocks that were never signed
    ):
        with tampering.begin_nested() as point:
            tampering.execute(text(sql))
            assert told(tampering).startswith(kind)
            assert verify.verify(tampering, sealed.anchors).faults
            point.rollback()


def test_history_written_anew_from_any_entry_on_is_told_by_its_signature(sealed: Sealed, tampering: Connection) -> None:
    for seed in range(TRIES // 20 + 1):
        with tampering.begin_nested() as point:
            tricks.rewrite(tampering, sealed.world, random.Random(seed))
            assert [fault.kind for fault in verify.verify(tampering).faults] == ["checkpoint_differs"]
            kinds = [fault.kind for fault in verify.verify(tampering, sealed.anchors).faults]
            assert kinds == ["anchor_differs", "checkpoint_differs"]
            point.rollback()


def test_history_written_anew_and_signed_with_another_key_is_told_by_the_anchors(
    sealed: Sealed, tampering: Connection
) -> None:
    """The books agree with themselves to the last signature; only what lies outside of them does not."""
    keys = book.signing_keys(tampering)
    tricks.rewrite(tampering, sealed.world, random.Random(1))
    tricks.sign_with_own_key(tampering)
    assert verify.verify(tampering).first_fault is None
    faults = verify.verify(tampering, sealed.anchors, keys).faults
    assert [fault.kind for fault in faults] == ["anchor_differs", "key_changed"]


def test_an_owner_who_knows_what_waits_may_change_it_unseen_until_the_seal(
    sealed: Sealed, tampering: Connection
) -> None:
    """The window: of what waits, a change alone is found (test_waiting); with its leaf changed too, it is not.

    How many wait is said. What anchors the books is the block.
    """
    world = sealed.world
    event = posting.deposit_to_suspense(CUSTODY, world.new_id(), 3)
    entry = Entry(world.new_id(), "late", (), event, DAY, "test")
    assert journal.post(tampering, world.number, [entry], world.clock)[0].accepted
    change = "UPDATE ledger.journal_entry SET actor = actor || 'x' WHERE actor LIKE 'test%' AND entry_id = :e"
    tampering.execute(text(change), {"e": entry.entry_id})
    tampering.execute(
        text("""UPDATE ledger.inbox i SET leaf = l.leaf
                FROM ledger._leaves(:i, ARRAY[CAST(:e AS uuid)],
                                    ARRAY(SELECT request_key FROM ledger.inbox WHERE entry_id = :e)) l
                WHERE i.entry_id = l.entry_id"""),
        {"i": world.number, "e": entry.entry_id},
    )
    found = verify.verify(tampering, sealed.anchors)
    assert (found.first_fault, found.unsealed) == (None, 1)
    journal.seal(tampering, world.number, world.clock)
    found = verify.verify(tampering, sealed.anchors)
    assert (found.first_fault, found.unsealed) == (None, 0)
    tampering.execute(text(change), {"e": entry.entry_id})
    assert told(tampering) == f"item_changed: JG1001 block 6, entry {entry.entry_id}"
