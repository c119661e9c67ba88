"""The demo as a newcomer runs it: one command, a sound world, nothing doubled by a second run or a kill."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

COMMAND = [sys.executable, "-c", "from ledger.cli import main; main()", "demo", "--once", "--json", "--scale", "0.05"]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def environment(home: Path) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "CUSTODY_OWNER_URL")}
    return {**kept, "CUSTODY_HOME": str(home)}


def run(home: Path) -> dict[str, Any]:
    done = subprocess.run(COMMAND, env=environment(home), capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_a_run_that_is_killed_goes_on_and_a_second_run_doubles_nothing(home: Path) -> None:
    cut_off = subprocess.Popen(COMMAND, env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    progress = home / "world" / "progress.json"
    until = time.monotonic() + 120
    while time.monotonic() < until and not (progress.exists() and json.loads(progress.read_text())["done"] >= 3):
        time.sleep(0.05)
    assert cut_off.poll() is None, "the run ended before it could be killed"
    time.sleep(0.7)  # into the next bank day
    cut_off.send_signal(signal.SIGKILL)
    cut_off.wait()

    first = run(home)
    assert first["sound"]
    assert first["debit_fen"] == first["credit_fen"] > 0
    assert len({line["institution"] for line in first["accounts"]}) == 40
    assert all(line["bank_fen"] == line["ledger_fen"] for line in first["accounts"])
    assert [promise["name"] for promise in first["promises"] if promise["violations"]] == []
    assert first["refunds"]["paid"] >= 1
    assert first["refunds"]["returned"] == 1
    assert first["payments"]["reserve booked"] >= 1
    assert first["findings"]["PRICE_ABOVE_CAP"] == 1

    second = run(home)
    assert second == first
    statements = list((home / "world" / "statements").glob("*.xml"))
    assert len(statements) == len(set(statements)) == 42 * 6


def test_the_demo_keeps_off_any_other_database(home: Path) -> None:
    env = {**environment(home), "DATABASE_URL": "postgresql+psycopg://nobody@localhost:1/none"}
    done = subprocess.run(COMMAND, env=env, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 4
    assert "DEMO_REFUSES_DATABASE" in done.stderr


def test_a_world_of_another_size_is_not_mixed_in(home: Path) -> None:
    done = subprocess.run(
        [*COMMAND[:-1], "0.06"], env=environment(home), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 2
    assert "DEMO_OTHER_SCALE" in done.stderr
