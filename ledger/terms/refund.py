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
    """The last day of the contract, and the last day the institution still served where it stopped before that."""

    last_on: date
    stopped_on: date | None = None

    @property
    def through_on(self) -> date:
        """The last day that counts as served."""
        return self.last_on if self.stopped_on is None else min(self.last_on, self.stopped_on)


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
class InterestRate:
    """A yearly rate in percent and where it stands: the contract, the bank, or a publication with its day."""

    percent: Fraction
    source: str


@dataclass(frozen=True, slots=True)
class InterestTerms:
    """The rates that may apply, and the days interest runs: from the end of the contract (art. 17).

    ``account`` is the custody account's own rate, given where the parent asks for it.
    """

    from_on: date
    until_on: date
    year_days: int
    agreed: InterestRate | None = None
    account: InterestRate | None = None
    lpr: InterestRate | None = None
    deposit: InterestRate | None = None


@dataclass(frozen=True, slots=True)
class DisputedHours:
    """Hours (hundredths) among those used that the family disputes; ``ref`` names the lesson."""

    ref: str
    hours: int


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
    disputed: tuple[DisputedHours, ...] = ()


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
class DisputedPart:
    """What disputed hours add to the refund when they too are decided for the family, after those before them."""

    ref: str
    hours: int
    adds_fen: int


@dataclass(frozen=True, slots=True)
class Worksheet:
    """A quote. The lines add up to ``refund_fen``; ``digest`` names exactly what was shown.

    ``refund_fen`` is undisputed: disputed hours count as taught in it, and ``disputed`` says what each would add.
    """

    cause: Cause
    lines: tuple[WorksheetLine, ...]
    notes: tuple[Note, ...]
    alternatives: tuple[Alternative, ...]
    rulebook: str
    rulebook_digest: str
    digest: str
    disputed: tuple[DisputedPart, ...] = ()

    @property
    def refund_fen(self) -> int:
        """What comes back in all, in fen."""
        return sum([line.amount_fen for line in self.lines])

    def part_fen(self, part: Part) -> int:
        """What the lines of one part come to, in fen."""
        return sum([line.amount_fen for line in self.lines if line.part is part])

    @property
    def disputed_fen(self) -> int:
        """What comes on top when every disputed hour is decided for the family, in fen."""
        return sum([part.adds_fen for part in self.disputed])

    @property
    def principal_fen(self) -> int:
        """The part that was paid in (never more than that): overcharge and principal, without interest and costs."""
        return sum([line.amount_fen for line in self.lines if line.part is not Part.EXTRA])
