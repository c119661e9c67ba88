"""``custody match announce``: the institution's list of payments, or a provider's settlement report."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ledger.cli import edge
from ledger.cli.main import REFUSED, UNUSABLE, answer, language, say
from ledger.cli.postgres import open_books
from ledger.errors import Outcome, Result, message
from ledger.flows import announced_payment as flow
from ledger.formats.announcement_sheet import BYTES_MAX, read_announcements
from ledger.settings import read_settings
from ledger.terms.announced_payment import AnnouncedPayment
from ledger.terms.rulebook import Finding

SAID_MAX = 20  # lines of refusals and faults that are told; --json has all of them


@click.group()
def match() -> None:
    """Payments that were announced, and the bank lines they are."""


@match.command()
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--institution", "code", required=True, metavar="CODE", help="Whose contracts were paid.")
@edge.actor_option()
@edge.as_json_option
def announce(file: Path, code: str, actor: str | None, as_json: bool) -> int:
    """Record announced payments from a CSV (payment, contract, amount, paid_on; fee, reference, batch, payer_name,
    payer_account, payer_bank). No money moves by it. A file with a fault records nothing.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    payments, findings = read_announcements(edge.read_file(file, BYTES_MAX), file.name)
    outcomes: list[Outcome] = []
    if not findings:
        with open_books(settings) as engine:
            vault = edge.open_vault(settings, engine)
            with engine.begin() as conn:
                (institution,) = edge.institutions(conn, code)
                outcomes = flow.announce(conn, vault, institution.institution_id, payments, actor, now)
    shown = shape(file.name, payments, outcomes, findings)
    answer(shown, as_json, print_counts)
    for one in [*shown["faults"], *shown["refused"]][:SAID_MAX]:
        say(edge.visible(f"{file.name} line {one['line']}, {one['field']}: {one['message']} ({one['code']})"))
    if findings:
        return UNUSABLE
    return REFUSED if shown["refused"] else 0


def shape(
    name: str, payments: Sequence[AnnouncedPayment], outcomes: Sequence[Outcome], findings: Sequence[Finding]
) -> dict[str, Any]:
    """Counts, and what was refused or cannot be read, by line."""
    judged = list(zip(payments, outcomes, strict=False))
    return {
        "file": name,
        "rows": len(payments),
        "announced": sum(outcome.result is Result.DONE for outcome in outcomes),
        "already": sum(outcome.result is Result.REPLAYED for outcome in outcomes),
        "refused": [
            {"payment": payment.payment_no, **_told(payment.line, one.field, one.code)}
            for payment, one in judged
            if not one.accepted
        ],
        "faults": [_told(finding.line, finding.key, finding.reason) for finding in findings],
    }


def _told(line: int | None, field: str, code: str) -> dict[str, Any]:
    return {"line": line, "field": field, "code": code, "message": message(code, language())}


def print_counts(shown: dict[str, Any]) -> None:
    """One line."""
    if shown["faults"]:
        click.echo(f"{shown['file']}: {len(shown['faults'])} faults, nothing recorded")
        return
    click.echo(f"{shown['file']}: {shown['announced']} announced, {shown['already']} known before, "
               f"{len(shown['refused'])} refused")  # fmt: skip
