"""Calendars and interest rates beside the rulebooks: ``calendar-<code or cn>.csv`` and ``rates-cn.csv``."""

from fractions import Fraction
from typing import Final

from ledger.errors import BadInput
from ledger.formats.csv_table import Row, read_table
from ledger.money import fen_from_text
from ledger.terms.calendar import CalendarDays
from ledger.terms.rulebook import Confidence, Finding, Rate

CALENDAR_COLUMNS: Final = ("date", "kind", "name", "source")
RATE_COLUMNS: Final = ("starts_on", "rate", "percent", "source", "confidence")
LPR_1Y, DEPOSIT_1Y = "lpr_1y", "deposit_1y"


def read_calendar(content: bytes, file: str) -> tuple[CalendarDays, list[Finding]]:
    """Days by kind: holiday (off), workday (made up on a weekend), vacation (of the place's schools).

    A year with at least one holiday or workday counts as noticed.
    """
    table = read_table(content, file, CALENDAR_COLUMNS)
    days = {
        kind: frozenset(row.day("date") for row in table.rows if row.cells["kind"].strip() == kind)
        for kind in ("holiday", "workday", "vacation")
    }
    seen: set[tuple[str, str]] = set()
    for row in table.rows:
        kind = row.choice("kind", list(days))
        row.text("source")
        same = (row.cells["date"], "vacation" if kind == "vacation" else "")
        if same in seen:
            row.flaw("date", "RULE_OVERLAP")
        seen.add(same)
    noticed = frozenset(day.year for day in days["holiday"] | days["workday"])
    return CalendarDays(days["holiday"], days["workday"], days["vacation"], noticed), table.findings


def read_rates(content: bytes, file: str) -> tuple[tuple[Rate, ...], list[Finding]]:
    """Published one-year rates, oldest first."""
    table = read_table(content, file, RATE_COLUMNS)
    rates = [
        Rate(
            name=row.choice("rate", (LPR_1Y, DEPOSIT_1Y)),
            starts_on=row.day("starts_on"),
            percent=_percent(row),
            source=row.text("source"),
            confidence=Confidence(row.confidence()),
        )
        for row in table.rows
    ]
    return tuple(sorted(rates, key=lambda rate: (rate.starts_on, rate.name))), table.findings


def _percent(row: Row) -> Fraction:
    try:
        return Fraction(fen_from_text(row.cells["percent"].strip()), 100)
    except BadInput:
        row.flaw("percent", "RULE_NUMBER")
        return Fraction(0)
