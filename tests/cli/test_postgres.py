"""The embedded server: started by the first user, stopped by the last, whoever is killed in between."""

import os
import pwd
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from ledger.cli import postgres, postgres_files
from ledger.cli.postgres_files import Place
from ledger.settings import CLONE, NotReady, Settings, read_settings

OTHER_POSTGRES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
USER = """
import sys
from pathlib import Path
from ledger.cli import postgres
with postgres.server(Path(sys.argv[1])):
    print("ready", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """A home of its own; its server and files are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="custody-home-") as folder:
        path = Path(folder).resolve()
        yield path
        postgres.remove(path)


@pytest.fixture(scope="module")
def used_home() -> Iterator[Path]:
    """A home whose cluster is made already, for tests that do not look at how it is made."""
    with tempfile.TemporaryDirectory(prefix="custody-home-") as folder:
        path = Path(folder).resolve()
        with postgres.server(path):
            pass
        yield path
        postgres.remove(path)


def ask(place: Place, question: str, login: str = postgres.OWNER) -> Any:
    """One question in one connection, committed."""
    engine = create_engine(place.url(login, postgres.DATABASE), poolclass=NullPool)
    with engine.begin() as conn:
        asked = conn.execute(text(question))
        return asked.scalar() if asked.returns_rows else None


@contextmanager
def user(home: Path) -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the server from when it says so until the block ends."""
    command = [sys.executable, "-c", USER, str(home)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, cwd=CLONE, stdin=pipe, stdout=pipe, text=True) as process:
        try:
            yield process
        finally:
            if process.stdin is not None and not process.stdin.closed:
                process.stdin.close()
            process.wait(timeout=60)


def ready(process: "subprocess.Popen[str]") -> bool:
    return process.stdout is not None and process.stdout.readline() == "ready\n"


def gone(place: Place, within_seconds: float = 10) -> bool:
    """Whether no postmaster lives on these files, at the latest after a while."""
    deadline = time.monotonic() + within_seconds
    while postgres.postmaster(place) is not None and time.monotonic() < deadline:
        time.sleep(0.02)
    return postgres.postmaster(place) is None


def gone_quiet(place: Place) -> bool:
    """Whether the server's log of its last start shows no quarrel about who owns the files."""
    last_start = place.log.read_text().rpartition("starting PostgreSQL")[2]
    return "could not open file" not in last_start


def kill_postmaster(place: Place) -> None:
    pid = postgres.postmaster(place)
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert gone(place)


def test_both_logins_reach_the_database_and_the_books_outlive_the_server(home: Path) -> None:
    with postgres.server(home) as place:
        assert ask(place, "SELECT current_user || '@' || current_database()") == "postgres@custody"
        assert ask(place, "SELECT current_user", login="custody_app") == "custody_app"
        ask(place, "CREATE TABLE kept AS SELECT 1 AS one")
    assert gone(place)
    with postgres.server(home) as place:
        assert ask(place, "SELECT one FROM kept") == 1


def test_the_server_is_durable_in_utc_and_listens_to_nobody_else(used_home: Path) -> None:
    promised = {
        "fsync": "on",
        "full_page_writes": "on",
        "synchronous_commit": "on",
        "data_checksums": "on",
        "timezone": "UTC",
        "server_encoding": "UTF8",
        "listen_addresses": "",
        "shared_buffers": "128MB",
        "max_connections": "60",
    }
    with postgres.server(used_home) as place:
        assert {name: ask(place, f"SHOW {name}") for name in promised} == promised
        provider = "SELECT datlocprovider::text || ' ' || datlocale FROM pg_database WHERE datname = current_database()"
        assert ask(place, provider) == "b C.UTF-8"
        ask(place, "CREATE ROLE stranger LOGIN SUPERUSER")
        with pytest.raises(OperationalError, match="Peer authentication failed"):
            ask(place, "SELECT 1", login="stranger")
        ask(place, "DROP ROLE stranger")


def test_its_folders_are_private_to_the_servers_user(used_home: Path) -> None:
    root = os.geteuid() == 0
    with postgres.server(used_home) as place:
        owner = pwd.getpwnam("nobody").pw_uid if root else os.geteuid()
        for folder in (place.base, place.cluster, place.sockets):
            found = folder.stat()
            assert (stat.S_IMODE(found.st_mode), found.st_uid) == (0o700, owner), folder
        assert Path(f"/proc/{postgres.postmaster(place)}").stat().st_uid == owner
    if root:
        assert place.where.read_text() == f"{place.base}\n"
    else:
        assert place.base.is_relative_to(used_home)


