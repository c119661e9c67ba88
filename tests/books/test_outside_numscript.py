"""How Numscript shares an amount, how these books do, and why ours decides.

Source: formancehq/numscript, internal/interpreter/testdata: script-tests allocation, dynamic-allocation, source-
allotment, send-all-destinatio-allot, send-all-destinatio-allot-complex, allocate-dont-take-too-much, variable-portion-
part, zero-postings-explicit-allotment; numscript-cookbook mixed-source-dest-allotment (facts only).

Both cut whole units first and give away what is left one unit each. Numscript gives it to the first in the list: 80, 8
and 12 percent of 15 are 13, 1 and 1, and 60 percent of 100 are 61. Ours gives it to the largest remainders, the first
in the list only where they are equal: 12, 1 and 2. Ours decides, because a share of a failed institution's money is
owed in proportion (accounting policy, pro-rata distribution): who is named first must not be better off, nobody with
an exact share gets more than it, and the sum of what all are off is the smallest there is.

Not asked here: what Numscript does with several sources, with "kept", with overdrafts and with rounding between
assets.
"""

from collections.abc import Sequence
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.money import split_by_largest_remainder

CASES = [
    # amount, weights, Numscript's parts, our parts
    (15, (80, 8, 12), (13, 1, 1), (12, 1, 2)),
    (15, (80, 15, 5), (13, 2, 0), (12, 2, 1)),
    (77, (10, 20, 70), (8, 16, 53), (8, 15, 54)),
    (77, (1, 1), (39, 38), (39, 38)),
    (100, (600, 355, 45), (61, 35, 4), (60, 36, 4)),
    (30, (1, 2), (10, 20), (10, 20)),
    (200, (1, 1), (100, 100), (100, 100)),
    (9, (1, 2), (3, 6), (3, 6)),
    (0, (1, 1), (0, 0), (0, 0)),
]


def in_the_order_named(amount: int, weights: Sequence[int]) -> list[int]:
    """Numscript's rule, to be compared with: what the cut leaves goes to the first in the list."""
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights]
    for n in range(amount - sum(parts)):
        parts[n] += 1
    return parts


def off(amount: int, weights: Sequence[int], parts: Sequence[int]) -> Fraction:
    """By how much all parts together miss their exact shares."""
    whole = sum(weights)
    return sum((abs(part - Fraction(amount * weight, whole)) for part, weight in zip(parts, weights, strict=True)),
               Fraction(0))  # fmt: skip


@pytest.mark.parametrize(("amount", "weights", "theirs", "ours"), CASES)
def test_both_rules_side_by_side(
    amount: int, weights: tuple[int, ...], theirs: tuple[int, ...], ours: tuple[int, ...]
) -> None:
    assert tuple(in_the_order_named(amount, weights)) == theirs
    assert tuple(split_by_largest_remainder(amount, weights)) == ours
    assert sum(theirs) == sum(ours) == amount
    assert off(amount, weights, ours) <= off(amount, weights, theirs)


SHARES = st.lists(st.integers(0, 10_000), min_size=1, max_size=8).filter(any)


@given(amount=st.integers(0, 10**9), weights=SHARES)
def test_no_share_is_off_by_a_fen_and_no_rule_comes_nearer(amount: int, weights: list[int]) -> None:
    parts = split_by_largest_remainder(amount, weights)
    whole = sum(weights)
    assert sum(parts) == amount
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(amount * weight, whole)) < 1
        assert part == amount * weight // whole or amount * weight % whole  # an exact share is exact
    assert off(amount, weights, parts) <= off(amount, weights, in_the_order_named(amount, weights))


@given(amount=st.integers(0, 10**9), weights=SHARES, luck=st.randoms(use_true_random=False))
def test_the_order_matters_only_between_equal_remainders(amount: int, weights: list[int], luck: Random) -> None:
    places = list(range(len(weights)))
    luck.shuffle(places)
    parts = split_by_largest_remainder(amount, weights)
    moved = split_by_largest_remainder(amount, [weights[place] for place in places])
    whole = sum(weights)
    remainders = [amount * weight % whole for weight in weights]
    for place, part in zip(places, moved, strict=True):
        assert part == parts[place] or (remainders.count(remainders[place]) > 1 and abs(part - parts[place]) == 1)
