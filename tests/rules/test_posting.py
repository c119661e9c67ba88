"""What each event does to the accounts, without a database: amounts, splits, and what a caller may not ask."""

from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules import posting, posting_payment
from ledger.rules.posting import (
    BANK,
    CLAIM,
    DIFFERENCE,
    DUE,
    IN_TRANSIT,
    INTEREST,
    PAYABLE,
    REFUND_DUE,
    RESERVE,
    SUSPENSE,
)
from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.journal import AccountClass, Event, HoldAction, HoldMove, Transfer

A, B, LINE, NEW, ORDER, HOLD = (UUID(int=n) for n in range(1, 7))
EMPTY = ContractBalance(A, 1, price_fen=100_00, hours_total=10_00, price_signed_fen=100_00)
PAID = replace(EMPTY, paid_fen=100_00)


def pairs(event: Event) -> list[tuple[AccountClass, AccountClass, int]]:
    return [(t.debit, t.credit, t.amount_fen) for t in event.transfers]


# -- deposits


@pytest.mark.parametrize(
    ("paid", "amount", "moved"),
    [
        (0, 60_00, [(BANK, CLAIM, 60_00)]),
        (0, 100_00, [(BANK, CLAIM, 100_00)]),
        (0, 100_01, [(BANK, CLAIM, 100_00), (BANK, SUSPENSE, 1)]),
        (100_00, 5, [(BANK, SUSPENSE, 5)]),
        (0, 0, []),
    ],
)
def test_a_deposit_is_split_at_the_price(paid: int, amount: int, moved: list[object]) -> None:
    event = posting.deposit(replace(EMPTY, paid_fen=paid), LINE, amount)
    assert pairs(event) == moved
    assert {t.credit_item for t in event.transfers} <= {LINE}
    assert event.moves_something is bool(moved)


def test_room_counts_to_the_signed_price_not_to_a_lower_one_found_later() -> None:
    assert replace(EMPTY, price_fen=80_00).payable_room_fen == 100_00
    assert replace(EMPTY, price_signed_fen=0).payable_room_fen == 100_00


@pytest.mark.parametrize(
    ("room", "moved"),
    [
        (100_00, [(BANK, CLAIM, 59_40), (DUE, CLAIM, 60)]),
        (60_00, [(BANK, CLAIM, 59_40), (DUE, CLAIM, 60)]),
        (50_00, [(BANK, CLAIM, 49_40), (DUE, CLAIM, 60), (BANK, SUSPENSE, 10_00)]),
        (50, [(DUE, CLAIM, 50), (BANK, SUSPENSE, 59_40)]),
        (0, [(BANK, SUSPENSE, 59_40)]),
    ],
)
def test_a_provider_deposit_is_split_at_the_price_too(room: int, moved: list[object]) -> None:
    event = posting.provider_deposit(replace(EMPTY, paid_fen=100_00 - room), LINE, 59_40, 60)
    assert pairs(event) == moved
    assert sum(t.amount_fen for t in event.transfers if t.debit is BANK) == 59_40


def test_suspense_goes_where_it_is_assigned() -> None:
    assert posting.deposit_to_suspense(1, LINE, 5).transfers == (Transfer(BANK, SUSPENSE, 5, credit_item=LINE),)
    to_claim = posting.suspense_assigned(EMPTY, LINE, NEW, 5).transfers
    assert to_claim == (Transfer(SUSPENSE, CLAIM, 5, A, debit_item=LINE, credit_item=NEW),)
    assert posting.suspense_pays_due(EMPTY, LINE, 5).transfers == (Transfer(SUSPENSE, DUE, 5, A, debit_item=LINE),)
    assert posting.suspense_to_reserve(2, LINE, 5).transfers == (Transfer(SUSPENSE, RESERVE, 5, debit_item=LINE),)
    prepaid = posting.prepaid_to_institution(replace(EMPTY, fund_no=3), NEW, 5)
    assert (prepaid.fund_no, prepaid.transfers) == (3, (Transfer(DUE, CLAIM, 5, A, credit_item=NEW),))


