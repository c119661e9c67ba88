"""Time-ordered ids (UUID version 7), made by the caller so that a retry can carry the same id."""

import os
from collections.abc import Iterator
from datetime import datetime
from uuid import UUID


def new_id(now: datetime) -> UUID:
    """A UUIDv7 of the instant ``now`` (UTC): sorts by millisecond, random within it."""
    return new_ids(now, 1)[0]


def new_ids(now: datetime, count: int) -> list[UUID]:
    """``count`` UUIDv7 of one instant, each greater than the one before: their order is the order of the items."""
    base = _base(now)
    return [UUID(int=base | n) for n in range(count)]


def id_stream(now: datetime) -> Iterator[UUID]:
    """The same, as many as are taken, up to 2^24."""
    base = _base(now)
    return (UUID(int=base | n) for n in range(1 << 24))


def _base(now: datetime) -> int:
    head = int(now.timestamp() * 1000) << 80 | 7 << 76 | 2 << 62
    # 74 random bits below the version and the variant; the low 24 of them count, so that a set keeps its order
    stem = int.from_bytes(os.urandom(8), "big") & ((1 << 50) - 1)
    upper, lower = stem >> 38, stem & ((1 << 38) - 1)
    return head | upper << 64 | lower << 24
