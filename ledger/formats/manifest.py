"""The list that goes with every export: what was asked, what it rests on, and a digest per file.

It is signed (``manifest.json.sig``: 64 bytes over its very bytes; ``manifest.json.keys``: who may sign) and carries the
signed checkpoint of each institution it covers, so that every export is an anchor of the books as well.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from ledger.errors import BadInput
from ledger.formats import checkpoint as words
from ledger.terms.proof import ExportFile
from ledger.terms.seal import Checkpoint, SigningKey

FORMAT: Final = "custody export 1"
KEYS_FORMAT: Final = "custody keys 1"


def manifest(
    query: Mapping[str, Any],
    as_of: date | None,
    rulebooks: Sequence[Mapping[str, str]],
    blocks: Mapping[str, int],
    rows: int,
    sums_fen: Mapping[str, int],
    files: Mapping[str, bytes | ExportFile],
    checkpoints: Sequence[Checkpoint] = (),
) -> dict[str, Any]:
    """``blocks``: the last signed block of each institution that counts. No clock: same export, same manifest.

    ``rows`` and ``sums_fen`` hold for every table among ``files`` that does not say otherwise; each sum is that of the
    column of its name.
    """
    return {
        "format": FORMAT,
        "query": dict(query),
        "as_of": None if as_of is None else as_of.isoformat(),
        "rulebooks": [dict(one) for one in rulebooks],
        "blocks": dict(blocks),
        "checkpoints": [{"statement": one.statement, "signature": one.signature.hex()} for one in checkpoints],
        "rows": rows,
        "sums_fen": dict(sums_fen),
        "files": [_listed(name, content) for name, content in files.items()],
    }


def _listed(name: str, content: bytes | ExportFile) -> dict[str, Any]:
    if isinstance(content, bytes):
        content = ExportFile(len(content), hashlib.sha256(content).hexdigest())
    shown: dict[str, Any] = {"name": name, "bytes": content.size, "sha256": content.sha256}
    if content.rows is not None:
        shown["rows"] = content.rows
    if content.sums_fen is not None:
        shown["sums_fen"] = dict(content.sums_fen)
    return shown


def render(content: Mapping[str, Any]) -> bytes:
    """The manifest as a file: JSON in UTF-8, its keys in order."""
    return (json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def render_keys(keys: Sequence[SigningKey]) -> bytes:
    """The list of keys as a file."""
    return render({"format": KEYS_FORMAT, "keys": [words.key_as_json(key) for key in keys]})


def read_keys(content: bytes, name: str) -> list[SigningKey]:
    """The keys in a file. Raises BadInput EXPORT_UNREADABLE."""
    try:
        found = [words.key_of_json(row) for row in json.loads(content)["keys"]]
        if render_keys(found) == content:
            return found
    except (ValueError, TypeError, KeyError, RecursionError) as fault:
        raise BadInput("EXPORT_UNREADABLE", where=name) from fault
    raise BadInput("EXPORT_UNREADABLE", where=name)


def read_checkpoints(content: bytes, name: str) -> list[Checkpoint]:
    """The checkpoints in a manifest. Raises BadInput EXPORT_UNREADABLE."""
    try:
        given = json.loads(content.decode())
        rows = given["checkpoints"]
        found = [words.read_statement(row["statement"], bytes.fromhex(row["signature"])) for row in rows]
        named = {block.code: block.number for block, _ in found}
        if given["format"] == FORMAT and named.items() <= given["blocks"].items():
            return [checkpoint for _, checkpoint in found]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
        raise BadInput("EXPORT_UNREADABLE", where=name) from fault
    raise BadInput("EXPORT_UNREADABLE", where=name)


def fault_of(
    content: bytes,
    signature: bytes,
    checkpoints: Sequence[Checkpoint],
    keys: Sequence[SigningKey],
    is_signed: words.IsSigned,
) -> str:
    """The first thing in a manifest that does not hold by itself, "" when all does: its files are not looked at.

    Kinds: those of ``checkpoint.fault_of``.
    """
    fault = words.fault_of(checkpoints, keys, is_signed)
    if fault:
        return fault
    signed = any(is_signed(key.public_key, content.decode(), signature) for key in keys)
    return "" if signed else "signature_wrong"