@pytest.mark.parametrize(
    ("contract", "left", "taken"),
    [
        (PAID, 100_00, 100_00),
        (PAID, 30_00, 30_00),  # the rest of this payment went back already
        (replace(PAID, released_fen=80_00), 100_00, 20_00),
        (replace(PAID, held_fen=90_00), 100_00, 10_00),
        (replace(PAID, due_fen=70_00), 100_00, 30_00),
        (replace(PAID, refunded_fen=50_00, refund_due_fen=50_00, due_fen=70_00), 50_00, 30_00),
        (replace(PAID, released_fen=100_00), 100_00, 0),
    ],
)
def test_what_can_be_taken_of_a_payment(contract: ContractBalance, left: int, taken: int) -> None:
    payment = Payment(LINE, 100_00, 100_00 - left)
    assert posting.takeable_fen(contract, payment) == taken
    event = posting.deposit_taken_back(contract, payment, NEW, 100_00)
    expected = [
        Transfer(CLAIM, BANK, taken, A, debit_item=LINE),
        Transfer(DIFFERENCE, BANK, 100_00 - taken, debit_item=NEW),
    ]
    assert list(event.transfers) == [transfer for transfer in expected if transfer.amount_fen]


@pytest.mark.parametrize(
    ("released", "payable", "moved"),
    [
        (0, 0, [(CLAIM, SUSPENSE, 100_00), (SUSPENSE, CLAIM, 100_00)]),
        (30_00, 50_00, [(CLAIM, SUSPENSE, 70_00), (SUSPENSE, CLAIM, 70_00), (PAYABLE, CLAIM, 30_00)]),
        (
            30_00,
            20_00,
            [(CLAIM, SUSPENSE, 70_00), (SUSPENSE, CLAIM, 70_00), (PAYABLE, CLAIM, 20_00), (DUE, CLAIM, 10_00)],
        ),
        (100_00, 0, [(DUE, CLAIM, 100_00)]),
    ],
)
def test_a_deposit_moved_brings_the_right_contract_all_of_it(released: int, payable: int, moved: list[object]) -> None:
    wrong, right = replace(PAID, released_fen=released), replace(EMPTY, contract_id=B)
    event = posting.deposit_moved(wrong, right, Payment(LINE, 100_00, 0), 100_00, payable, NEW)
    assert pairs(event) == moved
    assert sum(t.amount_fen for t in event.transfers if t.credit is CLAIM and t.contract_id == B) == 100_00
    assert {t.credit_item for t in event.transfers if t.credit is CLAIM} == {NEW}


# -- teaching


def test_release_is_by_running_total_and_at_most_what_is_paid() -> None:
    assert [posting.released_through(100, 100, h, 3) for h in range(4)] == [0, 33, 66, 100]
    assert [posting.released_through(100, 50, h, 3) for h in range(4)] == [0, 33, 50, 50]


@given(
    st.integers(1, 10**9),
    st.integers(1, 10**5),
    st.lists(st.integers(0, 10**4), max_size=12),
    st.integers(0, 10**9),
)
def test_releases_in_any_steps_add_up_to_the_running_total(price: int, total: int, steps: list[int], paid: int) -> None:
    contract = ContractBalance(A, 1, price, total, paid_fen=min(paid, price), price_signed_fen=price)
    for step in steps:
        hours = min(step, total - contract.hours_released)
        event = posting.hours_released(contract, hours)
        contract = posting.after_release(contract, event)
    expected = posting.released_through(price, contract.paid_fen, contract.hours_released, total)
    assert contract.released_fen == expected <= contract.paid_fen


