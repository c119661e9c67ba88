"""Leaves added in parts give the root of leaves added one by one."""

import hashlib

from hypothesis import given
from hypothesis import strategies as st

from ledger.formats.merkle import Root, root


@given(st.lists(st.integers(0, 40), max_size=6))
def test_parts_of_any_size_come_to_the_same_root(sizes: list[int]) -> None:
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(sum(sizes))]
    tree, at = Root(), 0
    for size in sizes:
        tree.add_part(b"".join(leaves[at : at + size]))
        at += size
    assert (tree.count, tree.value()) == (len(leaves), root(leaves))


def test_whole_subtrees_are_joined_with_their_neighbours() -> None:
    leaves = [hashlib.sha256(bytes([n])).digest() for n in range(13)]
    tree = Root()
    for part in (leaves[:4], leaves[4:8], leaves[8:12], leaves[12:]):
        tree.add_part(b"".join(part))
    assert (tree.count, tree.value()) == (13, root(leaves))
