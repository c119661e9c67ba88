"""ledger.post: keys, conflicts, refusals, sets, later, the accounting day, and the locks before it."""

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger.books import register
from ledger.rules import posting, posting_payment
from ledger.terms.ids import new_id
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.books.asking import answers, ask, entry, rows_under, suspense
from tests.conftest import Database
from tests.world import CUSTODY, DAY, RESERVE, SECOND_CUSTODY, World, make_world

BANK, CLAIM, SUSPENSE, PAYABLE = AccountClass.BANK, AccountClass.CLAIM, AccountClass.SUSPENSE, AccountClass.PAYABLE


# -- asked twice, done once


def test_nothing_asked_is_nothing_done(world: World) -> None:
    assert ask(world) == []


def test_the_same_key_again_answers_with_the_first_entry(world: World) -> None:
    first = entry(world, "a", suspense(world, 5_00))
    again = replace(first, entry_id=world.new_id())
    (done,) = ask(world, first)
    (replayed,) = ask(world, again)
    assert (done.result, done.entry_id) == ("done", first.entry_id)
    assert (replayed.result, replayed.code, replayed.entry_id) == ("replayed", "", first.entry_id)
    assert world.balance("suspense") == 5_00


def test_a_retry_that_carries_the_same_entry_id_is_a_replay_too(world: World) -> None:
    first = entry(world, "a", suspense(world, 5_00))
    ask(world, first)
    assert answers(ask(world, first)) == [("replayed", "")]
    assert world.balance("suspense") == 5_00


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ((("contract", "C1"), ("amount", "5"), ("memo", "")), ""),
        ((("contract", "C2"), ("amount", "5"), ("memo", "")), "contract"),
        ((("contract", "C1"), ("amount", "6"), ("memo", "")), "amount"),
        ((("contract", "C1"), ("amount", "5"), ("memo", "x")), "memo"),
        ((("contract", "C2"), ("amount", "6"), ("memo", "x")), "contract"),  # the first that differs
        ((("contract", "C1"), ("amount", "5")), "fields"),
        ((("contract", "C1"), ("amount", "5"), ("memo", ""), ("note", "")), "note"),
        ((("contract", "C1"), ("sum", "5"), ("memo", "")), "sum"),
        ((), "fields"),
    ],
)
def test_other_words_under_a_key_are_a_conflict_that_names_the_field(
    world: World, asked: tuple[tuple[str, str], ...], field: str
) -> None:
    first = entry(world, "a", suspense(world, 5_00), (("contract", "C1"), ("amount", "5"), ("memo", "")))
    ask(world, first)
    (outcome,) = ask(world, entry(world, "a", suspense(world, 6_00), asked))
    assert (outcome.field, outcome.entry_id) == (field, first.entry_id)
    assert (outcome.result, outcome.code) == (("conflict", "REQUEST_CONFLICT") if field else ("replayed", ""))
    assert world.balance("suspense") == 5_00


def test_a_key_belongs_to_its_institution(world: World, module_database: Database) -> None:
    other = make_world(module_database.app, world.number + 500_000)
    assert answers(ask(world, entry(world, "a", suspense(world, 5_00)))) == [("done", "")]
    assert answers(ask(other, entry(other, "a", suspense(other, 7_00)))) == [("done", "")]
    assert (world.balance("suspense"), other.balance("suspense")) == (5_00, 7_00)


