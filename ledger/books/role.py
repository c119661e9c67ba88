"""The roles of a database: who owns the books, and who may only ask them.

``<database>_ledger``   NOLOGIN; owns schema ``ledger`` and everything in it, so the SECURITY DEFINER
                        functions act with its rights
``<database>_app``      LOGIN; the application: CONNECT, USAGE on the schema, SELECT, EXECUTE

Functions whose name starts with ``_`` are the ledger's own: the application may not call them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Roles:
    ledger: str
    app: str


def roles_of(database: str) -> Roles:
    """The names of a database's roles. They belong to the cluster, hence the prefix."""
    return Roles(ledger=f"{database}_ledger", app=f"{database}_app")


def exist(conn: Connection, roles: Roles) -> bool:
    """Whether both roles have been made in this cluster."""
    found = conn.scalar(
        text("SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname IN (:ledger, :app)"),
        {"ledger": roles.ledger, "app": roles.app},
    )
    return bool(found == 2)


def make(conn: Connection, database: str, roles: Roles) -> None:
    """Make the roles when missing and give them their rights on the database; may be run again.

    The login of ``conn`` needs to be superuser, or to own the database and have CREATEROLE. It
    becomes a member of the ledger's role, which is what lets it migrate.
    """
    for name, kind in ((roles.ledger, "NOLOGIN"), (roles.app, "LOGIN")):
        known = conn.scalar(text("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = :name"), {"name": name})
        if not known:
            _run(conn, f"CREATE ROLE {{}} {kind}", name)
    _run(conn, "GRANT {} TO CURRENT_USER", roles.ledger)
    open_database(conn, database, roles)


def open_database(conn: Connection, database: str, roles: Roles) -> None:
    """Let the two roles, and nobody else, into a database; a copy of a database needs it again."""
    _run(conn, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
    _run(conn, "GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}", database, roles.ledger)
    _run(conn, "GRANT CONNECT ON DATABASE {} TO {}", database, roles.app)


@contextmanager
def acting_as_ledger(conn: Connection, roles: Roles) -> Iterator[None]:
    """Act as the owner of the books for the rest of the transaction, with the schema there."""
    _run(conn, "SET LOCAL ROLE {}", roles.ledger)
    _run(conn, "CREATE SCHEMA IF NOT EXISTS ledger")
    yield
    _run(conn, "RESET ROLE")


def grant_to_app(conn: Connection, roles: Roles) -> None:
    """Give the application its rights from nothing: look at everything, call what is public, write nothing."""
    for objects in ("SCHEMA ledger", "ALL TABLES IN SCHEMA ledger", "ALL SEQUENCES IN SCHEMA ledger"):
        _run(conn, f"REVOKE ALL ON {objects} FROM PUBLIC, {{}}", roles.app)
    _run(conn, "REVOKE ALL ON ALL ROUTINES IN SCHEMA ledger FROM PUBLIC, {}", roles.app)
    _run(conn, "GRANT USAGE ON SCHEMA ledger TO {}", roles.app)
    _run(conn, "GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO {}", roles.app)
    public = conn.scalars(
        text(
            "SELECT oid::pg_catalog.regprocedure::text FROM pg_catalog.pg_proc"
            " WHERE pronamespace = 'ledger'::pg_catalog.regnamespace"
            " AND NOT starts_with(proname, '_') AND prorettype <> 'trigger'::pg_catalog.regtype"
        )
    ).all()
    if public:
        _run(conn, f"GRANT EXECUTE ON ROUTINE {', '.join(public)} TO {{}}", roles.app)


def _run(conn: Connection, statement: str, *names: str) -> None:
    """Run a statement that takes no parameters, its names quoted."""
    quote = conn.dialect.identifier_preparer.quote_identifier
    conn.execute(text(statement.format(*map(quote, names)).replace(":", "\\:")))
