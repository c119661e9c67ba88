"""The proof of one entry: for every sealed request, checked inside and by somebody outside, and for no other."""

import ast
import base64
import os
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, text

from ledger import vault
from ledger.books import journal
from ledger.books import seal as book
from ledger.books.transaction import snapshot
from ledger.cli import signing
from ledger.errors import BadInput, InvariantBroken, Outcome
from ledger.flows import proof as flow
from ledger.flows import seal, verify
from ledger.formats import proof as document
from ledger.formats import record
from ledger.rules import posting
from ledger.terms.institution import Institution
from ledger.terms.proof import Proof
from ledger.terms.seal import Anchor
from tests.conftest import Database
from tests.seal.conftest import Sealed
from tests.seal.outsider import SCRIPT, fault, turned, verify_export
from tests.world import CUSTODY, World, make_world

SCHOOL = Institution(1001, "JG1001", "school", "110000", "", "non_academic", "both", "office", "010")
POSITIONS = 300 if os.environ.get("CUSTODY_TEST_FULL") == "1" else 15


def entries(conn: Connection) -> list[UUID]:
    return list(conn.execute(text("SELECT entry_id FROM ledger.block_item ORDER BY 1")).scalars())


def proved(conn: Connection, entry_id: UUID) -> Proof:
    found = flow.prove(conn, SCHOOL, entry_id)
    assert isinstance(found, Proof), found
    return found


def test_every_sealed_request_is_proved_up_to_the_signed_block(sealed: Sealed) -> None:
    refused = 0
    with snapshot(sealed.world.engine) as conn:
        for entry_id in entries(conn):
            proof = proved(conn, entry_id)
            said = record.read_leaf(proof.content)
            assert document.read(document.render(proof), "p") == proof
            assert UUID(said["entry"]) == entry_id
            assert [block.number for block in proof.blocks] == list(range(proof.blocks[0].number, 6))
            refused += "refused" in said
            moved = conn.execute(
                text("SELECT sum(amount_fen)::bigint FROM ledger.transfer WHERE entry_id = :e"), {"e": entry_id}
            ).scalar()
            assert sum(one["fen"] for one in said.get("transfers", [])) == (moved or 0)
    assert refused == 1


@pytest.fixture
def world(fresh_database: Database) -> World:
    return make_world(fresh_database.app)


def answer(world: World, entry_id: UUID) -> str:
    with snapshot(world.engine) as conn:
        found = flow.prove(conn, SCHOOL, entry_id)
    assert isinstance(found, Outcome)
    return found.code


def sign(world: World, private: bytes) -> None:
    world.clock += timedelta(minutes=2)
    with world.engine.begin() as conn:
        seal.sign(conn, private, world.clock)


def test_what_is_not_sealed_or_not_signed_or_not_there_is_refused_by_name(world: World) -> None:
    (entry_id,) = world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
    assert answer(world, entry_id) == "NOT_SEALED_YET"
    world.seal()
    assert answer(world, entry_id) == "NOT_SIGNED_YET"
    with snapshot(world.engine) as conn, pytest.raises(BadInput, match="ENTRY_UNKNOWN"):
        flow.prove(conn, SCHOOL, world.new_id())
    private = vault.make_signing_key()
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
    world.seal()
    sign(world, private)
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
    world.seal()
    sign(world, private)
    with snapshot(world.engine) as conn:
        found = proved(conn, entry_id)
    assert ([block.number for block in found.blocks], found.checkpoint.block) == ([1, 2], 2)  # the first signed one


def test_books_that_were_changed_prove_nothing(tampering: Connection) -> None:
    (first, *_) = entries(tampering)
    proved(tampering, first)
    for change in (
        "UPDATE ledger.journal_entry SET actor = 'nobody' WHERE entry_id = :e",
        "DELETE FROM ledger.request WHERE entry_id = :e",
        "UPDATE ledger.block SET root = sha256('x') WHERE block_no = 2 AND :e IS NOT NULL",
        "UPDATE ledger.checkpoint SET signature = sha256('x') WHERE CAST(:e AS uuid) IS NOT NULL",
    ):
        with tampering.begin_nested() as point:
            tampering.execute(text(change.replace(":e IS", "CAST(:e AS uuid) IS")), {"e": first})
            with pytest.raises(InvariantBroken, match="PROOF_BROKEN"):
                flow.prove(tampering, SCHOOL, first)
            point.rollback()


# -- outside


@pytest.fixture
def kept(sealed: Sealed, tmp_path: Path) -> Path:
    """The proof of an entry in a block of several, as a parent keeps it."""
    with snapshot(sealed.world.engine) as conn:
        entry_id = conn.scalar(text("SELECT min(entry_id::text)::uuid FROM ledger.block_item WHERE block_no = 2"))
        (tmp_path / "proof.json").write_bytes(document.render(proved(conn, entry_id)))
    return tmp_path / "proof.json"


