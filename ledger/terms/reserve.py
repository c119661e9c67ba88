"""Risk reserves: what a formula needs to know and what it gives."""

from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Final

MONTHS_OF_A_CHARGE: Final = 3  # one charging period, the longest a charge may be for


@dataclass(frozen=True, slots=True)
class ReserveRule:
    """A formula by name with its parameters (amounts in fen, shares in percent); None where the rulebook sets none.

    ``student_tiers``: (pupils from which it holds, amount), ascending. ``issuer_percents``: kind of issuer and its
    percentage. ``young_...``: what holds for an institution in its first year instead. ``rolling_months``: how far back
    recent payments go.
    """

    formula: str
    percent: Fraction | None = None
    floor_fen: int | None = None
    start_fen: int | None = None
    special_line_percent: Fraction | None = None
    special_line_max_fen: int | None = None
    student_tiers: tuple[tuple[int, int], ...] = ()
    outflow_multiple: int | None = None
    issuer_percents: tuple[tuple[str, Fraction], ...] = ()
    young_start_fen: int | None = None
    young_percent: Fraction | None = None
    balance_max_percent: Fraction | None = None
    young_balance_max_multiple: int | None = None
    rolling_months: int = MONTHS_OF_A_CHARGE


@dataclass(frozen=True, slots=True)
class ReserveFacts:
    """What is known of an institution, in fen; None where it is not known.

    ``undelivered_fen``: paid for and not yet taught; ``balance_fen``: prepaid balance reckoned for the
    duty; ``recent_payments_fen``: paid in over the rolling months of the place; ``period_receipts_fen``:
    one charging period of all students; ``under_one_year``: opened less than a year ago; ``opening_funds_fen``
    and ``capital_fen``: what it began with, and its paid-in capital; ``issuer_kind``: large, group or brand.
    """

    undelivered_fen: int | None = None
    balance_fen: int | None = None
    last_quarter_balance_fen: int | None = None
    last_year_receipts_fen: int | None = None
    last_year_income_fen: int | None = None
    recent_payments_fen: int | None = None
    period_receipts_fen: int | None = None
    students: int | None = None
    under_one_year: bool | None = None
    opening_funds_fen: int | None = None
    capital_fen: int | None = None
    issuer_kind: str | None = None


@dataclass(frozen=True, slots=True)
class EnteredFacts:
    """What the books cannot know of an institution by themselves, entered from a document; None where it was not.

    Amounts in fen. ``last_year_income_fen``: of the audited accounts; without it the receipts of twelve months stand
    for it.
    """

    opened_on: date | None = None
    opening_funds_fen: int | None = None
    capital_fen: int | None = None
    last_year_income_fen: int | None = None
    issuer_kind: str | None = None


@dataclass(frozen=True, slots=True)
class Requirement:
    """The reserve required. ``base_fen`` x ``percent`` gave it unless ``floor_holds``."""

    required_fen: int
    formula: str
    base_fen: int
    percent: Fraction
    floor_holds: bool


@dataclass(frozen=True, slots=True)
class FundPosition:
    """Sums of one fund in fen: custody funds lend their cash, the institution's own hands only owe."""

    is_custody: bool
    claim_fen: int
    refund_due_fen: int
    due_fen: int


@dataclass(frozen=True, slots=True)
class ReserveFigures:
    """What the books say of an institution at the end of a day, in fen. ``custody_fen``: cash in its custody accounts;
    ``held_fen``: what its reserve accounts hold as reserve. ``on``: that accounting day; ``entered``: what was entered
    of it by then.
    """

    institution_id: int
    facts: ReserveFacts
    funds: tuple[FundPosition, ...]
    held_fen: int
    custody_fen: int
    on: date
    entered: EnteredFacts | None = None


@dataclass(frozen=True, slots=True)
class ReserveLine:
    """One institution in the reserve report. ``requirement`` None: its mode asks for no reserve.

    ``coverage``: 1 = whole, None where nothing is owed. ``rulebooks``: the files decided under, widest place first.
    """

    code: str
    name: str
    place: str
    zone: str
    mode: str
    requirement: Requirement | None
    held_fen: int
    coverage: Fraction | None
    claim_fen: int
    refund_due_fen: int
    due_fen: int
    custody_fen: int
    students: int
    rulebooks: tuple[str, ...]
    rulebook_digest: str

    @property
    def required_fen(self) -> int:
        """The reserve required; 0 where none is."""
        return 0 if self.requirement is None else self.requirement.required_fen

    @property
    def lacking_fen(self) -> int:
        """What the reserve lacks."""
        return max(self.required_fen - self.held_fen, 0)
