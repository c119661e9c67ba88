"""Release modes: how many hours may have been released by a day; the share ahead; the balance floor."""

from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import BadInput
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import posting, release
from ledger.terms.contract import ContractBalance
from ledger.terms.release import FundPosition, ReleaseFacts, ReleaseMode, ReleaseTerms
from ledger.terms.rulebook import Scalar
from tests.rules.rulebooks import THIRDS, with_values, without

BOOKS = load_rulebooks([BUILT_IN])
CALENDAR = BOOKS.calendar("110000")
PLACE = without(BOOKS.in_force("110000", "", date(2026, 3, 2)), "release.mode", "release.ahead_percent_max")
MONDAY = date(2026, 3, 2)
PER_HOUR = ReleaseTerms()
WEEKLY = ReleaseTerms(ReleaseMode.PERIODIC, period_days=7)
MONTHLY = ReleaseTerms(ReleaseMode.PERIODIC, period_months=1)
MILESTONES = ReleaseTerms(ReleaseMode.MILESTONES, milestones=THIRDS)
QUARTERS = replace(MILESTONES, milestone_points=(Fraction(1, 4), Fraction(1, 2), Fraction(1)))
AFTER_ORDER = ReleaseTerms(ReleaseMode.AFTER_ORDER, after_order_working_days=15)
HALF = ReleaseFacts(30_00, 5_00, 15_00, MONDAY, MONDAY)
WHOLE = replace(HALF, hours_confirmed=30_00)


def due(by: ReleaseTerms, facts: ReleaseFacts, today: date = MONDAY) -> int:
    return release.hours_to_release(by, facts, today, CALENDAR)


def test_terms_are_data_of_the_place() -> None:
    assert release.terms(PLACE) == PER_HOUR
    assert release.terms(BOOKS.in_force("110000", "", MONDAY)) == PER_HOUR
    weekly: dict[str, Scalar] = {"release.mode": "periodic", "release.period_days": 7}
    assert release.terms(with_values(PLACE, weekly)) == WEEKLY
    thirds: dict[str, Scalar] = {"release.mode": "milestones", "release.milestones": THIRDS}
    assert release.terms(with_values(PLACE, thirds)) == MILESTONES
    points: dict[str, Scalar] = {**thirds, "release.milestone_points": QUARTERS.milestone_points}
    assert release.terms(with_values(PLACE, points)) == QUARTERS
    monthly: dict[str, Scalar] = {"release.mode": "periodic", "release.period_months": 1}
    assert release.terms(with_values(PLACE, monthly)) == MONTHLY
    order: dict[str, Scalar] = {"release.mode": "after_order", "release.after_order_working_days": 15}
    assert release.terms(with_values(PLACE, order)) == AFTER_ORDER
    with pytest.raises(BadInput, match="RULE_MISSING"):
        release.terms(with_values(PLACE, {"release.mode": "periodic"}))


def test_the_balance_floor_holds_unless_a_share_may_go_ahead() -> None:
    ahead = with_values(PLACE, {"release.ahead_percent_max": Fraction(30)})
    assert release.terms(ahead) == ReleaseTerms(ahead_percent_max=Fraction(30), balance_floor=False)
    assert release.terms(with_values(ahead, {"release.balance_floor": True})).balance_floor
    assert not release.terms(with_values(PLACE, {"release.balance_floor": False})).balance_floor


def test_a_dispute_stops_the_clock_unless_the_place_says_it_does_not() -> None:
    order: dict[str, Scalar] = {"release.mode": "after_order", "release.after_order_working_days": 15}
    going_on = release.terms(with_values(PLACE, {**order, "release.dispute_stops_clock": False}))
    assert going_on == replace(AFTER_ORDER, dispute_stops_clock=False)
    assert release.terms(with_values(PLACE, {**order, "release.dispute_stops_clock": True})) == AFTER_ORDER
    late, stopped = MONDAY + timedelta(days=40), replace(WHOLE, stops=((MONDAY, None),))
    assert (due(AFTER_ORDER, stopped, late), due(going_on, stopped, late)) == (0, 25_00)


def test_per_hour_releases_what_is_confirmed() -> None:
    assert due(PER_HOUR, HALF) == 10_00
    assert due(PER_HOUR, replace(HALF, hours_released=15_00)) == 0
    assert due(PER_HOUR, replace(HALF, hours_released=16_00)) == 0  # an hour was reversed since: nothing is taken here


def test_weekly_releases_all_once_the_oldest_has_waited_a_week() -> None:
    assert due(WEEKLY, HALF, MONDAY + timedelta(days=6)) == 0
    assert due(WEEKLY, HALF, MONDAY + timedelta(days=7)) == 10_00
    assert due(WEEKLY, replace(HALF, waiting_since=None), MONDAY + timedelta(days=99)) == 0


@pytest.mark.parametrize(
    ("confirmed", "released"),
    [(0, 0), (9_99, 0), (10_00, 9_00), (19_99, 9_00), (20_00, 18_00), (29_99, 18_00), (30_00, 30_00)],
)
def test_milestones_release_their_share_at_each_third(confirmed: int, released: int) -> None:
    assert due(MILESTONES, ReleaseFacts(30_00, 0, confirmed)) == released
    assert due(MILESTONES, ReleaseFacts(30_00, released, confirmed)) == 0


