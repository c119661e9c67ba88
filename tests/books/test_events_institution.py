"""Rows of "Events" about the institution: what it pays in, what it is paid, its reserve, interest, bank differences."""

from dataclasses import replace

import pytest

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.world import CUSTODY, HANDS, RESERVE, SECOND_CUSTODY, World

PAYABLE, RESERVE_CLASS = AccountClass.PAYABLE, AccountClass.RESERVE


# -- the institution pays in; set-off


def test_money_paid_in_meets_the_dues_in_order_and_the_rest_waits(world: World) -> None:
    first, second = world.open_contract(paid_fen=100_00), world.open_contract(paid_fen=100_00)
    world.done(*(posting.released_ahead(world.contract(c), 30_00) for c in (first, second)))
    rows, line = [world.contract(first), world.contract(second)], world.new_id()
    world.happens(posting_payment.paid_in(CUSTODY, line, 40_00, rows))
    assert [world.contract(c).due_fen for c in (first, second)] == [0, 20_00]
    world.happens(posting_payment.paid_in(CUSTODY, world.new_id(), 25_00, [world.contract(second)]))
    assert (world.contract(second).due_fen, world.balance("suspense")) == (0, 5_00)
    stale = posting_payment.paid_in(CUSTODY, world.new_id(), 1, rows)
    assert world.refused(stale) == "DUE_TOO_SMALL"
    assert world.impossible(replace(stale, fund_no=SECOND_CUSTODY)) == "LG003"


def test_money_paid_in_with_a_wrong_reference_goes_through_suspense(world: World) -> None:
    contract, line = world.open_contract(paid_fen=100_00), world.new_id()
    world.done(posting.released_ahead(world.contract(contract), 30_00))
    world.happens(posting_payment.paid_in(CUSTODY, line, 30_00, []))
    world.happens(posting.suspense_pays_due(world.contract(contract), line, 30_00))
    assert (world.contract(contract).due_fen, world.balance("suspense")) == (0, 0)


def test_earned_money_is_set_off_against_dues_oldest_first(world: World) -> None:
    first, second = world.open_contract(paid_fen=100_00), world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(first), 10_00))
    world.done(posting_payment.compensation_due(world.contract(first), 60_00, 0))
    world.done(posting.released_ahead(world.contract(second), 50_00))
    world.seal()
    rows = [world.contract(first), world.contract(second)]
    event = posting_payment.set_off(CUSTODY, 100_00, rows)
    world.happens(event)
    assert [world.contract(c).due_fen for c in (first, second)] == [0, 10_00]
    assert world.balance("payable") == 50_00
    assert world.refused(event) == "DUE_TOO_SMALL"
    assert world.refused(posting_payment.set_off(CUSTODY, 60_00, [replace(rows[1], due_fen=60_00)])) == "DUE_TOO_SMALL"
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"


def test_no_more_is_set_off_than_was_earned(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting_payment.compensation_due(world.contract(contract), 60_00, 0))
    assert world.refused(posting_payment.set_off(CUSTODY, 1, [world.contract(contract)])) == "PAYABLE_TOO_SMALL"


# -- payouts


def test_a_payout_is_instructed_rejected_booked_and_returned(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 10_00))
    first, second = world.new_id(), world.new_id()
    instructed = posting_payment.instructed(PAYABLE, CUSTODY, first, 100_00)
    world.seal()
    world.happens(instructed)
    assert world.refused(posting_payment.instructed(PAYABLE, CUSTODY, second, 1)) == "PAYABLE_TOO_SMALL"
    rejected = posting_payment.rejected(PAYABLE, CUSTODY, first, 100_00)
    assert world.impossible(replace(rejected, fund_no=SECOND_CUSTODY)) == "LG003"
    world.happens(rejected)
    assert world.refused(rejected) == "INSTRUCTION_SPENT"
    assert world.refused(posting_payment.returned(PAYABLE, CUSTODY, first, 1)) == "ALREADY_RETURNED"
    world.seal()
    world.happens(posting_payment.instructed(PAYABLE, CUSTODY, second, 100_00))
    booked = posting_payment.booked("payout_booked", CUSTODY, second, 100_00)
    world.happens(booked)
    assert (world.balance("bank"), world.balance("in_transit")) == (0, 0)
    assert world.refused(posting_payment.rejected(PAYABLE, CUSTODY, second, 1)) == "INSTRUCTION_SPENT"
    returned = posting_payment.returned(PAYABLE, CUSTODY, second, 100_00)
    assert world.impossible(replace(returned, fund_no=SECOND_CUSTODY)) == "LG003"
    world.happens(returned)
    assert world.refused(returned) == "ALREADY_RETURNED"
    assert (world.balance("bank"), world.balance("payable")) == (100_00, 100_00)


@pytest.mark.parametrize("source", ["payable", "refund_due", "suspense"])
def test_nobody_is_paid_from_an_empty_account(world: World, source: str) -> None:
    contract, line = world.open_contract(), world.new_id()
    kind = AccountClass(source)
    event = posting_payment.instructed(
        kind, CUSTODY, world.new_id(), 1,
        contract_id=contract if source == "refund_due" else None, line_id=line if source == "suspense" else None,
    )  # fmt: skip
    codes = {"payable": "PAYABLE_TOO_SMALL", "refund_due": "REFUND_DUE_TOO_SMALL", "suspense": "LINE_SPENT"}
    assert world.refused(event) == codes[source]


# -- the reserve


