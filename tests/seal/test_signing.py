"""Checkpoints, keys and anchors: what the owner of a database cannot rewrite unseen."""

import os
import random
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from ledger import vault
from ledger.books import seal as book
from ledger.cli import signing
from ledger.errors import BadInput
from ledger.flows import seal, verify
from ledger.formats import checkpoint as words
from ledger.rules import posting
from ledger.settings import NotReady, Settings, read_settings
from ledger.terms.seal import SigningKey
from tests.conftest import Database
from tests.seal import tricks
from tests.seal.conftest import Sealed, triggers_off
from tests.world import CUSTODY, NOW, make_world


def test_at_most_one_signature_a_minute_and_one_at_a_close(fresh_database: Database) -> None:
    world, private = make_world(fresh_database.app), vault.make_signing_key()

    def sign(seconds: int, *, at_close: bool = False) -> int:
        world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
        world.seal()
        with fresh_database.app.begin() as conn:
            return len(seal.sign(conn, private, NOW + timedelta(seconds=seconds), at_close=at_close))

    assert [sign(0), sign(59), sign(60), sign(61), sign(62, at_close=True)] == [1, 0, 1, 0, 1]
    with fresh_database.app.begin() as conn:
        assert seal.sign(conn, private, NOW + timedelta(days=1)) == []  # nothing new
        assert [one.block for one in book.checkpoints(conn)] == [1, 3, 5]
        assert verify.verify(conn).first_fault is None


def test_a_statement_is_checked_by_openssl(sealed: Sealed, tmp_path: Path) -> None:
    with sealed.world.engine.begin() as conn:
        (signed,) = book.checkpoints(conn)
        (key,) = book.signing_keys(conn)
    assert "institution 1001 JG1001\nblock 5\n" in signed.statement
    for name, content in (("words", signed.statement.encode()), ("signature", signed.signature)):
        (tmp_path / name).write_bytes(content)
    (tmp_path / "key").write_bytes(bytes.fromhex("302a300506032b6570032100") + key.public_key)  # RFC 8410
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(tmp_path / "key"), "-rawin",
               "-in", str(tmp_path / "words"), "-sigfile", str(tmp_path / "signature")]  # fmt: skip
    assert subprocess.run(command, capture_output=True, check=False).returncode == 0
    (tmp_path / "words").write_bytes(signed.statement.replace("block 5", "block 6").encode())
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_keys_rotate_and_only_the_newest_signs(fresh_database: Database) -> None:
    world = make_world(fresh_database.app)
    first, second, third = (vault.make_signing_key() for _ in range(3))
    for private, fresh in ((first, second), (second, third)):
        world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
        world.seal()
        world.clock += timedelta(minutes=2)
        with fresh_database.app.begin() as conn:
            assert len(seal.sign(conn, private, world.clock)) == 1
            seal.rotate(conn, private, fresh, world.clock)
    with fresh_database.app.begin() as conn:
        for old in (first, second):
            with pytest.raises(BadInput) as caught:
                seal.sign(conn, old, world.clock)
            assert caught.value.code == "KEY_NOT_LISTED"
        assert [key.number for key in book.signing_keys(conn)] == [1, 2, 3]
        assert verify.verify(conn).first_fault is None
    with fresh_database.owner.connect() as conn:
        for statement, kind in (
            ("UPDATE ledger.signing_key SET public_key = (SELECT public_key FROM ledger.signing_key WHERE key_no = 1)"
             " WHERE key_no = 2", "key_not_signed"),
            ("UPDATE ledger.signing_key SET added_at = added_at + interval '1 us' WHERE key_no = 1", "key_not_signed"),
            ("DELETE FROM ledger.signing_key WHERE key_no = 1", "key_missing"),
            ("UPDATE ledger.checkpoint SET key_no = 3 WHERE block_no = 1", "checkpoint_differs"),
            ("UPDATE ledger.checkpoint SET signature = signature || 'x' WHERE block_no = 2", "signature_wrong"),
        ):  # fmt: skip
            with conn.begin() as transaction:
                triggers_off(conn)
                conn.execute(text(statement))
                fault = verify.verify(conn).faults[0]
                assert fault.kind == kind, statement
                transaction.rollback()


def settings_of(tmp_path: Path) -> Settings:
    os.environ["CUSTODY_ANCHOR_FILE"] = str(tmp_path / "anchors.jsonl")
    os.environ["CUSTODY_SIGNING_KEY_FILE"] = str(tmp_path / "signing-key")
    try:
        return read_settings()
    finally:
        del os.environ["CUSTODY_ANCHOR_FILE"], os.environ["CUSTODY_SIGNING_KEY_FILE"]


def test_history_rewritten_whole_is_found_by_the_signature_and_by_the_anchor(sealed: Sealed, tmp_path: Path) -> None:
    settings = settings_of(tmp_path)
    with sealed.world.engine.connect() as conn:
        signing.anchor(conn, settings)
    with sealed.owner.connect() as conn:
        triggers_off(conn)
        tricks.rewrite(conn, sealed.world, random.Random(0))
        found = verify.verify(conn)
        assert [fault.kind for fault in found.faults] == ["checkpoint_differs"]
        assert not [one.name for one in found.promises if one.violations]
        conn.execute(text("DELETE FROM ledger.checkpoint"))  # and without any signature
        assert verify.verify(conn).first_fault is None
        anchors, keys = signing.read_anchors(settings.anchor_file), signing.read_keys(settings.anchor_file)
        assert [fault.kind for fault in verify.verify(conn, anchors, keys).faults] == ["anchor_differs"]
        with pytest.raises(NotReady):
            signing.refuse_behind(conn, settings)
        conn.rollback()


def test_a_line_that_a_crash_cut_off_is_written_again_and_one_that_was_changed_is_refused(
    sealed: Sealed, tmp_path: Path
) -> None:
    settings = settings_of(tmp_path)
    with sealed.world.engine.connect() as conn:
        assert signing.anchor(conn, settings) == 2  # a key and a checkpoint
        assert signing.anchor(conn, settings) == 0
        whole = settings.anchor_file.read_bytes()
        settings.anchor_file.write_bytes(whole[:-40])
        assert signing.anchor(conn, settings) == 1
        assert settings.anchor_file.read_bytes() == whole
    settings.anchor_file.write_bytes(whole.replace(b'"block"', b'"blocks"'))
    with pytest.raises(BadInput) as caught:
        list(signing.read_lines(settings.anchor_file))
    assert (caught.value.code, str(caught.value.where).endswith(":2")) == ("ANCHOR_UNREADABLE", True)


def test_an_anchored_key_that_changed_is_named(sealed: Sealed) -> None:
    with sealed.world.engine.connect() as conn:
        keys = book.signing_keys(conn)
        line = words.key_line(keys[0]).replace(keys[0].signature.hex(), "00" * 64)
        changed = words.read_anchor_line(line, "anchors:1")
        assert isinstance(changed, SigningKey)
        assert [fault.kind for fault in verify.verify(conn, [], [changed]).faults] == ["key_changed"]
