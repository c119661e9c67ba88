"""The number a family is told for its refund: eight characters of the refund's id and a check character.

The eight are the first 40 bits of the SHA-256 of the id, so that two refunds of one instant do not look alike; letters
that are taken for digits (I, L, O, U) are left out. The ninth is the check character of ISO 7064, MOD 37,36: it finds
every single wrong character and every swap of two neighbours.
"""

import hashlib
from typing import Final
from uuid import UUID

from stdnum.exceptions import ValidationError
from stdnum.iso7064 import mod_37_36

_MARKS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_BYTES, _CHARACTERS, _BITS = 5, 8, 5


def number(refund_id: UUID) -> str:
    """Like ``R7K4-29QX-5``; the same refund has the same number for ever."""
    head = int.from_bytes(hashlib.sha256(refund_id.bytes).digest()[:_BYTES], "big")
    marks = [_MARKS[head >> _BITS * place & 31] for place in reversed(range(_CHARACTERS))]
    return _written("".join(marks))


def canonical(text: str) -> str | None:
    """A number as ``number`` writes it, from what somebody typed (small letters, spaces, no dashes); None where the
    check character does not fit.
    """
    compact = "".join(mark for mark in text.upper() if mark not in " -")
    if len(compact) != _CHARACTERS + 1 or any(mark not in _MARKS for mark in compact[:-1]):
        return None
    try:
        mod_37_36.validate(compact)
    except ValidationError:
        return None
    return _written(compact[:-1])


def _written(marks: str) -> str:
    return f"{marks[:4]}-{marks[4:]}-{mod_37_36.calc_check_digit(marks)}"