@pytest.mark.parametrize(
    ("confirmed", "released"), [(7_49, 0), (7_50, 7_50), (14_99, 9_00), (15_00, 15_00), (16_00, 16_00), (30_00, 30_00)]
)
def test_milestones_at_points_of_their_own(confirmed: int, released: int) -> None:
    """30 % after a quarter, 60 % after half: no more than was taught, so the share waits for its hours."""
    assert due(QUARTERS, ReleaseFacts(30_00, 0, confirmed)) == released


def test_monthly_releases_all_once_the_oldest_has_waited_a_month() -> None:
    assert due(MONTHLY, HALF, date(2026, 4, 1)) == 0
    assert due(MONTHLY, HALF, date(2026, 4, 2)) == 10_00


def test_every_place_of_the_built_in_rulebooks_has_terms() -> None:
    """No file names a mode without what the mode needs: a contract could not be signed there."""
    places = {(version.place, version.zone) for version in BOOKS.versions}
    for place, zone in places:
        for on in (date(2022, 7, 1), date(2026, 3, 2)):
            assert release.terms(BOOKS.in_force(place, zone, on)).mode in ReleaseMode


def test_a_milestone_never_runs_ahead_of_teaching() -> None:
    early = replace(MILESTONES, milestones=(Fraction(80), Fraction(20)))
    assert due(early, ReleaseFacts(30_00, 0, 15_00)) == 15_00


def test_after_the_order_fifteen_working_days() -> None:
    last = date(2026, 3, 23)  # the fifteenth working day after 2 March
    assert due(AFTER_ORDER, WHOLE, last - timedelta(days=1)) == 0
    assert due(AFTER_ORDER, WHOLE, last) == 25_00
    assert due(AFTER_ORDER, HALF, last) == 0
    assert due(AFTER_ORDER, replace(WHOLE, last_hour_on=None), last) == 0


def test_a_request_or_dispute_stops_the_clock() -> None:
    open_one = replace(WHOLE, stops=((date(2026, 3, 10), None),))
    assert due(AFTER_ORDER, open_one, date(2026, 12, 1)) == 0
    decided = replace(WHOLE, stops=((date(2026, 3, 10), date(2026, 3, 12)),))  # three working days
    assert due(AFTER_ORDER, decided, date(2026, 3, 25)) == 0
    assert due(AFTER_ORDER, decided, date(2026, 3, 26)) == 25_00
    before = replace(WHOLE, stops=((date(2026, 2, 3), date(2026, 2, 5)),))
    assert due(AFTER_ORDER, before, date(2026, 3, 23)) == 25_00


ALL_TERMS = st.sampled_from([PER_HOUR, WEEKLY, MILESTONES, AFTER_ORDER])


@given(ALL_TERMS, st.integers(1, 60_00), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3_00)), max_size=12),
       st.integers(1, 10_000_00))  # fmt: skip
@settings(max_examples=200, deadline=None)
def test_no_mode_releases_more_than_was_taught_and_all_meet_at_the_end(
    by: ReleaseTerms, total: int, steps: list[tuple[int, int]], price_fen: int
) -> None:
    """Day by day, some hours taught each: every release stays within what is confirmed, and what stays in the claim is
    the price of the rest to the fen.
    """
    contract = ContractBalance(UUID(int=1), 1, price_fen, total, paid_fen=price_fen)
    confirmed, today, since = 0, MONDAY, MONDAY
    for days, hours in [*steps, (0, total), (60, 0)]:
        today += timedelta(days=days)
        if confirmed == contract.hours_released:
            since = today
        confirmed = min(confirmed + hours, total)
        facts = ReleaseFacts(total, contract.hours_released, confirmed, since, today - timedelta(days=days))
        moved = release.hours_to_release(by, facts, today, CALENDAR)
        assert 0 <= moved <= confirmed - contract.hours_released
        contract = posting.after_release(contract, posting.hours_released(contract, moved))
        assert contract.claim_fen == price_fen - price_fen * contract.hours_released // total
    assert (contract.hours_released, contract.claim_fen) == (total, 0)


def test_a_share_ahead_where_the_rulebook_says_so() -> None:
    third = ReleaseTerms(ahead_percent_max=Fraction(100, 3), balance_floor=False)
    assert release.ahead_fen(third, 1_000_00) == 333_33
    assert release.ahead_fen(replace(third, balance_floor=True), 1_000_00) == 0
    contract = ContractBalance(UUID(int=1), 1, 1_000_00, 10_00, paid_fen=900_00, due_fen=500_00)
    assert release.due_allowed_fen(third, contract) == 300_00
    assert release.due_allowed_fen(third, replace(contract, due_fen=100_00)) == 100_00
    assert release.due_allowed_fen(third, replace(contract, refunded_fen=900_00)) == 0
    assert release.due_allowed_fen(PER_HOUR, contract) == 0


@pytest.mark.parametrize(
    ("position", "free", "room"),
    [
        (FundPosition(1_000, 0, 700, 100), 300, 200),
        (FundPosition(1_000, 50, 700, 100), 300, 150),
        (FundPosition(1_000, 0, 700, 100), 120, 120),
        (FundPosition(700, 0, 700, 100), 300, 0),
        (FundPosition(700, 0, 700, 100, ahead_fen=150), 300, 50),
        (FundPosition(1_000, 0, 700, 100), -5, 0),
    ],
)
def test_no_payout_goes_below_the_floor(position: FundPosition, free: int, room: int) -> None:
    assert release.payout_room_fen(position, free) == room
