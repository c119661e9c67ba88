"""What every export does: seal first, rest on signed blocks, name them in its manifest, and sign that.

Three files go with an export: the manifest, ``.sig`` (64 bytes of Ed25519 over the manifest's very bytes) and ``.keys``
(who may sign). ``scripts/verify_export.py`` checks them without this program.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine

from ledger import faults, vault
from ledger.books import register
from ledger.books import seal as book
from ledger.cli import edge, signing
from ledger.cli.seal import sign
from ledger.errors import BadInput
from ledger.flows import seal
from ledger.formats import manifest
from ledger.settings import Settings
from ledger.terms.proof import Signed

# Room for a checkpoint of each of ten thousand institutions.
MANIFEST_BYTES_MAX: Final = 20_000_000


def seal_and_sign(engine: Engine, settings: Settings, now: datetime) -> None:
    """Seal every institution, waiting for other sealers, sign and anchor: all committed before is in signed blocks."""
    with engine.connect() as conn:
        numbers = [one.institution_id for one in register.read_institutions(conn)]
    for number in numbers:
        with engine.begin() as conn:
            seal.seal(conn, number, now, wait=True)
    sign(engine, settings, now, at_close=True)


def rests_on(conn: Connection, known_at: Path | None) -> Signed:
    """The blocks an export rests on: the last signed ones, or those another export's manifest names.

    Raises BadInput BAD_KNOWN_AT, BLOCK_UNKNOWN (a manifest of other books, or of a newer state than these).
    """
    if known_at is None:
        return book.signed_through(conn)
    named = blocks_of(known_at)
    found = book.signed_through(conn, named)
    signed = {(one.institution_id, one.block) for one in found.checkpoints}
    here = zip(found.blocks.items(), found.known.items(), strict=True)
    kept = {code_and_block for code_and_block, place in here if place in signed or not place[1]}
    if lost := named.items() - kept:
        code, block = min(lost)
        raise BadInput("BLOCK_UNKNOWN", where=edge.visible(f"{code} {block}"))
    return found


def blocks_of(path: Path) -> dict[str, int]:
    """The blocks a manifest names, by code. Raises BadInput BAD_KNOWN_AT."""
    content = edge.read_file(path, MANIFEST_BYTES_MAX)
    try:
        return {str(code): int(number) for code, number in json.loads(content)["blocks"].items()}
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise BadInput("BAD_KNOWN_AT", field="--known-at", value=edge.visible(str(path))) from fault


def write_manifest(path: Path, shown: Mapping[str, Any], signed: Signed, settings: Settings) -> None:
    """Write the manifest beside its files, its signature and the list of keys. Last, when the files are there."""
    faults.reach("after_export_files")
    content = manifest.render(shown)
    edge.write_file(path, [content])
    faults.reach("after_manifest")
    edge.write_file(signing.beside(path, "sig"), [vault.sign(signing.private_key(settings), content.decode())])
    edge.write_file(signing.beside(path, "keys"), [manifest.render_keys(signed.keys)])
