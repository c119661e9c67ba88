"""Whatever is corrected for one family, another family's cash stays where it is."""

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass
from tests.world import CUSTODY, World

PAYABLE, REFUND_DUE = AccountClass.PAYABLE, AccountClass.REFUND_DUE


def pay_out_everything(world: World) -> None:
    world.seal()
    instruction, fen = world.new_id(), world.balance("payable")
    world.happens(posting_payment.instructed(PAYABLE, CUSTODY, instruction, fen))
    world.happens(posting_payment.booked("payout_booked", CUSTODY, instruction, fen))


def test_a_reversal_after_payout_followed_by_a_refund_never_touches_another_familys_cash(world: World) -> None:
    chen, lin = world.open_contract(paid_fen=100_00), world.open_contract(paid_fen=100_00)
    taught = posting.hours_released(world.contract(chen), 6_00)
    world.done(taught)
    pay_out_everything(world)
    # the lessons were never held: their release comes back, but the money is gone, so the institution owes it
    world.happens(posting.unreleased(world.contract(chen), 60_00, 6_00, world.balance("payable")))
    row = world.contract(chen)
    assert (row.claim_fen, row.due_fen, row.hours_released) == (100_00, 60_00, 0)
    assert world.balance("bank") == 140_00
    hold = world.new_id()
    world.happens(posting.hold_placed(CUSTODY, hold, 100_00, chen))
    row = world.contract(chen)
    world.happens(posting_payment.refund_approved(row, 100_00, world.payments(chen), 0, (hold, 100_00)))
    # 140.00 lie in the account, but only 40.00 of them are this family's
    whole = posting_payment.instructed(REFUND_DUE, CUSTODY, world.new_id(), 100_00, contract_id=chen)
    assert world.refused(whole) == "OTHER_FAMILYS_MONEY"
    first, second = world.new_id(), world.new_id()
    world.happens(posting_payment.instructed(REFUND_DUE, CUSTODY, first, 40_00, contract_id=chen))
    world.happens(posting_payment.booked("refund_booked", CUSTODY, first, 40_00))
    assert (world.balance("bank"), world.contract(lin).claim_fen) == (100_00, 100_00)
    assert [violation.expected_fen for violation in world.broken(besides=())] == [60_00]  # the shortfall shows as cover
    world.happens(posting_payment.paid_in(CUSTODY, world.new_id(), 60_00, [world.contract(chen)]))
    world.happens(posting_payment.instructed(REFUND_DUE, CUSTODY, second, 60_00, contract_id=chen))
    world.happens(posting_payment.booked("refund_booked", CUSTODY, second, 60_00))
    assert world.broken(besides=()) == []
    assert world.balances() == {(CUSTODY, "bank", None): 100_00, (CUSTODY, "claim", lin): 100_00}


def test_a_plain_reversal_after_payout_is_refused_rather_than_paid_from_the_next_release(world: World) -> None:
    chen, lin = world.open_contract(paid_fen=100_00), world.open_contract(paid_fen=100_00)
    taught = posting.hours_released(world.contract(chen), 6_00)
    (taught_id,) = world.done(taught)
    pay_out_everything(world)
    assert world.refused(posting_payment.reversal(taught, taught_id)) == "PAYABLE_TOO_SMALL"
    world.done(posting.hours_released(world.contract(lin), 1_00))
    world.seal()
    held = world.balance("payable")
    world.happens(posting.unreleased(world.contract(chen), 60_00, 6_00, held))
    assert (world.balance("payable"), world.contract(chen).due_fen) == (0, 50_00)
    assert world.contract(lin).claim_fen == 90_00


def test_a_refund_returned_after_the_contract_closed_waits_as_owed_to_the_family(world: World) -> None:
    chen = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(chen), 3_00))
    world.happens(posting_payment.refund_approved(world.contract(chen), 69_00, world.payments(chen), 0, None))
    first, second = world.new_id(), world.new_id()
    world.happens(posting_payment.instructed(REFUND_DUE, CUSTODY, first, 69_00, contract_id=chen))
    world.happens(posting_payment.booked("refund_booked", CUSTODY, first, 69_00))
    world.happens(posting_payment.remainder_left(world.contract(chen), 1_00))
    assert world.contract(chen).claim_fen == 0  # closed: nothing is left on it
    # the family's account was closed, the bank returns the money
    world.happens(posting_payment.returned(REFUND_DUE, CUSTODY, first, 69_00, contract_id=chen))
    row = world.contract(chen)
    assert (row.claim_fen, row.refund_due_fen, row.refunded_fen) == (0, 69_00, 69_00)
    world.happens(posting_payment.instructed(REFUND_DUE, CUSTODY, second, 69_00, contract_id=chen))
    world.happens(posting_payment.booked("refund_booked", CUSTODY, second, 69_00))
    assert world.contract(chen).refund_due_fen == 0
    assert world.balance("bank") == world.balance("payable") == 31_00
