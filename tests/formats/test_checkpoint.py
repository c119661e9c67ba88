"""The words that are signed read back, and the anchors made of them."""

import pytest

from ledger import vault
from ledger.errors import BadInput
from ledger.formats import checkpoint as words
from ledger.formats import manifest
from tests.formats import outside

KEYS = [vault.make_signing_key() for _ in range(2)]
(BLOCK,) = outside.chain([(1, b"\1" * 32)])
SIGNED = outside.checkpoint(BLOCK, KEYS[0], 1)
LIST = outside.key_list(KEYS)


def test_a_statement_is_read_back_as_the_checkpoint_it_is() -> None:
    block, signed = words.read_statement(SIGNED.statement, SIGNED.signature)
    assert signed == SIGNED
    assert (block.code, block.number, block.tree_size, block.hash, block.totals) == (
        "JG1001", BLOCK.number, BLOCK.tree_size, BLOCK.hash, BLOCK.totals,
    )  # fmt: skip
    anchor = words.anchor_of(SIGNED)
    assert words.read_anchor_line(words.anchor_line(anchor), "a:1") == anchor
    assert words.read_anchor_line(words.key_line(LIST[1]), "a:2") == LIST[1]


@pytest.mark.parametrize(
    "said",
    [
        "", "x", SIGNED.statement[:-1], SIGNED.statement + "\n", SIGNED.statement.replace("key 1", "key 01"),
        SIGNED.statement.replace("total bank", "total Bank"), SIGNED.statement.replace("block 3", "block three"),
        SIGNED.statement.replace("custody checkpoint 1", "custody checkpoint 2"),
        SIGNED.statement.replace("sealed 2026", "sealed 0001"), SIGNED.statement.upper(), None,
    ],
)  # fmt: skip
def test_words_nobody_signs_are_no_checkpoint(said: str) -> None:
    with pytest.raises(ValueError, match="no checkpoint"):
        words.read_statement(said)


@pytest.mark.parametrize("line", ["", "1", "{}", '{"public": 1}', '{"institution": "JG1"}', "[" * 100])
def test_a_line_that_is_no_anchor_is_named(line: str) -> None:
    with pytest.raises(BadInput) as caught:
        words.read_anchor_line(line, "anchors:7")
    assert (caught.value.code, caught.value.where) == ("ANCHOR_UNREADABLE", "anchors:7")


# -- the manifest of an export as an anchor

SHOWN = manifest.manifest({"export": "x"}, None, [], {"JG1001": 3, "JG1002": 0}, 0, {}, {}, [SIGNED])
CONTENT = manifest.render(SHOWN)


def test_a_manifest_carries_its_checkpoints_and_its_signature_holds() -> None:
    assert manifest.read_checkpoints(CONTENT, "m") == [SIGNED]
    assert manifest.read_keys(manifest.render_keys(LIST), "k") == list(LIST)
    for private in KEYS:  # an export of before a rotation, and one of after
        signature = vault.sign(private, CONTENT.decode())
        assert manifest.fault_of(CONTENT, signature, [SIGNED], LIST, vault.is_signed) == ""
    stranger = vault.sign(vault.make_signing_key(), CONTENT.decode())
    assert manifest.fault_of(CONTENT, stranger, [SIGNED], LIST, vault.is_signed) == "signature_wrong"
    foreign = outside.checkpoint(BLOCK, KEYS[1], 1)
    assert manifest.fault_of(CONTENT, stranger, [foreign], LIST, vault.is_signed) == "signature_wrong"
    assert manifest.fault_of(CONTENT, stranger, [SIGNED], LIST[1:], vault.is_signed) == "key_missing"


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{}", b"[]", b"\xff", CONTENT.replace(b"custody export 1", b"custody export 2"),
        CONTENT.replace(b'"JG1001": 3', b'"JG1001": 4'), CONTENT.replace(b'"blocks": {', b'"blocks": 1, "x": {'),
        CONTENT.replace(b"total bank", b"total cash"),
    ],
)  # fmt: skip
def test_what_is_no_manifest_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        manifest.read_checkpoints(content, "m")
    assert (caught.value.code, caught.value.where) == ("EXPORT_UNREADABLE", "m")


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", manifest.render_keys(LIST)[:-1], b'{"keys": [1]}'])
def test_what_is_no_list_of_keys_is_refused_by_name(content: bytes) -> None:
    with pytest.raises(BadInput) as caught:
        manifest.read_keys(content, "k")
    assert (caught.value.code, caught.value.where) == ("EXPORT_UNREADABLE", "k")
