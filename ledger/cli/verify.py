"""``custody verify``: recompute every sum and counter of the books, and say whether all of it holds."""

from typing import Any

import click

from ledger.books.transaction import snapshot
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer, say
from ledger.cli.postgres import open_books
from ledger.reports import verify as report
from ledger.reports.verify import Verification
from ledger.settings import read_settings
from ledger.terms.journal import Violation

COUNTS = ("institutions", "entries", "transfers", "blocks", "unsealed")


@click.command()
@edge.as_json_option
def verify(as_json: bool) -> int:
    """Check every promise of the books from the journal up. Exit 1: one does not hold; the first fault is named."""
    with open_books(read_settings()) as engine, snapshot(engine) as conn:
        found = report.verify(conn)
    answer(verification_as_json(found), as_json, print_verification)
    if found.first_fault is None:
        return 0
    say(edge.visible(_told(found.first_fault)))
    return REFUSED


def verification_as_json(found: Verification) -> dict[str, Any]:
    """Counts, each promise with how many things were checked, and the faults (at most 20 of each promise)."""
    fault = found.first_fault
    return {
        "ok": fault is None,
        **{name: getattr(found, name) for name in COUNTS},
        "promises": [
            {
                "promise": promise.name,
                "checked": promise.checked,
                "faults": [_fault(violation) for violation in promise.violations],
            }
            for promise in found.promises
        ],
        "first_fault": None if fault is None else _fault(fault),
    }


def _fault(violation: Violation) -> dict[str, Any]:
    """Expected and found are fen, hundredths of hours or counts, as the promise says."""
    return {
        "promise": violation.promise,
        "where": violation.where,
        "expected": violation.expected_fen,
        "found": violation.found_fen,
    }


def _told(violation: Violation) -> str:
    expected, found = violation.expected_fen, violation.found_fen
    return f"{violation.promise}: {violation.where}: expected {expected}, found {found}"


def print_verification(shown: dict[str, Any]) -> None:
    """What there is, then each promise."""
    click.echo(", ".join(f"{shown[name]} {name}" for name in COUNTS))
    rows = [[one["promise"], one["checked"], len(one["faults"]) or "holds"] for one in shown["promises"]]
    edge.print_table(["promise", "checked", "faults"], rows, right=["checked"])
