"""Runs the SQL of the migrations: tables and their data go forward by versions, functions are always today's.

A version file is ten lines: its revision ids and ``def upgrade() -> None: run_sql(__file__)``, the SQL beside it.
Versions only go forward: a mistake is corrected by the next one. Functions have no data to carry over, so there is one
text of each, in ``migrations/functions``, which every run of ``custody migrate`` writes anew after the versions; the
digest of that text is kept as the schema's comment. (Trigger functions belong to their tables and stand in a version.)
"""

from pathlib import Path

import psycopg
from alembic import op
from sqlalchemy import Connection, text

from ledger.cli.migrate import functions_digest

FUNCTIONS = Path(__file__).resolve().parent / "functions"
# Everything migrations/functions may have made: functions that are no triggers, and the types they pass around.
_FORGET = """
DO $$
DECLARE one text;
BEGIN
    FOR one IN SELECT oid::regprocedure FROM pg_catalog.pg_proc
               WHERE pronamespace = 'ledger'::regnamespace AND prorettype <> 'trigger'::regtype LOOP
        EXECUTE 'DROP ROUTINE ' || one || ' CASCADE';
    END LOOP;
    FOR one IN SELECT t.oid::regtype FROM pg_catalog.pg_type t JOIN pg_catalog.pg_class c ON c.oid = t.typrelid
               WHERE t.typnamespace = 'ledger'::regnamespace AND c.relkind = 'c' LOOP
        EXECUTE 'DROP TYPE ' || one;
    END LOOP;
END $$"""


def run_sql(version_file: str) -> None:
    """Run ``NNNN_name.sql`` for ``NNNN_name.py`` inside the migration's transaction."""
    run_file(op.get_bind(), Path(version_file).with_suffix(".sql"))


def renew_functions(conn: Connection, folder: Path) -> None:
    """Drop the schema's functions and write those of ``folder`` (may be missing: nothing is done), in file order."""
    files = sorted(folder.glob("*.sql"))
    if not files:
        return
    forget_functions(conn)
    for path in files:
        run_file(conn, path)
    conn.execute(text(f"COMMENT ON SCHEMA ledger IS '{functions_digest(folder)}'"))


def forget_functions(conn: Connection) -> None:
    """Drop the schema's functions and the types they pass around."""
    conn.execute(text(_FORGET.replace(":", "\\:")))


def run_file(conn: Connection, path: Path) -> None:
    """Run one file as it stands, through a cursor without parameters.

    Every other way gives ``%`` or ``:`` in a function's body a meaning of its own. An error is raised with the file
    and line it belongs to.
    """
    content = path.read_text(encoding="utf-8")
    connection = conn.connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor:
        try:
            cursor.execute(content.encode())
        except psycopg.Error as fault:
            position = int(fault.diag.statement_position or 1)
            fault.add_note(f"in {path.name}, line {content.count(chr(10), 0, position - 1) + 1}")
            raise
