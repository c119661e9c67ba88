"""``custody statement import``: bank statement files into the books, judged by what is known of their accounts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Engine

from ledger.cli import edge
from ledger.cli.main import answer, say
from ledger.cli.postgres import open_books
from ledger.cli.statement import EXIT_CODES, file_as_json, print_file, sentence, statement
from ledger.flows import statement as flow
from ledger.flows.statement import Imported
from ledger.formats.statement import read_statements
from ledger.settings import read_settings
from ledger.terms.calendar import CalendarDays
from ledger.terms.rulebook import NATION
from ledger.terms.statement import Statement, StatementFile, StatementLine, Verdict, worst
from ledger.vault import Vault

__all__ = ["statement"]  # the group of ledger.cli.statement, with this command beside ``check``

# The bytes of every file are kept, sealed, in one row; a larger one would not fit into it.
BYTES_MAX: Final = 100 * 1024 * 1024
COUNTS: Final = ("imported", "held", "lines", "already")


@statement.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def import_(files: tuple[Path, ...], actor: str | None, rulebook_dir: Path | None, as_json: bool) -> int:
    """Import statement FILEs in the order given, one transaction each; the worst verdict decides the exit code.

    Accepted and known before: 0; held for a person: 3; rejected, nothing of it imported: 2.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    calendar = edge.load_law(rulebook_dir).calendar(NATION)
    for path in files:
        edge.read_file(path, BYTES_MAX)  # a file that cannot be opened is told before any is imported
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        imported = [import_file(engine, vault, path, calendar, actor, now) for path in files]
    answer(files_as_json(imported), as_json, print_files)
    verdict = worst([one.verdict for one in imported])
    for one in imported:
        if as_json and one.verdict in EXIT_CODES:
            say(edge.visible(f"{one.file.name}: {sentence(as_judged(one))}"))
    return EXIT_CODES.get(verdict, 0)


def import_file(
    engine: Engine, vault: Vault, path: Path, calendar: CalendarDays, actor: str, now: datetime
) -> Imported:
    """Import one file in a transaction of its own. Raises BadInput FILE_UNREADABLE, LIMIT_EXCEEDED."""
    raw = edge.read_file(path, BYTES_MAX)
    file, lines = read_lines(raw, edge.visible(str(path)))
    with engine.begin() as conn:
        return flow.bring_in(conn, vault, file, lines, raw, calendar, actor, now)


def read_lines(raw: bytes, name: str) -> tuple[StatementFile, dict[int, Sequence[StatementLine]]]:
    """A file and the lines of each of its statements, by the statement's place in the file."""
    lines: dict[int, Sequence[StatementLine]] = {}
    pending: list[StatementLine] = []
    file: StatementFile | None = None
    for found in read_statements(BytesIO(raw), name):
        if isinstance(found, StatementLine):
            pending.append(found)
        elif isinstance(found, Statement):
            lines[found.ord], pending = pending, []
        else:
            file = found
    assert file is not None, "every reading ends with what the file is worth"
    return file, lines


def as_judged(imported: Imported) -> StatementFile:
    """The file with the verdicts it got in the books."""
    return replace(imported.file, verdict=imported.verdict, fault=imported.fault, statements=tuple(imported.statements))


def file_imported_as_json(imported: Imported) -> dict[str, Any]:
    """The shape of ``statement check``, and how many statements are believed, held, known before; lines stored."""
    verdicts = [one.verdict for one in imported.statements] if imported.verdict is not Verdict.REJECT else []
    return {
        **file_as_json(as_judged(imported)),
        "imported": verdicts.count(Verdict.ACCEPT),
        "held": verdicts.count(Verdict.HOLD),
        "lines": imported.lines,
        "already": imported.already,
    }


def files_as_json(imported: Sequence[Imported]) -> dict[str, Any]:
    """One file: its object. Several: ``files`` in order, the worst verdict, and the counts added up."""
    shown = [file_imported_as_json(one) for one in imported]
    if len(shown) == 1:
        return shown[0]
    totals = {name: sum(one[name] for one in shown) for name in COUNTS}
    return {"files": shown, "verdict": worst([one.verdict for one in imported]).value, **totals}


def print_files(shown: dict[str, Any]) -> None:
    """Each file as ``statement check`` prints it, with what was imported; several files with a sum below."""
    files = shown.get("files", [shown])
    for one in files:
        print_file(one)
        click.echo(f"  {_counted(one)}\n")
    if len(files) > 1:
        click.echo(f"{len(files)} files: {shown['verdict']}, {_counted(shown)}")


def _counted(shown: dict[str, Any]) -> str:
    held = f", {shown['held']} held" if shown["held"] else ""
    return f"{shown['imported']} imported{held}, {shown['already']} known before, {shown['lines']} lines stored"
