"""The principal of a refund: what was paid less what was delivered, and every rule that makes it more.

SPC interpretation 2025 no. 4, arts. 9 and 14 to 22, one function per rule; design page 5-rules, C6, steps 1 to 8. Only
whether the consumer caused the end matters here: the institution's cause and neither's are reckoned alike (step 7).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from ledger.errors import BadInput, Message
from ledger.money import hours_text, round_half_up, yuan
from ledger.rules.calendar import moved_on
from ledger.rules.delivered import Delivered, delivered, gift_hours_first, hours_total, price_of
from ledger.rules.refund_words import LABELS, RULES
from ledger.terms.calendar import CalendarDays, Deadline
from ledger.terms.clause import Clause, ClauseKind
from ledger.terms.refund import HoursUsed, Part, RefundContract, RefundRequest, RefundRules, Used, WorksheetLine

_CONTRACT = "contract"


@dataclass(frozen=True, slots=True)
class Facts:
    """The facts once checked. ``contract`` is at the lawful price, ``overcharge_fen`` what was paid above it.

    ``protected_fen``: of what was paid, the part inside the seven days.
    """

    contract: RefundContract
    paid_fen: int
    overcharge_fen: int
    used: Used
    request: RefundRequest
    rules: RefundRules
    protected_fen: int
    last_days: tuple[Deadline, ...]

    @property
    def all_within_seven_days(self) -> bool:
        """Whether the seven-day right reaches everything that was paid."""
        return 0 < self.paid_fen <= self.protected_fen


@dataclass(frozen=True, slots=True)
class Better:
    """A reading that gives the family more than the law by cause: ``gives_fen`` in all."""

    code: str
    gives_fen: int
    rule: str
    formula: Callable[[], str]
    source: str = ""


@dataclass(frozen=True, slots=True)
class Principal:
    """What comes back of what was paid. ``left_fen``: by the law of the cause, below zero before the floor of art. 20.

    ``untouchable_fen``: of that, money inside the seven days, which no cost may take.
    """

    overcharge_fen: int
    by_law: Delivered
    left_fen: int
    better: Better | None
    untouchable_fen: int

    @property
    def total_fen(self) -> int:
        """Overcharge and principal together, in fen."""
        return self.overcharge_fen + (max(0, self.left_fen) if self.better is None else self.better.gives_fen)


def checked(
    contract: RefundContract, used: Used, request: RefundRequest, rules: RefundRules, calendar: CalendarDays
) -> Facts:
    """The facts, once they do not contradict each other. Raises BadInput PAID_OVER_PRICE, PAYMENTS_EXCEED_PAID,
    REQUEST_BEFORE_PAYMENT.
    """
    if contract.paid_fen > price_of(contract):
        raise BadInput("PAID_OVER_PRICE", where="contract.paid", value=yuan(contract.paid_fen))
    if request.payments:
        if sum([payment.amount_fen for payment in request.payments]) > contract.paid_fen:
            raise BadInput("PAYMENTS_EXCEED_PAID", where="contract.paid", value=yuan(contract.paid_fen))
        if request.requested_on is not None and any(p.on > request.requested_on for p in request.payments):
            raise BadInput("REQUEST_BEFORE_PAYMENT", where="request.requested_on", value=request.requested_on)
    last_days = seven_day_ends(request, rules, calendar)
    lawful, overcharge_fen = at_lawful_price(contract)
    protected_fen = within_seven_days_fen(request, last_days)
    return Facts(lawful, contract.paid_fen, overcharge_fen, used, request, rules, protected_fen, last_days)


def principal(facts: Facts, *, consumers_cause: bool) -> Principal:
    """Steps 1 and 3 to 8: the law by cause, and the best reading above it."""
    at_list_price = consumers_cause and not facts.all_within_seven_days
    by_law = delivered(facts.contract, facts.used, at_list_price=at_list_price)
    if facts.all_within_seven_days:
        by_law = by_law.under("art14")
    left_fen = by_law.left_of(facts.contract.paid_fen)
    late_payments = seven_days(facts)
    best = max(0, left_fen)
    better = None
    for reading in (*better_terms(facts, best, at_list_price=at_list_price), late_payments):
        if reading is not None and reading.gives_fen > best:
            better, best = reading, reading.gives_fen
    untouchable_fen = 0 if late_payments is None else late_payments.gives_fen
    return Principal(facts.overcharge_fen, by_law, left_fen, better, untouchable_fen)


def at_lawful_price(contract: RefundContract) -> tuple[RefundContract, int]:
    """Price law: what was charged above the cap comes back first; the rest is reckoned at the cap.

    Gives the contract at the lawful price and the overcharge already paid, in fen rounded half up.
    """
    if contract.price_cap_fen is None:
        return contract, 0
    lawful = Fraction(contract.price_cap_fen * hours_total(contract), 100)
    if lawful >= price_of(contract):
        return contract, 0
    overcharge_fen = max(0, round_half_up(contract.paid_fen - lawful))
    lawful_fen = contract.paid_fen - overcharge_fen if overcharge_fen else round_half_up(lawful)
    return replace(contract, paid_fen=contract.paid_fen - overcharge_fen, price_fen=lawful_fen), overcharge_fen


def seven_day_ends(request: RefundRequest, rules: RefundRules, calendar: CalendarDays) -> tuple[Deadline, ...]:
    """Art. 14: the last day of the right for each payment, in their order; none where the right is not in force.

    The day of payment is not counted; a last day on a statutory rest day moves on.
    """
    if rules.cooling_off_days is None or not request.payments:
        return ()
    return tuple([
        moved_on(date.fromordinal(payment.on.toordinal() + rules.cooling_off_days), calendar)
        for payment in request.payments
    ])  # fmt: skip


def within_seven_days_fen(request: RefundRequest, last_days: Sequence[Deadline]) -> int:
    """Art. 14: what was paid within the seven days, unless the same service was received before signing.

    Lessons of this contract do not remove the right.
    """
    asked_on = request.requested_on
    if asked_on is None or not last_days or request.same_service_before:
        return 0
    return sum([p.amount_fen for p, last in zip(request.payments, last_days, strict=True) if asked_on <= last.on])


def seven_days(facts: Facts) -> Better | None:
    """Art. 14 where only some payments are within the seven days: these come back at the price paid, at least.

    None where the right reaches nothing, or everything (then the whole contract is reckoned at the price paid).
    """
    if not facts.protected_fen or facts.all_within_seven_days:
        return None
    contract, used, clause = facts.contract, facts.used, _clause(facts.contract, ClauseKind.GIFT_HOURS_USED_FIRST)
    if clause is not None and isinstance(used, HoursUsed):
        contract, used = gift_hours_first(contract, used)
    left_fen = max(0, delivered(contract, used, at_list_price=False).left_of(contract.paid_fen))
    gives_fen = min(facts.protected_fen, left_fen)
    return Better("seven_days", gives_fen, "art14", lambda: yuan(gives_fen), clause.code if clause else "")


def better_terms(facts: Facts, law_fen: int, *, at_list_price: bool) -> Iterator[Better]:
    """Arts. 18 and 19, last: a term of the contract that is better for the consumer than ``law_fen`` prevails."""
    if not facts.contract.clauses:
        return
    paid_fen = facts.contract.paid_fen
    for clauses, reading in _clause_readings(facts, at_list_price=at_list_price):
        gives_fen = max(0, reading.left_of(paid_fen))
        if gives_fen > law_fen:
            yield Better("better_term", gives_fen, "art18_19_better", _paid_less(paid_fen, reading), clauses)


def _paid_less(paid_fen: int, reading: Delivered) -> Callable[[], str]:
    return lambda: f"{yuan(paid_fen)} − {reading.formula()}"


def _clause_readings(facts: Facts, *, at_list_price: bool) -> Iterator[tuple[str, Delivered]]:
    """The readings that honoured clauses allow, each with the clauses it rests on."""
    contract, used = facts.contract, facts.used
    discounted = _clause(contract, ClauseKind.DISCOUNTED_PRICE_ON_ANY_CAUSE)
    gifts_first = _clause(contract, ClauseKind.GIFT_HOURS_USED_FIRST)
    if discounted:
        yield discounted.code, delivered(contract, used, at_list_price=False)
    if gifts_first and isinstance(used, HoursUsed):
        contract, used = gift_hours_first(contract, used)
        yield gifts_first.code, delivered(contract, used, at_list_price=at_list_price)
        if discounted:
            yield f"{gifts_first.code}, {discounted.code}", delivered(contract, used, at_list_price=False)


def _clause(contract: RefundContract, kind: ClauseKind) -> Clause | None:
    return next((clause for clause in contract.clauses if clause.kind is kind), None)


# -- as lines of the worksheet


def principal_lines(facts: Facts, found: Principal) -> Iterator[WorksheetLine]:
    """Overcharge, paid, delivered, floor, better reading: they add up to ``found.total_fen``."""
    paid_fen = facts.contract.paid_fen
    if found.overcharge_fen:
        cap_fen = facts.contract.price_cap_fen or 0
        shown = f"{yuan(facts.paid_fen)} − {hours_text(hours_total(facts.contract))} × {yuan(cap_fen)}"
        yield line(facts, "overcharge", shown, found.overcharge_fen, "price_cap", part=Part.OVERCHARGE)
    yield line(facts, "paid_lawful" if found.overcharge_fen else "paid", yuan(paid_fen), paid_fen, "paid")
    by_law, left_fen = found.by_law, found.left_fen
    yield line(facts, by_law.code, f"− {by_law.formula()}", left_fen - paid_fen, by_law.rule)
    if left_fen < 0:
        yield floor_line(facts, left_fen)
        left_fen = 0
    if found.better is not None:
        better = found.better
        formula = f"{better.formula()} − {yuan(left_fen)}"
        yield line(facts, better.code, formula, better.gives_fen - left_fen, better.rule, source=better.source)


def floor_line(facts: Facts, left_fen: int) -> WorksheetLine:
    """Art. 20: what was delivered may be worth more than was paid; the excess is never claimed."""
    return line(facts, "floor", f"0.00 − ({yuan(left_fen)})", -left_fen, "art20")


def void_line(facts: Facts, clause: Clause, *, at_list_price: bool) -> WorksheetLine:
    """Art. 9: a void term is named with what it would take, and takes nothing.

    A claw-back at list price adds nothing either where the law itself reckons at list price (art. 19): then it says so.
    """
    if clause.fee_percent is not None:
        fee = round_half_up(facts.paid_fen * clause.fee_percent / 100)
        formula = f"{percent_text(clause.fee_percent)} % × {yuan(facts.paid_fen)} = {yuan(fee)}"
    elif clause.fee_fen is not None:
        formula = yuan(clause.fee_fen)
    else:
        formula = clause.code
    by_law = at_list_price and clause.kind is ClauseKind.LIST_PRICE_CLAWBACK
    en, zh = (
        ("the law decides, not this term", "依法计算，不依该条款") if by_law else ("void, not charged", "无效，不扣")
    )
    return WorksheetLine(
        code=f"void_{clause.code}",
        part=Part.PRINCIPAL,
        label=Message(en=f"Contract says: {clause.meaning.en}; {en}", zh=f"合同写明：{clause.meaning.zh}；{zh}"),
        formula=f"{formula} → 0.00",
        amount_fen=0,
        rule=RULES["art9_clawback" if by_law else "art9"],
        source=f"{_CONTRACT}: {clause.code}",
    )


def line(
    facts: Facts,
    code: str,
    formula: str,
    amount_fen: int,
    rule: str,
    *,
    part: Part = Part.PRINCIPAL,
    source: str = "",
) -> WorksheetLine:
    """A line; its source is the law, or the ``source`` in the contract."""
    shown = f"{_CONTRACT}: {source}" if source else facts.rules.source
    return WorksheetLine(code, part, LABELS[code], formula, amount_fen, RULES[rule], shown)


def percent_text(percent: Fraction) -> str:
    """A percentage with at most two digits behind the point: 12.5."""
    return hours_text(round_half_up(percent * 100))
