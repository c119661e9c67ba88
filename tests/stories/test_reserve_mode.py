"""Reserve mode from the prepayment to the draw: the institution holds the money, a reserve stands behind it."""

from ledger.rules import posting, posting_payment
from tests.world import CUSTODY, HANDS, RESERVE, World


def test_reserve_mode_from_prepayment_to_draw(world: World) -> None:
    world.happens(posting_payment.reserve_topped_up(RESERVE, 80_00))
    chen = world.open_contract(fund_no=HANDS)
    world.happens(posting.prepaid_to_institution(world.contract(chen), world.new_id(), 100_00))
    for _ in range(3):
        world.happens(posting.hours_released(world.contract(chen), 1_00))
    assert world.contract(chen).due_fen == world.contract(chen).claim_fen == 70_00
    # the institution disappears; the refund is approved, and nobody pays
    hold = world.new_id()
    world.happens(posting.hold_placed(HANDS, hold, 70_00, chen))
    row = world.contract(chen)
    world.happens(posting_payment.refund_approved(row, 70_00, world.payments(chen), 0, (hold, 70_00)))
    # the competent department orders a draw; the bank rejects the first file
    order, first, second = world.new_id(), world.new_id(), world.new_id()
    world.seal()
    world.happens(posting_payment.reserve_instructed(RESERVE, "draw", order, first, 70_00))
    world.happens(posting_payment.reserve_rejected(RESERVE, first, 70_00))
    assert world.contract(chen).refund_due_fen == 70_00
    world.seal()
    world.happens(posting_payment.reserve_instructed(RESERVE, "draw", order, second, 70_00))
    world.happens(posting_payment.booked("reserve_draw_booked", RESERVE, second, 70_00))
    world.happens(posting_payment.refund_proved(world.contract(chen), 70_00))
    assert world.balances() == {(RESERVE, "bank", None): 10_00, (RESERVE, "reserve", None): 10_00}
    assert world.refused(
        posting_payment.reserve_instructed(RESERVE, "draw", order, world.new_id(), 10_01)
    ) == "RESERVE_TOO_SMALL"  # fmt: skip


def test_a_reserve_never_mixes_with_custody(world: World) -> None:
    world.done(posting_payment.reserve_topped_up(RESERVE, 80_00))
    world.open_contract(paid_fen=100_00)
    world.seal()
    assert (world.balance("bank", RESERVE), world.balance("bank", CUSTODY)) == (80_00, 100_00)
    assert (
        world.impossible(posting_payment.reserve_instructed(CUSTODY, "draw", world.new_id(), world.new_id(), 1))
        == "LG005"
    )
