"""``custody price contracts``: every contract in the books against the cap of its place on the day it was signed."""

from collections import Counter
from collections.abc import Iterable
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import click

from ledger.books.transaction import snapshot
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.cli.price import penalties_as_json, row_as_json
from ledger.money import round_half_up, yuan
from ledger.reports import price as report
from ledger.rules import list_price, price_cap
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.price_cap import ContractPrice, ContractVerdict, FalseListPrice, Verdict
from ledger.terms.rulebook import Rulebooks


@click.command()
@click.option("--as-of", "as_of_text", required=True, metavar="DATE", help="Contracts signed by this day, YYYY-MM-DD.")
@edge.institution_option
@edge.rulebook_option
@edge.as_json_option
def contracts(as_of_text: str, code: str | None, rulebook_dir: Path | None, as_json: bool) -> int:
    """Judge every contract: its price by the law of the day it was signed, its list price by the sales in the books.

    Exit 1 where one is above the cap or names a list price nobody paid.
    """
    settings = read_settings()
    as_of = edge.day_until(as_of_text, "--as-of", shanghai_day(edge.now(settings)))
    law = edge.load_law(rulebook_dir)
    verdicts: list[ContractVerdict] = []
    false_prices: list[FalseListPrice] = []
    with open_books(settings, writing=False) as engine, snapshot(engine) as conn:
        for institution in edge.institutions(conn, code):
            facts = list(report.contracts(conn, institution.institution_id, as_of))
            verdicts += judge(facts, law)
            days = list_price.sale_days(law.in_force(institution.place, institution.zone, as_of))
            false_prices += [] if days is None else list_price.false_list_prices(facts, days)
    answer(shape(verdicts, false_prices, law, as_of), as_json, print_contracts)
    above = any(one.verdict.verdict is Verdict.ABOVE_CAP for one in verdicts)
    return REFUSED if above or false_prices else 0


def judge(facts: Iterable[ContractPrice], law: Rulebooks) -> list[ContractVerdict]:
    """A verdict per contract, each by what was in force where and when it was signed."""
    in_force = cache(law.in_force)
    return [price_cap.check_contract(one, in_force(one.place, one.zone, one.signed_on)) for one in facts]


def shape(
    verdicts: list[ContractVerdict], false_prices: list[FalseListPrice], law: Rulebooks, as_of: date
) -> dict[str, Any]:
    """Everything that was found; amounts in yuan, ``price`` and ``cap`` for one class hour."""
    counts = Counter(one.verdict.verdict for one in verdicts)
    places = {(one.contract.place, one.contract.zone) for one in verdicts if one.excess_fen}
    return {
        "as_of": as_of.isoformat(),
        "contracts": len(verdicts),
        "counts": {verdict.value: counts[verdict] for verdict in Verdict},
        "excess": yuan(sum(one.excess_fen for one in verdicts)),
        "rows": [_row(one) for one in verdicts],
        "false_list_prices": [_false_row(one) for one in false_prices],
        "penalties": [
            {"place": place, "facts": penalties_as_json(law.in_force(place, zone, as_of))}
            for place, zone in sorted(places)
        ],
    }


def _row(one: ContractVerdict) -> dict[str, Any]:
    contract, found = one.contract, one.verdict
    capped = {} if found.holds is None else row_as_json(found.holds)
    return {
        "institution": contract.institution,
        "contract": contract.contract_no,
        "course": contract.course_code,
        "signed_on": contract.signed_on.isoformat(),
        "verdict": found.verdict.value,
        "reason": found.reason,
        "price": yuan(round_half_up(contract.unit_fen)),
        "excess": yuan(one.excess_fen),
        **{name: capped.get(name) for name in ("cap", "base", "float_percent", "band", "source", "effective_from")},
        "rulebook_digest": one.rulebook_digest,
        "signed_under": contract.rulebook_digest,
    }


def _false_row(one: FalseListPrice) -> dict[str, Any]:
    contract = one.contract
    return {
        "code": "FALSE_LIST_PRICE",
        "institution": contract.institution,
        "contract": contract.contract_no,
        "course": contract.course_code,
        "list_price": yuan(contract.list_price_fen or 0),
        "price": yuan(round_half_up(contract.unit_fen)),
        "promotion_on": one.promotion_on.isoformat(),
        "last_sale_on": None if one.last_sale_on is None else one.last_sale_on.isoformat(),
    }


def print_contracts(shown: dict[str, Any]) -> None:
    """What was found, worst first, and the counts."""
    above = [row for row in shown["rows"] if row["verdict"] == Verdict.ABOVE_CAP]
    names = ("institution", "contract", "course", "price", "cap", "excess", "band")
    if above:
        edge.print_table(names, [[row[name] for name in names] for row in above], right=("price", "cap", "excess"))
    if shown["false_list_prices"]:
        columns = ("institution", "contract", "list_price", "price", "promotion_on", "last_sale_on")
        rows = [[row[name] for name in columns] for row in shown["false_list_prices"]]
        edge.print_table(columns, rows, right=("list_price", "price"))
    click.echo(", ".join(f"{count} {verdict}" for verdict, count in shown["counts"].items()))
