"""``custody account``: one account, line by line."""

from typing import Any
from uuid import UUID

import click

from ledger.books import seal as book
from ledger.books.transaction import snapshot
from ledger.cli import edge
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput
from ledger.flows import seal as flow
from ledger.money import yuan
from ledger.reports import account as report
from ledger.reports.account import Line, Place
from ledger.settings import read_settings

PAGE = 50


@click.group()
def account() -> None:
    """One account of the books."""


@account.command()
@click.argument("name", metavar="ACCOUNT")
@click.option("--after", metavar="CURSOR", help="Go on after this place, as the page before named it.")
@click.option("--limit", type=click.IntRange(1, 1000), default=PAGE, show_default=True)
@edge.as_json_option
def statement(name: str, after: str | None, limit: int, as_json: bool) -> int:
    """The statement of an account with its running balance, a page at a time; seals first.

    Lines stand in the order of the books, so a page that was read once never changes. ACCOUNT as the trial balance
    names it.
    """
    settings = read_settings()
    now = edge.now(settings)
    with open_books(settings) as engine:
        with engine.connect() as conn:
            found = report.find(conn, name)
        if found is None:
            raise BadInput("ACCOUNT_UNKNOWN", value=edge.visible(name))
        with engine.begin() as conn:
            flow.seal(conn, found.institution_id, now)
        with snapshot(engine) as conn:
            lines = report.statement(conn, found, _place(after), limit)
            blocks = {one.code: one.number for one in book.last_blocks(conn, found.institution_id)}
    shown = {
        "account": name,
        "blocks": blocks,
        "lines": [_line(line) for line in lines],
        "next": _cursor(lines[-1].place) if len(lines) == limit else None,
    }
    answer(shown, as_json, print_statement)
    return 0


def _place(cursor: str | None) -> Place:
    """A cursor as ``_cursor`` writes it. Raises BadInput BAD_IDENTIFIER."""
    if cursor is None:
        return Place()
    try:
        block, entry, line = cursor.split("/")
        return Place(int(block), UUID(entry), int(line))
    except ValueError as fault:
        raise BadInput("BAD_IDENTIFIER", field="--after", value=edge.visible(cursor)) from fault


def _cursor(place: Place) -> str:
    return f"{place.block}/{place.entry_id}/{place.line}"


def _line(line: Line) -> dict[str, Any]:
    return {
        "block": line.place.block,
        "entry": str(line.place.entry_id),
        "effective_on": line.effective_on.isoformat(),
        "recorded_at": line.recorded_at.isoformat(),
        "kind": line.kind,
        "debit": yuan(line.debit_fen),
        "credit": yuan(line.credit_fen),
        "balance": yuan(line.balance_fen),
    }


def print_statement(shown: dict[str, Any]) -> None:
    """One line per side, amounts flush right; where it goes on below."""
    columns = ("block", "effective_on", "kind", "debit", "credit", "balance")
    edge.print_table(columns, [[one[name] for name in columns] for one in shown["lines"]], right=columns[3:])
    if shown["next"]:
        click.echo(f"--after {shown['next']}")
