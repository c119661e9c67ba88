"""Digits and amounts of currencies."""

import pytest

from ledger.errors import BadInput
from ledger.terms.currency import amount_text, minor_digits, minor_from_text


@pytest.mark.parametrize(("currency", "digits"), [("CNY", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("SEK", 2)])
def test_digits_come_from_the_currency(currency: str, digits: int) -> None:
    assert minor_digits(currency) == digits


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("0", "CNY", 0),
        ("12", "CNY", 1200),
        ("12.3", "CNY", 1230),
        ("12.34", "CNY", 1234),
        ("5442.09000", "RON", 544209),
        ("2700", "JPY", 2700),
        ("2700.00", "JPY", 2700),
        ("1.234", "KWD", 1234),
        ("0012.00", "CNY", 1200),
        ("999999999999999.99", "CNY", 99_999_999_999_999_999),
    ],
)
def test_an_amount_becomes_smallest_units(text: str, currency: str, minor: int) -> None:
    assert minor_from_text(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency"),
    [
        ("", "CNY"),
        (" ", "CNY"),
        ("-1.00", "CNY"),
        ("-0.00", "CNY"),
        ("+1.00", "CNY"),
        ("1,000.00", "CNY"),
        ("12,50", "CNY"),
        ("1E3", "CNY"),
        ("NaN", "CNY"),
        ("INF", "CNY"),
        ("１２.００", "CNY"),
        ("٣", "CNY"),
        ("12.345", "CNY"),
        ("0.5", "JPY"),
        (".5", "CNY"),
        ("5.", "CNY"),
        ("12..34", "CNY"),
        ("0x10", "CNY"),
        ("1234567890123456789.00", "CNY"),
        ("999999999999999.999", "KWD"),
    ],
)
def test_anything_else_is_no_amount(text: str, currency: str) -> None:
    with pytest.raises(BadInput) as refused:
        minor_from_text(text, currency, field="Amt")
    assert (refused.value.code, refused.value.field) == ("BAD_AMOUNT", "Amt")


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (-123456, "CNY", "-1234.56"),
        (5, "CNY", "0.05"),
        (-5, "CNY", "-0.05"),
        (2700, "JPY", "2700"),
        (1, "KWD", "0.001"),
    ],
)
def test_amounts_are_written_with_the_digits_of_the_currency(minor: int, currency: str, text: str) -> None:
    assert amount_text(minor, currency) == text
