"""Cases of Formance Ledger's end-to-end suite, asked of these books in our own words.

Source: formancehq/ledger, test/e2e: api_idempotency_test.go, api_transactions_revert_test.go, api_bulk_test.go; and
test/stress (facts only). A transaction is an entry, an idempotency key is a request's key, to revert is to reverse.

Covered: the same key twice; the same key with other contents; two reverts under one key; revert, revert again, revert
by many at once; revert after the money has gone on; revert through an account that is empty by then; revert on the day
of the original; a set in which one (a second revert, say) fails and the others pass; a set that stands or falls as a
whole.

Different, and why:
- a revert can be forced there into an overdraft; here nothing can: what is gone is owed (un-release);
- a failed request may be asked again there under its key; here a refusal is an answer and is replayed;
- the transaction itself is marked as reverted there; here nothing posted is changed: the reversal names it;
- dry runs and metadata: a quote is a rule here and posts nothing; what was said is in the request, and never changes.
"""

from dataclasses import replace
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import text

from ledger.books import close
from ledger.books.engine import open_engine
from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.books.asking import answers, ask, entry, suspense
from tests.books.clients import Client, at_once
from tests.conftest import Database
from tests.world import CUSTODY, DAY, World

PAYABLE = AccountClass.PAYABLE
DONE = ("done", "")


def test_the_same_key_twice_is_the_same_transaction(world: World) -> None:
    first = entry(world, "tx-1", suspense(world, 100), (("amount", "100"),))
    again = replace(first, entry_id=world.new_id(), event=suspense(world, 100))
    assert [ask(world, one)[0].entry_id for one in (first, again)] == [first.entry_id] * 2
    assert world.balance("suspense") == 100


def test_the_same_key_with_other_contents_is_refused_and_changes_nothing(world: World) -> None:
    ask(world, entry(world, "tx-1", suspense(world, 100), (("amount", "100"),)))
    (outcome,) = ask(world, entry(world, "tx-1", suspense(world, 200), (("amount", "200"),)))
    assert (outcome.result, outcome.field) == ("conflict", "amount")
    assert world.balance("suspense") == 100


def test_two_reverts_under_one_key_are_a_conflict(world: World) -> None:
    events = [suspense(world, fen) for fen in (100, 50)]
    ids = world.done(*events)
    reverts = [
        entry(world, "revert", posting_payment.reversal(event, one), (("reverses", str(one)),))
        for event, one in zip(events, ids, strict=True)
    ]
    assert answers(ask(world, reverts[0])) == [DONE]
    (outcome,) = ask(world, reverts[1])
    assert (outcome.result, outcome.field, outcome.entry_id) == ("conflict", "reverses", reverts[0].entry_id)
    assert world.balance("suspense") == 50


def test_a_revert_gives_back_and_a_second_one_is_refused(world: World) -> None:
    event = suspense(world, 100)
    (one,) = world.done(event)
    back = posting_payment.reversal(event, one)
    (revert,) = world.done(back)
    assert revert != one
    assert world.balances() == {}
    assert world.refused(back) == "ALREADY_REVERSED"
    # and in a set it is told of that element alone
    outcomes = world.post(suspense(world, 1), back, suspense(world, 2))
    assert answers(outcomes) == [DONE, ("refused", "ALREADY_REVERSED"), DONE]
    assert world.broken() == []


def test_of_many_who_revert_at_once_one_does(world: World, module_database: Database) -> None:
    event = suspense(world, 100)
    (one,) = world.done(event, suspense(world, 900))[:1]
    engine = open_engine(module_database.urls.app, pool_size=8)
    clients = [Client(engine, world.number, n, count(n * 10)) for n in range(8)]

    def job(client: Client) -> None:
        asked = client.entries([posting_payment.reversal(event, one)])
        client.ask(lambda _: asked)

    with at_once(*(lambda client=client: job(client) for client in clients)) as faults:
        assert faults == []
    engine.dispose()
    results = [code for client in clients for code in client.results.elements()]
    assert sorted(results) == ["ALREADY_REVERSED"] * 7 + ["done"]
    assert world.balance("suspense") == 900


def test_what_has_gone_on_is_not_reverted_until_it_is_back(world: World) -> None:
    """100 come in and go on to somebody else; no force reverts them, only the way back."""
    contract = world.open_contract()
    paid = posting.deposit(world.contract(contract), world.new_id(), 100)
    (paid_id,) = world.done(paid)
    on = Event("hours_released", CUSTODY, (Transfer(AccountClass.CLAIM, PAYABLE, 100, contract),))
    (on_id,) = world.done(on)
    back = posting_payment.reversal(paid, paid_id)
    assert world.refused(back) == "CLAIM_TOO_SMALL"
    world.happens(posting_payment.reversal(on, on_id))
    world.happens(back)
    assert world.balances() == {}


def test_a_revert_through_an_account_that_is_empty_by_then(world: World) -> None:
    """Money only passes suspense; putting back the second step fills it again, then the first can be put back."""
    contract, line = world.open_contract(), world.new_id()
    arrived = posting.deposit_to_suspense(CUSTODY, line, 10)
    (arrived_id,) = world.done(arrived)
    passed = posting.suspense_assigned(world.contract(contract), line, world.new_id(), 10)
    (passed_id,) = world.done(passed)
    assert world.balance("suspense") == 0
    assert world.refused(posting_payment.reversal(arrived, arrived_id)) == "LINE_SPENT"
    world.happens(posting_payment.reversal(passed, passed_id))
    assert (world.balance("suspense"), world.contract(contract).paid_fen) == (10, 0)
    world.happens(posting_payment.reversal(arrived, arrived_id))
    assert world.balances() == {}


@pytest.mark.parametrize("closed", [False, True])
def test_a_revert_lies_on_the_day_of_its_original_while_that_is_open(world: World, closed: bool) -> None:
    event = suspense(world, 100)
    first = replace(entry(world, "tx", event), effective_on=DAY)
    ask(world, first)
    if closed:
        with world.engine.begin() as conn:
            close.close_day(conn, world.number, CUSTODY, DAY + timedelta(days=2), world.clock, "clerk:li")
    back = replace(entry(world, "revert", posting_payment.reversal(event, first.entry_id)), effective_on=DAY)
    assert answers(ask(world, back)) == [DONE]
    with world.engine.begin() as conn:
        day = conn.scalar(
            text("SELECT effective_on FROM ledger.journal_entry WHERE institution_id = :i AND entry_id = :e"),
            {"i": world.number, "e": back.entry_id},
        )
    assert day == (DAY + timedelta(days=3) if closed else DAY)


def test_in_a_set_one_may_fail_and_in_an_entry_none(world: World) -> None:
    contract = world.open_contract(paid_fen=100)

    def drawn(*parts: int) -> Event:
        return Event(
            "hours_released", CUSTODY, tuple(Transfer(AccountClass.CLAIM, PAYABLE, fen, contract) for fen in parts)
        )

    outcomes = ask(world, *(entry(world, f"b{n}", drawn(fen)) for n, fen in enumerate((60, 60, 40))))
    assert answers(outcomes) == [DONE, ("refused", "CLAIM_TOO_SMALL"), DONE]
    world.done(posting.deposit(world.contract(contract), world.new_id(), 100))
    assert world.refused(drawn(60, 60)) == "CLAIM_TOO_SMALL"
    assert world.contract(contract).claim_fen == 100
