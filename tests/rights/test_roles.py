"""Each login does its own work with its own rights, and nothing else."""

import json
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from ledger.books.engine import open_engine
from ledger.reports import trial_balance
from ledger.rules import posting
from tests.conftest import ROLES, Cluster, Database, run_custody
from tests.world import CUSTODY, World, make_world

READS = (
    "SELECT count(*) FROM ledger.journal_entry",
    "SELECT * FROM ledger.balances(1001)",
    "SELECT code, name FROM ledger.institution",
)
FORBIDDEN = {
    "sealer": (
        "SELECT * FROM ledger.journal_entry",
        "SELECT * FROM ledger.student",
        "SELECT * FROM ledger.balances(1001)",
        "INSERT INTO ledger.checkpoint SELECT * FROM ledger.checkpoint",
        "SELECT ledger.close_day(1001, 1::smallint, '2026-03-02', now(), 'x')",
    ),
    "reader": (
        "SELECT name_sealed FROM ledger.student",
        "SELECT payee_account_sealed FROM ledger.institution",
        "SELECT * FROM ledger.guardian",
        "SELECT ledger.seal(1001, now())",
        "DELETE FROM ledger.inbox",
    ),
    "backup": (
        "SELECT ledger.seal(1001, now())",
        "SELECT * FROM ledger.balances(1001)",
        "UPDATE ledger.hold SET amount_fen = 1",
    ),
}


@pytest.fixture
def world(fresh_database: Database) -> World:
    world = make_world(fresh_database.app)
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 5))
    return world


def engine_of(cluster: Cluster, database: Database, role: str) -> Engine:
    return open_engine(cluster.url(getattr(ROLES, role), database.name))


@pytest.mark.parametrize("role", FORBIDDEN)
def test_what_is_not_its_work_is_refused(cluster: Cluster, fresh_database: Database, world: World, role: str) -> None:
    assert world.number == 1001
    engine = engine_of(cluster, fresh_database, role)
    for statement in FORBIDDEN[role]:
        with engine.connect() as conn, pytest.raises(ProgrammingError, match="permission denied"):
            conn.execute(text(statement))
    engine.dispose()


def test_the_reader_reads_every_figure(cluster: Cluster, fresh_database: Database, world: World) -> None:
    engine = engine_of(cluster, fresh_database, "reader")
    with engine.connect() as conn:
        for statement in READS:
            assert conn.execute(text(statement)).all()
        assert trial_balance.trial_balance(conn)
    engine.dispose()
    assert world.number == 1001


def test_the_sealer_seals_and_signs_with_its_own_login(
    cluster: Cluster, fresh_database: Database, world: World, tmp_path: Path
) -> None:
    assert world.number == 1001
    here = {
        "DATABASE_URL": cluster.url(ROLES.sealer, fresh_database.name),
        "CUSTODY_ANCHOR_FILE": str(tmp_path / "anchors"),
        "CUSTODY_SIGNING_KEY_FILE": str(tmp_path / "key"),
    }
    done = run_custody(here, "seal", "--json")
    assert (done.returncode, done.stderr) == (0, "")
    assert json.loads(done.stdout) == {"institutions": [{"institution": "JG1001", "block": 1}], "signed": 1}
    assert run_custody({**here, "DATABASE_URL": fresh_database.urls.app}, "verify").returncode == 0


def test_the_backup_login_dumps_every_table(cluster: Cluster, fresh_database: Database, world: World) -> None:
    assert world.number == 1001
    engine = engine_of(cluster, fresh_database, "backup")
    with engine.connect() as conn:
        names = conn.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'ledger'")).scalars().all()
        assert len(names) > 30
        for name in names:
            conn.execute(text(f'SELECT * FROM ledger."{name}" LIMIT 1'))
    engine.dispose()


def test_the_books_own_functions_are_nobodys_to_call(fresh_database: Database) -> None:
    with fresh_database.owner.connect() as conn:
        own = conn.execute(
            text("""SELECT p.proname, r.rolname FROM pg_proc p CROSS JOIN pg_roles r
                    WHERE p.pronamespace = 'ledger'::regnamespace AND starts_with(p.proname, '_')
                      AND p.prorettype <> 'trigger'::regtype AND r.rolname = ANY (:roles)
                      AND has_function_privilege(r.oid, p.oid, 'EXECUTE')"""),
            {"roles": [ROLES.app, ROLES.sealer, ROLES.reader, ROLES.backup]},
        ).all()
        assert conn.scalar(text("SELECT count(*) FROM pg_proc WHERE proname IN ('_match_left', '_lock_matching')")) == 2
    assert own == []


def test_every_public_function_stands_in_the_rights(fresh_database: Database) -> None:
    """A function nobody may call would be dead, one that is not named here might be open to all."""
    with fresh_database.owner.connect() as conn:
        names = conn.execute(
            text("""SELECT proname FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace
                    AND NOT starts_with(proname, '_')""")
        ).scalars()
        rights = (Path(__file__).parents[2] / "migrations" / "rights.sql").read_text(encoding="utf-8")
        assert [name for name in names if f"ledger.{name}" not in rights] == []
