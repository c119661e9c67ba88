"""Interest on refunds: which rate, from when."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import interest
from ledger.terms.refund import Cause, InterestTerms

RATES = load_rulebooks([BUILT_IN]).rates
SPAN = (date(2026, 3, 2), date(2026, 3, 12), 365)


def test_the_rate_is_the_last_one_published_by_the_day_of_signing() -> None:
    found = interest.rate_at(RATES, "lpr_1y", date(2025, 5, 19))
    assert found is not None
    assert found.percent == Fraction("3.10")
    later = interest.rate_at(RATES, "lpr_1y", date(2025, 5, 20))
    assert later is not None
    assert later.percent == 3
    deposit = interest.rate_at(RATES, "deposit_1y", date(2026, 1, 1))
    assert deposit is not None
    assert deposit.percent == Fraction("1.5")
    assert interest.rate_at(RATES, "lpr_1y", date(2019, 8, 19)) is None


def test_agreed_before_the_accounts_own_before_the_cause() -> None:
    published = InterestTerms(*SPAN, lpr_percent=Fraction(3), deposit_percent=Fraction("1.5"))
    assert interest.percent_for(Cause.INSTITUTION, published) == 3
    assert interest.percent_for(Cause.CONSUMER, published) == Fraction("1.5")
    asked = replace(published, account_percent=Fraction(1))
    assert interest.percent_for(Cause.INSTITUTION, asked) == 1
    assert interest.percent_for(Cause.CONSUMER, replace(asked, agreed_percent=Fraction(6))) == 6


def test_interest_runs_from_the_end_of_the_contract() -> None:
    assert interest.interest(365_000, Fraction(3), InterestTerms(*SPAN)) == 300
    backwards = InterestTerms(SPAN[1], SPAN[0], 365)
    assert interest.interest(365_000, Fraction(3), backwards) == 0