@pytest.mark.parametrize(
    ("contract", "moved"),
    [
        (PAID, [(CLAIM, PAYABLE, 20_00)]),
        (replace(PAID, due_fen=5_00), [(CLAIM, DUE, 5_00), (CLAIM, PAYABLE, 15_00)]),
        (replace(PAID, due_fen=50_00), [(CLAIM, DUE, 20_00)]),
        (replace(PAID, held_fen=95_00), [(CLAIM, PAYABLE, 5_00)]),
        (replace(EMPTY, paid_fen=15_00), [(CLAIM, PAYABLE, 15_00)]),
        (EMPTY, []),
        (replace(PAID, released_fen=40_00), []),  # a lower price was found: nothing more until it is caught up
        (replace(PAID, price_fen=50_00, refunded_fen=50_00), [(CLAIM, PAYABLE, 10_00)]),
    ],
)
def test_hours_release_what_they_earn(contract: ContractBalance, moved: list[object]) -> None:
    event = posting.hours_released(contract, 2_00)
    assert pairs(event) == moved
    assert (event.contract_id, event.hours) == (A, 2_00)


def test_after_a_release_the_contract_is_as_the_books_have_it() -> None:
    contract = replace(PAID, due_fen=5_00)
    after = posting.after_release(contract, posting.hours_released(contract, 2_00))
    assert after == replace(contract, released_fen=20_00, due_fen=0, hours_released=2_00)


def test_no_hours_name_no_contract() -> None:
    event = posting.hours_released(replace(PAID, hours_released=1_00), 0)
    assert (event.contract_id, event.hours, pairs(event)) == (None, 0, [(CLAIM, PAYABLE, 10_00)])
    assert posting.unreleased(PAID, 1, 0, 1).contract_id is None
    back = posting.unreleased(PAID, 10, 1_00, 4)
    assert (back.contract_id, back.hours, pairs(back)) == (A, -1_00, [(PAYABLE, CLAIM, 4), (DUE, CLAIM, 6)])
    assert pairs(posting.released_ahead(PAID, 7)) == [(DUE, PAYABLE, 7)]


def test_holds_move_no_money() -> None:
    placed, ended = posting.hold_placed(1, HOLD, 5, A), posting.hold_ended(1, HOLD, 5, None)
    assert (placed.transfers, placed.contract_id, placed.hold) == ((), A, HoldMove(HOLD, HoldAction.PLACE, 5))
    assert (ended.transfers, ended.contract_id, ended.hold) == ((), None, HoldMove(HOLD, HoldAction.RELEASE, 5))
    assert placed.moves_something
    assert ended.moves_something


# -- refunds

NEWEST, OLDEST = Payment(UUID(int=20), 40_00, 10_00), Payment(UUID(int=10), 60_00, 0)


@pytest.mark.parametrize(
    ("amount", "parts"),
    [
        (0, ()),
        (10_00, ((NEWEST.payment_id, 10_00),)),
        (90_00, ((NEWEST.payment_id, 30_00), (OLDEST.payment_id, 60_00))),
    ],
)
def test_a_refund_goes_back_on_the_newest_payment_first(amount: int, parts: object) -> None:
    assert posting_payment.split_by_payment((NEWEST, OLDEST), amount) == parts


def test_a_payment_that_went_back_whole_takes_no_part() -> None:
    spent = Payment(NEWEST.payment_id, 5, 5)
    assert posting_payment.split_by_payment((spent, OLDEST), 1) == ((OLDEST.payment_id, 1),)


@pytest.mark.parametrize("amount", [90_01, -1])
def test_a_refund_beyond_all_payments_is_a_bug_of_the_caller(amount: int) -> None:
    with pytest.raises(ValueError, match="larger than all payments"):
        posting_payment.split_by_payment((NEWEST, OLDEST), amount)


