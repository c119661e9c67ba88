"""The refund worksheet, rule by rule: each case is reckoned by hand in the comment beside it."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from ledger.errors import BadInput
from ledger.money import yuan
from ledger.rules import refund
from ledger.terms.calendar import Side
from ledger.terms.clause import read_clause
from ledger.terms.refund import (
    Cause,
    Cost,
    FaceValueUsed,
    HoursUsed,
    InterestRate,
    InterestTerms,
    PaidOn,
    ProgressUsed,
    RefundContract,
    RefundRequest,
    RefundRules,
)
from ledger.terms.rulebook import NATION
from tests.rules.refunds import (
    BOOKS,
    CONSUMER,
    GIFTED,
    INSTITUTION,
    NEITHER,
    PACK,
    VOID,
    asked,
    back,
    clauses,
    lines,
    quote,
)

# -- clauses


def test_gift_hours_first_is_honoured_whatever_the_cause() -> None:
    better = replace(GIFTED, clauses=clauses("gift_hours_used_first"))
    assert back(better, HoursUsed(2000), INSTITUTION) == "7500.00"  # 10000 - (20 - 10) x 10000 / 40
    assert back(better, HoursUsed(2000), CONSUMER) == "7000.00"  # 10000 - (20 - 10) x 300
    assert back(better, HoursUsed(500), CONSUMER) == "10000.00"
    assert lines(quote(better, HoursUsed(2000)))[-1] == ("better_term", "3000.00")
    assert quote(better, HoursUsed(2000)).lines[-1].source == "contract: gift_hours_used_first"


def test_a_discounted_price_on_any_cause_is_honoured() -> None:
    better = replace(GIFTED, clauses=clauses("discounted_price_on_any_cause"))
    assert back(better, HoursUsed(2000)) == "6000.00"
    card = RefundContract(300_000, gift_money_fen=100_000, clauses=clauses("discounted_price_on_any_cause"))
    assert back(card, FaceValueUsed(359_400)) == "304.50"


def test_both_better_terms_hold_together() -> None:
    better = replace(GIFTED, clauses=clauses("gift_hours_used_first", "discounted_price_on_any_cause"))
    assert back(better, HoursUsed(2000)) == "7500.00"
    assert (
        quote(better, HoursUsed(2000)).lines[-1].source.endswith("gift_hours_used_first, discounted_price_on_any_cause")
    )


def test_gift_hours_first_says_nothing_of_other_units() -> None:
    better = replace(GIFTED, clauses=clauses("gift_hours_used_first"))
    assert back(better, ProgressUsed(Fraction(50))) == "5000.00"


def test_void_terms_are_named_and_take_nothing() -> None:
    burdened = replace(PACK, clauses=clauses(*VOID))
    for cause in Cause:
        assert back(burdened, HoursUsed(1500), cause) == back(PACK, HoursUsed(1500), cause)
    named = [line for line in quote(burdened, HoursUsed(1500)).lines if line.code.startswith("void_")]
    assert [line.code for line in named] == [f"void_{code}" for code in VOID]
    assert {line.amount_fen for line in named} == {0}
    assert named[3].formula == "20 % × 8000.00 = 1600.00 → 0.00"
    assert named[4].formula == "500.00 → 0.00"
    assert named[5].formula == "2.5 % × 8000.00 = 200.00 → 0.00"
    assert "art. 9" in named[0].rule.en


@pytest.mark.parametrize("code", ["breach_fee", "breach_fee_500", "handling_fee_x", "planning_fee_5", "free", ""])
def test_codes_outside_the_list_are_no_clauses(code: str) -> None:
    assert read_clause(code) is None


# -- seven days


@pytest.mark.parametrize(
    ("paid_on", "requested_on", "applies"),
    [
        (date(2026, 3, 2), date(2026, 3, 2), True),
        (date(2026, 3, 2), date(2026, 3, 9), True),  # the seventh day, a Monday
        (date(2026, 3, 2), date(2026, 3, 10), False),
        (date(2026, 3, 7), date(2026, 3, 16), True),  # the seventh is Saturday the 14th
        (date(2026, 3, 7), date(2026, 3, 17), False),
        (date(2026, 9, 24), date(2026, 10, 8), True),  # National Day, first working day the 8th
        (date(2026, 9, 24), date(2026, 10, 9), False),
        (date(2026, 10, 3), date(2026, 10, 10), True),  # a made-up Saturday is a working day
        (date(2026, 10, 3), date(2026, 10, 12), False),
    ],
)
def test_the_seven_day_right_and_its_last_day(paid_on: date, requested_on: date, applies: bool) -> None:
    found = quote(PACK, HoursUsed(500), CONSUMER, asked(paid_on, requested_on))
    assert yuan(found.refund_fen) == ("7000.00" if applies else "6000.00")  # 5 lessons at 200 or at 400
    assert [note.code for note in found.notes] == ["SEVEN_DAYS_APPLY" if applies else "SEVEN_DAYS_OVER"]


def test_the_seven_day_right_falls_with_the_same_service_before() -> None:
    found = quote(PACK, HoursUsed(500), CONSUMER, asked(date(2026, 3, 2), date(2026, 3, 3), before=True))
    assert yuan(found.refund_fen) == "6000.00"
    assert [note.code for note in found.notes] == ["SAME_SERVICE_BEFORE"]


def test_one_payment_within_seven_days_is_protected_by_itself() -> None:
    payments = (PaidOn(date(2026, 1, 5), 400_000), PaidOn(date(2026, 3, 2), 400_000))
    request = RefundRequest(payments, date(2026, 3, 4))
    # by list price 8000 - 15 x 400 = 2000; at the price paid 5000; the late payment of 4000 is safe
    assert lines(quote(PACK, HoursUsed(1500), CONSUMER, request))[-1] == ("seven_days", "2000.00")
    assert back(PACK, HoursUsed(3000), CONSUMER, request) == "2000.00"
    assert back(PACK, HoursUsed(500), CONSUMER, request) == "6000.00"


def test_the_seven_day_right_needs_its_rule_and_its_dates() -> None:
    request = asked(date(2026, 3, 2), date(2026, 3, 3))
    no_right = RefundRules("earlier law", "source", None, "x", "y")
    assert yuan(quote(PACK, HoursUsed(500), CONSUMER, request, rules=no_right).refund_fen) == "6000.00"
    undated = RefundRequest((PaidOn(date(2026, 3, 2), 800_000),))
    assert back(PACK, HoursUsed(500), CONSUMER, undated) == "6000.00"


def test_a_last_day_in_a_year_without_notice_is_marked() -> None:
    found = quote(PACK, HoursUsed(500), CONSUMER, asked(date(2026, 12, 26), date(2027, 1, 4)))
    assert [note.code for note in found.notes] == ["SEVEN_DAYS_APPLY", "CALENDAR_PROVISIONAL"]


def test_neither_sides_cause_asks_to_renegotiate_first() -> None:
    assert [note.code for note in quote(PACK, HoursUsed(500), NEITHER).notes] == ["RENEGOTIATE_FIRST"]


# -- price cap


def test_what_was_charged_above_the_cap_comes_back_first() -> None:
    over = replace(PACK, price_cap_fen=15_000)
    for cause in Cause:  # lawful 40 x 150 = 6000; 2000 above; the list price of 400 was never lawful
        found = quote(over, HoursUsed(1500), cause)
        assert lines(found)[:3] == [
            ("overcharge", "2000.00"),
            ("paid_lawful", "6000.00"),
            ("hours_at_paid_price", "-2250.00"),
        ]
        assert yuan(found.refund_fen) == "5750.00"


def test_a_list_price_above_the_cap_counts_as_the_cap() -> None:
    capped = replace(PACK, price_cap_fen=25_000)
    assert lines(quote(capped, HoursUsed(1500)))[1] == ("hours_at_price_cap", "-3750.00")
    assert back(capped, HoursUsed(1500), INSTITUTION) == "5000.00"


def test_an_overcharge_not_yet_paid_only_lowers_the_price() -> None:
    over = RefundContract(400_000, price_fen=800_000, hours_bought=4000, price_cap_fen=15_000)
    assert lines(quote(over, HoursUsed(1000), INSTITUTION)) == [
        ("paid", "4000.00"),
        ("hours_at_paid_price", "-1500.00"),
    ]


# -- costs and interest


def test_costs_fall_on_the_side_that_caused_the_end() -> None:
    costs = (
        Cost(Side.INSTITUTION, 10_000),
        Cost(Side.INSTITUTION, 20_000, is_commission=True),
        Cost(Side.PARENT, 3_000),
    )
    by_consumer = quote(PACK, HoursUsed(1500), CONSUMER, costs=costs)
    assert lines(by_consumer)[2:] == [
        ("cost_institution", "-100.00"),
        ("cost_refused", "0.00"),
        ("cost_refused", "0.00"),
    ]
    by_institution = quote(PACK, HoursUsed(1500), INSTITUTION, costs=costs)
    assert lines(by_institution)[2:] == [("cost_refused", "0.00"), ("cost_refused", "0.00"), ("cost_parent", "30.00")]
    assert (by_institution.refund_fen, by_institution.principal_fen) == (503_000, 500_000)
    neither = quote(PACK, HoursUsed(1500), NEITHER, costs=costs)
    assert neither.refund_fen == 500_000


def test_a_cost_never_takes_more_than_what_is_left() -> None:
    assert quote(PACK, HoursUsed(1500), CONSUMER, costs=(Cost(Side.INSTITUTION, 900_000),)).refund_fen == 0


def test_no_cost_against_the_seven_day_right() -> None:
    request = asked(date(2026, 3, 2), date(2026, 3, 3))
    found = quote(PACK, HoursUsed(0), CONSUMER, request, (Cost(Side.INSTITUTION, 10_000),))
    assert lines(found)[-1] == ("cost_refused", "0.00")
    assert found.refund_fen == 800_000


def test_interest_is_a_line_of_its_own_on_top_of_the_principal() -> None:
    terms = InterestTerms(
        date(2026, 3, 2),
        date(2026, 3, 31),
        365,
        lpr=InterestRate(Fraction(3), "LPR 1Y 2026-02-20: a notice"),
        deposit=InterestRate(Fraction("1.5"), "benchmark"),
    )
    found = quote(PACK, HoursUsed(1500), INSTITUTION, interest=terms)  # 5000 x 3 % x 29 / 365 = 11.917...
    assert lines(found)[-1] == ("interest", "11.92")
    assert found.lines[-1].formula == "5000.00 × 3 % × 29 ÷ 365 (2026-03-02 – 2026-03-31)"
    assert found.lines[-1].source == "LPR 1Y 2026-02-20: a notice"
    assert "one-year LPR" in found.lines[-1].rule.en
    assert found.principal_fen == 500_000
    assert lines(quote(PACK, HoursUsed(1500), NEITHER, interest=terms))[-1] == ("interest", "5.96")
    assert {other.cause: yuan(other.refund_fen) for other in found.alternatives}[CONSUMER] == "2002.38"


def test_interest_without_a_known_rate_has_no_line() -> None:
    terms = InterestTerms(date(2026, 3, 2), date(2026, 3, 31), 365)
    assert quote(PACK, HoursUsed(1500), INSTITUTION, interest=terms).refund_fen == 500_000


# -- the worksheet as a whole


def test_the_digest_names_what_was_shown() -> None:
    first = quote(PACK, HoursUsed(1500))
    assert first.digest == quote(PACK, HoursUsed(1500)).digest
    changed = [quote(PACK, HoursUsed(1499)), quote(PACK, HoursUsed(1500), INSTITUTION)]
    assert len({first.digest, *(other.digest for other in changed)}) == 3
    assert first.rulebook == "000000-2025-05-01"


def test_before_any_refund_law_is_loaded_there_is_no_quote() -> None:
    with pytest.raises(BadInput, match="RULE_MISSING"):
        refund.rules_in_force(BOOKS.in_force(NATION, "", date(2025, 4, 30)))
