"""What no caller may send: the database raises and nothing is written."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import DBAPIError

from ledger.books import journal
from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.books.asking import ask, entry, suspense
from tests.conftest import Database
from tests.world import CUSTODY, HANDS, RESERVE, SECOND_CUSTODY, World, make_world

BANK, CLAIM, SUSPENSE, PAYABLE = AccountClass.BANK, AccountClass.CLAIM, AccountClass.SUSPENSE, AccountClass.PAYABLE


# -- what no caller may send


def test_an_unknown_contract_is_impossible(world: World) -> None:
    row = replace(world.contract(world.open_contract()), contract_id=world.new_id())
    assert world.impossible(posting.deposit(row, world.new_id(), 1)) == "LG004"
    assert world.impossible(posting.hours_released(row, 1)) == "LG004"
    assert world.impossible(posting.hold_placed(CUSTODY, world.new_id(), 1, row.contract_id)) == "LG004"


def test_a_contract_of_another_institution_is_unknown(world: World, module_database: Database) -> None:
    other = make_world(module_database.app, world.number + 500_000)
    row = other.contract(other.open_contract())
    assert world.impossible(posting.deposit(row, world.new_id(), 1)) == "LG004"


def test_a_contract_lives_in_one_fund(world: World) -> None:
    row = world.contract(world.open_contract(paid_fen=50_00))
    for fund_no in (HANDS, SECOND_CUSTODY):
        assert world.impossible(posting.hours_released(replace(row, fund_no=fund_no), 1_00)) in ("LG003", "LG005")
        hold = posting.hold_placed(fund_no, world.new_id(), 1, row.contract_id)
        assert world.impossible(hold) == "LG003"
    assert world.impossible(posting.deposit(replace(row, fund_no=RESERVE), world.new_id(), 1)) == "LG003"
    assert world.impossible(posting.deposit(replace(row, fund_no=99), world.new_id(), 1)) == "LG005"


def test_a_fund_without_the_account_is_impossible(world: World) -> None:
    assert world.impossible(suspense(world, 1, HANDS)) == "LG005"
    assert world.impossible(suspense(world, 1, 99)) == "LG005"
    assert world.impossible(posting_payment.reserve_topped_up(CUSTODY, 1)) == "LG005"
    assert world.impossible(posting_payment.instructed(PAYABLE, RESERVE, world.new_id(), 1)) == "LG005"
    for fund_no in (RESERVE, HANDS):
        assert world.impossible(posting.hold_placed(fund_no, world.new_id(), 1, None)) == "LG005"


def test_an_item_lies_in_one_fund(world: World) -> None:
    line = world.new_id()
    world.done(posting.deposit_to_suspense(CUSTODY, line, 5_00))
    assert world.impossible(posting.deposit_to_suspense(SECOND_CUSTODY, line, 5_00)) == "LG003"
    back = posting_payment.instructed(SUSPENSE, SECOND_CUSTODY, world.new_id(), 1, line_id=line)
    assert world.impossible(back) == "LG003"


def test_a_payment_belongs_to_one_contract(world: World) -> None:
    row, sibling = world.contract(world.open_contract()), world.contract(world.open_contract())
    line, once = world.new_id(), world.new_id()
    world.done(posting.deposit(row, line, 5_00))
    assert world.impossible(posting.deposit(sibling, line, 5_00)) == "LG003"
    one, other = posting.deposit(row, once, 5_00), posting.deposit(sibling, once, 5_00)
    assert world.impossible(replace(one, transfers=one.transfers + other.transfers)) == "LG003"
    with pytest.raises(DBAPIError, match="CROSS_FUND"):
        world.post(one, other)
    assert world.broken() == []


def test_a_hold_belongs_to_one_contract_and_is_placed_once(world: World) -> None:
    contract, sibling = world.open_contract(paid_fen=50_00), world.open_contract(paid_fen=50_00)
    hold = world.new_id()
    world.done(posting.hold_placed(CUSTODY, hold, 5_00, contract))
    assert world.impossible(posting.hold_ended(CUSTODY, hold, 5_00, sibling)) == "LG003"
    assert world.impossible(posting.hold_ended(CUSTODY, hold, 5_00, None)) == "LG003"
    assert world.impossible(posting.hold_placed(CUSTODY, hold, 5_00, contract)) == "LG004"
    assert world.refused(posting.hold_ended(CUSTODY, hold, 5_01, contract)) == "HOLD_SPENT"
    world.done(posting.hold_placed(CUSTODY, world.new_id(), 5_00, contract))
    assert world.refused(posting.hold_ended(CUSTODY, hold, 5_01, contract)) == "HOLD_SPENT"
    assert world.refused(posting.hold_ended(CUSTODY, world.new_id(), 1, contract)) == "HOLD_SPENT"


@pytest.mark.parametrize("amount", [0, -1, 10**13 + 1, 2**62])
def test_an_absurd_amount_is_impossible(world: World, amount: int) -> None:
    moved = Transfer(BANK, SUSPENSE, amount, credit_item=world.new_id())
    assert world.impossible(Event("deposit_to_suspense", CUSTODY, (moved,))) == "LG005"


def test_the_largest_amount_is_only_refused_by_a_limit(world: World) -> None:
    contract = world.open_contract(paid_fen=1)
    most = Transfer(CLAIM, PAYABLE, 10**13, contract)
    assert world.refused(Event("hours_released", CUSTODY, (most,))) == "CLAIM_TOO_SMALL"
    world.happens(suspense(world, 10**13))


def test_an_entry_moves_something(world: World) -> None:
    assert world.impossible(Event("deposit", CUSTODY)) == "LG005"
    assert world.impossible(Event("hours_released", CUSTODY, contract_id=world.open_contract())) == "LG005"


@pytest.mark.parametrize(
    ("item", "contract"), [(False, True), (True, False), (False, False)], ids=["no item", "no contract", "neither"]
)
def test_both_the_item_and_the_contract_are_named(world: World, item: bool, contract: bool) -> None:
    contract_id = world.open_contract()
    moved = Transfer(BANK, CLAIM, 1, contract_id if contract else None, credit_item=world.new_id() if item else None)
    assert world.impossible(Event("deposit", CUSTODY, (moved,))) == "LG004"


def test_nothing_is_named_where_nothing_is_kept(world: World) -> None:
    contract = world.open_contract(paid_fen=50_00)
    moved = Transfer(CLAIM, PAYABLE, 1, contract, credit_item=world.new_id())
    assert world.impossible(Event("hours_released", CUSTODY, (moved,))) == "LG004"
    moved = Transfer(BANK, SUSPENSE, 1, contract, credit_item=world.new_id())
    assert world.impossible(Event("deposit_to_suspense", CUSTODY, (moved,))) == "LG004"


def test_a_transfer_of_no_entry_is_impossible(world: World) -> None:
    event = suspense(world, 1)
    arguments = journal._arguments(world.number, [entry(world, "a", event)], world.clock, None)
    with world.engine.connect() as conn, pytest.raises(DBAPIError, match="SHAPE"):
        conn.exec_driver_sql(journal._POST, {**arguments, "t_item": "{2}"})
    assert world.balances() == {}


def test_an_entry_id_is_used_once(world: World) -> None:
    first = entry(world, "a", suspense(world, 1))
    ask(world, first)
    with pytest.raises(DBAPIError, match=r"(journal_entry|transfer)_pkey"):
        ask(world, replace(first, key="b"))
    assert world.balance("suspense") == 1
