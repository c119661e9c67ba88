"""Rows of "Events" about teaching: hours confirmed, released ahead, released back, disputes."""

from dataclasses import replace

import pytest

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.world import CUSTODY, HANDS, SECOND_CUSTODY, World

PAYABLE = AccountClass.PAYABLE


# -- hours confirmed


def test_confirmed_hours_go_to_the_institution(world: World) -> None:
    contract = world.open_contract(price_fen=100_00, hours=3_00, paid_fen=100_00)
    for hours, released in ((1_00, 33_33), (1_00, 66_66), (50, 83_33), (50, 100_00)):
        world.happens(posting.hours_released(world.contract(contract), hours))
        assert world.contract(contract).released_fen == released
    assert (world.balance("payable"), world.contract(contract).claim_fen) == (100_00, 0)


def test_hours_beyond_those_bought_and_gifted_are_refused(world: World) -> None:
    contract = world.open_contract(hours=10_00, gifted=2_00, paid_fen=100_00)
    assert world.refused(posting.hours_released(world.contract(contract), 12_01)) == "HOURS_EXCEEDED"
    world.happens(posting.hours_released(world.contract(contract), 12_00))
    assert world.contract(contract).released_fen == 100_00
    assert world.refused(posting.hours_released(world.contract(contract), 1)) == "HOURS_EXCEEDED"


def test_hours_decided_twice_on_one_reading_cannot_pass_the_claim(world: World) -> None:
    contract = world.open_contract(paid_fen=60_00)
    stale = world.contract(contract)
    world.happens(posting.hours_released(stale, 5_00))
    assert world.refused(posting.hours_released(stale, 5_00)) == "CLAIM_TOO_SMALL"
    event = posting.hours_released(world.contract(contract), 1_00)
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"
    assert world.impossible(replace(event, fund_no=HANDS)) == "LG005"


def test_the_next_instalment_releases_what_was_taught_meanwhile(world: World) -> None:
    contract = world.open_contract(paid_fen=30_00)
    world.happens(posting.hours_released(world.contract(contract), 5_00))
    assert (world.contract(contract).released_fen, world.contract(contract).hours_released) == (30_00, 5_00)
    world.done(posting.deposit(world.contract(contract), world.new_id(), 40_00))
    world.happens(posting.hours_released(world.contract(contract), 0))
    assert (world.contract(contract).released_fen, world.contract(contract).claim_fen) == (50_00, 20_00)
    assert posting.hours_released(world.contract(contract), 0).moves_something is False


def test_hours_do_not_touch_what_is_held(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hold_placed(CUSTODY, world.new_id(), 95_00, contract))
    world.happens(posting.hours_released(world.contract(contract), 1_00))
    assert (world.contract(contract).released_fen, world.contract(contract).free_fen) == (5_00, 0)


def test_hours_meet_what_is_due_first(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.released_ahead(world.contract(contract), 15_00))
    world.happens(posting.hours_released(world.contract(contract), 1_00))
    assert (world.contract(contract).due_fen, world.balance("payable")) == (5_00, 15_00)
    world.happens(posting.hours_released(world.contract(contract), 1_00))
    assert (world.contract(contract).due_fen, world.balance("payable")) == (0, 20_00)


def test_in_reserve_mode_all_of_it_meets_due(world: World) -> None:
    contract = world.open_contract(fund_no=HANDS, paid_fen=100_00)
    world.happens(posting.hours_released(world.contract(contract), 4_00))
    assert world.balances() == {(HANDS, "due", contract): 60_00, (HANDS, "claim", contract): 60_00}
    more = Event("hours_released", HANDS, (Transfer(AccountClass.CLAIM, AccountClass.DUE, 60_01, contract),))
    assert world.refused(more) == "CLAIM_TOO_SMALL"
    out = Event("hours_released", HANDS, (Transfer(AccountClass.CLAIM, PAYABLE, 1, contract),))
    assert world.impossible(out) == "LG005"


# -- released ahead of teaching


