"""Merkle trees as RFC 6962 shapes them: the root of a stream of leaves, and the path that proves one of them.

A leaf comes hashed. A node is SHA-256 of 01, left, right; a node without a neighbour moves up unchanged, which is the
same as splitting at the largest power of two.
"""

import hashlib
from collections.abc import Iterable, Sequence

_NODE = b"\x01"


class Root:
    """The root of leaves added one by one, in memory that grows with the height of the tree only."""

    def __init__(self) -> None:
        self.count = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """The next leaf, 32 bytes."""
        self.count += 1
        size = self.count
        while size % 2 == 0:
            leaf = node(self._peaks.pop(), leaf)
            size //= 2
        self._peaks.append(leaf)

    def value(self) -> bytes:
        """The root of what was added; no bytes for nothing."""
        peaks = list(self._peaks)
        found = peaks.pop() if peaks else b""
        while peaks:
            found = node(peaks.pop(), found)
        return found


def node(left: bytes, right: bytes) -> bytes:
    """The hash over two nodes."""
    return hashlib.sha256(_NODE + left + right).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The root of some leaves."""
    tree = Root()
    for leaf in leaves:
        tree.add(leaf)
    return tree.value()


def path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The neighbours of a leaf from the bottom up: what ``climb`` needs to reach the root."""
    level, found = list(leaves), []
    while len(level) > 1:
        if index ^ 1 < len(level):
            found.append(level[index ^ 1])
        level = [node(level[n], level[n + 1]) if n + 1 < len(level) else level[n] for n in range(0, len(level), 2)]
        index //= 2
    return found


def climb(leaf: bytes, index: int, count: int, neighbours: Sequence[bytes]) -> bytes:
    """The root that a leaf, its place among ``count`` leaves and its path come to; no bytes where the path is wrong."""
    rest, last = list(neighbours), count - 1
    while last:
        if index % 2 or index < last:
            if not rest:
                return b""
            other = rest.pop(0)
            leaf = node(other, leaf) if index % 2 else node(leaf, other)
        index, last = index // 2, last // 2
    return b"" if rest or index else leaf
