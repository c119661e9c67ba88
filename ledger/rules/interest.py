"""Interest on a refund, its own line (SPC interpretation 2025 no. 4, arts. 16 and 17)."""

from collections.abc import Sequence
from datetime import date
from typing import Final

from ledger.money import ratio_half_up
from ledger.terms.refund import Cause, InterestRate, InterestTerms
from ledger.terms.rulebook import Rate

LPR_1Y, DEPOSIT_1Y = "lpr_1y", "deposit_1y"
_NAMES: Final = {LPR_1Y: "LPR 1Y", DEPOSIT_1Y: "PBoC deposit 1Y"}


def terms_of(
    rates: Sequence[Rate], signed_on: date, from_on: date, until_on: date, year_days: int,
    *, agreed: InterestRate | None = None, account: InterestRate | None = None,
) -> InterestTerms:  # fmt: skip
    """Everything art. 16 chooses from, for a contract signed on ``signed_on`` that ended on ``from_on``."""
    return InterestTerms(
        from_on=from_on,
        until_on=until_on,
        year_days=year_days,
        agreed=agreed,
        account=account,
        lpr=_published(rate_at(rates, LPR_1Y, signed_on)),
        deposit=_published(rate_at(rates, DEPOSIT_1Y, signed_on)),
    )


def rate_at(rates: Sequence[Rate], name: str, signed_on: date) -> Rate | None:
    """The last published rate of ``name`` on or before the day of signing; None before the first one known."""
    return max(
        (rate for rate in rates if rate.name == name and rate.starts_on <= signed_on),
        key=lambda rate: rate.starts_on,
        default=None,
    )


def rate_for(cause: Cause, terms: InterestTerms) -> tuple[InterestRate | None, str]:
    """Art. 16: the rate, and the rule that chooses it; no rate where none is known.

    As agreed; else the custody account's own rate where the parent asked for it (16(2)); else one-year LPR on the
    institution's cause, the one-year deposit benchmark otherwise (16(1)).
    """
    if terms.agreed is not None:
        return terms.agreed, "art16_agreed"
    if terms.account is not None:
        return terms.account, "art16_account"
    return (terms.lpr, "art16_lpr") if cause is Cause.INSTITUTION else (terms.deposit, "art16_deposit")


def days_of(terms: InterestTerms) -> int:
    """Art. 17: the days from the end of the contract; the first one is not counted."""
    return max(0, (terms.until_on - terms.from_on).days)


def interest(principal_fen: int, rate: InterestRate, terms: InterestTerms) -> int:
    """Simple interest in fen, rounded half up."""
    numerator, denominator = rate.percent.numerator, rate.percent.denominator
    return ratio_half_up(principal_fen * numerator * days_of(terms), denominator * 100 * terms.year_days)


def _published(rate: Rate | None) -> InterestRate | None:
    if rate is None:
        return None
    return InterestRate(rate.percent, f"{_NAMES[rate.name]} {rate.starts_on}: {rate.source}")
