"""Rows of "Events" about refunds: asked, approved, owed beyond the principal, paid, in both modes."""

from dataclasses import replace
from uuid import UUID

import pytest

from ledger.rules import posting, posting_payment
from ledger.terms.contract import Payment
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.world import CUSTODY, HANDS, RESERVE, SECOND_CUSTODY, World

REFUND_DUE, PAYABLE, CLAIM = AccountClass.REFUND_DUE, AccountClass.PAYABLE, AccountClass.CLAIM


def approved(world: World, contract: UUID, fen: int, payable: int = 0, hold: tuple[UUID, int] | None = None) -> Event:
    return posting_payment.refund_approved(world.contract(contract), fen, world.payments(contract), payable, hold)


# -- asked, withdrawn, refused


def test_an_asked_refund_is_held_until_it_is_withdrawn(world: World) -> None:
    contract, hold = world.open_contract(paid_fen=100_00), world.new_id()
    world.happens(posting.hold_placed(CUSTODY, hold, 80_00, contract))
    spent = Event("remainder_left", CUSTODY, (Transfer(CLAIM, PAYABLE, 20_01, contract),))
    assert world.refused(spent) == "CLAIM_TOO_SMALL"
    world.happens(posting.hold_ended(CUSTODY, hold, 80_00, contract))
    assert world.contract(contract).free_fen == 100_00
    assert world.refused(approved(world, contract, 80_00, hold=(hold, 80_00))) == "HOLD_SPENT"


# -- approved


def test_an_approved_refund_captures_its_hold_and_goes_back_on_the_newest_payment(world: World) -> None:
    contract, hold = world.open_contract(paid_fen=60_00), world.new_id()
    world.done(posting.deposit(world.contract(contract), world.new_id(), 40_00))
    world.done(posting.hold_placed(CUSTODY, hold, 70_00, contract))
    event = approved(world, contract, 70_00, hold=(hold, 70_00))
    world.happens(event)
    row = world.contract(contract)
    assert (row.claim_fen, row.refunded_fen, row.refund_due_fen, row.held_fen) == (30_00, 70_00, 70_00, 0)
    assert [p.left_fen for p in world.payments(contract)] == [0, 30_00]
    assert world.refused(event) == "HOLD_SPENT"
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"


def test_an_approved_refund_leaves_other_holds_alone(world: World) -> None:
    contract, hold = world.open_contract(paid_fen=100_00), world.new_id()
    world.done(posting.hold_placed(CUSTODY, hold, 50_00, contract))
    world.done(posting.hold_placed(CUSTODY, world.new_id(), 40_00, contract))
    claim_only = Event("refund_approved", CUSTODY, approved(world, contract, 60_01).transfers[-1:])
    assert world.refused(claim_only) == "CLAIM_TOO_SMALL"
    world.happens(approved(world, contract, 60_00, hold=(hold, 50_00)))
    assert (world.contract(contract).held_fen, world.contract(contract).free_fen) == (40_00, 0)


@pytest.mark.parametrize(("paid_out", "due"), [(0, 0), (45_00, 25_00), (50_00, 30_00)])
def test_a_refund_larger_than_the_claim_takes_releases_back(world: World, paid_out: int, due: int) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 5_00))
    world.seal()
    if paid_out:
        world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), paid_out))
    world.happens(approved(world, contract, 80_00, payable=50_00 - paid_out))
    row = world.contract(contract)
    assert (row.released_fen, row.claim_fen, row.refund_due_fen, row.due_fen) == (20_00, 0, 80_00, due)
    assert world.balance("payable") == 20_00 - paid_out + due


def test_a_refund_never_exceeds_a_payment_nor_all_of_them(world: World) -> None:
    contract = world.open_contract(paid_fen=60_00)
    world.done(posting.deposit(world.contract(contract), world.new_id(), 40_00))
    newest, oldest = world.payments(contract)
    lying = (Payment(newest.payment_id, 100_00, 0), oldest)
    event = posting_payment.refund_approved(world.contract(contract), 41_00, lying, 0, None)
    assert world.refused(event) == "PAYMENT_SPENT"
    with pytest.raises(ValueError, match="larger than all payments"):
        approved(world, contract, 100_01)
    sibling = world.open_contract(paid_fen=100_00)
    theirs = posting_payment.refund_approved(world.contract(contract), 10_00, world.payments(sibling), 0, None)
    assert world.impossible(theirs) == "LG003"
    unknown = (Payment(world.new_id(), 10_00, 0),)
    event = posting_payment.refund_approved(world.contract(contract), 10_00, unknown, 0, None)
    assert world.refused(event) == "PAYMENT_SPENT"


