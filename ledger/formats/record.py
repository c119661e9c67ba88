"""The bytes that are hashed, as PostgreSQL's record_send writes them (migrations/functions/03_leaf.sql).

A record is the number of its columns, then per column its type, its length (-1: null) and its value, all big-endian.
"""

import struct
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from ledger.terms.seal import Block

LEAF, BLOCK = b"\x00\x01", b"\x02\x01"  # domain and version, in front of everything hashed
_DAY, _INSTANT = date(2000, 1, 1), datetime(2000, 1, 1, tzinfo=UTC)
_BYTES, _INT8, _INT2, _INT4, _TEXT, _INT8_LIST, _DATE, _TIMESTAMP, _UUID = 17, 20, 21, 23, 25, 1016, 1082, 1184, 2950

_REQUEST: Final = ("institution", "request", "fields", "entry")
_ENTRY: Final = (
    "institution", "fund", "effective_on", "entry", "recorded_at", "hours", "hold_action", "hold_fen", "contract",
    "hold", "reverses", "ref", "kind", "actor",
)  # fmt: skip
_BLOCK: Final = ("institution", "block", "entries", "tree_size", "root", "previous", "sealed_at", "totals")
_TRANSFER: Final = ("ord", "fen", "debit", "credit", "contract", "debit_item", "credit_item")


def block_content(block: Block) -> bytes:
    """The bytes a block's hash is made of. Raises OverflowError for numbers no block can have."""
    totals = struct.pack(">5i", 1, 0, _INT8, len(block.totals), 1)
    totals += b"".join(_packed(8, 4) + _packed(fen, 8) for fen in block.totals)
    columns = (
        (_INT4, _packed(block.institution_id, 4)),
        (_INT8, _packed(block.number, 8)),
        (_INT4, _packed(block.entries, 4)),
        (_INT8, _packed(block.tree_size, 8)),
        (_BYTES, block.root),
        (_BYTES, block.previous),
        (_TIMESTAMP, _packed((block.sealed_at - _INSTANT) // timedelta(microseconds=1), 8)),
        (_INT8_LIST, totals),
    )
    packed = [_packed(kind, 4) + _packed(len(value), 4) + value for kind, value in columns]
    return BLOCK + _packed(len(columns), 4) + b"".join(packed)


def _packed(number: int, size: int) -> bytes:
    return number.to_bytes(size, "big", signed=True)


def read_block(content: bytes) -> dict[str, Any]:
    """What the bytes of a block say, as JSON has it: those that ``block_content`` writes."""
    values, _ = _record(content, len(BLOCK))
    return dict(zip(_BLOCK, values, strict=True))


def read_leaf(content: bytes) -> dict[str, Any]:
    """What the bytes of a leaf say, as JSON has it: an entry with its transfers, or the code of a refusal.

    Amounts in fen, hours in hundredths. Raises ValueError for bytes that are no leaf.
    """
    if not content.startswith(LEAF):
        raise ValueError("another format of leaf")
    asked, at = _record(content, len(LEAF))
    found = dict(zip(_REQUEST, asked, strict=True))
    answered, at = _record(content, at)
    if len(answered) == 1:
        found["refused"] = answered[0]
    else:
        found |= dict(zip(_ENTRY, answered, strict=True)) | {"transfers": []}
        while at < len(content):
            moved, at = _record(content, at)
            found["transfers"].append(dict(zip(_TRANSFER, moved, strict=True)))
    if at != len(content):
        raise ValueError("bytes after the leaf")
    return found


def _record(content: bytes, at: int) -> tuple[list[Any], int]:
    """The columns of the record that begins at ``at``, and where it ends."""
    try:
        (count,), at = struct.unpack_from(">i", content, at), at + 4
        values = []
        for _ in range(count):
            (kind, length), at = struct.unpack_from(">ii", content, at), at + 8
            cell = content[at : at + max(length, 0)]
            if len(cell) < length:
                raise ValueError("a record that is cut off")
            values.append(None if length < 0 else _READ[kind](cell))
            at += max(length, 0)
    except (struct.error, KeyError, OverflowError) as fault:
        raise ValueError("bytes that are no record") from fault
    return values, at


def _number(cell: bytes) -> int:
    return int.from_bytes(cell, "big", signed=True)


_READ: Final[dict[int, Callable[[bytes], Any]]] = {
    _BYTES: bytes.hex,
    _INT8: _number,
    _INT2: _number,
    _INT4: _number,
    _INT8_LIST: lambda cell: [_number(cell[at + 4 : at + 12]) for at in range(20, len(cell), 12)],
    _TEXT: lambda cell: cell.decode(),
    _DATE: lambda cell: (_DAY + timedelta(days=_number(cell))).isoformat(),
    _TIMESTAMP: lambda cell: f"{(_INSTANT + timedelta(microseconds=_number(cell))).strftime('%Y-%m-%dT%H:%M:%S.%f')}Z",
    _UUID: lambda cell: str(UUID(bytes=cell)),
}
