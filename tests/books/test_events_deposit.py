"""Rows of "Events" about money coming in: each is posted, checked against every promise, and attacked."""

from dataclasses import replace
from uuid import UUID

import pytest

from ledger.rules import posting, posting_payment
from ledger.terms.contract import Payment
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.world import CUSTODY, HANDS, RESERVE, SECOND_CUSTODY, World

SUSPENSE = AccountClass.SUSPENSE


def payment(world: World, contract_id: UUID) -> Payment:
    """The newest payment of a contract."""
    return world.payments(contract_id)[0]


# -- deposit booked, contract known


def test_a_deposit_fills_the_claim_up_to_the_price_and_the_excess_waits(world: World) -> None:
    contract = world.open_contract(price_fen=100_00)
    first, second = world.new_id(), world.new_id()
    world.happens(posting.deposit(world.contract(contract), first, 60_00))
    world.happens(posting.deposit(world.contract(contract), second, 60_00))
    row = world.contract(contract)
    assert (row.paid_fen, row.claim_fen, row.payable_room_fen) == (100_00, 100_00, 0)
    assert world.payments(contract) == (Payment(second, 40_00, 0), Payment(first, 60_00, 0))
    assert world.balances() == {
        (CUSTODY, "bank", None): 120_00, (CUSTODY, "claim", contract): 100_00, (CUSTODY, "suspense", None): 20_00
    }  # fmt: skip


