"""``custody refund``: what comes back when a contract ends."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from ledger.cli.main import answer, language
from ledger.cli.price import rulebook_dirs
from ledger.errors import Message
from ledger.formats.refund_case import read_case
from ledger.formats.rulebook import load_rulebooks
from ledger.money import hours_text, yuan
from ledger.rules import refund as refund_rule
from ledger.terms.calendar import shanghai_day
from ledger.terms.refund import RefundCase, Worksheet, WorksheetLine
from ledger.terms.rulebook import NATION


@click.group()
def refund() -> None:
    """Refunds: a worksheet before anything is asked."""


@refund.command()
@click.option(
    "--case",
    "case_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="One refund case (JSON).",
)
@click.option("--rulebook-dir", type=click.Path(path_type=Path), help="A folder of rulebooks beside the built-in ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def quote(case_file: Path, rulebook_dir: Path | None, as_json: bool) -> int:
    """Reckon the refund of one case, line by line, and what the other causes would give."""
    case = read_case(case_file.read_bytes(), str(case_file))
    rulebooks = load_rulebooks(rulebook_dirs(rulebook_dir))
    place = case.place or NATION
    # A judicial interpretation governs what is decided after it came into force: a case is judged by today's law.
    rulebook = rulebooks.in_force(place, "", shanghai_day(datetime.now(UTC)))
    worksheet = refund_rule.quote(
        case.contract,
        case.used,
        case.cause,
        case.request,
        refund_rule.rules_in_force(rulebook),
        calendar=rulebooks.calendar(place),
        disputed=case.disputed,
    )
    answer(worksheet_as_json(case, worksheet), as_json, print_worksheet)
    return 0


def worksheet_as_json(case: RefundCase, worksheet: Worksheet) -> dict[str, Any]:
    """A quote in the shape of the contract; amounts in yuan, labels and rules in the language of messages."""
    return {
        "case": case.id,
        "cause": worksheet.cause.value,
        "paid": yuan(case.contract.paid_fen),
        "refund": yuan(worksheet.refund_fen),
        "lines": [line_as_json(line) for line in worksheet.lines],
        "alternatives": [
            {"cause": other.cause.value, "refund": yuan(other.refund_fen)} for other in worksheet.alternatives
        ],
        "disputed": [
            {"ref": one.ref, "hours": hours_text(one.hours), "adds": yuan(one.adds_fen)} for one in worksheet.disputed
        ],
        "notes": [{"code": note.code, "text": _said(note.text)} for note in worksheet.notes],
        "rulebook": worksheet.rulebook,
        "rulebook_digest": worksheet.rulebook_digest,
        "digest": worksheet.digest,
    }


def line_as_json(line: WorksheetLine) -> dict[str, Any]:
    """One line of the worksheet."""
    return {
        "code": line.code,
        "part": line.part.value,
        "label": _said(line.label),
        "label_en": line.label.en,
        "label_zh": line.label.zh,
        "formula": line.formula,
        "amount": yuan(line.amount_fen),
        "rule": _said(line.rule),
        "source": line.source,
    }


def print_worksheet(shown: dict[str, Any]) -> None:
    """The worksheet for people: amounts in one column, each with its formula and rule."""
    for line in shown["lines"]:
        click.echo(f"{line['amount']:>14}  {line['label']}")
        click.echo(f"{'':>16}{line['formula']} · {line['rule']}")
    click.echo(f"{shown['refund']:>14}  {_said(Message(en='You get back', zh='可退'))}")
    for other in shown["alternatives"]:
        click.echo(f"{other['refund']:>14}  ({other['cause']})")
    for note in shown["notes"]:
        click.echo(f"- {note['text']}")
    click.echo(f"{shown['rulebook']}  {shown['digest'][:16]}")


def _said(text: Message) -> str:
    return text.zh if language() == "zh" else text.en
