"""``custody price``: a lesson's price against the government-guided cap."""

from pathlib import Path
from typing import Any

import click

from ledger.cli.main import REFUSED, answer, language
from ledger.errors import BadInput, message
from ledger.formats.csv_table import day_from_text
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.money import fen_from_text, hours_text, round_half_up, yuan
from ledger.rules import price_cap
from ledger.settings import read_settings
from ledger.terms.price_cap import DATE_UNKNOWN, CappedPrice, Category, Course, Mode, PriceVerdict, Stage, Verdict
from ledger.terms.rulebook import Rulebook, Rulebooks

SHOWN = ("verdict", "cap", "excess", "base", "float_percent", "band", "source", "effective_from", "confidence")


@click.group()
def price() -> None:
    """Government-guided prices."""


@price.command()
@click.option("--place", required=True, help="GB/T 2260 code, six digits.")
@click.option("--zone", default="", help="Zone inside the place, where prices differ.")
@click.option("--stage", required=True, type=click.Choice([stage.value for stage in Stage]))
@click.option("--category", required=True, type=click.Choice([category.value for category in Category]))
@click.option("--mode", required=True, type=click.Choice([mode.value for mode in Mode]))
@click.option("--class-size", required=True, type=click.IntRange(min=1), help="Pupils in the class.")
@click.option("--minutes", required=True, type=click.IntRange(min=1), help="Minutes of one lesson.")
@click.option("--price", "price_text", required=True, metavar="YUAN", help="Yuan for one lesson of --minutes.")
@click.option("--on", "on_text", required=True, metavar="DATE", help="The day whose rules hold, YYYY-MM-DD.")
@click.option("--rulebook-dir", type=click.Path(path_type=Path), help="A folder of rulebooks beside the built-in ones.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on standard output.")
def check(
    *,
    place: str,
    zone: str,
    stage: str,
    category: str,
    mode: str,
    class_size: int,
    minutes: int,
    price_text: str,
    on_text: str,
    rulebook_dir: Path | None,
    as_json: bool,
) -> int:
    """Say whether a price is within the cap, by which row, and by how much it is above (then exit 1)."""
    on = day_from_text(on_text)
    if on is None:
        raise BadInput("BAD_DATE", field="--on", value=on_text)
    price_fen = fen_from_text(price_text, field="--price")
    course = Course(Stage(stage), Category(category), Mode(mode), class_size, minutes, price_fen)
    rulebooks = load_rulebooks(rulebook_dirs(rulebook_dir))
    rulebook = rulebooks.in_force(place, zone, on)
    found = price_cap.check(course, rulebook)
    refuse_unknown(found, rulebook, rulebooks)
    answer(verdict_as_json(found, course, rulebook), as_json, print_verdict)
    return REFUSED if found.verdict is Verdict.ABOVE_CAP else 0


def rulebook_dirs(extra: Path | None) -> list[Path]:
    """The built-in folder and one more: the option's, else CUSTODY_RULEBOOK_DIR's."""
    extra = extra or read_settings().rulebook_dir
    return [BUILT_IN] if extra is None else [BUILT_IN, extra]


def refuse_unknown(found: PriceVerdict, rulebook: Rulebook, rulebooks: Rulebooks) -> None:
    """A place no file covers, or one priced by zone, gets no verdict: BadInput UNKNOWN_PLACE or ZONE_NEEDED."""
    if not rulebooks.knows(rulebook.place):
        raise BadInput("UNKNOWN_PLACE", field="--place", value=rulebook.place)
    zones = rulebooks.zones(rulebook.place)
    if found.reason == "NO_TABLE" and zones and not rulebook.zone:
        raise BadInput("ZONE_NEEDED", where=", ".join(zones), field="--zone")


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
        "rulebook": None if found.holds is None else found.holds.file,
        "digest": rulebook.digest,
    }


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
