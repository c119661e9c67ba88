"""The journal and the trial balance by name: every posting once and in order; and what verify counts."""

from datetime import date

import pytest
from sqlalchemy import text

from ledger.books.transaction import snapshot
from ledger.flows.verify import verify
from ledger.reports import journal
from ledger.reports.trial_balance import trial_balance
from ledger.rules import posting
from ledger.terms.journal import AccountBalance, Violation
from tests.conftest import Database
from tests.world import DAY, World, make_world


@pytest.fixture
def world(fresh_database: Database) -> World:
    return make_world(fresh_database.app)


def test_entries_come_whole_and_in_the_order_of_their_days(world: World) -> None:
    contract_id = world.open_contract(100_00)
    deposit = posting.deposit(
        world.contract(contract_id), world.new_id(), 130_00
    )  # 30.00 over the price: two transfers
    world.done(deposit)
    world.done(posting.hold_placed(1, world.new_id(), 10_00, contract_id))
    with snapshot(world.engine) as conn:
        first, second = journal.entries(conn)
        accounts = list(journal.accounts(conn))
    assert [(one.credit.split(":")[1], one.amount_fen) for one in first.transfers] == [
        ("claim", 100_00),
        ("suspense", 30_00),
    ]
    assert {one.debit.split(":")[1] for one in first.transfers} == {"bank"}
    assert (first.kind, first.effective_on, second.kind, second.transfers) == ("deposit", DAY, "hold_placed", ())
    assert [(account.split(":")[1], on) for account, on in accounts] == [
        ("bank", DAY),
        ("claim", DAY),
        ("suspense", DAY),
    ]


def test_a_transfer_between_two_accounts_of_one_contract_names_both(world: World) -> None:
    contract_id = world.open_contract(100_00, paid_fen=100_00)
    world.done(posting.released_ahead(world.contract(contract_id), 20_00))
    names = {one.account: one.balance_fen for one in _balance(world)}
    assert {name.split(":", 1)[1].split(":")[0]: fen for name, fen in names.items()} == {
        "bank": 100_00, "claim": -100_00, "due": 20_00, "payable": -20_00,
    }  # fmt: skip
    assert sum(names.values()) == 0
    assert list(names) == sorted(names)


def test_two_accounts_of_one_institution_do_not_mix(world: World) -> None:
    world.open_contract(100_00, paid_fen=10_00)
    world.open_contract(100_00, fund_no=4, paid_fen=20_00)
    banks = [one.debit_fen for one in _balance(world) if ":bank:" in one.account]
    assert sorted(banks) == [10_00, 20_00]


def test_verify_counts_what_is_there_and_finds_what_was_changed(fresh_database: Database) -> None:
    world = make_world(fresh_database.app)
    world.open_contract(100_00, paid_fen=50_00)
    world.seal()
    world.open_contract(100_00, paid_fen=50_00)
    with snapshot(fresh_database.app) as conn:
        found = verify(conn)
    assert (found.institutions, found.entries, found.transfers, found.blocks, found.unsealed) == (1, 2, 2, 1, 1)
    assert found.first_fault is None
    with fresh_database.owner.begin() as conn:
        conn.execute(
            text("UPDATE ledger.balance SET credit_fen = credit_fen + 1 WHERE class = 'payable' AND fund_no = 1")
        )
    with snapshot(fresh_database.app) as conn:
        fault = verify(conn).first_fault
    assert isinstance(fault, Violation)
    assert fault.expected_fen != fault.found_fen


def _balance(world: World, as_of: date | None = None) -> list[AccountBalance]:
    with snapshot(world.engine) as conn:
        return trial_balance(conn, as_of)
