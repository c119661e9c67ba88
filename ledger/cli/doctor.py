"""`custody doctor`: is everything as the books need it, and if not, what is to be done."""

import csv
import stat
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from sqlalchemy import Connection, text

from ledger.books.engine import open_engine
from ledger.books.role import Roles, roles_of
from ledger.cli.main import NOT_READY, REFUSED, answer, language
from ledger.cli.migrate import functions_are_current, newest_version, version_of
from ledger.cli.postgres import database
from ledger.errors import message
from ledger.settings import CLONE, NotReady, Settings, read_settings

CALENDAR = CLONE / "ledger" / "rulebooks" / "calendar-cn.csv"
OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing looked at: what was found and, when it is not well, the code of what to do."""

    name: str
    ok: bool
    found: str
    code: str

    def as_json(self) -> dict[str, Any]:
        fix = "" if self.ok else f"{message(self.code, language())} ({self.code})"
        return {"check": self.name, "ok": self.ok, "found": self.found, "fix": fix}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def doctor(as_json: bool) -> int:
    """Check Python, the database, its roles, the key file and the calendar. Exit 1: a check failed; 4: no database."""
    settings = read_settings()
    checks = list(check_surroundings(settings, datetime.now(ZoneInfo("Asia/Shanghai")).year))
    reached = True
    try:
        checks += check_database(settings)
    except NotReady as fault:
        reached = False
        checks.append(Check("database", ok=False, found=fault.detail, code=fault.code))
    healthy = all(check.ok for check in checks)
    answer({"ok": healthy, "checks": [check.as_json() for check in checks]}, as_json, _print)
    if not reached:
        return NOT_READY
    return 0 if healthy else REFUSED


def check_surroundings(settings: Settings, year: int, calendar: Path = CALENDAR) -> Iterator[Check]:
    """What needs no database: Python, the key file's rights, working days of ``year``."""
    python = sys.version_info[:2]
    yield Check("python", python >= OLDEST_PYTHON, ".".join(map(str, python)), "PYTHON_TOO_OLD")
    if settings.key_file.exists():
        mode = stat.S_IMODE(settings.key_file.stat().st_mode)
        yield Check("key_file", not mode & 0o077, f"mode {mode:04o}", "KEY_FILE_OPEN")
    if calendar.exists():
        with calendar.open(encoding="utf-8", newline="") as rows:
            days = sum(row["date"].startswith(f"{year}-") for row in csv.DictReader(rows))
        yield Check("calendar", days > 0, f"{days} days of {year}", "CALENDAR_YEAR_MISSING")


def check_database(settings: Settings) -> list[Check]:
    """What the application's login sees of the server, the schema and its own rights. Raises NotReady."""
    with database(settings) as urls:
        engine = open_engine(urls.app)
        try:
            with engine.connect() as conn:
                roles = roles_of(engine.url.database or "")
                return [*_check_server(conn), *check_login(conn), *check_roles(conn, roles)]
        finally:
            engine.dispose()


def _check_server(conn: Connection) -> Iterator[Check]:
    def show(setting: str) -> str:
        return str(conn.scalar(text(f"SHOW {setting}")))

    # open_engine has refused older and unsafe servers already: these two tell what was found.
    yield Check("postgresql", ok=True, found=show("server_version").partition(" ")[0], code="DATABASE_TOO_OLD")
    durable = ", ".join(f"{name} {show(name)}" for name in ("fsync", "full_page_writes", "synchronous_commit"))
    yield Check("durability", ok=True, found=durable, code="DATABASE_UNSAFE")
    yield Check("checksums", show("data_checksums") == "on", show("data_checksums"), "DATABASE_NO_CHECKSUMS")
    yield Check("encoding", show("server_encoding") == "UTF8", show("server_encoding"), "DATABASE_NOT_UTF8")
    known = conn.scalar(text("SELECT has_schema_privilege(oid, 'USAGE') FROM pg_namespace WHERE nspname = 'ledger'"))
    version = version_of(conn) if known else ""
    current = version == newest_version() and functions_are_current(conn)
    yield Check("migrations", current, version or "none", "MIGRATIONS_PENDING")


def check_login(conn: Connection) -> Iterator[Check]:
    """Whether the login may do no more than look and ask. Rights inherited from other roles count."""
    me = str(conn.scalar(text("SELECT current_user")))
    yield from _strength(conn, "login", me)


def check_roles(conn: Connection, roles: Roles) -> Iterator[Check]:
    """Whether the other logins may do no more than theirs, and whether the books defend themselves."""
    for name, login in (("sealer", roles.sealer), ("reader", roles.reader), ("backup", roles.backup)):
        known = conn.scalar(text("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = :name"), {"name": login})
        if known:
            yield from _strength(conn, name, login)
            changing = conn.scalars(text(_CALLS), {"me": login, "allowed": _MAY_CALL[name]}).all()
            yield Check(f"{name}_calls", not changing, ", ".join(changing) or "none", "LOGIN_TOO_STRONG")
    for name, question in _UNDEFENDED.items():
        found = conn.scalars(text(question)).all()
        yield Check(name, not found, ", ".join(map(str, found)) or "none", "BOOKS_UNDEFENDED")


