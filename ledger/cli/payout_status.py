"""``custody payout status``: a bank's report on a batch (pain.002) into the books."""

from pathlib import Path
from typing import Any, Final

import click

from ledger import faults
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer, language
from ledger.cli.payout import payout
from ledger.cli.postgres import open_books
from ledger.flows import payout_status as flow
from ledger.flows.payout_status import StatusTaken
from ledger.formats import pain002
from ledger.settings import read_settings
from ledger.terms.payout_status import StatusReason, StatusReport, StatusStep, StepKind
from ledger.terms.rulebook import NATION

__all__ = ["payout"]  # the group of ledger.cli.payout, with this command beside the others

# Room for a report of 100,000 payments.
BYTES_MAX: Final = 200_000_000


@payout.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def status(file: Path, actor: str | None, rulebook_dir: Path | None, as_json: bool) -> int:
    """Take a bank's pain.002 FILE on a batch: states move forward, what was rejected is owed again.

    Status is no money: only the bank's statement books a payment. Exit 1: the report contradicts what is known, or
    names payments nobody sent. The same file again changes nothing.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    raw = edge.read_file(file, BYTES_MAX)
    report = pain002.read(raw)
    calendar = edge.load_law(rulebook_dir).calendar(NATION)
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            taken = flow.take(conn, vault, report, raw, calendar, actor, now)
            faults.reach("before_status_commit")
    shown = taken_as_json(edge.visible(str(file)), report, taken)
    answer(shown, as_json, print_taken)
    if not taken.outcome.accepted:
        edge.say_refusal(report.original_message_id, taken.outcome)
        return REFUSED
    return REFUSED if taken.steps.unknown or taken.steps.counts[StepKind.CONTRADICTS] else 0


def taken_as_json(name: str, report: StatusReport, taken: StatusTaken) -> dict[str, Any]:
    """The report and what it did. ``payments``: what it says of each, in the batch's order; ``unknown``: never sent."""
    return {
        "file": name,
        "message_id": report.message_id,
        "original_message_id": report.original_message_id,
        "state": None if report.state is None else report.state.value,
        "steps": {kind.value: count for kind, count in taken.steps.counts.items()},
        "payments": [_step_as_json(step) for step in taken.steps.steps],
        "unknown": list(taken.steps.unknown),
        "breaks": taken.breaks,
        "result": taken.outcome.result.value,
        "code": taken.outcome.code,
    }


def _step_as_json(step: StatusStep) -> dict[str, Any]:
    return {
        "end_to_end_id": step.end_to_end_id,
        "before": None if step.before is None else step.before.value,
        "state": step.state.value,
        "kind": step.kind.value,
        "reasons": [_reason_as_json(reason) for reason in step.reasons],
    }


def _reason_as_json(reason: StatusReason) -> dict[str, str]:
    """``text``: what the bank wrote; ``words``: what the code means, in the language of messages."""
    return {"code": reason.code, "text": reason.text, "words": pain002.reason_text(reason.code, language())}


def print_taken(shown: dict[str, Any]) -> None:
    """Counts first, then every payment that moved or contradicts, with the bank's reasons."""
    counts = ", ".join(f"{count} {kind}" for kind, count in shown["steps"].items())
    click.echo(f"{shown['original_message_id']}: {shown['state'] or '-'}: {counts}")
    rows = [
        [one["end_to_end_id"], one["before"] or "-", one["state"], one["kind"], _said(one["reasons"])]
        for one in shown["payments"]
        if one["kind"] in (StepKind.FORWARD, StepKind.CONTRADICTS)
    ]
    if rows:
        edge.print_table(["payment", "before", "state", "kind", "why"], rows)
    if shown["unknown"]:
        click.echo(edge.visible(f"never sent: {', '.join(shown['unknown'])}"))


def _said(reasons: list[dict[str, str]]) -> str:
    return "; ".join(" ".join(filter(None, (one["code"], one["words"], one["text"]))) for one in reasons)