def test_a_refusal_is_recorded_and_replayed_even_when_it_would_pass_by_now(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    too_much = replace(world.contract(contract), paid_fen=0)  # as if the price were still unpaid
    refused = entry(world, "a", posting.deposit(too_much, world.new_id(), 1))
    assert answers(ask(world, refused)) == [("refused", "PRICE_EXCEEDED")]
    assert rows_under(world, "a") == (1, 1)
    (payment,) = world.payments(contract)
    world.done(posting.deposit_taken_back(world.contract(contract), payment, world.new_id(), 100_00))
    assert answers(ask(world, refused)) == [("replayed", "PRICE_EXCEEDED")]
    assert answers(ask(world, replace(refused, key="b", entry_id=world.new_id()))) == [("done", "")]
    assert ask(world, refused)[0].accepted is False


# -- one set


def test_a_key_that_comes_twice_in_a_set_is_done_once(world: World) -> None:
    first, second = (entry(world, "a", suspense(world, 5_00)) for _ in range(2))
    outcomes = ask(world, first, second)
    assert answers(outcomes) == [("done", ""), ("replayed", "")]
    assert [outcome.entry_id for outcome in outcomes] == [first.entry_id] * 2
    assert world.balance("suspense") == 5_00


def test_the_very_same_entry_twice_in_a_set_is_done_once(world: World) -> None:
    same = entry(world, "a", suspense(world, 5_00))
    assert answers(ask(world, same, same, same)) == [("done", ""), ("replayed", ""), ("replayed", "")]
    assert world.balance("suspense") == 5_00


def test_a_key_that_comes_twice_with_other_words_is_a_conflict_in_the_set(world: World) -> None:
    first = entry(world, "a", suspense(world, 5_00))
    other = entry(world, "a", suspense(world, 6_00), (("amount", "2"),))
    assert answers(ask(world, first, other)) == [("done", ""), ("conflict", "REQUEST_CONFLICT")]


def test_a_key_that_comes_twice_shares_the_refusal(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    event = posting.deposit(replace(world.contract(contract), paid_fen=0), world.new_id(), 1)
    outcomes = ask(world, entry(world, "a", event), entry(world, "a", event))
    assert answers(outcomes) == [("refused", "PRICE_EXCEEDED"), ("replayed", "PRICE_EXCEEDED")]
    assert [outcome.accepted for outcome in outcomes] == [False, False]


def test_a_key_that_comes_twice_waits_twice(world: World) -> None:
    event = posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 1)
    assert (
        answers(ask(world, entry(world, "a", event), entry(world, "a", event))) == [("later", "PAYABLE_TOO_SMALL")] * 2
    )
    assert rows_under(world, "a") == (0, 0)


def test_a_large_set_of_old_and_new_keys_keeps_its_order(world: World) -> None:
    old = [entry(world, f"x{n}", suspense(world, 1)) for n in range(0, 2000, 2)]
    ask(world, *old)
    mixed = [entry(world, f"x{n}", suspense(world, 1)) for n in range(2000)]
    outcomes = ask(world, *mixed)
    assert [outcome.result for outcome in outcomes] == ["replayed", "done"] * 1000
    assert [outcome.entry_id for outcome in outcomes[::2]] == [one.entry_id for one in old]
    assert [outcome.entry_id for outcome in outcomes[1::2]] == [one.entry_id for one in mixed[1::2]]
    assert world.balance("suspense") == 2000


def test_a_set_that_overdraws_refuses_exactly_the_items_that_break_a_limit(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    empty = replace(world.contract(contract), due_fen=0)

    def draws(fen: int) -> Event:
        return Event("hours_released", CUSTODY, (Transfer(CLAIM, PAYABLE, fen, empty.contract_id),))

    wanted = [30_00, 80_00, 40_00, 31_00, 30_00, 1]
    outcomes = ask(world, *(entry(world, f"x{n}", draws(fen)) for n, fen in enumerate(wanted)))
    done, refused = ("done", ""), ("refused", "CLAIM_TOO_SMALL")
    assert answers(outcomes) == [done, refused, done, refused, done, refused]
    assert world.contract(contract).claim_fen == 0
    assert world.balance("payable") == 100_00
    assert world.broken() == []


def test_a_refused_item_leaves_nothing_for_the_items_after_it(world: World) -> None:
    contract = world.open_contract(price_fen=100_00)
    row = world.contract(contract)
    too_much = Event("deposit", CUSTODY, (Transfer(BANK, CLAIM, 100_01, row.contract_id, credit_item=world.new_id()),))
    hours = Event("hours_released", CUSTODY, (Transfer(CLAIM, PAYABLE, 1, row.contract_id),), row.contract_id, 1)
    hold = posting.hold_placed(CUSTODY, world.new_id(), 1, contract)
    outcomes = ask(world, entry(world, "a", too_much), entry(world, "b", hours), entry(world, "c", hold))
    assert answers(outcomes) == [
        ("refused", "PRICE_EXCEEDED"), ("refused", "CLAIM_TOO_SMALL"), ("refused", "CLAIM_TOO_SMALL")
    ]  # fmt: skip
    assert world.balances() == {}
    assert world.contract(contract) == row
    assert world.broken() == []


def test_an_item_may_use_what_an_earlier_item_of_its_set_brought(world: World) -> None:
    contract = world.open_contract()
    row = world.contract(contract)
    line, hold = world.new_id(), world.new_id()
    paid = posting.deposit(row, line, 100_00)
    then = replace(row, paid_fen=100_00)
    taught = posting.hours_released(then, 1_00)
    held = posting.hold_placed(CUSTODY, hold, 90_00, contract)
    ended = posting.hold_ended(CUSTODY, hold, 90_00, contract)
    world.done(paid, taught, held, ended)
    assert world.contract(contract) == replace(then, released_fen=10_00, hours_released=1_00)
    assert world.broken() == []


def test_an_item_may_not_use_what_a_later_item_brings(world: World) -> None:
    contract = world.open_contract()
    row = world.contract(contract)
    taught = posting.hours_released(replace(row, paid_fen=100_00), 1_00)
    outcomes = ask(world, entry(world, "a", taught), entry(world, "b", posting.deposit(row, world.new_id(), 100_00)))
    assert answers(outcomes) == [("refused", "CLAIM_TOO_SMALL"), ("done", "")]


def test_joined_transfers_stand_or_fall_together(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    transfers = (Transfer(CLAIM, PAYABLE, 60_00, contract), Transfer(CLAIM, AccountClass.DUE, 1, contract))
    assert world.refused(Event("hours_released", CUSTODY, transfers)) == "DUE_TOO_SMALL"
    transfers = (Transfer(CLAIM, PAYABLE, 60_00, contract), Transfer(CLAIM, PAYABLE, 60_00, contract))
    assert world.refused(Event("hours_released", CUSTODY, transfers)) == "CLAIM_TOO_SMALL"
    assert world.broken() == []


# -- later


def test_later_leaves_nothing_then_the_seal_makes_it_final(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 5_00))
    pay = entry(world, "pay", posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 50_00))
    more = entry(world, "more", posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 1))
    assert answers(ask(world, pay, more)) == [("later", "PAYABLE_TOO_SMALL")] * 2
    assert rows_under(world, "pay") == (0, 0)
    block = world.seal()
    assert answers(ask(world, pay, more, block=block)) == [("done", ""), ("refused", "PAYABLE_TOO_SMALL")]
    assert rows_under(world, "pay") == (1, 0)
    assert rows_under(world, "more") == (1, 1)
    assert answers(ask(world, more)) == [("replayed", "PAYABLE_TOO_SMALL")]
    assert world.broken() == []


