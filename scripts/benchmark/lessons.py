"""Lessons of the bench's contracts: sheets as institutions hand them in, and the flow that records them."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Final

from sqlalchemy import Engine

from ledger.cli import edge
from ledger.errors import Result
from ledger.flows import lesson as flow
from ledger.formats.lesson_sheet import BYTES_MAX, COLUMNS, ROWS_MAX, read_lesson_sheet
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.lesson_sheet import LessonSheet
from ledger.terms.rulebook import Rulebook
from scripts.benchmark.world import NUMBER, PLACE, contract_no

MONTHLY: Final = 10  # lessons of a contract in a month

Law = tuple[Rulebook, CalendarDays]


def law_on(now: datetime) -> Law:
    """What holds for the institution at an instant."""
    rulebooks = edge.load_law(None)
    return rulebooks.in_force(PLACE, "", shanghai_day(now)), rulebooks.calendar(PLACE)


def sheets(lessons: int, now: datetime) -> Iterator[bytes]:
    """A month's lessons as CSV files of at most 10,000: a file holds the month of some contracts, day by day."""
    last = shanghai_day(now)
    days = [last - timedelta(days=MONTHLY - 1 - n) for n in range(MONTHLY)]
    at_once = ROWS_MAX // MONTHLY
    for start in range(0, lessons // MONTHLY, at_once):
        yield _sheet(range(start, min(start + at_once, lessons // MONTHLY)), days)


def _sheet(contracts: Sequence[int], days: Sequence[date]) -> bytes:
    rows = [
        f"{day:%Y%m%d},{contract_no(number)},{day},16:00,45,1.00,王老师,二号教室,offline,present"
        for day in days
        for number in contracts
    ]
    return "\n".join([",".join(COLUMNS), *rows, ""]).encode()


def read(path: Path) -> LessonSheet:
    """A sheet as the edge reads it; ours has no faults. Raises RuntimeError where it has."""
    found = read_lesson_sheet(edge.read_file(path, BYTES_MAX), path.name)
    if found.fault_count:
        raise RuntimeError(f"the bench's own sheet has faults: {found.faults[0]}")
    return found


def record(engine: Engine, found: LessonSheet, law: Law, now: datetime) -> None:
    """Record a sheet in a transaction. Raises RuntimeError where a row is not accepted as new."""
    with engine.begin() as conn:
        outcomes = flow.record_rows(conn, NUMBER, found.rows, *law, "clerk:li", now)
    refused = next((outcome for outcome in outcomes if outcome.result is not Result.DONE or outcome.detail), None)
    if refused is not None:
        raise RuntimeError(f"the bench's own lesson was not recorded as it should: {refused}")
