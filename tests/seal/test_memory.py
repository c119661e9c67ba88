"""Verifying needs no more memory for ten times the books."""

import os
import subprocess
import sys
from datetime import timedelta

import pytest

from ledger.books import journal
from ledger.rules import posting
from ledger.settings import CLONE
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry
from tests.conftest import Database
from tests.world import CUSTODY, DAY, World, make_world

SMALL, LARGE = 3_000, 30_000


def post(world: World, count: int) -> None:
    """So many deposits, in sets of 1,000, a block each."""
    for _ in range(count // 1_000):
        world.clock += timedelta(seconds=1)
        ids = new_ids(world.clock, 2_000)
        pairs = list(zip(ids[::2], ids[1::2], strict=True))
        entries = [
            Entry(entry, str(entry), (), posting.deposit_to_suspense(CUSTODY, item, 1), DAY, "test")
            for entry, item in pairs
        ]
        with world.engine.begin() as conn:
            assert all(outcome.accepted for outcome in journal.post(conn, world.number, entries, world.clock))
        world.seal()


def peak_kilobytes(database: Database) -> int:
    """The most memory a process of its own has while it verifies."""
    command = [sys.executable, "-c", "from ledger.cli import main; main()", "verify", "--json"]
    child = subprocess.Popen(command, env={**os.environ, **database.environment}, cwd=CLONE, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0
    return used.ru_maxrss


@pytest.mark.full
def test_ten_times_the_books_take_no_more_memory(fresh_database: Database) -> None:
    world = make_world(fresh_database.app)
    post(world, SMALL)
    small = peak_kilobytes(fresh_database)
    post(world, LARGE - SMALL)
    large = peak_kilobytes(fresh_database)
    assert large - small < 8_000, (small, large)
