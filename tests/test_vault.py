"""Sealed fields open with the right key in the right place only, and say nothing without it."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import InvariantBroken
from ledger.vault import Vault

OLD, NEW, OTHER = bytes(range(32)), bytes(range(32, 64)), bytes(32)
ROW = UUID(int=7)
VAULT = Vault({1: OLD}, current=1)
ROTATED = Vault({1: OLD, 2: NEW}, current=2)


@given(st.text())
def test_what_is_sealed_is_opened(text: str) -> None:
    token = VAULT.seal(text, "guardian", "name", ROW)
    assert VAULT.open(token, "guardian", "name", ROW) == text
    assert len(token) == 1 + 12 + len(text.encode()) + 16


@given(st.binary())
def test_the_bytes_of_a_file_are_sealed_the_same_way(content: bytes) -> None:
    assert VAULT.open_bytes(VAULT.seal_bytes(content, "file", "raw", 3), "file", "raw", 3) == content


def test_equal_texts_give_different_tokens_that_hold_none_of_the_text() -> None:
    tokens = {VAULT.seal("陈小明", "guardian", "name", ROW) for _ in range(20)}
    assert len(tokens) == 20
    assert not any("陈".encode() in token for token in tokens)


@pytest.mark.parametrize(
    ("table", "column", "row"),
    [
        ("student", "name", ROW),
        ("guardian", "phone", ROW),
        ("guardian", "name", UUID(int=8)),
        ("guardian|name", "", ROW),
        ("guardian", "name", "7"),
    ],
)
def test_a_token_moved_elsewhere_does_not_open(table: str, column: str, row: UUID | str) -> None:
    token = VAULT.seal("陈小明", "guardian", "name", ROW)
    with pytest.raises(InvariantBroken, match=r"SEAL_BROKEN") as caught:
        VAULT.open(token, table, column, row)
    assert caught.value.detail == f"{table}.{column} of {row}"


def test_a_token_with_any_byte_changed_or_cut_does_not_open() -> None:
    token = VAULT.seal("陈小明", "guardian", "name", ROW)
    changed = [token[:n] + bytes([token[n] ^ 1]) + token[n + 1 :] for n in range(len(token))]
    for wrong in [*changed, *(token[:n] for n in range(len(token))), token + b"\0"]:
        with pytest.raises(InvariantBroken, match="SEAL_BROKEN"):
            VAULT.open(wrong, "guardian", "name", ROW)


def test_another_key_does_not_open_and_the_fault_does_not_tell_the_text() -> None:
    token = VAULT.seal("13800138000", "guardian", "phone", ROW)
    with pytest.raises(InvariantBroken) as caught:
        Vault({1: OTHER}, current=1).open(token, "guardian", "phone", ROW)
    assert "138" not in str(caught.value)


def test_old_tokens_open_after_a_rotation_and_new_ones_carry_the_new_key() -> None:
    before, after = (vault.seal("陈小明", "guardian", "name", ROW) for vault in (VAULT, ROTATED))
    assert (before[0], after[0]) == (1, 2)
    assert {ROTATED.open(token, "guardian", "name", ROW) for token in (before, after)} == {"陈小明"}
    with pytest.raises(InvariantBroken, match="SEAL_BROKEN"):
        VAULT.open(after, "guardian", "name", ROW)


def test_an_index_finds_the_equal_text_of_its_purpose_and_survives_a_rotation() -> None:
    index = VAULT.index("13800138000", "phone")
    assert len(index) == 32
    assert index == VAULT.index("13800138000", "phone") == ROTATED.index("13800138000", "phone")
    others = {VAULT.index("13800138001", "phone"), VAULT.index("13800138000", "account")}
    others.add(replace(VAULT, keys={1: OTHER}).index("13800138000", "phone"))
    assert index not in others
    assert len(others) == 3
