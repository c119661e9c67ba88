"""The cells of bank spreadsheets, each text until its own pattern has fitted: amounts, days, accounts, words."""

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Final, NamedTuple

from ledger.errors import BadInput
from ledger.terms.currency import minor_from_text

Reader = Callable[[str], str]

TEXT_MAX: Final = 500
REFERENCE_MAX: Final = 64
_PADDING: Final = " \t\r\n\u3000\xa0`\ufeff"
_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_BLANK: Final = re.compile(r"[\s`]+")
# What a spreadsheet makes of a long number ("6.23E+18"), and of a shorter one ("105100000017.0"): digits are lost.
_SPREADSHEET_NUMBER: Final = re.compile(r"\d+(?:\.\d+)?[eE]\+\d+|\d+\.\d+", re.ASCII)
_ACCOUNT: Final = re.compile("[0-9A-Za-z][0-9A-Za-z-]{0,33}")
_HARMLESS: Final = re.compile(r"[-0-9A-Za-z.,:+/ 借贷]{0,24}", re.ASCII)
_NOTHING: Final = re.compile("[-/*]*")
_MONEY: Final = re.compile(r"(?:([A-Z]{3})|[¥￥])?\s*([+-]?)\s*([0-9.,]+)", re.ASCII)
_POINT: Final = re.compile(r"(\d{1,3}(?:,\d{3})+|\d+)(?:\.(\d+))?", re.ASCII)
_COMMA: Final = re.compile(r"(\d{1,3}(?:\.\d{3})+|\d+)(?:,(\d+))?", re.ASCII)
_CURRENCY: Final = re.compile("[A-Z]{3}")
_CURRENCY_NAMES: Final[Mapping[str, str]] = {
    "人民币": "CNY", "人民币元": "CNY", "RMB": "CNY", "元": "CNY", "美元": "USD", "欧元": "EUR", "港币": "HKD",
    "港元": "HKD", "日元": "JPY", "英镑": "GBP",
}  # fmt: skip
_TOKENS: Final = {"YYYY": r"(?P<y>\d{4})", "MM": r"(?P<m>\d{1,2})", "DD": r"(?P<d>\d{1,2})", "hh": r"\d{1,2}",
                  "mm": r"\d\d", "ss": r"\d\d"}  # fmt: skip
_TOKEN: Final = re.compile("YYYY|MM|DD|hh|mm|ss")
# Dates are written like this whatever a bank does elsewhere, and cells that hold a date come out so.
_ALWAYS: Final = ("YYYY-MM-DD", "YYYY-MM-DD hh:mm:ss")


class Money(NamedTuple):
    """An amount as written: unsigned digits, its sign ("+", "-" or ""), and the currency beside it ("" for none)."""

    digits: str
    sign: str
    currency: str


def clean(cell: str) -> str:
    """A cell without padding (blanks, TAB, backtick). Raises BadInput BAD_FIELD for control characters in it."""
    found = cell.strip(_PADDING)
    if _CONTROL.search(found):
        raise BadInput("BAD_FIELD", field="control character")
    return found


def header_key(cell: str) -> str:
    """What makes two headers or labels equal: no blanks, no colon behind, width and case aside."""
    return _BLANK.sub("", unicodedata.normalize("NFKC", cell)).rstrip(":").casefold()


def money(written: str, *, comma: bool) -> Money:
    """An amount with thousands marks, perhaps a sign, a yuan sign or a currency before it.

    ``comma``: a comma stands before the decimals. Raises BadInput BAD_AMOUNT.
    """
    found = _MONEY.fullmatch(written)
    number = (_COMMA if comma else _POINT).fullmatch(found[3]) if found else None
    if found is None or number is None:
        raise BadInput("BAD_AMOUNT", value=shown(written))
    whole = number[1].replace("." if comma else ",", "")
    return Money(f"{whole}.{number[2]}" if number[2] else whole, found[2], found[1] or "")


def minor(amount: Money, currency: str) -> int:
    """Smallest units, without the sign. Raises BadInput BAD_AMOUNT."""
    return minor_from_text(amount.digits, currency)


def currency_code(written: str) -> str:
    """ "人民币" -> "CNY"; codes stay. Raises BadInput BAD_FIELD."""
    code = _CURRENCY_NAMES.get(written, written.upper())
    if not _CURRENCY.fullmatch(code):
        raise BadInput("BAD_FIELD", value=shown(written))
    return code


@lru_cache(maxsize=4096)
def day(written: str, formats: Sequence[str]) -> date | None:
    """A day written in one of the formats ("YYYY-MM-DD hh:mm:ss"); None when it is none, or is no day at all."""
    for pattern in (*formats, *_ALWAYS):
        found = _pattern(pattern).fullmatch(written)
        if found:
            try:
                return date(int(found["y"]), int(found["m"]), int(found["d"]))
            except ValueError:
                return None  # 30 February
    return None


@lru_cache(maxsize=256)
def _pattern(written: str) -> re.Pattern[str]:
    pieces, at = [], 0
    for token in _TOKEN.finditer(written):
        pieces += [re.escape(written[at : token.start()]), _TOKENS[token[0]]]
        at = token.end()
    return re.compile("".join([*pieces, re.escape(written[at:])]), re.ASCII)


def shown(written: str) -> str | None:
    """A cell as it may stand in a message: short, without words, too short for an account number; else None.

    In a row that is out of line a name or an account may stand where an amount or a day should.
    """
    return written if _HARMLESS.fullmatch(written) and sum(sign.isdigit() for sign in written) < 16 else None


def account(written: str) -> str:
    """An account or bank number; "" where it is hidden ("6226******5669") or is none.

    Raises BadInput BAD_ACCOUNT for a number that went through a spreadsheet.
    """
    if _SPREADSHEET_NUMBER.fullmatch(written):
        raise BadInput("BAD_ACCOUNT")
    return written if _ACCOUNT.fullmatch(written) else ""


def reference(written: str) -> str:
    """A number the bank gives; "" where it stands empty ("/"). Raises BadInput BAD_FIELD (too long, spreadsheet)."""
    if len(written) > REFERENCE_MAX or _SPREADSHEET_NUMBER.fullmatch(written):
        raise BadInput("BAD_FIELD")
    return words(written)


def words(written: str) -> str:
    """Text for people; "" where it stands empty ("/", "------"). Raises BadInput BAD_FIELD when it is too long."""
    if len(written) > TEXT_MAX:
        raise BadInput("BAD_FIELD")
    return "" if _NOTHING.fullmatch(written) else written
