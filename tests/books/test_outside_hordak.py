"""Worked examples of django-hordak, checked there against another program, with their figures in these books.

Source: adamcharnock/django-hordak, hordak/tests/test_worked_examples.py (facts only). Its amounts are whole units;
here they are yuan. Where it debits an asset for what is paid in advance, the family's side of that is a claim here.

Covered: PrepaidRent (three months in advance), InitialEquity (as a reserve that is pledged), UtilityBill (three
accruals, one bill that clears them), CommunalHousehold (two bank lines, each split over four purposes, what comes
later).

Different, and why: CapitalGains is left out, nothing here is ever revalued. Its bank may go below zero and so may
ours: the bank says what it booked; but no account of a family or of the institution's earnings may.
"""

from uuid import UUID

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass
from tests.world import CUSTODY, RESERVE, World

PAYABLE = AccountClass.PAYABLE
YUAN = 100


def test_prepaid_rent(world: World) -> None:
    """3,000 in advance for three months, 1,000 of it earned at the end of each."""
    contract = world.open_contract(price_fen=3_000 * YUAN, hours=3_00)
    assert world.balances() == {}
    world.happens(posting.deposit(world.contract(contract), world.new_id(), 3_000 * YUAN))
    assert (world.balance("bank"), world.balance("payable"), world.balance("claim")) == (3_000 * YUAN, 0, 3_000 * YUAN)
    for earned in (1_000, 2_000, 3_000):
        world.happens(posting.hours_released(world.contract(contract), 1_00))
        assert world.balance("payable") == earned * YUAN
        assert world.balance("claim") == (3_000 - earned) * YUAN
    assert world.refused(posting.hours_released(world.contract(contract), 1_00)) == "HOURS_EXCEEDED"
    world.seal()
    instruction = world.new_id()
    world.happens(posting_payment.instructed(PAYABLE, CUSTODY, instruction, 3_000 * YUAN))
    world.happens(posting_payment.booked("payout_booked", CUSTODY, instruction, 3_000 * YUAN))
    assert world.balances() == {}


def test_initial_equity(world: World) -> None:
    world.happens(posting_payment.reserve_topped_up(RESERVE, 100_000 * YUAN))
    assert (world.balance("bank", RESERVE), world.balance("reserve", RESERVE)) == (100_000 * YUAN, 100_000 * YUAN)


def test_utility_bill(world: World) -> None:
    """100 accrue each month for three months; one payment of 300 clears what has accrued."""
    contract = world.open_contract(price_fen=1_200 * YUAN, hours=12_00, paid_fen=1_200 * YUAN)
    for accrued in (100, 200, 300):
        world.happens(posting.hours_released(world.contract(contract), 1_00))
        assert (world.balance("bank"), world.balance("payable")) == (1_200 * YUAN, accrued * YUAN)
    instruction = world.new_id()
    world.seal()
    world.happens(posting_payment.instructed(PAYABLE, CUSTODY, instruction, 300 * YUAN))
    world.happens(posting_payment.booked("payout_booked", CUSTODY, instruction, 300 * YUAN))
    assert (world.balance("bank"), world.balance("payable"), world.balance("claim")) == (900 * YUAN, 0, 900 * YUAN)


def test_communal_household(world: World) -> None:
    """Two lines of 620 are split 500, 20, 30 and 70 over the same four purposes, and nothing is left of them."""
    purposes = [world.open_contract(price_fen=price * YUAN, hours=10_00) for price in (1_000, 120, 180, 140)]
    lines = [world.new_id() for _ in range(2)]
    for line in lines:
        world.happens(posting.deposit_to_suspense(CUSTODY, line, 620 * YUAN))
    assert world.balance("suspense") == 1_240 * YUAN
    for line in lines:
        for contract, part in zip(purposes, (500, 20, 30, 70), strict=True):
            assigned(world, contract, line, part)
        assert world.refused(posting.suspense_assigned(world.contract(purposes[1]), line, world.new_id(), 1)) == (
            "LINE_SPENT"
        )
    assert world.balance("suspense") == 0
    assert [world.contract(one).paid_fen for one in purposes] == [1_000 * YUAN, 40 * YUAN, 60 * YUAN, 140 * YUAN]
    # rent and food are used up in the month; what is for the quarter stays until its bills come
    for contract in (purposes[0], purposes[3]):
        world.happens(posting.hours_released(world.contract(contract), 10_00))
    assert world.balance("payable") == 1_140 * YUAN
    assert world.balance("claim") == 100 * YUAN  # 40 and 60: what the example has left in the bank as well
    world.seal()
    instruction = world.new_id()
    world.happens(posting_payment.instructed(PAYABLE, CUSTODY, instruction, 1_140 * YUAN))
    world.happens(posting_payment.booked("payout_booked", CUSTODY, instruction, 1_140 * YUAN))
    assert world.balance("bank") == 100 * YUAN


def assigned(world: World, contract: UUID, line: UUID, yuan: int) -> None:
    world.happens(posting.suspense_assigned(world.contract(contract), line, world.new_id(), yuan * YUAN))