def test_somebody_outside_checks_it_with_openssl_alone(sealed: Sealed, kept: Path) -> None:
    public = vault.public_key(sealed.private)
    der = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + public).decode()
    (kept.parent / "hex").write_text(public.hex() + "\n")
    (kept.parent / "pem").write_text(f"-----BEGIN PUBLIC KEY-----\n{der}\n-----END PUBLIC KEY-----\n")
    trusting = verify_export(kept)
    assert trusting.returncode == 0, trusting
    assert "no --key: trusted as it lies in the file itself" in trusting.stdout
    proof = document.read(kept.read_bytes(), "p")
    line = document.receipt_line(proof.blocks[0].number, proof.checkpoint.statement, "en")
    assert line.replace("Block", "block").replace(" ·", "") in trusting.stdout
    assert '"kind": "hours_released"' in trusting.stdout
    for given_key in (public.hex(), kept.parent / "hex", kept.parent / "pem"):
        ran = verify_export(kept, "--key", given_key)
        assert (ran.returncode, "no --key" in ran.stdout) == (0, False), ran
    assert fault(kept, "--key", vault.public_key(vault.make_signing_key()).hex()) == "key_unknown"


@settings(max_examples=POSITIONS, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 1 << 20), st.integers(1, 255))
def test_no_byte_of_it_can_be_another_outside(kept: Path, at: int, by: int) -> None:
    assert turned(kept, at, by, lambda: fault(kept))


def test_what_cannot_be_checked_is_said_so(kept: Path) -> None:
    assert verify_export(kept.parent / "none").returncode == 2
    assert verify_export(kept, "--key", "no key").returncode == 2
    kept.write_bytes(b"something else")
    assert fault(kept) == "file_missing"  # no proof, so an export: where is its signature?


def test_a_key_rotated_away_proves_what_it_signed_and_the_new_key_does_not(world: World, tmp_path: Path) -> None:
    old, new = vault.make_signing_key(), vault.make_signing_key()
    made = []
    for private in (old, new):
        made += world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
        world.seal()
        sign(world, private)
        if private is old:
            with world.engine.begin() as conn:
                seal.rotate(conn, old, new, world.clock)
    with snapshot(world.engine) as conn:
        for name, entry_id in zip(("before", "after"), made, strict=True):
            (tmp_path / name).write_bytes(document.render(proved(conn, entry_id)))
    of_old, of_new = vault.public_key(old).hex(), vault.public_key(new).hex()
    assert fault(tmp_path / "before", "--key", of_old) == fault(tmp_path / "after", "--key", of_old) == ""
    assert fault(tmp_path / "after", "--key", of_new) == ""
    assert fault(tmp_path / "before", "--key", of_new) == "key_unknown"  # whoever trusts the new one alone


def test_the_script_is_short_and_needs_no_package() -> None:
    said = SCRIPT.read_text(encoding="utf-8")
    assert said.count("\n") < 150
    assert "import ledger" not in said
    assert "from ledger" not in said
    ast.parse(said, feature_version=(3, 8))


# -- as an anchor


def test_a_proof_is_an_anchor_of_the_books(sealed: Sealed, kept: Path) -> None:
    anchors, keys = signing.read_outside(kept)
    with snapshot(sealed.world.engine) as conn:
        assert verify.verify(conn, anchors, keys).first_fault is None
    kept.write_bytes(kept.read_bytes().replace(b'"index": 0', b'"index": 1'))
    with pytest.raises(BadInput, match="ANCHOR_NOT_SIGNED"):
        signing.read_outside(kept)


# -- verifying as a stream


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(book, "_ROWS", 2)
    monkeypatch.setattr(verify, "_ROWS", 2)


@pytest.mark.usefixtures("small_batches")
def test_what_comes_in_many_batches_is_checked_whole(sealed: Sealed, tampering: Connection) -> None:
    anchors = sealed.anchors * 5
    assert verify.verify(tampering, anchors).first_fault is None
    last = entries(tampering)[-1]
    wrong = [*anchors, Anchor("JG1001", 6, b"x", 1, sealed.world.clock, b"")]
    assert [one.kind for one in verify.verify(tampering, wrong).faults] == ["anchor_block_missing"]
    tampering.execute(text("UPDATE ledger.journal_entry SET actor = 'x' WHERE entry_id = :e"), {"e": last})
    assert sealed.first(tampering).where.endswith(f"entry {last}")
    assert journal.seal(tampering, sealed.world.number, sealed.world.clock) == 5