def test_processes_that_start_at_once_share_one_server_and_the_last_stops_it(home: Path) -> None:
    place = postgres_files.place_of(home)
    with user(home) as first, user(home) as second, user(home) as third:
        assert [ready(process) for process in (first, second, third)] == [True] * 3
        pid = postgres.postmaster(place)
        for process in (first, second):
            assert process.stdin is not None
            process.stdin.close()
            process.wait()
        assert ask(place, "SELECT 1") == 1
        assert postgres.postmaster(place) == pid
    assert gone(place)


def test_a_killed_user_is_not_counted_and_its_server_is_joined(used_home: Path) -> None:
    with user(used_home) as killed:
        assert ready(killed)
        place = postgres_files.place_of(used_home)
        pid = postgres.postmaster(place)
        killed.kill()
        killed.wait()
    assert pid is not None
    assert postgres.postmaster(place) == pid
    with postgres.server(used_home):
        assert postgres.postmaster(place) == pid
    assert gone(place)


@pytest.mark.parametrize("polite", [signal.SIGTERM, signal.SIGHUP])
def test_a_user_that_is_asked_to_end_stops_the_server(used_home: Path, polite: signal.Signals) -> None:
    place = postgres_files.place_of(used_home)
    with user(used_home) as asked:
        assert ready(asked)
        asked.send_signal(polite)
        assert asked.wait(timeout=30) == 128 + polite
    assert gone(place)


def test_a_killed_postmaster_loses_nothing_and_the_next_user_just_works(used_home: Path) -> None:
    with postgres.server(used_home) as place:
        ask(place, "CREATE TABLE acknowledged AS SELECT generate_series(1, 1000) AS n")
        engine = create_engine(place.url(postgres.OWNER, postgres.DATABASE))
        with engine.connect() as conn:
            conn.execute(text("INSERT INTO acknowledged VALUES (1001)"))
            kill_postmaster(place)  # with a transaction open in a backend of its own
            with postgres.server(used_home):
                assert ask(place, "SELECT count(*) FROM acknowledged") == 1000
            conn.invalidate()
        engine.dispose()
        assert ask(place, "DROP TABLE acknowledged") is None
    assert gone(place)


def test_a_backend_still_at_work_holds_the_restart_up_until_it_is_done(used_home: Path) -> None:
    with postgres.server(used_home) as place:
        engine = create_engine(place.url(postgres.OWNER, postgres.DATABASE))
        driver = engine.raw_connection()
        asked = driver.driver_connection
        assert asked is not None
        busy = "DO $$ DECLARE until timestamptz := clock_timestamp() + interval '2 s'; n int := 0; BEGIN"
        asked.pgconn.send_query(f"{busy} WHILE clock_timestamp() < until LOOP n := n + 1; END LOOP; END $$".encode())
        time.sleep(0.3)
        kill_postmaster(place)
        with postgres.server(used_home):
            assert ask(place, "SELECT 1") == 1
        driver.invalidate()
        engine.dispose()


def test_a_server_that_is_still_recovering_is_waited_for(used_home: Path) -> None:
    with postgres.server(used_home) as place:
        ask(place, "CREATE TABLE written AS SELECT n, md5(n::text) FROM generate_series(1, 300000) AS n")
        kill_postmaster(place)
        postgres.forget_dead(place)
        # As if the starter had been killed the moment after.
        postgres_files.run(place, "pg_ctl", "start", "-W", "-D", str(place.cluster), "-l", str(place.log))
        with pytest.raises(OperationalError):
            ask(place, "SELECT 1")
        with postgres.server(used_home):
            assert ask(place, "SELECT count(*) FROM written") == 300000
            assert gone_quiet(place)
        ask(place, "DROP TABLE written")


def test_a_pid_taken_by_another_program_is_no_postmaster(used_home: Path) -> None:
    place = postgres_files.place_of(used_home)
    stale = f"{os.getpid()}\n{place.cluster}\n0\n5432\n{place.sockets}\n\n0 0\nready   \n"
    (place.cluster / "postmaster.pid").write_text(stale)
    assert postgres.postmaster(place) is None
    with postgres.server(used_home):
        assert ask(place, "SELECT 1") == 1


def test_an_initdb_that_was_killed_leaves_nothing_that_counts(home: Path) -> None:
    place = postgres_files.place_of(home)
    postgres_files.prepare(place)
    unfinished = place.base / "unfinished-1"
    (unfinished / "base").mkdir(parents=True)
    with postgres.server(home):
        assert ask(place, "SELECT 1") == 1
        assert not unfinished.exists()


def test_a_long_path_moves_the_socket_alone_and_a_reset_finds_it(tmp_path: Path) -> None:
    home = tmp_path / ("h" * 110)
    with postgres.server(home) as place:
        assert ask(place, "SELECT 1") == 1
        assert len(os.fsencode(place.sockets / ".s.PGSQL.5432")) <= 100
        assert stat.S_IMODE(place.sockets.stat().st_mode) == 0o700
    postgres.remove(home)
    assert not place.sockets.exists()
    assert not place.base.exists()


