"""``custody export``: the books in other programs' words."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from ledger.books.transaction import snapshot
from ledger.cli import edge
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.formats import beancount as format_
from ledger.reports import journal
from ledger.settings import read_settings

TITLE = "Prepaid fee custody and refund ledger"


@click.group()
def export() -> None:
    """The books for other programs."""


@export.command()
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The file to write.")
@edge.as_json_option
def beancount(out: Path, as_json: bool) -> int:
    """Write the whole journal as Beancount text, as of one moment and in constant memory."""
    counts = {"accounts": 0, "entries": 0}
    with open_books(read_settings(), writing=False) as engine, snapshot(engine) as conn:
        digest = edge.write_file(out, _pieces(conn, counts))
    answer({"file": edge.visible(str(out)), "sha256": digest, **counts}, as_json, print_export)
    return 0


def _pieces(conn: Connection, counts: dict[str, int]) -> Iterator[bytes]:
    """The file piece by piece, counting what goes into it."""
    yield format_.header(TITLE).encode()
    for account, first_on in journal.accounts(conn):
        counts["accounts"] += 1
        yield format_.open_account(account, first_on).encode()
    for entry in journal.entries(conn):
        counts["entries"] += 1
        yield format_.transaction(entry).encode()


def print_export(shown: dict[str, Any]) -> None:
    """What was written, with the file's digest."""
    click.echo(f"{shown['file']}: {shown['entries']} entries on {shown['accounts']} accounts\nsha256 {shown['sha256']}")