def test_a_refund_is_not_approved_twice(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    event = approved(world, contract, 100_00)
    world.happens(event)
    assert world.refused(event) == "CLAIM_TOO_SMALL"


# -- interest, costs, damages


def test_compensation_comes_from_payable_then_from_the_institution_and_has_no_ceiling(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 1_00))
    world.seal()
    row = world.contract(contract)
    world.happens(posting_payment.compensation_due(row, 150_00, 10_00))
    after = world.contract(contract)
    assert (after.refund_due_fen, after.due_fen, after.refunded_fen) == (150_00, 140_00, 0)
    assert world.balance("payable") == 0
    assert world.refused(posting_payment.compensation_due(row, 10_00, 10_00)) == "PAYABLE_TOO_SMALL"
    assert world.impossible(posting_payment.compensation_due(replace(row, fund_no=SECOND_CUSTODY), 1, 0)) == "LG003"


def test_compensation_is_not_paid_before_the_institution_brings_it(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting_payment.compensation_due(world.contract(contract), 150_00, 0))
    pays = posting_payment.instructed(REFUND_DUE, CUSTODY, world.new_id(), 100_01, contract_id=contract)
    assert world.refused(pays) == "OTHER_FAMILYS_MONEY"
    world.done(posting_payment.paid_in(CUSTODY, world.new_id(), 150_00, [world.contract(contract)]))
    world.happens(pays)


def test_interest_goes_to_the_family_as_far_as_there_is_some(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.happens(posting_payment.interest_booked(CUSTODY, 1_00))
    world.seal()
    world.happens(posting_payment.interest_due(world.contract(contract), 60))
    assert (world.contract(contract).refund_due_fen, world.balance("interest")) == (60, 40)
    assert world.refused(posting_payment.interest_due(world.contract(contract), 41)) == "INTEREST_TOO_SMALL"


# -- the remainder


@pytest.mark.parametrize("due", [0, 5_00, 30_00])
def test_the_remainder_meets_due_then_goes_to_the_institution(world: World, due: int) -> None:
    contract = world.open_contract(paid_fen=100_00)
    if due:
        world.done(posting.released_ahead(world.contract(contract), due))
    world.happens(posting_payment.remainder_left(world.contract(contract), 20_00))
    row = world.contract(contract)
    assert (row.released_fen, row.hours_released, row.claim_fen) == (20_00, 0, 80_00)
    assert (row.due_fen, world.balance("payable")) == (max(due - 20_00, 0), max(20_00, due))
    event = posting_payment.remainder_left(row, 80_01)
    assert world.refused(event) == "CLAIM_TOO_SMALL"
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"


# -- instructed, booked, rejected, returned


def test_a_refund_is_paid_through_an_instruction_and_comes_back_to_refund_due(world: World) -> None:
    contract, first, second = world.open_contract(paid_fen=100_00), world.new_id(), world.new_id()
    world.done(approved(world, contract, 100_00))

    def instructed(instruction: UUID, fen: int) -> Event:
        return posting_payment.instructed(REFUND_DUE, CUSTODY, instruction, fen, contract_id=contract)

    assert world.refused(instructed(world.new_id(), 100_01)) == "REFUND_DUE_TOO_SMALL"
    world.happens(instructed(first, 100_00))
    assert world.contract(contract).refund_due_fen == 0
    assert world.refused(instructed(world.new_id(), 1)) == "REFUND_DUE_TOO_SMALL"
    returned = posting_payment.returned(REFUND_DUE, CUSTODY, first, 100_00, contract_id=contract)
    assert world.refused(returned) == "ALREADY_RETURNED"
    rejected = posting_payment.rejected(REFUND_DUE, CUSTODY, first, 100_00, contract_id=contract)
    world.happens(rejected)
    assert world.refused(rejected) == "INSTRUCTION_SPENT"
    assert world.refused(posting_payment.booked("refund_booked", CUSTODY, first, 1)) == "INSTRUCTION_SPENT"
    world.happens(instructed(second, 100_00))
    booked = posting_payment.booked("refund_booked", CUSTODY, second, 100_00)
    assert world.impossible(replace(booked, fund_no=SECOND_CUSTODY)) == "LG003"
    assert world.refused(posting_payment.booked("refund_booked", CUSTODY, second, 100_01)) == "INSTRUCTION_SPENT"
    world.happens(booked)
    assert world.refused(booked) == "INSTRUCTION_SPENT"
    assert world.balances() == {}
    returned = posting_payment.returned(REFUND_DUE, CUSTODY, second, 100_00, contract_id=contract)
    assert world.refused(replace_amount(returned, 100_01)) == "ALREADY_RETURNED"
    world.happens(returned)
    assert world.refused(returned) == "ALREADY_RETURNED"
    row = world.contract(contract)
    assert (row.refund_due_fen, row.claim_fen, row.refunded_fen) == (100_00, 0, 100_00)


def replace_amount(event: Event, fen: int) -> Event:
    (moved,) = event.transfers
    return replace(event, transfers=(replace(moved, amount_fen=fen),))


def test_more_is_not_instructed_than_is_owed_even_when_the_claim_has_it(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(approved(world, contract, 40_00))
    pays = posting_payment.instructed(REFUND_DUE, CUSTODY, world.new_id(), 40_01, contract_id=contract)
    assert world.refused(pays) == "REFUND_DUE_TOO_SMALL"


# -- price above the cap


def test_an_overcharge_comes_back_and_the_contract_goes_on_at_the_new_price(world: World) -> None:
    contract = world.open_contract(price_fen=100_00, paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 5_00))
    world.seal()
    row = world.contract(contract)
    back = row.released_fen - posting.released_through(80_00, row.paid_fen, row.hours_released, row.hours_total)
    event = posting_payment.overcharge_returned(row, back, 20_00, world.payments(contract), 50_00)
    world.happens(event)
    row = replace(world.contract(contract), price_fen=80_00)
    assert (row.released_fen, row.refunded_fen, row.refund_due_fen, row.claim_fen) == (40_00, 20_00, 20_00, 40_00)
    world.happens(posting.hours_released(row, 5_00))
    row = world.contract(contract)
    assert (row.claim_fen, row.released_fen, world.balance("payable")) == (0, 80_00, 80_00)
    assert world.refused(event) == "CLAIM_TOO_SMALL"


def test_an_overcharge_takes_back_no_more_than_was_released(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 1_00))
    row, payments = world.contract(contract), world.payments(contract)
    event = posting_payment.overcharge_returned(row, 10_01, 20_00, payments, 0)
    assert world.refused(event) == "RELEASED_BELOW_ZERO"
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"


