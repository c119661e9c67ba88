"""One way to fingerprint plain content: SHA-256 over its canonical JSON."""

import hashlib
import json


def content_digest(content: object) -> str:
    """Hex SHA-256 of JSON-like ``content`` (mappings, sequences, str, int, bool, None), keys sorted, no spaces."""
    canonical = json.dumps(content, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()
