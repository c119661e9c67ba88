"""Connections to the books: one way to open them, and the server's settings checked before use."""

import select
from typing import cast

import psycopg
from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DisconnectionError, OperationalError

from ledger.settings import NotReady

OLDEST_VERSION = 15
# More connections than this buy nothing on a small machine; whoever comes later queues for one.
POOL_SIZE = 8
POOL_WAIT_SECONDS = 30
CONNECT_WAIT_SECONDS = 10

_MUST_BE_ON = ("fsync", "full_page_writes", "synchronous_commit")
# Whatever the server, the login or PG* variables say, a session of ours looks like this. Compiling
# our queries just in time costs a hundred times what they take.
_SESSION = "-c search_path=ledger -c timezone=UTC -c datestyle=ISO -c jit=off"


def open_engine(url: str | URL, pool_size: int = POOL_SIZE) -> Engine:
    """Open a pool of at most ``pool_size`` sessions (UTC, search_path ledger, READ COMMITTED).

    Asks the server at once. Raises NotReady DATABASE_URL_UNREADABLE, DATABASE_UNREACHABLE,
    DATABASE_TOO_OLD (before PostgreSQL 15) or DATABASE_UNSAFE (a setting that could lose a
    committed entry); later, a connection that cannot be made is DATABASE_UNREACHABLE again.
    """
    engine = create_engine(
        readable(url),
        pool_size=pool_size,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        isolation_level="READ COMMITTED",
        connect_args={
            "application_name": "custody",
            "connect_timeout": CONNECT_WAIT_SECONDS,
            "options": _SESSION,
        },
    )
    event.listen(engine, "checkout", _require_open)
    event.listen(engine, "handle_error", _name_unreachable)
    try:
        require_safe_server(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def readable(url: str | URL) -> URL:
    """A database address as SQLAlchemy reads it, always spoken through psycopg. Raises NotReady."""
    try:
        address = make_url(url)
    except (ArgumentError, ValueError):
        raise NotReady("DATABASE_URL_UNREADABLE") from None
    if address.get_backend_name() != "postgresql" and address.drivername != "postgres":
        raise NotReady("DATABASE_URL_UNREADABLE", f"This one begins with {address.drivername}.")
    return address.set(drivername="postgresql+psycopg")


def require_safe_server(engine: Engine) -> None:
    """Check version and durability of the server. Raises NotReady as ``open_engine`` says."""
    with engine.connect() as conn:
        version = int(conn.scalar(text("SHOW server_version_num")) or 0)
        if version < OLDEST_VERSION * 10_000:
            raise NotReady("DATABASE_TOO_OLD", f"It is {version // 10_000}.")
        off = [name for name in _MUST_BE_ON if conn.scalar(text(f"SHOW {name}")) == "off"]
        if off:
            raise NotReady("DATABASE_UNSAFE", f"Off: {', '.join(off)}.")


def _require_open(session: DBAPIConnection, _record: object, _fairy: object) -> None:
    """Whether a session that waited in the pool still has a server, without asking it: that took a single entry a tenth
    of its time. Between questions a server says nothing but farewell. Raises DisconnectionError: the pool opens one.
    """
    waiting = select.poll()
    waiting.register(cast(psycopg.Connection, session).fileno(), select.POLLIN)
    if waiting.poll(0):
        raise DisconnectionError


def _name_unreachable(context: ExceptionContext) -> NotReady | None:
    """Turn "no connection could be made" into NotReady; an error on a living connection stays what it is."""
    fault = context.sqlalchemy_exception
    if context.connection is not None or context.is_pre_ping or not isinstance(fault, OperationalError):
        return None
    return NotReady("DATABASE_UNREACHABLE", str(fault.orig).strip().partition("\n")[0])