def test_a_deposit_on_a_full_contract_all_waits(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.happens(posting.deposit(world.contract(contract), world.new_id(), 5_00))
    assert world.balance("suspense") == 5_00


def test_a_deposit_decided_on_an_old_reading_cannot_pass_the_price(world: World) -> None:
    contract = world.open_contract(price_fen=100_00)
    stale = world.contract(contract)
    world.happens(posting.deposit(stale, world.new_id(), 60_00))
    assert world.refused(posting.deposit(stale, world.new_id(), 60_00)) == "PRICE_EXCEEDED"
    for fund_no, state in ((SECOND_CUSTODY, "LG003"), (RESERVE, "LG003"), (HANDS, "LG005")):
        assert world.impossible(posting.deposit(replace(stale, fund_no=fund_no), world.new_id(), 1)) == state


# -- through a payment provider, net of its fee


def test_a_provider_deposit_pays_the_gross_and_the_institution_owes_the_fee(world: World) -> None:
    contract = world.open_contract(price_fen=100_00)
    world.happens(posting.provider_deposit(world.contract(contract), world.new_id(), 99_40, 60))
    row = world.contract(contract)
    assert (row.paid_fen, row.due_fen, world.balance("bank")) == (100_00, 60, 99_40)
    assert [v.found_fen for v in world.broken(besides=())] == [0]  # cover: named by a break, none was opened here
    world.happens(posting.hours_released(row, 10_00))
    assert (world.contract(contract).due_fen, world.balance("payable")) == (0, 99_40)


@pytest.mark.parametrize(
    ("room_left", "claim", "due", "suspense"), [(50_00, 50_00, 60, 50_00), (50, 50, 50, 99_40), (0, 0, 0, 99_40)]
)
def test_a_provider_deposit_beyond_the_price_waits(
    world: World, room_left: int, claim: int, due: int, suspense: int
) -> None:
    contract = world.open_contract(price_fen=100_00, paid_fen=100_00 - room_left)
    world.happens(posting.provider_deposit(world.contract(contract), world.new_id(), 99_40, 60))
    row = world.contract(contract)
    assert (row.paid_fen, row.due_fen) == (100_00 - room_left + claim, due)
    assert world.balance("suspense") == suspense


def test_a_provider_fee_is_not_taken_from_another_family(world: World) -> None:
    contract = world.open_contract(price_fen=100_00)
    line = world.new_id()
    fee_only = Transfer(AccountClass.DUE, AccountClass.CLAIM, 60, contract, credit_item=line)
    world.happens(Event("provider_deposit", CUSTODY, (fee_only,)))
    spent = Event("remainder_left", CUSTODY, (Transfer(AccountClass.CLAIM, AccountClass.PAYABLE, 1, contract),))
    assert world.refused(spent) == "OTHER_FAMILYS_MONEY"
    assert world.impossible(Event("provider_deposit", HANDS, (fee_only,))) == "LG003"


# -- owner unknown; assigned; sent back


def test_a_deposit_without_an_owner_waits_in_suspense(world: World) -> None:
    world.happens(posting.deposit_to_suspense(CUSTODY, world.new_id(), 70_00))
    assert world.balances() == {(CUSTODY, "bank", None): 70_00, (CUSTODY, "suspense", None): 70_00}


def test_suspense_is_assigned_to_its_contract_once(world: World) -> None:
    contract, line = world.open_contract(), world.new_id()
    world.done(posting.deposit_to_suspense(CUSTODY, line, 70_00))
    row = world.contract(contract)
    world.happens(posting.suspense_assigned(row, line, world.new_id(), 50_00))
    assert (world.contract(contract).paid_fen, world.balance("suspense")) == (50_00, 20_00)
    assert world.refused(posting.suspense_assigned(row, line, world.new_id(), 20_01)) == "LINE_SPENT"
    world.happens(posting.suspense_assigned(row, line, world.new_id(), 20_00))
    assert world.refused(posting.suspense_assigned(row, line, world.new_id(), 1)) == "LINE_SPENT"
    assert world.refused(posting.suspense_assigned(row, world.new_id(), world.new_id(), 1)) == "LINE_SPENT"


def test_what_a_provider_kept_of_assigned_money_is_due_from_the_institution(world: World) -> None:
    contract, line, payment = world.open_contract(price_fen=50_00), world.new_id(), world.new_id()
    world.done(posting.deposit_to_suspense(CUSTODY, line, 49_70))
    row = world.contract(contract)
    assert world.refused(posting.suspense_assigned(row, line, payment, 49_70, 31)) == "PRICE_EXCEEDED"
    world.happens(posting.suspense_assigned(row, line, payment, 49_70, 30))
    after = world.contract(contract)
    assert (after.paid_fen, after.due_fen, world.balance("suspense")) == (50_00, 30, 0)


def test_suspense_is_not_assigned_beyond_the_price_nor_to_another_fund(world: World) -> None:
    contract, line = world.open_contract(price_fen=50_00), world.new_id()
    world.done(posting.deposit_to_suspense(CUSTODY, line, 70_00))
    row = world.contract(contract)
    assert world.refused(posting.suspense_assigned(row, line, world.new_id(), 50_01)) == "PRICE_EXCEEDED"
    elsewhere = world.contract(world.open_contract(fund_no=SECOND_CUSTODY))
    assert world.impossible(posting.suspense_assigned(elsewhere, line, world.new_id(), 1)) == "LG003"


def test_suspense_meets_what_the_institution_owes_and_no_more(world: World) -> None:
    contract, line = world.open_contract(paid_fen=100_00), world.new_id()
    world.done(posting.released_ahead(world.contract(contract), 30_00))
    world.done(posting.deposit_to_suspense(CUSTODY, line, 40_00))
    row = world.contract(contract)
    assert world.refused(posting.suspense_pays_due(row, line, 30_01)) == "DUE_TOO_SMALL"
    world.happens(posting.suspense_pays_due(row, line, 30_00))
    assert (world.contract(contract).due_fen, world.balance("suspense")) == (0, 10_00)
    assert world.refused(posting.suspense_pays_due(row, line, 1)) == "DUE_TOO_SMALL"


def test_suspense_of_a_reserve_account_becomes_reserve(world: World) -> None:
    line = world.new_id()
    world.done(posting.deposit_to_suspense(RESERVE, line, 40_00))
    world.happens(posting.suspense_to_reserve(RESERVE, line, 40_00))
    assert world.balance("reserve", RESERVE) == 40_00
    assert world.refused(posting.suspense_to_reserve(RESERVE, line, 1)) == "LINE_SPENT"
    assert world.impossible(posting.suspense_to_reserve(CUSTODY, line, 1)) == "LG005"


def test_suspense_is_sent_back_rejected_and_returned_to_its_line(world: World) -> None:
    line, instruction = world.new_id(), world.new_id()
    world.done(posting.deposit_to_suspense(CUSTODY, line, 40_00))
    back = posting_payment.instructed(SUSPENSE, CUSTODY, instruction, 40_00, line_id=line)
    world.happens(back)
    assert (world.balance("suspense"), world.balance("in_transit")) == (0, 40_00)
    again = posting_payment.instructed(SUSPENSE, CUSTODY, world.new_id(), 1, line_id=line)
    assert world.refused(again) == "LINE_SPENT"
    returned = posting_payment.returned(SUSPENSE, CUSTODY, instruction, 40_00, line_id=line)
    assert world.refused(returned) == "ALREADY_RETURNED"  # not booked yet
    rejected = posting_payment.rejected(SUSPENSE, CUSTODY, instruction, 40_00, line_id=line)
    world.happens(rejected)
    assert world.refused(rejected) == "INSTRUCTION_SPENT"
    assert world.balance("suspense") == 40_00
    second = world.new_id()
    world.happens(posting_payment.instructed(SUSPENSE, CUSTODY, second, 40_00, line_id=line))
    booked = posting_payment.booked("suspense_return_booked", CUSTODY, second, 40_00)
    world.happens(booked)
    assert world.refused(booked) == "INSTRUCTION_SPENT"
    returned = posting_payment.returned(SUSPENSE, CUSTODY, second, 40_00, line_id=line)
    assert world.impossible(replace(returned, fund_no=SECOND_CUSTODY)) == "LG003"
    world.happens(returned)
    assert world.refused(returned) == "ALREADY_RETURNED"
    assert world.balances() == {(CUSTODY, "bank", None): 40_00, (CUSTODY, "suspense", None): 40_00}


# -- reserve mode


def test_a_prepayment_in_reserve_mode_is_held_by_the_institution(world: World) -> None:
    contract = world.open_contract(fund_no=HANDS)
    event = posting.prepaid_to_institution(world.contract(contract), world.new_id(), 60_00)
    world.happens(event)
    assert world.balances() == {(HANDS, "due", contract): 60_00, (HANDS, "claim", contract): 60_00}
    too_much = posting.prepaid_to_institution(world.contract(contract), world.new_id(), 40_01)
    assert world.refused(too_much) == "PRICE_EXCEEDED"
    assert world.impossible(replace(event, fund_no=CUSTODY)) == "LG003"
    assert world.impossible(posting.deposit(world.contract(contract), world.new_id(), 1)) == "LG005"


# -- taken back by the bank


def test_a_deposit_taken_back_leaves_the_claim(world: World) -> None:
    contract = world.open_contract(paid_fen=60_00)
    row, one = world.contract(contract), payment(world, contract)
    event = posting.deposit_taken_back(row, one, world.new_id(), 60_00)
    world.happens(event)
    assert (world.contract(contract).paid_fen, world.balances()) == (0, {})
    assert world.refused(event) == "CLAIM_TOO_SMALL"
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"


def test_what_was_released_of_a_deposit_taken_back_is_a_difference_the_institution_makes_good(world: World) -> None:
    contract = world.open_contract(paid_fen=60_00)
    world.done(posting.hours_released(world.contract(contract), 2_00))
    opened = world.new_id()
    world.happens(posting.deposit_taken_back(world.contract(contract), payment(world, contract), opened, 60_00))
    assert world.balances() == {(CUSTODY, "payable", None): 20_00, (CUSTODY, "difference", None): -20_00}
    assert (world.contract(contract).paid_fen, world.contract(contract).claim_fen) == (20_00, 0)
    world.happens(posting_payment.difference_made_good(CUSTODY, opened, 20_00))
    assert world.balance("difference") == 0


def test_the_bank_taking_back_a_refunded_or_held_payment_is_never_refused(world: World) -> None:
    contract = world.open_contract(paid_fen=60_00)
    world.done(posting.deposit(world.contract(contract), world.new_id(), 40_00))
    newest, oldest = world.payments(contract)
    refund = posting_payment.refund_approved(world.contract(contract), 30_00, (newest, oldest), 0, None)
    world.done(refund, posting.hold_placed(CUSTODY, world.new_id(), 25_00, contract))
    newest, oldest = world.payments(contract)
    assert (newest.left_fen, oldest.left_fen, world.contract(contract).free_fen) == (10_00, 60_00, 45_00)
    world.happens(posting.deposit_taken_back(world.contract(contract), newest, world.new_id(), 40_00))
    assert (world.balance("difference"), world.contract(contract).free_fen) == (-30_00, 35_00)
    world.happens(posting.deposit_taken_back(world.contract(contract), oldest, world.new_id(), 60_00))
    assert (world.balance("difference"), world.contract(contract).free_fen) == (-55_00, 0)


def test_the_bank_taking_back_what_the_institution_still_owes_is_a_difference_not_other_families_cash(
    world: World,
) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.released_ahead(world.contract(contract), 70_00))
    world.happens(
        posting.deposit_taken_back(world.contract(contract), payment(world, contract), world.new_id(), 100_00)
    )
    row = world.contract(contract)
    assert (row.claim_fen, row.due_fen, world.balance("difference")) == (70_00, 70_00, -70_00)


