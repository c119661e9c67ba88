"""Prices of contracts against the cap, fees besides, and list prices that sales must prove."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

import pytest

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import list_price, price_cap
from ledger.terms.price_cap import Category, ContractPrice, Course, FeeLine, Mode, Stage, Verdict

BOOKS = load_rulebooks([BUILT_IN])
SIGNED_ON = date(2024, 6, 3)
BEIJING = BOOKS.in_force("110108", "", SIGNED_ON)
COURSE = Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 88_00)  # Beijing: 80 + 10 % for 45 minutes


def sold(day: int, price_fen: int, listed_fen: int | None = None, gifted: int = 0, number: str = "") -> ContractPrice:
    """Ten hours sold on a day of June 2024 (counted on past its end)."""
    return ContractPrice(
        "JG1", "110108", "", UUID(int=day), number or f"HT{day}", UUID(int=1), "SX-1", COURSE, price_fen, listed_fen,
        1000, gifted, date(2024, 6, 1) + timedelta(days=day - 1), "00",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("price_fen", "gifted", "excess_fen", "verdict"),
    [
        (880_00, 0, 0, Verdict.WITHIN_CAP),
        (880_01, 0, 1, Verdict.ABOVE_CAP),  # the hour rounds to the cap, the contract does not
        (1_000_00, 0, 120_00, Verdict.ABOVE_CAP),
        (1_000_00, 200, 0, Verdict.WITHIN_CAP),  # 12 hours for 1,000 yuan are 83.33 each
    ],
)
def test_a_contract_is_judged_over_all_its_hours(
    price_fen: int, gifted: int, excess_fen: int, verdict: Verdict
) -> None:
    found = price_cap.check_contract(sold(3, price_fen, gifted=gifted), BEIJING)
    assert (found.excess_fen, found.verdict.verdict, found.verdict.reason) == (
        excess_fen, verdict, verdict.name,
    )  # fmt: skip
    assert found.rulebook_digest == BEIJING.digest


def test_a_contract_no_table_covers_has_no_excess() -> None:
    market = replace(sold(3, 9_999_00), course=replace(COURSE, category=Category.NON_ACADEMIC))
    found = price_cap.check_contract(market, BEIJING)
    assert (found.excess_fen, found.verdict.verdict) == (0, Verdict.NOT_CAPPED)


def test_nothing_is_charged_besides_a_capped_price() -> None:
    fees = (FeeLine("books", 120_00), FeeLine("nothing", 0))
    within, market = (
        price_cap.check(replace(COURSE, category=category), BEIJING)
        for category in (Category.ACADEMIC, Category.NON_ACADEMIC)
    )
    assert price_cap.extra_fees(within, fees, BEIJING) == fees[:1]
    assert price_cap.extra_fees(market, fees, BEIJING) == ()
    before = BOOKS.in_force("110108", "", date(2021, 1, 1))
    assert price_cap.extra_fees(within, fees, before) == ()


def test_penalties_are_facts_with_their_source() -> None:
    found = price_cap.penalties(BEIJING)
    assert {key: value.value for key, value in found.items()} == {
        "penalty.price_gain_multiple_max": 5,
        "penalty.price_no_gain_min": 50_000_00,
        "penalty.price_no_gain_max": 500_000_00,
        "penalty.price_serious_max": 2_000_000_00,
    }
    assert all("art. 9" in value.source for value in found.values())


def false(*sales: ContractPrice, days: int = 30) -> list[tuple[str, date, date | None]]:
    return [
        (one.contract.contract_no, one.promotion_on, one.last_sale_on)
        for one in list_price.false_list_prices(sales, days)
    ]


def test_a_list_price_nobody_paid_is_false() -> None:
    assert false(sold(5, 700_00, 100_00)) == [("HT5", date(2024, 6, 5), None)]
    assert false(sold(5, 1_000_00, 100_00), sold(6, 700_00)) == []  # no discount is claimed


@pytest.mark.parametrize(("day", "wrong"), [(31, False), (32, True)])
def test_a_sale_proves_it_for_thirty_days(day: int, wrong: bool) -> None:
    found = false(sold(1, 1_000_00), sold(day, 700_00, 100_00))
    assert bool(found) is wrong
    if wrong:
        assert found == [("HT32", date(2024, 7, 2), date(2024, 6, 1))]


def test_the_days_count_to_the_beginning_of_the_promotion() -> None:
    assert false(sold(1, 1_000_00), sold(20, 700_00, 100_00), sold(45, 700_00, 100_00)) == []


def test_a_sale_on_the_day_of_the_promotion_is_not_before_it() -> None:
    found = false(sold(5, 1_000_00, number="A"), sold(5, 700_00, 100_00, number="B"), sold(6, 700_00, 100_00))
    assert found == [("B", date(2024, 6, 5), None)]


def test_a_gift_is_a_discount_too() -> None:
    gift = sold(2, 1_000_00, 100_00, gifted=500)
    assert gift.unit_fen == Fraction(1_000_00 * 100, 1500)
    assert false(gift) == [("HT2", date(2024, 6, 2), None)]
    assert false(gift, sold(9, 700_00, 100_00))[1] == ("HT9", date(2024, 6, 2), None)  # it proves nothing


def test_courses_prove_nothing_for_each_other() -> None:
    other = replace(sold(1, 1_000_00), course_id=UUID(int=2))
    assert len(false(other, sold(5, 700_00, 100_00))) == 1


def test_the_days_are_data() -> None:
    assert list_price.sale_days(BEIJING) == 30
    assert list_price.sale_days(BOOKS.in_force("110108", "", date(2021, 1, 1))) is None
