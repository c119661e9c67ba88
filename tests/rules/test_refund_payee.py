"""The account of a refund may be changed while no payment is under way and the refund is open."""

import pytest

from ledger.rules.refund_payee import COOLING_HOURS, changeable
from ledger.terms.refund_request import CLOSED, RefundState


@pytest.mark.parametrize("state", RefundState)
def test_only_open_refunds_that_are_not_on_their_way_change(state: RefundState) -> None:
    assert changeable(state) is (state not in CLOSED and state is not RefundState.IN_TRANSIT)


def test_there_is_a_day_to_object() -> None:
    assert COOLING_HOURS >= 24