def _strength(conn: Connection, name: str, login: str) -> Iterator[Check]:
    for question, sql in _TOO_STRONG.items():
        found = conn.scalars(text(sql), {"me": login}).all()
        yield Check(f"{name}_{question}", not found, ", ".join(map(str, found)) or "none", "LOGIN_TOO_STRONG")


_ME = "(SELECT oid FROM pg_catalog.pg_roles WHERE rolname = :me)"
_BOOKS = "relnamespace = to_regnamespace('ledger')"
# Each lists what a login should not have.
_TOO_STRONG = {
    "powers": f"""
        SELECT power FROM pg_catalog.pg_roles,
        LATERAL (VALUES ('superuser', rolsuper), ('createdb', rolcreatedb), ('createrole', rolcreaterole),
                        ('replication', rolreplication), ('bypassrls', rolbypassrls)) AS it (power, has)
        WHERE oid = {_ME} AND has""",
    "member_of": f"""
        SELECT pg_catalog.pg_get_userbyid(roleid) FROM pg_catalog.pg_auth_members WHERE member = {_ME} ORDER BY 1""",
    "owns": f"""
        SELECT classid::pg_catalog.regclass || ' ' || objid FROM pg_catalog.pg_shdepend
        WHERE refclassid = 'pg_catalog.pg_authid'::pg_catalog.regclass AND refobjid = {_ME} AND deptype = 'o'
        ORDER BY 1""",
    "writes": f"""
        SELECT kind || ' ' || relname FROM pg_catalog.pg_class,
        LATERAL (VALUES ('INSERT', has_any_column_privilege({_ME}, oid, 'INSERT')),
                        ('UPDATE', has_any_column_privilege({_ME}, oid, 'UPDATE')),
                        ('DELETE', has_table_privilege({_ME}, oid, 'DELETE')),
                        ('TRUNCATE', has_table_privilege({_ME}, oid, 'TRUNCATE')),
                        ('TRIGGER', has_table_privilege({_ME}, oid, 'TRIGGER'))) AS it (kind, may)
        WHERE {_BOOKS} AND relkind IN ('r', 'p', 'v', 'm', 'f') AND may ORDER BY 1""",
    "creates": f"""
        SELECT 'CREATE in ' || nspname FROM pg_catalog.pg_namespace
        WHERE nspname IN ('ledger', 'public') AND has_schema_privilege({_ME}, oid, 'CREATE') ORDER BY 1""",
    "calls_private": f"""
        SELECT proname FROM pg_catalog.pg_proc
        WHERE pronamespace = to_regnamespace('ledger') AND starts_with(proname, '_')
        AND has_function_privilege({_ME}, oid, 'EXECUTE') ORDER BY 1""",
}
# Functions that may write and that the role may call, beyond those that are its work.
_CALLS = f"""
    SELECT proname FROM pg_catalog.pg_proc
    WHERE pronamespace = to_regnamespace('ledger') AND provolatile = 'v' AND NOT starts_with(proname, '_')
    AND has_function_privilege({_ME}, oid, 'EXECUTE') AND proname <> ALL (:allowed) ORDER BY 1"""
_MAY_CALL: dict[str, list[str]] = {
    "sealer": ["seal", "keep_checkpoint", "keep_signing_key"],
    "reader": [],
    "backup": [],
}
# What defends the books against a right too many.
_UNDEFENDED = {
    "definer_paths": """
        SELECT proname FROM pg_catalog.pg_proc WHERE pronamespace = to_regnamespace('ledger') AND prosecdef
        AND NOT 'search_path=ledger, pg_temp' = ANY (coalesce(proconfig, '{}')) ORDER BY 1""",
    "triggers_off": f"""
        SELECT relname || ' ' || tgname FROM pg_catalog.pg_trigger JOIN pg_catalog.pg_class c ON c.oid = tgrelid
        WHERE {_BOOKS} AND NOT tgisinternal AND tgenabled <> 'A' ORDER BY 1""",
    "tables_open": f"""
        SELECT relname FROM pg_catalog.pg_class c WHERE {_BOOKS} AND relkind IN ('r', 'p')
        AND relname NOT IN ('alembic_version', 'inbox', 'unfolded', 'login_code', 'login_session', 'token_bucket')
        AND NOT EXISTS (
            SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgtype & 8 = 8)
        ORDER BY 1""",
}


def _print(result: dict[str, Any]) -> None:
    for check in result["checks"]:
        click.echo(f"{'ok  ' if check['ok'] else 'FAIL'}  {check['check']:<20} {check['found']}")
        if check["fix"]:
            click.echo(f"      {'':<20} {check['fix']}")
    click.echo("All is well." if result["ok"] else "Some checks failed.")
