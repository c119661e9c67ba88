"""What somebody outside holds of the books: the proof of one entry, the files of an export, the line on a receipt."""

from collections.abc import Mapping
from dataclasses import dataclass

from ledger.terms.seal import Block, Checkpoint, SigningKey


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that one answered request stands in the books, whatever becomes of them.

    ``content``: the bytes its leaf is the hash of; ``index``: its place in its block, from 0; ``path``: the neighbours
    on its way to the block's root; ``blocks``: from the block it lies in to the signed one; ``keys``: oldest first.
    """

    content: bytes
    index: int
    path: tuple[bytes, ...]
    blocks: tuple[Block, ...]
    checkpoint: Checkpoint
    keys: tuple[SigningKey, ...]


@dataclass(frozen=True, slots=True)
class ExportFile:
    """A file of an export. ``rows`` and ``sums_fen`` (column -> sum): of a table whose own are not the export's."""

    size: int
    sha256: str
    rows: int | None = None
    sums_fen: Mapping[str, int] | None = None


@dataclass(frozen=True, slots=True)
class Signed:
    """What an export rests on: the last signed block of each institution, by number and by code, and who may sign."""

    known: Mapping[int, int]
    blocks: Mapping[str, int]
    checkpoints: tuple[Checkpoint, ...]
    keys: tuple[SigningKey, ...]
