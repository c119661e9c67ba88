"""A photo as evidence: looked at from outside only, and kept as it was sent.

Nothing decodes it here: what it is is told by how JPEG and PNG files begin and end.
"""

import hashlib
from typing import Final

from ledger.errors import BadInput
from ledger.terms.evidence import PHOTO_BYTES_MAX, Photo

_KINDS: Final = (
    ("image/jpeg", b"\xff\xd8\xff", b"\xff\xd9"),
    ("image/png", b"\x89PNG\r\n\x1a\n", b"IEND\xaeB`\x82"),
)
# Cameras append a few bytes of their own after the end of the picture.
_TAIL: Final = 64 * 1024


def read_photo(content: bytes) -> Photo:
    """The photo in these bytes. Raises BadInput PHOTO_TOO_LARGE, PHOTO_TYPE."""
    if len(content) > PHOTO_BYTES_MAX:
        raise BadInput("PHOTO_TOO_LARGE", field="photo")
    for media_type, begin, end in _KINDS:
        if content.startswith(begin) and end in content[-_TAIL:]:
            return Photo(content, hashlib.sha256(content).hexdigest(), media_type)
    raise BadInput("PHOTO_TYPE", field="photo")
