"""What a draft would decide otherwise, one past thing at a time. Each asks the rule that is in use, twice.

A ``Pair`` (and ``Calendars``) is the law as it was or is, and the same with the draft on top. Nothing here is a rule of
its own, and nothing that was decided changes by it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date

from ledger.errors import BadInput
from ledger.money import yuan
from ledger.rules import prepayment_limit, price_cap, refund_deadline, reserve
from ledger.rules import refund as refund_rules
from ledger.terms.calendar import CalendarDays
from ledger.terms.institution import Institution
from ledger.terms.prepayment import Charge
from ledger.terms.price_cap import ContractPrice, ContractVerdict
from ledger.terms.refund import Cause, HoursUsed, RefundContract, RefundRequest
from ledger.terms.reserve import ReserveFigures
from ledger.terms.rulebook import Rulebook
from ledger.terms.whatif import Change, ContractState, PastRefund, Signing, Subject

Pair = tuple[Rulebook, Rulebook]
Calendars = tuple[CalendarDays, CalendarDays]
_Sum = int | str  # fen, or why there is no sum


def price(contract: ContractPrice, two: Pair) -> Change | None:
    """Whether a contract's price would be judged otherwise; the money is the excess that would come back."""
    was, now = (price_cap.check_contract(contract, book) for book in two)
    if _price_text(was) == _price_text(now):
        return None
    return Change(
        subject=Subject.PRICE,
        institution=contract.institution,
        item=contract.contract_no,
        before=_price_text(was),
        after=_price_text(now),
        change_fen=now.excess_fen - was.excess_fen,
    )


def prepayment(institution: str, signing: Signing, two: Pair, calendars: Calendars) -> Change | None:
    """Whether a contract would be refused, or taken, by other limits or vacations.

    The money is what could not have been charged.
    """

    def codes(book: Rulebook, calendar: CalendarDays) -> list[str]:
        charge = replace(prepayment_limit.standing(signing.own, calendar.vacations), funding=signing.funding)
        found = prepayment_limit.check(charge, _same_subject(signing, book), prepayment_limit.limits(book))
        return [one.code for one in found]

    refused = [codes(book, calendar) for book, calendar in zip(two, calendars, strict=True)]
    if refused[0] == refused[1]:
        return None
    was, now = (", ".join(side) or "taken" for side in refused)
    newly = bool(refused[1]) - bool(refused[0])
    return Change(Subject.PREPAYMENT, institution, signing.contract_no, was, now, newly * signing.own.price_fen)


def _same_subject(signing: Signing, rulebook: Rulebook) -> list[Charge]:
    """The others that count with a charge: those of its subject, by the names the rulebook takes for one."""
    same = prepayment_limit.same_subjects(rulebook)
    key = prepayment_limit.subject_key(signing.own.subject, same)
    others = [one for one in signing.others if prepayment_limit.subject_key(one.subject, same) == key]
    return [prepayment_limit.standing(one) for one in others]


def required_reserve(institution: Institution, figures: Sequence[ReserveFigures], two: Pair) -> Change | None:
    """How much more or less reserve would be required; ``figures`` for each side, whose recent months may differ.

    A rulebook that does not say enough is named, never guessed.
    """

    def asked(found: ReserveFigures, book: Rulebook) -> _Sum:
        return _fen_or_code(lambda: reserve.line(institution, found, book).required_fen)

    was, now = (asked(found, book) for found, book in zip(figures, two, strict=True))
    return _change(Subject.RESERVE, institution.code, institution.code, was, now)


def quote(
    contract: ContractPrice,
    state: ContractState,
    cause: Cause,
    two: Pair,
    signed: Pair,
    calendars: Calendars,
    on: date,
) -> Change | None:
    """What a family would get back on ``on`` under ``cause``. ``two``: the law of that day, ``signed``: that of the day
    of signing, whose caps count.
    """
    sides = zip(two, signed, calendars, strict=True)
    was, now = (_quoted(contract, state, cause, *side, on) for side in sides)
    item = f"{contract.contract_no} {cause}"
    return _change(Subject.QUOTE, contract.institution, item, was, now)


def refund(contract: ContractPrice, asked: PastRefund, two: Pair, signed: Pair, calendars: Calendars) -> Change | None:
    """What would have come out of a refund that was asked. Interest and costs of the asking stay as they were, so that
    what changes is what the draft changes.
    """
    then = replace(contract, price_fen=asked.price_fen)
    sides = zip(two, signed, calendars, strict=True)
    was, now = (_quoted(then, asked.state, asked.cause, *side, asked.asked_on) for side in sides)
    if isinstance(was, int) and isinstance(now, int):
        was, now = asked.amount_fen, asked.amount_fen + now - was
    return _change(Subject.REFUND, contract.institution, _asked_item(contract, asked), was, now)


def refund_dates(contract: ContractPrice, asked: PastRefund, two: Pair, calendars: Calendars) -> Change | None:
    """Whether the institution would have had other days to answer or to pay back."""
    was, now = (_dates_text(asked, book, calendar) for book, calendar in zip(two, calendars, strict=True))
    if was == now:
        return None
    return Change(Subject.REFUND_DATES, contract.institution, _asked_item(contract, asked), was, now, 0)


def _price_text(found: ContractVerdict) -> str:
    excess = f" by {yuan(found.excess_fen)}" if found.excess_fen else ""
    return f"{found.verdict.verdict}{excess}"


def _change(subject: Subject, institution: str, item: str, was: _Sum, now: _Sum) -> Change | None:
    if was == now:
        return None
    both = isinstance(was, int) and isinstance(now, int)
    return Change(subject, institution, item, _sum_text(was), _sum_text(now), int(now) - int(was) if both else 0)


def _fen_or_code(asked: Callable[[], int]) -> _Sum:
    """What a rule answers in fen, or the code and the key of what it lacks."""
    try:
        return asked()
    except BadInput as fault:
        return f"{fault.code} {fault.field}"


def _sum_text(found: _Sum) -> str:
    return found if isinstance(found, str) else yuan(found)


def _asked_item(contract: ContractPrice, asked: PastRefund) -> str:
    return f"{contract.contract_no} {asked.cause} {asked.asked_on}"


def _dates_text(asked: PastRefund, rulebook: Rulebook, calendar: CalendarDays) -> str:
    try:
        found = refund_deadline.dates(asked.asked_on, asked.first_lesson_on, rulebook, calendar)
    except BadInput as fault:
        return f"{fault.code} {fault.field}"
    return ", ".join(f"{one.code} {one.on}" for one in found)


def _quoted(
    contract: ContractPrice,
    state: ContractState,
    cause: Cause,
    rulebook: Rulebook,
    signed_under: Rulebook,
    calendar: CalendarDays,
    on: date,
) -> _Sum:
    holds = price_cap.check_contract(contract, signed_under).verdict.holds
    facts = RefundContract(
        paid_fen=state.paid_fen - state.refunded_fen,
        price_fen=contract.price_fen,
        hours_bought=contract.hours_bought,
        hours_gifted=contract.hours_gifted,
        list_price_fen=contract.list_price_fen,
        list_price_proven=state.list_price_sold,
        price_cap_fen=None if holds is None else holds.cap_fen,
    )
    payments = () if state.refunded_fen else state.payments
    request = RefundRequest(payments, on, state.same_service_before)
    used = HoursUsed(state.hours_used)

    def asked() -> int:
        rules = refund_rules.rules_in_force(rulebook)
        return refund_rules.quote(facts, used, cause, request, rules, calendar=calendar).refund_fen

    return _fen_or_code(asked)
