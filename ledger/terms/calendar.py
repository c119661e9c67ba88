"""Days of the law: dates in Asia/Shanghai, and what the State Council's yearly notices say of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from enum import StrEnum

# A fixed offset: China has kept no summer time since 1991, and a machine may lack the time zone database.
SHANGHAI = timezone(timedelta(hours=8), "Asia/Shanghai")


def shanghai_time(instant: datetime) -> datetime:
    """An aware instant as the clock on the wall in Shanghai. Raises ValueError for a naive one."""
    if instant.tzinfo is None:
        raise ValueError("an instant needs its time zone")
    return instant.astimezone(SHANGHAI)


def shanghai_day(instant: datetime) -> date:
    """The legal day an aware instant falls on: the one place where an instant becomes a date."""
    return shanghai_time(instant).date()


class DayKind(StrEnum):
    """How a number of days is counted."""

    CALENDAR = "calendar"
    WORKING = "working"


class Side(StrEnum):
    """Whom a deadline binds."""

    INSTITUTION = "institution"
    PARENT = "parent"


@dataclass(frozen=True, slots=True)
class CalendarDays:
    """Days that differ from plain Monday to Friday, and the years whose notice is known.

    ``holidays`` are days off, ``workdays`` make-up working days on a weekend, ``vacations`` school
    vacation days of a place (they matter to lessons, not to working days).
    """

    holidays: frozenset[date] = frozenset()
    workdays: frozenset[date] = frozenset()
    vacations: frozenset[date] = frozenset()
    noticed_years: frozenset[int] = frozenset()


def joined_days(calendars: Iterable[CalendarDays]) -> CalendarDays:
    """The days of several calendars."""
    every = tuple(calendars)
    return CalendarDays(
        holidays=frozenset().union(*(one.holidays for one in every)),
        workdays=frozenset().union(*(one.workdays for one in every)),
        vacations=frozenset().union(*(one.vacations for one in every)),
        noticed_years=frozenset().union(*(one.noticed_years for one in every)),
    )


@dataclass(frozen=True, slots=True)
class Deadline:
    """A last day. ``provisional``: reckoned over a year whose notice is not known yet."""

    on: date
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class OpenDeadline:
    """A deadline that still runs, with what it was reckoned from: ``days`` after ``start``, counted as ``kind``.

    ``ref`` names what it belongs to, any stable text.
    """

    ref: str
    start: date
    days: int
    kind: DayKind
    binds: Side
    last: Deadline
