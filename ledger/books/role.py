"""The roles of a database: who owns the books, and who may only ask them.

``<database>_ledger``   NOLOGIN; owns schema ``ledger`` and everything in it, so the SECURITY DEFINER
                        functions act with its rights
``<database>_app``      LOGIN; the application
``<database>_sealer``   LOGIN; seals and signs, sees no family
``<database>_reader``   LOGIN; reports and verifying
``<database>_backup``   LOGIN; pg_dump

What each may do stands in ``migrations/rights.sql``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from sqlalchemy import Connection, text


@dataclass(frozen=True, slots=True)
class Roles:
    ledger: str
    app: str
    sealer: str
    reader: str
    backup: str

    @property
    def logins(self) -> tuple[str, ...]:
        """Those that log in; they own nothing."""
        return (self.app, self.sealer, self.reader, self.backup)


def roles_of(database: str) -> Roles:
    """The names of a database's roles. They belong to the cluster, hence the prefix."""
    return Roles(*(f"{database}_{name}" for name in ("ledger", "app", "sealer", "reader", "backup")))


def exist(conn: Connection, roles: Roles) -> bool:
    """Whether all roles have been made in this cluster."""
    names = [roles.ledger, *roles.logins]
    found = conn.scalar(text("SELECT count(*) FROM pg_catalog.pg_roles WHERE rolname = ANY (:names)"), {"names": names})
    return bool(found == len(names))


def make(conn: Connection, database: str, roles: Roles) -> None:
    """Make the roles when missing and give them their rights on the database; may be run again.

    The login of ``conn`` needs to be superuser, or to own the database and have CREATEROLE. It
    becomes a member of the ledger's role, which is what lets it migrate.
    """
    for name, kind in ((roles.ledger, "NOLOGIN"), *((login, "LOGIN") for login in roles.logins)):
        known = conn.scalar(text("SELECT 1 FROM pg_catalog.pg_roles WHERE rolname = :name"), {"name": name})
        if not known:
            _run(conn, f"CREATE ROLE {{}} {kind}", name)
    _run(conn, "GRANT {} TO CURRENT_USER", roles.ledger)
    open_database(conn, database, roles)


def open_database(conn: Connection, database: str, roles: Roles) -> None:
    """Let the roles, and nobody else, into a database; a copy of a database needs it again."""
    _run(conn, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
    _run(conn, "GRANT CONNECT, CREATE, TEMPORARY ON DATABASE {} TO {}", database, roles.ledger)
    for login in roles.logins:
        _run(conn, "GRANT CONNECT ON DATABASE {} TO {}", database, login)


@contextmanager
def acting_as_ledger(conn: Connection, roles: Roles) -> Iterator[None]:
    """Act as the owner of the books for the rest of the transaction, with the schema there."""
    _run(conn, "SET LOCAL ROLE {}", roles.ledger)
    _run(conn, "CREATE SCHEMA IF NOT EXISTS ledger")
    yield
    _run(conn, "RESET ROLE")


def grant(conn: Connection, roles: Roles, rights: str) -> None:
    """Give every login its rights from nothing. ``rights``: SQL with the names of roles in braces."""
    quote = conn.dialect.identifier_preparer.quote_identifier
    conn.exec_driver_sql(rights.format(**{name: quote(role) for name, role in asdict(roles).items()}))


def _run(conn: Connection, statement: str, *names: str) -> None:
    """Run a statement that takes no parameters, its names quoted."""
    quote = conn.dialect.identifier_preparer.quote_identifier
    conn.execute(text(statement.format(*map(quote, names)).replace(":", "\\:")))
