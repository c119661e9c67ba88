"""The list that goes with every export: what was asked, what it rests on, and a digest per file."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any


def manifest(
    query: Mapping[str, Any],
    as_of: date,
    rulebooks: Sequence[Mapping[str, str]],
    blocks: Mapping[str, int],
    rows: int,
    sums_fen: Mapping[str, int],
    files: Mapping[str, bytes],
) -> dict[str, Any]:
    """``blocks``: the last sealed block of each institution that counts. No clock: same export, same manifest."""
    return {
        "query": dict(query),
        "as_of": as_of.isoformat(),
        "rulebooks": [dict(one) for one in rulebooks],
        "blocks": dict(blocks),
        "rows": rows,
        "sums_fen": dict(sums_fen),
        "files": [
            {"name": name, "bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        ],
    }


def render(content: Mapping[str, Any]) -> bytes:
    """The manifest as a file: JSON in UTF-8, its keys in order."""
    return (json.dumps(content, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()