# -- reserve mode


def test_a_refund_in_reserve_mode_is_proved_by_the_institution(world: World) -> None:
    contract = world.open_contract(fund_no=HANDS, paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 4_00))
    world.happens(approved(world, contract, 60_00))
    assert world.contract(contract).refund_due_fen == 60_00
    event = posting_payment.refund_proved(world.contract(contract), 60_00)
    too_much = posting_payment.refund_proved(world.contract(contract), 60_01)
    assert world.refused(too_much) == "DUE_TOO_SMALL"
    world.happens(event)
    assert world.balances() == {}
    assert world.refused(event) == "DUE_TOO_SMALL"
    assert world.impossible(replace(event, fund_no=CUSTODY)) == "LG003"


def test_no_cash_leaves_the_hands_of_the_institution(world: World) -> None:
    contract = world.open_contract(fund_no=HANDS, paid_fen=100_00)
    world.done(approved(world, contract, 60_00))
    pays = posting_payment.instructed(REFUND_DUE, HANDS, world.new_id(), 60_00, contract_id=contract)
    assert world.impossible(pays) == "LG005"


def test_a_refund_in_reserve_mode_paid_from_the_reserve_by_order(world: World) -> None:
    contract = world.open_contract(fund_no=HANDS, paid_fen=100_00)
    world.done(posting_payment.reserve_topped_up(RESERVE, 70_00), approved(world, contract, 60_00))
    order, instruction = world.new_id(), world.new_id()
    world.seal()
    world.happens(posting_payment.reserve_instructed(RESERVE, "draw", order, instruction, 60_00))
    world.happens(posting_payment.booked("reserve_draw_booked", RESERVE, instruction, 60_00))
    world.happens(posting_payment.refund_proved(world.contract(contract), 60_00))
    assert world.balances() == {
        (RESERVE, "bank", None): 10_00, (RESERVE, "reserve", None): 10_00,
        (HANDS, "due", contract): 40_00, (HANDS, "claim", contract): 40_00,
    }  # fmt: skip
    # the bank sends it back: the reserve has the money again, and the family is owed it again
    world.happens(posting_payment.reserve_topped_up(RESERVE, 60_00))
    world.happens(posting_payment.refund_unproved(world.contract(contract), 60_00))
    assert world.contract(contract).refund_due_fen == 60_00
    assert world.balance("reserve", RESERVE) == 70_00
    assert (
        world.impossible(replace(posting_payment.refund_unproved(world.contract(contract), 1), fund_no=CUSTODY))
        == "LG003"
    )
