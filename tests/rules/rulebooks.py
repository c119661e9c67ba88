"""Rulebooks for tests: the real ones with some keys set to other values."""

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction

from ledger.terms.rulebook import Confidence, Rulebook, RuleValue, Scalar


def with_values(rulebook: Rulebook, values: Mapping[str, Scalar]) -> Rulebook:
    """The rulebook with ``values`` in place of its own, each as it would be read from a file."""
    set_here = {
        key: RuleValue(value, "test", Confidence.DEMO, rulebook.place, "", rulebook.on, "test.toml")
        for key, value in values.items()
    }
    return replace(rulebook, values={**rulebook.values, **set_here})


def without(rulebook: Rulebook, *keys: str) -> Rulebook:
    """The rulebook without some keys."""
    return replace(rulebook, values={key: value for key, value in rulebook.values.items() if key not in keys})


THIRDS = (Fraction(30), Fraction(30), Fraction(40))
