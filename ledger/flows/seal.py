"""Seal what waits: fold it into the hot accounts and close the block."""

from datetime import datetime

from sqlalchemy import Connection

from ledger.books import journal


def seal(conn: Connection, institution_id: int, now: datetime) -> int | None:
    """Seal an institution; the number of its last block, None when another sealer is at work."""
    return journal.seal(conn, institution_id, now, wait=False)
