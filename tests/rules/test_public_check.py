"""The band of an institution's cover."""

import pytest

from ledger.rules.public_check import cover
from ledger.terms.public_check import Cover


@pytest.mark.parametrize(
    ("have", "must", "band"),
    [
        (0, 0, Cover.NOTHING), (5, -1, Cover.NOTHING), (100, 100, Cover.WHOLE), (101, 100, Cover.WHOLE),
        (99, 100, Cover.NEARLY), (90, 100, Cover.NEARLY), (8_999, 10_000, Cover.LOW), (0, 1, Cover.LOW),
        (-5, 1, Cover.LOW),
    ],
)  # fmt: skip
def test_bands_begin_at_all_and_at_nine_tenths(have: int, must: int, band: Cover) -> None:
    assert cover(have, must) is band
