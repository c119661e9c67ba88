"""Merkle trees as RFC 6962 shapes them: the root of a stream of leaves, and the path that proves one of them.

A leaf comes hashed. A node is SHA-256 of 01, left, right; a node without a neighbour moves up unchanged, which is the
same as splitting at the largest power of two.
"""

import hashlib
from collections.abc import Iterable, Sequence

_NODE = b"\x01"
_BYTES = 32


class Root:
    """The root of leaves added one by one, in memory that grows with the height of the tree only."""

    def __init__(self) -> None:
        self.count = 0
        self._peaks: list[bytes] = []

    def add(self, leaf: bytes) -> None:
        """The next leaf, 32 bytes."""
        self._carry(leaf, 1)

    def _carry(self, top: bytes, size: int) -> None:
        """The next subtree, of ``size`` leaves: joined with every full neighbour of its own height."""
        self.count += size
        places = self.count // size
        while places % 2 == 0:
            top = node(self._peaks.pop(), top)
            places //= 2
        self._peaks.append(top)

    def add_part(self, leaves: bytes) -> None:
        """The next leaves, 32 bytes each. Quick where they begin on an even place and are a power of two."""
        count = len(leaves) // _BYTES
        level = [leaves[at : at + _BYTES] for at in range(0, len(leaves), _BYTES)]
        if count & (count - 1) or self.count % max(count, 1):
            for leaf in level:
                self.add(leaf)
            return
        while len(level) > 1:
            level = [node(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
        for top in level:
            self._carry(top, count)

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
    """The root that a leaf, its place among ``count`` leaves and its path come to; no bytes where one is wrong.

    The place counts: beyond the last leaf of an uneven tree the path of a real one would lead to the root as well.
    """
    if not 0 <= index < count:
        return b""
    rest, last = list(neighbours), count - 1
    while last:
        if index % 2 or index < last:
            if not rest:
                return b""
            other = rest.pop(0)
            leaf = node(other, leaf) if index % 2 else node(leaf, other)
        index, last = index // 2, last // 2
    return b"" if rest or index else leaf
