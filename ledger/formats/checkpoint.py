"""The words that are signed, and the lines of the anchor file.

A statement is plain text, one fact a line, so that a person can read what a signature is worth and ``openssl`` can
check it. Anchors are JSON lines, only ever appended.
"""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

from ledger.errors import BadInput
from ledger.terms.seal import CLASSES, Anchor, Block, Checkpoint, SigningKey

# public key, words, signature -> whether the signature is by the key
IsSigned = Callable[[bytes, str, bytes], bool]

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


def read_statement(said: str, signature: bytes = b"") -> tuple[Block, Checkpoint]:
    """What a statement says of its block (root and previous are not said), and the checkpoint it is.

    Raises ValueError for words that ``statement`` would not write.
    """
    try:
        named = [line.split(" ") for line in said.split("\n")[1:-1]]
        (_, number, code), *facts = named[:8]
        block_no, entries, block_hash, sealed, signed, key = (value for _, value in facts[:6])
        totals = tuple(int(fen) for _, _, *sides in named[7:] for fen in sides)
        block = Block(
            int(number), code, int(block_no), 0, int(entries), b"", b"", bytes.fromhex(block_hash),
            bytes.fromhex(block_hash), datetime.fromisoformat(sealed), totals,
        )  # fmt: skip
        checkpoint = Checkpoint(int(number), int(block_no), int(key), datetime.fromisoformat(signed), said, signature)
        again = statement(block, checkpoint.key, checkpoint.signed_at)
    except (ValueError, TypeError, AttributeError, OverflowError) as fault:
        raise ValueError("words that are no checkpoint") from fault
    if again != said:
        raise ValueError("words that are no checkpoint")
    return block, checkpoint


def anchor_of(signed: Checkpoint) -> Anchor:
    """What is kept outside of a checkpoint. Raises ValueError as ``read_statement``."""
    block, _ = read_statement(signed.statement)
    return Anchor(block.code, block.number, block.hash, signed.key, signed.signed_at, signed.signature)


def fault_of(signed: Sequence[Checkpoint], keys: Sequence[SigningKey], is_signed: IsSigned) -> str:
    """The first fault of checkpoints and keys that come together from outside; "" when they hold.

    Each key is signed by the one before it, the first by itself. Kinds: key_missing, key_not_signed, key_unknown,
    signature_wrong.
    """
    for number, key in enumerate(keys, 1):
        if key.number != number:
            return "key_missing"
        said = key_statement(key.number, key.public_key, key.added_at)
        if not is_signed(keys[max(number - 2, 0)].public_key, said, key.signature):
            return "key_not_signed"
    for one in signed:
        if not 1 <= one.key <= len(keys):
            return "key_unknown"
        if not is_signed(keys[one.key - 1].public_key, one.statement, one.signature):
            return "signature_wrong"
    return ""


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


def key_as_json(key: SigningKey) -> dict[str, Any]:
    """A key of the list."""
    return {
        "key": key.number, "public": key.public_key.hex(), "added_at": instant(key.added_at),
        "signature": key.signature.hex(),
    }  # fmt: skip


def key_of_json(row: Any) -> SigningKey:
    """The key that ``key_as_json`` made this of. Raises ValueError, TypeError or KeyError."""
    added_at = datetime.fromisoformat(row["added_at"])
    return SigningKey(int(row["key"]), bytes.fromhex(row["public"]), added_at, bytes.fromhex(row["signature"]))


def key_line(key: SigningKey) -> str:
    """A key as one line of the anchor file."""
    return json.dumps(key_as_json(key)) + "\n"


def read_anchor_line(line: str, where: str) -> Anchor | SigningKey:
    """One line of an anchor file. Raises BadInput ANCHOR_UNREADABLE at ``where`` (file and line)."""
    try:
        row = json.loads(line)
        if "public" in row:
            return key_of_json(row)
        return Anchor(
            str(row["institution"]), int(row["block"]), bytes.fromhex(row["hash"]), int(row["key"]),
            datetime.fromisoformat(row["signed_at"]), bytes.fromhex(row["signature"]),
        )  # fmt: skip
    except (ValueError, TypeError, KeyError) as fault:
        raise BadInput("ANCHOR_UNREADABLE", where=where) from fault