@pytest.mark.parametrize(
    ("contract", "hold", "payable", "moved"),
    [
        (PAID, None, 0, [(CLAIM, REFUND_DUE, 80_00)]),
        (replace(PAID, held_fen=80_00), (HOLD, 80_00), 0, [(CLAIM, REFUND_DUE, 80_00)]),
        (replace(PAID, released_fen=50_00), None, 50_00, [(PAYABLE, CLAIM, 30_00), (CLAIM, REFUND_DUE, 80_00)]),
        (
            replace(PAID, released_fen=50_00, held_fen=50_00), (HOLD, 50_00), 20_00,
            [(PAYABLE, CLAIM, 20_00), (DUE, CLAIM, 10_00), (CLAIM, REFUND_DUE, 80_00)],
        ),
    ],
)  # fmt: skip
def test_an_approved_refund_takes_back_what_the_claim_lacks(
    contract: ContractBalance, hold: tuple[UUID, int] | None, payable: int, moved: list[object]
) -> None:
    event = posting_payment.refund_approved(contract, 80_00, (Payment(LINE, 100_00, 0),), payable, hold)
    assert pairs(event) == moved
    assert event.hold == (HoldMove(HOLD, HoldAction.CAPTURE, hold[1]) if hold else None)
    assert event.contract_id == (A if hold else None)


def test_what_is_owed_beyond_the_principal() -> None:
    assert pairs(posting_payment.compensation_due(PAID, 10, 4)) == [(PAYABLE, REFUND_DUE, 4), (DUE, REFUND_DUE, 6)]
    assert pairs(posting_payment.interest_due(PAID, 3)) == [(INTEREST, REFUND_DUE, 3)]
    assert pairs(posting_payment.remainder_left(replace(PAID, due_fen=4), 10)) == [(CLAIM, DUE, 4), (CLAIM, PAYABLE, 6)]
    event = posting_payment.overcharge_returned(PAID, 8, 20_00, (NEWEST,), 5)
    assert pairs(event) == [(PAYABLE, CLAIM, 5), (DUE, CLAIM, 3), (CLAIM, REFUND_DUE, 20_00)]
    assert posting_payment.taken_from_payable(event) == 5
    assert pairs(posting_payment.refund_proved(PAID, 5)) == [(REFUND_DUE, DUE, 5)]
    assert pairs(posting_payment.refund_unproved(PAID, 5)) == [(DUE, REFUND_DUE, 5)]


# -- payments out


@pytest.mark.parametrize("source", [REFUND_DUE, PAYABLE, SUSPENSE])
def test_an_instruction_leaves_a_class_and_comes_back_to_it(source: AccountClass) -> None:
    kinds = posting_payment.PAYMENT_KINDS[source]
    out = posting_payment.instructed(source, 1, NEW, 5, contract_id=A, line_id=LINE)
    assert (out.kind, out.transfers) == (kinds[0], (Transfer(source, IN_TRANSIT, 5, A, LINE, NEW),))
    done = posting_payment.booked(kinds[1], 1, NEW, 5)
    assert (done.kind, done.transfers) == (kinds[1], (Transfer(IN_TRANSIT, BANK, 5, None, NEW, NEW),))
    back = posting_payment.rejected(source, 1, NEW, 5, contract_id=A, line_id=LINE)
    assert (back.kind, back.transfers) == (kinds[2], (Transfer(IN_TRANSIT, source, 5, A, NEW, LINE),))
    late = posting_payment.returned(source, 1, NEW, 5, contract_id=A, line_id=LINE)
    assert (late.kind, late.transfers) == (kinds[3], (Transfer(BANK, source, 5, A, NEW, LINE),))


def test_money_paid_in_and_set_off_meet_dues_in_order() -> None:
    first, second = replace(PAID, due_fen=30), replace(PAID, contract_id=B, due_fen=20)
    event = posting_payment.paid_in(1, LINE, 55, [first, second])
    assert pairs(event) == [(BANK, DUE, 30), (BANK, DUE, 20), (BANK, SUSPENSE, 5)]
    assert event.transfers[2].credit_item == LINE
    assert pairs(posting_payment.paid_in(1, LINE, 10, [first, second])) == [(BANK, DUE, 10)]
    assert pairs(posting_payment.set_off(1, 40, [first, second])) == [(PAYABLE, DUE, 30), (PAYABLE, DUE, 10)]
    assert posting_payment.set_off(1, 0, [first]).moves_something is False
    assert posting_payment.dues_after([first, second], 40) == [replace(second, due_fen=10)]
    assert posting_payment.dues_after([first, second], 0) == [first, second]


