"""``custody statement``: bank statement files, checked by themselves."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ledger.cli.main import HELD, UNUSABLE, answer, language
from ledger.errors import message
from ledger.formats.bank_profile import find_profile
from ledger.formats.statement import preview
from ledger.terms.currency import amount_text
from ledger.terms.statement import Statement, StatementFile, StatementLine, Verdict

AMOUNTS = {"opening": "opening", "credits": "sum_credits", "debits": "sum_debits", "closing": "closing"}
EXIT_CODES = {Verdict.REJECT: UNUSABLE, Verdict.HOLD: HELD}  # all other verdicts: 0


@click.group()
def statement() -> None:
    """Bank statements: check a file, import files."""


@statement.command()
@click.argument("file")
@click.option(
    "--profile", metavar="NAME", help="Bank profile of a spreadsheet (or a TOML file); absent: the only one that fits."
)
@click.option("--preview", "with_preview", is_flag=True, help="Show which column is what, and the first five lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def check(file: str, profile: str | None, with_preview: bool, as_json: bool) -> int:
    """Judge one statement FILE by itself, without a database: accept, hold, reject or info_only."""
    layout = None if profile is None else find_profile(profile)
    checked, lines = preview(Path(file), file, layout)
    shown = file_as_json(checked)
    if with_preview:
        shown["preview"] = preview_as_json(checked, lines)
    answer(shown, as_json, print_file)
    return EXIT_CODES.get(checked.verdict, 0)


def preview_as_json(checked: StatementFile, lines: Sequence[StatementLine]) -> dict[str, Any]:
    """How the first lines are read. ``profile`` and ``columns`` (our field -> header of the file) of spreadsheets."""
    currency = checked.statements[0].currency if checked.statements else ""
    layout = checked.layout
    return {
        "profile": layout.profile if layout else None,
        "header": layout.header_at if layout else None,
        "columns": dict(layout.columns) if layout else {},
        "lines": [line_as_json(line, currency) for line in lines],
    }


def line_as_json(line: StatementLine, currency: str) -> dict[str, Any]:
    """One line; money that went out is negative."""
    return {
        "ord": line.ord,
        "booked_on": line.booked_on.isoformat() if line.booked_on else None,
        "amount": amount_text(line.amount_fen if line.credit else -line.amount_fen, currency),
        "status": line.status,
        "balance": None if line.balance_fen is None else amount_text(line.balance_fen, currency),
        "bank_ref": line.bank_ref,
        "end_to_end_id": line.end_to_end_id,
        "name": line.counterparty_name,
        "account": line.counterparty_account,
        "memo": line.memo,
    }


def file_as_json(checked: StatementFile) -> dict[str, Any]:
    """A checked file in the shape of the contract: verdict, class, statements with figures, a sentence."""
    return {
        "file": checked.name,
        "verdict": checked.verdict.value,
        "class": checked.class_,
        "statements": [statement_as_json(one) for one in checked.statements],
        "message": sentence(checked),
    }


def statement_as_json(one: Statement) -> dict[str, Any]:
    """One statement; amounts are decimal strings with the currency's digits, a debit balance is negative."""

    def amount(minor: int | None) -> str | None:
        return None if minor is None else amount_text(minor, one.currency)

    return {
        "format": one.format,
        "version": one.version,
        "account": one.account,
        "statement_id": one.statement_id,
        "sequence": one.sequence,
        "currency": one.currency,
        "opening": amount(one.opening_fen),
        "closing": amount(one.closing_fen),
        "entries": one.entries,
        "booked_entries": one.booked_entries,
        "sum_credits": amount(one.sum_credits_fen),
        "sum_debits": amount(one.sum_debits_fen),
        "proved": one.proved,
        "verdict": one.verdict.value,
        "class": one.class_,
    }


def sentence(checked: StatementFile) -> str:
    """What the verdict means, in the language of messages."""
    if checked.fault is not None:
        return checked.fault.text(language())
    if checked.verdict == Verdict.INFO_ONLY:
        return message("STATEMENT_INFO_ONLY", language())
    proved = all(one.proved for one in checked.statements)
    return message("STATEMENT_PROVED" if proved else "STATEMENT_UNPROVED", language())


def print_file(result: dict[str, Any]) -> None:
    """The same for people: the file's verdict and reason, then each statement's figures, amounts flush right."""
    click.echo(_visible(f"{result['file']}: {_judged(result)}"))
    click.echo(_visible(result["message"]))
    for one in result["statements"]:
        number = "" if one["sequence"] is None else f" number {one['sequence']}"
        click.echo()
        click.echo(_visible(f"  {one['account']}  {one['statement_id']}{number}  {_judged(one)}"))
        if one["entries"] is None:
            continue
        amounts = {title: one[key] or "-" for title, key in AMOUNTS.items()}
        width = max(map(len, amounts.values()))
        for title, shown in amounts.items():
            click.echo(f"  {title:<9}{shown:>{width}} {one['currency']}")
        click.echo(f"  {'entries':<9}{one['entries']:>{width}}, {one['booked_entries']} of them booked")
    if "preview" in result:
        _print_preview(result["preview"])


def _print_preview(shown: dict[str, Any]) -> None:
    """Which column is what, then the first lines as they are read."""
    if shown["profile"]:
        click.echo(f"\n  profile {shown['profile']}, header in {shown['header']}")
        for field, header in shown["columns"].items():
            click.echo(_visible(f"  {field:<14}{header}"))
    click.echo()
    for line in shown["lines"]:
        balance = "" if line["balance"] is None else f"  balance {line['balance']}"
        texts = " ".join(filter(None, (line["bank_ref"], line["end_to_end_id"], line["name"], line["memo"])))
        click.echo(_visible(f"  {line['ord']:>4}  {line['booked_on'] or '-'}  {line['amount']:>14}{balance}  {texts}"))


def _judged(result: dict[str, Any]) -> str:
    return f"{result['verdict']} ({result['class']})" if result["class"] else str(result["verdict"])


def _visible(text: str) -> str:
    """Texts of a file must not steer the terminal."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
