"""The yardstick C: COPY of the very rows a posting wrote, into the same tables and indexes, no checks, committed.

The rows are read back from the tables and written again under another institution's number: the number leads every
index, so both sides meet the same keys in the same order. Rows are in text form before the clock starts.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Final
from uuid import UUID

from psycopg import sql

from scripts.benchmark.server import Session
from scripts.benchmark.world import NUMBER

COPIED: Final = 9001
POSTED: Final = ("request", "journal_entry", "transfer", "inbox", "unfolded")
# Foreign keys are checks too: none of them is made for what is copied.
_NO_CHECKS: Final = "SET session_replication_role = replica"

Rows = dict[str, list[bytes]]


def rows_of(conn: Session, entry_ids: Iterable[UUID], tables: Sequence[str] = POSTED) -> Rows:
    """The rows of some entries as COPY text, table by table, in the order they lie in."""
    conn.execute("CREATE TEMP TABLE IF NOT EXISTS wanted (entry_id uuid PRIMARY KEY)")
    conn.execute("TRUNCATE wanted")
    with conn.cursor() as cursor, cursor.copy("COPY wanted FROM STDIN") as copy:
        copy.write("".join(f"{entry_id}\n" for entry_id in entry_ids))
    return {table: [b"".join(read(conn, table, "JOIN pg_temp.wanted USING (entry_id)"))] for table in tables}


def read(conn: Session, table: str, which: str) -> Iterable[bytes]:
    """A table's rows as COPY text piece by piece, under the number of the copy. ``which``: the rest of the query."""
    shown = [
        sql.Literal(COPIED) if name == "institution_id" else sql.Identifier("t", name) for name in columns(conn, table)
    ]
    query = sql.SQL("COPY (SELECT {} FROM {} t {} WHERE t.institution_id = {} ORDER BY t.ctid) TO STDOUT").format(
        sql.SQL(", ").join(shown),
        sql.Identifier(table),
        sql.SQL(which),
        sql.Literal(NUMBER),  # ours, not a user's
    )
    with conn.cursor() as cursor, cursor.copy(query) as copy:
        for piece in copy:
            yield bytes(piece)


def write(conn: Session, rows: Mapping[str, Iterable[bytes]], took: dict[str, float] | None = None) -> float:
    """Copy all of it in one transaction; seconds, the commit included. ``took`` is filled with the seconds by table."""
    statements = {
        table: sql.SQL("COPY {} ({}) FROM STDIN").format(
            sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns(conn, table)))
        )
        for table in rows
    }
    conn.execute(_NO_CHECKS)
    laps = [time.perf_counter()]
    with conn.transaction(), conn.cursor() as cursor:
        for table, pieces in rows.items():
            with cursor.copy(statements[table]) as copy:
                for piece in pieces:
                    copy.write(piece)
            laps.append(time.perf_counter())
    laps.append(time.perf_counter())
    if took is not None:
        took.update(zip((*rows, "commit"), (end - begin for begin, end in pairwise(laps)), strict=True))
    return laps[-1] - laps[0]


def forget_waiting(conn: Session) -> None:
    """Nobody seals what was copied: take it out of the inbox, as sealing takes ours."""
    for table in ("inbox", "unfolded"):
        conn.execute(f"DELETE FROM {table} WHERE institution_id = %s".encode(), [COPIED])


def columns(conn: Session, table: str) -> list[str]:
    """A table's columns that are written, in order."""
    found = conn.execute(
        """SELECT attname FROM pg_attribute
           WHERE attrelid = %s::regclass AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum""",
        [table],
    )
    return [str(row[0]) for row in found]
