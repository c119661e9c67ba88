"""A signed chain without any database: what the formats of proofs and exports are tried on."""

import hashlib
import struct
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from ledger import vault
from ledger.formats import checkpoint as words
from ledger.formats import merkle, record
from ledger.terms.proof import Proof
from ledger.terms.seal import Block, Checkpoint, SigningKey

AT = datetime(2026, 3, 2, 4, 0, 0, 123, tzinfo=UTC)
ENTRY = UUID(int=7)
Column = tuple[int, bytes | None]


def packed(*columns: Column) -> bytes:
    """A record as PostgreSQL sends it."""
    cells = [struct.pack(">ii", kind, -1 if value is None else len(value)) + (value or b"") for kind, value in columns]
    return struct.pack(">i", len(columns)) + b"".join(cells)


REQUEST: list[Column] = [(23, struct.pack(">i", 1001)), (2950, UUID(int=5).bytes), (17, b"\1" * 8), (2950, ENTRY.bytes)]
POSTED: list[Column] = [
    (23, struct.pack(">i", 1001)), (21, struct.pack(">h", 1)), (1082, struct.pack(">i", 9557)), (2950, ENTRY.bytes),
    (1184, struct.pack(">q", 825739200_000123)), (23, struct.pack(">i", -150)), (25, None), (20, None), (2950, None),
    (2950, None), (2950, None), (2950, None), (25, b"deposit"), (25, "行员:li".encode()),
]  # fmt: skip
MOVED: list[Column] = [
    (21, struct.pack(">h", 1)), (20, struct.pack(">q", 100_00)), (25, b"bank"), (25, b"claim"),
    (2950, UUID(int=9).bytes), (2950, None), (2950, UUID(int=8).bytes),
]  # fmt: skip
CONTENT = record.LEAF + packed(*REQUEST) + packed(*POSTED) + packed(*MOVED)
REFUSED = record.LEAF + packed(*REQUEST) + packed((25, b"CLAIM_TOO_SMALL"))


def key_list(privates: list[bytes]) -> tuple[SigningKey, ...]:
    """Each key signed by the one before it."""
    found = []
    for number, private in enumerate(privates, 1):
        public, signer = vault.public_key(private), privates[max(number - 2, 0)]
        found.append(SigningKey(number, public, AT, vault.sign(signer, words.key_statement(number, public, AT))))
    return tuple(found)


def hashed(block: Block) -> Block:
    own = hashlib.sha256(record.block_content(block)).digest()
    return replace(block, hash=own, hash_again=own)


def chain(roots: list[tuple[int, bytes]]) -> list[Block]:
    """Blocks of so many items with these roots, each over the one before."""
    blocks: list[Block] = []
    for number, (count, root) in enumerate(roots, 3):
        before = blocks[-1].hash if blocks else b"\7" * 32
        totals = tuple(range(number, number + 20))
        blocks.append(hashed(Block(1001, "JG1001", number, count, 100 + number, root, before, b"", b"", AT, totals)))
    return blocks


def checkpoint(block: Block, private: bytes, key: int) -> Checkpoint:
    said = words.statement(block, key, AT)
    return Checkpoint(block.institution_id, block.number, key, AT, said, vault.sign(private, said))


def proof(privates: list[bytes], content: bytes = CONTENT, later: int = 2) -> Proof:
    """A proof of the third of five items; its block is followed by ``later`` ones, the last of which is signed."""
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(5)]
    leaves[2] = hashlib.sha256(content).digest()
    blocks = chain([(5, merkle.root(leaves)), *((1, bytes([n]) * 32) for n in range(later))])
    signed = checkpoint(blocks[-1], privates[-1], len(privates))
    return Proof(content, 2, tuple(merkle.path(leaves, 2)), tuple(blocks), signed, key_list(privates))
