"""How much may be charged before teaching, and when (教监管函〔2021〕2号; 教监管〔2022〕4号)."""

from collections.abc import Sequence

from ledger.rules.calendar import add_months
from ledger.terms.prepayment import Assignment, Charge, Funding, PrepaymentLimits, PrepaymentRefusal
from ledger.terms.price_cap import Category
from ledger.terms.rulebook import Rulebook


def limits(rulebook: Rulebook) -> PrepaymentLimits:
    """The limits in force for a place on the rulebook's day."""

    def number(key: str) -> int | None:
        return None if rulebook.find(key) is None else rulebook.whole(key)

    def says(key: str) -> bool:
        return rulebook.find(key) is not None and rulebook.flag(key)

    return PrepaymentLimits(
        months_max=number("prepayment.months_max"),
        hours_max=number("prepayment.hours_max"),
        non_academic_amount_max_fen=number("prepayment.non_academic_amount_max"),
        earliest_months=number("prepayment.earliest_months"),
        earliest_hours_left=number("prepayment.earliest_hours_left"),
        cross_term_refused=says("prepayment.cross_term_refused"),
        loan_refused=says("prepayment.loan_refused"),
    )


def check(new: Charge, open_charges: Sequence[Charge], limit: PrepaymentLimits) -> tuple[PrepaymentRefusal, ...]:
    """Why ``new`` may not be charged; empty when it may.

    ``open_charges`` are the student's other open contracts with the same institution in the same
    subject. Every limit that applies must hold, so of months and hours the shorter binds. Codes:
    PREPAYMENT_OVER_HOURS (hundredths), _OVER_MONTHS, _OVER_AMOUNT (fen), _TOO_EARLY (days for the
    date, hundredths for hours left), _CROSS_TERM, LOAN_FUNDED.
    """
    counted = [charge for charge in open_charges if not _is_spent_before(charge, new, limit)]
    found = [
        _over_hours(new, counted, limit),
        _over_months(new, counted, limit),
        _over_amount(new, counted, limit),
        _too_early_by_date(new, limit),
        _too_early_by_hours(open_charges, limit),
    ]
    if limit.cross_term_refused and new.crosses_term:
        found.append(PrepaymentRefusal("PREPAYMENT_CROSS_TERM", 1, 0))
    if limit.loan_refused and new.funding is Funding.LOAN:
        found.append(PrepaymentRefusal("LOAN_FUNDED", 1, 0))
    return tuple(refusal for refusal in found if refusal is not None)


def assign(amount_fen: int, room_fen: int, refusals: Sequence[str], *, contract_open: bool) -> Assignment:
    """Booked money is never refused: what the contract may not take waits in suspense, with the reasons.

    ``room_fen`` is what the contract may still be paid; ``refusals`` are codes found again when the money is booked.
    """
    reasons = list(refusals) if contract_open else [*refusals, "CONTRACT_NOT_OPEN"]
    if reasons:
        return Assignment(0, amount_fen, tuple(reasons))
    claim_fen = min(amount_fen, max(0, room_fen))
    over = ("PAYMENT_OVER_PRICE",) if claim_fen < amount_fen else ()
    return Assignment(claim_fen, amount_fen - claim_fen, over)


def _is_spent_before(charge: Charge, new: Charge, limit: PrepaymentLimits) -> bool:
    """Whether ``new`` lawfully follows ``charge`` instead of standing beside it.

    By hours: teaching has begun and no more than the allowed hours are left. By months: it has begun and
    ends before the new lessons begin. A pack nobody has used yet is a split, however small.
    """
    if charge.hours is not None and charge.hours_left is not None:
        allowed = limit.earliest_hours_left or 0
        return charge.hours_left < charge.hours and charge.hours_left <= allowed
    last_on = charge.last_lesson_on
    if last_on is None and charge.months is not None:
        last_on = add_months(charge.first_lesson_on, charge.months)
    return charge.first_lesson_on < new.charged_on and last_on is not None and last_on <= new.first_lesson_on


def _over_hours(new: Charge, counted: Sequence[Charge], limit: PrepaymentLimits) -> PrepaymentRefusal | None:
    """At most 60 class hours, splits and gifts counted in.

    A charge by months alone stands for its share of the months allowed, so a split over both bases counts.
    """
    if limit.hours_max is None or all(charge.hours is None for charge in (new, *counted)):
        return None

    def hours(charge: Charge) -> int:
        if charge.hours is None and charge.months and limit.months_max and limit.hours_max:
            return charge.months * limit.hours_max // limit.months_max
        return _hours_left(charge)

    asked = hours(new) if new.hours is None else new.hours
    measured = asked + sum(hours(charge) for charge in counted)
    return _passed("PREPAYMENT_OVER_HOURS", measured, limit.hours_max, counted)


def _over_months(new: Charge, counted: Sequence[Charge], limit: PrepaymentLimits) -> PrepaymentRefusal | None:
    """At most 3 months, "buy three get three" counted in."""
    if limit.months_max is None or new.months is None:
        return None
    measured = new.months + sum(charge.months or 0 for charge in counted)
    return _passed("PREPAYMENT_OVER_MONTHS", measured, limit.months_max, counted)


def _over_amount(new: Charge, counted: Sequence[Charge], limit: PrepaymentLimits) -> PrepaymentRefusal | None:
    """Non-academic: at most 5,000 yuan."""
    if limit.non_academic_amount_max_fen is None or new.category is not Category.NON_ACADEMIC:
        return None
    measured = new.price_fen + sum(_amount_left_fen(charge) for charge in counted)
    return _passed("PREPAYMENT_OVER_AMOUNT", measured, limit.non_academic_amount_max_fen, counted)


def _too_early_by_date(new: Charge, limit: PrepaymentLimits) -> PrepaymentRefusal | None:
    """Not earlier than one month before the first lesson."""
    if limit.earliest_months is None:
        return None
    earliest = add_months(new.first_lesson_on, -limit.earliest_months)
    if new.charged_on >= earliest:
        return None
    allowed = (new.first_lesson_on - earliest).days
    return PrepaymentRefusal("PREPAYMENT_TOO_EARLY", (new.first_lesson_on - new.charged_on).days, allowed)


def _too_early_by_hours(open_charges: Sequence[Charge], limit: PrepaymentLimits) -> PrepaymentRefusal | None:
    """Not while more than 20 class hours are left in the subject."""
    if limit.earliest_hours_left is None:
        return None
    left = sum(_hours_left(charge) for charge in open_charges)
    return _passed("PREPAYMENT_TOO_EARLY", left, limit.earliest_hours_left, open_charges)


def _hours_left(charge: Charge) -> int:
    return charge.hours or 0 if charge.hours_left is None else charge.hours_left


def _amount_left_fen(charge: Charge) -> int:
    """What of the price stands for hours not yet taught, cut up to the fen; all of it where hours are not counted."""
    if not charge.hours or charge.hours_left is None:
        return charge.price_fen
    return -(-charge.price_fen * charge.hours_left // charge.hours)


def _passed(code: str, measured: int, limit: int, counted: Sequence[Charge]) -> PrepaymentRefusal | None:
    if measured <= limit:
        return None
    return PrepaymentRefusal(code, measured, limit, tuple(charge.contract_id for charge in counted))
