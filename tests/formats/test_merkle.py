"""Trees as RFC 6962 shapes them, against its own recursive definition."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.formats import merkle


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1: split at the largest power of two below the size."""
    if len(leaves) < 2:
        return leaves[0] if leaves else b""
    half = 1 << (len(leaves) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + by_definition(leaves[:half]) + by_definition(leaves[half:])).digest()


def leaves_of(count: int) -> list[bytes]:
    return [hashlib.sha256(b"\0" + n.to_bytes(4, "big")).digest() for n in range(count)]


@pytest.mark.parametrize("count", [*range(20), 64, 65])
def test_every_path_leads_to_the_root_that_the_definition_gives(count: int) -> None:
    leaves = leaves_of(count)
    root = by_definition(leaves)
    assert merkle.root(leaves) == root
    for index, leaf in enumerate(leaves):
        path = merkle.path(leaves, index)
        assert merkle.climb(leaf, index, count, path) == root
        assert merkle.climb(leaf, index, count, [*path, leaf]) == b""
        if path:
            assert merkle.climb(leaf, index, count, path[:-1]) == b""
        for outside in (-1, count, count + 1):
            assert merkle.climb(leaf, outside, count, path) == b""


@given(st.integers(2, 40), st.data())
def test_no_other_place_and_no_other_leaf_comes_to_the_root(count: int, chosen: st.DataObject) -> None:
    leaves = leaves_of(count)
    index = chosen.draw(st.integers(0, count - 1))
    other = chosen.draw(st.integers(0, count - 1).filter(lambda n: n != index))
    path = merkle.path(leaves, index)
    assert merkle.climb(leaves[index], other, count, path) != merkle.root(leaves)
    assert merkle.climb(leaves[other], index, count, path) != merkle.root(leaves)
