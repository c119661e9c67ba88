"""``custody serve`` as a process: it answers, survives its workers, and ends in order."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ledger.cli import postgres_files
from ledger.cli.postgres import postmaster
from ledger.settings import CLONE
from tests.conftest import Database, run_custody

START_SECONDS = 60


@contextmanager
def served(environment: dict[str, str], *options: str) -> Iterator[tuple["subprocess.Popen[str]", str]]:
    """The server as a process, and where it answers; it is killed if the test leaves it running."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from ledger.cli import main; main()", "serve", "--port", str(port), *options]
    server = subprocess.Popen(
        command, env={**os.environ, **environment}, cwd=CLONE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        yield server, f"http://127.0.0.1:{port}"
    finally:
        if server.poll() is None:
            server.kill()
        server.communicate()


def asked(url: str) -> tuple[int, str]:
    """Status and page, as soon as the server answers."""
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as fault:
            return fault.code, fault.read().decode()
        except (urllib.error.URLError, ConnectionError):
            assert time.monotonic() < until, "the server never answered"
            time.sleep(0.1)


def workers(server: "subprocess.Popen[str]") -> list[int]:
    children = Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text(encoding="ascii")
    return [int(pid) for pid in children.split()]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_serves_until_it_is_told_to_stop(module_database: Database, number: signal.Signals, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": module_database.urls.app, "CUSTODY_HOME": str(tmp_path)}
    with served(environment, "--json") as (server, address):
        status, page = asked(f"{address}/?lang=en")
        assert (status, "LOGIN_LATER" in page) == (404, True)
        server.send_signal(number)
        out, err = server.communicate(timeout=30)
    assert server.returncode == 0, err
    assert json.loads(out) == {"url": address, "demo": False}
    assert "Traceback" not in err


def test_with_a_way_to_send_codes_the_parents_pages_are_open(module_database: Database, tmp_path: Path) -> None:
    environment = {
        "DATABASE_URL": module_database.urls.app,
        "CUSTODY_HOME": str(tmp_path),
        "CUSTODY_OUTGOING": str(tmp_path),
    }
    with served(environment, "--json", "--proxies", "1") as (_server, address):
        status, page = asked(f"{address}/?lang=en")
        assert (status, "Log in with your phone" in page, 'class="demo"' in page) == (200, True, False)
        assert asked(f"{address}/demo/login")[0] == 404


def test_an_address_that_is_taken_is_named(module_database: Database, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": module_database.urls.app, "CUSTODY_HOME": str(tmp_path)}
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ended = run_custody(environment, "serve", "--port", port)
    assert ended.returncode == 4
    assert "ADDRESS_TAKEN" in ended.stderr
    assert ended.stdout == ""


def test_the_demo_takes_no_other_database(module_database: Database) -> None:
    ended = run_custody({"DATABASE_URL": module_database.urls.app}, "serve", "--demo")
    assert ended.returncode == 4
    assert "DEMO_REFUSES_DATABASE" in ended.stderr


def test_an_empty_database_is_named(cluster: object) -> None:
    """The private server of the tests has a database that was never migrated."""
    assert cluster
    ended = run_custody({}, "serve")
    assert ended.returncode == 4
    assert "MIGRATIONS_PENDING" in ended.stderr


def test_a_worker_that_ends_leaves_the_database_running(tmp_path: Path) -> None:
    """The embedded server is the master's: a worker may come and go, and the last stop ends everything."""
    home = {"CUSTODY_HOME": str(tmp_path)}
    made = run_custody(home, "migrate", "--roles")
    assert made.returncode == 0, made.stderr
    place = postgres_files.place_of(tmp_path)
    with served(home, "--demo") as (server, address):
        assert asked(f"{address}/")[0] == 200
        running = postmaster(place)
        assert running is not None
        before = workers(server)
        os.kill(before[0], signal.SIGTERM)
        until = time.monotonic() + START_SECONDS
        while before[0] in workers(server) or len(workers(server)) < len(before):
            assert time.monotonic() < until, "no new worker came"
            time.sleep(0.1)
        assert postmaster(place) == running
        assert asked(f"{address}/?lang=en")[0] == 200
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=60)
    assert server.returncode == 0, err
    assert postmaster(place) is None