def test_a_reserve_is_topped_up_drawn_and_booked(world: World) -> None:
    world.happens(posting_payment.reserve_topped_up(RESERVE, 100_00))
    world.seal()
    order, instruction = world.new_id(), world.new_id()
    event = posting_payment.reserve_instructed(RESERVE, "draw", order, instruction, 60_00)
    world.happens(event)
    assert world.refused(replace_instruction(world, event, 40_01)) == "RESERVE_TOO_SMALL"
    assert world.impossible(replace(event, fund_no=CUSTODY)) == "LG005"
    rejected = posting_payment.reserve_rejected(RESERVE, instruction, 60_00)
    world.happens(rejected)
    assert world.refused(rejected) == "INSTRUCTION_SPENT"
    assert world.balance("reserve", RESERVE) == 100_00
    second = world.new_id()
    world.happens(posting_payment.reserve_instructed(RESERVE, "release", order, second, 100_00))
    booked = posting_payment.booked("reserve_release_booked", RESERVE, second, 100_00)
    world.happens(booked)
    assert world.refused(booked) == "INSTRUCTION_SPENT"
    assert world.balances() == {}
    assert world.impossible(posting_payment.reserve_topped_up(HANDS, 1)) == "LG005"


def replace_instruction(world: World, event: Event, fen: int) -> Event:
    (moved,) = event.transfers
    return replace(event, transfers=(replace(moved, amount_fen=fen, credit_item=world.new_id()),))


def test_the_reserve_leaves_on_an_order_only(world: World) -> None:
    world.done(posting_payment.reserve_topped_up(RESERVE, 100_00))
    world.seal()
    event = posting_payment.reserve_instructed(RESERVE, "draw", world.new_id(), world.new_id(), 60_00)
    (moved,) = event.transfers
    assert world.impossible(replace(event, transfers=(replace(moved, debit_item=None),))) == "LG004"
    with pytest.raises(KeyError):
        posting_payment.reserve_instructed(RESERVE, "loan", world.new_id(), world.new_id(), 1)


def test_a_draw_for_a_custody_shortfall_closes_it_when_the_cash_is_there(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(
        posting.released_ahead(world.contract(contract), 50_00), posting_payment.reserve_topped_up(RESERVE, 50_00)
    )
    world.seal()
    world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 50_00))
    payments = world.payments(contract)
    world.done(posting_payment.refund_approved(world.contract(contract), 100_00, payments, 0, None))
    pays = posting_payment.instructed(AccountClass.REFUND_DUE, CUSTODY, world.new_id(), 50_01, contract_id=contract)
    assert world.refused(pays) == "OTHER_FAMILYS_MONEY"
    order, instruction = world.new_id(), world.new_id()
    world.happens(posting_payment.reserve_instructed(RESERVE, "draw", order, instruction, 50_00))
    world.happens(posting_payment.booked("reserve_draw_booked", RESERVE, instruction, 50_00))
    assert world.refused(pays) == "OTHER_FAMILYS_MONEY"  # due stays open until the cash is there
    world.happens(posting_payment.paid_in(CUSTODY, world.new_id(), 50_00, [world.contract(contract)]))
    world.happens(replace(pays, transfers=(replace(pays.transfers[0], amount_fen=100_00),)))


# -- interest


def test_interest_is_booked_then_paid_over(world: World) -> None:
    world.happens(posting_payment.interest_booked(CUSTODY, 3_00))
    world.happens(posting_payment.interest_booked(RESERVE, 1_00))
    world.seal()
    event = posting_payment.interest_paid_over(CUSTODY, 2_00)
    world.happens(event)
    assert (world.balance("interest"), world.balance("payable")) == (1_00, 2_00)
    assert world.refused(event) == "INTEREST_TOO_SMALL"
    assert world.impossible(replace(event, fund_no=RESERVE)) == "LG005"


# -- bank differences


def test_a_debit_nobody_ordered_is_a_difference_until_made_good(world: World) -> None:
    opened = world.new_id()
    event = posting_payment.unordered_debit(CUSTODY, opened, 8_00)
    world.happens(event)
    assert world.balances() == {(CUSTODY, "bank", None): -8_00, (CUSTODY, "difference", None): -8_00}
    world.happens(posting_payment.difference_made_good(CUSTODY, opened, 8_00))
    assert world.balances() == {}
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"
    assert world.impossible(replace(event, fund_no=HANDS)) == "LG005"


# -- every pair that is not in the table


def test_cash_moves_only_along_the_table(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting_payment.reserve_topped_up(RESERVE, 10_00))
    world.seal()
    tried = [
        Event("payout_instructed", CUSTODY, (Transfer(AccountClass.CLAIM, AccountClass.IN_TRANSIT, 1, contract),)),
        Event("set_off", CUSTODY, (Transfer(AccountClass.CLAIM, AccountClass.DUE, 1, contract),)),
        Event("reserve_topped_up", RESERVE, (Transfer(RESERVE_CLASS, AccountClass.BANK, 1),)),
        Event("interest_paid_over", RESERVE, (Transfer(RESERVE_CLASS, AccountClass.INTEREST, 1),)),
        Event("gift", CUSTODY, (Transfer(AccountClass.BANK, PAYABLE, 1),)),
        Event("reversal", CUSTODY, (Transfer(PAYABLE, AccountClass.CLAIM, 1, contract),)),
    ]
    assert {world.impossible(event) for event in tried} == {"LG002"}
