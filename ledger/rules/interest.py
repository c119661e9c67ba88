"""Interest on a refund, its own line (SPC interpretation 2025 no. 4, arts. 16 and 17)."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction

from ledger.terms.refund import Cause, InterestTerms
from ledger.terms.rulebook import Rate


def rate_at(rates: Sequence[Rate], name: str, signed_on: date) -> Rate | None:
    """The last published rate of ``name`` on or before the day of signing; None before the first one known."""
    return max(
        (rate for rate in rates if rate.name == name and rate.starts_on <= signed_on),
        key=lambda rate: rate.starts_on,
        default=None,
    )


def percent_for(cause: Cause, terms: InterestTerms) -> Fraction | None:
    """Yearly percent: as agreed; else the custody account's own rate where the parent asked for it (``account_percent``
    set); else one-year LPR on the institution's cause, one-year deposit benchmark otherwise; None when unknown."""
    if terms.agreed_percent is not None:
        return terms.agreed_percent
    if terms.account_percent is not None:
        return terms.account_percent
    return terms.lpr_percent if cause is Cause.INSTITUTION else terms.deposit_percent


def interest(principal_fen: int, percent: Fraction, terms: InterestTerms) -> Fraction:
    """Simple interest in fen, not rounded, from the end of the contract; the first day is not counted."""
    days = max(0, (terms.until_on - terms.from_on).days)
    return principal_fen * percent / 100 * Fraction(days, terms.year_days)
