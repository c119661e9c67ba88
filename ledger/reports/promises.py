"""What must hold (accounting policy), asked of the books: one SQL file per promise in ledger/books/checks.

Each file can be pasted into psql. It answers a row per thing checked: place, expected and found; they are equal where
the promise holds.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from sqlalchemy import Connection, text

from ledger.books.transaction import whole_tables
from ledger.terms.journal import Promise, Violation

CHECKS = Path(__file__).resolve().parent.parent / "books" / "checks"
# one row with the count at least, then one per violation, the first 20
_COUNTED = """
    WITH checked AS MATERIALIZED ({sql})
    SELECT (SELECT count(*) FROM checked) AS checked, wrong.*
    FROM (SELECT 1) one
    LEFT JOIN (SELECT place, expected_fen, found_fen FROM checked
               WHERE expected_fen IS DISTINCT FROM found_fen LIMIT 20) wrong ON true"""


@cache
def _checks() -> tuple[tuple[str, str], ...]:
    return tuple((path.stem, path.read_text(encoding="utf-8")) for path in sorted(CHECKS.glob("*.sql")))


def names() -> list[str]:
    """The promises, in order."""
    return [name for name, _ in _checks()]


def check(conn: Connection, only: Sequence[str] = ()) -> list[Promise]:
    """Check every promise (or ``only`` some) over all institutions; at most 20 violations of each are listed."""
    with whole_tables(conn):
        return [_checked(conn, name, sql) for name, sql in _checks() if not only or name in only]


def _checked(conn: Connection, name: str, sql: str) -> Promise:
    rows = conn.execute(text(_COUNTED.format(sql=sql).replace(":", "\\:"))).all()
    wrong = tuple(
        Violation(name, row.place, int(row.expected_fen), int(row.found_fen)) for row in rows if row.place is not None
    )
    return Promise(name, int(rows[0].checked), wrong)
