"""``custody lessons``: lesson sheets of institutions into the books."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ledger.cli import edge
from ledger.cli.main import REFUSED, UNUSABLE, answer, language, say
from ledger.cli.postgres import open_books
from ledger.errors import Outcome, Result, message
from ledger.flows import lesson as flow
from ledger.formats.lesson_sheet import BYTES_MAX, read_lesson_sheet
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.lesson_sheet import LessonRow, LessonSheet, RowFault

# Messages on standard error; the whole list is in the answer.
SAID_MAX = 20


@click.group()
def lessons() -> None:
    """Lessons: import an institution's sheet."""


@lessons.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--institution", "code", required=True, metavar="CODE", help="Whose lessons these are.")
@edge.actor_option()
@click.option("--dry-run", is_flag=True, help="Say what would be recorded, and record nothing.")
@edge.rulebook_option
@edge.as_json_option
def import_(file: Path, code: str, actor: str | None, dry_run: bool, rulebook_dir: Path | None, as_json: bool) -> int:
    """Record the lessons of one CSV FILE (at most 10,000).

    A file with a line that cannot be read is not recorded at all (exit 2). A lesson that a rule refuses is reported by
    line, the others are recorded (exit 1). Lessons known before change nothing: the file may be sent again.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    name = edge.visible(str(file))
    sheet = read_lesson_sheet(edge.read_file(file, BYTES_MAX), name)
    law = edge.load_law(rulebook_dir)
    outcomes: list[Outcome] = []
    with open_books(settings) as engine, engine.connect() as conn:
        (institution,) = edge.institutions(conn, code)
        rulebook, calendar = edge.law_of(law, institution, shanghai_day(now))
        if not sheet.fault_count:
            outcomes = flow.record_rows(conn, institution.institution_id, sheet.rows, rulebook, calendar, actor, now)
            if not dry_run:
                conn.commit()
    shown = sheet_as_json(name, sheet, outcomes) | {"institution": code, "dry_run": dry_run}
    answer(shown, as_json, print_sheet)
    _say_all([_told(name, one) for one in shown["faults"] or shown["refused"]])
    if sheet.fault_count:
        return UNUSABLE
    return REFUSED if shown["refused"] else 0


def sheet_as_json(name: str, sheet: LessonSheet, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """What became of each line: counts, refusals and faults by line; flagged lessons wait for the authority."""
    judged = list(zip(sheet.rows, outcomes, strict=False))
    return {
        "file": name,
        "rows": len(sheet.rows),
        "recorded": sum(outcome.result is Result.DONE for outcome in outcomes),
        "already": sum(outcome.result is Result.REPLAYED for outcome in outcomes),
        "refused": [_refusal(row, one) for row, one in judged if one.result in (Result.REFUSED, Result.CONFLICT)],
        "flagged": [
            {"line": row.line, "lesson_no": row.lesson_no, "flags": one.detail.split(",")}
            for row, one in judged
            if one.result is Result.DONE and one.detail
        ],
        "fault_count": sheet.fault_count,
        "faults": [_fault(fault) for fault in sheet.faults],
    }


def _refusal(row: LessonRow, outcome: Outcome) -> dict[str, Any]:
    return {
        "line": row.line,
        "lesson_no": row.lesson_no,
        "field": outcome.field,
        "code": outcome.code,
        "message": message(outcome.code, language()),
    }


def _fault(fault: RowFault) -> dict[str, Any]:
    return {
        "line": fault.line,
        "field": fault.field,
        "code": fault.code,
        "message": message(fault.code, language()),
        "value": fault.value,
    }


def _told(name: str, one: dict[str, Any]) -> str:
    field = f", {one['field']}" if one["field"] else ""
    return f"{name} line {one['line']}{field}: {one['message']} ({one['code']})"


def _say_all(lines: Sequence[str]) -> None:
    for line in [*lines[:SAID_MAX], *(["…"] if len(lines) > SAID_MAX else [])]:
        say(edge.visible(line))


def print_sheet(shown: dict[str, Any]) -> None:
    """The counts; refusals and faults are told line by line on standard error."""
    if shown["fault_count"]:
        click.echo(f"{shown['file']}: {shown['fault_count']} faults, nothing recorded")
        return
    would = "would be recorded" if shown["dry_run"] else "recorded"
    click.echo(f"{shown['file']}: {shown['recorded']} {would}, {shown['already']} known before, "
               f"{len(shown['refused'])} refused")  # fmt: skip
    for one in shown["flagged"]:
        click.echo(f"  line {one['line']}: {', '.join(one['flags'])} (silence will not confirm it)")
