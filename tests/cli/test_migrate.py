"""`custody migrate`: roles, rights and versions, on a database of its own."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Connection, create_engine, make_url, text

from ledger.books import role
from ledger.cli.migrate import MIGRATIONS, functions_are_current, newest_version, upgrade
from ledger.settings import NotReady
from tests.conftest import Cluster, Database, run_custody

VERSION = '''"""A version for these tests."""
from migrations.sql import run_sql

revision = "{revision}"
down_revision = {down}


def upgrade() -> None:
    run_sql(__file__)
'''
SHELF = """
CREATE TABLE ledger.shelf (id int PRIMARY KEY, label text CHECK (label LIKE 'a%b:c'));
CREATE FUNCTION ledger.put(n int) RETURNS text LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    INSERT INTO shelf VALUES (n, 'a%b:c');
    RETURN format('%s of %I', n, 'shelf');
END $$;
CREATE FUNCTION ledger._secret() RETURNS int LANGUAGE sql AS 'SELECT 1';
"""
RIGHTS = """
REVOKE ALL ON ALL ROUTINES IN SCHEMA ledger FROM PUBLIC;
GRANT USAGE ON SCHEMA ledger TO {app};
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO {app};
DO $$ BEGIN
    IF to_regprocedure('ledger.put(int)') IS NOT NULL THEN GRANT EXECUTE ON FUNCTION ledger.put(int) TO {app}; END IF;
