"""The rules a contract was signed under, as JSON on its row.

Shape: ``{"release": {}, "prepayment": {}, "same_subjects": {}, "charged_states": []}`` with the fields of their terms;
amounts in fen, hours in hundredths, percentages as text like "100/3".
"""

from collections.abc import Mapping
from dataclasses import asdict
from fractions import Fraction
from typing import Any

from ledger.terms.contract_rules import ContractRules
from ledger.terms.lesson_law import Attendance
from ledger.terms.prepayment import PrepaymentLimits
from ledger.terms.release import ReleaseMode, ReleaseTerms


def write_rules(rules: ContractRules) -> dict[str, object]:
    """The rules as JSON."""
    release = rules.release
    states = rules.charged_states
    return {
        "release": {
            "mode": release.mode.value,
            "period_days": release.period_days,
            "period_months": release.period_months,
            "milestones": [str(share) for share in release.milestones],
            "milestone_points": [str(point) for point in release.milestone_points],
            "after_order_working_days": release.after_order_working_days,
            "ahead_percent_max": str(release.ahead_percent_max),
            "balance_floor": release.balance_floor,
            "dispute_stops_clock": release.dispute_stops_clock,
        },
        "prepayment": asdict(rules.prepayment),
        "same_subjects": dict(rules.same_subjects),
        "charged_states": None if states is None else sorted(state.value for state in states),
    }


def read_rules(kept: Mapping[str, Any] | None) -> ContractRules:
    """The rules a contract was signed under. None (signed before they were kept): released hour by hour, no limits."""
    if kept is None:
        return ContractRules()
    release, states = kept["release"], kept["charged_states"]
    return ContractRules(
        release=ReleaseTerms(
            mode=ReleaseMode(release["mode"]),
            period_days=release["period_days"],
            milestones=tuple(Fraction(share) for share in release["milestones"]),
            after_order_working_days=release["after_order_working_days"],
            ahead_percent_max=Fraction(release["ahead_percent_max"]),
            balance_floor=release["balance_floor"],
            period_months=release["period_months"],
            milestone_points=tuple(Fraction(point) for point in release["milestone_points"]),
            dispute_stops_clock=release.get("dispute_stops_clock", True),  # rows of before hold none: it stopped
        ),
        prepayment=PrepaymentLimits(**kept["prepayment"]),
        same_subjects=kept["same_subjects"],
        charged_states=None if states is None else frozenset(map(Attendance, states)),
    )
