"""A price in three instalments, of which one was paid."""

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass
from tests.world import CUSTODY, World


def test_three_instalments_of_which_one_was_paid(world: World) -> None:
    chen = world.open_contract(price_fen=300_00, hours=30_00)
    world.happens(posting.deposit(world.contract(chen), world.new_id(), 100_00))
    for _ in range(12):  # two lessons more than the first instalment covers
        world.happens(posting.hours_released(world.contract(chen), 1_00))
    row = world.contract(chen)
    assert (row.released_fen, row.claim_fen, row.hours_released) == (100_00, 0, 12_00)
    # the second instalment releases what was taught meanwhile, at once
    world.happens(posting.deposit(world.contract(chen), world.new_id(), 100_00))
    world.happens(posting.hours_released(world.contract(chen), 0))
    row = world.contract(chen)
    assert (row.released_fen, row.claim_fen) == (120_00, 80_00)
    # the family leaves: it gets what it paid and was not taught, from the newest payment
    world.happens(posting_payment.refund_approved(row, 80_00, world.payments(chen), 0, None))
    assert [payment.left_fen for payment in world.payments(chen)] == [20_00, 100_00]
    assert world.contract(chen).claim_fen == 0


def test_a_family_that_paid_one_instalment_and_was_taught_more_gets_nothing_and_owes_nothing_here(world: World) -> None:
    chen = world.open_contract(price_fen=300_00, hours=30_00, paid_fen=100_00)
    world.done(posting.hours_released(world.contract(chen), 15_00))
    row = world.contract(chen)
    assert (row.claim_fen, row.released_fen, row.due_fen) == (0, 100_00, 0)
    pays = posting_payment.instructed(AccountClass.REFUND_DUE, CUSTODY, world.new_id(), 1, contract_id=chen)
    assert world.refused(pays) == "REFUND_DUE_TOO_SMALL"


def test_an_hour_taken_back_while_unpaid_only_gives_the_hour_back(world: World) -> None:
    chen = world.open_contract(price_fen=300_00, hours=30_00, paid_fen=100_00)
    world.done(posting.hours_released(world.contract(chen), 15_00))
    row = world.contract(chen)
    through = posting.released_through(row.price_fen, row.paid_fen, row.hours_released - 2_00, row.hours_total)
    world.happens(posting.unreleased(row, row.released_fen - through, 2_00, world.balance("payable")))
    assert (world.contract(chen).released_fen, world.contract(chen).hours_released) == (100_00, 13_00)
