"""Insert-only records of business facts, written as sets through one database function."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text


def insert(conn: Connection, table: str, rows: Sequence[Mapping[str, Any]]) -> int:
    """Insert ``rows`` (column -> value) into an insert-only table; how many. One call for the whole set."""
    if not rows:
        return 0
    return int(
        conn.scalar(text("SELECT ledger.record(:t, CAST(:rows AS jsonb))"), {"t": table, "rows": as_json(rows)}) or 0
    )


def as_json(rows: object) -> str:
    """Rows as the JSON that jsonb_populate_recordset reads: bytes as \\x hex, dates and ids as text."""
    return json.dumps(rows, default=_plain, ensure_ascii=False)


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return "\\x" + value.hex()
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (UUID,)):
        return str(value)
    raise TypeError(f"{type(value).__name__} is no column of the books")
