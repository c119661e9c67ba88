"""What a superuser can do to the books with every trigger off, one trick at a time.

Each trick answers what it did and the words of which one must be named by whoever verifies: the id of an entry, the
number of a block, a contract, an account. Nothing is answered where the rows allow no such trick.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from ledger import vault
from ledger.books import seal as book
from ledger.formats import checkpoint as words
from tests.world import World

# Counters of updates: they say nothing about money and nothing reads them.
NOT_MONEY = {("balance", "version")}


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


@dataclass(frozen=True)
class Trick:
    """``told``: what was done; ``named``: one of these must be told by whoever finds it."""

    told: str
    named: frozenset[str] = frozenset()


def edit(conn: Connection, chance: random.Random, table: str, column: str = "") -> Trick | None:
    """Another value in one column of one row."""
    column = column or chance.choice(columns(conn, table))
    rows = placed(conn, table)
    if not rows:
        return None
    row = chance.choice(rows)
    value = row[column]
    fresh = other(value, chance)
    if fresh is None:  # a word: another one of the same column, or of the same kind of word
        found = {one[column] for one in rows if one[column] not in (None, value)}
        spare = {
            "kind": "deposit", "actor": "nobody", "code": "CLAIM_TOO_SMALL", "statement": "x", "hold_action": "capture",
        }  # fmt: skip
        fresh = chance.choice(sorted(found)) if found else spare.get(column, uuid4())
        if str(fresh) == str(value):
            return None
    named = naming(conn, row) | naming(conn, {**row, column: fresh})
    sql = f"UPDATE ledger.{table} SET {column} = :v WHERE ctid = CAST(:at AS tid)"
    if not tried(conn, sql, {"v": fresh, "at": row["ctid"]}):
        return None
    return Trick(f"{table}.{column}: {value!r} -> {fresh!r}", named)


def remove(conn: Connection, chance: random.Random, table: str) -> Trick | None:
    rows = placed(conn, table)
    if not rows:
        return None
    row = chance.choice(rows)
    named = naming(conn, row)
    conn.execute(text(f"DELETE FROM ledger.{table} WHERE ctid = CAST(:at AS tid)"), {"at": row["ctid"]})
    return Trick(f"{table}: a row deleted", named)


def double(conn: Connection, chance: random.Random, table: str) -> Trick | None:
    """Insert a copy of a row under another key."""
    key = {
        "journal_entry": "entry_id", "transfer": "ord", "request": "request_key", "refusal": "request_key",
        "reversal": "entry_id", "block": "block_no", "block_item": "entry_id", "bucket": "sealed_on",
        "block_sum": "effective_on",
        "checkpoint": "block_no", "signing_key": "key_no", "item_balance": "item_id", "hold": "hold_id",
        "contract_balance": "contract_id", "balance": "fund_no",
    }[table]  # fmt: skip
    rows, names = placed(conn, table), columns(conn, table)
    if not rows:
        return None
    row = dict(chance.choice(rows))
    named = naming(conn, row)
    row[key] = other(row[key], chance)
    sql = f"INSERT INTO ledger.{table} ({', '.join(names)}) VALUES ({', '.join(':' + name for name in names)})"
    if not tried(conn, sql, {name: row[name] for name in names}):
        return None
    return Trick(f"{table}: a row added", named | naming(conn, row))


def swap(conn: Connection, chance: random.Random, table: str) -> Trick | None:
    """Two rows exchange what they say in one column: every sum over the table stays the same."""
    rows = placed(conn, table)
    column = chance.choice(columns(conn, table))
    if len({str(row[column]) for row in rows}) < 2:
        return None
    one = chance.choice(rows)
    two = chance.choice([row for row in rows if str(row[column]) != str(one[column])])
    named = frozenset[str]().union(
        *(naming(conn, {**row, column: x[column]}) for row in (one, two) for x in (one, two))
    )
    sql = f"""UPDATE ledger.{table} a SET {column} = b.{column} FROM ledger.{table} b
              WHERE (a.ctid, b.ctid) IN ((CAST(:one AS tid), CAST(:two AS tid)),
                                         (CAST(:two AS tid), CAST(:one AS tid)))"""
    if not tried(conn, sql, {"one": one["ctid"], "two": two["ctid"]}):
        return None
    return Trick(f"{table}.{column}: {one[column]!r} <-> {two[column]!r}", named)


ROW_TRICKS: dict[str, Callable[[Connection, random.Random, str], Trick | None]] = {
    "edit": edit, "delete": remove, "insert": double, "swap": swap,
}  # fmt: skip


def placed(conn: Connection, table: str) -> list[Mapping[str, Any]]:
    """Every row with its place."""
    names = ", ".join(columns(conn, table))
    rows = conn.execute(text(f"SELECT ctid::text AS ctid, {names} FROM ledger.{table} ORDER BY ctid"))
    return [dict(row) for row in rows.mappings()]


def tried(conn: Connection, sql: str, arguments: Mapping[str, Any]) -> bool:
    """Whether it was let through: a CHECK or a key may refuse a value even now."""
    try:
        with conn.begin_nested():
            conn.execute(text(sql), arguments)
    except DBAPIError:
        return False
    return True


def naming(conn: Connection, row: Mapping[str, Any]) -> frozenset[str]:
    """The words one of which says which row it was: its ids, its block and the one after it, its account or key."""
    found = {str(value) for value in row.values() if isinstance(value, UUID)}
    blocks = {row["block_no"]} if "block_no" in row else set()
    ids = {"e": row.get("entry_id"), "k": row.get("request_key")}
    blocks |= set(
        conn.execute(
            text("SELECT block_no FROM ledger.block_item WHERE entry_id = CAST(:e AS uuid)"
                 " OR request_key = CAST(:k AS uuid)"), ids
        ).scalars()
    )  # fmt: skip
    found |= {f"block {number + after}" for number in blocks for after in (0, 1)}
    if "class" in row:
        found.add(str(row["class"]))
    if "key_no" in row or "public_key" in row:
        found |= {f"key {row['key_no'] + after}" for after in (0, 1)} | {"checkpoint"}
    return frozenset(found)


# -- the large ones: what a patient owner does, so that the books agree with themselves again


def fit_again(conn: Connection, world: World) -> None:
    """Make every mark, root, hash and total fit the rows as they are now."""
    conn.execute(text("SET LOCAL search_path = ledger"))
    conn.execute(
        text("""UPDATE block_item i SET mark = _mark(l.leaf)
                FROM _leaves(:i, ARRAY(SELECT entry_id FROM block_item ORDER BY 1),
                             ARRAY(SELECT request_key FROM block_item ORDER BY entry_id)) l
                WHERE i.entry_id = l.entry_id"""),
        {"i": world.number},
    )
    for number in conn.execute(text("SELECT block_no FROM block ORDER BY 1")).scalars().all():
        conn.execute(
            text("""UPDATE block b SET
                    previous = coalesce((SELECT hash FROM block p WHERE p.block_no = b.block_no - 1), ''),
                    root = _root(ARRAY(SELECT leaf FROM block_leaves(:i, :n))) WHERE block_no = :n"""),
            {"i": world.number, "n": number},
        )
        conn.execute(text("UPDATE block b SET hash = _block_hash(b) WHERE block_no = :n"), {"n": number})


def rewrite(conn: Connection, world: World, chance: random.Random) -> Trick:
    """Change who did an entry of long ago, and all of the chain after it."""
    entry = chance.choice(conn.execute(text("SELECT entry_id FROM ledger.block_item ORDER BY 1")).scalars().all())
    conn.execute(text("UPDATE ledger.journal_entry SET actor = 'nobody' WHERE entry_id = :e"), {"e": entry})
    conn.execute(
        text("""UPDATE ledger.refusal SET code = 'HOURS_BELOW_ZERO' WHERE request_key IN
                (SELECT request_key FROM ledger.block_item WHERE entry_id = :e)"""),
        {"e": entry},
    )
    fit_again(conn, world)
    return Trick(f"everything since {entry} written anew", frozenset({"block"}))


def cut_tail(conn: Connection, count: int) -> Trick:
    """Unseal the last blocks: their items and sums wait again, buckets and folded balances are those of before."""
    last = int(conn.scalar(text("SELECT max(block_no) FROM ledger.block")) or 0)
    arguments = {"last": last - count}
    for sql in (
        """INSERT INTO ledger.inbox
           SELECT x.institution_id, l.entry_id, l.request_key, l.leaf
           FROM (SELECT institution_id, array_agg(entry_id) AS entries, array_agg(request_key) AS keys
                 FROM ledger.block_item WHERE block_no > :last GROUP BY 1) x
           CROSS JOIN LATERAL ledger._leaves(x.institution_id, x.entries, x.keys) l""",
        """INSERT INTO ledger.unfolded
           SELECT e.institution_id, e.entry_id, e.fund_no, s.class, e.effective_on, sum(s.debit), sum(s.credit)
           FROM ledger.block_item x JOIN ledger.journal_entry e USING (institution_id, entry_id)
           JOIN ledger.transfer t USING (institution_id, entry_id)
           CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen, 0), (t.credit_class, 0, t.amount_fen))
               s (class, debit, credit)
           WHERE x.block_no > :last GROUP BY 1, 2, 3, 4, 5""",
        "DELETE FROM ledger.block_item WHERE block_no > :last",
        "DELETE FROM ledger.block WHERE block_no > :last",
        "DELETE FROM ledger.block_sum WHERE block_no > :last",
        "DELETE FROM ledger.checkpoint WHERE block_no > :last",
        """UPDATE ledger.seal_state SET block_no = :last,
                  sealed_at = (SELECT sealed_at FROM ledger.block WHERE block_no = :last)""",
        "DELETE FROM ledger.bucket",
        """INSERT INTO ledger.bucket
           SELECT e.institution_id, e.fund_no, s.class, e.effective_on,
                  CAST(b.sealed_at AT TIME ZONE 'Asia/Shanghai' AS date), sum(s.debit), sum(s.credit)
           FROM ledger.block_item x JOIN ledger.block b USING (institution_id, block_no)
           JOIN ledger.journal_entry e USING (institution_id, entry_id)
           JOIN ledger.transfer t USING (institution_id, entry_id)
           CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen, 0), (t.credit_class, 0, t.amount_fen))
               s (class, debit, credit)
           GROUP BY 1, 2, 3, 4, 5""",
        """UPDATE ledger.balance h SET credit_fen = coalesce(s.credit, 0),
                  debit_fen = CASE WHEN h.guarded THEN h.debit_fen ELSE coalesce(s.debit, 0) END
           FROM ledger.balance o LEFT JOIN (SELECT fund_no, class, sum(debit_fen) debit, sum(credit_fen) credit
                                            FROM ledger.bucket GROUP BY 1, 2) s USING (fund_no, class)
           WHERE (h.fund_no, h.class) = (o.fund_no, o.class)""",
    ):
        conn.execute(text(sql), arguments if ":last" in sql else {})
    return Trick(f"the last {count} blocks unsealed", frozenset({f"block {last}"}))


def sign_with_own_key(conn: Connection) -> None:
    """Put a key of one's own in the place of the books' first key and sign everything anew."""
    private = vault.make_signing_key()
    public = vault.public_key(private)
    (key,) = book.signing_keys(conn)
    signature = vault.sign(private, words.key_statement(1, public, key.added_at))
    conn.execute(text("UPDATE ledger.signing_key SET public_key = :p, signature = :s"), {"p": public, "s": signature})
    blocks = {block.number: block for block in book.last_blocks(conn)}
    for old in book.checkpoints(conn):
        said = words.statement(blocks[old.block], 1, old.signed_at)
        conn.execute(
            text("UPDATE ledger.checkpoint SET statement = :said, signature = :s WHERE block_no = :n"),
            {"said": said, "s": vault.sign(private, said), "n": old.block},
        )
