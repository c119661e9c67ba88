"""A deposit booked on the wrong contract, found after lessons were released from it."""

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass
from tests.world import CUSTODY, World


def test_a_deposit_on_the_wrong_contract_found_after_release(world: World) -> None:
    sister, brother = world.open_contract(), world.open_contract()
    line = world.new_id()
    world.happens(posting.deposit(world.contract(sister), line, 100_00))  # meant for the brother
    world.happens(posting.hours_released(world.contract(sister), 4_00))
    world.seal()
    instruction = world.new_id()
    world.happens(posting_payment.instructed(AccountClass.PAYABLE, CUSTODY, instruction, 25_00))
    world.happens(posting_payment.booked("payout_booked", CUSTODY, instruction, 25_00))
    # found: 60.00 are left, 15.00 are still payable, 25.00 are with the institution
    (payment,) = world.payments(sister)
    new = world.new_id()
    moved = posting.deposit_moved(
        world.contract(sister), world.contract(brother), payment, 100_00, world.balance("payable"), new
    )
    world.happens(moved)
    hers, his = world.contract(sister), world.contract(brother)
    assert (hers.paid_fen, hers.released_fen, hers.claim_fen, hers.hours_released) == (40_00, 40_00, 0, 4_00)
    assert (his.paid_fen, his.claim_fen, his.due_fen) == (100_00, 100_00, 25_00)
    assert (world.balance("bank"), world.balance("payable"), world.balance("suspense")) == (75_00, 0, 0)
    # the institution brings in what it was paid for lessons of a family that had not paid
    world.happens(posting_payment.paid_in(CUSTODY, world.new_id(), 25_00, [his]))
    # the brother stops: the refund is his whole deposit, on his own payment
    world.happens(posting_payment.refund_approved(world.contract(brother), 100_00, world.payments(brother), 0, None))
    pays = posting_payment.instructed(AccountClass.REFUND_DUE, CUSTODY, world.new_id(), 100_00, contract_id=brother)
    world.happens(pays)
    assert world.payments(brother)[0].refunded_fen == 100_00
    assert world.broken(besides=()) == []


def test_the_whole_deposit_can_be_moved_only_once(world: World) -> None:
    sister, brother = world.open_contract(paid_fen=100_00), world.open_contract()
    (payment,) = world.payments(sister)
    rows = world.contract(sister), world.contract(brother)
    world.happens(posting.deposit_moved(*rows, payment, 100_00, 0, world.new_id()))
    assert world.refused(posting.deposit_moved(*rows, payment, 100_00, 0, world.new_id())) == "CLAIM_TOO_SMALL"
    back = world.payments(brother)[0]
    world.happens(
        posting.deposit_moved(world.contract(brother), world.contract(sister), back, 100_00, 0, world.new_id())
    )
    assert (world.contract(sister).claim_fen, world.contract(brother).claim_fen) == (100_00, 0)
