"""Seal what waits, and sign what is sealed."""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from ledger import vault
from ledger.books import journal
from ledger.books import seal as book
from ledger.errors import BadInput
from ledger.formats import checkpoint as words
from ledger.terms.seal import Block, Checkpoint, SigningKey

# At most one signature a minute and institution, unless a day is closed.
_BETWEEN = timedelta(minutes=1)


def seal(conn: Connection, institution_id: int, now: datetime, *, wait: bool = False) -> int | None:
    """Seal an institution; the number of its last block, None when another sealer is at work, if not to ``wait``."""
    return journal.seal(conn, institution_id, now, wait=wait)


def sign(conn: Connection, private: bytes, now: datetime, *, at_close: bool = False) -> list[Checkpoint]:
    """Sign the last block of every institution that is not signed yet and whose last signature is a minute old.

    ``at_close``: whatever its age, as at every close and for every export. ``private``: 32 bytes of Ed25519; the first
    key ever used signs itself in.
    Raises BadInput KEY_NOT_LISTED for a key that is not the newest of the list.
    """
    key = _listed(conn, private, now)
    newest = book.newest_checkpoints(conn)
    made = []
    for block in book.last_blocks(conn):
        before = newest.get(block.institution_id)
        due = before is None or at_close or before.signed_at + _BETWEEN <= now
        if due and (before is None or before.block < block.number):
            made.append(_checkpoint(block, key, private, now))
            book.keep_checkpoint(conn, made[-1])
    return made


def rotate(conn: Connection, private: bytes, fresh: bytes, now: datetime) -> SigningKey:
    """Let a new key sign from now on; the key so far signs it in. Raises BadInput KEY_NOT_LISTED."""
    key = _listed(conn, private, now)
    public = vault.public_key(fresh)
    signature = vault.sign(private, words.key_statement(key.number + 1, public, now))
    added = SigningKey(key.number + 1, public, now, signature)
    book.keep_signing_key(conn, added)
    return added


def _listed(conn: Connection, private: bytes, now: datetime) -> SigningKey:
    """The newest key of the list, which must be this one; an empty list begins with it."""
    book.lock_signing(conn)
    public = vault.public_key(private)
    keys = book.signing_keys(conn)
    if not keys:
        first = SigningKey(1, public, now, vault.sign(private, words.key_statement(1, public, now)))
        book.keep_signing_key(conn, first)
        return first
    if keys[-1].public_key != public:
        raise BadInput("KEY_NOT_LISTED", where=f"key {keys[-1].number}")
    return keys[-1]


def _checkpoint(block: Block, key: SigningKey, private: bytes, now: datetime) -> Checkpoint:
    said = words.statement(block, key.number, now)
    return Checkpoint(block.institution_id, block.number, key.number, now, said, vault.sign(private, said))