# -- booked on the wrong contract


def test_a_deposit_on_the_wrong_contract_goes_over(world: World) -> None:
    wrong, right = world.open_contract(paid_fen=60_00), world.open_contract()
    one, new = payment(world, wrong), world.new_id()
    event = posting.deposit_moved(world.contract(wrong), world.contract(right), one, 60_00, 0, new)
    world.happens(event)
    assert (world.contract(wrong).paid_fen, world.contract(right).paid_fen) == (0, 60_00)
    assert world.payments(right) == (Payment(new, 60_00, 0),)
    assert world.balance("suspense") == 0
    assert world.refused(event) == "CLAIM_TOO_SMALL"
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"


@pytest.mark.parametrize(("payable", "from_payable"), [(20_00, 20_00), (5_00, 5_00), (0, 0)])
def test_what_was_released_meanwhile_comes_from_the_institution(world: World, payable: int, from_payable: int) -> None:
    wrong, right = world.open_contract(paid_fen=60_00), world.open_contract()
    world.done(posting.hours_released(world.contract(wrong), 2_00))
    world.seal()
    if payable < 20_00:
        world.done(posting_payment.instructed(AccountClass.PAYABLE, CUSTODY, world.new_id(), 20_00 - payable))
    event = posting.deposit_moved(
        world.contract(wrong), world.contract(right), payment(world, wrong), 60_00, payable, world.new_id()
    )
    world.happens(event)
    assert (world.contract(wrong).paid_fen, world.contract(wrong).claim_fen) == (20_00, 0)
    moved = world.contract(right)
    assert (moved.paid_fen, moved.due_fen) == (60_00, 20_00 - from_payable)
    assert world.balance("payable") == 0


def test_a_deposit_does_not_move_onto_a_contract_beyond_its_price_or_with_money_that_is_not_payable(
    world: World,
) -> None:
    wrong, right = world.open_contract(paid_fen=60_00), world.open_contract(price_fen=50_00)
    rows = world.contract(wrong), world.contract(right)
    event = posting.deposit_moved(*rows, payment(world, wrong), 60_00, 0, world.new_id())
    assert world.refused(event) == "PRICE_EXCEEDED"
    world.done(posting.hours_released(world.contract(wrong), 2_00))
    world.seal()
    world.done(posting_payment.instructed(AccountClass.PAYABLE, CUSTODY, world.new_id(), 20_00))
    rows = world.contract(wrong), world.contract(right)
    event = posting.deposit_moved(*rows, payment(world, wrong), 50_00, 20_00, world.new_id())
    assert world.refused(event) == "PAYABLE_TOO_SMALL"
    assert world.broken() == []
