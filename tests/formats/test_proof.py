"""A proof as a file: read back as it was, and no part of it can be another."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger import vault
from ledger.errors import BadInput
from ledger.formats import proof as document
from ledger.formats import record
from ledger.terms.proof import Proof
from tests.formats import outside

KEYS = [vault.make_signing_key() for _ in range(2)]
PROOF = outside.proof(KEYS)
FILE = document.render(PROOF)
Change = Callable[[Proof], Proof]


def fault(proof: Proof) -> str:
    return document.fault_of(proof, vault.is_signed)


@pytest.mark.parametrize("later", [0, 1, 3])
@pytest.mark.parametrize("content", [outside.CONTENT, outside.REFUSED])
def test_a_proof_is_read_back_as_it_was_written_and_holds(later: int, content: bytes) -> None:
    made = outside.proof(KEYS, content, later)
    assert document.read(document.render(made), "p.json") == made
    assert fault(made) == ""


def test_a_proof_says_in_words_what_its_bytes_say() -> None:
    shown = json.loads(FILE)
    assert shown["entry"] == record.read_leaf(outside.CONTENT)
    assert (shown["entry"]["kind"], shown["entry"]["effective_on"], shown["entry"]["hours"]) == (
        "deposit", "2026-03-02", -150,
    )  # fmt: skip
    assert (shown["entry"]["recorded_at"], shown["entry"]["actor"]) == ("2026-03-02T04:00:00.000123Z", "行员:li")
    assert [(one["debit"], one["credit"], one["fen"]) for one in shown["entry"]["transfers"]] == [
        ("bank", "claim", 100_00)
    ]
    assert record.read_leaf(outside.REFUSED) == {
        **{name: shown["entry"][name] for name in ("institution", "request", "fields", "entry")},
        "refused": "CLAIM_TOO_SMALL",
    }
    says = shown["blocks"][1]["says"]
    assert (says["block"], says["previous"], says["totals"]) == (4, shown["blocks"][0]["hash"], list(range(4, 24)))


@given(st.integers(0, len(FILE) - 1), st.integers(1, 255))
def test_no_byte_can_be_another(at: int, turned: int) -> None:
    changed = FILE[:at] + bytes([FILE[at] ^ turned]) + FILE[at + 1 :]
    try:
        named = fault(document.read(changed, "p.json"))
    except BadInput as refused:
        named = refused.code
    assert named


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b"{\n}", b'{"checkpoint": 1}', FILE[:-1], FILE + b"\n", b"\xff", b"[" * 100_000]
)
def test_what_is_no_proof_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        document.read(content, "p.json")
    assert (caught.value.code, caught.value.where) == ("PROOF_UNREADABLE", "p.json")


def in_json(change: Callable[[dict[str, object]], object]) -> bytes:
    given = json.loads(FILE)
    change(given)
    return (json.dumps(given, ensure_ascii=False, indent=2, sort_keys=True) + "\n").encode()


def test_words_that_do_not_fit_the_bytes_are_no_proof() -> None:
    assert in_json(dict.copy) == FILE
    for changed in (
        in_json(lambda given: given["entry"]["transfers"][0].update(fen=1)),  # type: ignore[index]  # any JSON
        in_json(lambda given: given["blocks"][0]["says"].update(totals=[0] * 20)),  # type: ignore[index]  # any JSON
        in_json(lambda given: given["blocks"][0]["says"].update(block=1 << 70)),  # type: ignore[index]  # any JSON
        in_json(lambda given: given.update(note="paid")),
    ):
        with pytest.raises(BadInput, match="PROOF_UNREADABLE"):
            document.read(changed, "p.json")


FIRST, SECOND, LAST = PROOF.blocks
STRANGER = vault.make_signing_key()
FAULTS: dict[str, tuple[Proof, str]] = {
    "no block": (replace(PROOF, blocks=()), "block_missing"),
    "other bytes": (replace(PROOF, content=outside.REFUSED), "path_wrong"),
    "another place": (replace(PROOF, index=3), "path_wrong"),
    "a place outside": (replace(PROOF, index=5), "path_wrong"),
    "a place before": (replace(PROOF, index=-1), "path_wrong"),
    "a shorter path": (replace(PROOF, path=PROOF.path[1:]), "path_wrong"),
    "other totals": (replace(PROOF, blocks=(replace(FIRST, totals=(0,) * 20), SECOND, LAST)), "block_changed"),
    "a block left out": (replace(PROOF, blocks=(FIRST, LAST)), "chain_broken"),
    "an unsigned end": (replace(PROOF, blocks=(FIRST, SECOND)), "checkpoint_differs"),
    "no keys": (replace(PROOF, keys=()), "key_unknown"),
    "one key short": (replace(PROOF, keys=PROOF.keys[:1]), "key_unknown"),
    "keys in another order": (replace(PROOF, keys=PROOF.keys[::-1]), "key_missing"),
    "a key nobody signed": (
        replace(PROOF, keys=(PROOF.keys[0], replace(PROOF.keys[1], public_key=vault.public_key(STRANGER)))),
        "key_not_signed",
    ),
    "another signature": (
        replace(PROOF, checkpoint=outside.checkpoint(LAST, STRANGER, 2)),
        "signature_wrong",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_each_part_is_checked_and_its_fault_named(name: str) -> None:
    changed, kind = FAULTS[name]
    assert fault(changed) == kind


def test_an_entry_of_another_institution_is_not_proved_by_its_block() -> None:
    foreign = outside.hashed(replace(FIRST, institution_id=1002))
    signed = outside.checkpoint(foreign, KEYS[1], 2)
    assert fault(replace(PROOF, blocks=(foreign,), checkpoint=signed)) == "path_wrong"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"\0", b"\0\2", b"\2\1" + outside.CONTENT[2:], outside.CONTENT[:-1], outside.CONTENT + b"\0",
        outside.REFUSED + outside.packed(*outside.MOVED), record.LEAF + outside.packed(*outside.REQUEST),
        record.LEAF + outside.packed((999, b"x")), record.LEAF + outside.packed((1184, b"\x7f" * 8)),
        record.LEAF + outside.packed((25, b"\xff")), record.LEAF + outside.packed((2950, b"short")),
        record.LEAF + outside.packed(*outside.REQUEST) + outside.packed((25, b"a"), (25, b"b")),
    ],
)  # fmt: skip
def test_bytes_that_are_no_leaf_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        record.read_leaf(content)


def test_a_receipt_names_the_block_and_the_beginning_of_the_checkpoints_digest() -> None:
    said = PROOF.checkpoint.statement
    digest = hashlib.sha256(said.encode()).hexdigest()
    line = document.receipt_line(3, said, "en")
    assert line.startswith(f"Block 3 · checkpoint {digest[:4]} {digest[4:8]} ")
    assert line.replace(" ", "").endswith(digest[:40])
    assert document.receipt_line(3, said, "zh").startswith(f"第3区块 · 检查点 {digest[:4]} ")
    assert document.receipt_line(3, said + " ", "en") != line
