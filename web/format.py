"""How figures, days and accounts look on a page. Amounts are fen, hours are hundredths."""

import re
from datetime import date, time

from markupsafe import Markup

from ledger.errors import message
from ledger.money import fen_from_text, hours_from_text, hours_text, yuan_grouped
from web.language import current, gettext, ngettext

_DAYS = {"zh": "一二三四五六日", "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")}
# An amount in a formula has two decimals; a number of hours with two decimals is followed by what one hour costs.
_AMOUNT = re.compile(r"-?\d+\.\d\d(?! ×)")
_HOURLY = re.compile(
    r"− (?P<used>[\d.]+) × (?P<price>\d+\.\d\d)(?: ÷ \(?(?P<bought>[\d.]+)(?: \+ (?P<gifted>[\d.]+)\))?)?"
)


def amount(fen: int) -> str:
    """123450 -> "¥1,234.50"; the minus is U+2212."""
    shown = yuan_grouped(abs(fen))
    return f"{'−' if fen < 0 else ''}¥{shown}"


def day(on: date) -> str:
    """2026-12-15(周二), in English 2026-12-15 (Tue)."""
    name = _DAYS[current()][on.weekday()]
    return f"{on.isoformat()}(周{name})" if current() == "zh" else f"{on.isoformat()} ({name})"


def clock(at: time) -> str:
    """18:30."""
    return at.strftime("%H:%M")


def class_hours(hundredths: int) -> str:
    """1750 -> "17.5 class hours"."""
    number = hours_text(hundredths)
    return ngettext("%(number)s class hour", "%(number)s class hours", 1 if hundredths == 100 else 2, number=number)


def sentence(code: str) -> str:
    """What a code of ledger.errors says, in the language of this page."""
    return message(code, current())


def tail(account: str) -> str:
    """The last four characters of an account, all that a page ever shows of one."""
    return account[-4:]


def phone_link(phone: str) -> str:
    """A Chinese number as telephones dial it: 010-0000-1208 -> tel:+861000001208."""
    digits = "".join(mark for mark in phone if mark.isascii() and mark.isdigit())
    if phone.startswith("+"):
        return f"tel:+{digits}"
    return f"tel:+86{digits.removeprefix('0')}" if len(digits) > 6 else f"tel:{digits}"


def formula(text: str) -> str:
    """A worksheet formula for people: yuan get their sign and groups of three."""
    return _AMOUNT.sub(lambda found: amount(fen_from_text(found[0], signed=True)), text)


def worked(code: str, text: str) -> str:
    """The short form of a formula beside its label: "12 class hours × ¥80.00" where an hour costs whole fen."""
    found = _HOURLY.fullmatch(text) if code.startswith("hours_") else None
    if found is None:
        return formula(text.removeprefix("− "))
    used, price_fen = hours_from_text(found["used"]), fen_from_text(found["price"])
    if found["bought"] is None:
        return gettext("%(hours)s × %(price)s", hours=class_hours(used), price=amount(price_fen))
    total = hours_from_text(found["bought"]) + hours_from_text(found["gifted"] or "0")
    if price_fen * 100 % total == 0:
        return gettext("%(hours)s × %(price)s", hours=class_hours(used), price=amount(price_fen * 100 // total))
    shown = {"hours": class_hours(used), "price": amount(price_fen), "total": class_hours(total)}
    return gettext("%(hours)s × %(price)s ÷ %(total)s", **shown)


def chinese(text: str) -> Markup:
    """A Chinese name, marked as such on pages in another language."""
    return Markup("{}" if current() == "zh" else '<span lang="zh-CN">{}</span>').format(text)
