"""``custody proof``: show somebody outside that an entry stands in the books."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click

from ledger.books.transaction import snapshot
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer, language
from ledger.cli.postgres import open_books
from ledger.errors import BadInput, Outcome
from ledger.flows import proof as flow
from ledger.formats import proof as document
from ledger.formats import record
from ledger.settings import read_settings


@click.group()
def proof() -> None:
    """Proofs of entries, for receipts, auditors and banks."""


@proof.command()
@click.argument("institution", metavar="INSTITUTION")
@click.argument("entry_text", metavar="ENTRY_ID")
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The file to write.")
@edge.as_json_option
def entry(institution: str, entry_text: str, out: Path, as_json: bool) -> int:
    """Write the proof of one entry or refused request: its bytes, its way to a signed block, signature and keys.

    scripts/verify_export.py FILE checks it anywhere; custody verify --anchor FILE holds the books to it. Exit 1: the
    entry is not sealed yet, or its block is not signed yet.
    """
    try:
        entry_id = UUID(entry_text)
    except ValueError as fault:
        raise BadInput("ENTRY_UNKNOWN", field="ENTRY_ID", value=edge.visible(entry_text)) from fault
    with open_books(read_settings(), writing=False) as engine, snapshot(engine) as conn:
        (named,) = edge.institutions(conn, institution)
        found = flow.prove(conn, named, entry_id)
    if isinstance(found, Outcome):
        edge.say_refusal(f"{named.code} {entry_id}", found)
        answer({"entry": str(entry_id), "code": found.code}, as_json, lambda _: None)
        return REFUSED
    digest = edge.write_file(out, [document.render(found)])
    block = found.blocks[0].number
    shown = {
        "file": edge.visible(str(out)),
        "sha256": digest,
        "institution": named.code,
        "block": block,
        "signed_block": found.checkpoint.block,
        "receipt": document.receipt_line(block, found.checkpoint.statement, language()),
        "says": record.read_leaf(found.content),
    }
    answer(shown, as_json, print_proof)
    return 0


def print_proof(shown: dict[str, Any]) -> None:
    """Where it is, and the line a receipt carries."""
    click.echo(f"{shown['file']}\n{shown['receipt']}")
