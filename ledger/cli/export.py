"""``custody export``: the books in other programs' words."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from ledger.books.transaction import snapshot
from ledger.cli import edge, signed_export
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.formats import beancount as format_
from ledger.formats import manifest as manifests
from ledger.reports import journal
from ledger.settings import read_settings
from ledger.terms.proof import ExportFile

TITLE = "Prepaid fee custody and refund ledger"


@click.group()
def export() -> None:
    """The books for other programs."""


@export.command()
@click.option("--out", required=True, metavar="FILE", type=click.Path(path_type=Path), help="The file to write.")
@edge.known_at_option
@edge.as_json_option
def beancount(out: Path, known_at: Path | None, as_json: bool) -> int:
    """Seal, then write the whole journal as Beancount text, as of one moment and in constant memory.

    FILE.manifest.json names the blocks it rests on and is signed. The same blocks give the same bytes.
    """
    settings = read_settings()
    counts = {"accounts": 0, "entries": 0, "bytes": 0, "moved_fen": 0}
    with open_books(settings) as engine:
        signed_export.seal_and_sign(engine, settings, edge.now(settings))
        with snapshot(engine) as conn:
            signed = signed_export.rests_on(conn, known_at)
            digest = edge.write_file(out, _pieces(conn, signed.known, counts))
    shown = manifests.manifest(
        query={"export": "beancount"},
        as_of=None,
        rulebooks=[],
        blocks=signed.blocks,
        rows=counts["entries"],
        sums_fen={"moved": counts["moved_fen"]},
        files={out.name: ExportFile(counts["bytes"], digest)},
        checkpoints=signed.checkpoints,
    )
    manifest = out.with_name(f"{out.name}.manifest.json")
    signed_export.write_manifest(manifest, shown, signed, settings)
    found = {"file": edge.visible(str(out)), "sha256": digest, **counts}
    answer({**found, "manifest": edge.visible(str(manifest)), "blocks": signed.blocks}, as_json, print_export)
    return 0


def _pieces(conn: Connection, known: Mapping[int, int], counts: dict[str, int]) -> Iterator[bytes]:
    """The file piece by piece, counting what goes into it."""
    for piece in _texts(conn, known, counts):
        content = piece.encode()
        counts["bytes"] += len(content)
        yield content


def _texts(conn: Connection, known: Mapping[int, int], counts: dict[str, int]) -> Iterator[str]:
    yield format_.header(TITLE)
    for account, first_on in journal.accounts(conn, known):
        counts["accounts"] += 1
        yield format_.open_account(account, first_on)
    for entry in journal.entries(conn, known):
        counts["entries"] += 1
        counts["moved_fen"] += sum(moved.amount_fen for moved in entry.transfers)
        yield format_.transaction(entry)


def print_export(shown: dict[str, Any]) -> None:
    """What was written, with the file's digest."""
    click.echo(f"{shown['file']}: {shown['entries']} entries on {shown['accounts']} accounts\nsha256 {shown['sha256']}")
