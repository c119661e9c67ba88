"""The refund worksheet (SPC interpretation 2025 no. 4, in force 2025-05-01; design page 5-rules, C6).

One contract or pack at a time. Everything is a Fraction of fen until a line is written; a line is
rounded once, so that what comes back is rounded half up.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

from ledger.errors import BadInput, Message
from ledger.money import hours_text, round_half_up, yuan
from ledger.rules import interest as interest_rule
from ledger.rules.calendar import moved_on
from ledger.rules.delivered import Delivered, delivered, gift_hours_first, hours_total, price_of
from ledger.rules.refund_words import LABELS, NOTES, RULES
from ledger.terms.calendar import CalendarDays, Deadline, Side
from ledger.terms.clause import Clause, ClauseKind
from ledger.terms.digest import content_digest
from ledger.terms.refund import (
    Alternative,
    Cause,
    Cost,
    HoursUsed,
    InterestTerms,
    Note,
    Part,
    RefundContract,
    RefundRequest,
    RefundRules,
    Used,
    Worksheet,
    WorksheetLine,
)
from ledger.terms.rulebook import Rulebook

_CONTRACT = "contract"


def rules_in_force(rulebook: Rulebook) -> RefundRules:
    """What the rulebook in force says of refunds. Raises BadInput RULE_MISSING before any refund law was loaded."""
    law = rulebook["refund.law"]
    cooling_off = rulebook.find("refund.cooling_off_days")
    return RefundRules(
        law=rulebook.text("refund.law"),
        source=law.source,
        cooling_off_days=None if cooling_off is None else rulebook.whole("refund.cooling_off_days"),
        rulebook=rulebook.versions[-1],
        rulebook_digest=rulebook.digest,
    )


def quote(
    contract: RefundContract,
    used: Used,
    cause: Cause,
    request: RefundRequest,
    rules: RefundRules,
    *,
    calendar: CalendarDays,
    costs: Sequence[Cost] = (),
    interest: InterestTerms | None = None,
) -> Worksheet:
    """Reckon what comes back under ``cause``, line by line, and what the other causes would give.

    Raises BadInput where the facts contradict each other (USED_DOES_NOT_FIT, USED_EXCEEDS_CONTRACT,
    REQUEST_BEFORE_PAYMENT, PAYMENTS_EXCEED_PAID, PAID_OVER_PRICE).
    """
    facts = _facts(contract, used, request, rules, calendar)
    extras = (costs, interest)
    lines = tuple(_lines(facts, cause, *extras))
    alternatives = tuple(
        Alternative(other, sum(line.amount_fen for line in _lines(facts, other, *extras)))
        for other in Cause
        if other is not cause
    )
    notes = tuple(Note(code, NOTES[code]) for code in _notes(facts, cause))
    shown = [
        [rules.rulebook_digest, cause.value],
        [[line.code, line.part.value, line.formula, line.amount_fen, line.rule.en, line.source] for line in lines],
        [[other.cause.value, other.refund_fen] for other in alternatives],
        [note.code for note in notes],
    ]
    return Worksheet(
        cause=cause,
        lines=lines,
        notes=notes,
        alternatives=alternatives,
        rulebook=rules.rulebook,
        rulebook_digest=rules.rulebook_digest,
        digest=content_digest(shown),
    )


@dataclass(frozen=True, slots=True)
class _Facts:
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


def _facts(
    contract: RefundContract, used: Used, request: RefundRequest, rules: RefundRules, calendar: CalendarDays
) -> _Facts:
    if contract.paid_fen > price_of(contract):
        raise BadInput("PAID_OVER_PRICE", where="contract.paid", value=yuan(contract.paid_fen))
    if sum(payment.amount_fen for payment in request.payments) > contract.paid_fen:
        raise BadInput("PAYMENTS_EXCEED_PAID", where="contract.paid", value=yuan(contract.paid_fen))
    if request.requested_on is not None and any(p.on > request.requested_on for p in request.payments):
        raise BadInput("REQUEST_BEFORE_PAYMENT", where="request.requested_on", value=request.requested_on)
    last_days = seven_day_ends(request, rules, calendar)
    lawful, overcharge_fen = at_lawful_price(contract)
    return _Facts(
        contract=lawful,
        paid_fen=contract.paid_fen,
        overcharge_fen=overcharge_fen,
        used=used,
        request=request,
        rules=rules,
        protected_fen=_protected_fen(request, last_days),
        last_days=last_days,
    )


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
    if rules.cooling_off_days is None:
        return ()
    return tuple(
        moved_on(date.fromordinal(payment.on.toordinal() + rules.cooling_off_days), calendar)
        for payment in request.payments
    )


def _protected_fen(request: RefundRequest, last_days: tuple[Deadline, ...]) -> int:
    """Art. 14: what was paid within the seven days, unless the same service was received before signing."""
    asked_on = request.requested_on
    if asked_on is None or request.same_service_before:
        return 0
    return sum(p.amount_fen for p, last in zip(request.payments, last_days, strict=False) if asked_on <= last.on)


def _lines(
    facts: _Facts, cause: Cause, costs: Sequence[Cost], interest: InterestTerms | None
) -> Iterator[WorksheetLine]:
    """Every line as shown: overcharge, paid, delivered, floor, better terms, void terms, costs, interest."""
    principal = tuple(_principal_lines(facts, cause))
    yield from principal
    yield from (_void_line(clause, facts) for clause in facts.contract.clauses if not clause.is_honoured)
    left_fen = sum(line.amount_fen for line in principal)
    for cost in costs:
        line = _cost_line(cost, facts, cause, left_fen)
        left_fen += line.amount_fen if line.part is Part.PRINCIPAL else 0
        yield line
    if interest is not None:
        yield from _interest_lines(interest, facts, cause, left_fen)


def _principal_lines(facts: _Facts, cause: Cause) -> Iterator[WorksheetLine]:
    """Paid less the price of what was delivered, never below zero; better readings on top (arts. 14 to 22)."""
    contract, paid_fen = facts.contract, facts.contract.paid_fen
    if facts.overcharge_fen:
        cap_fen = contract.price_cap_fen or 0
        shown = f"{yuan(facts.paid_fen)} − {hours_text(hours_total(contract))} × {yuan(cap_fen)}"
        yield _line("overcharge", facts, shown, facts.overcharge_fen, "price_cap", part=Part.OVERCHARGE)
    yield _line("paid_lawful" if facts.overcharge_fen else "paid", facts, yuan(paid_fen), paid_fen, "paid")

    by_law = delivered(contract, facts.used, cause, at_paid_price=facts.all_within_seven_days)
    rule = "art14" if facts.all_within_seven_days else by_law.rule
    left_fen = round_half_up(paid_fen - by_law.value)
    yield _line(by_law.code, facts, f"− {by_law.formula}", left_fen - paid_fen, rule)
    if left_fen < 0:
        yield _line("floor", facts, f"0.00 − ({yuan(left_fen)})", -left_fen, "art20")
        left_fen = 0
    yield from _better_lines(facts, cause, left_fen)


def _better_lines(facts: _Facts, cause: Cause, law_fen: int) -> Iterator[WorksheetLine]:
    """What the best reading gives beyond the law by cause: a better clause, or payments inside the seven days."""
    paid_fen = facts.contract.paid_fen
    best_fen, code, rule, formula, source = law_fen, "", "", "", ""
    for clauses, reading in _clause_readings(facts, cause):
        gives_fen = max(0, round_half_up(paid_fen - reading.value))
        if gives_fen > best_fen:
            best_fen, code, rule, source = gives_fen, "better_term", "art18_19_better", clauses
            formula = f"{yuan(paid_fen)} − {reading.formula} − {yuan(law_fen)}"
    if facts.protected_fen and not facts.all_within_seven_days:
        at_paid = delivered(facts.contract, facts.used, cause, at_paid_price=True)
        gives_fen = min(facts.protected_fen, max(0, round_half_up(paid_fen - at_paid.value)))
        if gives_fen > best_fen:
            best_fen, code, rule, source = gives_fen, "seven_days", "art14", ""
            formula = f"{yuan(gives_fen)} − {yuan(law_fen)}"
    if code:
        yield _line(code, facts, formula, best_fen - law_fen, rule, source=source)


def _clause_readings(facts: _Facts, cause: Cause) -> Iterator[tuple[str, Delivered]]:
    """The readings that honoured clauses allow, each with the clauses it rests on (arts. 18, 19 last)."""
    codes = {clause.kind: clause.code for clause in facts.contract.clauses}
    discounted = codes.get(ClauseKind.DISCOUNTED_PRICE_ON_ANY_CAUSE)
    gifts_first = codes.get(ClauseKind.GIFT_HOURS_USED_FIRST)
    if discounted:
        yield discounted, delivered(facts.contract, facts.used, cause, at_paid_price=True)
    if gifts_first and isinstance(facts.used, HoursUsed):
        contract, used = gift_hours_first(facts.contract, facts.used)
        by_cause = delivered(contract, used, cause, at_paid_price=facts.all_within_seven_days)
        yield gifts_first, by_cause
        if discounted:
            yield f"{gifts_first}, {discounted}", delivered(contract, used, cause, at_paid_price=True)


def _void_line(clause: Clause, facts: _Facts) -> WorksheetLine:
    """Art. 9: a void term is named with what it would take, and takes nothing."""
    if clause.fee_percent is not None:
        fee = round_half_up(facts.paid_fen * clause.fee_percent / 100)
        formula = f"{_percent_text(clause.fee_percent)} % × {yuan(facts.paid_fen)} = {yuan(fee)}"
    elif clause.fee_fen is not None:
        formula = yuan(clause.fee_fen)
    else:
        formula = clause.code
    label = Message(
        en=f"Contract says: {clause.meaning.en}; void, not charged", zh=f"合同写明：{clause.meaning.zh}；无效，不扣"
    )
    return WorksheetLine(
        code=f"void_{clause.code}",
        part=Part.PRINCIPAL,
        label=label,
        formula=f"{formula} → 0.00",
        amount_fen=0,
        rule=RULES["art9"],
        source=f"{_CONTRACT}: {clause.code}",
    )


def _cost_line(cost: Cost, facts: _Facts, cause: Cause, left_fen: int) -> WorksheetLine:
    """Art. 15(2) and (3): a reasonable cost falls on the side that caused the end, never a sales commission.

    Nothing on force majeure or changed circumstances, nothing against the seven-day right; the institution
    takes at most what is left of the refund.
    """
    shown = yuan(cost.amount_fen)
    by_parent = cost.claimed_by is Side.PARENT
    at_fault = Cause.INSTITUTION if by_parent else Cause.CONSUMER
    refused = {
        "art15_3": cost.is_commission,
        "art14": not by_parent and facts.all_within_seven_days,
        "art15_2_change": cause is Cause.NEITHER,
        "art15_2_fault": cause is not at_fault,
    }
    rule = next((rule for rule, holds in refused.items() if holds), "")
    if rule:
        return _line("cost_refused", facts, f"{shown} → 0.00", 0, rule)
    if by_parent:
        return _line("cost_parent", facts, shown, cost.amount_fen, "art15_2", part=Part.EXTRA)
    return _line("cost_institution", facts, f"− {shown}", -min(cost.amount_fen, left_fen), "art15_2")


def _interest_lines(terms: InterestTerms, facts: _Facts, cause: Cause, principal_fen: int) -> Iterator[WorksheetLine]:
    """Arts. 16 and 17: interest on the principal, at the rate of the cause; no line where no rate is known."""
    percent = interest_rule.percent_for(cause, terms)
    if percent is None:
        return
    days = max(0, (terms.until_on - terms.from_on).days)
    formula = f"{yuan(principal_fen)} × {_percent_text(percent)} % × {days} ÷ {terms.year_days}"
    amount_fen = round_half_up(interest_rule.interest(principal_fen, percent, terms))
    yield _line("interest", facts, formula, amount_fen, "art16", part=Part.EXTRA)


def _notes(facts: _Facts, cause: Cause) -> Iterator[str]:
    contract, request = facts.contract, facts.request
    if request.payments and request.requested_on is not None and facts.last_days:
        if request.same_service_before:
            yield "SAME_SERVICE_BEFORE"
        else:
            yield "SEVEN_DAYS_APPLY" if facts.protected_fen else "SEVEN_DAYS_OVER"
        if any(last.provisional for last in facts.last_days):
            yield "CALENDAR_PROVISIONAL"
    if cause is Cause.NEITHER and not facts.all_within_seven_days:
        yield "RENEGOTIATE_FIRST"
    if cause is Cause.CONSUMER and contract.list_price_fen is not None and not contract.list_price_proven:
        yield "LIST_PRICE_NOT_PROVEN"


def _line(
    code: str,
    facts: _Facts,
    formula: str,
    amount_fen: int,
    rule: str,
    *,
    part: Part = Part.PRINCIPAL,
    source: str = "",
) -> WorksheetLine:
    return WorksheetLine(
        code=code,
        part=part,
        label=LABELS[code],
        formula=formula,
        amount_fen=amount_fen,
        rule=RULES[rule],
        source=f"{_CONTRACT}: {source}" if source else facts.rules.source,
    )


def _percent_text(percent: Fraction) -> str:
    """A percentage with at most two digits behind the point: 12.5."""
    return hours_text(round_half_up(percent * 100))
