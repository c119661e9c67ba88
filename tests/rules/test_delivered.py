"""The price of what was delivered, by cause and unit: each case is reckoned by hand in the comment beside it."""

from datetime import date
from fractions import Fraction

import pytest

from ledger.errors import BadInput
from ledger.terms.refund import (
    Cause,
    DaysServed,
    FaceValueUsed,
    HoursUsed,
    MonthsUsed,
    ProgressUsed,
    RefundContract,
    Term,
    Used,
)
from tests.rules.refunds import (
    CARD,
    CONSUMER,
    GIFTED,
    INSTITUTION,
    NEITHER,
    PACK,
    YEAR,
    asked,
    back,
    lines,
    quote,
)

# -- hours


def test_on_the_institutions_cause_hours_count_at_the_price_paid() -> None:
    found = quote(PACK, HoursUsed(1500), INSTITUTION)  # 8000 - 15 x 8000 / 40
    assert lines(found) == [("paid", "8000.00"), ("hours_at_paid_price", "-3000.00")]
    assert found.refund_fen == found.principal_fen == 500_000
    assert found.lines[1].formula == "− 15 × 8000.00 ÷ 40"
    assert [(other.cause, other.refund_fen) for other in found.alternatives] == [
        (CONSUMER, 200_000),  # 8000 - 15 x 400
        (NEITHER, 500_000),
    ]


def test_on_the_consumers_cause_a_proven_list_price_counts() -> None:
    assert back(PACK, HoursUsed(1500)) == "2000.00"
    assert "art. 19(1)" in quote(PACK, HoursUsed(1500)).lines[1].rule.en


def test_nothing_is_ever_claimed_from_the_family() -> None:
    found = quote(PACK, HoursUsed(3000))  # 30 x 400 = 12000 > 8000
    assert lines(found) == [("paid", "8000.00"), ("hours_at_list_price", "-12000.00"), ("floor", "4000.00")]
    assert found.refund_fen == 0


def test_a_list_price_without_sales_gives_way_to_the_market_price() -> None:
    unproven = RefundContract(800_000, hours_bought=4000, list_price_fen=40_000, market_price_fen=25_000)
    found = quote(unproven, HoursUsed(1500))  # 8000 - 15 x 250
    assert lines(found)[1] == ("hours_at_market_price", "-3750.00")
    assert [note.code for note in found.notes] == ["LIST_PRICE_NOT_PROVEN"]


def test_no_price_shown_is_doubt_that_goes_to_the_consumer() -> None:
    assert back(RefundContract(800_000, hours_bought=4000, list_price_fen=40_000), HoursUsed(1500)) == "5000.00"
    assert back(RefundContract(1_000_000, hours_bought=4000, hours_gifted=1000), HoursUsed(2000)) == "6000.00"


def test_a_list_price_below_the_price_paid_is_no_price_before_a_discount() -> None:
    cheap = RefundContract(800_000, hours_bought=4000, list_price_fen=15_000, list_price_proven=True)
    assert back(cheap, HoursUsed(1500)) == back(cheap, HoursUsed(1500), INSTITUTION) == "5000.00"


def test_gift_hours_count_like_bought_ones() -> None:
    assert back(GIFTED, HoursUsed(2000), INSTITUTION) == "6000.00"  # 10000 x 30 / 50
    assert back(GIFTED, HoursUsed(4500), INSTITUTION) == "1000.00"
    assert back(GIFTED, HoursUsed(2000), CONSUMER) == "4000.00"  # 10000 - 20 x 300


def test_what_comes_back_is_rounded_half_up() -> None:
    third = RefundContract(100, hours_bought=800)
    assert back(third, HoursUsed(300), INSTITUTION) == "0.63"  # 1.00 x 5 / 8 = 0.625
    assert lines(quote(third, HoursUsed(300), INSTITUTION))[1] == ("hours_at_paid_price", "-0.37")


def test_open_instalments_count_hours_at_the_whole_price() -> None:
    instalments = RefundContract(400_000, price_fen=800_000, hours_bought=4000)
    assert back(instalments, HoursUsed(1500), INSTITUTION) == "1000.00"  # 4000 - 15 x 200
    assert back(instalments, HoursUsed(2500), INSTITUTION) == "0.00"


# -- time, progress, stored value


def test_a_time_pass_counts_days_with_both_ends() -> None:
    for cause in Cause:
        assert back(YEAR, DaysServed(date(2025, 1, 1)), cause) == "3640.00"
        assert back(YEAR, DaysServed(date(2025, 12, 31)), cause) == "0.00"
        assert back(YEAR, DaysServed(date(2024, 12, 20)), cause) == "3650.00"


