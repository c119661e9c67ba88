"""A refund of several payments goes back to everybody who made one."""

from uuid import UUID

import pytest

from ledger.rules.refund_payer import after_line, after_rejection, shares
from ledger.terms.refund_request import RefundState

OLD, NEW = UUID(int=1), UUID(int=2)
BACK = [(NEW, 600), (OLD, 400)]


def test_each_payment_goes_back_where_it_came_from() -> None:
    payers = {NEW: "mother", OLD: "father"}
    assert shares(1_000, BACK, payers, "mother", {}) == [("mother", 600), ("father", 400)]
    assert shares(1_000, BACK, {NEW: "mother", OLD: "mother"}, "mother", {}) == [("mother", 1_000)]
    assert shares(1_000, BACK, {OLD: "father"}, "named", {}) == [("named", 600), ("father", 400)]


def test_what_comes_on_top_goes_to_the_account_of_the_refund() -> None:
    assert shares(1_030, BACK, {NEW: "mother", OLD: "father"}, "father", {}) == [("mother", 600), ("father", 430)]
    assert shares(30, [], {}, "father", {}) == [("father", 30)]


def test_a_refund_paid_in_parts_ends_with_everybodys_share() -> None:
    payers = {NEW: "mother", OLD: "father"}
    assert shares(700, BACK, payers, "mother", {}) == [("mother", 600), ("father", 100)]
    assert shares(330, BACK, payers, "mother", {"mother": 600, "father": 100}) == [("mother", 30), ("father", 300)]
    assert shares(400, BACK, payers, "mother", {"mother": 600}) == [("father", 400)]


@pytest.mark.parametrize(
    ("credit", "before", "waiting", "owed_fen", "after"),
    [
        (False, RefundState.IN_TRANSIT, 0, 0, RefundState.PAID),
        (False, RefundState.IN_TRANSIT, 1, 0, RefundState.IN_TRANSIT),
        (False, RefundState.IN_TRANSIT, 0, 5, RefundState.APPROVED),
        (True, RefundState.IN_TRANSIT, 1, 5, RefundState.RETURNED),
        (False, RefundState.RETURNED, 0, 5, RefundState.RETURNED),
    ],
)
def test_a_refund_is_paid_when_all_of_it_arrived(
    credit: bool, before: RefundState, waiting: int, owed_fen: int, after: RefundState
) -> None:
    assert after_line(credit, before, waiting, owed_fen) is after


def test_an_account_that_is_closed_outlasts_another_refusal() -> None:
    assert after_rejection(RefundState.IN_TRANSIT, True) is RefundState.RETURNED
    assert after_rejection(RefundState.RETURNED, False) is RefundState.RETURNED
    assert after_rejection(RefundState.IN_TRANSIT, False) is RefundState.APPROVED
