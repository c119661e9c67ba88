"""Cases of TigerBeetle's state machine, asked of these books in our own words and with its figures.

Source: tigerbeetle/tigerbeetle, src/state_machine_tests.zig (facts only). An account that may not be overdrawn is a
family's claim; a pending transfer is a hold; posting it is a refund that captures the hold; voiding it ends the hold;
the id of a transfer is the key of a request; a ledger is a fund; a linked chain is one entry with several transfers.

Covered: create (order of checks, what is not found, exists, exists with another field, a failure that might pass later
burns the id), two-phase (post less, post all, void, twice, after the other, more than pending, unknown, of other
accounts, balances before and after), limits (posted and pending count), linked chains (undone, undone within a set,
the next one passes), balancing (takes what is there).

Different, and why:
- amount 0 is a transfer there; here an entry moves something, so nothing is posted and nothing is left over;
- posting a part there ends the pending transfer; here the rest stays held until it is captured or let go: a refund may
  be agreed line by line;
- pending transfers there end by a timeout; here by a decision with a name under it: ``custody due`` watches the day;
- a chain there may be left open; an entry here is one object and cannot be;
- a post there may name "all that is pending"; here the amount is always said;
- balancing there lowers the amount asked; here the rule decides the amount before it asks, and what is too much of a
  deposit waits in suspense, since the bank has it;
- not asked here: closing accounts (days of a fund close, see tests/time), imported events with times of their own (a
  fact keeps its day, the block says when it was known), 128-bit overflow (amounts end at 10^13 fen), queries, change
  events.
"""

from dataclasses import replace
from uuid import UUID

import pytest

from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass, Event, Transfer
from tests.books.asking import answers, ask, entry, rows_under
from tests.world import CUSTODY, SECOND_CUSTODY, World

CLAIM, PAYABLE = AccountClass.CLAIM, AccountClass.PAYABLE
DONE = ("done", "")


def drawn(contract: UUID, fen: int) -> Event:
    """A plain transfer out of a claim."""
    return Event("hours_released", CUSTODY, (Transfer(CLAIM, PAYABLE, fen, contract),))


def posted(world: World, contract: UUID, hold: UUID, fen: int) -> Event:
    """A pending transfer is posted: so much of the hold becomes a refund."""
    return posting_payment.refund_approved(world.contract(contract), fen, world.payments(contract), 0, (hold, fen))


# -- create


def test_what_cannot_be_is_told_before_anything_else_and_burns_no_key(world: World) -> None:
    contract, other = world.open_contract(paid_fen=100), world.open_contract(fund_no=SECOND_CUSTODY, paid_fen=100)
    (moved,) = drawn(contract, 9).transfers
    for wrong, state in (
        (replace(moved, credit=CLAIM), "LG002"),  # accounts must differ
        (replace(moved, contract_id=world.new_id()), "LG004"),  # account not found
        (replace(moved, contract_id=None), "LG004"),
        (replace(moved, contract_id=other), "LG003"),  # another ledger
        (replace(moved, amount_fen=10**13 + 1), "LG005"),  # overflow
        (replace(moved, amount_fen=0), "LG005"),
    ):
        assert world.impossible(Event("hours_released", CUSTODY, (wrong,))) == state, wrong
    assert rows_under(world, "T1") == (0, 0)
    assert answers(ask(world, entry(world, "T1", drawn(contract, 9)))) == [DONE]


def test_a_failure_that_might_pass_later_burns_the_key(world: World) -> None:
    contract = world.open_contract(paid_fen=20)
    too_much = entry(world, "T3", drawn(contract, 21))
    assert answers(ask(world, too_much)) == [("refused", "CLAIM_TOO_SMALL")]
    world.done(posting.deposit(world.contract(contract), world.new_id(), 80))
    assert answers(ask(world, too_much)) == [("replayed", "CLAIM_TOO_SMALL")]
    less = replace(too_much, event=drawn(contract, 1), asked=(("amount", "less"),), entry_id=world.new_id())
    assert answers(ask(world, less)) == [("conflict", "REQUEST_CONFLICT")]
    assert world.contract(contract).claim_fen == 100


