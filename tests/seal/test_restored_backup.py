"""A backup that is put back is sound in itself; at the next start it is refused by what lies outside of it."""

import json
import os
import subprocess
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import DBAPIError

from ledger.books import role
from ledger.cli import postgres_files, signing
from ledger.flows import seal
from ledger.rules import posting
from tests.conftest import HOME, ROLES, Cluster, Database, run_custody
from tests.seal.test_signing import settings_of
from tests.world import CUSTODY, NOW, World, make_world

Copied = Callable[[], AbstractContextManager[Database]]


def surroundings(database: Database, tmp_path: Path) -> dict[str, str]:
    return {
        **database.environment,
        "CUSTODY_ANCHOR_FILE": str(tmp_path / "anchors.jsonl"),
        "CUSTODY_SIGNING_KEY_FILE": str(tmp_path / "signing-key"),
    }


def program(name: str) -> Path:
    """PostgreSQL's own program of this run's server; skipped where only its address was given."""
    other = os.environ.get("CUSTODY_TEST_PROGRAMS")
    path = postgres_files.place_of(HOME, Path(other) if other else None).programs / name
    if os.environ.get("CUSTODY_TEST_OWNER_URL") or not path.exists():
        pytest.skip(f"{name} of the server's version is not at hand")
    return path


def address(database: Database) -> str:
    return make_url(database.urls.owner or "").set(drivername="postgresql").render_as_string(hide_password=False)


def dump(database: Database, tmp_path: Path) -> None:
    subprocess.run([str(program("pg_dump")), "-Fc", "-f", str(tmp_path / "dump"), address(database)], check=True)


def restore(database: Database, cluster: Cluster, tmp_path: Path) -> None:
    """Into a new database of the same name: what an operator does when the old one is lost."""
    database.app.dispose()
    database.owner.dispose()
    with cluster.session() as conn:
        conn.execute(text(f"DROP DATABASE {database.name} WITH (FORCE)"))
        conn.execute(text(f"CREATE DATABASE {database.name} TEMPLATE template0 ENCODING 'UTF8'"))
        role.open_database(conn, database.name, ROLES)
    command = [str(program("pg_restore")), "--exit-on-error", "-d", address(database), str(tmp_path / "dump")]
    subprocess.run(command, check=True)


def copy(database: Database, cluster: Cluster) -> None:
    """A copy of the data files, as a file system's snapshot would be."""
    database.app.dispose()
    database.owner.dispose()
    with cluster.session() as conn:
        conn.execute(text(f"CREATE DATABASE {database.name}_backup TEMPLATE {database.name}"))


def put_back(database: Database, cluster: Cluster) -> None:
    database.app.dispose()
    database.owner.dispose()
    with cluster.session() as conn:
        conn.execute(text(f"DROP DATABASE {database.name} WITH (FORCE)"))
        conn.execute(text(f"ALTER DATABASE {database.name}_backup RENAME TO {database.name}"))


def goes_on(world: World, database: Database, tmp_path: Path) -> None:
    """Another entry, sealed, signed and anchored."""
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 2))
    with database.app.begin() as conn:
        seal.seal(conn, world.number, NOW + timedelta(days=365))
        private = bytes.fromhex((tmp_path / "signing-key").read_text().strip())
        seal.sign(conn, private, NOW + timedelta(days=365), at_close=True)
    with database.app.connect() as conn:
        assert signing.anchor(conn, settings_of(tmp_path)) == 1


@pytest.mark.parametrize("way", ["dump", "copy"])
def test_an_older_backup_passes_every_inside_check_and_is_refused_at_start_by_its_anchor(
    copied_database: Copied, tmp_path: Path, cluster: Cluster, way: str
) -> None:
    with copied_database() as database:
        world = make_world(database.app)
        world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
        here = surroundings(database, tmp_path)
        assert run_custody(here, "seal").returncode == 0
        dump(database, tmp_path) if way == "dump" else copy(database, cluster)
        try:
            goes_on(world, database, tmp_path)
            assert run_custody(here, "verify").returncode == 0
            restore(database, cluster, tmp_path) if way == "dump" else put_back(database, cluster)
            alone = {**here, "CUSTODY_ANCHOR_FILE": str(tmp_path / "none.jsonl")}
            assert run_custody(alone, "verify").returncode == 0  # every inside check passes
            for command in (["seal"], ["due", "--until", "2026-03-03"]):
                refused = run_custody(here, *command)
                assert refused.returncode == 4, command
                assert "JG1001 block 2" in refused.stderr
                assert "DATABASE_BEHIND_ANCHOR" in refused.stderr
            found = run_custody(here, "verify", "--json")
            assert found.returncode == 1
            assert json.loads(found.stdout)["first_fault"]["kind"] == "anchor_block_missing"
        finally:
            with cluster.session() as conn:
                conn.execute(text(f"DROP DATABASE IF EXISTS {database.name}_backup WITH (FORCE)"))


def test_the_newest_backup_is_welcome_and_as_guarded_as_before(
    copied_database: Copied, tmp_path: Path, cluster: Cluster
) -> None:
    with copied_database() as database:
        world = make_world(database.app)
        world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
        here = surroundings(database, tmp_path)
        assert run_custody(here, "seal").returncode == 0
        goes_on(world, database, tmp_path)
        balances = world.balances()
        dump(database, tmp_path)
        restore(database, cluster, tmp_path)
        assert run_custody(here, "verify").returncode == 0
        assert run_custody(here, "seal").returncode == 0
        assert world.balances() == balances
        world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 3))
        assert world.broken() == []
        for table in ("transfer", "journal_entry", "block"):
            with database.owner.connect() as conn, pytest.raises(DBAPIError, match="APPEND_ONLY"):
                conn.execute(text(f"DELETE FROM ledger.{table}"))
