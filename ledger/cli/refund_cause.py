"""``custody refund show|decide-cause|confirm-cause``: a refund with everything that was shown of it, and its cause."""

import hashlib
from pathlib import Path
from typing import Any

import click

from ledger.books import refund as refunds
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer, language
from ledger.cli.postgres import open_books
from ledger.cli.refund_work import of_institution, plain_text, print_refunds, read_rows, refund, refund_id
from ledger.errors import BadInput, Outcome
from ledger.flows import refund_cause as flow
from ledger.money import hours_text, yuan
from ledger.settings import read_settings
from ledger.terms.refund import Cause
from ledger.terms.refund_request import CauseDecision

__all__ = ["refund"]  # the group, with these commands beside the others

EVIDENCE_BYTES_MAX = 100_000_000
_CAUSES = click.Choice([cause.value for cause in Cause])


@refund.command("decide-cause")
@click.argument("refund_text", metavar="REFUND")
@of_institution
@click.option("--cause", "cause_text", required=True, type=_CAUSES, help="On whose account the contract ends.")
@click.option("--office", required=True, help="The competent office that decided.")
@click.option("--evidence", required=True, help="On what evidence, in words.")
@click.option("--evidence-file", type=click.Path(path_type=Path), help="The document; its SHA-256 is kept.")
@edge.actor_option(required=True)
@edge.as_json_option
def decide_cause(
    refund_text: str, code: str, cause_text: str, office: str, evidence: str, evidence_file: Path | None, actor: str,
    as_json: bool,
) -> int:  # fmt: skip
    """Enter what the competent office decided of a contested cause. It counts once a second person confirms it."""
    for field, said in (("--office", office), ("--evidence", evidence)):
        if not plain_text(said, field).strip():
            raise BadInput("EMPTY_CELL", field=field)
    digest = None
    if evidence_file is not None:
        digest = hashlib.sha256(edge.read_file(evidence_file, EVIDENCE_BYTES_MAX)).digest()
    settings = read_settings()
    now, actor, wanted = edge.now(settings), edge.actor_name(actor), refund_id(refund_text)
    decided = flow.CauseDecided(wanted, Cause(cause_text), office.strip(), evidence.strip(), digest, actor)
    with open_books(settings) as engine, engine.begin() as conn:
        (institution,) = edge.institutions(conn, code)
        outcomes = flow.decide(conn, institution.institution_id, [decided], now)
        found = refunds.decisions(conn, institution.institution_id, [wanted])
    return _told(refund_text, outcomes, {"decisions": [_decision(one) for one in found]}, as_json, print_decisions)


@refund.command("confirm-cause")
@click.argument("refund_text", metavar="REFUND")
@of_institution
@edge.actor_option(required=True)
@edge.as_json_option
def confirm_cause(refund_text: str, code: str, actor: str, as_json: bool) -> int:
    """A second person confirms the decision on a cause: its sheet counts from now on, and the refund is agreed."""
    settings = read_settings()
    now, actor, wanted = edge.now(settings), edge.actor_name(actor), refund_id(refund_text)
    with open_books(settings) as engine, engine.begin() as conn:
        (institution,) = edge.institutions(conn, code)
        outcomes = flow.confirm(conn, institution.institution_id, [wanted], actor, now)
        rows = read_rows(conn, institution, [wanted])
    return _told(refund_text, outcomes, {"refunds": rows}, as_json, print_refunds)


@refund.command()
@click.argument("refund_text", metavar="REFUND")
@of_institution
@edge.as_json_option
def show(refund_text: str, code: str, as_json: bool) -> int:
    """One refund: every line with its rule, who pays each part, what the other causes give, hours in dispute, dates."""
    wanted = refund_id(refund_text)
    with open_books(read_settings()) as engine, engine.connect() as conn:
        (institution,) = edge.institutions(conn, code)
        number = institution.institution_id
        rows = read_rows(conn, institution, [wanted])
        if not rows:
            raise BadInput("UNKNOWN_REFUND", field="REFUND", value=edge.visible(refund_text))
        kept = refunds.worksheets(conn, number, [wanted])[wanted]
        dates = refunds.dates(conn, number, [wanted]).get(wanted, [])
        decisions = refunds.decisions(conn, number, [wanted])
    shown = rows[0] | _sheet_as_json(kept) | {
        "alternatives": [{"cause": one["cause"], **_sheet_as_json(one)} for one in kept["alternatives"]],
        "dates": [_said(one, "label") for one in dates],
        "decisions": [_decision(one) for one in decisions],
    }  # fmt: skip
    answer(shown, as_json, print_sheet)
    return 0


def _told(asked: str, outcomes: list[Outcome], shown: dict[str, Any], as_json: bool, human: Any) -> int:
    (outcome,) = outcomes
    result = {"asked": asked, "result": outcome.result.value, "code": outcome.code}
    answer({"results": [result], **shown}, as_json, human)
    if outcome.accepted:
        return 0
    edge.say_refusal(asked, outcome)
    return REFUSED


def _sheet_as_json(kept: dict[str, Any]) -> dict[str, Any]:
    """A kept sheet for outside: yuan as text, words in the language of messages and in both."""
    return {
        "amount": yuan(kept["refund_fen"]),
        "lines": [_money(_said(_said(one, "label"), "rule")) for one in kept.get("lines", [])],
        "disputed": [
            {"lesson": one["lesson"], "hours": hours_text(one["hours"]), "adds": yuan(one["adds_fen"])}
            for one in kept.get("disputed", [])
        ],
        "funding": [_money(one) for one in kept.get("funding", [])],
    }


def _said(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {**row, name: row[f"{name}_{language()}"]}


def _money(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "amount_fen"} | {"amount": yuan(row["amount_fen"])}


def _decision(one: CauseDecision) -> dict[str, Any]:
    return {
        "decision": str(one.decision_id), "cause": one.cause.value, "amount": yuan(one.amount_fen),
        "office": one.office, "evidence": one.evidence, "evidence_sha256": one.evidence_digest,
        "decided_on": one.decided_on.isoformat(), "entered_by": one.entered_by, "confirmed_by": one.confirmed_by,
    }  # fmt: skip


def print_decisions(shown: dict[str, Any]) -> None:
    """A table of decisions on a cause."""
    columns = ("cause", "amount", "office", "evidence", "decided_on", "entered_by", "confirmed_by")
    edge.print_table(columns, [[row[name] for name in columns] for row in shown["decisions"]], right=["amount"])


def print_sheet(shown: dict[str, Any]) -> None:
    """One refund for people: its lines, what else they could come to, who pays, and the dates with their rules."""
    print_refunds({"refunds": [shown]})
    for line in shown["lines"]:
        click.echo(f"{line['amount']:>14}  {line['label']}\n{'':>16}{line['formula']} · {line['rule']}")
    for part in shown["disputed"]:
        click.echo(f"{'+ ' + part['adds']:>14}  ({part['hours']} × {part['lesson']})")
    for other in shown["alternatives"]:
        click.echo(f"{other['amount']:>14}  ({other['cause']})")
    for part in shown["funding"]:
        click.echo(f"{part['amount']:>14}  {part['part']}: {part['payer']}")
    for one in shown["dates"]:
        mark = " ?" if one["provisional"] else ""
        click.echo(f"{one['on']:>14}  {one['label']}{mark} · {one['days']} {one['day_kind']} · {one['source']}")
    if shown["decisions"]:
        print_decisions(shown)