def test_a_release_ahead_is_due_until_it_is_taught(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    row = world.contract(contract)
    world.happens(posting.released_ahead(row, 30_00))
    after = world.contract(contract)
    assert (after.claim_fen, after.due_fen, world.balance("payable")) == (100_00, 30_00, 30_00)
    assert world.refused(posting.released_ahead(row, 70_01)) == "OTHER_FAMILYS_MONEY"
    assert world.impossible(posting.released_ahead(replace(row, fund_no=SECOND_CUSTODY), 1)) == "LG003"


def test_no_family_is_taught_ahead_with_another_familys_money(world: World) -> None:
    rich, poor = world.open_contract(paid_fen=100_00), world.open_contract(paid_fen=10_00)
    assert world.refused(posting.released_ahead(world.contract(poor), 10_01)) == "OTHER_FAMILYS_MONEY"
    world.happens(posting.released_ahead(world.contract(poor), 10_00))
    assert world.contract(rich).claim_fen == 100_00


# -- released back


def test_a_reversed_hour_comes_back_from_payable_then_from_due(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 5_00))
    world.seal()
    world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 35_00))
    world.happens(posting.unreleased(world.contract(contract), 20_00, 2_00, 15_00))
    row = world.contract(contract)
    assert (row.released_fen, row.hours_released, row.claim_fen, row.due_fen) == (30_00, 3_00, 70_00, 5_00)
    assert world.balance("payable") == 0


def test_no_more_comes_back_than_was_released(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 5_00))
    row = world.contract(contract)
    assert world.refused(posting.unreleased(row, 50_01, 5_00, 0)) == "RELEASED_BELOW_ZERO"
    assert world.refused(posting.unreleased(row, 50_00, 5_01, 0)) == "HOURS_BELOW_ZERO"
    event = posting.unreleased(row, 50_00, 5_00, 0)
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"
    world.happens(event)
    assert world.refused(event) == "HOURS_BELOW_ZERO"
    assert world.refused(posting.unreleased(row, 1, 0, 0)) == "RELEASED_BELOW_ZERO"


def test_no_more_is_taken_from_payable_than_it_holds(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 5_00))
    world.seal()
    world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 45_00))
    assert world.refused(posting.unreleased(world.contract(contract), 10_00, 1_00, 10_00)) == "PAYABLE_TOO_SMALL"


# -- disputes


def test_a_dispute_before_release_holds_the_claim_until_decided(world: World) -> None:
    contract, hold = world.open_contract(paid_fen=100_00), world.new_id()
    placed = posting.hold_placed(CUSTODY, hold, 10_00, contract)
    world.happens(placed)
    assert (world.contract(contract).held_fen, world.contract(contract).claim_fen) == (10_00, 100_00)
    too_much = posting.hold_placed(CUSTODY, world.new_id(), 90_01, contract)
    assert world.refused(too_much) == "CLAIM_TOO_SMALL"
    assert world.impossible(replace(placed, fund_no=SECOND_CUSTODY)) == "LG003"
    assert world.impossible(placed) == "LG004"
    ended = posting.hold_ended(CUSTODY, hold, 10_00, contract)
    world.happens(ended)
    assert world.contract(contract).held_fen == 0
    assert world.refused(ended) == "HOLD_SPENT"


def test_a_dispute_after_release_holds_payable_while_the_money_is_there(world: World) -> None:
    contract, hold = world.open_contract(paid_fen=100_00), world.new_id()
    world.done(posting.hours_released(world.contract(contract), 3_00))
    placed = posting.hold_placed(CUSTODY, hold, 10_00, None)
    world.post(placed)
    assert world.broken() == []
    assert world.refused(posting.hold_placed(CUSTODY, world.new_id(), 20_01, None)) == "PAYABLE_TOO_SMALL"
    paid_out = posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 20_01)
    assert world.refused(paid_out) == "PAYABLE_TOO_SMALL"
    world.happens(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 20_00))
    assert world.impossible(posting.hold_ended(SECOND_CUSTODY, hold, 1, None)) == "LG003"
    ended = posting.hold_ended(CUSTODY, hold, 10_00, None)
    assert world.refused(posting.hold_ended(CUSTODY, hold, 10_01, None)) == "HOLD_SPENT"
    world.happens(ended)
    assert world.refused(ended) == "HOLD_SPENT"
    world.happens(posting.unreleased(world.contract(contract), 10_00, 1_00, 10_00))
    assert world.balance("payable") == 0


@pytest.mark.parametrize("part", [1, 9_99])
def test_a_hold_may_end_in_parts(world: World, part: int) -> None:
    contract, hold = world.open_contract(paid_fen=100_00), world.new_id()
    world.done(posting.hold_placed(CUSTODY, hold, 10_00, contract))
    world.happens(posting.hold_ended(CUSTODY, hold, part, contract))
    assert world.contract(contract).held_fen == 10_00 - part
    assert world.refused(posting.hold_ended(CUSTODY, hold, 10_00 - part + 1, contract)) == "HOLD_SPENT"
