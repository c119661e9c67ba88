"""Splits over contracts are all found, honest families are never accused: by the rules as signing and booking ask."""

from random import Random

import pytest

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import prepayment_limit
from tests.rules.prepayments import FIRST_DAY, Asked, honest, refused, split

LIMITS = prepayment_limit.limits(load_rulebooks([BUILT_IN]).in_force("110000", "", FIRST_DAY))
QUICK, FULL = 500, 10_000


def every_split_is_found(count: int) -> None:
    random = Random(20260302)
    missed = [family for n in range(count) if not refused(family := split(random, n), LIMITS)]
    assert missed == []


def no_honest_family_is_accused(count: int) -> None:
    random = Random(20260303)
    accused = [(family, codes) for n in range(count) if (codes := refused(family := honest(random, n), LIMITS))]
    assert accused == []


def test_every_split_is_found() -> None:
    every_split_is_found(QUICK)


def test_no_honest_family_is_accused() -> None:
    no_honest_family_is_accused(QUICK)


@pytest.mark.full
def test_every_split_is_found_in_ten_thousand() -> None:
    every_split_is_found(FULL)


@pytest.mark.full
def test_no_honest_family_is_accused_in_ten_thousand() -> None:
    no_honest_family_is_accused(FULL)


def test_the_families_are_what_they_are_said_to_be() -> None:
    """The parts of a split pass one by one; families differ in contracts, pupils and spelling."""
    random = Random(1)
    splits = [split(random, n) for n in range(QUICK)]
    assert all(refused([one], LIMITS) == [] for family in splits for one in family)
    assert {len(family) for family in splits} == {2, 3, 4, 5, 6}
    found = {code for family in splits for code in refused(family, LIMITS)}
    assert found == {
        "PREPAYMENT_OVER_HOURS", "PREPAYMENT_OVER_MONTHS", "PREPAYMENT_OVER_AMOUNT", "PREPAYMENT_TOO_EARLY",
    }  # fmt: skip
    families = [honest(random, n) for n in range(QUICK)]
    assert {len({one.contract.student_id for one in family}) for family in families} == {1, 2, 3}
    assert sum(bool(one.left) for family in families for one in family) > QUICK
    assert len({one.subject for family in families for one in family}) == 13


def test_an_honest_family_that_begins_nothing_is_a_split() -> None:
    """What tells the two apart is teaching: the same contracts without it are refused."""
    random = Random(2)
    families = [honest(random, n) for n in range(QUICK)]
    chains = [family for family in families if any(one.left for one in family)]
    untaught = [[Asked(one.contract, one.subject, one.category) for one in family] for family in chains]
    assert sum(bool(refused(family, LIMITS)) for family in untaught) > len(chains) * 9 // 10
