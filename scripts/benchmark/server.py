"""The bench's own PostgreSQL: started for a run, with the settings of a bulk month, removed at its end with everything.

Never the demo's: it has a home of its own, and databases are copies of one that is migrated and filled once a run.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Final

import psycopg
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.engine import URL, make_url

from ledger.books import role
from ledger.cli import postgres
from ledger.cli.migrate import upgrade

TEMPLATE: Final = "bench"
PEER: Final = "bench_peer"
OPTIONS: Final = {
    "shared_buffers": "1GB",
    "max_wal_size": "4GB",
    "checkpoint_timeout": "15min",
    "max_connections": "100",
}
# No figure counts where one of these is off.
MUST_BE_ON: Final = ("fsync", "full_page_writes", "synchronous_commit", "data_checksums")
_SHOWN: Final = ("server_version", *OPTIONS, *MUST_BE_ON, "wal_sync_method")
_ROLES: Final = role.roles_of(TEMPLATE)

Session = psycopg.Connection[tuple[object, ...]]


@dataclass(slots=True)
class Server:
    """A running server; ``owner_url`` is a superuser's login on it."""

    owner_url: URL
    settings: dict[str, str]
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def login(self, database: str) -> URL:
        """The application's login on a database."""
        return self.owner_url.set(database=database, username=_ROLES.app)

    def session(self, database: str) -> Session:
        """A superuser's session, straight to the driver, statement by statement."""
        url = self.owner_url.set(drivername="postgresql", database=database).render_as_string(hide_password=False)
        return psycopg.connect(url, autocommit=True, options="-c search_path=ledger -c timezone=UTC -c jit=off")

    def make_template(self) -> None:
        """An empty migrated database that ``copied`` copies, with the roles of all copies."""
        self._run(f"CREATE DATABASE {TEMPLATE}")
        upgrade(self.owner_url.set(database=TEMPLATE).render_as_string(hide_password=False), make_roles=True)

    @contextmanager
    def copied(self) -> Iterator[str]:
        """A copy of the template as it is now; the name of the database, which is dropped afterwards."""
        name = f"{TEMPLATE}_{next(self._numbers)}"
        with self.empty(name, TEMPLATE):
            engine = create_engine(self.owner_url, poolclass=NullPool)
            with engine.begin() as conn:
                role.open_database(conn, name, _ROLES)
            yield name

    @contextmanager
    def empty(self, name: str, template: str = "template1") -> Iterator[str]:
        """A new database, dropped afterwards."""
        self._run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield name
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _run(self, statement: str) -> None:
        engine = create_engine(self.owner_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            conn.execute(text(statement))


@contextmanager
def server(home: Path) -> Iterator[Server]:
    """The server of ``home``, new, and gone afterwards whatever happens. Raises NotReady DATABASE_IN_USE: another
    run is at work.
    """
    postgres.remove(home)
    try:
        with postgres.server(home, extra_logins=_ROLES.logins, options=OPTIONS) as place:
            owner_url = make_url(place.url(postgres.OWNER, "postgres"))
            yield Server(owner_url, checked_settings(owner_url))
    finally:
        postgres.remove(home)


def checked_settings(owner_url: URL) -> dict[str, str]:
    """What the server says of its settings. Raises RuntimeError where one is not what the figures stand for."""
    engine = create_engine(owner_url, poolclass=NullPool)
    with engine.connect() as conn:
        found = {name: str(conn.scalar(text(f"SHOW {name}"))) for name in _SHOWN}
    wrong = [f"{name} is {found[name]}" for name in MUST_BE_ON if found[name] != "on"]
    wrong += [f"{name} is {found[name]}, not {value}" for name, value in OPTIONS.items() if found[name] != value]
    if wrong:
        raise RuntimeError(f"the bench's server has other settings: {', '.join(wrong)}")
    return found
