"""A private PostgreSQL for the whole run, and a migrated database of its own for every test that asks.

CUSTODY_TEST_PROGRAMS    the bin folder of another PostgreSQL to run instead of the wheel's
CUSTODY_TEST_OWNER_URL   a superuser of a throw-away cluster to use instead of starting one
CUSTODY_TEST_FULL        1: run the tests marked ``full`` as well
"""

import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import URL, Connection, Engine, NullPool, create_engine, make_url, text

from ledger.books import role
from ledger.books.engine import open_engine
from ledger.cli import postgres
from ledger.cli.migrate import upgrade
from ledger.cli.postgres import Urls
from ledger.settings import CLONE

TEMPLATE = "custody_test"
ROLES = role.roles_of(TEMPLATE)
HOME = Path(tempfile.mkdtemp(prefix="custody-test-"))

# Nothing a developer has set may lead a test to real books: a command without a database of its own
# meets the private server, where no database is migrated.
for _name in [name for name in os.environ if name.startswith("CUSTODY_") or name == "DATABASE_URL"]:
    if not _name.startswith("CUSTODY_TEST_"):
        del os.environ[_name]
os.environ["CUSTODY_HOME"] = str(HOME)
os.environ["CUSTODY_LANGUAGE"] = "en"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database-only", action="store_true", help="run the tests that ask for the server, no others")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--database-only"):
        items[:] = [item for item in items if "cluster" in getattr(item, "fixturenames", ())]
    if os.environ.get("CUSTODY_TEST_FULL") != "1":
        for item in items:
            if item.get_closest_marker("full"):
                item.add_marker(pytest.mark.skip(reason="sizes the issues name: scripts/test --full"))


def pytest_configure() -> None:
    # A run that is asked to end unwinds as with Ctrl-C, server included; SystemExit would only fail one test.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    # Under nohup this is ignored, and what we start would inherit that and never be told to end.
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class Cluster:
    """The server of this run, where the owner's login may do anything."""

    owner_url: URL

    def url(self, login: str, database: str) -> str:
        return self.owner_url.set(username=login, database=database).render_as_string(hide_password=False)

    def urls(self, database: str) -> Urls:
        return Urls(app=self.url(ROLES.app, database), owner=self.url(self.owner_url.username or "", database))

    @contextmanager
    def session(self) -> Iterator[Connection]:
        """Outside every test's database, statement by statement: to make and drop databases."""
        engine = create_engine(self.owner_url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
        with engine.connect() as conn:
            yield conn


@dataclass(frozen=True, slots=True)
class Database:
    """One migrated, empty database: addresses, an engine per login, and the environment a command needs to use it."""

    name: str
    urls: Urls
    owner: Engine
    app: Engine

    @property
    def environment(self) -> dict[str, str]:
        return {"DATABASE_URL": self.urls.app, "CUSTODY_OWNER_URL": self.urls.owner or ""}


def run_custody(environment: dict[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    """The command as a process of its own, with ``environment`` beside the cleaned one of the tests."""
    command = [sys.executable, "-c", "from ledger.cli import main; main()", *arguments]
    surroundings = {**os.environ, **environment}
    return subprocess.run(command, env=surroundings, cwd=CLONE, capture_output=True, text=True, check=False)


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """The server of this run."""
    given = os.environ.get("CUSTODY_TEST_OWNER_URL")
    if given:
        yield Cluster(make_url(given))
        return
    other = os.environ.get("CUSTODY_TEST_PROGRAMS")
    programs = Path(other) if other else None
    try:
        with postgres.server(HOME, programs=programs, extra_logins=ROLES.logins) as place:
            yield Cluster(make_url(place.url(postgres.OWNER, "postgres")))
    finally:
        postgres.remove(HOME)


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> Iterator[str]:
    """A database migrated once, that every test's own is a copy of."""
    with cluster.session() as conn:
        conn.execute(text(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"))
        conn.execute(text(f"CREATE DATABASE {TEMPLATE} TEMPLATE template0 ENCODING 'UTF8'"))
        owner = cluster.urls(TEMPLATE).owner
        assert owner is not None
        upgrade(owner, make_roles=True)
        if cluster.owner_url.password:
            for login in ROLES.logins:
                conn.exec_driver_sql(f"ALTER ROLE {login} PASSWORD '{cluster.owner_url.password}'")
    yield TEMPLATE
    with cluster.session() as conn:
        conn.execute(text(f"DROP DATABASE {TEMPLATE} WITH (FORCE)"))


@pytest.fixture(scope="session")
def copied_database(cluster: Cluster, template: str) -> Callable[[], AbstractContextManager[Database]]:
    """``with copied_database() as database``: for a test that needs several, or one per example."""
    numbers = itertools.count(1)

    @contextmanager
    def copied() -> Iterator[Database]:
        name = f"{template}_{next(numbers)}"
        with cluster.session() as conn:
            conn.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
            role.open_database(conn, name, ROLES)
        urls = cluster.urls(name)
        owner, app = open_engine(urls.owner or ""), open_engine(urls.app)
        try:
            yield Database(name, urls, owner, app)
        finally:
            owner.dispose()
            app.dispose()
            with cluster.session() as conn:
                conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))

    return copied


@pytest.fixture
def fresh_database(copied_database: Callable[[], AbstractContextManager[Database]]) -> Iterator[Database]:
    """A migrated, empty database for one test."""
    with copied_database() as database:
        yield database


@pytest.fixture(scope="module")
def module_database(copied_database: Callable[[], AbstractContextManager[Database]]) -> Iterator[Database]:
    """A migrated database shared by the tests of one file."""
    with copied_database() as database:
        yield database
