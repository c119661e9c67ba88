"""What an opened engine promises, and what it refuses."""

import socket
import threading

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.books.engine import open_engine, readable
from ledger.settings import NotReady
from tests.conftest import Cluster, Database


def test_a_session_is_ours_whatever_the_login_or_the_environment_prefers(
    fresh_database: Database, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PGOPTIONS", "-c timezone=Asia/Shanghai")
    with cluster.session() as conn:
        conn.execute(text(f"ALTER DATABASE {fresh_database.name} SET search_path = public"))
    engine = open_engine(fresh_database.urls.app)
    with engine.connect() as conn:
        shown = {
            name: conn.scalar(text(f"SHOW {name}")) for name in ("search_path", "timezone", "application_name", "jit")
        }
        assert shown == {"search_path": "ledger", "timezone": "UTC", "application_name": "custody", "jit": "off"}
        assert conn.scalar(text("SHOW transaction_isolation")) == "read committed"
    engine.dispose()


def test_the_pool_is_full_at_its_size_and_then_queues(fresh_database: Database) -> None:
    engine = open_engine(fresh_database.urls.app, pool_size=2)
    answers: list[object] = []

    def ask() -> None:
        with engine.connect() as conn:
            mine = "SELECT count(*) FROM pg_stat_activity WHERE usename = current_user AND datname = current_database()"
            answers.append(conn.scalar(text(mine)))

    with engine.connect(), engine.connect():
        queued = threading.Thread(target=ask)
        queued.start()
        queued.join(timeout=0.3)
        assert answers == []
    queued.join()
    engine.dispose()
    assert answers[0] == 2 + 1  # and the one the fixture holds


@pytest.mark.parametrize("address", ["", "books", "sqlite://", "mysql://a@b/c", "postgresql+psycopg://h:port/x"])
def test_an_address_that_is_none_is_refused_with_the_form_to_write(address: str) -> None:
    with pytest.raises(NotReady) as caught:
        open_engine(address)
    assert caught.value.code == "DATABASE_URL_UNREADABLE"


def test_the_short_form_of_an_address_is_understood() -> None:
    assert readable("postgresql://me@there/books").drivername == "postgresql+psycopg"


def test_a_server_that_is_not_there_is_named_at_once() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        with pytest.raises(NotReady) as caught:
            open_engine(f"postgresql+psycopg://me@127.0.0.1:{unused.getsockname()[1]}/books")
    assert caught.value.code == "DATABASE_UNREACHABLE"
    assert "refused" in caught.value.detail


def test_a_database_that_goes_away_later_is_unreachable_and_an_error_in_a_statement_is_not(
    fresh_database: Database, cluster: Cluster
) -> None:
    engine = open_engine(fresh_database.urls.app)
    with engine.connect() as conn, pytest.raises(DBAPIError):
        conn.execute(text("SELECT 1 / 0"))
    with cluster.session() as conn:
        conn.execute(text(f"ALTER DATABASE {fresh_database.name} ALLOW_CONNECTIONS false"))
        conn.execute(
            text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"),
            {"name": fresh_database.name},
        )
    with pytest.raises(NotReady) as caught:
        engine.connect()
    assert caught.value.code == "DATABASE_UNREACHABLE"
    engine.dispose()


def test_a_cut_connection_in_the_pool_is_replaced_unseen(fresh_database: Database, cluster: Cluster) -> None:
    engine = open_engine(fresh_database.urls.app)
    with cluster.session() as conn:
        conn.execute(
            text("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = :name"),
            {"name": fresh_database.name},
        )
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT 1")) == 1
    engine.dispose()


def test_a_login_that_risks_committed_entries_is_refused(fresh_database: Database, cluster: Cluster) -> None:
    with cluster.session() as conn:
        conn.execute(text(f"ALTER DATABASE {fresh_database.name} SET synchronous_commit = off"))
    with pytest.raises(NotReady) as caught:
        open_engine(fresh_database.urls.app)
    assert caught.value.code == "DATABASE_UNSAFE"
    assert "synchronous_commit" in caught.value.detail
