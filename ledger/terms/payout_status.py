"""What a bank says became of the payments it was ordered to make (pain.002). Status, never money."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ledger.terms.journal import AccountClass


class PaymentState(StrEnum):
    """ISO 20022 payment states, of a payment, a part or a whole message."""

    RECEIVED = "RCVD"
    PENDING = "PDNG"
    PARTIAL = "PART"  # of groups: read the payments
    PARTIAL_TECHNICAL = "PATC"  # partly accepted, waiting for another signature
    TECHNICAL = "ACTC"
    PROFILE = "ACCP"
    FUNDS = "ACFC"
    CHANGED = "ACWC"
    WITHOUT_POSTING = "ACWP"
    IN_PROCESS = "ACSP"
    SETTLED = "ACSC"
    CREDITED = "ACCC"
    REJECTED = "RJCT"
    CANCELLED = "CANC"


@dataclass(frozen=True, slots=True)
class StatusReason:
    """Why: an ISO external reason code ("AC04") or the bank's own, and the bank's words, "" without."""

    code: str
    text: str


@dataclass(frozen=True, slots=True)
class PaymentStatus:
    """What the report says about one payment, named by our end-to-end id. ``state`` None: only its reasons."""

    end_to_end_id: str
    state: PaymentState | None
    reasons: tuple[StatusReason, ...]


@dataclass(frozen=True, slots=True)
class PartStatus:
    """What it says about a part (PmtInf) of the order, and the payments it lists."""

    part_id: str
    state: PaymentState | None
    reasons: tuple[StatusReason, ...]
    payments: tuple[PaymentStatus, ...]


@dataclass(frozen=True, slots=True)
class StatusReport:
    """A whole pain.002. ``version`` ("pain.002.001.10"); ``original_message_id`` is the batch's message id.

    ``sha256`` (hex) is of the file's bytes.
    """

    version: str
    message_id: str
    original_message_id: str
    state: PaymentState | None
    reasons: tuple[StatusReason, ...]
    parts: tuple[PartStatus, ...]
    sha256: str


class StepKind(StrEnum):
    """What a state that arrives does to the one that is known."""

    FORWARD = "forward"  # it is the payment's state now
    SAME = "same"  # nothing new: a replay
    LATE = "late"  # overtaken by a higher one: kept as history, changes nothing
    CONTRADICTS = "contradicts"  # rejected after settled, or settled after rejected: a break for a person


@dataclass(frozen=True, slots=True)
class KnownPayment:
    """A payment of the batch with the state known so far (None: none yet) and the part of the order it stands in."""

    end_to_end_id: str
    part_id: str
    state: PaymentState | None


@dataclass(frozen=True, slots=True)
class SentPayment:
    """An instruction of a batch as a report meets it. ``books``: in_transit, booked, returned or rejected; ``said``:
    the bank's last word so far; ``step``: how many steps are kept of it.
    """

    instruction_id: UUID
    end_to_end_id: str
    fund_no: int
    source: AccountClass
    amount_fen: int
    contract_id: UUID | None
    refund_id: UUID | None
    line_id: UUID | None
    books: str
    said: PaymentState | None
    step: int


@dataclass(frozen=True, slots=True)
class StatusStep:
    """What the report does to one payment."""

    end_to_end_id: str
    before: PaymentState | None
    state: PaymentState
    kind: StepKind
    reasons: tuple[StatusReason, ...]


@dataclass(frozen=True, slots=True)
class StatusSteps:
    """What a report does to a batch: a step for every payment it speaks of, and the ids it names that we never sent."""

    steps: tuple[StatusStep, ...]
    unknown: tuple[str, ...]

    @property
    def counts(self) -> Mapping[StepKind, int]:
        """How many steps of each kind."""
        return {kind: sum(step.kind is kind for step in self.steps) for kind in StepKind}
