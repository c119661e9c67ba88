"""Government-guided prices: the printed tables and the verdict on a price."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from fractions import Fraction
from uuid import UUID

DATE_UNKNOWN = "date unknown"


class Stage(StrEnum):
    COMPULSORY = "compulsory"
    SENIOR_HIGH = "senior_high"


class Category(StrEnum):
    ACADEMIC = "academic"
    NON_ACADEMIC = "non_academic"


class Mode(StrEnum):
    ONLINE = "online"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class PriceCap:
    """One row of a place's price table.

    ``band`` is the printed text; only ``size_min`` and ``size_max`` (pupils, both ends in, None = open)
    decide. ``base_fen`` is for ``standard_minutes`` (None: the national length of the mode).
    ``starts_text`` is the printed effective date, "" where the source shows none.
    """

    place_name: str
    stage: Stage
    category: Category
    mode: Mode
    band: str
    size_min: int | None
    size_max: int | None
    base_fen: int
    standard_minutes: int | None
    float_percent: Fraction
    starts_on: date | None
    starts_text: str
    ends_on: date | None
    source: str
    confidence: str

    def covers(self, class_size: int) -> bool:
        """Whether a class of that many pupils lies in the band."""
        return (self.size_min or 0) <= class_size and (self.size_max is None or class_size <= self.size_max)


@dataclass(frozen=True, slots=True)
class CapTable:
    """The rows of one rulebook file, in force from ``effective_on``."""

    place: str
    zone: str
    effective_on: date
    file: str
    rows: tuple[PriceCap, ...]

    def as_of_old(self) -> "CapTable":
        """The latest rows per stage and mode, as if they had always been in force and never ended."""
        latest: dict[tuple[Stage, Category, Mode], date] = {}
        for row in self.rows:
            kind, start = (row.stage, row.category, row.mode), row.starts_on or self.effective_on
            latest[kind] = max(start, latest.get(kind, start))
        rows = tuple(
            replace(row, starts_on=None, ends_on=None)
            for row in self.rows
            if (row.starts_on or self.effective_on) == latest[row.stage, row.category, row.mode]
        )
        return replace(self, effective_on=date.min, rows=rows)


@dataclass(frozen=True, slots=True)
class Course:
    """What is sold: ``price_fen`` for one lesson of ``minutes`` in a class of ``class_size`` pupils."""

    stage: Stage
    category: Category
    mode: Mode
    class_size: int
    minutes: int
    price_fen: int


class Verdict(StrEnum):
    WITHIN_CAP = "within_cap"
    ABOVE_CAP = "above_cap"
    NO_CAP_SET = "no_cap_set"
    NOT_CAPPED = "not_capped"


@dataclass(frozen=True, slots=True)
class CappedPrice:
    """One row's cap for a course: fen for one lesson, cut to whole fen."""

    row: PriceCap
    file: str
    cap_fen: int


@dataclass(frozen=True, slots=True)
class PriceVerdict:
    """The answer. ``holds`` is the row that decides, ``cited`` every row that covers the class size, lowest cap first.

    ``reason`` is a code: WITHIN_CAP, ABOVE_CAP, SIZE_NOT_COVERED, NO_TABLE, NON_ACADEMIC.
    """

    verdict: Verdict
    reason: str
    excess_fen: int = 0
    holds: CappedPrice | None = None
    cited: tuple[CappedPrice, ...] = ()


@dataclass(frozen=True, slots=True)
class FeeLine:
    """Something charged besides the training fee: ``name`` as the institution calls it, like books or materials."""

    name: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class ContractPrice:
    """What the price rules see of a signed contract. ``course.price_fen`` is the published price of one lesson.

    ``price_fen`` is the price in force on the day asked for, ``list_price_fen`` for one class hour; hours in
    hundredths. ``rulebook_digest``: what it was signed under.
    """

    institution: str
    place: str
    zone: str
    contract_id: UUID
    contract_no: str
    course_id: UUID
    course_code: str
    course: Course
    price_fen: int
    list_price_fen: int | None
    hours_bought: int
    hours_gifted: int
    signed_on: date
    rulebook_digest: str

    @property
    def unit_fen(self) -> Fraction:
        """Fen for one class hour, gifts counted: what was charged, never rounded."""
        return Fraction(self.price_fen * 100, self.hours_bought + self.hours_gifted)


@dataclass(frozen=True, slots=True)
class ContractVerdict:
    """The verdict on one lesson of a contract, and the excess over the whole contract in fen."""

    contract: ContractPrice
    verdict: PriceVerdict
    excess_fen: int
    rulebook_digest: str


@dataclass(frozen=True, slots=True)
class FalseListPrice:
    """A list price nobody paid in the days before the promotion.

    ``promotion_on``: the first discounted sale since the list price was last charged, ``last_sale_on``: when that
    was, None where the books know no sale at it.
    """

    contract: ContractPrice
    promotion_on: date
    last_sale_on: date | None
