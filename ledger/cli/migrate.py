"""`custody migrate`: bring the database to the newest version of its tables and functions."""

import hashlib
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from ledger.books import role
from ledger.books.engine import open_engine
from ledger.cli.main import answer
from ledger.cli.postgres import database
from ledger.settings import CLONE, NotReady, read_settings

MIGRATIONS = CLONE / "migrations"
# One migration at a time in a database; any number that nobody else locks.
_MIGRATING = 0x6C6564676572


@dataclass(frozen=True, slots=True)
class Migration:
    """What a run did: versions before and after ("" is an empty database), and whether roles were looked after."""

    database: str
    before: str
    after: str
    roles: bool


@click.command()
@click.option("--roles", is_flag=True, help="First make the database's roles (once per cluster).")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def migrate(roles: bool, as_json: bool) -> int:
    """Bring the database to the newest version. Safe to run again."""
    with database(read_settings()) as urls:
        if urls.owner is None:
            raise NotReady("OWNER_URL_MISSING")
        done = upgrade(urls.owner, make_roles=roles)
    result = {"database": done.database, "from": done.before, "to": done.after, "roles": done.roles}
    answer(result, as_json, _print)
    return 0


def upgrade(owner_url: str, *, make_roles: bool = False, folder: Path = MIGRATIONS) -> Migration:
    """Migrate a database in one transaction, as the owner's login acting as ``<database>_ledger``.

    ``folder`` holds env.py and versions/. Raises NotReady ROLES_MISSING.
    """
    engine = open_engine(owner_url)
    name = engine.url.database or ""
    roles = role.roles_of(name)
    try:
        with engine.begin() as conn:
            conn.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _MIGRATING})
            if make_roles:
                role.make(conn, name, roles)
            elif not role.exist(conn, roles):
                raise NotReady("ROLES_MISSING")
            before = version_of(conn)
            command.upgrade(_configuration(folder, conn), "head")
            return Migration(name, before, version_of(conn), make_roles)
    finally:
        engine.dispose()


def version_of(conn: Connection) -> str:
    """The version a database is at; "" when it was never migrated."""
    return MigrationContext.configure(conn, opts={"version_table_schema": "ledger"}).get_current_revision() or ""


def functions_are_current(conn: Connection, folder: Path = MIGRATIONS) -> bool:
    """Whether the functions in the database are those of this clone."""
    said = conn.scalar(text("SELECT obj_description('ledger'::regnamespace, 'pg_namespace')"))
    return bool(said == functions_digest(folder / "functions"))


def functions_digest(folder: Path) -> str:
    """What the schema's comment says when its functions are those of the SQL files in ``folder``."""
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in sorted(folder.glob("*.sql")))).hexdigest()


def newest_version(folder: Path = MIGRATIONS) -> str:
    """The version that ``custody migrate`` would bring a database to."""
    return ScriptDirectory.from_config(_configuration(folder)).get_current_head() or ""


def _configuration(folder: Path, conn: Connection | None = None) -> Config:
    """Alembic's configuration: pyproject.toml, the folder, and the connection env.py works on."""
    if str(CLONE) not in sys.path:
        sys.path.append(str(CLONE))  # version files import migrations.sql
    configuration = Config(toml_file=CLONE / "pyproject.toml", attributes={"connection": conn})
    configuration.set_main_option("script_location", str(folder).replace("%", "%%"))
    return configuration


def _print(result: dict[str, Any]) -> None:
    before, after = result["from"] or "empty", result["to"] or "empty"
    change = f"already at {after}" if before == after else f"{before} -> {after}"
    click.echo(f"{result['database']}: {change}")
    if result["roles"]:
        roles = role.roles_of(result["database"])
        click.echo(
            f"roles: {roles.ledger} (owns the books); give these a password or a peer mapping: "
            f"{', '.join(roles.logins)}"
        )
