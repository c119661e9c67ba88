"""``custody rulebook``: the files law sits in."""

from pathlib import Path
from typing import Any

import click

from ledger.cli.main import REFUSED, answer, language
from ledger.errors import message
from ledger.formats.rulebook import lint as lint_folder


@click.group()
def rulebook() -> None:
    """Rulebooks: files of dated rules per place."""


@rulebook.command()
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def lint(folder: Path, as_json: bool) -> int:
    """Check every rulebook file of DIR; exit 1 when something is found."""
    findings = [
        {
            "file": finding.file,
            "line": finding.line,
            "key": finding.key,
            "code": finding.reason,
            "reason": message(finding.reason, language()),
            "value": None if finding.value is None else str(finding.value)[:80],
        }
        for finding in lint_folder(folder)
    ]
    answer({"dir": str(folder), "findings": findings}, as_json, print_findings)
    return REFUSED if findings else 0


def print_findings(shown: dict[str, Any]) -> None:
    """One line per finding, like a compiler's."""
    for finding in shown["findings"]:
        line = "" if finding["line"] is None else f":{finding['line']}"
        value = "" if finding["value"] is None else f" [{finding['value']}]"
        click.echo(f"{finding['file']}{line}: {finding['key']}: {finding['reason']}{value} ({finding['code']})")
    click.echo(f"{len(shown['findings'])} findings")
