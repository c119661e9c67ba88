"""Cases computed by hand from the articles, the arithmetic beside each: amount, article named, line that decides."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

import pytest

from ledger.money import yuan
from ledger.terms.calendar import Side
from ledger.terms.refund import (
    Cause,
    Cost,
    DaysServed,
    FaceValueUsed,
    HoursUsed,
    InterestRate,
    InterestTerms,
    MonthsUsed,
    PaidOn,
    ProgressUsed,
    RefundContract,
    RefundRequest,
    Term,
    Used,
)
from tests.rules.refunds import CONSUMER, INSTITUTION, NEITHER, NO_DATES, clauses, quote

HALF_YEAR: Final = Term(first_on=date(2026, 3, 1), last_on=date(2026, 8, 31))
LEAP_YEAR: Final = Term(first_on=date(2028, 1, 1), last_on=date(2028, 12, 31))
MARCH_2: Final = date(2026, 3, 2)
RATES: Final = InterestTerms(
    MARCH_2,
    date(2026, 5, 1),
    365,
    lpr=InterestRate(Fraction(3), "LPR 1Y 2026-02-20"),
    deposit=InterestRate(Fraction("1.5"), "PBoC deposit 1Y 2015-10-24"),
)
ON_360: Final = InterestTerms(MARCH_2, date(2026, 4, 1), 360, agreed=InterestRate(Fraction("4.8"), "contract"))


@dataclass(frozen=True)
class Case:
    """What comes back in yuan, the article that must be named, and the line it must stand on."""

    name: str
    contract: RefundContract
    used: Used
    cause: Cause
    back: str
    line: str
    article: str
    request: RefundRequest = NO_DATES
    costs: tuple[Cost, ...] = ()
    interest: InterestTerms | None = None


def hours(number: str) -> HoursUsed:
    return HoursUsed(int(Fraction(number) * 100))


def pack(
    paid_fen: int,
    bought: int,
    *codes: str,
    gifted: int = 0,
    price_fen: int | None = None,
    proven_fen: int | None = None,
    unproven_fen: int | None = None,
    market_fen: int | None = None,
    cap_fen: int | None = None,
) -> RefundContract:
    """A pack of whole hours with its clauses; the list price proven by sales or not."""
    return RefundContract(
        paid_fen,
        price_fen,
        hours_bought=bought * 100,
        hours_gifted=gifted * 100,
        list_price_fen=unproven_fen if proven_fen is None else proven_fen,
        list_price_proven=proven_fen is not None,
        market_price_fen=market_fen,
        clauses=clauses(*codes),
        price_cap_fen=cap_fen,
    )


CASES: Final = [
    # -- hours, not the consumer's cause: paid x unused / all hours
    Case("three of seven", pack(1000_00, 7), hours("3"), INSTITUTION, "571.43", "hours_at_paid_price", "18(1)"),
    # 1000 x 4 / 7 = 571.428...
    Case("half hours", pack(5400_00, 36), hours("12.5"), NEITHER, "3525.00", "hours_at_paid_price", "18(1)"),
    # 5400 x 23.5 / 36 = 3525
    Case("ten for eight, gifts untouched", pack(2400_00, 8, gifted=2), hours("8"), INSTITUTION, "480.00",
         "hours_at_paid_price", "4000号"),  # 2400 x 2 / 10
    Case("buy 30 get 15", pack(6300_00, 30, gifted=15), hours("17.25"), INSTITUTION, "3885.00", "hours_at_paid_price",
         "4000号"),  # 6300 x 27.75 / 45 = 140 x 27.75
    Case("nothing taught, list price proven", pack(9000_00, 45, proven_fen=300_00), hours("0"), INSTITUTION,
         "9000.00",
         "hours_at_paid_price", "18(1)"),
    Case("all taught", pack(9000_00, 45), hours("45"), INSTITUTION, "0.00", "hours_at_paid_price", "18(1)"),
    Case("half a fen goes up", pack(1, 2), hours("1"), INSTITUTION, "0.01", "hours_at_paid_price", "18(1)"),
    # 0.01 x 1 / 2 = 0.005
    # -- hours, the consumer's cause
    Case("list price proven", pack(9000_00, 45, proven_fen=300_00), hours("12"), CONSUMER, "5400.00",
         "hours_at_list_price",
         "19(1)"),  # 9000 - 12 x 300
    Case("list price eats it all", pack(9000_00, 45, proven_fen=300_00), hours("30"), CONSUMER, "0.00",
         "hours_at_list_price", "19(1)"),  # 9000 - 30 x 300 = 0, and one more:
    Case("list price eats more", pack(9000_00, 45, proven_fen=300_00), hours("31"), CONSUMER, "0.00", "floor", "20"),
    # 9000 - 9300 = -300 -> 0
    Case("list price without sales", pack(9000_00, 45, unproven_fen=300_00, market_fen=240_00), hours("12"),
         CONSUMER, "6120.00", "hours_at_market_price", "19(2)"),  # 9000 - 12 x 240
    Case("no price shown", pack(9000_00, 45), hours("12"), CONSUMER, "6600.00", "hours_at_paid_price", "8"),
    # doubt to the consumer: 9000 x 33 / 45
    Case("no price shown, gifts", pack(9000_00, 40, gifted=5), hours("12"), CONSUMER, "6600.00",
         "hours_at_paid_price",
         "8"),  # 9000 x 33 / 45
    Case("gifts at list price", pack(9000_00, 40, gifted=5, proven_fen=300_00), hours("12"), CONSUMER, "5400.00",
         "hours_at_list_price", "19(1)"),  # 9000 - 12 x 300, the gift hours give nothing
    # -- clauses
    Case("gifts first", pack(9000_00, 40, "gift_hours_used_first", gifted=5, proven_fen=300_00), hours("12"),
         CONSUMER, "6900.00",
         "better_term", "18 and 19, last"),  # 9000 - (12 - 5) x 300
    Case("discount kept", pack(9000_00, 45, "discounted_price_on_any_cause", proven_fen=300_00), hours("12"),
         CONSUMER, "6600.00",
         "better_term", "18 and 19, last"),  # 9000 - 12 x 200
    Case("fee of a third", pack(9000_00, 45, "breach_fee_33.33_percent"), hours("12"), INSTITUTION, "6600.00",
         "void_breach_fee_33.33_percent", "9"),
    Case("no refund, expired", pack(9000_00, 45, "no_refund", "expiry_forfeits"), hours("12"), CONSUMER, "6600.00",
         "void_expiry_forfeits", "9"),
    Case("claw-back on the institution's cause", pack(9000_00, 45, "list_price_clawback", proven_fen=300_00),
         hours("12"),
         INSTITUTION, "6600.00", "void_list_price_clawback", "9"),
    Case("claw-back where the law says list price", pack(9000_00, 45, "list_price_clawback",
         proven_fen=300_00), hours("12"),
         CONSUMER, "5400.00", "void_list_price_clawback", "9 and 19"),
    # -- instalments: the price counts, what is open is not refunded
    Case("one of three instalments", pack(3000_00, 45, price_fen=9000_00), hours("10"), INSTITUTION, "1000.00",
         "hours_at_paid_price", "18(1)"),  # 3000 - 10 x 200
    Case("taught beyond the instalment", pack(3000_00, 45, price_fen=9000_00), hours("16"), INSTITUTION, "0.00",
         "floor", "20"),  # 3000 - 3200
    # -- time
    Case("half year by days", RefundContract(1840_00, term=HALF_YEAR), DaysServed(date(2026, 4, 30)), CONSUMER,
         "1230.00", "days_served", "22"),  # 31 + 30 = 61 of 184 days at 10 each
    Case("stopped a month before the end", RefundContract(1840_00, term=HALF_YEAR),
         DaysServed(date(2026, 4, 30), date(2026, 3, 31)), CONSUMER, "1530.00", "days_served", "22(2)"),  # 31 days
    Case("leap year", RefundContract(3660_00, term=LEAP_YEAR), DaysServed(date(2028, 2, 29)), INSTITUTION, "3060.00",
         "days_served", "22"),  # 60 of 366 days
    Case("nine months, two and a half gone", RefundContract(1800_00, term=Term(months=Fraction(9))),
         MonthsUsed(Fraction(5, 2)), CONSUMER, "1300.00", "months_used", "22"),  # 1800 x 6.5 / 9
    Case("months from a day, stopped", RefundContract(1200_00, term=Term(MARCH_2, months=Fraction(12))),
         DaysServed(date(2026, 7, 1), date(2026, 5, 1)), CONSUMER, "1000.00", "months_used", "22(2)"),  # two months
    # -- progress, stored value
    Case("a third of the course", RefundContract(999_00), ProgressUsed(Fraction(100, 3)), CONSUMER, "666.00",
         "progress", "15(1)"),
    Case("pay 500 get 100", RefundContract(500_00, gift_money_fen=100_00), FaceValueUsed(150_00), INSTITUTION,
         "375.00",
         "face_value_at_paid_price", "18(2)"),  # 500 - 150 x 500 / 600
    Case("the same, consumer", RefundContract(500_00, gift_money_fen=100_00), FaceValueUsed(150_00), CONSUMER,
         "350.00",
         "face_value", "19(1)"),
    Case("gift money spent too", RefundContract(500_00, gift_money_fen=100_00), FaceValueUsed(550_00),
         CONSUMER, "0.00",
         "floor", "20"),  # 500 - 550
    # -- seven days
    Case("inside seven days, taught", pack(9000_00, 45, "handling_fee_500", proven_fen=300_00), hours("2"),
         CONSUMER, "8600.00",
         "hours_at_paid_price", "14", RefundRequest((PaidOn(MARCH_2, 9000_00),), date(2026, 3, 9))),  # 9000 - 2 x 200
    Case("on the eighth day", pack(9000_00, 45, proven_fen=300_00), hours("2"), CONSUMER, "8400.00",
         "hours_at_list_price",
         "19(1)", RefundRequest((PaidOn(MARCH_2, 9000_00),), date(2026, 3, 10))),  # 9000 - 2 x 300
    Case("second payment inside, gifts first", pack(9000_00, 40, "gift_hours_used_first", gifted=5,
         proven_fen=300_00),
         hours("30"), CONSUMER, "3375.00", "seven_days", "14",
         RefundRequest((PaidOn(date(2026, 1, 5), 5000_00), PaidOn(MARCH_2, 4000_00)), date(2026, 3, 5))),
    # law 9000 - 30 x 300 = 0; gifts first 9000 - 25 x 300 = 1500; at the paid price, gifts first:
    # 9000 - 25 x 225 = 3375, below the 4000 of the late payment
    # -- overcharge, costs, interest
    Case("above the cap", pack(9000_00, 45, cap_fen=160_00), hours("12"), INSTITUTION, "7080.00", "overcharge",
         "above the cap"),  # 9000 - 45 x 160 = 1800 first; 7200 x 33 / 45 = 5280
    Case("a cost never takes an overcharge", pack(9000_00, 45, cap_fen=160_00), hours("12"), CONSUMER, "1800.00",
         "cost_institution", "15(2)", costs=(Cost(Side.INSTITUTION, 99_999_00),)),
    Case("a cost never takes money inside the seven days", pack(9000_00, 45, proven_fen=300_00), hours("12"),
         CONSUMER, "4000.00",
         "cost_institution", "15(2)", RefundRequest((PaidOn(date(2026, 1, 5), 5000_00), PaidOn(MARCH_2, 4000_00)),
         date(2026, 3, 5)), (Cost(Side.INSTITUTION, 99_999_00),)),  # 5400 by law, 4000 of it untouchable
    Case("interest on the institution's cause", pack(9000_00, 45), hours("12"), INSTITUTION, "6632.55", "interest",
         "LPR", interest=RATES),  # 6600 x 3 % x 60 / 365 = 32.547...
    Case("interest on the consumer's cause", pack(9000_00, 45), hours("12"), CONSUMER, "6616.27", "interest",
         "deposit benchmark", interest=RATES),  # 6600 x 1.5 % x 60 / 365 = 16.273...
    Case("agreed interest on 360 days", pack(9000_00, 45), hours("0"), NEITHER, "9036.00", "interest", "as agreed",
         interest=ON_360),  # 9000 x 4.8 % x 30 / 360
    Case("a parent's cost and interest", pack(9000_00, 45), hours("12"), INSTITUTION, "6652.55", "cost_parent",
         "15(2)",
         costs=(Cost(Side.PARENT, 20_00),), interest=RATES),  # no interest on the cost
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_case_computed_by_hand(case: Case) -> None:
    found = quote(case.contract, case.used, case.cause, case.request, case.costs, case.interest)
    assert yuan(found.refund_fen) == case.back
    (line,) = [line for line in found.lines if line.code == case.line]
    assert case.article in line.rule.en, line.rule.en
    assert line.label.zh
    assert line.rule.zh
    assert line.source
    for other in found.alternatives:
        again = quote(case.contract, case.used, other.cause, case.request, case.costs, case.interest)
        assert again.refund_fen == other.refund_fen


def test_there_are_more_cases_than_the_issue_asks_for() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 40
