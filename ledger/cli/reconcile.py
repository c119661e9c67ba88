"""``custody reconcile``: an account's day: bank against books, items against accounts, and the open breaks."""

from pathlib import Path
from typing import Any

import click

from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.flows import reconcile as flow
from ledger.money import yuan
from ledger.rules import reconcile as rules
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.institution import Institution
from ledger.terms.journal import DEBIT_NORMAL
from ledger.terms.reconcile import Ageing, Break, DayFigures


@click.command()
@click.option("--account", required=True, metavar="A", help="The bank account's number.")
@click.option("--on", "on_text", metavar="DATE", help="The legal day, YYYY-MM-DD; else today.")
@edge.rulebook_option
@edge.as_json_option
def reconcile(account: str, on_text: str | None, rulebook_dir: Path | None, as_json: bool) -> int:
    """Three-way figures of an account at the end of a day. Exit 1: bank and books differ, or there is no statement.

    What the institution must still bring in for a family is named as a break, once per amount.
    """
    settings = read_settings()
    now = edge.now(settings)
    on = edge.day_until(on_text, "--on", shanghai_day(now))
    law = edge.load_law(rulebook_dir)
    with open_books(settings) as engine, engine.begin() as conn:
        fund = edge.fund_of_account(conn, account, "--account")
        institution = next(one for one in edge.institutions(conn, None) if one.institution_id == fund.institution_id)
        calendar = law.calendar(institution.place)
        figures = flow.day(conn, fund, on, calendar, now)
        ages = flow.ageing(conn, fund, figures, calendar)
    answer(figures_as_json(institution, figures) | {"ageing": [_ageing(one) for one in ages]}, as_json, _print)
    return 0 if figures.explained else REFUSED


def _ageing(one: Ageing) -> dict[str, Any]:
    """Open items of a kind by age in bank days, counted and in yuan."""
    cells = zip(rules.BUCKETS, one.counts, one.amounts_fen, strict=True)
    return {
        "kind": one.kind,
        "ages": {name: {"count": count, "amount": yuan(fen)} for name, count, fen in cells},
        "overdue": one.overdue,
        "oldest_on": one.oldest_on.isoformat(),
    }


def _print(shown: dict[str, Any]) -> None:
    print_figures(shown)
    if shown["ageing"]:
        click.echo()
        names = list(rules.BUCKETS)
        rows = [[one["kind"], *[f"{cell['count']} / {cell['amount']}" if cell["count"] else "" for cell in
                one["ages"].values()], str(one["overdue"]), one["oldest_on"]] for one in shown["ageing"]]  # fmt: skip
        edge.print_table(["open by bank days", *names, "overdue", "oldest"], rows, right=[*names, "overdue"])


def figures_as_json(institution: Institution, figures: DayFigures) -> dict[str, Any]:
    """The day's figures in yuan. ``accounts``: each class on its normal side; bank and due equal all others."""
    return {
        "account": figures.account_no,
        "institution": institution.code,
        "on": figures.on.isoformat(),
        "statement_id": figures.statement_id,
        "bank": None if figures.bank_fen is None else yuan(figures.bank_fen),
        "books": yuan(figures.book_fen),
        "difference": None if figures.difference_fen is None else yuan(figures.difference_fen),
        "explained": figures.explained,
        "accounts": {name: yuan(fen) for name, fen in sorted(figures.classes.items())},
        "items": {name: yuan(fen) for name, fen in sorted(figures.items_fen.items())},
        "breaks": [break_as_json(one) for one in figures.breaks],
    }


def break_as_json(one: Break) -> dict[str, Any]:
    """An open break; ``contract`` where it is about one."""
    return {
        "break_id": str(one.break_id),
        "kind": one.kind,
        "amount": yuan(one.amount_fen),
        "owner": one.owner,
        "reason": one.reason,
        "opened_on": one.opened_on.isoformat(),
        "due_on": one.due_on.isoformat(),
        "contract": one.contract_no,
    }


def print_figures(shown: dict[str, Any]) -> None:
    """Bank, books and difference; then what the cash stands for; then the breaks."""
    statement = shown["statement_id"] or "no statement"
    rows = [["bank", shown["bank"] or "-", statement], ["books", shown["books"], ""]]
    rows.append(["difference", shown["difference"] or "-", "explained" if shown["explained"] else "NOT explained"])
    edge.print_table([f"{shown['institution']} {shown['account']} {shown['on']}", "yuan", ""], rows, right=["yuan"])
    click.echo()
    parts = [[name, fen if name in DEBIT_NORMAL else "", "" if name in DEBIT_NORMAL else fen]
             for name, fen in shown["accounts"].items()]  # fmt: skip
    edge.print_table(["account", "debit", "credit"], parts, right=["debit", "credit"])
    if shown["breaks"]:
        click.echo()
        columns = ("kind", "amount", "owner", "contract", "opened_on", "due_on", "reason")
        edge.print_table(columns, [[one[name] for name in columns] for one in shown["breaks"]], right=["amount"])
