"""Interest on refunds: which rate, from when."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import interest
from ledger.terms.refund import Cause, InterestRate, InterestTerms

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


def rate(percent: str) -> InterestRate:
    return InterestRate(Fraction(percent), f"source of {percent}")


def test_agreed_before_the_accounts_own_before_the_cause() -> None:
    published = InterestTerms(*SPAN, lpr=rate("3"), deposit=rate("1.5"))
    assert interest.rate_for(Cause.INSTITUTION, published) == (rate("3"), "art16_lpr")
    assert interest.rate_for(Cause.CONSUMER, published) == (rate("1.5"), "art16_deposit")
    assert interest.rate_for(Cause.NEITHER, published) == (rate("1.5"), "art16_deposit")
    asked = replace(published, account=rate("1"))
    assert interest.rate_for(Cause.INSTITUTION, asked) == (rate("1"), "art16_account")
    assert interest.rate_for(Cause.CONSUMER, replace(asked, agreed=rate("6"))) == (rate("6"), "art16_agreed")
    assert interest.rate_for(Cause.CONSUMER, InterestTerms(*SPAN)) == (None, "art16_deposit")


def test_interest_runs_from_the_end_of_the_contract() -> None:
    assert interest.interest(365_000, rate("3"), InterestTerms(*SPAN)) == 300  # 3650.00 x 3 % x 10 / 365
    backwards = InterestTerms(SPAN[1], SPAN[0], 365)
    assert interest.interest(365_000, rate("3"), backwards) == 0


def test_the_terms_name_the_publication_of_the_day_of_signing() -> None:
    terms = interest.terms_of(RATES, date(2025, 5, 19), *SPAN)
    assert terms.lpr is not None
    assert terms.deposit is not None
    assert (terms.lpr.percent, terms.deposit.percent) == (Fraction("3.1"), Fraction("1.5"))
    assert terms.lpr.source.startswith("LPR 1Y 2025-")
    assert terms.deposit.source.startswith("PBoC deposit 1Y 2015-10-24: ")
    assert interest.terms_of(RATES, date(2014, 1, 1), *SPAN).lpr is None
