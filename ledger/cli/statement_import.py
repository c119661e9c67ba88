"""``custody statement import``: bank statement files into the books, judged by what is known of their accounts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

import click
from sqlalchemy import Connection, Engine

from ledger import faults
from ledger.cli import edge
from ledger.cli.main import answer, say
from ledger.cli.postgres import open_books
from ledger.cli.statement import EXIT_CODES, file_as_json, print_file, sentence, statement
from ledger.flows import statement as flow
from ledger.flows.statement import Imported
from ledger.formats.bank_profile import find_profile
from ledger.formats.statement import read_statements
from ledger.formats.statement_spool import Spool
from ledger.settings import read_settings
from ledger.terms.bank_profile import BankProfile
from ledger.terms.calendar import CalendarDays
from ledger.terms.rulebook import NATION
from ledger.terms.statement import Statement, StatementFile, StatementLine, Verdict, worst
from ledger.vault import Vault

__all__ = ["statement"]  # the group of ledger.cli.statement, with this command beside ``check``

# The bytes of every file are kept; ten times what a bank's largest day has been seen to take.
BYTES_MAX: Final = 1024 * 1024 * 1024
COUNTS: Final = ("imported", "held", "lines", "already")


@statement.command("import")
@click.argument("files", metavar="FILE...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--profile", metavar="NAME", help="Bank profile of spreadsheets (or a TOML file); absent: the only one that fits."
)
@click.option("--account", metavar="A", help="Whose statements these are: spreadsheets often do not say.")
@click.option("--dry-run", is_flag=True, help="Judge, match and show everything; keep nothing.")
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def import_(
    files: tuple[Path, ...], profile: str | None, account: str | None, dry_run: bool, actor: str | None,
    rulebook_dir: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Import statement FILEs in the order given, one transaction each; the worst verdict decides the exit code.

    Accepted and known before: 0; held for a person: 3; rejected, nothing of it imported: 2.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    calendar = edge.load_law(rulebook_dir).calendar(NATION)
    layout = None if profile is None else find_profile(profile)
    for path in files:
        with edge.opened_file(path, BYTES_MAX):
            pass  # a file that cannot be opened is told before any is imported
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        asking = Asking(vault, calendar, actor, now, layout, account or "")
        if account is not None:
            with engine.connect() as conn:
                edge.fund_of_account(conn, account, "--account")
        imported = rehearse(engine, files, asking) if dry_run else [import_file(engine, one, asking) for one in files]
    shown = files_as_json(imported)
    answer({**shown, "dry_run": True} if dry_run else shown, as_json, print_files)
    verdict = worst([one.verdict for one in imported])
    for one in imported:
        if as_json and one.verdict in EXIT_CODES:
            say(edge.visible(f"{one.file.name}: {sentence(as_judged(one))}"))
    return EXIT_CODES.get(verdict, 0)


@dataclass(frozen=True, slots=True)
class Asking:
    """Who imports with what: keys, working days, name, instant; how spreadsheets are laid out and whose they are."""

    vault: Vault
    calendar: CalendarDays
    actor: str
    now: datetime
    profile: BankProfile | None = None
    account: str = ""


def import_file(engine: Engine, path: Path, asking: Asking) -> Imported:
    """Import one file in a transaction of its own. Raises BadInput FILE_UNREADABLE, LIMIT_EXCEEDED."""
    with engine.begin() as conn:
        imported = _bring_in(conn, path, asking)
        faults.reach("before_import_commit")
    faults.reach("after_import_commit")
    return imported


def rehearse(engine: Engine, paths: Sequence[Path], asking: Asking) -> list[Imported]:
    """What importing the files would do, each after the other; all of it is taken back."""
    with engine.connect() as conn, conn.begin() as transaction:
        imported = [_bring_in(conn, path, asking) for path in paths]
        transaction.rollback()
    return imported


def _bring_in(conn: Connection, path: Path, asking: Asking) -> Imported:
    """Read a file once for what it says and once more to keep it; it must be the same both times."""
    with edge.opened_file(path, BYTES_MAX) as source:
        file, lines = read_lines(source, edge.visible(str(path)), asking.profile)
        source.seek(0)
        raw = edge.same_parts(source, file.sha256, path)
        return flow.bring_in(
            conn, asking.vault, file, lines, raw, asking.calendar, asking.actor, asking.now, asking.account
        )


def read_lines(
    source: BinaryIO, name: str, profile: BankProfile | None = None
) -> tuple[StatementFile, dict[int, Spool]]:
    """A file and the booked lines of each of its statements, by the statement's place in the file."""
    lines: dict[int, Spool] = {}
    pending = Spool()
    file: StatementFile | None = None
    for found in read_statements(source, name, profile):
        if isinstance(found, StatementLine):
            if found.status == "BOOK":  # only these move money
                pending.append(found)
        elif isinstance(found, Statement):
            lines[found.ord], pending = pending, Spool()
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
    dry = "dry run, nothing kept: " if shown.get("dry_run") else ""
    return f"{dry}{shown['imported']} imported{held}, {shown['already']} known before, {shown['lines']} lines stored"
