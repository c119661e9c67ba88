"""Read a statement file from disk and import it: what ``custody statement import`` does for one file."""

from datetime import datetime
from io import BytesIO
from pathlib import Path

from sqlalchemy import Engine

from ledger.flows import statement
from ledger.formats.statement import read_statements
from ledger.terms.calendar import CalendarDays
from ledger.terms.statement import Statement, StatementFile, StatementLine
from ledger.vault import Vault


def import_file(
    engine: Engine, vault: Vault, path: Path, calendar: CalendarDays, actor: str, now: datetime
) -> statement.Imported:
    raw = path.read_bytes()
    lines: dict[int, list[StatementLine]] = {}
    pending: list[StatementLine] = []
    file = None
    for found in read_statements(BytesIO(raw), path.name):
        if isinstance(found, StatementLine):
            pending.append(found)
        elif isinstance(found, Statement):
            lines[found.ord], pending = pending, []
        else:
            file = found
    assert isinstance(file, StatementFile)
    with engine.begin() as conn:
        statement.offer(conn, vault, file, raw, actor, now)
        return statement.take(conn, vault, file, lines, calendar, actor, now)
