"""What is sealed: blocks, checkpoints that are signed, keys that sign, and anchors kept outside the database."""

from dataclasses import dataclass
from datetime import datetime

from ledger.terms.journal import AccountClass

# The order in which a block's totals stand: that of the classes in the database.
CLASSES = (
    AccountClass.BANK,
    AccountClass.DUE,
    AccountClass.CLAIM,
    AccountClass.REFUND_DUE,
    AccountClass.PAYABLE,
    AccountClass.IN_TRANSIT,
    AccountClass.SUSPENSE,
    AccountClass.RESERVE,
    AccountClass.INTEREST,
    AccountClass.DIFFERENCE,
)


@dataclass(frozen=True, slots=True)
class Block:
    """One sealed block of an institution. ``totals``: debit and credit so far of each class, in fen, as ``CLASSES``.

    ``tree_size``: sealed items so far, this block's included; ``hash_again``: the hash reckoned from the row as it is.
    """

    institution_id: int
    code: str
    number: int
    entries: int
    tree_size: int
    root: bytes
    previous: bytes
    hash: bytes
    hash_again: bytes
    sealed_at: datetime
    totals: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SealedLeaves:
    """A part of a block hashed anew: up to 1,024 leaves of 32 bytes in one string; all but the last of a block are
    whole subtrees.

    ``missing``, ``changed``: entry id of the first item that is gone, and of the first that is not what was sealed.
    """

    block: int
    leaves: bytes
    missing: str | None
    changed: str | None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key whose signatures count. ``signature``: by the key before it (the first: by itself)."""

    number: int
    public_key: bytes
    added_at: datetime
    signature: bytes


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A block as it was signed. ``statement``: the words signed (``ledger.formats.checkpoint``)."""

    institution_id: int
    block: int
    key: int
    signed_at: datetime
    statement: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Anchor:
    """What the anchor file remembers of a checkpoint, whatever becomes of the database."""

    institution: str
    block: int
    hash: bytes
    key: int
    signed_at: datetime
    signature: bytes


@dataclass(frozen=True, slots=True)
class Fault:
    """What verifying found first: ``kind`` is a stable word, ``where`` names the place."""

    kind: str
    where: str