def test_a_contract_in_months_keeps_months() -> None:
    plain = RefundContract(120_000, term=Term(months=Fraction(12)))
    assert back(plain, MonthsUsed(Fraction(5, 2))) == "950.00"
    dated = RefundContract(120_000, term=Term(first_on=date(2025, 1, 15), months=Fraction(12)))
    assert back(dated, DaysServed(date(2025, 3, 14))) == "1000.00"  # two whole months
    assert back(dated, DaysServed(date(2025, 3, 31))) == "945.16"  # and 17 of 31 days
    assert back(dated, DaysServed(date(2025, 1, 14))) == "1200.00"
    assert back(dated, MonthsUsed(Fraction(12))) == "0.00"
    assert "(2 + 17/31) × 1200.00 ÷ 12" in quote(dated, DaysServed(date(2025, 3, 31))).lines[1].formula


def test_a_dated_term_of_whole_months_may_be_counted_in_months() -> None:
    assert back(YEAR, MonthsUsed(Fraction(3))) == "2737.50"


def test_a_share_of_progress() -> None:
    for cause in Cause:
        assert back(PACK, ProgressUsed(Fraction("37.5")), cause) == "5000.00"


def test_gift_money_shares_what_was_consumed() -> None:
    assert back(CARD, FaceValueUsed(359_400), INSTITUTION) == "304.50"
    assert back(CARD, FaceValueUsed(359_400), NEITHER) == "304.50"
    assert back(CARD, FaceValueUsed(120_000), CONSUMER) == "1800.00"
    assert back(CARD, FaceValueUsed(359_400), CONSUMER) == "0.00"
    assert back(RefundContract(300_000), FaceValueUsed(120_000), INSTITUTION) == "1800.00"


# -- what cannot be


@pytest.mark.parametrize(
    ("contract", "used", "code"),
    [
        (PACK, HoursUsed(4001), "USED_EXCEEDS_CONTRACT"),
        (GIFTED, HoursUsed(5001), "USED_EXCEEDS_CONTRACT"),
        (CARD, FaceValueUsed(400_001), "USED_EXCEEDS_CONTRACT"),
        (YEAR, DaysServed(date(2026, 1, 1)), "USED_EXCEEDS_CONTRACT"),
        (YEAR, ProgressUsed(Fraction("100.01")), "USED_EXCEEDS_CONTRACT"),
        (RefundContract(100, term=Term(months=Fraction(3))), MonthsUsed(Fraction(4)), "USED_EXCEEDS_CONTRACT"),
        (RefundContract(100), HoursUsed(100), "USED_DOES_NOT_FIT"),
        (PACK, DaysServed(date(2026, 1, 1)), "USED_DOES_NOT_FIT"),
        (PACK, MonthsUsed(Fraction(1)), "USED_DOES_NOT_FIT"),
        (RefundContract(100, term=Term(months=Fraction(3))), DaysServed(date(2026, 1, 1)), "USED_DOES_NOT_FIT"),
        (
            RefundContract(100, term=Term(first_on=date(2025, 1, 1), last_on=date(2025, 1, 20))),
            MonthsUsed(Fraction(1)),
            "USED_DOES_NOT_FIT",
        ),
        (
            RefundContract(100, term=Term(first_on=date(2025, 2, 1), last_on=date(2025, 1, 31))),
            DaysServed(date(2025, 1, 1)),
            "BAD_DATE",
        ),
        (RefundContract(100, price_fen=50, hours_bought=100), HoursUsed(0), "PAID_OVER_PRICE"),
    ],
)
def test_facts_that_contradict_each_other_are_not_quoted(contract: RefundContract, used: Used, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        quote(contract, used)
    assert refused.value.code == code


def test_payments_must_fit_the_contract_and_the_request() -> None:
    with pytest.raises(BadInput, match="REQUEST_BEFORE_PAYMENT"):
        quote(PACK, HoursUsed(0), CONSUMER, asked(date(2026, 3, 2), date(2026, 3, 1)))
    with pytest.raises(BadInput, match="PAYMENTS_EXCEED_PAID"):
        quote(PACK, HoursUsed(0), CONSUMER, asked(date(2026, 3, 2), date(2026, 3, 3), paid_fen=800_001))


def test_nothing_paid_gives_nothing_back() -> None:
    for cause in Cause:
        unpaid = RefundContract(0, hours_bought=1000, list_price_fen=10_000, list_price_proven=True)
        assert back(unpaid, HoursUsed(500), cause, asked(date(2026, 3, 2), date(2026, 3, 3), paid_fen=0)) == "0.00"
    assert back(RefundContract(0), FaceValueUsed(0), INSTITUTION) == "0.00"
