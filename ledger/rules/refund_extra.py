"""What comes beside the principal: reasonable costs and interest (SPC interpretation 2025 no. 4, arts. 15 to 17)."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from ledger.money import yuan
from ledger.rules import interest as interest_rule
from ledger.rules.refund_principal import Facts, Principal, line, percent_text
from ledger.terms.calendar import Side
from ledger.terms.refund import Cause, Cost, InterestTerms, Part, WorksheetLine


def extra_lines(
    facts: Facts, cause: Cause, found: Principal, costs: Sequence[Cost], interest: InterestTerms | None
) -> Iterator[WorksheetLine]:
    """Costs one after the other, then interest on the principal that they leave."""
    left_fen = found.total_fen
    kept_fen = found.overcharge_fen + found.untouchable_fen
    for cost in costs:
        shown = cost_line(facts, cause, cost, left_fen - kept_fen)
        left_fen += shown.amount_fen if shown.part is Part.PRINCIPAL else 0
        yield shown
    if interest is not None:
        yield from interest_lines(facts, cause, interest, left_fen)


def cost_line(facts: Facts, cause: Cause, cost: Cost, takeable_fen: int) -> WorksheetLine:
    """Art. 15(2) and (3): a reasonable cost falls on the side that caused the end, never a sales commission.

    Nothing on force majeure or changed circumstances, nothing against the seven-day right; the institution
    takes at most ``takeable_fen``: what is left of the principal outside the seven days, never of an overcharge.
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
        return line(facts, "cost_refused", f"{shown} → 0.00", 0, rule)
    if by_parent:
        return line(facts, "cost_parent", shown, cost.amount_fen, "art15_2", part=Part.EXTRA)
    return line(facts, "cost_institution", f"− {shown}", -min(cost.amount_fen, max(0, takeable_fen)), "art15_2")


def interest_lines(facts: Facts, cause: Cause, terms: InterestTerms, principal_fen: int) -> Iterator[WorksheetLine]:
    """Arts. 16 and 17: interest on the principal, at the rate of the cause; no line where no rate is known."""
    rate, rule = interest_rule.rate_for(cause, terms)
    if rate is None:
        return
    days = interest_rule.days_of(terms)
    formula = (
        f"{yuan(principal_fen)} × {percent_text(rate.percent)} % × {days} ÷ {terms.year_days}"
        f" ({terms.from_on} – {terms.until_on})"
    )
    amount_fen = interest_rule.interest(principal_fen, rate, terms)
    # The rate has a source of its own: the day and place it was published, or the contract.
    yield replace(line(facts, "interest", formula, amount_fen, rule, part=Part.EXTRA), source=rate.source)
