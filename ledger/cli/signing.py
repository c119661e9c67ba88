"""The signing key and the anchor file: what this edge keeps outside the database.

The anchor file is written and synced after the commit that stored a signature, never before. What a crash between the
two left out is written by the next run. A database that is behind its anchor file may be read, but not written.
"""

import os
import secrets
import stat
from pathlib import Path

from sqlalchemy import Connection

from ledger import vault
from ledger.books import seal
from ledger.cli import edge
from ledger.flows import verify
from ledger.formats import checkpoint as words
from ledger.settings import NotReady, Settings
from ledger.terms.seal import Anchor, Checkpoint, SigningKey

# Room for a checkpoint of a thousand institutions every day of three years.
_ANCHOR_BYTES_MAX = 500_000_000


def private_key(settings: Settings) -> bytes:
    """The key that signs, 32 bytes; made on first use for its owner alone. Raises NotReady SIGNING_KEY_UNREADABLE."""
    path = settings.signing_key_file
    if not path.exists():
        edge.write_file(path, [vault.make_signing_key().hex().encode() + b"\n"], mode=0o600)
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise NotReady("KEY_FILE_OPEN", f"{path}")
    try:
        found = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as fault:
        raise NotReady("SIGNING_KEY_UNREADABLE", f"{path}") from fault
    if len(found) != 32:
        raise NotReady("SIGNING_KEY_UNREADABLE", f"{path}")
    return found


def stage_key(settings: Settings) -> tuple[bytes, Path]:
    """A new key beside the old one: it takes the old one's place once the books list it."""
    fresh = vault.make_signing_key()
    path = settings.signing_key_file.with_name(f".{settings.signing_key_file.name}-{secrets.token_hex(4)}")
    edge.write_file(path, [fresh.hex().encode() + b"\n"], mode=0o600)
    return fresh, path


def read_file(path: Path, *, required: bool = False) -> tuple[list[Anchor], list[SigningKey]]:
    """Anchors and keys of an anchor file; none where there is no file yet. Raises BadInput ANCHOR_UNREADABLE."""
    if not path.exists() and not required:
        return [], []
    return words.read_anchors(
        edge.read_file(path, _ANCHOR_BYTES_MAX).decode("utf-8", "replace"), edge.visible(str(path))
    )


def refuse_behind(conn: Connection, settings: Settings) -> None:
    """Refuse to write to a database that is behind its anchors. Raises NotReady DATABASE_BEHIND_ANCHOR."""
    anchors, _ = read_file(settings.anchor_file)
    newest = {anchor.institution: anchor for anchor in anchors}
    for fault in verify.behind(conn, list(newest.values())):
        if fault.kind == "checkpoint_missing":
            continue  # the books are not behind: `custody verify` names it
        raise NotReady("DATABASE_BEHIND_ANCHOR", f"{fault.where} ({settings.anchor_file})")


def anchor(conn: Connection, settings: Settings) -> int:
    """Append every committed checkpoint and key that the file does not have, and sync it; how many lines."""
    anchors, keys = read_file(settings.anchor_file)
    have, have_keys = {(one.institution, one.block) for one in anchors}, {key.number for key in keys}
    codes = {block.institution_id: block.code for block in seal.last_blocks(conn)}
    lines = [words.key_line(key) for key in seal.signing_keys(conn) if key.number not in have_keys]
    for signed in seal.checkpoints(conn):
        if (codes[signed.institution_id], signed.block) not in have:
            lines.append(words.anchor_line(_anchor(codes[signed.institution_id], signed)))
    if lines:
        _append(settings.anchor_file, "".join(lines))
    return len(lines)


def _anchor(code: str, signed: Checkpoint) -> Anchor:
    block_hash = next(line for line in signed.statement.splitlines() if line.startswith("hash "))[5:]
    return Anchor(code, signed.block, bytes.fromhex(block_hash), signed.key, signed.signed_at, signed.signature)


def _append(path: Path, lines: str) -> None:
    """Append and sync. A line that a crash cut off is taken away first: the database still has what it said."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "a+b") as file:
            file.seek(0)
            whole = file.read().rfind(b"\n") + 1
            file.truncate(whole)
            file.write(lines.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as fault:
        raise NotReady("ANCHOR_NOT_WRITABLE", f"{path}: {fault.strerror}") from fault
