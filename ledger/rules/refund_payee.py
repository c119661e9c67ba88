"""When the account of a refund may still be changed, and how long a change waits before money follows it."""

from typing import Final

from ledger.terms.refund_request import RefundState

# From the second person's confirmation: long enough for a family that was told to say that it never asked.
COOLING_HOURS: Final = 24
_CHANGEABLE: Final = frozenset(
    {RefundState.ASKED, RefundState.AGREED, RefundState.OBJECTED, RefundState.APPROVED, RefundState.RETURNED}
)


def changeable(state: RefundState) -> bool:
    """Not while a payment is under way: it may be booked at any moment. Not once the refund is closed."""
    return state in _CHANGEABLE
