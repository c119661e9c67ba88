"""``custody rulebook``: the files law sits in, what is in force somewhere on a day, and what differs."""

from datetime import date
from pathlib import Path
from typing import Any

import click

from ledger.cli.main import REFUSED, WithLater, answer, language
from ledger.cli.price import rulebook_dirs
from ledger.errors import BadInput, Message, message
from ledger.formats.csv_table import day_from_text
from ledger.formats.rulebook import lint as lint_folder
from ledger.formats.rulebook import load_rulebooks
from ledger.formats.rulebook_value import write_value
from ledger.money import hours_text, round_half_up, yuan
from ledger.rules import rulebook_change
from ledger.terms.price_cap import DATE_UNKNOWN, PriceCap
from ledger.terms.rulebook import RulebookChange, RuleValue
from ledger.terms.rulebook_key import KEYS


@click.group(cls=WithLater, later={"whatif": "ledger.cli.rulebook_whatif"})
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
            "refused": finding.refused,
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


@rulebook.command()
@click.option("--place", required=True, help="GB/T 2260 code, six digits.")
@click.option("--zone", default="", help="Zone of the place, or trade, with rules of its own.")
@click.option("--on", "on_text", required=True, metavar="DATE", help="The day whose rules hold, YYYY-MM-DD.")
@click.option("--rulebook-dir", type=click.Path(path_type=Path), help="A folder of rulebooks beside the built-in ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def show(place: str, zone: str, on_text: str, rulebook_dir: Path | None, as_json: bool) -> int:
    """What is in force: each value with the file it stands in, its source and how well it is known."""
    book = load_rulebooks(rulebook_dirs(rulebook_dir)).in_force(place, zone, _day(on_text, "--on"))
    shown = {
        "place": book.place,
        "zone": book.zone or None,
        "on": book.on.isoformat(),
        "name": _said(book.name),
        "digest": book.digest,
        "files": list(book.versions),
        "values": [_value_as_json(key, book.values[key]) for key in KEYS if key in book.values],
        "prices": [_price_as_json(table.file, row) for table in book.cap_tables for row in table.rows],
        "missing": list(book.missing()),
    }
    answer(shown, as_json, print_rulebook)
    return 0


def _value_as_json(key: str, value: RuleValue) -> dict[str, Any]:
    return {
        "key": key,
        "meaning": _said(KEYS[key].meaning),
        "value": write_value(key, value.value),
        "place": value.place,
        "zone": value.zone or None,
        "file": value.file,
        "effective_from": value.dated or value.effective_on.isoformat(),
        "until": None if value.until is None else value.until.isoformat(),
        "source": value.source,
        "confidence": value.confidence.value,
        "note": value.note or None,
    }


def _price_as_json(file: str, row: PriceCap) -> dict[str, Any]:
    return {
        "file": file,
        "stage": row.stage.value,
        "category": row.category.value,
        "mode": row.mode.value,
        "band": row.band,
        "size_min": row.size_min,
        "size_max": row.size_max,
        "price": _price_text(row),
        "effective_from": row.starts_text or DATE_UNKNOWN,
        "until": None if row.ends_on is None else row.ends_on.isoformat(),
        "source": row.source,
        "confidence": row.confidence,
    }


def print_rulebook(shown: dict[str, Any]) -> None:
    """For people: a key and its value, below it where it comes from."""
    click.echo(f"{shown['name']} {shown['place']} {shown['zone'] or ''} {shown['on']}")
    for one in shown["values"]:
        note = f" ({one['note']})" if one["note"] else ""
        click.echo(f"{one['key']} = {one['value']}  {one['meaning']}{note}")
        click.echo(f"    {one['confidence']}: {one['source']} [{one['file']}, {one['effective_from']}]")
    for one in shown["prices"]:
        click.echo(f"{one['stage']} {one['mode']} {one['band']}: {one['price']}")
        click.echo(f"    {one['confidence']}: {one['source']} [{one['file']}, {one['effective_from']}]")
    for key in shown["missing"]:
        click.echo(f"{key}: {message('RULE_MISSING', language())}")
    click.echo(shown["digest"])


@rulebook.command()
@click.argument("before", metavar="BEFORE")
@click.argument("after", metavar="AFTER")
@click.option("--place", help="GB/T 2260 code, six digits, where two days are compared.")
@click.option("--zone", default="", help="Zone of the place.")
@click.option("--rulebook-dir", type=click.Path(path_type=Path), help="A folder of rulebooks beside the built-in ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def diff(before: str, after: str, place: str | None, zone: str, rulebook_dir: Path | None, as_json: bool) -> int:
    """What differs between two days of a place (BEFORE and AFTER are dates), or between two folders."""
    if place is None:
        books = [load_rulebooks([Path(folder)]) for folder in (before, after)]
        changes = rulebook_change.between_folders(*books)
    else:
        law = load_rulebooks(rulebook_dirs(rulebook_dir))
        old, new = (law.in_force(place, zone, _day(text, "DATE")) for text in (before, after))
        changes = rulebook_change.between_days(old, new)
    rows = [_change_as_json(change) for change in changes]
    answer({"before": before, "after": after, "changes": rows}, as_json, print_changes)
    return 0


def _change_as_json(change: RulebookChange) -> dict[str, Any]:
    holds = change.after or change.before
    assert holds is not None, "a change has a side"
    return {
        "place": change.place,
        "zone": change.zone or None,
        "effective_on": None if change.effective_on is None else change.effective_on.isoformat(),
        "key": change.key,
        "before": _side(change.key, change.before),
        "after": _side(change.key, change.after),
        "source": holds.source,
        "confidence": str(holds.confidence),
    }


def _side(key: str, value: RuleValue | PriceCap | None) -> str | None:
    if value is None:
        return None
    return _price_text(value) if isinstance(value, PriceCap) else write_value(key, value.value)


def print_changes(shown: dict[str, Any]) -> None:
    """One line per change, its source below."""
    for row in shown["changes"]:
        where = " ".join(filter(None, (row["place"], row["zone"], row["effective_on"])))
        click.echo(f"{where} {row['key']}: {row['before'] or '-'} → {row['after'] or '-'}")
        click.echo(f"    {row['confidence']}: {row['source']}")
    click.echo(f"{len(shown['changes'])} changes")


def _price_text(row: PriceCap) -> str:
    """80.00 / 45 min + 10 %; without minutes where the nation's length holds."""
    minutes = "" if row.standard_minutes is None else f" / {row.standard_minutes} min"
    return f"{yuan(row.base_fen)}{minutes} + {hours_text(round_half_up(row.float_percent * 100))} %"


def _day(text: str, field: str) -> date:
    found = day_from_text(text)
    if found is None:
        raise BadInput("BAD_DATE", field=field, value=text)
    return found


def _said(text: Message) -> str:
    return text.zh if language() == "zh" else text.en
