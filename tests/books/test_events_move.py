"""Rows of "Events" about contracts that move, books taken over, and an institution that is wound down."""

from dataclasses import replace

from ledger.money import split_by_largest_remainder
from ledger.rules import posting, posting_payment
from ledger.terms.contract import Payment
from ledger.terms.journal import AccountClass, Transfer
from tests.conftest import Database
from tests.world import CUSTODY, HANDS, RESERVE, SECOND_CUSTODY, World, make_world

REFUND_DUE, PAYABLE, CLAIM = AccountClass.REFUND_DUE, AccountClass.PAYABLE, AccountClass.CLAIM


# -- a contract moves


def test_a_contract_moves_to_another_custody_account(world: World) -> None:
    old, new = world.open_contract(paid_fen=60_00), world.open_contract(fund_no=SECOND_CUSTODY)
    world.done(posting.hours_released(world.contract(old), 1_00))
    instruction = world.new_id()
    row = world.contract(old)
    event = posting_payment.contract_moved_out(row, instruction, 50_00, world.payments(old))
    world.happens(event)
    assert (world.contract(old).claim_fen, world.contract(old).refunded_fen, world.balance("in_transit")) == (
        0,
        50_00,
        50_00,
    )
    assert world.refused(event) == "CLAIM_TOO_SMALL"
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"
    booked = posting_payment.booked("contract_moved_out_booked", CUSTODY, instruction, 50_00)
    world.happens(booked)
    assert world.refused(booked) == "INSTRUCTION_SPENT"
    arrived = posting_payment.contract_moved_in(world.contract(new), [(world.new_id(), 50_00, 0)])
    world.happens(arrived)
    assert world.contract(new).paid_fen == 50_00
    too_much = posting_payment.contract_moved_in(world.contract(new), [(world.new_id(), 50_01, 0)])
    assert world.refused(too_much) == "PRICE_EXCEEDED"
    assert world.impossible(replace(arrived, fund_no=CUSTODY)) == "LG003"


def test_a_move_the_bank_rejects_is_reversed(world: World) -> None:
    contract, instruction = world.open_contract(paid_fen=60_00), world.new_id()
    event = posting_payment.contract_moved_out(world.contract(contract), instruction, 60_00, world.payments(contract))
    (moved_id,) = world.done(event)
    booked = posting_payment.booked("contract_moved_out_booked", CUSTODY, instruction, 60_00)
    (booked_id,) = world.done(booked)
    assert world.refused(posting_payment.reversal(event, moved_id)) == "INSTRUCTION_SPENT"
    world.happens(posting_payment.reversal(booked, booked_id))
    world.happens(posting_payment.reversal(event, moved_id))
    row = world.contract(contract)
    assert (row.claim_fen, row.refunded_fen) == (60_00, 0)
    assert world.payments(contract)[0].left_fen == 60_00


def test_a_contract_does_not_take_along_what_the_institution_still_owes_nor_what_is_held(world: World) -> None:
    contract = world.open_contract(paid_fen=60_00)
    world.done(posting.released_ahead(world.contract(contract), 20_00))
    row, payments = world.contract(contract), world.payments(contract)
    event = posting_payment.contract_moved_out(row, world.new_id(), 40_01, payments)
    assert world.refused(event) == "OTHER_FAMILYS_MONEY"
    world.done(posting.hold_placed(CUSTODY, world.new_id(), 30_00, contract))
    event = posting_payment.contract_moved_out(row, world.new_id(), 30_01, payments)
    assert world.refused(event) == "CLAIM_TOO_SMALL"


# -- books taken over


def test_running_books_are_taken_over_one_entry_per_contract(world: World) -> None:
    contract, opening = world.open_contract(), world.new_id()
    world.done(posting.deposit_to_suspense(CUSTODY, opening, 60_00))
    row, payment = world.contract(contract), world.new_id()
    event = posting_payment.taken_over(row, opening, [(payment, 50_00, 20_00)])
    world.happens(event)
    world.happens(posting_payment.payable_taken_over(CUSTODY, opening, 9_00))
    after = world.contract(contract)
    assert (after.paid_fen, after.due_fen, world.balance("bank"), world.balance("payable")) == (
        70_00,
        20_00,
        60_00,
        9_00,
    )
    assert world.balance("suspense") == 1_00
    assert world.refused(posting_payment.payable_taken_over(CUSTODY, opening, 1_01)) == "LINE_SPENT"
    another = world.new_id()
    world.done(posting.deposit_to_suspense(CUSTODY, another, 100_00))
    too_much = posting_payment.taken_over(row, another, [(world.new_id(), 30_01, 0)])
    assert world.refused(too_much) == "PRICE_EXCEEDED"
    assert world.impossible(replace(event, fund_no=SECOND_CUSTODY)) == "LG003"
    assert world.impossible(posting_payment.payable_taken_over(HANDS, opening, 1)) == "LG005"


