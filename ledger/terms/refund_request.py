"""A refund on its way: asked, answered, approved, in transit, paid or returned."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger.terms.institution import Payee
from ledger.terms.refund import Cause


class RefundState(StrEnum):
    """``agreed``: by the institution, or by its silence. ``objected``: its objection waits for a decision."""

    ASKED = "asked"
    AGREED = "agreed"
    OBJECTED = "objected"
    APPROVED = "approved"
    IN_TRANSIT = "in_transit"
    PAID = "paid"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"


CLOSED = frozenset({RefundState.PAID, RefundState.WITHDRAWN, RefundState.REFUSED})


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """One family asks. ``shown_digest``: the quote they saw; it must still be the quote. ``payee``: None = the account
    the newest payment came from; given only where the money never passed a custody account.
    """

    contract_id: UUID
    cause: Cause
    actor: str
    shown_digest: str | None = None
    payee: Payee | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as the books keep it. ``amount_fen`` is what comes back in all; days are legal days, Asia/Shanghai."""

    refund_id: UUID
    contract_id: UUID
    fund_no: int
    cause: Cause
    amount_fen: int
    hold_id: UUID | None
    asked_on: date
    asked_by: str
    answer_by: date
    pay_by: date
    state: RefundState
    step: int
