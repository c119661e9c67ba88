"""`custody doctor`: what it finds, what it says to do, and how it exits."""

import json
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ledger.cli.doctor import Check, check_login, check_roles, check_surroundings
from ledger.settings import read_settings
from tests.conftest import ROLES, Database, run_custody


def custody_doctor(environment: dict[str, str]) -> tuple[int, dict[str, Any]]:
    done = run_custody(environment, "doctor", "--json")
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def failed(report: dict[str, Any]) -> dict[str, str]:
    """The checks that failed, with what was found."""
    return {check["check"]: check["found"] for check in report["checks"] if not check["ok"]}


def test_a_migrated_database_and_its_application_login_are_well(fresh_database: Database, tmp_path: Path) -> None:
    code, report = custody_doctor({"DATABASE_URL": fresh_database.urls.app, "CUSTODY_HOME": str(tmp_path)})
    assert (code, failed(report), report["ok"]) == (0, {}, True)
    looked_at = {check["check"] for check in report["checks"]}
    assert {"python", "postgresql", "durability", "migrations", "login_writes", "login_owns"} <= looked_at


def test_the_owners_login_in_the_applications_place_is_named(fresh_database: Database, tmp_path: Path) -> None:
    owner = fresh_database.urls.owner or ""
    code, report = custody_doctor({"DATABASE_URL": owner, "CUSTODY_HOME": str(tmp_path)})
    assert code == 1
    assert "superuser" in failed(report)["login_powers"]
    assert "login_writes" in failed(report)
    assert all("LOGIN_TOO_STRONG" in check["fix"] for check in report["checks"] if not check["ok"])


def test_no_database_is_exit_4_and_the_rest_is_still_told(tmp_path: Path) -> None:
    nowhere = "postgresql+psycopg://me@/books?host=/nowhere"
    code, report = custody_doctor({"DATABASE_URL": nowhere, "CUSTODY_HOME": str(tmp_path)})
    assert code == 4
    assert list(failed(report)) == ["database"]
    assert report["checks"][0]["check"] == "python"


@pytest.mark.parametrize(
    ("mistake", "check", "found"),
    [
        ("CREATE TABLE ledger.t (a int); GRANT INSERT ON ledger.t TO {app}", "login_writes", "INSERT t"),
        ("CREATE TABLE ledger.t (a int); GRANT UPDATE (a) ON ledger.t TO {app}", "login_writes", "UPDATE t"),
        ("CREATE TABLE ledger.t (a int); GRANT DELETE ON ledger.t TO PUBLIC", "login_writes", "DELETE t"),
        ("CREATE TABLE ledger.t (a int); GRANT TRUNCATE ON ledger.t TO {app}", "login_writes", "TRUNCATE t"),
        ("GRANT CREATE ON SCHEMA ledger TO {app}", "login_creates", "CREATE in ledger"),
        ("GRANT {ledger} TO {app}", "login_member_of", ROLES.ledger),
        ("ALTER ROLE {app} CREATEDB", "login_powers", "createdb"),
        (
            "CREATE FUNCTION ledger._hidden() RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "login_calls_private",
            "_hidden",
        ),
    ],
)
def test_every_right_too_many_is_found(fresh_database: Database, mistake: str, check: str, found: str) -> None:
    """The mistake is made and looked at in one transaction, which is then rolled back."""
    with fresh_database.owner.connect() as conn:
        conn.execute(text(mistake.format(app=ROLES.app, ledger=ROLES.ledger)))
        conn.execute(text(f"SET LOCAL ROLE {ROLES.app}"))
        checks = {check.name: check for check in check_login(conn)}
        conn.rollback()
    assert not checks[check].ok
    assert found in checks[check].found


def test_a_table_of_the_applications_own_is_found(fresh_database: Database) -> None:
    with fresh_database.owner.connect() as conn:
        conn.execute(text(f"CREATE TABLE public.mine (); ALTER TABLE public.mine OWNER TO {ROLES.app}"))
        conn.execute(text(f"SET LOCAL ROLE {ROLES.app}"))
        owned = next(check for check in check_login(conn) if check.name == "login_owns")
        conn.rollback()
    assert not owned.ok
    assert owned.found.startswith("pg_class ")


def test_an_unmigrated_database_is_told_from_a_migrated_one(fresh_database: Database, tmp_path: Path) -> None:
    with fresh_database.owner.begin() as conn:
        conn.execute(text("UPDATE ledger.alembic_version SET version_num = '0000'"))
    code, report = custody_doctor({"DATABASE_URL": fresh_database.urls.app, "CUSTODY_HOME": str(tmp_path)})
    assert (code, failed(report)) == (1, {"migrations": "0000"})


def surroundings(key_file: Path, year: int, calendar: Path) -> dict[str, Check]:
    settings = replace(read_settings(), key_file=key_file)
    return {check.name: check for check in check_surroundings(settings, year, calendar)}


def test_a_key_file_is_for_its_owner_alone(tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert "key_file" not in surroundings(key, 2026, tmp_path / "none.csv")
    key.touch(mode=0o600)
    assert surroundings(key, 2026, tmp_path / "none.csv")["key_file"].ok
    key.chmod(0o640)
    found = surroundings(key, 2026, tmp_path / "none.csv")["key_file"]
    assert (found.ok, found.found, found.code) == (False, "mode 0640", "KEY_FILE_OPEN")


def test_a_calendar_without_this_year_is_told(tmp_path: Path) -> None:
    calendar = tmp_path / "calendar.csv"
    calendar.write_text("date,kind\n2026-01-01,off\n2026-01-04,work\n", encoding="utf-8")
    assert surroundings(tmp_path / "key", 2026, calendar)["calendar"].found == "2 days of 2026"
    assert not surroundings(tmp_path / "key", 2027, calendar)["calendar"].ok


@pytest.mark.parametrize(
    ("mistake", "check", "found"),
    [
        ("GRANT UPDATE ON ledger.balance TO {sealer}", "sealer_writes", "UPDATE balance"),
        ("GRANT EXECUTE ON FUNCTION ledger.post TO {sealer}", "sealer_calls", "post"),
        ("GRANT {ledger} TO {reader}", "reader_member_of", ROLES.ledger),
        ("GRANT EXECUTE ON FUNCTION ledger.seal TO {reader}", "reader_calls", "seal"),
        ("GRANT EXECUTE ON FUNCTION ledger._apply TO PUBLIC", "backup_calls_private", "_apply"),
        ("GRANT INSERT ON ledger.transfer TO {backup}", "backup_writes", "INSERT transfer"),
        ("ALTER ROLE {backup} BYPASSRLS", "backup_powers", "bypassrls"),
        ("ALTER FUNCTION ledger.post RESET search_path", "definer_paths", "post"),
        ("ALTER TABLE ledger.transfer DISABLE TRIGGER append_only", "triggers_off", "transfer append_only"),
        ("ALTER TABLE ledger.transfer ENABLE TRIGGER append_only", "triggers_off", "transfer append_only"),
        ("DROP TRIGGER append_only ON ledger.block", "tables_open", "block"),
    ],
)
def test_a_right_too_many_of_any_role_is_found(fresh_database: Database, mistake: str, check: str, found: str) -> None:
    with fresh_database.owner.connect() as conn:
        assert not [one for one in check_roles(conn, ROLES) if not one.ok]
        conn.execute(text(mistake.format(**asdict(ROLES))))
        checks = {one.name: one for one in check_roles(conn, ROLES)}
        conn.rollback()
    assert not checks[check].ok
    assert found in checks[check].found.split(", ")