def test_a_refusal_is_not_final_against_a_fold_that_has_not_been_made(world: World) -> None:
    block = world.seal() or 0
    pay = entry(world, "pay", posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 1))
    assert answers(ask(world, pay, block=block + 1)) == [("later", "PAYABLE_TOO_SMALL")]
    assert answers(ask(world, pay, block=block)) == [("refused", "PAYABLE_TOO_SMALL")]


@pytest.mark.parametrize("account_class", ["payable", "reserve", "interest"])
def test_every_guarded_account_answers_later_then_its_code(world: World, account_class: str) -> None:
    order, instruction = world.new_id(), world.new_id()
    event = {
        "payable": posting_payment.instructed(PAYABLE, CUSTODY, instruction, 1),
        "reserve": posting_payment.reserve_instructed(RESERVE, "draw", order, instruction, 1),
        "interest": posting_payment.interest_paid_over(CUSTODY, 1),
    }[account_class]
    code = f"{account_class.upper()}_TOO_SMALL"
    assert answers(world.post(event, fold=False)) == [("later", code)]
    assert world.refused(event) == code


# -- the accounting day


def close_through(database: Database, world: World, fund_no: int, day: date) -> None:
    with database.owner.begin() as conn:
        conn.execute(
            text("UPDATE ledger.close SET closed_through = :d WHERE institution_id = :i AND fund_no = :f"),
            {"d": day, "i": world.number, "f": fund_no},
        )


def test_a_fact_of_a_closed_day_gets_the_first_open_day_of_its_fund(world: World, module_database: Database) -> None:
    close_through(module_database, world, CUSTODY, DAY + timedelta(days=2))
    here, there = world.done(suspense(world, 1), suspense(world, 1, SECOND_CUSTODY))
    with world.engine.begin() as conn:
        rows = conn.execute(
            text("SELECT entry_id, effective_on FROM ledger.journal_entry WHERE institution_id = :i"),
            {"i": world.number},
        )
        days = {row.entry_id: row.effective_on for row in rows}
    assert days == {here: DAY + timedelta(days=3), there: DAY}
    world.seal()
    assert world.broken() == []


# -- locks a flow takes before it decides


def test_locking_contracts_locks_every_one_of_them(world: World) -> None:
    contracts = sorted(world.open_contract() for _ in range(3))
    with world.engine.begin() as conn:
        assert list(register.lock_contracts(conn, world.number, contracts[::-1])) == contracts
        with world.engine.begin() as other:
            waiting = other.execute(
                text("""SELECT contract_id FROM ledger.contract_balance WHERE institution_id = :i"""),
                {"i": world.number},
            ).all()
            assert len(waiting) == 3
            for contract in contracts:
                other.execute(text("SET LOCAL lock_timeout = '50ms'"))
                with pytest.raises(DBAPIError, match="lock timeout"), other.begin_nested():
                    register.lock_contracts(other, world.number, [contract])


def test_a_locked_account_says_what_it_holds_for_sure(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 5_00))

    def sure() -> int:
        with world.engine.begin() as conn:
            return register.lock_account(conn, world.number, CUSTODY, "payable")

    assert sure() == 0  # not sealed yet: a lower bound
    world.seal()
    assert sure() == 50_00
    world.done(posting.hold_placed(CUSTODY, world.new_id(), 20_00, None))
    assert sure() == 30_00
    world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 30_00))
    assert sure() == 0


def test_ids_of_a_set_keep_its_order(world: World) -> None:
    ids: list[UUID] = [new_id(world.clock + timedelta(milliseconds=n)) for n in range(100)]
    assert ids == sorted(ids)
