"""A family leaves because the institution closes the course: what it gets back is its claim, to the fen."""

from fractions import Fraction

import pytest

from ledger.money import round_half_up
from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass
from tests.world import CUSTODY, World


@pytest.mark.parametrize(
    ("price", "bought", "gifted", "lessons"),
    [
        (100_00, 10_00, 2_00, [1_00, 1_00, 1_00]),
        (99_99, 7_00, 3_00, [1_50, 2_50, 75]),
        (1, 30_00, 0, [1_00]),
        (2880_00, 48_00, 6_00, [2_00] * 13),
    ],
)
def test_gift_hours_on_the_institutions_cause_end_with_claim_equal_to_refund(
    world: World, price: int, bought: int, gifted: int, lessons: list[int]
) -> None:
    contract = world.open_contract(price_fen=price, hours=bought, gifted=gifted, paid_fen=price)
    for hours in lessons:
        world.happens(posting.hours_released(world.contract(contract), hours))
    # the rule: what was paid, less the hours taught at the price spread over bought and gifted hours alike
    taught = sum(lessons)
    refund = price - round_half_up(Fraction(price * taught, bought + gifted))
    row = world.contract(contract)
    remainder = row.claim_fen - refund
    assert remainder in (0, 1)  # the claim is never smaller, at most one fen larger
    world.happens(posting_payment.refund_approved(row, refund, world.payments(contract), 0, None))
    assert world.contract(contract).claim_fen == remainder
    if remainder:
        world.happens(posting_payment.remainder_left(world.contract(contract), remainder))
    after = world.contract(contract)
    assert (after.claim_fen, after.refund_due_fen) == (0, refund)
    assert world.balance("payable") == price - refund


def test_a_course_that_was_taught_to_the_end_leaves_nothing_to_refund(world: World) -> None:
    contract = world.open_contract(price_fen=1000_01, hours=3_00, gifted=33, paid_fen=1000_01)
    for _ in range(9):
        world.done(posting.hours_released(world.contract(contract), 37))
    row = world.contract(contract)
    assert (row.hours_released, row.claim_fen, row.released_fen) == (3_33, 0, 1000_01)
    assert world.balance("payable") == 1000_01
    assert world.balances() == {(CUSTODY, AccountClass.BANK, None): 1000_01, (CUSTODY, "payable", None): 1000_01}
