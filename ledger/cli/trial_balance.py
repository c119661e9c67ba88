"""``custody trial-balance``: every account with its sides; debits equal credits."""

from collections.abc import Sequence
from typing import Any

import click

from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.money import yuan
from ledger.reports import trial_balance as report
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.journal import AccountBalance


@click.command("trial-balance")
@click.option("--as-of", "as_of_text", metavar="DATE", help="Accounting days up to this one; else all.")
@edge.as_json_option
def trial_balance(as_of_text: str | None, as_json: bool) -> int:
    """Sum the journal by account; accounts without any movement are left out. Exit 1: debits and credits differ."""
    settings = read_settings()
    today = shanghai_day(edge.now(settings))
    as_of = None if as_of_text is None else edge.day_until(as_of_text, "--as-of", today)
    with open_books(settings) as engine, engine.connect() as conn:
        found = report.trial_balance(conn, as_of)
    shown = balances_as_json(found)
    answer({"as_of": None if as_of is None else as_of.isoformat(), **shown}, as_json, print_balances)
    return 0 if shown["debit"] == shown["credit"] else REFUSED


def balances_as_json(found: Sequence[AccountBalance]) -> dict[str, Any]:
    """Accounts in yuan (``balance`` is debit positive) and the sums of both sides."""
    return {
        "accounts": [
            {
                "account": one.account,
                "debit": yuan(one.debit_fen),
                "credit": yuan(one.credit_fen),
                "balance": yuan(one.balance_fen),
            }
            for one in found
        ],
        "debit": yuan(sum(one.debit_fen for one in found)),
        "credit": yuan(sum(one.credit_fen for one in found)),
    }


def print_balances(shown: dict[str, Any]) -> None:
    """One line per account, amounts flush right, the sums below."""
    columns = ("account", "debit", "credit", "balance")
    rows = [[one[name] for name in columns] for one in shown["accounts"]]
    edge.print_table(columns, [*rows, ["all", shown["debit"], shown["credit"], ""]], right=columns[1:])