def test_the_reserve_interest_and_differences() -> None:
    assert pairs(posting_payment.reserve_topped_up(2, 5)) == [(BANK, RESERVE, 5)]
    draw = posting_payment.reserve_instructed(2, "draw", ORDER, NEW, 5)
    assert (draw.kind, draw.transfers) == ("reserve_drawn", (Transfer(RESERVE, IN_TRANSIT, 5, None, ORDER, NEW),))
    assert posting_payment.reserve_instructed(2, "release", ORDER, NEW, 5).kind == "reserve_released"
    assert posting_payment.reserve_rejected(2, NEW, 5).transfers == (Transfer(IN_TRANSIT, RESERVE, 5, None, NEW),)
    assert pairs(posting_payment.interest_booked(1, 5)) == [(BANK, INTEREST, 5)]
    assert pairs(posting_payment.interest_paid_over(1, 5)) == [(INTEREST, PAYABLE, 5)]
    assert posting_payment.unordered_debit(1, NEW, 5).transfers == (Transfer(DIFFERENCE, BANK, 5, debit_item=NEW),)
    assert posting_payment.difference_made_good(1, NEW, 5).transfers == (
        Transfer(BANK, DIFFERENCE, 5, credit_item=NEW),
    )


def test_contracts_that_move_and_books_taken_over() -> None:
    event = posting_payment.contract_moved_out(PAID, NEW, 50_00, (NEWEST, OLDEST))
    assert [(t.debit_item, t.credit_item, t.amount_fen) for t in event.transfers] == [
        (NEWEST.payment_id, NEW, 30_00), (OLDEST.payment_id, NEW, 20_00)
    ]  # fmt: skip
    arrived = posting_payment.contract_moved_in(EMPTY, [(LINE, 5, 0), (NEW, 2, 3)])
    assert pairs(arrived) == [(BANK, CLAIM, 5), (BANK, CLAIM, 2), (DUE, CLAIM, 3)]
    event = posting_payment.taken_over(EMPTY, LINE, [(NEW, 5, 3), (ORDER, 0, 4)])
    assert event.transfers == (
        Transfer(SUSPENSE, CLAIM, 5, A, LINE, NEW), Transfer(DUE, CLAIM, 3, A, None, NEW),
        Transfer(DUE, CLAIM, 4, A, None, ORDER),
    )  # fmt: skip
    assert posting_payment.payable_taken_over(1, LINE, 5).transfers == (Transfer(SUSPENSE, PAYABLE, 5, None, LINE),)


# -- reversal


def test_a_reversal_swaps_every_side_and_gives_the_hours_back() -> None:
    event = Event("suspense_assigned", 1, (Transfer(SUSPENSE, CLAIM, 5, A, LINE, NEW),), A, 2_00)
    back = posting_payment.reversal(event, ORDER)
    assert back == Event("reversal", 1, (Transfer(CLAIM, SUSPENSE, 5, A, NEW, LINE),), A, -2_00, reverses=ORDER)
    twice = posting_payment.reversal(back, ORDER)
    assert (twice.transfers, twice.hours) == (event.transfers, event.hours)


def test_a_hold_is_not_reversed() -> None:
    with pytest.raises(ValueError, match="not reversed"):
        posting_payment.reversal(posting.hold_placed(1, HOLD, 5, A), ORDER)


# -- what a caller may not ask


@pytest.mark.parametrize(
    "ask",
    [
        lambda: posting.deposit_to_suspense(1, LINE, -1),
        lambda: posting.deposit(EMPTY, LINE, -1),
        lambda: posting.released_ahead(PAID, -1),
        lambda: posting.unreleased(PAID, -1, 0, 5),
        lambda: posting_payment.instructed(PAYABLE, 1, NEW, -1),
        lambda: posting_payment.compensation_due(PAID, -1, 0),
        lambda: posting_payment.set_off(1, -1, [replace(PAID, due_fen=5)]),
    ],
)
def test_a_negative_amount_is_a_bug_of_the_caller(ask: Callable[[], Event]) -> None:
    with pytest.raises(ValueError, match="positive amount"):
        ask()
