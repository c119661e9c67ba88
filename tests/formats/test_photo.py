"""What is a photo, told from outside: how it begins and ends, and how large it is."""

import hashlib

import pytest

from ledger.errors import BadInput
from ledger.formats.photo import read_photo
from ledger.terms.evidence import PHOTO_BYTES_MAX

JPEG = b"\xff\xd8\xff\xe0" + b"x" * 100 + b"\xff\xd9"
PNG = b"\x89PNG\r\n\x1a\n" + b"x" * 100 + b"\x00\x00\x00\x00IEND\xaeB`\x82"


@pytest.mark.parametrize(
    ("content", "media_type"), [(JPEG, "image/jpeg"), (PNG, "image/png"), (JPEG + b"\0" * 9, "image/jpeg")]
)
def test_photos_are_kept_as_they_were_sent(content: bytes, media_type: str) -> None:
    found = read_photo(content)
    assert (found.content, found.media_type) == (content, media_type)
    assert found.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    "content", [b"", b"GIF89a", b"<svg onload=alert(1)>", JPEG[:-2], PNG[:-4], b"x" + JPEG, b"%PDF-1.7\xff\xd9"]
)
def test_what_is_no_photo_is_refused(content: bytes) -> None:
    with pytest.raises(BadInput, match="PHOTO_TYPE"):
        read_photo(content)


def test_the_largest_photo_and_one_byte_more() -> None:
    padding = PHOTO_BYTES_MAX - len(JPEG)
    largest = JPEG[:-2] + b"x" * padding + JPEG[-2:]
    assert len(read_photo(largest).content) == PHOTO_BYTES_MAX
    with pytest.raises(BadInput, match="PHOTO_TOO_LARGE"):
        read_photo(largest + b"x")
