"""Runs the SQL file that lies beside a version file.

A version file is ten lines: its revision ids and ``def upgrade() -> None: run_sql(__file__)``.
Migrations only go forward: a mistake is corrected by the next version.
"""

from pathlib import Path

import psycopg
from alembic import op


def run_sql(version_file: str) -> None:
    """Run ``NNNN_name.sql`` for ``NNNN_name.py`` inside the migration's transaction.

    The text goes to the server as it stands, through a cursor without parameters: every other way
    gives ``%`` or ``:`` in a function's body a meaning of its own. An error is raised with the file
    and line it belongs to.
    """
    path = Path(version_file).with_suffix(".sql")
    text = path.read_text(encoding="utf-8")
    connection = op.get_bind().connection.driver_connection
    assert isinstance(connection, psycopg.Connection)
    with connection.cursor() as cursor:
        try:
            cursor.execute(text.encode())
        except psycopg.Error as fault:
            position = int(fault.diag.statement_position or 1)
            fault.add_note(f"in {path.name}, line {text.count(chr(10), 0, position - 1) + 1}")
            raise
