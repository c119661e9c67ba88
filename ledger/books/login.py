"""Codes, sessions and limits of those who come in. Nothing of it moves money or is part of the books."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.login import CODE_LASTS, CODE_TRIES, IDLE, WHOLE, Limit, Session
from ledger.vault import Vault


def take(conn: Connection, vault: Vault, limits: Sequence[tuple[Limit, str]], now: datetime) -> datetime | None:
    """Take a token of each bucket (a limit, and of whom); None, or when to come back. Buckets know nobody by name."""
    waits = conn.execute(
        text("""SELECT max(ledger.take_token(b.bucket, b.size, b.refill, :now)) FROM
                unnest(CAST(:buckets AS bytea[]), CAST(:sizes AS integer[]), CAST(:refills AS interval[]))
                WITH ORDINALITY b (bucket, size, refill, ord)"""),
        {
            "now": now,
            "buckets": [vault.index(f"{limit.name}|{who}", "bucket") for limit, who in limits],
            "sizes": [limit.size for limit, _ in limits],
            "refills": [limit.refill for limit, _ in limits],
        },
    )
    again: datetime | None = waits.scalar_one()
    return again


def keep_code(conn: Connection, vault: Vault, phone: str, code: str, now: datetime) -> None:
    """The code that a phone comes in with from now on; an older one counts no more."""
    conn.execute(
        text("SELECT ledger.keep_login_code(:phone, :code, CAST(:tries AS smallint), :ends)"),
        {**_marks(vault, phone, code), "tries": CODE_TRIES, "ends": now + CODE_LASTS},
    )


def try_code(conn: Connection, vault: Vault, phone: str, code: str, now: datetime) -> tuple[str, int]:
    """'right', 'wrong' (with the tries that are left) or 'over'."""
    row = conn.execute(
        text("SELECT answer, tries_left FROM ledger.try_login_code(:phone, :code, :now)"),
        {**_marks(vault, phone, code), "now": now},
    ).one()
    return row.answer, row.tries_left or 0


def begin(conn: Connection, token: str, guardian_id: UUID, now: datetime) -> None:
    """A session under the SHA-256 of its token; what has ended is thrown away on the way."""
    conn.execute(text("SELECT ledger.forget_logins(:now, :whole)"), {"now": now, "whole": WHOLE})
    conn.execute(
        text("SELECT ledger.begin_session(:session, :guardian, :now)"),
        {"session": digest(token), "guardian": guardian_id, "now": now},
    )


def see(conn: Connection, token: str, now: datetime) -> Session | None:
    """The session of a token, if it goes on."""
    row = conn.execute(
        text("SELECT guardian_id, begun_at FROM ledger.see_session(:session, :now, :idle, :whole)"),
        {"session": digest(token), "now": now, "idle": IDLE, "whole": WHOLE},
    ).one_or_none()
    return None if row is None else Session(row.guardian_id, row.begun_at)


def end(conn: Connection, token: str) -> None:
    """End a session now."""
    conn.execute(text("SELECT ledger.end_session(:session)"), {"session": digest(token)})


def digest(token: str) -> bytes:
    """What is kept of a session's token: it has 256 random bits, so a plain SHA-256 is enough."""
    return hashlib.sha256(token.encode()).digest()


def _marks(vault: Vault, phone: str, code: str) -> dict[str, bytes]:
    return {"phone": vault.index(phone, "phone"), "code": vault.index(f"{phone}|{code}", "login code")}
