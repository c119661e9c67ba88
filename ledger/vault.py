"""Seal personal fields so that a dump of the database holds no readable name. Keys are passed in.

A token is ``key id (1 byte) | nonce (12) | AES-256-GCM ciphertext and tag``. The additional data is table, column and
row id, so a token moved to another row, column or table does not open. Equal texts give different tokens; look-ups go
through ``index``, a keyed digest that tells nothing without the key.
"""

import hashlib
import hmac
import os
from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ledger.errors import InvariantBroken

_NONCE = 12


@dataclass(frozen=True, slots=True)
class Vault:
    """``keys``: id (0 to 255) -> 32 bytes; new tokens use ``current``, old ones open as long as their key is here."""

    keys: Mapping[int, bytes]
    current: int

    def seal(self, text: str, table: str, column: str, row_id: UUID | int | str) -> bytes:
        """Seal ``text`` for one column of one row."""
        return self.seal_bytes(text.encode(), table, column, row_id)

    def open(self, token: bytes, table: str, column: str, row_id: UUID | int | str) -> str:
        """Open a token of that very column and row. Raises InvariantBroken SEAL_BROKEN: wrong key, row or bytes."""
        return self.open_bytes(token, table, column, row_id).decode()

    def seal_bytes(self, content: bytes, table: str, column: str, row_id: UUID | int | str) -> bytes:
        """The same for the bytes of a file."""
        nonce = os.urandom(_NONCE)
        place = f"{table}|{column}|{row_id}".encode()
        return bytes([self.current]) + nonce + AESGCM(self.keys[self.current]).encrypt(nonce, content, place)

    def open_bytes(self, token: bytes, table: str, column: str, row_id: UUID | int | str) -> bytes:
        """The same for the bytes of a file."""
        place = f"{table}|{column}|{row_id}".encode()
        try:
            return AESGCM(self.keys[token[0]]).decrypt(token[1 : 1 + _NONCE], token[1 + _NONCE :], place)
        except (InvalidTag, KeyError, IndexError, ValueError) as fault:
            raise InvariantBroken("SEAL_BROKEN", f"{table}.{column} of {row_id}") from fault

    def index(self, text: str, purpose: str) -> bytes:
        """32 bytes by which an equal text of the same purpose ("phone", "account") is found again.

        Made with the oldest key, so that look-ups survive a rotation of the sealing key.
        """
        key = hmac.digest(self.keys[min(self.keys)], b"index|" + purpose.encode(), "sha256")
        return hmac.new(key, text.encode(), hashlib.sha256).digest()


def make_signing_key() -> bytes:
    """A new private Ed25519 key, 32 bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_key(private: bytes) -> bytes:
    """The 32 public bytes of a private key."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(private: bytes, words: str) -> bytes:
    """The 64-byte Ed25519 signature over a text."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(words.encode())


def is_signed(public: bytes, words: str, signature: bytes) -> bool:
    """Whether ``signature`` over the text is by the key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, words.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
