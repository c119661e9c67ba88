"""Alembic's way in: `custody migrate` hands over a connection inside its transaction.

Everything runs as ``<database>_ledger``, which therefore owns every object of the schema; afterwards functions are
written anew and the logins' rights are given again from nothing, so that no version file has to think of them.
"""

from pathlib import Path

from alembic import context

from ledger.books import role
from ledger.settings import NotReady
from migrations import sql

connection = context.config.attributes.get("connection")
if connection is None:
    raise NotReady("MIGRATE_BY_COMMAND")

roles = role.roles_of(connection.engine.url.database or "")
with role.acting_as_ledger(connection, roles):
    context.configure(connection=connection, version_table_schema="ledger")
    context.run_migrations()
    sql.renew_functions(connection, Path(context.script.dir) / "functions")
    rights = Path(context.script.dir) / "rights.sql"
    if rights.exists():
        role.grant(connection, roles, rights.read_text(encoding="utf-8"))