@pytest.mark.parametrize("field", ["debit", "credit", "amount", "memo", "code"])
def test_an_id_that_exists_answers_first_and_names_the_field(world: World, field: str) -> None:
    contract = world.open_contract(paid_fen=1_000)
    words = {"debit": "A1", "credit": "A3", "amount": "123", "memo": "U0", "code": "C1"}
    first = entry(world, "T5", drawn(contract, 123), tuple(words.items()))
    assert answers(ask(world, first)) == [DONE]
    # whatever else is wrong with it, far too much here: that it exists is said first
    other = entry(world, "T5", drawn(contract, 10**6), tuple({**words, field: "else"}.items()))
    (outcome,) = ask(world, other)
    assert (outcome.result, outcome.field, outcome.entry_id) == ("conflict", field, first.entry_id)
    (outcome,) = ask(world, replace(other, asked=first.asked))
    assert (outcome.result, outcome.entry_id) == ("replayed", first.entry_id)
    assert world.contract(contract).claim_fen == 1_000 - 123


# -- two-phase


def test_pending_posted_voided_with_the_figures_of_the_table(world: World) -> None:
    """15 at once; 15, 15, 15, 7, 1 and 1 pending; posted 13, 7, 1 and 0, voided 15 and 15: 36 are gone in the end."""
    contract = world.open_contract(paid_fen=100)
    world.happens(posting_payment.refund_approved(world.contract(contract), 15, world.payments(contract), 0, None))
    pending = {name: world.new_id() for name in ("T2", "T3", "T4", "T5", "T6", "T7")}
    for (name, hold), fen in zip(pending.items(), (15, 15, 15, 7, 1, 1), strict=True):
        assert world.happens(posting.hold_placed(CUSTODY, hold, fen, contract)), name
    row = world.contract(contract)
    assert (row.held_fen, row.refunded_fen) == (54, 15)
    world.happens(posted(world, contract, pending["T2"], 13))
    assert world.refused(posted(world, contract, pending["T2"], 3)) == "HOLD_SPENT"  # more than is pending
    world.happens(posting.hold_ended(CUSTODY, pending["T2"], 2, contract))  # the rest, which goes by itself there
    for gone in ("T3", "T4"):
        assert world.refused(posting.hold_ended(CUSTODY, pending[gone], 16, contract)) == "HOLD_SPENT"
        world.happens(posting.hold_ended(CUSTODY, pending[gone], 15, contract))
        assert world.refused(posted(world, contract, pending[gone], 13)) == "HOLD_SPENT"  # already voided
        assert world.refused(posting.hold_ended(CUSTODY, pending[gone], 15, contract)) == "HOLD_SPENT"
    assert world.refused(posted(world, contract, pending["T5"], 8)) == "HOLD_SPENT"
    world.happens(posted(world, contract, pending["T5"], 7))
    assert world.refused(posted(world, contract, pending["T5"], 7)) == "HOLD_SPENT"  # already posted
    world.happens(posted(world, contract, pending["T6"], 1))
    world.happens(posting.hold_ended(CUSTODY, pending["T7"], 1, contract))  # posted with 0: nothing of it is taken
    row = world.contract(contract)
    assert (row.held_fen, row.refunded_fen, row.claim_fen) == (0, 36, 64)


def test_what_is_not_pending_or_of_other_accounts_is_not_posted(world: World) -> None:
    contract, other = world.open_contract(paid_fen=100), world.open_contract(paid_fen=100)
    assert world.refused(posted(world, contract, world.new_id(), 16)) == "HOLD_SPENT"  # not found
    (plain,) = world.done(drawn(contract, 15))
    assert world.refused(posted(world, contract, plain, 15)) == "HOLD_SPENT"  # not pending
    hold = world.new_id()
    world.done(posting.hold_placed(CUSTODY, hold, 15, contract))
    assert world.impossible(posted(world, other, hold, 15)) == "LG003"
    assert world.impossible(posting.hold_ended(SECOND_CUSTODY, hold, 15, contract)) == "LG003"
    assert world.impossible(posting.hold_placed(CUSTODY, hold, 15, contract)) == "LG004"  # the id is taken
    assert world.contract(contract).held_fen == 15


