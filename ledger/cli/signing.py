"""The signing key and the anchor file: what this edge keeps outside the database.

The anchor file is written and synced after the commit that stored a signature, never before. What a crash between the
two left out is written by the next run. A database that is behind its anchor file may be read, but not written.
"""

import fcntl
import os
import re
import secrets
import stat
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import count
from pathlib import Path

from sqlalchemy import Connection

from ledger import faults, vault
from ledger.books import seal
from ledger.cli import edge
from ledger.errors import BadInput
from ledger.flows import verify
from ledger.formats import checkpoint as words
from ledger.formats import manifest
from ledger.formats import proof as proofs
from ledger.settings import NotReady, Settings
from ledger.terms.seal import Anchor, SigningKey

# Room for a checkpoint of a thousand institutions every day of three years.
_ANCHOR_BYTES_MAX = 500_000_000
_LINE_BYTES_MAX = 10_000
_KEY = re.compile("[0-9a-f]{64}")


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


def current_key(conn: Connection, settings: Settings) -> bytes:
    """The key that signs, as ``private_key``. A rotation cut off once the books listed the new key is ended here."""
    private, listed = private_key(settings), seal.signing_keys(conn)
    if not listed or vault.public_key(private) == listed[-1].public_key:
        return private
    file = settings.signing_key_file
    for staged in file.parent.glob(f".{file.name}-*"):
        words_of_key = staged.read_text(encoding="ascii", errors="replace").strip()
        if _KEY.fullmatch(words_of_key) and vault.public_key(bytes.fromhex(words_of_key)) == listed[-1].public_key:
            staged.replace(file)
            return bytes.fromhex(words_of_key)
    return private  # whoever signs with it is told KEY_NOT_LISTED


def read_lines(path: Path) -> Iterator[Anchor | SigningKey]:
    """Anchors and keys of an anchor file one by one; none where there is no file yet.

    A last line without an end was cut off by a crash: left out, the database still has what it said. Raises BadInput
    ANCHOR_UNREADABLE with file and line, FILE_UNREADABLE.
    """
    shown = edge.visible(str(path))
    try:
        if not path.exists():
            return
        with path.open("rb") as file:
            for number in count(1):
                line = file.readline(_LINE_BYTES_MAX)
                if not line.endswith(b"\n") and len(line) < _LINE_BYTES_MAX:
                    return
                yield words.read_anchor_line(line.decode("utf-8", "replace"), f"{shown}:{number}")
    except OSError as fault:
        raise BadInput("FILE_UNREADABLE", where=shown, value=fault.strerror) from fault


def read_anchors(path: Path) -> Iterator[Anchor]:
    """The anchors of an anchor file, as ``read_lines``."""
    return (one for one in read_lines(path) if isinstance(one, Anchor))


def read_keys(path: Path) -> list[SigningKey]:
    """The keys of an anchor file, as ``read_lines``."""
    return [one for one in read_lines(path) if isinstance(one, SigningKey)]


def read_outside(path: Path) -> tuple[Iterable[Anchor], list[SigningKey]]:
    """Anchors and keys of whatever somebody kept: an anchor file, an export (its folder or manifest) or a proof.

    Raises BadInput FILE_UNREADABLE, ANCHOR_UNREADABLE, EXPORT_UNREADABLE, PROOF_UNREADABLE, and ANCHOR_NOT_SIGNED for
    an export or a proof that does not hold by itself: it says nothing about these books.
    """
    path = path / "manifest.json" if path.is_dir() else path
    shown = edge.visible(str(path))
    with BytesIO(edge.read_file(path, _ANCHOR_BYTES_MAX)) as file:
        if file.read(2) != b"{\n":  # the lines of an anchor file are objects of one line each
            return read_anchors(path), read_keys(path)
        content = file.getvalue()
    if f'"format": "{proofs.FORMAT}"'.encode() in content:
        proof = proofs.read(content, shown)
        signed, keys, fault = [proof.checkpoint], list(proof.keys), proofs.fault_of(proof, vault.is_signed)
    else:
        signed = manifest.read_checkpoints(content, shown)
        keys = manifest.read_keys(edge.read_file(beside(path, "keys"), _ANCHOR_BYTES_MAX), shown)
        signature = edge.read_file(beside(path, "sig"), _ANCHOR_BYTES_MAX)
        fault = manifest.fault_of(content, signature, signed, keys, vault.is_signed)
    if fault:
        raise BadInput("ANCHOR_NOT_SIGNED", where=shown, value=fault)
    return [words.anchor_of(one) for one in signed], keys


def beside(path: Path, ending: str) -> Path:
    """The file that goes with a manifest: its signature ("sig") or the list of keys ("keys")."""
    return path.with_name(f"{path.name}.{ending}")


def refuse_behind(conn: Connection, settings: Settings) -> None:
    """Refuse to write to a database that is behind its anchors. Raises NotReady DATABASE_BEHIND_ANCHOR."""
    for fault in verify.behind(conn, newest_anchors(settings.anchor_file).values()):
        if fault.kind == "checkpoint_missing":
            continue  # the books are not behind: `custody verify` names it
        raise NotReady("DATABASE_BEHIND_ANCHOR", f"{fault.where} ({settings.anchor_file})")


def newest_anchors(path: Path) -> dict[str, Anchor]:
    """The anchor of the highest block of each institution, by its code."""
    newest: dict[str, Anchor] = {}
    for one in read_anchors(path):
        if one.institution not in newest or newest[one.institution].block < one.block:
            newest[one.institution] = one
    return newest


def anchor(conn: Connection, settings: Settings) -> int:
    """Append every committed checkpoint and key that the file does not have, and sync it; how many lines.

    ``conn`` sees what is committed: call it after the commit that stored a signature, never before.
    """
    have = {key.number for key in read_keys(settings.anchor_file)}
    newest = {code: one.block for code, one in newest_anchors(settings.anchor_file).items()}
    lines = [words.key_line(key) for key in seal.signing_keys(conn) if key.number not in have]
    lines += [words.anchor_line(words.anchor_of(signed)) for signed in seal.checkpoints_after(conn, newest)]
    if lines:
        _append(settings.anchor_file, "".join(lines))
    return len(lines)


def _append(path: Path, lines: str) -> None:
    """Append and sync. A line that a crash cut off is taken away first: the database still has what it said."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with open(path, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)  # two sealers at once: neither takes the other's half line for a crash
            file.seek(0)
            whole = file.read().rfind(b"\n") + 1
            file.truncate(whole)
            file.write(lines.encode())
            file.flush()
            faults.reach("before_anchor_sync")
            os.fsync(file.fileno())
    except OSError as fault:
        raise NotReady("ANCHOR_NOT_WRITABLE", f"{path}: {fault.strerror}") from fault
