"""``custody statement``: bank statement files, checked by themselves."""

from pathlib import Path
from typing import Any

import click

from ledger.cli.main import HELD, UNUSABLE, answer, language
from ledger.errors import message
from ledger.formats.statement import read_statement_file
from ledger.terms.currency import amount_text
from ledger.terms.statement import Statement, StatementFile, Verdict

AMOUNTS = {"opening": "opening", "credits": "sum_credits", "debits": "sum_debits", "closing": "closing"}
EXIT_CODES = {Verdict.REJECT: UNUSABLE, Verdict.HOLD: HELD}  # all other verdicts: 0


@click.group()
def statement() -> None:
    """Bank statements: check a file, import files."""


@statement.command()
@click.argument("file")
@click.option(
    "--profile", metavar="NAME", help="Bank profile of a spreadsheet; XML files say themselves what they are."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def check(file: str, profile: str | None, as_json: bool) -> int:  # noqa: ARG001 (XML needs no profile)
    """Judge one statement FILE by itself, without a database: accept, hold, reject or info_only."""
    checked = read_statement_file(Path(file), file)
    answer(file_as_json(checked), as_json, print_file)
    return EXIT_CODES.get(checked.verdict, 0)


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
    return message("STATEMENT_INFO_ONLY" if checked.verdict == Verdict.INFO_ONLY else "STATEMENT_PROVED", language())


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


def _judged(result: dict[str, Any]) -> str:
    return f"{result['verdict']} ({result['class']})" if result["class"] else str(result["verdict"])


def _visible(text: str) -> str:
    """Texts of a file must not steer the terminal."""
    return "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in text)
