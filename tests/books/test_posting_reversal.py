"""Reversals: mirrors, at most once, and only while the money is there."""

from dataclasses import replace

import pytest

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Event, HoldAction, HoldMove, Transfer
from tests.books.asking import answers
from tests.world import CUSTODY, SECOND_CUSTODY, World

BANK, CLAIM, SUSPENSE, PAYABLE = AccountClass.BANK, AccountClass.CLAIM, AccountClass.SUSPENSE, AccountClass.PAYABLE


# -- reversal


def test_a_reversal_mirrors_its_entry_once(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    before = world.contract(contract), world.balances()
    taught = posting.hours_released(world.contract(contract), 3_00)
    (taught_id,) = world.done(taught)
    back = posting_payment.reversal(taught, taught_id)
    world.happens(back)
    assert (world.contract(contract), world.balances()) == before
    assert world.refused(back) == "ALREADY_REVERSED"


def test_only_the_first_of_two_reversals_in_a_set_passes_and_the_second_leaves_nothing(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    taught = posting.hours_released(world.contract(contract), 10_00)
    (taught_id,) = world.done(taught)
    world.seal()
    back = posting_payment.reversal(taught, taught_id)
    draws = Event("hours_released", CUSTODY, (Transfer(CLAIM, PAYABLE, 60_00, contract),))
    outcomes = world.post(back, back, draws, draws)
    assert answers(outcomes) == [
        ("done", ""), ("refused", "ALREADY_REVERSED"), ("done", ""), ("refused", "CLAIM_TOO_SMALL")
    ]  # fmt: skip
    assert world.broken() == []


def test_a_reversal_that_could_not_stand_leaves_the_way_open_for_the_next(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    taught = posting.hours_released(world.contract(contract), 10_00)
    (taught_id,) = world.done(taught)
    world.seal()
    instruction = world.new_id()
    world.done(posting_payment.instructed(PAYABLE, CUSTODY, instruction, 100_00))
    back = posting_payment.reversal(taught, taught_id)
    assert world.refused(back) == "PAYABLE_TOO_SMALL"
    world.done(posting_payment.rejected(PAYABLE, CUSTODY, instruction, 100_00))
    world.happens(back)
    assert world.contract(contract).claim_fen == 100_00


def test_a_deposit_is_reversed_only_while_its_money_is_there(world: World) -> None:
    contract = world.open_contract()
    paid = posting.deposit(world.contract(contract), world.new_id(), 100_00)
    (paid_id,) = world.done(paid)
    taught = posting.hours_released(world.contract(contract), 1_00)
    (taught_id,) = world.done(taught)
    back = posting_payment.reversal(paid, paid_id)
    assert world.refused(back) == "CLAIM_TOO_SMALL"
    world.done(posting_payment.reversal(taught, taught_id))
    world.happens(back)
    assert world.balances() == {}


@pytest.mark.parametrize("change", ["amount", "more", "less", "hours", "contract", "fund", "hours contract", "unknown"])
def test_a_reversal_that_is_no_mirror_is_impossible(world: World, change: str) -> None:
    contract, sibling = world.open_contract(paid_fen=100_00), world.open_contract(paid_fen=100_00)
    for one in (contract, sibling):
        taught = posting.hours_released(world.contract(one), 3_00)
        (taught_id,) = world.done(taught)
        if one == contract:
            event, entry_id = taught, taught_id
    world.seal()
    back = posting_payment.reversal(event, entry_id)
    (moved,) = back.transfers
    wrong = {
        "amount": replace(back, transfers=(replace(moved, amount_fen=1),)),
        "more": replace(back, transfers=(moved, moved)),
        "less": replace(back, transfers=()),
        "hours": replace(back, hours=-1_00),
        "contract": replace(back, transfers=(replace(moved, contract_id=sibling),)),
        "fund": replace(back, fund_no=SECOND_CUSTODY),
        "hours contract": replace(back, contract_id=sibling),
        "unknown": replace(back, reverses=world.new_id()),
    }[change]
    assert world.impossible(wrong) in ("LG002", "LG005")
    world.happens(back)


def test_a_reversal_is_not_reversed_and_a_hold_is_not_reversed(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    taught = posting.hours_released(world.contract(contract), 3_00)
    (taught_id,) = world.done(taught)
    back = posting_payment.reversal(taught, taught_id)
    world.seal()
    (back_id,) = world.done(back)
    assert world.impossible(posting_payment.reversal(back, back_id)) == "LG002"
    hold = world.new_id()
    (placed_id,) = world.done(posting.hold_placed(CUSTODY, hold, 1_00, contract))
    ended = Event(
        "reversal", CUSTODY, contract_id=contract, hold=HoldMove(hold, HoldAction.RELEASE, 1_00), reverses=placed_id
    )
    assert world.impossible(ended) == "LG005"
    assert world.contract(contract).held_fen == 1_00


def test_a_reversal_of_hours_without_money_gives_the_hours_back(world: World) -> None:
    contract = world.open_contract()
    unpaid = posting.hours_released(world.contract(contract), 3_00)
    assert unpaid.transfers == ()
    (unpaid_id,) = world.done(unpaid)
    assert world.contract(contract).hours_released == 3_00
    world.happens(posting_payment.reversal(unpaid, unpaid_id))
    assert world.contract(contract).hours_released == 0
