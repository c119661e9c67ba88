"""The price of what was delivered, a ratio of fen (SPC interpretation 2025 no. 4, arts. 15, 18, 19, 22).

Ratios and unit prices are never rounded before use, so a price stays ``numerator / denominator`` until what is left of
the payment is written down. A formula is written only for what is shown.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction

from ledger.errors import BadInput
from ledger.money import hours_text, ratio_half_up, yuan
from ledger.rules.calendar import add_months, months_between
from ledger.terms.refund import (
    DaysServed,
    FaceValueUsed,
    HoursUsed,
    MonthsUsed,
    ProgressUsed,
    RefundContract,
    Term,
    Used,
)

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Delivered:
    """Worth ``numerator / denominator`` fen; ``code`` names the label, ``rule`` the article, ``formula`` the inputs."""

    code: str
    numerator: int
    denominator: int
    rule: str
    formula: Callable[[], str]

    def left_of(self, paid_fen: int) -> int:
        """Art. 15(1): what was paid less this, rounded half up to the fen; below zero where this is more."""
        return ratio_half_up(paid_fen * self.denominator - self.numerator, self.denominator)

    def under(self, rule: str) -> "Delivered":
        """The same worth, by another article."""
        return Delivered(self.code, self.numerator, self.denominator, rule, self.formula)

    def exceeds(self, other: "Delivered") -> bool:
        return self.numerator * other.denominator > other.numerator * self.denominator


def delivered(contract: RefundContract, used: Used, *, at_list_price: bool) -> Delivered:
    """What was delivered is worth; ``at_list_price`` on the consumer's cause where nothing better holds.

    Raises BadInput USED_DOES_NOT_FIT where ``used`` is not counted in a unit of the contract and
    USED_EXCEEDS_CONTRACT where more was used than bought and given.
    """
    match used:
        case HoursUsed():
            return hours_at_list_price(contract, used) if at_list_price else hours_at_paid_price(contract, used)
        case FaceValueUsed():
            return face_value_whole(contract, used) if at_list_price else face_value_at_paid_price(contract, used)
        case DaysServed():
            return days_served(contract, used)
        case MonthsUsed():
            return months_used(contract, used)
    return progress(contract, used)


def price_of(contract: RefundContract) -> int:
    """The whole price in fen: what was paid, unless instalments are open."""
    return contract.paid_fen if contract.price_fen is None else contract.price_fen


def hours_total(contract: RefundContract) -> int:
    """Hours bought and gifted, in hundredths. Raises BadInput USED_DOES_NOT_FIT without bought hours."""
    if not contract.hours_bought:
        raise BadInput("USED_DOES_NOT_FIT", where="contract.hours_bought", value="hours")
    return contract.hours_bought + contract.hours_gifted


def hours_at_paid_price(contract: RefundContract, used: HoursUsed) -> Delivered:
    """Art. 18(1): at the discounted price; gift hours count like bought ones ((2022)渝01民终4000号)."""
    total, hours, price = hours_total(contract), used.hours, price_of(contract)
    if hours > total:
        raise BadInput("USED_EXCEEDS_CONTRACT", where="used.hours", value=hours_text(hours))
    return Delivered(
        "hours_at_paid_price",
        price * hours,
        total,
        "art18_1_gift" if contract.hours_gifted else "art18_1",
        lambda: f"{hours_text(hours)} × {yuan(price)} ÷ {_hours_formula(contract)}",
    )


def hours_at_list_price(contract: RefundContract, used: HoursUsed) -> Delivered:
    """Art. 19: at the price before the discount, proven by sales; else at the market price at signing.

    Neither shown: at the price paid, doubt goes to the consumer. A list or market price below the price
    paid is no price before a discount, one above a price cap was never lawful: the paid price, the cap.
    """
    at_paid = hours_at_paid_price(contract, used)
    proven = contract.list_price_fen is not None and contract.list_price_proven
    unit = contract.list_price_fen if proven else contract.market_price_fen
    if unit is None:
        return at_paid.under("art19_doubt")
    code, rule = ("hours_at_list_price", "art19_1") if proven else ("hours_at_market_price", "art19_2")
    if contract.price_cap_fen is not None and contract.price_cap_fen < unit:
        unit, code, rule = contract.price_cap_fen, "hours_at_price_cap", "art19_cap"
    by_unit = Delivered(code, unit * used.hours, 100, rule, lambda: f"{hours_text(used.hours)} × {yuan(unit)}")
    return by_unit if by_unit.exceeds(at_paid) else at_paid.under("art19_no_discount")


def face_value_at_paid_price(contract: RefundContract, used: FaceValueUsed) -> Delivered:
    """Art. 18(2): consumed face value x paid / (paid + gift)."""
    whole = face_value_whole(contract, used)
    if not contract.gift_money_fen:
        return whole
    paid_fen, used_fen = contract.paid_fen, used.face_value_fen
    face = paid_fen + contract.gift_money_fen
    return Delivered(
        "face_value_at_paid_price",
        used_fen * paid_fen,
        face,
        "art18_2",
        lambda: f"{yuan(used_fen)} × {yuan(paid_fen)} ÷ {yuan(face)}",
    )


def face_value_whole(contract: RefundContract, used: FaceValueUsed) -> Delivered:
    """Art. 19: the consumed face value."""
    face = contract.paid_fen + contract.gift_money_fen
    _within(used.face_value_fen, face, "used.face_value", yuan(used.face_value_fen))
    rule = "art19_1" if contract.gift_money_fen else "art15_1"
    return Delivered("face_value", used.face_value_fen, 1, rule, lambda: yuan(used.face_value_fen))


def days_served(contract: RefundContract, used: DaysServed) -> Delivered:
    """Art. 22: days served / days in term, both ends counted; own non-use within them gives nothing (22(3)).

    Where the institution stopped earlier, the days count to its stop, whatever the cause (22(2)). A term that counts
    in months keeps months: whole months from the first day, then days of the month begun.
    """
    term = contract.term
    if term is None or term.first_on is None:
        raise BadInput("USED_DOES_NOT_FIT", where="contract.term.first_day", value="last_day_served")
    stopped = used.through_on < used.last_on
    if term.last_on is None:
        by_months = months_used(contract, MonthsUsed(_months_served(term, used)))
        return by_months.under("art22_stop") if stopped else by_months
    days_in_term = (term.last_on - term.first_on).days + 1
    if days_in_term < 1:
        raise BadInput("BAD_DATE", where="contract.term.last_day", value=term.last_on)
    served = max(0, (used.through_on - term.first_on).days + 1)
    _within(served, days_in_term, "used.last_day_served", used.through_on)
    price = price_of(contract)
    return Delivered(
        "days_served",
        price * served,
        days_in_term,
        "art22_stop" if stopped else "art22",
        lambda: f"{served} × {yuan(price)} ÷ {days_in_term}",
    )


def months_used(contract: RefundContract, used: MonthsUsed) -> Delivered:
    """A contract that counts in months: months used / months bought. A dated term must be whole months."""
    months = _months_of(contract.term)
    _within(used.months, months, "used.months", used.months)
    price = price_of(contract)
    share = used.months / months
    return Delivered(
        "months_used",
        price * share.numerator,
        share.denominator,
        "art22_months",
        lambda: f"{_fraction_text(used.months)} × {yuan(price)} ÷ {_fraction_text(months)}",
    )


def progress(contract: RefundContract, used: ProgressUsed) -> Delivered:
    """Art. 15(1): the delivered share of the price."""
    _within(used.percent, 100, "used.progress_percent", used.percent)
    price = price_of(contract)
    return Delivered(
        "progress",
        price * used.percent.numerator,
        used.percent.denominator * 100,
        "art15_1",
        lambda: f"{_fraction_text(used.percent)} % × {yuan(price)}",
    )


def gift_hours_first(contract: RefundContract, used: HoursUsed) -> tuple[RefundContract, HoursUsed]:
    """The same facts as the clause reads them: what was used comes off the gift hours before the bought ones."""
    rest = max(0, used.hours - contract.hours_gifted)
    return replace(contract, hours_gifted=0), HoursUsed(rest)


def _months_of(term: Term | None) -> Fraction:
    months = None if term is None else term.months
    if term is not None and term.first_on is not None and term.last_on is not None:
        whole = months_between(term.first_on, term.last_on)
        months = None if whole is None else Fraction(whole)
    if not months:
        raise BadInput("USED_DOES_NOT_FIT", where="contract.term", value="months")
    return months


def _months_served(term: Term, used: DaysServed) -> Fraction:
    """Months from the first day to the last day served, the month begun by its days."""
    assert term.first_on is not None
    after = used.through_on + _DAY
    if after <= term.first_on:
        return Fraction(0)
    months = (after.year - term.first_on.year) * 12 + after.month - term.first_on.month
    if add_months(term.first_on, months) > after:
        months -= 1
    begun = add_months(term.first_on, months)
    return months + Fraction((after - begun).days, (add_months(term.first_on, months + 1) - begun).days)


def _hours_formula(contract: RefundContract) -> str:
    bought = hours_text(contract.hours_bought or 0)
    return f"({bought} + {hours_text(contract.hours_gifted)})" if contract.hours_gifted else bought


def _fraction_text(number: Fraction) -> str:
    """Whole numbers and decimals as written, anything else as a sum of whole and fraction: 3 + 10/31."""
    if (number * 100).denominator == 1:
        return hours_text(int(number * 100))
    whole, rest = divmod(number, 1)
    return f"({whole} + {rest})"


def _within(used: Fraction | int, bought: Fraction | int, where: str, shown: object) -> None:
    if used > bought:
        raise BadInput("USED_EXCEEDS_CONTRACT", where=where, value=shown)
