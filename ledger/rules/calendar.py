"""Working days and last days. Civil Code arts. 201 to 203: the first day is not counted, a rest day moves the last."""

from calendar import monthrange
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta

from ledger.terms.calendar import CalendarDays, DayKind, Deadline, OpenDeadline, Side

_DAY = timedelta(days=1)
_SATURDAY = 5


def is_working_day(day: date, calendar: CalendarDays) -> bool:
    """Monday to Friday less holidays plus make-up working days."""
    if day in calendar.workdays:
        return True
    return day.weekday() < _SATURDAY and day not in calendar.holidays


def is_provisional(first: date, last: date, calendar: CalendarDays) -> bool:
    """Whether the span touches a year without an official notice: then only weekends are known."""
    return any(year not in calendar.noticed_years for year in range(first.year, last.year + 1))


def add_working_days(start: date, days: int, calendar: CalendarDays) -> Deadline:
    """The ``days``-th working day after ``start``; the day of ``start`` is not counted, 0 is ``start`` itself."""
    if days < 0:
        raise ValueError("working days are counted forward")
    day = start
    for _ in range(days):
        day += _DAY
        while not is_working_day(day, calendar):
            day += _DAY
    return Deadline(day, is_provisional(start, day, calendar))


def working_days_after(first: date, last: date, calendar: CalendarDays) -> int:
    """How many working days lie after ``first`` up to and including ``last``; 0 where there are none."""
    days = (last - first).days
    return sum(is_working_day(first + n * _DAY, calendar) for n in range(1, days + 1))


def moved_on(last: date, calendar: CalendarDays) -> Deadline:
    """A last day on a statutory rest day moves to the next working day (Civil Code art. 203)."""
    day = last
    while not is_working_day(day, calendar):
        day += _DAY
    return Deadline(day, is_provisional(last, day, calendar))


def deadline(start: date, days: int, kind: DayKind, calendar: CalendarDays) -> Deadline:
    """``days`` after ``start`` counted as ``kind``; a last calendar day on a rest day moves on."""
    if kind is DayKind.WORKING:
        return add_working_days(start, days, calendar)
    return moved_on(start + timedelta(days=days), calendar)


def recomputed(old: Deadline, new: Deadline, binds: Side) -> Deadline:
    """An open deadline after a calendar was loaded.

    It moves only if that is earlier for the institution or later for the parent, so nobody loses by our
    not knowing the notice; either way it is as certain as the new reckoning.
    """
    better = new.on < old.on if binds is Side.INSTITUTION else new.on > old.on
    return Deadline(new.on if better else old.on, new.provisional)


def recomputed_open(open_deadlines: Iterable[OpenDeadline], calendar: CalendarDays) -> list[OpenDeadline]:
    """What becomes of open deadlines when a holiday notice is loaded: those that change, with their new last day.

    Only provisional ones are reckoned again: what rested on a notice stands, whatever is loaded later.
    """
    changed = []
    for one in open_deadlines:
        if one.last.provisional:
            last = recomputed(one.last, deadline(one.start, one.days, one.kind, calendar), one.binds)
            changed += [replace(one, last=last)] if last != one.last else []
    return changed


def days_both_ends(first: date, last: date) -> int:
    """Days of a term with both its ends (SPC interpretation 2025 no. 4, art. 22); 0 where it ends before it begins."""
    return max(0, (last - first).days + 1)


def add_months(day: date, months: int) -> date:
    """The same day ``months`` later (or earlier), the last day of that month where there is no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def months_between(first: date, last: date) -> int | None:
    """Whole months of a term, both ends counted (1 January to 31 March: 3), or None when it is not whole months."""
    months = (last.year - first.year) * 12 + last.month - first.month + 1
    return next((n for n in (months, months - 1) if n > 0 and add_months(first, n) - _DAY == last), None)
