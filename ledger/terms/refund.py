"""Refunds: the facts of a contract, what was used of it, and the worksheet that comes out."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from ledger.errors import Message
from ledger.terms.calendar import Side
from ledger.terms.clause import Clause


class Cause(StrEnum):
    """On whose account the contract ends: the contested input."""

    INSTITUTION = "institution"
    CONSUMER = "consumer"
    NEITHER = "neither"


@dataclass(frozen=True, slots=True)
class Term:
    """A time pass: its days (both ends counted), or months with or without a first day."""

    first_on: date | None = None
    last_on: date | None = None
    months: Fraction | None = None


@dataclass(frozen=True, slots=True)
class RefundContract:
    """One contract or pack. Amounts in fen, hours in hundredths of class hours.

    ``price_fen`` is the whole price where only part of it is paid (None: what was paid is the price).
    ``list_price_fen``, ``market_price_fen`` and ``price_cap_fen`` are for one class hour.
    """

    paid_fen: int
    price_fen: int | None = None
    hours_bought: int | None = None
    hours_gifted: int = 0
    gift_money_fen: int = 0
    term: Term | None = None
    list_price_fen: int | None = None
    list_price_proven: bool = False
    market_price_fen: int | None = None
    clauses: tuple[Clause, ...] = ()
    price_cap_fen: int | None = None


@dataclass(frozen=True, slots=True)
class HoursUsed:
    """Class hours taught, in hundredths."""

    hours: int


@dataclass(frozen=True, slots=True)
class FaceValueUsed:
    """Value consumed from a stored-value card, in fen, gift money in."""

    face_value_fen: int


@dataclass(frozen=True, slots=True)
class DaysServed:
    """The last day served: the end of the contract, or the stop where the institution stopped earlier."""

    last_on: date


@dataclass(frozen=True, slots=True)
class MonthsUsed:
    months: Fraction


@dataclass(frozen=True, slots=True)
class ProgressUsed:
    """The share delivered, in percent."""

    percent: Fraction


Used = HoursUsed | FaceValueUsed | DaysServed | MonthsUsed | ProgressUsed


@dataclass(frozen=True, slots=True)
class PaidOn:
    """One payment and the legal day it was made."""

    on: date
    amount_fen: int


@dataclass(frozen=True, slots=True)
class RefundRequest:
    """When money came and when it was asked back. Without ``requested_on`` the seven-day right is not looked at.

    ``same_service_before`` is for the institution to show; not shown counts as false.
    """

    payments: tuple[PaidOn, ...] = ()
    requested_on: date | None = None
    same_service_before: bool = False


@dataclass(frozen=True, slots=True)
class Cost:
    """A cost one side claims and has shown. ``is_commission``: a sales commission, never a reasonable cost."""

    claimed_by: Side
    amount_fen: int
    is_commission: bool = False


@dataclass(frozen=True, slots=True)
class InterestTerms:
    """Yearly rates in percent that may apply, and the days interest runs: from the end of the contract (art. 17)."""

    from_on: date
    until_on: date
    year_days: int
    agreed_percent: Fraction | None = None
    account_percent: Fraction | None = None
    lpr_percent: Fraction | None = None
    deposit_percent: Fraction | None = None


@dataclass(frozen=True, slots=True)
class RefundRules:
    """What the rulebook in force says: ``law`` and its ``source``, the days of the seven-day right (None: no right)."""

    law: str
    source: str
    cooling_off_days: int | None
    rulebook: str
    rulebook_digest: str


@dataclass(frozen=True, slots=True)
class RefundCase:
    """A case from outside, ready to be quoted."""

    id: str
    contract: RefundContract
    used: Used
    cause: Cause
    request: RefundRequest
    place: str | None


class Part(StrEnum):
    """What a line is made of: money paid in (overcharge, principal), or money on top (extra: interest, costs)."""

    OVERCHARGE = "overcharge"
    PRINCIPAL = "principal"
    EXTRA = "extra"


@dataclass(frozen=True, slots=True)
class WorksheetLine:
    """One line, rounded once. ``formula`` carries its inputs (yuan, hours, days) and reads the same in any language."""

    code: str
    part: Part
    label: Message
    formula: str
    amount_fen: int
    rule: Message
    source: str


@dataclass(frozen=True, slots=True)
class Note:
    """Something to know that changes no sum by itself."""

    code: str
    text: Message


@dataclass(frozen=True, slots=True)
class Alternative:
    """What the same facts give under another cause."""

    cause: Cause
    refund_fen: int


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A quote. The lines add up to ``refund_fen``; ``digest`` names exactly what was shown."""

    cause: Cause
    lines: tuple[WorksheetLine, ...]
    notes: tuple[Note, ...]
    alternatives: tuple[Alternative, ...]
    rulebook: str
    rulebook_digest: str
    digest: str

    @property
    def refund_fen(self) -> int:
        """What comes back in all, in fen."""
        return sum(line.amount_fen for line in self.lines)

    @property
    def principal_fen(self) -> int:
        """The part that was paid in (never more than that): overcharge and principal, without interest and costs."""
        return sum(line.amount_fen for line in self.lines if line.part is not Part.EXTRA)
