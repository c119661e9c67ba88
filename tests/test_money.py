"""Integer fen: read from text, shown to people, rounded once, shared exactly."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.errors import BadInput
from ledger.money import (
    fen_from_text,
    hours_from_text,
    hours_text,
    round_half_up,
    split_by_largest_remainder,
    yuan,
    yuan_grouped,
)


@pytest.mark.parametrize(
    ("text", "fen"),
    [
        ("0", 0),
        ("1234.50", 123450),
        ("1234.5", 123450),
        ("1234", 123400),
        ("0.01", 1),
        ("007.10", 710),
        ("99999999999.99", 9999999999999),
    ],
)
def test_yuan_are_read_into_fen(text: str, fen: int) -> None:
    assert fen_from_text(text) == fen


def test_a_sign_is_read_only_where_asked_for() -> None:
    assert fen_from_text("-0.05", signed=True) == -5
    assert fen_from_text("12.3", signed=True) == 1230
    assert fen_from_text("-0", signed=True) == 0
    with pytest.raises(BadInput) as caught:
        fen_from_text("-0.05", where="row 3", field="fee")
    fault = caught.value
    assert (fault.code, fault.where, fault.field, fault.value) == ("BAD_AMOUNT", "row 3", "fee", "-0.05")


@pytest.mark.parametrize(
    "text",
    ["", " 1", "1 ", "1\n", "1.", ".5", "1.234", "1,234.50", "1e3", "NaN", "Infinity", "+1", "--1", "１２", "١٢",
     "1.5元", "0x10", "1_000", "1000000000000000", "−5", None, 5, 5.0, True, b"5"],
)  # fmt: skip
def test_anything_else_is_no_amount(text: object) -> None:
    with pytest.raises(BadInput, match="BAD_AMOUNT"):
        fen_from_text(text, signed=True)


@pytest.mark.parametrize(("fen", "plain", "grouped"), [
    (0, "0.00", "0.00"), (5, "0.05", "0.05"), (-5, "-0.05", "−0.05"), (-100, "-1.00", "−1.00"),
    (123450, "1234.50", "1,234.50"), (-123456789, "-1234567.89", "−1,234,567.89"),
])  # fmt: skip
def test_fen_are_shown_as_yuan(fen: int, plain: str, grouped: str) -> None:
    assert (yuan(fen), yuan_grouped(fen)) == (plain, grouped)


@given(st.integers(-(10**13) + 1, 10**13 - 1))
def test_what_is_shown_is_read_back(fen: int) -> None:
    assert fen_from_text(yuan(fen), signed=True) == fen


@pytest.mark.parametrize(
    ("text", "hundredths"), [("0", 0), ("2", 200), ("17.5", 1750), ("0.05", 5), ("9999999.99", 999999999)]
)
def test_hours_are_read_into_hundredths(text: str, hundredths: int) -> None:
    assert hours_from_text(text) == hundredths


@pytest.mark.parametrize("text", ["", "-1", "1.234", "1.", "10000000", "１", "1h", None, 2, 2.5])
def test_anything_else_is_no_number_of_hours(text: object) -> None:
    with pytest.raises(BadInput) as caught:
        hours_from_text(text, where="row 1")
    assert (caught.value.code, caught.value.where, caught.value.field) == ("BAD_HOURS", "row 1", "hours")


@pytest.mark.parametrize(
    ("hundredths", "text"), [(0, "0"), (200, "2"), (1750, "17.5"), (5, "0.05"), (110, "1.1"), (1000, "10")]
)
def test_hours_are_shown_as_people_write_them(hundredths: int, text: str) -> None:
    assert hours_text(hundredths) == text
    assert hours_from_text(text) == hundredths


@pytest.mark.parametrize(
    ("share", "fen"),
    [
        (Fraction(0), 0), (Fraction(1, 2), 1), (Fraction(3, 2), 2), (Fraction(5, 2), 3), (Fraction(49, 100), 0),
        (Fraction(-1, 2), -1), (Fraction(-3, 2), -2), (Fraction(-49, 100), 0), (Fraction(7), 7), (Fraction(-7), -7),
    ],
)  # fmt: skip
def test_half_goes_up_away_from_zero(share: Fraction, fen: int) -> None:
    assert round_half_up(share) == fen


@given(st.fractions(max_denominator=10**6))
def test_rounding_is_odd_and_never_off_by_more_than_half(share: Fraction) -> None:
    assert round_half_up(-share) == -round_half_up(share)
    assert abs(round_half_up(share) - share) <= Fraction(1, 2)


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (100_00, [100_00, 200_00], [33_33, 66_67]),
        (1, [0, 0, 5], [0, 0, 1]),
        (2, [1, 5], [0, 2]),
        (0, [3, 4], [0, 0]),
        (0, [0, 0], [0, 0]),
        (0, [], []),
    ],
)
def test_a_split_adds_up_and_serves_the_largest_remainder_first(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert split_by_largest_remainder(total, weights) == parts


@given(st.integers(0, 10**12), st.lists(st.integers(0, 10**9), min_size=1, max_size=30).filter(any))
def test_every_part_is_within_a_fen_of_its_share(total: int, weights: list[int]) -> None:
    parts = split_by_largest_remainder(total, weights)
    assert sum(parts) == total
    for part, weight in zip(parts, weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1


@pytest.mark.parametrize(("total", "weights"), [(-1, [1]), (5, [1, -1, 5]), (1, [0, 0]), (1, [])])
def test_a_split_that_cannot_be_made_is_a_bug_of_the_caller(total: int, weights: list[int]) -> None:
    with pytest.raises(ValueError, match="a split needs"):
        split_by_largest_remainder(total, weights)
