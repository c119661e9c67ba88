"""Another account for a refund than the one its money came from."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ledger.terms.institution import Payee


@dataclass(frozen=True, slots=True)
class PayeeAsked:
    """Somebody asks that a refund goes to another account, and says why."""

    refund_id: UUID
    payee: Payee
    reason: str
    actor: str


@dataclass(frozen=True, slots=True)
class PayeeChange:
    """A change of a refund's account as the books keep it, its payee opened.

    ``usable_at``: when it counts, once a second person has confirmed it; None before. ``returned``: the refund had come
    back from the account it was sent to. ``used``: a payment was sent to it.
    """

    change_id: UUID
    refund_id: UUID
    payee: Payee
    reason: str
    returned: bool
    entered_by: str
    entered_at: datetime
    confirmed_by: str | None
    usable_at: datetime | None
    cancelled_by: str | None = None
    used: bool = False
