"""How much may be charged before teaching, and when (教监管函〔2021〕2号; 教监管〔2022〕4号)."""

import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Final
from uuid import UUID

from ledger.rules.calendar import add_months
from ledger.terms.contract import Contract
from ledger.terms.contract_rules import ContractRules
from ledger.terms.prepayment import (
    Assignment,
    BookingFacts,
    Charge,
    ChargeAtBooking,
    Funding,
    OpenCharge,
    PrepaymentLimits,
    PrepaymentRefusal,
)
from ledger.terms.price_cap import Category
from ledger.terms.rulebook import Rulebook

# What only a lender calls itself: consumer finance company, small-loan company, financial leasing, instalment platform.
_LENDERS: Final = ("消费金融", "小额贷款", "小贷", "金融租赁", "融资租赁", "分期")
_DAY: Final = timedelta(days=1)


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


def same_subjects(rulebook: Rulebook) -> dict[str, str]:
    """Names that count as one subject: every name -> the first of its group, as ``subject_key`` writes them.

    The key holds groups like ``数学,奥数,数学思维;语文,阅读写作``: a subject under another name is the same subject.
    """
    if rulebook.find("prepayment.same_subjects") is None:
        return {}
    groups = [group.split(",") for group in rulebook.text("prepayment.same_subjects").split(";")]
    return {subject_key(name, {}): subject_key(group[0], {}) for group in groups for name in group}


def subject_key(subject: str, same: Mapping[str, str]) -> str:
    """The subject a charge counts in, however its name is typed: width, case, blanks and punctuation do not matter."""
    plain = unicodedata.normalize("NFKC", subject).casefold()
    plain = "".join(sign for sign in plain if unicodedata.category(sign)[0] in "LN")
    return same.get(plain, plain)


def charge(contract: Contract, category: Category, lesson_price_fen: int, vacations: Collection[date]) -> Charge:
    """What a contract charges: gift hours and gift months count, a stored-value card with its face value.

    A card counts in hours as well: what its face value buys at the course's price for a lesson, cut up.
    """
    hours = contract.hours_bought + contract.hours_gifted
    face_value_fen = None
    if contract.gift_money_fen is not None:
        face_value_fen = contract.price_fen + contract.gift_money_fen
        hours = max(hours, card_hours(face_value_fen, lesson_price_fen))
    return Charge(
        contract_id=contract.contract_no,
        category=category,
        charged_on=contract.signed_on,
        first_lesson_on=contract.first_lesson_on,
        price_fen=contract.price_fen,
        hours=hours,
        hours_left=hours,
        months=contract.months,
        crosses_term=_months_cross(contract.first_lesson_on, contract.months, vacations),
        funding=Funding.LOAN if contract.funded_by_loan else Funding.OWN,
        face_value_fen=face_value_fen,
    )


def standing(held: OpenCharge, vacations: Collection[date] = ()) -> Charge:
    """What an open contract counts as for the next charge; ``vacations`` tell whether it reaches into another term."""
    hours, face_value_fen = held.hours, None
    if held.gift_money_fen is not None:
        face_value_fen = held.price_fen + held.gift_money_fen
        hours = max(hours, card_hours(face_value_fen, held.lesson_price_fen))
    return Charge(
        contract_id=str(held.contract_id),
        category=Category(held.category),
        charged_on=held.signed_on,
        first_lesson_on=held.first_lesson_on,
        price_fen=held.price_fen,
        hours=hours,
        hours_left=-(-hours * held.hours_left // held.hours),
        months=held.months,
        crosses_term=_months_cross(held.first_lesson_on, held.months, vacations),
        face_value_fen=face_value_fen,
    )


def card_hours(face_value_fen: int, lesson_price_fen: int) -> int:
    """The class hours (hundredths, cut up) a card's face value buys; none where lessons have no price."""
    return -(-face_value_fen * 100 // lesson_price_fen) if lesson_price_fen else 0


def crosses_term(first_on: date, last_on: date, vacations: Collection[date]) -> bool:
    """Whether lessons lie before and after a school vacation: the charge reaches into the next term."""
    within = sorted(day for day in vacations if first_on < day < last_on)
    return any(day - _DAY not in vacations and _after(day, vacations) < last_on for day in within)


def _months_cross(first_on: date, months: int | None, vacations: Collection[date]) -> bool:
    """The same of a charge by months; one without months has no last day."""
    return months is not None and crosses_term(first_on, add_months(first_on, months) - _DAY, vacations)


def _after(day: date, vacations: Collection[date]) -> date:
    """The last day of the vacation that ``day`` lies in."""
    while day + _DAY in vacations:
        day += _DAY
    return day


def is_lender(payer: str) -> bool:
    """Whether the payer is a lender by its name: a training loan is refused whoever signs it (教监管函〔2021〕2号)."""
    plain = unicodedata.normalize("NFKC", payer)
    return any(word in plain for word in _LENDERS)


def to_book(
    found: Iterable[BookingFacts], rules: Mapping[UUID, ContractRules], vacations: Collection[date]
) -> dict[UUID, ChargeAtBooking]:
    """What is asked again when money for contracts is booked: each and its pupil's contracts signed before it.

    By the limits in force when it was signed (``rules``, by contract): no later rule counts.
    """
    asked = {}
    for one in found:
        contract, kept = one.contract, rules[one.contract.contract_id]
        key = subject_key(one.course.subject, kept.same_subjects)
        before = [
            standing(other)
            for other in one.held
            if subject_key(other.subject, kept.same_subjects) == key
            and (other.signed_at, other.contract_id) < (one.signed_at, contract.contract_id)
        ]
        own = charge(contract, Category(one.course.category), one.course.lesson_price_fen, vacations)
        asked[contract.contract_id] = ChargeAtBooking(own, tuple(before), kept.prepayment)
    return asked


def at_booking(booked: ChargeAtBooking, payer: str) -> tuple[str, ...]:
    """The codes of limits that a contract passes when money for it is booked; its money then waits in suspense.

    Counted with the contracts signed before it, as they stand now. A loan shows in who pays.
    """
    found = [refusal.code for refusal in check(booked.charge, booked.signed_before, booked.limits)]
    lent = booked.limits.loan_refused and is_lender(payer) and "LOAN_FUNDED" not in found
    return (*found, "LOAN_FUNDED") if lent else tuple(found)


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
    reasons = list(refusals) if contract_open else ["CONTRACT_NOT_OPEN", *refusals]
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
    """Non-academic: at most 5,000 yuan (教监管〔2022〕4号); a card counts with its face value."""
    if limit.non_academic_amount_max_fen is None or new.category is not Category.NON_ACADEMIC:
        return None
    measured = _amount_fen(new) + sum(_amount_left_fen(charge) for charge in counted)
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


def _amount_fen(charge: Charge) -> int:
    return charge.price_fen if charge.face_value_fen is None else charge.face_value_fen


def _amount_left_fen(charge: Charge) -> int:
    """What of the amount stands for hours not yet taught, cut up to the fen; all of it where hours are not counted."""
    if not charge.hours or charge.hours_left is None:
        return _amount_fen(charge)
    return -(-_amount_fen(charge) * charge.hours_left // charge.hours)


def _passed(code: str, measured: int, limit: int, counted: Sequence[Charge]) -> PrepaymentRefusal | None:
    if measured <= limit:
        return None
    return PrepaymentRefusal(code, measured, limit, tuple(charge.contract_id for charge in counted))
