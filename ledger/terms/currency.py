"""Currencies: how many digits follow the point, and amounts as integers of the smallest unit.

The custody accounts are in yuan, but statements of other currencies are read and shown, so the digits
come from the currency (ISO 4217): yuan 2, yen 0, dinar 3.
"""

import re
from typing import Final

from ledger.errors import BadInput

_NOT_TWO: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
}
_OTHER_DIGITS: Final = {code: digits for digits, codes in _NOT_TWO.items() for code in codes.split()}
# 15 digits before the point keep yuan inside PostgreSQL's bigint; ISO 20022 allows 5 digits behind it, sums 17.
_AMOUNT: Final = re.compile(r"(\d{1,15})(?:\.(\d{1,17}))?", re.ASCII)
AMOUNT_MAX: Final = 10**17


def minor_digits(currency: str) -> int:
    """Digits behind the point of a currency code: CNY 2, JPY 0, KWD 3. An unknown code has 2."""
    return _OTHER_DIGITS.get(currency, 2)


def minor_from_text(text: str, currency: str, *, field: str = "amount") -> int:
    """Read an unsigned decimal ("1234.5", point only) into the smallest unit of the currency.

    Zeros behind the currency's digits are accepted ("5442.09000" yuan), any other digit there is not.
    Raises BadInput BAD_AMOUNT.
    """
    found = _AMOUNT.fullmatch(text)
    if found is None:
        raise BadInput("BAD_AMOUNT", field=field, value=text)
    digits = minor_digits(currency)
    fraction = (found[2] or "").rstrip("0")
    if len(fraction) > digits:
        raise BadInput("BAD_AMOUNT", field=field, value=text)
    minor = int(found[1] + fraction.ljust(digits, "0"))
    if minor >= AMOUNT_MAX:
        raise BadInput("BAD_AMOUNT", field=field, value=text)
    return minor


def amount_text(minor: int, currency: str) -> str:
    """The amount with the currency's digits and a plain minus: (-123456, "CNY") -> "-1234.56"."""
    digits = minor_digits(currency)
    whole, rest = divmod(abs(minor), 10**digits)
    point = f".{rest:0{digits}d}" if digits else ""
    return f"{'-' if minor < 0 else ''}{whole}{point}"