def test_a_reset_waits_for_nobody_and_leaves_nothing(home: Path) -> None:
    with postgres.server(home) as place:
        ask(place, "CREATE TABLE old ()")
        with pytest.raises(NotReady) as caught:
            postgres.remove(home)
        assert caught.value.code == "DATABASE_IN_USE"
    postgres.remove(home)
    assert not place.base.exists()
    assert not place.where.exists()
    with postgres.server(home):
        assert ask(place, "SELECT to_regclass('old')") is None


def test_a_folder_that_others_may_enter_is_refused(home: Path) -> None:
    place = postgres_files.place_of(home)
    place.base.mkdir(mode=0o755)
    with pytest.raises(NotReady) as caught, postgres.server(home):
        pass
    assert caught.value.code == "DATABASE_FOLDER_FOREIGN"
    place.base.rmdir()


def test_a_link_in_the_place_of_a_folder_is_refused(home: Path, tmp_path: Path) -> None:
    place = postgres_files.place_of(home)
    place.base.symlink_to(tmp_path)
    with pytest.raises(NotReady) as caught, postgres.server(home):
        pass
    assert caught.value.code == "DATABASE_FOLDER_FOREIGN"
    place.base.unlink()


def test_a_home_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(NotReady) as caught, postgres.server(tmp_path / "file" / "home"):
        pass
    assert caught.value.code == "HOME_NOT_WRITABLE"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root's server lives outside its home")
def test_books_left_by_a_deleted_clone_are_not_taken_for_this_ones(home: Path) -> None:
    with postgres.server(home) as place:
        ask(place, "CREATE TABLE of_the_deleted_clone ()")
    place.where.unlink()
    with postgres.server(home):
        assert ask(place, "SELECT to_regclass('of_the_deleted_clone')") is None


def test_a_cluster_of_another_version_is_not_touched(home: Path) -> None:
    with postgres.server(home) as place:
        pass
    (place.cluster / "PG_VERSION").write_text("14\n")
    with pytest.raises(NotReady) as caught, postgres.server(home):
        pass
    assert caught.value.code == "DATABASE_FOLDER_OLD"


def test_a_server_that_cannot_start_says_why(home: Path) -> None:
    impossible = {"shared_buffers": "none"}
    with pytest.raises(NotReady) as caught, postgres.server(home, options=impossible):
        pass
    assert caught.value.code == "DATABASE_NOT_STARTED"
    assert "shared_buffers" in caught.value.detail


def test_variables_meant_for_other_servers_do_not_mislead(used_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGDATA"):
        monkeypatch.setenv(name, "1")
    with postgres.server(used_home, options={"work_mem": "9MB"}, extra_logins=["auditor"]) as place:
        assert ask(place, "SHOW work_mem") == "9MB"
        ask(place, "CREATE ROLE auditor LOGIN")
        ask(place, "GRANT CONNECT ON DATABASE custody TO auditor")
        assert ask(place, "SELECT current_user", login="auditor") == "auditor"
        ask(place, "DROP OWNED BY auditor; DROP ROLE auditor")


@pytest.mark.skipif(not OTHER_POSTGRES, reason="the system has no PostgreSQL of its own")
def test_another_postgresql_is_driven_the_same_way(home: Path) -> None:
    with postgres.server(home, programs=OTHER_POSTGRES[0]) as place:
        assert ask(place, "SHOW server_version").split(".")[0] == OTHER_POSTGRES[0].parent.name
        assert ask(place, "SHOW data_checksums") == "on"
        assert ask(place, "SELECT current_user", login="custody_app") == "custody_app"
    assert gone(place)


def settings(home: Path) -> Settings:
    return replace(read_settings(), home=home, database_url=None, owner_url=None)


def test_a_given_database_is_used_and_nothing_is_started(tmp_path: Path) -> None:
    given = replace(settings(tmp_path / "home"), database_url="postgresql+psycopg://app@there/books")
    with postgres.database(given) as urls:
        assert urls == postgres.Urls("postgresql+psycopg://app@there/books", None)
    assert not (tmp_path / "home").exists()


def test_an_owner_without_an_application_is_a_mistake(tmp_path: Path) -> None:
    half = replace(settings(tmp_path), owner_url="postgresql+psycopg://owner@there/books")
    with pytest.raises(NotReady) as caught, postgres.database(half):
        pass
    assert caught.value.code == "DATABASE_URL_MISSING"


def test_books_that_were_never_migrated_are_not_opened(used_home: Path) -> None:
    with pytest.raises(NotReady) as caught, postgres.open_books(settings(used_home)):
        pass
    assert caught.value.code == "MIGRATIONS_PENDING"
