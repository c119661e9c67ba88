"""Links to look at one course without a log-in, in the books: a digest of each, when it ends, what was taken back."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import record


@dataclass(frozen=True, slots=True)
class Shared:
    """What a link shows: one contract, as its guardian sees it."""

    contract_id: UUID
    guardian_id: UUID
    ends_at: datetime


def make(
    conn: Connection, institution_id: int, contract_id: UUID, guardian_id: UUID, token: str, now: datetime,
    ends_at: datetime,
) -> None:  # fmt: skip
    """Keep a link under the SHA-256 of its token."""
    record.insert(conn, "share_link", [{
        "institution_id": institution_id, "token_digest": digest(token), "contract_id": contract_id,
        "guardian_id": guardian_id, "made_at": now, "ends_at": ends_at,
    }])  # fmt: skip


def find(conn: Connection, institution_id: int, token: str, now: datetime) -> Shared | None:
    """What a token shows, if it goes on."""
    row = conn.execute(
        text("""SELECT l.contract_id, l.guardian_id, l.ends_at FROM ledger.share_link l
                WHERE l.institution_id = :i AND l.token_digest = :d AND l.ends_at > :now
                  AND NOT EXISTS (SELECT FROM ledger.share_ended e WHERE e.institution_id = l.institution_id
                                  AND e.token_digest = l.token_digest)"""),
        {"i": institution_id, "d": digest(token), "now": now},
    ).one_or_none()
    return None if row is None else Shared(**row._mapping)


def standing(conn: Connection, institution_id: int, contract_id: UUID, now: datetime) -> dict[bytes, datetime]:
    """The links to a contract that go on, by digest, and when each ends."""
    rows = conn.execute(
        text("""SELECT l.token_digest, l.ends_at FROM ledger.share_link l
                WHERE l.institution_id = :i AND l.contract_id = :c AND l.ends_at > :now
                  AND NOT EXISTS (SELECT FROM ledger.share_ended e WHERE e.institution_id = l.institution_id
                                  AND e.token_digest = l.token_digest)
                ORDER BY l.ends_at"""),
        {"i": institution_id, "c": contract_id, "now": now},
    )
    return {bytes(row.token_digest): row.ends_at for row in rows}


def end(conn: Connection, institution_id: int, contract_id: UUID, now: datetime) -> int:
    """Take back every link to a contract; how many."""
    rows = [
        {"institution_id": institution_id, "token_digest": one, "ended_at": now}
        for one in standing(conn, institution_id, contract_id, now)
    ]
    return record.insert(conn, "share_ended", rows)


def digest(token: str) -> bytes:
    """What is kept of a token: it has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()