def test_reserve_mode_is_taken_over_without_cash(world: World) -> None:
    contract = world.open_contract(fund_no=HANDS)
    world.happens(posting_payment.taken_over(world.contract(contract), world.new_id(), [(world.new_id(), 0, 70_00)]))
    assert world.balances() == {(HANDS, "due", contract): 70_00, (HANDS, "claim", contract): 70_00}


# -- wind-down


def test_winding_down_a_custody_fund_shares_payable_and_lists_what_no_money_covers(world: World) -> None:
    families = [world.open_contract(price_fen=fen, paid_fen=fen) for fen in (100_00, 200_00, 50_00)]
    for family in families:
        world.done(posting.released_ahead(world.contract(family), world.contract(family).paid_fen // 2))
    world.seal()
    world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 105_01))  # gone before the freeze
    left = world.balance("payable")
    rows = [world.contract(family) for family in families]
    shares = split_by_largest_remainder(left, [row.due_fen for row in rows])
    world.happens(posting_payment.set_off(CUSTODY, shares[0], rows[:1]))
    world.happens(posting_payment.set_off(CUSTODY, shares[1], rows[1:2]))
    world.happens(posting_payment.set_off(CUSTODY, shares[2], rows[2:]))
    assert world.balance("payable") == 0
    for family, share in zip(families, shares, strict=True):
        row = world.contract(family)
        world.happens(posting_payment.refund_approved(row, row.claim_fen, world.payments(family), 0, None))
        cash = row.claim_fen - row.due_fen
        assert cash == row.paid_fen - row.paid_fen // 2 + share
        instruction = world.new_id()
        too_much = posting_payment.instructed(REFUND_DUE, CUSTODY, instruction, cash + 1, contract_id=family)
        assert world.refused(too_much) == "OTHER_FAMILYS_MONEY"
        world.happens(posting_payment.instructed(REFUND_DUE, CUSTODY, instruction, cash, contract_id=family))
        world.happens(posting_payment.booked("refund_booked", CUSTODY, instruction, cash))
    rest = [world.contract(family) for family in families]
    assert [row.refund_due_fen for row in rest] == [row.due_fen for row in rest]
    assert sum(row.due_fen for row in rest) == 105_01


def test_winding_down_reserve_mode_pays_the_share_and_keeps_the_rest_of_the_claim(world: World) -> None:
    families = [world.open_contract(price_fen=fen, paid_fen=fen, fund_no=HANDS) for fen in (100_00, 200_00)]
    world.done(posting_payment.reserve_topped_up(RESERVE, 100_00))
    shares = split_by_largest_remainder(100_00, [world.contract(family).claim_fen for family in families])
    assert shares == [33_33, 66_67]
    order = world.new_id()
    world.seal()
    for family, share in zip(families, shares, strict=True):
        instruction = world.new_id()
        payments = world.payments(family)
        world.happens(posting_payment.refund_approved(world.contract(family), share, payments, 0, None))
        world.happens(posting_payment.reserve_instructed(RESERVE, "draw", order, instruction, share))
        world.happens(posting_payment.booked("reserve_draw_booked", RESERVE, instruction, share))
        world.happens(posting_payment.refund_proved(world.contract(family), share))
    assert [world.contract(family).claim_fen for family in families] == [66_67, 133_33]
    assert world.balance("reserve", RESERVE) == 0


# -- never across institutions


def test_no_entry_reaches_into_another_institution(world: World, module_database: Database) -> None:
    other = make_world(module_database.app, world.number + 500_000)
    theirs = other.open_contract(paid_fen=60_00)
    payments = other.payments(theirs)
    assert (
        world.impossible(posting_payment.contract_moved_out(other.contract(theirs), world.new_id(), 1, payments))
        == "LG004"
    )
    mine = world.open_contract(paid_fen=60_00)
    stolen = posting_payment.contract_moved_out(world.contract(mine), world.new_id(), 1, payments)
    assert world.refused(stolen) == "PAYMENT_SPENT"
    both = (
        Transfer(CLAIM, PAYABLE, 1, mine),
        Transfer(CLAIM, PAYABLE, 1, theirs),
    )
    event = replace(posting.hours_released(world.contract(mine), 1_00), transfers=both)
    assert world.impossible(event) == "LG004"
    assert payments == (Payment(payments[0].payment_id, 60_00, 0),)
    assert other.contract(theirs).claim_fen == 60_00
