"""The proof of one entry as a file: whoever holds it needs no database, nor this program, to check it.

One JSON document in one spelling (keys in order, hexadecimal in small letters), so that not one byte can be changed
unseen. ``scripts/verify_export.py`` checks it with the standard library and openssl.
"""

import hashlib
import json
from datetime import datetime
from typing import Any, Final

from ledger.errors import BadInput
from ledger.formats import checkpoint as words
from ledger.formats import merkle, record
from ledger.terms.proof import Proof
from ledger.terms.seal import Block

FORMAT: Final = "custody proof 1"
# Groups of four digits on a receipt: 160 bits, more than anybody can search for two checkpoints that look alike.
_GROUPS: Final = 10
_RECEIPT: Final = {"en": "Block {} · checkpoint {}", "zh": "第{}区块 · 检查点 {}"}


def as_json(proof: Proof) -> dict[str, Any]:
    """The document; ``entry`` tells in words what the bytes of the leaf say. Raises ValueError for bytes of no leaf."""
    return {
        "format": FORMAT,
        "entry": record.read_leaf(proof.content),
        "leaf": {
            "content": proof.content.hex(),
            "hash": hashlib.sha256(proof.content).hexdigest(),
            "index": proof.index,
            "path": [one.hex() for one in proof.path],
        },
        "blocks": [_block_as_json(block) for block in proof.blocks],
        "checkpoint": {
            "key": proof.checkpoint.key,
            "statement": proof.checkpoint.statement,
            "signature": proof.checkpoint.signature.hex(),
        },
        "keys": [words.key_as_json(key) for key in proof.keys],
    }


def _block_as_json(block: Block) -> dict[str, Any]:
    content = record.block_content(block)
    return {"content": content.hex(), "hash": block.hash.hex(), "says": record.read_block(content)}


def render(proof: Proof) -> bytes:
    """The document as a file."""
    return (json.dumps(as_json(proof), ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def read(content: bytes, name: str) -> Proof:
    """The proof in a file. Raises BadInput PROOF_UNREADABLE for anything ``render`` would not write."""
    try:
        given = json.loads(content)
        of_block, checkpoint = words.read_statement(
            given["checkpoint"]["statement"], bytes.fromhex(given["checkpoint"]["signature"])
        )
        leaf = given["leaf"]
        found = Proof(
            bytes.fromhex(leaf["content"]),
            int(leaf["index"]),
            tuple(bytes.fromhex(one) for one in leaf["path"]),
            tuple(_block_of_json(row, of_block.code) for row in given["blocks"]),
            checkpoint,
            tuple(words.key_of_json(row) for row in given["keys"]),
        )
        if render(found) == content:
            return found
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError) as fault:
        raise BadInput("PROOF_UNREADABLE", where=name) from fault
    raise BadInput("PROOF_UNREADABLE", where=name)


def _block_of_json(row: Any, code: str) -> Block:
    said, block_hash = row["says"], bytes.fromhex(row["hash"])
    return Block(
        int(said["institution"]), code, int(said["block"]), int(said["entries"]), int(said["tree_size"]),
        bytes.fromhex(said["root"]), bytes.fromhex(said["previous"]), block_hash, block_hash,
        datetime.fromisoformat(said["sealed_at"]), tuple(int(fen) for fen in said["totals"]),
    )  # fmt: skip


def fault_of(proof: Proof, is_signed: words.IsSigned) -> str:
    """The first thing in a proof that does not hold; "" when all does.

    Kinds: path_wrong, block_changed, chain_broken, checkpoint_differs, and those of ``checkpoint.fault_of``.
    """
    if not proof.blocks:
        return "block_missing"
    first, last = proof.blocks[0], proof.blocks[-1]
    leaf = hashlib.sha256(proof.content).digest()
    reached = merkle.climb(leaf, proof.index, first.entries, proof.path)
    if not reached or reached != first.root:
        return "path_wrong"
    if record.read_leaf(proof.content)["institution"] != first.institution_id:
        return "path_wrong"
    for block in proof.blocks:
        if hashlib.sha256(record.block_content(block)).digest() != block.hash:
            return "block_changed"
    for before, block in zip(proof.blocks, proof.blocks[1:], strict=False):
        following = (before.institution_id, before.number + 1, before.hash)
        if (block.institution_id, block.number, block.previous) != following:
            return "chain_broken"
    if words.statement(last, proof.checkpoint.key, proof.checkpoint.signed_at) != proof.checkpoint.statement:
        return "checkpoint_differs"
    return words.fault_of([proof.checkpoint], proof.keys, is_signed)


def receipt_line(block: int, statement: str, language: str) -> str:
    """What a parent's receipt says of the books it was written from: the block, and a digest of the signed checkpoint.

    ``language``: "zh" or "en". The digest is the beginning of the statement's SHA-256, in groups of four digits.
    """
    digest = hashlib.sha256(statement.encode()).hexdigest()
    groups = " ".join(digest[4 * n : 4 * n + 4] for n in range(_GROUPS))
    return _RECEIPT[language].format(block, groups)
