"""``custody price``: a lesson's price against the government-guided cap, one or a file of them."""

from collections import Counter
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import click

from ledger.cli.main import REFUSED, UNUSABLE, WithLater, answer, language, say
from ledger.errors import BadInput, message
from ledger.formats.course_sheet import BYTES_MAX, read_courses
from ledger.formats.csv_table import day_from_text
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.money import fen_from_text, hours_text, round_half_up, yuan
from ledger.rules import price_cap
from ledger.settings import read_settings
from ledger.terms.course_sheet import CourseRow
from ledger.terms.price_cap import (
    DATE_UNKNOWN,
    CappedPrice,
    Category,
    Course,
    FeeLine,
    Mode,
    PriceVerdict,
    Stage,
    Verdict,
)
from ledger.terms.rulebook import Finding, Rulebook, Rulebooks

SHOWN = ("verdict", "cap", "excess", "base", "float_percent", "band", "source", "effective_from", "confidence")


@click.group(cls=WithLater, later={"contracts": "ledger.cli.price_contracts"})
def price() -> None:
    """Government-guided prices."""


@price.command()
@click.option("--place", help="GB/T 2260 code, six digits.")
@click.option("--zone", default="", help="Zone inside the place, where prices differ.")
@click.option("--stage", type=click.Choice([stage.value for stage in Stage]))
@click.option("--category", type=click.Choice([category.value for category in Category]))
@click.option("--mode", type=click.Choice([mode.value for mode in Mode]))
@click.option("--class-size", type=click.IntRange(min=1), help="Pupils in the class.")
@click.option("--minutes", type=click.IntRange(min=1), help="Minutes of one lesson.")
@click.option("--price", metavar="YUAN", help="Yuan for one lesson of --minutes.")
@click.option("--on", metavar="DATE", help="The day whose rules hold, YYYY-MM-DD.")
@click.option("--fee", "fees", multiple=True, metavar="NAME:YUAN", help="Charged besides, like books:120; repeatable.")
@click.option(
    "--file",
    "sheet",
    metavar="CSV",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Instead of one course: a list with columns named like these options (course and fees where it helps).",
)
@click.option("--rulebook-dir", type=click.Path(path_type=Path), help="A folder of rulebooks beside the built-in ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def check(sheet: Path | None, fees: tuple[str, ...], rulebook_dir: Path | None, as_json: bool, **asked: Any) -> int:
    """Say whether a price is within the cap, by which row, and by how much it is above (then exit 1).

    Exit 1 too where fees are charged besides a capped price.
    """
    if sheet is not None:
        return check_file(sheet, load_rulebooks(rulebook_dirs(rulebook_dir)), as_json)
    for name, value in asked.items():
        if value is None:
            raise click.MissingParameter(param_hint=f"'--{name.replace('_', '-')}'", param_type="option")
    on = day_from_text(asked["on"])
    if on is None:
        raise BadInput("BAD_DATE", field="--on", value=asked["on"])
    course = Course(
        stage=Stage(asked["stage"]),
        category=Category(asked["category"]),
        mode=Mode(asked["mode"]),
        class_size=asked["class_size"],
        minutes=asked["minutes"],
        price_fen=fen_from_text(asked["price"], field="--price"),
    )
    besides = [fee_line(text) for text in fees]
    rulebooks = load_rulebooks(rulebook_dirs(rulebook_dir))
    rulebook = rulebooks.in_force(asked["place"], asked["zone"], on)
    found = price_cap.check(course, rulebook)
    refuse_unknown(found, course, rulebook, rulebooks)
    refused = price_cap.extra_fees(found, besides, rulebook)
    shown = verdict_as_json(found, course, rulebook)
    answer({**shown, "extra_fees": fees_as_json(refused)}, as_json, print_verdict)
    return REFUSED if found.verdict is Verdict.ABOVE_CAP or refused else 0


def fee_line(text: str) -> FeeLine:
    """``books:120`` as a fee. Raises BadInput RULE_EMPTY, BAD_AMOUNT."""
    name, _, amount = text.rpartition(":")
    if not name.strip():
        raise BadInput("RULE_EMPTY", field="--fee", value=text)
    return FeeLine(name.strip(), fen_from_text(amount.strip(), field="--fee"))


def check_file(sheet: Path, rulebooks: Rulebooks, as_json: bool) -> int:
    """A verdict per row. Exit 2 where a row cannot be used, else 1 where one is above the cap or charges fees besides.

    Raises BadInput LIMIT_EXCEEDED for a file that is too long.
    """
    content = sheet.read_bytes()
    if len(content) > BYTES_MAX:
        raise BadInput("LIMIT_EXCEEDED", where=sheet.name, field="bytes", value=BYTES_MAX)
    rows, findings = read_courses(content, sheet.name)
    shown, errors = [], [_error(finding) for finding in findings]
    in_force = cache(rulebooks.in_force)
    for row in rows:
        try:
            shown.append(_row_as_json(row, in_force(row.place, row.zone, row.on), rulebooks))
        except BadInput as fault:
            errors.append(
                _error(Finding(sheet.name, fault.field.removeprefix("--"), fault.code, row.line, fault.value))
            )
    errors.sort(key=lambda error: error["line"] or 0)
    verdicts = Counter(row["verdict"] for row in shown)
    counts = {verdict.value: verdicts[verdict.value] for verdict in Verdict}
    answer({"file": sheet.name, "counts": counts, "rows": shown, "errors": errors}, as_json, print_rows)
    for error in errors:
        say(f"{sheet.name}:{error['line']}: {error['field']}: {error['message']} [{error['value']}] ({error['code']})")
    found = counts[Verdict.ABOVE_CAP] + sum(len(row["extra_fees"]) for row in shown)
    return UNUSABLE if errors else REFUSED if found else 0


def _row_as_json(row: CourseRow, rulebook: Rulebook, rulebooks: Rulebooks) -> dict[str, Any]:
    found = price_cap.check(row.course, rulebook)
    refuse_unknown(found, row.course, rulebook, rulebooks)
    refused = price_cap.extra_fees(found, row.fees, rulebook)
    shown = verdict_as_json(found, row.course, rulebook)
    return {"line": row.line, "course": row.code or None, **shown, "extra_fees": fees_as_json(refused)}


def fees_as_json(fees: Sequence[FeeLine]) -> list[dict[str, str]]:
    """Fees that may not be charged; amounts in yuan."""
    return [{"name": fee.name, "amount": yuan(fee.amount_fen)} for fee in fees]


def _error(finding: Finding) -> dict[str, Any]:
    return {
        "line": finding.line,
        "field": finding.key,
        "code": finding.reason,
        "message": message(finding.reason, language()),
        "value": None if finding.value is None else str(finding.value)[:80],
    }


def rulebook_dirs(extra: Path | None) -> list[Path]:
    """The built-in folder and one more: the option's, else CUSTODY_RULEBOOK_DIR's."""
    extra = extra or read_settings().rulebook_dir
    return [BUILT_IN] if extra is None else [BUILT_IN, extra]


def refuse_unknown(found: PriceVerdict, course: Course, rulebook: Rulebook, rulebooks: Rulebooks) -> None:
    """A place no file covers, or one priced by zone, gets no verdict: BadInput UNKNOWN_PLACE or ZONE_NEEDED."""
    if not rulebooks.knows(rulebook.place):
        raise BadInput("UNKNOWN_PLACE", field="--place", value=rulebook.place)
    if found.reason == "NO_TABLE" and not rulebook.zone:
        by_zone = {
            zone: rulebooks.in_force(rulebook.place, zone, rulebook.on) for zone in rulebooks.zones(rulebook.place)
        }
        priced = [zone for zone, book in by_zone.items() if price_cap.table_in_force(course.stage, course.mode, book)]
        if priced:
            raise BadInput("ZONE_NEEDED", where=", ".join(priced), field="--zone")


def verdict_as_json(found: PriceVerdict, course: Course, rulebook: Rulebook) -> dict[str, Any]:
    """The verdict in the shape of the contract; what no row gives is null."""
    market = rulebook.find("price_cap.non_academic") if found.verdict is Verdict.NOT_CAPPED else None
    shown: dict[str, Any] = dict.fromkeys(SHOWN)
    if market is not None:
        shown |= {"source": market.source, "confidence": market.confidence.value}
    if found.holds is not None:
        shown |= row_as_json(found.holds) | {"excess": yuan(found.excess_fen)}
    return shown | {
        "verdict": found.verdict.value,
        "reason": found.reason,
        "message": message(found.reason, language()),
        "cited": [row_as_json(capped) for capped in found.cited],
        "place": rulebook.place,
        "zone": rulebook.zone or None,
        "on": rulebook.on.isoformat(),
        "price": yuan(course.price_fen),
        "minutes": course.minutes,
        "class_size": course.class_size,
        "penalties": penalties_as_json(rulebook) if found.verdict is Verdict.ABOVE_CAP else [],
        "rulebook": None if found.holds is None else found.holds.file,
        "digest": rulebook.digest,
    }


def penalties_as_json(rulebook: Rulebook) -> list[dict[str, Any]]:
    """What a price above the cap may cost, with its source: multiples as numbers, amounts in yuan."""
    return [
        {
            "key": key,
            "value": value.value if key.endswith("multiple_max") else yuan(rulebook.whole(key)),
            "source": value.source,
            "confidence": value.confidence.value,
        }
        for key, value in price_cap.penalties(rulebook).items()
    ]


def row_as_json(capped: CappedPrice) -> dict[str, Any]:
    """One row and its cap for the lesson; amounts in yuan, a float percentage as a number where it is whole."""
    row = capped.row
    percent = row.float_percent
    whole = percent.denominator == 1
    return {
        "cap": yuan(capped.cap_fen),
        "base": yuan(row.base_fen),
        "float_percent": percent.numerator if whole else hours_text(round_half_up(percent * 100)),
        "band": row.band,
        "source": row.source,
        "effective_from": row.starts_text or DATE_UNKNOWN,
        "confidence": row.confidence,
    }


def print_verdict(shown: dict[str, Any]) -> None:
    """The verdict for people: the sentence, then what it rests on."""
    click.echo(f"{shown['verdict']}: {shown['message']}")
    for name in ("price", *SHOWN[1:]):
        if shown[name] is not None:
            click.echo(f"  {name:<15}{shown[name]}")
    if len(shown["cited"]) > 1:
        click.echo("  bands          " + "; ".join(f"{row['band']} → {row['cap']}" for row in shown["cited"]))
    for fee in shown["extra_fees"]:
        click.echo(f"  {fee['name']} {fee['amount']}: {message('EXTRA_FEE', language())}")


def print_rows(shown: dict[str, Any]) -> None:
    """A line per course, and how many of each verdict."""
    for row in shown["rows"]:
        above = f", {row['excess']} above {row['cap']}" if row["verdict"] == Verdict.ABOVE_CAP else ""
        fees = "".join(f", {fee['name']} {fee['amount']} besides" for fee in row["extra_fees"])
        click.echo(
            f"{row['line']:>6}  {row['verdict']:<11} {row['course'] or row['place']} {row['price']}{above}{fees}"
        )
    click.echo(", ".join(f"{count} {verdict}" for verdict, count in shown["counts"].items()))