END $$;
"""
FUNCTIONS = """SELECT pg_get_function_arguments(oid), prosrc FROM pg_proc
               WHERE pronamespace = 'ledger'::regnamespace AND proname = 'put'"""


@pytest.fixture
def empty_database(cluster: Cluster, template: str) -> Iterator[str]:
    """The owner's address of a database that nobody has migrated; its roles exist."""
    name = f"{template}_empty"
    with cluster.session() as conn:
        conn.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
        yield cluster.urls(name).owner or ""
        conn.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        for made in (*role.roles_of(name).logins, f"{name}_ledger"):
            conn.execute(text(f"DROP ROLE IF EXISTS {made}"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A migrations folder with one version of our own."""
    (tmp_path / "versions").mkdir()
    shutil.copy(MIGRATIONS / "env.py", tmp_path)
    (tmp_path / "rights.sql").write_text(RIGHTS)
    add_version(tmp_path, "0001", SHELF)
    return tmp_path


def add_version(folder: Path, revision: str, sql: str, after: str | None = None) -> None:
    (folder / "versions" / f"{revision}.py").write_text(VERSION.format(revision=revision, down=repr(after)))
    (folder / "versions" / f"{revision}.sql").write_text(sql)


def test_roles_are_asked_for_before_the_first_migration(empty_database: str, folder: Path) -> None:
    with pytest.raises(NotReady) as caught:
        upgrade(empty_database, folder=folder)
    assert caught.value.code == "ROLES_MISSING"


def test_a_version_runs_its_sql_file_once(empty_database: str, folder: Path) -> None:
    first = upgrade(empty_database, make_roles=True, folder=folder)
    again = upgrade(empty_database, make_roles=True, folder=folder)
    assert (first.before, first.after) == ("", "0001")
    assert (again.before, again.after) == ("0001", "0001")
    assert newest_version(folder) == "0001"


def test_the_ledger_role_owns_everything_and_the_application_only_asks(empty_database: str, folder: Path) -> None:
    upgrade(empty_database, make_roles=True, folder=folder)
    name = make_url(empty_database).database or ""
    roles = role.roles_of(name)
    engine = create_engine(empty_database)
    with engine.begin() as conn:
        owners = conn.scalars(
            text(
                "SELECT DISTINCT pg_get_userbyid(relowner) FROM pg_class WHERE relnamespace = 'ledger'::regnamespace"
                " UNION SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE pronamespace = 'ledger'::regnamespace"
                " UNION SELECT pg_get_userbyid(nspowner) FROM pg_namespace WHERE nspname = 'ledger'"
            )
        ).all()
        assert owners == [roles.ledger]
        conn.execute(text(f"SET ROLE {roles.app}"))
        assert conn.scalar(text("SELECT ledger.put(7)")) == "7 of shelf"
        assert conn.scalars(text("SELECT label FROM ledger.shelf")).all() == ["a%b:c"]
        assert refused(conn, "INSERT INTO ledger.shelf VALUES (8)")
        assert refused(conn, "UPDATE ledger.shelf SET id = 9")
        assert refused(conn, "DELETE FROM ledger.shelf")
        assert refused(conn, "TRUNCATE ledger.shelf")
        assert refused(conn, "SELECT ledger._secret()")
        assert refused(conn, "CREATE TABLE ledger.mine ()")
        assert refused(conn, "CREATE TEMPORARY TABLE mine ()")
        assert refused(conn, "UPDATE ledger.alembic_version SET version_num = '9'")
    engine.dispose()


def refused(conn: Connection, statement: str) -> bool:
    """Whether the server says that the role may not do this; any other error is raised."""
    try:
        with conn.begin_nested():
            conn.execute(text(statement))
    except Exception as fault:
        if isinstance(getattr(fault, "orig", None), psycopg.errors.InsufficientPrivilege):
            return True
        raise
    return False


def test_a_later_version_gets_its_rights_too(empty_database: str, folder: Path) -> None:
    upgrade(empty_database, make_roles=True, folder=folder)
    add_version(folder, "0002", "CREATE VIEW ledger.labels AS SELECT label FROM ledger.shelf;", after="0001")
    assert upgrade(empty_database, folder=folder).after == "0002"
    engine = create_engine(empty_database)
    with engine.begin() as conn:
        conn.execute(text(f"SET ROLE {role.roles_of(engine.url.database or '').app}"))
        assert conn.execute(text("SELECT * FROM ledger.labels")).all() == []
    engine.dispose()


def test_a_broken_version_names_its_line_and_leaves_nothing(empty_database: str, folder: Path) -> None:
    add_version(folder, "0002", "CREATE TABLE ledger.fine ();\n\nCREATE TABEL ledger.wrong ();\n", after="0001")
    with pytest.raises(psycopg.errors.SyntaxError) as caught:
        upgrade(empty_database, make_roles=True, folder=folder)
    assert caught.value.__notes__ == ["in 0002.sql, line 3"]
    engine = create_engine(empty_database)
    with engine.connect() as conn:
        assert conn.scalar(text("SELECT to_regnamespace('ledger')")) is None
    engine.dispose()


def test_our_own_versions_reach_the_newest(fresh_database: Database) -> None:
    with fresh_database.owner.connect() as conn:
        found = conn.scalar(text("SELECT version_num FROM ledger.alembic_version"))
    assert found == newest_version()
    assert found


def test_the_command_says_what_it_did(empty_database: str) -> None:
    name = make_url(empty_database).database or ""
    both = {"DATABASE_URL": empty_database, "CUSTODY_OWNER_URL": empty_database}
    first = run_custody(both, "migrate", "--roles", "--json")
    assert first.returncode == 0, first.stderr
    assert json.loads(first.stdout) == {"database": name, "from": "", "to": newest_version(), "roles": True}
    again = run_custody(both, "migrate")
    assert (again.returncode, again.stdout) == (0, f"{name}: already at {newest_version()}\n")


def test_the_command_says_which_address_is_missing(cluster: Cluster) -> None:
    address = cluster.urls("postgres").app
    no_owner = run_custody({"DATABASE_URL": address}, "migrate")
    assert no_owner.returncode == 4
    assert "OWNER_URL_MISSING" in no_owner.stderr
    owner_alone = run_custody({"CUSTODY_OWNER_URL": address}, "migrate")
    assert owner_alone.returncode == 4
    assert "DATABASE_URL_MISSING" in owner_alone.stderr


def test_functions_are_those_of_the_clone_after_every_run(empty_database: str, folder: Path) -> None:
    (folder / "functions").mkdir()
    one = folder / "functions" / "01_shelf.sql"
    upgrade(empty_database, make_roles=True, folder=folder)
    engine = create_engine(empty_database)
    answers, types = [], []
    for sql in (
        "CREATE TYPE ledger._pair AS (a int, b int);"
        "CREATE FUNCTION ledger.put(p ledger._pair) RETURNS text LANGUAGE sql AS $$ SELECT '100 % :old' $$;",
        "CREATE FUNCTION ledger.put(n int) RETURNS text LANGUAGE sql AS $$ SELECT '100 % :new' $$;",
    ):
        one.write_text(sql)
        with engine.begin() as conn:
            assert not functions_are_current(conn, folder)
        upgrade(empty_database, folder=folder)
        with engine.begin() as conn:
            assert functions_are_current(conn, folder)
            answers.append(conn.execute(text(FUNCTIONS)).all())
            types.append(conn.scalar(text("SELECT to_regtype('ledger._pair')::text")))
    assert answers == [[("p ledger._pair", " SELECT '100 % :old' ")], [("n integer", " SELECT '100 % :new' ")]]
    assert types == ["ledger._pair", None]
    engine.dispose()
