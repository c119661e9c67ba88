"""Money in two steps: held, captured in parts, let go; put back at most once; corrections that stand or fall whole.

What is asked elsewhere: one hold and its end, in parts too (test_events_teaching), a refund that captures its hold
whole (test_events_refund), who may name a hold (test_posting_impossible), mirrors (test_posting_reversal), the same
under many clients (test_hammer) and in any order (tests/model).
"""

from dataclasses import replace
from itertools import permutations
from uuid import UUID

import pytest

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Event
from tests.books.asking import answers
from tests.world import CUSTODY, HANDS, World

PAYABLE = AccountClass.PAYABLE


def captured(world: World, contract: UUID, hold: UUID, fen: int, principal: int | None = None) -> Event:
    return posting_payment.refund_approved(
        world.contract(contract), principal or fen, world.payments(contract), 0, (hold, fen)
    )


@pytest.mark.parametrize("fund_no", [CUSTODY, HANDS])
@pytest.mark.parametrize("order", sorted(set(permutations(["capture", "capture", "release"]))))
def test_a_hold_is_used_up_in_parts_in_any_order(world: World, fund_no: int, order: tuple[str, ...]) -> None:
    contract, hold = world.open_contract(paid_fen=100_00, fund_no=fund_no), world.new_id()
    world.done(posting.hold_placed(fund_no, hold, 60_00, contract))
    left, taken = 60_00, 0
    for step in order:
        if step == "capture":
            assert world.refused(captured(world, contract, hold, left + 1)) == "HOLD_SPENT"
            world.happens(captured(world, contract, hold, 20_00))
            taken += 20_00
        else:
            assert world.refused(posting.hold_ended(fund_no, hold, left + 1, contract)) == "HOLD_SPENT"
            world.happens(posting.hold_ended(fund_no, hold, 20_00, contract))
        left -= 20_00
        row = world.contract(contract)
        assert (row.held_fen, row.refunded_fen, row.free_fen) == (left, taken, 100_00 - taken - left)
    assert world.refused(captured(world, contract, hold, 1)) == "HOLD_SPENT"
    assert world.refused(posting.hold_ended(fund_no, hold, 1, contract)) == "HOLD_SPENT"


def test_parts_in_one_set_are_counted_one_after_the_other(world: World) -> None:
    contract, hold = world.open_contract(paid_fen=100_00), world.new_id()
    placed = posting.hold_placed(CUSTODY, hold, 50_00, contract)
    world.done(placed)
    first, second = captured(world, contract, hold, 30_00), captured(world, contract, hold, 20_00)
    ended = posting.hold_ended(CUSTODY, hold, 1, contract)
    outcomes = world.post(first, replace(first, hold=first.hold), second, ended)
    assert answers(outcomes) == [("done", ""), ("refused", "HOLD_SPENT"), ("done", ""), ("refused", "HOLD_SPENT")]
    assert (world.contract(contract).held_fen, world.contract(contract).refunded_fen) == (0, 50_00)
    assert world.broken() == []


def test_a_capture_that_is_refused_leaves_the_hold_as_it_was(world: World) -> None:
    """The hold has enough, the refund behind it has not: nothing of either happens."""
    contract, hold = world.open_contract(paid_fen=100_00), world.new_id()
    world.done(posting.hold_placed(CUSTODY, hold, 30_00, contract))
    world.done(posting.hold_placed(CUSTODY, world.new_id(), 60_00, contract))
    lacking = captured(world, contract, hold, 30_00, principal=50_00)  # 10 are free: 10 would have to come back
    assert world.refused(lacking) == "RELEASED_BELOW_ZERO"
    row = world.contract(contract)
    assert (row.held_fen, row.refunded_fen) == (90_00, 0)
    world.happens(captured(world, contract, hold, 30_00, principal=40_00))
    assert (world.contract(contract).held_fen, world.contract(contract).free_fen) == (60_00, 0)


def test_a_refund_whose_hold_was_captured_is_not_put_back_by_a_reversal(world: World) -> None:
    """A hold ends by a decision; what was decided wrongly is corrected by an event of its own."""
    contract, hold = world.open_contract(paid_fen=100_00), world.new_id()
    world.done(posting.hold_placed(CUSTODY, hold, 30_00, contract))
    event = captured(world, contract, hold, 30_00)
    (entry_id,) = world.done(event)
    with pytest.raises(ValueError, match="ended by a decision"):
        posting_payment.reversal(event, entry_id)
    forged = posting_payment.reversal(replace(event, hold=None), entry_id)
    assert world.impossible(forged) == "LG005"


@pytest.mark.parametrize("fault", ["price", "payable", "payment", "claim"])
def test_a_correction_over_two_families_stands_or_falls(world: World, fault: str) -> None:
    """A deposit is moved to its right contract in four transfers; whichever of them cannot be, none of them is."""
    wrong, right = world.open_contract(paid_fen=60_00), world.open_contract(price_fen=60_00)
    world.done(posting.hours_released(world.contract(wrong), 2_00))
    world.seal()
    (paid,) = world.payments(wrong)
    rows = world.contract(wrong), world.contract(right)
    event = posting.deposit_moved(*rows, paid, 60_00, 10_00, world.new_id())
    assert len(event.transfers) == 4
    if fault == "price":
        world.done(posting.deposit(rows[1], world.new_id(), 1))
    elif fault == "payable":
        world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 10_01))
    elif fault == "payment":
        first, *others = event.transfers
        event = replace(event, transfers=(replace(first, debit_item=world.new_id()), *others))
    else:
        world.done(posting.hold_placed(CUSTODY, world.new_id(), 1, wrong))
    before = world.contract(wrong), world.contract(right), world.payments(wrong), world.payments(right)
    code = {
        "price": "PRICE_EXCEEDED", "payable": "PAYABLE_TOO_SMALL",
        "payment": "PAYMENT_SPENT", "claim": "CLAIM_TOO_SMALL",
    }[fault]  # fmt: skip
    assert world.refused(event) == code
    assert before == (world.contract(wrong), world.contract(right), world.payments(wrong), world.payments(right))
    assert world.broken() == []
