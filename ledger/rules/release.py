"""How much of a contract may have been released by a day (六部门教监管函〔2021〕2号, and the places' own modes).

Every mode answers in class hours; the amount follows by the running total of ``posting.hours_released``, so that what
is left of the claim is always the price of the hours that were not released.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from math import floor

from ledger.rules.calendar import add_months, is_working_day
from ledger.terms.calendar import CalendarDays
from ledger.terms.contract import ContractBalance
from ledger.terms.release import FundPosition, ReleaseFacts, ReleaseMode, ReleaseTerms
from ledger.terms.rulebook import Rulebook

_DAY = timedelta(days=1)


def terms(rulebook: Rulebook) -> ReleaseTerms:
    """The release terms in force for a place on the rulebook's day. Raises BadInput RULE_MISSING for a mode without
    its own key; where no mode is set, hours are released one by one. The balance floor holds unless a place lets the
    institution have a share ahead, or says so; a dispute stops the clock unless a place says that it does not.
    """
    mode = ReleaseMode.PER_HOUR if rulebook.find("release.mode") is None else ReleaseMode(rulebook.text("release.mode"))
    by_months = mode is ReleaseMode.PERIODIC and rulebook.find("release.period_days") is None
    by_months = by_months and rulebook.find("release.period_months") is not None
    set_points = None if mode is not ReleaseMode.MILESTONES else rulebook.find("release.milestone_points")
    set_ahead, set_floor = rulebook.find("release.ahead_percent_max"), rulebook.find("release.balance_floor")
    set_clock = rulebook.find("release.dispute_stops_clock")
    ahead = Fraction(0) if set_ahead is None else rulebook.percent("release.ahead_percent_max")
    return ReleaseTerms(
        mode=mode,
        period_days=rulebook.whole("release.period_days") if mode is ReleaseMode.PERIODIC and not by_months else 0,
        milestones=rulebook.percents("release.milestones") if mode is ReleaseMode.MILESTONES else (),
        after_order_working_days=(
            rulebook.whole("release.after_order_working_days") if mode is ReleaseMode.AFTER_ORDER else 0
        ),
        ahead_percent_max=ahead,
        balance_floor=not ahead if set_floor is None else rulebook.flag("release.balance_floor"),
        period_months=rulebook.whole("release.period_months") if by_months else 0,
        milestone_points=() if set_points is None else rulebook.percents("release.milestone_points"),
        dispute_stops_clock=set_clock is None or rulebook.flag("release.dispute_stops_clock"),
    )


def hours_to_release(by: ReleaseTerms, facts: ReleaseFacts, today: date, calendar: CalendarDays) -> int:
    """The hours (hundredths) to release on the legal day ``today``; never more than were confirmed."""
    through = {
        ReleaseMode.PER_HOUR: _per_hour,
        ReleaseMode.PERIODIC: _periodic,
        ReleaseMode.MILESTONES: _milestones,
        ReleaseMode.AFTER_ORDER: _after_order,
    }[by.mode](by, facts, today, calendar)
    return max(min(through, facts.hours_confirmed) - facts.hours_released, 0)


def _per_hour(_by: ReleaseTerms, facts: ReleaseFacts, _today: date, _calendar: CalendarDays) -> int:
    """One lesson, one write-off: every confirmed hour (national platform's notices to parents)."""
    return facts.hours_confirmed


def _periodic(by: ReleaseTerms, facts: ReleaseFacts, today: date, _calendar: CalendarDays) -> int:
    """All confirmed hours, once the oldest has waited the period (Xiamen 2021-11: 一周一结, within 7 days; Yanhu: a
    month).
    """
    if facts.waiting_since is None:
        return facts.hours_released
    if today < add_months(facts.waiting_since, by.period_months) + by.period_days * _DAY:
        return facts.hours_released
    return facts.hours_confirmed


def _milestones(by: ReleaseTerms, facts: ReleaseFacts, _today: date, _calendar: CalendarDays) -> int:
    """30/30/40 at thirds of the order's hours (Tianjin Binhai 2021-09): the shares of the parts that are complete."""
    if facts.hours_confirmed >= facts.hours_total:
        return facts.hours_total
    parts = len(by.milestones)
    points = by.milestone_points or [Fraction(n + 1, parts) for n in range(parts)]
    reached = sum(facts.hours_confirmed >= point * facts.hours_total for point in points)
    return floor(facts.hours_total * sum(by.milestones[:reached], Fraction(0)) / 100)


def _after_order(by: ReleaseTerms, facts: ReleaseFacts, today: date, calendar: CalendarDays) -> int:
    """The whole order within so many working days after its last lesson is written off (Wuhu 2022-01: 15).

    A refund request or a dispute stops the clock (Wuhu too): its working days do not count, and nothing leaves while
    it is open.
    """
    stops = facts.stops if by.dispute_stops_clock else ()
    if facts.hours_confirmed < facts.hours_total or facts.last_hour_on is None:
        return facts.hours_released
    if any(last is None for _, last in stops):
        return facts.hours_released
    day, counted = facts.last_hour_on, 0
    while day < today and counted < by.after_order_working_days:
        day += _DAY
        counted += is_working_day(day, calendar) and not _stopped(day, stops)
    return facts.hours_total if counted >= by.after_order_working_days else facts.hours_released


def _stopped(day: date, stops: Sequence[tuple[date, date | None]]) -> bool:
    return any(first <= day and (last is None or day <= last) for first, last in stops)


def ahead_fen(by: ReleaseTerms, paid_fen: int) -> int:
    """What of a payment may go to the institution before teaching, where the rulebook names a share; cut to the fen.

    None where the balance floor holds: it would keep that very money in the account.
    """
    return 0 if by.balance_floor else floor(paid_fen * by.ahead_percent_max / 100)


def due_allowed_fen(by: ReleaseTerms, contract: ContractBalance) -> int:
    """What of a contract's due the rulebook lets the institution have: it is no shortfall and is not set off."""
    return min(contract.due_fen, ahead_fen(by, contract.paid_fen - contract.refunded_fen))


def payout_room_fen(position: FundPosition, free_fen: int) -> int:
    """What may be paid out of ``free_fen`` earned: never below the balance floor (Jiangsu: 苏教监管函〔2022〕7号).

    Bank less in transit covers all claims and refunds owed, but for what the rulebook lets the institution have ahead.
    """
    covered = position.claim_fen + position.refund_due_fen - position.ahead_fen
    return max(min(free_fen, position.bank_fen - position.in_transit_fen - covered), 0)
