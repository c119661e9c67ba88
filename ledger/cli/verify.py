"""``custody verify``: recompute every sum and counter of the books, and say whether all of it holds."""

from itertools import chain
from pathlib import Path
from typing import Any

import click

from ledger.books.transaction import snapshots
from ledger.cli import edge, signing
from ledger.cli.main import REFUSED, answer, say
from ledger.cli.postgres import open_books
from ledger.flows import verify as report
from ledger.flows.verify import Verification
from ledger.settings import read_settings
from ledger.terms.journal import Violation
from ledger.terms.seal import Fault

COUNTS = ("institutions", "entries", "transfers", "blocks", "unsealed", "checkpoints")


@click.command()
@click.option(
    "--anchor", type=click.Path(path_type=Path), help="An anchor file, an export (its folder or manifest) or a proof."
)
@edge.as_json_option
def verify(anchor: Path | None, as_json: bool) -> int:
    """Check anchors, signatures, every block and every promise of the books. Exit 1: something does not hold."""
    settings = read_settings()
    anchors, keys = signing.read_anchors(settings.anchor_file), signing.read_keys(settings.anchor_file)
    if anchor is not None:
        more, more_keys = signing.read_outside(anchor)
        anchors, keys = chain(anchors, more), [*keys, *more_keys]
    with open_books(settings, writing=False) as engine, snapshots(engine) as (conn, beside):
        found = report.verify(conn, anchors, keys, beside)
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
        "faults": [_fault(one) for one in found.faults],
        "first_fault": None if fault is None else _fault(fault),
    }


def _fault(fault: Fault | Violation) -> dict[str, Any]:
    """Expected and found are fen, hundredths of hours or counts, as the promise says."""
    if isinstance(fault, Fault):
        return {"kind": fault.kind, "where": fault.where}
    return {
        "kind": "promise_broken",
        "promise": fault.promise,
        "where": fault.where,
        "expected": fault.expected_fen,
        "found": fault.found_fen,
    }


def _told(fault: Fault | Violation) -> str:
    if isinstance(fault, Fault):
        return f"{fault.kind}: {fault.where}"
    return f"{fault.promise}: {fault.where}: expected {fault.expected_fen}, found {fault.found_fen}"


def print_verification(shown: dict[str, Any]) -> None:
    """What there is, what is wrong with the chain, then each promise."""
    click.echo(", ".join(f"{shown[name]} {name}" for name in COUNTS))
    for fault in shown["faults"]:
        click.echo(edge.visible(f"FAULT  {fault['kind']}: {fault['where']}"))
    rows = [[one["promise"], one["checked"], len(one["faults"]) or "holds"] for one in shown["promises"]]
    edge.print_table(["promise", "checked", "faults"], rows, right=["checked"])