def test_what_is_pending_counts_against_the_limit_like_what_is_posted(world: World) -> None:
    contract, hold = world.open_contract(paid_fen=20), world.new_id()
    world.happens(drawn(contract, 5))
    world.happens(posting.hold_placed(CUSTODY, hold, 10, contract))
    assert world.refused(drawn(contract, 6)) == "CLAIM_TOO_SMALL"
    assert world.refused(posting.hold_placed(CUSTODY, world.new_id(), 6, contract)) == "CLAIM_TOO_SMALL"
    world.happens(drawn(contract, 5))
    assert world.refused(drawn(contract, 1)) == "CLAIM_TOO_SMALL"
    world.happens(posting.hold_ended(CUSTODY, hold, 10, contract))
    world.happens(drawn(contract, 10))
    assert world.refused(drawn(contract, 1)) == "CLAIM_TOO_SMALL"


def test_the_credit_side_has_its_limit_as_well(world: World) -> None:
    """An account whose credits may not exceed its debits: what the institution still has to bring in."""
    contract = world.open_contract(paid_fen=100)
    world.done(posting.released_ahead(world.contract(contract), 9))
    owed = world.contract(contract)
    assert world.refused(posting_payment.paid_in(CUSTODY, world.new_id(), 10, [replace(owed, due_fen=10)])) == (
        "DUE_TOO_SMALL"
    )
    world.happens(posting_payment.paid_in(CUSTODY, world.new_id(), 9, [owed]))
    assert world.contract(contract).due_fen == 0


# -- linked


def both(one: Event, other: Event) -> Event:
    return replace(one, transfers=one.transfers + other.transfers)


def test_a_chain_stands_or_falls_and_the_next_does_not_notice(world: World) -> None:
    """20 on a guarded account: a chain of 15 and too much is undone within the set, then 15 alone pass."""
    contract, other = world.open_contract(paid_fen=20), world.open_contract(paid_fen=5)
    chain = entry(world, "T1", both(drawn(contract, 15), drawn(other, 6)))
    alone = entry(world, "T3", drawn(contract, 15))
    again = entry(world, "T4", drawn(contract, 6))
    assert answers(ask(world, chain, alone, again)) == [
        ("refused", "CLAIM_TOO_SMALL"), DONE, ("refused", "CLAIM_TOO_SMALL")
    ]  # fmt: skip
    assert (world.contract(contract).claim_fen, world.contract(other).claim_fen) == (5, 5)
    assert world.balance("payable") == 15
    assert world.broken() == []


@pytest.mark.parametrize("first", [True, False])
def test_a_chain_fails_wherever_its_fault_is(world: World, first: bool) -> None:
    rich, poor = world.open_contract(paid_fen=100), world.open_contract(paid_fen=1)
    parts = (drawn(poor, 2), drawn(rich, 15)) if first else (drawn(rich, 15), drawn(poor, 2))
    assert world.refused(both(*parts)) == "CLAIM_TOO_SMALL"
    (moved,) = drawn(rich, 15).transfers
    bad = replace(moved, credit=AccountClass.INTEREST)
    wrong = (bad, moved) if first else (moved, bad)
    assert world.impossible(Event("hours_released", CUSTODY, wrong)) == "LG002"
    world.happens(both(drawn(poor, 1), drawn(rich, 15)))


# -- balancing


def test_a_balancing_transfer_takes_what_is_there(world: World) -> None:
    """3 of 9, then 13 of the 6 that are left, then 1 of nothing."""
    contract = world.open_contract(price_fen=9)
    for asked, taken, waiting in ((3, 3, 0), (13, 9, 7), (1, 9, 8)):
        world.happens(posting.deposit(world.contract(contract), world.new_id(), asked))
        assert (world.contract(contract).paid_fen, world.balance("suspense")) == (taken, waiting)


def test_a_balancing_transfer_leaves_what_is_pending_alone(world: World) -> None:
    contract = world.open_contract(price_fen=10, hours=1_00, paid_fen=10)
    world.happens(posting.hold_placed(CUSTODY, world.new_id(), 7, contract))
    world.happens(posting.hours_released(world.contract(contract), 50))
    assert world.contract(contract).released_fen == 3  # 5 were earned
    event = posting.hours_released(world.contract(contract), 0)
    assert not event.moves_something
