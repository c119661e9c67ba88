"""The words that are signed, and the lines of the anchor file.

A statement is plain text, one fact a line, so that a person can read what a signature is worth and ``openssl`` can
check it. Anchors are JSON lines, only ever appended.
"""

import json
from datetime import UTC, datetime

from ledger.errors import BadInput
from ledger.terms.seal import CLASSES, Anchor, Block, SigningKey

_TITLE = "custody checkpoint 1"
_KEY_TITLE = "custody signing key 1"


def instant(at: datetime) -> str:
    """An instant to the microsecond, UTC: 2026-03-02T04:00:00.000000Z."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def statement(block: Block, key: int, signed_at: datetime) -> str:
    """What a checkpoint says; amounts in fen."""
    sides = zip(CLASSES, block.totals[::2], block.totals[1::2], strict=True)
    return "\n".join(
        [
            _TITLE,
            f"institution {block.institution_id} {block.code}",
            f"block {block.number}",
            f"entries {block.tree_size}",
            f"hash {block.hash.hex()}",
            f"sealed {instant(block.sealed_at)}",
            f"signed {instant(signed_at)}",
            f"key {key}",
            *(f"total {name.value} {debit} {credit}" for name, debit, credit in sides),
            "",
        ]
    )


def key_statement(number: int, public_key: bytes, added_at: datetime) -> str:
    """What the key before says of a new key."""
    return f"{_KEY_TITLE}\nkey {number}\npublic {public_key.hex()}\nadded {instant(added_at)}\n"


def anchor_line(anchor: Anchor) -> str:
    """A checkpoint as one line of the anchor file."""
    shown = {
        "institution": anchor.institution, "block": anchor.block, "hash": anchor.hash.hex(), "key": anchor.key,
        "signed_at": instant(anchor.signed_at), "signature": anchor.signature.hex(),
    }  # fmt: skip
    return json.dumps(shown) + "\n"


def key_line(key: SigningKey) -> str:
    """A key as one line of the anchor file."""
    shown = {
        "key": key.number, "public": key.public_key.hex(), "added_at": instant(key.added_at),
        "signature": key.signature.hex(),
    }  # fmt: skip
    return json.dumps(shown) + "\n"


def read_anchors(content: str, name: str) -> tuple[list[Anchor], list[SigningKey]]:
    """Anchors and keys of an anchor file, in its order. A last line without an end was cut off by a crash: left out.

    Raises BadInput ANCHOR_UNREADABLE with file and line.
    """
    anchors: list[Anchor] = []
    keys: list[SigningKey] = []
    for number, line in enumerate(content.split("\n")[:-1], 1):
        try:
            row = json.loads(line)
            signature = bytes.fromhex(row["signature"])
            if "public" in row:
                added_at = datetime.fromisoformat(row["added_at"])
                keys.append(SigningKey(int(row["key"]), bytes.fromhex(row["public"]), added_at, signature))
            else:
                signed_at = datetime.fromisoformat(row["signed_at"])
                block_hash = bytes.fromhex(row["hash"])
                anchors.append(
                    Anchor(
                        str(row["institution"]), int(row["block"]), block_hash, int(row["key"]), signed_at, signature
                    )
                )
        except (ValueError, TypeError, KeyError) as fault:
            raise BadInput("ANCHOR_UNREADABLE", where=f"{name}:{number}") from fault
    return anchors, keys
