"""A contract moves to another institution: two entries, never one across institutions, hours carried over."""

import pytest

from ledger.rules import posting, posting_payment
from tests.conftest import Database
from tests.world import CUSTODY, World, make_world


@pytest.fixture
def successor(world: World, module_database: Database) -> World:
    return make_world(module_database.app, world.number + 500_000)


def test_a_contract_that_moves_to_another_institution(world: World, successor: World) -> None:
    old = world.open_contract(price_fen=100_00, hours=10_00, paid_fen=100_00)
    world.done(posting.hours_released(world.contract(old), 4_00))
    left_hours = world.contract(old).hours_total - world.contract(old).hours_released
    instruction, claim = world.new_id(), world.contract(old).claim_fen
    world.happens(posting_payment.contract_moved_out(world.contract(old), instruction, claim, world.payments(old)))
    row = world.contract(old)
    assert (row.claim_fen, row.refunded_fen) == (0, 60_00)
    world.happens(posting_payment.booked("contract_moved_out_booked", CUSTODY, instruction, claim))
    # on the way the money is in neither institution's books, and nobody's claim is counted twice
    new = successor.open_contract(price_fen=claim, hours=left_hours)
    assert (world.balance("claim"), successor.balance("claim")) == (0, 0)
    successor.happens(posting_payment.contract_moved_in(successor.contract(new), [(successor.new_id(), claim, 0)]))
    for _ in range(6):
        successor.happens(posting.hours_released(successor.contract(new), 1_00))
    assert successor.contract(new).claim_fen == 0
    assert (successor.balance("payable"), world.balance("payable")) == (60_00, 40_00)
    assert world.broken(besides=()) == []


def test_a_move_that_fails_leaves_the_family_where_it_was(world: World) -> None:
    old = world.open_contract(paid_fen=100_00)
    before = world.contract(old)
    instruction = world.new_id()
    event = posting_payment.contract_moved_out(before, instruction, 100_00, world.payments(old))
    entry_id = world.happens(event)
    world.happens(posting_payment.reversal(event, entry_id))
    assert world.contract(old) == before
    assert (
        world.refused(posting_payment.booked("contract_moved_out_booked", CUSTODY, instruction, 1))
        == "INSTRUCTION_SPENT"
    )
