"""A refund on its way: asked, answered, approved, in transit, paid or returned; its dates, and who pays which part."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from ledger.errors import Message
from ledger.terms.institution import Payee
from ledger.terms.refund import Cause, Cost, InterestRate, Part


class RefundState(StrEnum):
    """``agreed``: by the institution, by its silence, or decided. ``objected``: its objection waits for a decision."""

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
# The cause may be decided as long as nobody has agreed to what was asked.
CONTESTED = frozenset({RefundState.ASKED, RefundState.OBJECTED})


@dataclass(frozen=True, slots=True)
class RefundAsked:
    """One family asks. ``shown_digest``: the quote they saw; it must still be the quote. ``payee``: None = the account
    the newest payment came from; given only where the money never passed a custody account.

    ``ended_on``: the day the contract ended, where that is before the asking: interest runs from then. ``agreed`` and
    ``account`` are rates of interest that come before the published ones.

    ``refund_id``: the id the refund is to have, from a form that was made before the asking: sent twice, it is one
    refund, also after that was withdrawn. ``reason``: what the family says of it; it changes no amount.
    """

    contract_id: UUID
    cause: Cause
    actor: str
    shown_digest: str | None = None
    payee: Payee | None = None
    ended_on: date | None = None
    costs: tuple[Cost, ...] = ()
    agreed: InterestRate | None = None
    account: InterestRate | None = None
    refund_id: UUID | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund as the books keep it. ``amount_fen`` is what comes back in all, of it ``overcharge_fen`` above the price
    cap and ``extra_fen`` interest and costs; ``disputed_fen`` may come on top. Days are legal days, Asia/Shanghai.
    Cause and amounts are the decided ones where the cause was decided.
    """

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
    overcharge_fen: int = 0
    extra_fen: int = 0
    disputed_fen: int = 0
    delayed_after: date | None = None

    @property
    def parts(self) -> "RefundParts":
        return RefundParts(self.overcharge_fen, self.amount_fen - self.overcharge_fen - self.extra_fen, self.extra_fen)


@dataclass(frozen=True, slots=True)
class OwnRecords:
    """What the ledger itself shows of a contract besides its own rows.

    ``price_cap_fen``: the guided cap for one class hour of its course. ``list_price_sold``: another contract of the
    course was sold at the list price. ``same_service_before``: the pupil was taught the subject here before signing.
    """

    price_cap_fen: int | None = None
    list_price_sold: bool = False
    same_service_before: bool = False


# -- the cause, decided


@dataclass(frozen=True, slots=True)
class CauseDecision:
    """What the competent office decided of a contested cause, on what evidence; it counts once a second person has
    confirmed it (``confirmed_by``). ``evidence_digest``: SHA-256 (hex) of the document, where there is one.
    """

    decision_id: UUID
    refund_id: UUID
    cause: Cause
    office: str
    evidence: str
    evidence_digest: str | None
    amount_fen: int
    decided_on: date
    entered_by: str
    confirmed_by: str | None = None


# -- dates


class DateCode(StrEnum):
    """The dates of a refund. ``seven_days`` binds the family, the others the institution."""

    SEVEN_DAYS = "seven_days"
    ANSWER_BY = "answer_by"
    PAY_BY = "pay_by"
    DELAYED_AFTER = "delayed_after"


@dataclass(frozen=True, slots=True)
class RefundDate:
    """A last day and the rule that gives it: ``days`` counted as ``day_kind`` from ``counted_from``, not counted.

    ``provisional``: reckoned over a year whose holiday notice is not known yet.
    """

    code: DateCode
    label: Message
    on: date
    provisional: bool
    counted_from: date
    days: int
    day_kind: str
    rule: str
    source: str


class Delay(StrEnum):
    """How a refund that is not paid stands to its dates on a day."""

    IN_TIME = "in_time"
    OVERDUE = "overdue"
    DELIBERATE = "deliberate"


# -- who pays


class Payer(StrEnum):
    """Where the money of a refund comes from: the family's own money in custody, what the institution has earned and
    not drawn, what it must bring in, or its reserve by order of the competent office.
    """

    CUSTODY = "custody"
    PAYABLE = "payable"
    RESERVE = "reserve"
    INSTITUTION = "institution"


@dataclass(frozen=True, slots=True)
class RefundParts:
    """What a refund is made of, in fen: money charged above the cap, principal, and interest and costs on top."""

    overcharge_fen: int
    principal_fen: int
    extra_fen: int

    @property
    def total_fen(self) -> int:
        return self.overcharge_fen + self.principal_fen + self.extra_fen


@dataclass(frozen=True, slots=True)
class FundingPart:
    """One part of a refund paid by one payer, in fen > 0."""

    part: Part
    payer: Payer
    amount_fen: int
