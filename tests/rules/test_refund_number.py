"""The number of a refund: found again from what people type, and not from what they mistype."""

import re
from datetime import UTC, datetime

import pytest

from ledger.rules import refund_number
from ledger.terms.ids import new_ids

IDS = new_ids(datetime(2026, 11, 24, 4, tzinfo=UTC), 50)


def test_refunds_of_one_instant_have_numbers_of_their_own_that_never_change() -> None:
    numbers = [refund_number.number(one) for one in IDS]
    assert len(set(numbers)) == len(IDS)
    assert numbers == [refund_number.number(one) for one in IDS]
    for number in numbers:
        assert re.fullmatch(r"[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}-[0-9A-Z]", number), number


def test_a_number_is_read_however_it_is_typed() -> None:
    number = refund_number.number(IDS[0])
    for typed in (number, number.lower(), number.replace("-", ""), number.replace("-", " ")):
        assert refund_number.canonical(typed) == number


def test_one_wrong_character_or_two_swapped_are_found() -> None:
    number = refund_number.number(IDS[1]).replace("-", "")
    for place, mark in enumerate(number):
        wrong = number[:place] + ("3" if mark != "3" else "4") + number[place + 1 :]
        assert refund_number.canonical(wrong) is None, wrong
        swapped = number[:place] + number[place : place + 2][::-1] + number[place + 2 :]
        assert swapped == number or refund_number.canonical(swapped) is None, swapped


@pytest.mark.parametrize("typed", ["", "R7K4", "R7K4-29QX-55", "OOOO-IIII-L", "退费单退费单退费单", "R7K4-29QX-5'"])
def test_what_is_no_number_is_none(typed: str) -> None:
    assert refund_number.canonical(typed) is None
