"""``custody trial-balance``: every account with its sides; debits equal credits."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from ledger.books import seal
from ledger.books.transaction import snapshot
from ledger.cli import edge, signed_export
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput
from ledger.money import yuan
from ledger.reports import trial_balance as report
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.journal import AccountBalance

LATEST = datetime(9999, 1, 1, tzinfo=UTC)


@click.command("trial-balance")
@click.option("--as-of", "as_of_text", metavar="DATE", help="Accounting days up to this one; else all.")
@click.option("--known-at", metavar="INSTANT|MANIFEST", help="What the books knew then, or at a manifest's blocks.")
@click.option("--by-class", is_flag=True, help="One line per class of each fund.")
@edge.as_json_option
def trial_balance(as_of_text: str | None, known_at: str | None, by_class: bool, as_json: bool) -> int:
    """Sum the journal by account; accounts without any movement are left out. Exit 1: debits and credits differ.

    Names the blocks it rests on; the same blocks give the same answer for ever.
    """
    settings = read_settings()
    today = shanghai_day(edge.now(settings))
    as_of = None if as_of_text is None else edge.day_until(as_of_text, "--as-of", today)
    with open_books(settings, writing=False) as engine, snapshot(engine) as conn:
        known = None if known_at is None else _known(conn, known_at)
        found = (report.by_class if by_class else report.trial_balance)(conn, as_of, known)
        last = seal.known_through(conn, LATEST) if known is None else known
        blocks = {one.code: last.get(one.institution_id, 0) for one in edge.institutions(conn, None)}
    shown = {"as_of": None if as_of is None else as_of.isoformat(), "known_at": known_at, "blocks": blocks}
    shown |= balances_as_json(found)
    answer(shown, as_json, print_balances)
    return 0 if shown["debit"] == shown["credit"] else REFUSED


def _known(conn: Connection, given: str) -> dict[int, int]:
    """Blocks by number of the institution: those sealed at or before an instant, or those a manifest names.

    Raises BadInput BAD_KNOWN_AT, BLOCK_UNKNOWN (a manifest of other books, or of a newer state than these).
    """
    try:
        at = datetime.fromisoformat(given)
    except ValueError:
        return _of_manifest(conn, Path(given))
    if at.tzinfo is None:
        raise BadInput("BAD_KNOWN_AT", field="--known-at", value=given)
    return seal.known_through(conn, at)


def _of_manifest(conn: Connection, path: Path) -> dict[int, int]:
    named = signed_export.blocks_of(path)
    known = {one.code: one.institution_id for one in edge.institutions(conn, None)}
    last = seal.known_through(conn, LATEST)
    for code, number in named.items():
        if code not in known or not 0 <= number <= last[known[code]]:
            raise BadInput("BLOCK_UNKNOWN", where=edge.visible(f"{code} {number}"))
    return {known[code]: number for code, number in named.items()}


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
