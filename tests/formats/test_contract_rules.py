"""The rules a contract was signed under survive the way into a row and back; a row without them means hour by hour."""

import json
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.formats.contract_rules import read_rules, write_rules
from ledger.terms.contract_rules import ContractRules
from ledger.terms.lesson_law import Attendance
from ledger.terms.prepayment import PrepaymentLimits
from ledger.terms.release import ReleaseMode, ReleaseTerms

COUNTS = st.integers(0, 1_000)
PERCENTS = st.fractions(0, 100)
RELEASES = st.builds(
    ReleaseTerms, st.sampled_from(ReleaseMode), COUNTS, st.lists(PERCENTS, max_size=4).map(tuple), COUNTS, PERCENTS,
    st.booleans(), COUNTS, st.lists(st.fractions(0, 1), max_size=4).map(tuple),
    st.booleans(),
)  # fmt: skip
MAYBE = st.none() | COUNTS
LIMITS = st.builds(PrepaymentLimits, MAYBE, MAYBE, MAYBE, MAYBE, MAYBE, st.booleans(), st.booleans())
RULES = st.builds(
    ContractRules, RELEASES, LIMITS, st.dictionaries(st.text(), st.text(), max_size=3),
    st.none() | st.frozensets(st.sampled_from(Attendance)),
)  # fmt: skip


@given(RULES)
@settings(max_examples=100, deadline=None)
def test_rules_survive_the_row(rules: ContractRules) -> None:
    assert read_rules(json.loads(json.dumps(write_rules(rules)))) == rules


def test_a_contract_signed_before_rules_were_kept_is_released_hour_by_hour_without_limits() -> None:
    assert read_rules(None) == ContractRules(ReleaseTerms(), PrepaymentLimits(), {}, None)
    assert read_rules(None).release.mode is ReleaseMode.PER_HOUR


def test_the_shape_is_the_one_that_stands_in_the_books() -> None:
    rules = ContractRules(ReleaseTerms(ReleaseMode.MILESTONES, milestones=(Fraction(100, 3),) * 3))
    assert write_rules(rules)["release"] == {
        "mode": "milestones", "period_days": 0, "period_months": 0, "milestones": ["100/3", "100/3", "100/3"],
        "milestone_points": [],
        "after_order_working_days": 0, "ahead_percent_max": "0", "balance_floor": True, "dispute_stops_clock": True,
    }  # fmt: skip


def test_rules_kept_before_a_place_could_say_otherwise_let_a_dispute_stop_the_clock() -> None:
    kept = json.loads(json.dumps(write_rules(ContractRules())))
    del kept["release"]["dispute_stops_clock"]
    assert read_rules(kept).release.dispute_stops_clock
