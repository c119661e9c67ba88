"""The refund worksheet (SPC interpretation 2025 no. 4, in force 2025-05-01; design page 5-rules, C6).

One contract or pack at a time. Nothing is rounded until a line is written; a line is rounded once, so that what comes
back is rounded half up. The rules themselves: ``delivered`` (the price of what was delivered), ``refund_principal``
(seven days, better terms, floor, overcharge, void terms), ``refund_extra`` (costs, interest).
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ledger.errors import BadInput
from ledger.money import hours_text
from ledger.rules.refund_extra import extra_lines
from ledger.rules.refund_principal import (
    Facts,
    Principal,
    at_lawful_price,
    checked,
    principal,
    principal_lines,
    seven_day_ends,
    void_line,
)
from ledger.rules.refund_words import NOTES, disputed_note
from ledger.terms.calendar import CalendarDays
from ledger.terms.digest import text_digest
from ledger.terms.refund import (
    Alternative,
    Cause,
    Cost,
    DisputedHours,
    DisputedPart,
    HoursUsed,
    InterestTerms,
    Note,
    RefundContract,
    RefundRequest,
    RefundRules,
    Used,
    Worksheet,
    WorksheetLine,
)
from ledger.terms.rulebook import Rulebook

__all__ = ["at_lawful_price", "quote", "rules_in_force", "seven_day_ends"]
_OTHERS = {cause: tuple(other for other in Cause if other is not cause) for cause in Cause}
_NOTES = {code: Note(code, text) for code, text in NOTES.items()}


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
    disputed: Sequence[DisputedHours] = (),
) -> Worksheet:
    """Reckon what comes back under ``cause``, line by line, and what the other causes would give.

    ``disputed`` are hours among ``used``: they count as taught, and the worksheet says what each would add.
    Raises BadInput where the facts contradict each other (USED_DOES_NOT_FIT, USED_EXCEEDS_CONTRACT,
    DISPUTED_EXCEEDS_USED, REQUEST_BEFORE_PAYMENT, PAYMENTS_EXCEED_PAID, PAID_OVER_PRICE).
    """
    facts = checked(contract, used, request, rules, calendar)
    outcomes = _outcomes(facts)
    extras = (costs, interest)
    lines = tuple(_lines(facts, cause, outcomes[cause], *extras))
    alternatives = tuple(
        [Alternative(other, _total(facts, other, outcomes[other], *extras)) for other in _OTHERS[cause]]
    )
    parts = tuple(_disputed_parts(facts, cause, outcomes[cause], disputed, *extras)) if disputed else ()
    notes = tuple([_NOTES[code] for code in _notes(facts, cause)])
    if parts:
        notes += (disputed_note(parts),)
    return Worksheet(
        cause,
        lines,
        notes,
        alternatives,
        rules.rulebook,
        rules.rulebook_digest,
        text_digest(_shown(rules, cause, lines, alternatives, notes, parts)),
        parts,
    )


def _outcomes(facts: Facts) -> dict[Cause, Principal]:
    """The principal under every cause. Inside the seven days the cause does not matter; else the consumer's alone."""
    not_consumers = principal(facts, consumers_cause=False)
    consumers = not_consumers if facts.all_within_seven_days else principal(facts, consumers_cause=True)
    return {Cause.INSTITUTION: not_consumers, Cause.CONSUMER: consumers, Cause.NEITHER: not_consumers}


def _lines(
    facts: Facts, cause: Cause, found: Principal, costs: Sequence[Cost], interest: InterestTerms | None
) -> Iterator[WorksheetLine]:
    """Every line as shown: overcharge, paid, delivered, floor, better terms, void terms, costs, interest."""
    yield from principal_lines(facts, found)
    at_list_price = cause is Cause.CONSUMER and not facts.all_within_seven_days
    for clause in facts.contract.clauses:
        if not clause.is_honoured:
            yield void_line(facts, clause, at_list_price=at_list_price)
    yield from extra_lines(facts, cause, found, costs, interest)


def _total(facts: Facts, cause: Cause, found: Principal, costs: Sequence[Cost], interest: InterestTerms | None) -> int:
    """What the lines of a cause come to, without writing them where there is nothing beside the principal."""
    if not costs and interest is None:
        return found.total_fen
    return found.total_fen + sum([line.amount_fen for line in extra_lines(facts, cause, found, costs, interest)])


def _disputed_parts(
    facts: Facts,
    cause: Cause,
    found: Principal,
    disputed: Sequence[DisputedHours],
    costs: Sequence[Cost],
    interest: InterestTerms | None,
) -> Iterator[DisputedPart]:
    """What each disputed hour adds if it too is decided for the family, in the order given: the parts add up exactly.

    Evidence of teaching is the institution's duty (art. 25); until it is decided the undisputed part is paid.
    """
    used = facts.used
    if not isinstance(used, HoursUsed):
        raise BadInput("USED_DOES_NOT_FIT", where="disputed", value="hours")
    hours, total_fen = used.hours, _total(facts, cause, found, costs, interest)
    for one in disputed:
        hours -= one.hours
        if hours < 0:
            raise BadInput("DISPUTED_EXCEEDS_USED", where="disputed", value=hours_text(one.hours))
        decided = replace(facts, used=HoursUsed(hours))
        then = principal(decided, consumers_cause=cause is Cause.CONSUMER)
        then_fen = _total(decided, cause, then, costs, interest)
        yield DisputedPart(one.ref, one.hours, then_fen - total_fen)
        total_fen = then_fen


def _notes(facts: Facts, cause: Cause) -> Iterator[str]:
    contract, request = facts.contract, facts.request
    if facts.last_days and request.requested_on is not None:
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


def _shown(
    rules: RefundRules,
    cause: Cause,
    lines: Sequence[WorksheetLine],
    alternatives: Sequence[Alternative],
    notes: Sequence[Note],
    parts: Sequence[DisputedPart],
) -> list[str]:
    """Everything the digest names, as texts: a family that saw this digest saw exactly this."""
    shown = [rules.rulebook_digest, cause.value, str(len(lines)), str(len(notes))]
    for line in lines:
        shown += (line.code, line.part.value, line.formula, str(line.amount_fen), line.rule.en, line.source)
    shown += [note.code for note in notes]
    for other in alternatives:
        shown += (other.cause.value, str(other.refund_fen))
    for part in parts:
        shown += (part.ref, str(part.hours), str(part.adds_fen))
    return shown
