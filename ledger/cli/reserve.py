"""``custody reserve``: what institutions must hold, what they hold, and how far families are covered."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Engine

from ledger.books import register
from ledger.books.transaction import snapshot
from ledger.cli import edge, signed_export
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput
from ledger.flows import reserve as flow
from ledger.formats import manifest as manifests
from ledger.formats import reserve_sheet
from ledger.formats.plain_text import is_plain
from ledger.money import fen_from_text, yuan
from ledger.reports import reserve as report
from ledger.rules import reserve as rules
from ledger.settings import Settings, read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.proof import Signed
from ledger.terms.reserve import EnteredFacts, ReserveLine
from ledger.terms.rulebook import Rulebooks

FORMATS: Final = {"csv": reserve_sheet.render}


@click.group()
def reserve() -> None:
    """Risk reserves."""


@reserve.command("report")
@click.option("--as-of", "as_of_text", required=True, metavar="DATE", help="The accounting day, YYYY-MM-DD.")
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The folder for the files.")
@click.option("--format", "format_text", default="csv", show_default=True, help="csv.")
@edge.known_at_option
@edge.rulebook_option
@edge.as_json_option
def report_(
    as_of_text: str, out: Path, format_text: str, known_at: Path | None, rulebook_dir: Path | None, as_json: bool
) -> int:
    """Write the reserve report of every institution and its signed manifest into DIR. Same blocks, same bytes."""
    settings = read_settings()
    now = edge.now(settings)
    as_of = edge.day_until(as_of_text, "--as-of", shanghai_day(now))
    formats = _formats(format_text)
    law = edge.load_law(rulebook_dir)
    with open_books(settings) as engine:
        lines, shown = write_report(engine, settings, law, as_of, now, out, formats, known_at)
    answer(shown, as_json, lambda _: print_lines(lines, out))
    return 0


@reserve.command()
@click.option("--institution", "code", required=True, metavar="CODE", help="Which institution.")
@click.option("--opened-on", "opened_text", metavar="DATE", help="The day it was founded.")
@click.option("--opening-funds", "funds_text", metavar="YUAN", help="What it began with.")
@click.option("--capital", "capital_text", metavar="YUAN", help="Its paid-in capital.")
@click.option("--income", "income_text", metavar="YUAN", help="Last year's income by its audited accounts.")
@click.option("--issuer-kind", type=click.Choice(rules.ISSUERS), help="Of cards: what kind of issuer.")
@click.option("--source", required=True, metavar="TEXT", help="The document it stands in.")
@edge.actor_option()
@edge.as_json_option
def facts(
    code: str, opened_text: str | None, funds_text: str | None, capital_text: str | None, income_text: str | None,
    issuer_kind: str | None, source: str, actor: str | None, as_json: bool,
) -> int:  # fmt: skip
    """Enter what a reserve formula needs and the books cannot know. What is left out stays as it was entered before."""
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    if not is_plain(source) or not source.strip():
        raise BadInput("BAD_TEXT", field="--source", value=edge.visible(source))
    new = EnteredFacts(
        None if opened_text is None else edge.day_until(opened_text, "--opened-on", shanghai_day(now)),
        _fen(funds_text, "--opening-funds"), _fen(capital_text, "--capital"), _fen(income_text, "--income"),
        issuer_kind,
    )  # fmt: skip
    with open_books(settings) as engine, engine.begin() as conn:
        (institution,) = edge.institutions(conn, code)
        outcome = flow.enter_facts(conn, institution.institution_id, new, source.strip(), actor, now)
    shown = {"institution": institution.code, "result": outcome.result.value}
    answer(shown, as_json, lambda _: click.echo(f"{institution.code}: {outcome.result.value}"))
    return 0


def _fen(text: str | None, field: str) -> int | None:
    return None if text is None else fen_from_text(text, field=field)


@reserve.command()
@edge.institution_option
@edge.rulebook_option
@edge.as_json_option
def call(code: str | None, rulebook_dir: Path | None, as_json: bool) -> int:
    """Call for what reserves lack, and name who holds more prepaid money than its place allows. Exit 1: something is.

    Once a day each; asked again on the same day it makes nothing new. Raises BadInput RULE_MISSING or FACT_MISSING.
    """
    settings = read_settings()
    now, law = edge.now(settings), edge.load_law(rulebook_dir)
    rows = []
    with open_books(settings) as engine:
        with engine.connect() as conn:
            known = edge.institutions(conn, code)
        for institution in known:
            rulebook, calendar = edge.law_of(law, institution, shanghai_day(now))
            number = institution.institution_id
            with engine.begin() as conn:
                needs = institution.mode != rules.CUSTODY_ALONE
                called = flow.call_top_up(conn, number, rulebook, calendar, now) if needs else None
                above = flow.note_balance(conn, number, rulebook, now)
            if called or above:
                lacking, due_on = (yuan(called[0]), called[1].isoformat()) if called else (None, None)
                rows.append(
                    {"institution": institution.code, "lacking": lacking, "due_on": due_on, "above_limit": bool(above)}
                )
    answer({"called": rows}, as_json, _print_called)
    return REFUSED if rows else 0


def _print_called(shown: dict[str, Any]) -> None:
    names = ("institution", "lacking", "due_on", "above_limit")
    edge.print_table(names, [[row[name] for name in names] for row in shown["called"]], right=["lacking"])


def write_report(
    engine: Engine,
    settings: Settings,
    law: Rulebooks,
    as_of: date,
    now: datetime,
    out: Path,
    formats: Sequence[str] = ("csv",),
    known_at: Path | None = None,
) -> tuple[list[ReserveLine], dict[str, Any]]:
    """Seal and sign everything, write the report and its signed manifest into ``out``; the lines and the manifest.

    ``known_at``: the manifest whose blocks to rest on. Raises as ``read_lines`` and ``signed_export.rests_on``.
    """
    signed_export.seal_and_sign(engine, settings, now)
    lines, signed = read_lines(engine, law, as_of, known_at)
    files = {f"reserve-{as_of.isoformat()}.{name}": FORMATS[name](lines) for name in formats}
    shown = manifests.manifest(
        query={"report": "reserve", "as_of": as_of.isoformat()},
        as_of=as_of,
        rulebooks=[
            {"institution": line.code, "files": "; ".join(line.rulebooks), "digest": line.rulebook_digest}
            for line in lines
        ],
        blocks=signed.blocks,
        rows=len(lines),
        sums_fen=reserve_sheet.sums_fen(lines),
        files=files,
        checkpoints=signed.checkpoints,
    )
    for name, content in files.items():
        edge.write_file(out / name, [content])
    signed_export.write_manifest(out / "manifest.json", shown, signed, settings)
    return lines, shown


def read_lines(engine: Engine, law: Rulebooks, as_of: date, known_at: Path | None) -> tuple[list[ReserveLine], Signed]:
    """One moment of the books: a line per institution, and the blocks they rest on.

    Raises BadInput RULE_MISSING or FACT_MISSING where a place's rulebook does not say what it must.
    """
    with snapshot(engine) as conn:
        signed = signed_export.rests_on(conn, known_at)
        known = [one for one in register.read_institutions(conn) if one.institution_id in signed.known]
        books = {one.institution_id: edge.law_of(law, one, as_of)[0] for one in known}
        months = {number: rules.rolling_months(rulebook) for number, rulebook in books.items()}
        figures = report.figures(conn, as_of, signed.known, months)
    lines = []
    for institution in known:
        rulebook = books[institution.institution_id]
        try:
            lines.append(rules.line(institution, figures[institution.institution_id], rulebook))
        except BadInput as fault:
            where = f"{institution.code}, {institution.place} {as_of}"
            raise BadInput(fault.code, where=where, field=fault.field, value=fault.value) from fault
    return lines, signed


def _formats(text: str) -> list[str]:
    """The formats named, each once. Raises BadInput BAD_CHOICE."""
    names = list(dict.fromkeys(text.split(",")))
    for name in names:
        if name not in FORMATS:
            raise BadInput("BAD_CHOICE", where=", ".join(FORMATS), field="--format", value=edge.visible(name))
    return names


def print_lines(lines: list[ReserveLine], out: Path) -> None:
    """The report for people, and where its files are."""
    names = ("institution", "mode", "required", "held", "lacking", "coverage_percent", "claims", "custody")
    rows = [[reserve_sheet.COLUMNS[name](line) for name in names] for line in lines]
    edge.print_table(names, rows, right=names[2:])
    click.echo(f"\n{edge.visible(str(out))}")
