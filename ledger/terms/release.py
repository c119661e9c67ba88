"""When taught hours become the institution's money: the mode of a contract, and what decides on a day."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction


class ReleaseMode(StrEnum):
    """``per_hour``: on confirmation. ``periodic``: all that was confirmed, every so many days or months.
    ``milestones``: shares of the order at parts of it. ``after_order``: the whole order, some working days after its
    last lesson.
    """

    PER_HOUR = "per_hour"
    PERIODIC = "periodic"
    MILESTONES = "milestones"
    AFTER_ORDER = "after_order"


@dataclass(frozen=True, slots=True)
class ReleaseTerms:
    """What the rulebook in force at signing says of a contract's release; percentages as 12.5 for 12.5 %.

    ``period_days`` or ``period_months``, ``milestones`` and ``after_order_working_days`` belong to their modes;
    ``milestone_points``: the share of the order taught at each milestone, none for equal parts.
    ``ahead_percent_max``: the share of a payment the institution may have before teaching. ``balance_floor``: no payout
    may leave the account with less than all claims and refunds, money released ahead counted in.
    ``dispute_stops_clock``: an open refund request or dispute keeps the whole order back.
    """

    mode: ReleaseMode = ReleaseMode.PER_HOUR
    period_days: int = 0
    milestones: tuple[Fraction, ...] = ()
    after_order_working_days: int = 0
    ahead_percent_max: Fraction = Fraction(0)
    balance_floor: bool = True
    period_months: int = 0
    milestone_points: tuple[Fraction, ...] = ()
    dispute_stops_clock: bool = True


@dataclass(frozen=True, slots=True)
class ReleaseFacts:
    """A contract on the day it is looked at; hours in hundredths, days are legal days.

    ``hours_confirmed``: confirmed by a parent or by silence and free of a hold (not disputed, not at an unlawful time
    without a decision). ``waiting_since``: when the oldest confirmed hour that is not released was confirmed.
    ``last_hour_on``: when the last lesson was taught or confirmed, whichever is later. ``stops``: first and last day
    of each refund request and dispute; no last day while it is open.
    """

    hours_total: int
    hours_released: int
    hours_confirmed: int
    waiting_since: date | None = None
    last_hour_on: date | None = None
    stops: tuple[tuple[date, date | None], ...] = ()


@dataclass(frozen=True, slots=True)
class FundPosition:
    """A custody account when a payout is built, in fen. ``ahead_fen``: dues the rulebook lets the institution have."""

    bank_fen: int
    in_transit_fen: int
    claim_fen: int
    refund_due_fen: int
    ahead_fen: int = 0
