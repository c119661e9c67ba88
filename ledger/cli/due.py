"""``custody due``: what the calendar decides: silent confirmations, releases, deemed agreements, overdue marks."""

from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Engine

from ledger.books.lesson import Cursor
from ledger.cli import edge
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.errors import Result
from ledger.flows import (
    cash,
    lesson,
    lesson_deadline,
    lesson_signal,
    refund,
    refund_deadline,
    refund_dispute,
    release,
)
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.institution import Institution
from ledger.terms.rulebook import Rulebooks

# Lessons confirmed in one transaction: no block waits longer than that.
SET_MAX: Final = 10_000
COUNTS: Final = ("confirmed", "released", "agreed", "overdue", "moved", "cash_late", "signals")


@click.command()
@click.option("--until", "until_text", required=True, metavar="DATE", help="The legal day that has begun, YYYY-MM-DD.")
@edge.institution_option
@edge.rulebook_option
@edge.as_json_option
def due(until_text: str, code: str | None, rulebook_dir: Path | None, as_json: bool) -> int:
    """Do what silence and deadlines decide for every last day before DATE. Safe to run again.

    First open last days are reckoned again with the calendar as it is now. DATE may lie ahead on the embedded server
    alone: real books keep real time.
    """
    settings = read_settings()
    now = edge.now(settings)
    law = edge.load_law(rulebook_dir)
    ahead = settings.database_url is None
    until = edge.day_until(until_text, "--until", date.max if ahead else shanghai_day(now))
    with open_books(settings) as engine:
        with engine.connect() as conn:
            known = edge.institutions(conn, code)
        rows = [_of_institution(engine, institution, law, until, now) for institution in known]
    totals = {name: sum(row[name] for row in rows) for name in COUNTS}
    answer({"until": until.isoformat(), **totals, "institutions": rows}, as_json, print_due)
    return 0


def _of_institution(
    engine: Engine, institution: Institution, law: Rulebooks, until: date, now: datetime
) -> dict[str, Any]:  # fmt: skip
    """One transaction after the other, each safe to run again; how much each did."""
    number = institution.institution_id
    rulebook, calendar = edge.law_of(law, institution, until)
    with engine.begin() as conn:
        moved = lesson_deadline.renew(conn, institution, law, now) + refund_deadline.renew(conn, number, calendar, now)
    confirmed = _confirm_all(engine, number, until, now)
    with engine.begin() as conn:
        released = len(release.due(conn, number, until, calendar, now))
    with engine.begin() as conn:
        released += len(release.ahead(conn, number, now))
    with engine.begin() as conn:
        agreed = sum(one.result is Result.DONE for one in refund.agree_silent(conn, number, until, now))
    with engine.begin() as conn:
        refund_dispute.leave_earned(conn, number, now)
    with engine.begin() as conn:
        overdue = refund.mark_overdue(conn, number, until, now)
        cash_late = cash.mark_late(conn, number, until, now)
        signals = lesson_signal.look(conn, number, rulebook, until, now)
    done = (confirmed, released, agreed, overdue, moved, cash_late, signals)
    return {"institution": institution.code, **dict(zip(COUNTS, done, strict=True))}


def _confirm_all(engine: Engine, number: int, until: date, now: datetime) -> int:
    """Set after set until no lesson is left whose time to answer has run out. How many were confirmed."""
    confirmed = 0
    after: Cursor | None = None
    while True:
        with engine.begin() as conn:
            found = lesson.confirm_silent(conn, number, until, now, SET_MAX, after)
        confirmed += sum(one.result is Result.DONE for one in found.outcomes)
        after = found.last
        if after is None:
            return confirmed


def print_due(shown: dict[str, Any]) -> None:
    """One line per institution where something happened, and the sums."""
    moved = [row for row in shown["institutions"] if any(row[name] for name in COUNTS)]
    rows = [[row["institution"], *(row[name] for name in COUNTS)] for row in moved]
    total = ["all", *(shown[name] for name in COUNTS)]
    edge.print_table(["institution", *COUNTS], [*rows, total], right=COUNTS)
