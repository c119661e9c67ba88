"""One way to fingerprint plain content: SHA-256 over its canonical JSON."""

import hashlib
import json
from collections.abc import Sequence
from typing import Final

_BETWEEN: Final = "\x1f"  # ASCII unit separator


def content_digest(content: object) -> str:
    """Hex SHA-256 of JSON-like ``content`` (mappings, sequences, str, int, bool, None), keys sorted, no spaces."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()


def text_digest(parts: Sequence[str]) -> str:
    """Hex SHA-256 of texts in order. Raises ValueError where one holds the separator: two lists could read the same."""
    joined = _BETWEEN.join(parts)
    if joined.count(_BETWEEN) != len(parts) - 1:
        raise ValueError("a text with a unit separator in it")
    return hashlib.sha256(joined.encode()).hexdigest()
