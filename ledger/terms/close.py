"""Closing a fund's days: the facts a certificate freezes, what is proposed, and what was certified."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from ledger.errors import Outcome
from ledger.terms.reconcile import DayFigures


class CloseAction(StrEnum):
    """A proposal closes a fund through a day, or opens the days after one again."""

    CLOSE = "close"
    REOPEN = "reopen"


@dataclass(frozen=True, slots=True)
class DayStatement:
    """A statement of the account as it is stored, amounts in fen. ``class_`` says why it is held, where it is."""

    statement_id: str
    sequence: int | None
    opening_fen: int
    closing_fen: int
    first_on: date
    last_on: date
    lines: int
    file_sha256: str
    believed: bool
    class_: str


@dataclass(frozen=True, slots=True)
class OpenItem:
    """What an account is made of at the end of a day: a payment in transit, a bank line in suspense, a difference.

    ``name``: our end-to-end id, or statement and line; ``fen`` > 0 on the credit side.
    """

    item_id: UUID
    account: str
    name: str
    fen: int


@dataclass(frozen=True, slots=True)
class LateLine:
    """A line the bank booked on a day that was closed when it came: it counts on the first open one."""

    statement_id: str
    ord: int
    booked_on: date
    effective_on: date
    amount_fen: int
    credit: bool
    kind: str


@dataclass(frozen=True, slots=True)
class ReserveStanding:
    """What a reserve account must hold and holds, in fen. ``required_fen`` None: the rulebook sets no formula."""

    required_fen: int | None
    held_fen: int


@dataclass(frozen=True, slots=True)
class CloseFacts:
    """Everything of one account at the end of a legal day.

    ``statements``: believed ones since the day closed before, in their order; ``held``: those no person has released.
    """

    institution: str
    fund_no: int
    account_no: str
    on: date
    closed_through: date
    figures: DayFigures
    statements: tuple[DayStatement, ...]
    held: tuple[DayStatement, ...]
    items: tuple[OpenItem, ...]
    late: tuple[LateLine, ...]
    reserve: ReserveStanding | None


@dataclass(frozen=True, slots=True)
class CloseProposal:
    """What one person asked. ``approved``: a certificate was made of it."""

    number: int
    action: CloseAction
    through: date
    figures_digest: bytes
    reason: str
    proposed_at: datetime
    proposed_by: str
    approved: bool


@dataclass(frozen=True, slots=True)
class Certificate:
    """A signed record of a close or a reopening. ``content``: its very bytes; ``previous``: the SHA-256 of the one
    before. ``voided``: a later reopening took it back.
    """

    fund_no: int
    record: int
    action: CloseAction
    through: date
    content: bytes
    sha256: bytes
    previous: bytes | None
    key: int
    signature: bytes
    proposed_by: str
    approved_by: str
    signed_at: datetime
    voided: bool = False


@dataclass(frozen=True, slots=True)
class CloseReason:
    """Why a day may not be closed: a code and what it is about."""

    code: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Closing:
    """What became of a proposal or an approval. ``reasons``: all that stands against it; ``facts`` of a close."""

    outcome: Outcome
    reasons: tuple[CloseReason, ...] = ()
    facts: CloseFacts | None = None
    certificate: Certificate | None = None
