"""``custody rulebook whatif``: a draft against the past. Read-only: past results keep their digest."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Connection

from ledger.books.transaction import snapshot
from ledger.cli import edge
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput
from ledger.formats.rulebook import load_rulebooks
from ledger.money import yuan
from ledger.reports import price as prices
from ledger.reports import reserve as reserves
from ledger.reports import whatif as report
from ledger.rules import reserve
from ledger.rules import whatif as rules
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.institution import Institution
from ledger.terms.refund import Cause
from ledger.terms.reserve import ReserveFigures
from ledger.terms.rulebook import Rulebooks, levels
from ledger.terms.whatif import Change, Subject

# The cause is the contested input: what a draft changes is shown for the two that differ most.
CAUSES: Final = (Cause.INSTITUTION, Cause.CONSUMER)
# The law of an institution on a day: as it is, and with the draft on top.
_Law = Callable[[date], rules.Pair]


@click.command()
@click.option(
    "--rulebook-dir", "draft_dir", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The draft."
)
@click.option("--place", help="Only institutions of this place, GB/T 2260 code.")
@click.option("--as-of", "as_of_text", required=True, metavar="DATE", help="The books of this day, YYYY-MM-DD.")
@edge.as_json_option
def whatif(draft_dir: Path, place: str | None, as_of_text: str, as_json: bool) -> int:
    """What would be otherwise had the draft been in force all along: prices, prepayment limits, reserves, refunds.

    Contracts are judged by the law of the day they were signed, past refunds by that of the day they were asked, with
    and without the draft; reserves, and what every contract would give back now, by that of the day given. Nothing in
    the books changes.
    """
    settings = read_settings()
    as_of = edge.day_until(as_of_text, "--as-of", shanghai_day(edge.now(settings)))
    if place is not None and not (len(place) == 6 and place.isascii() and place.isdigit()):
        raise BadInput("BAD_PLACE", field="--place", value=edge.visible(place))
    law, draft = edge.load_law(None), load_rulebooks([draft_dir])
    changes: list[Change] = []
    looked_at = dict.fromkeys(Subject, 0)
    digests = []
    with open_books(settings, writing=False) as engine, snapshot(engine) as conn:
        asked = [one for one in edge.institutions(conn, None) if place is None or place in levels(one.place)]
        laws = {one.institution_id: _law_of(law, draft, one) for one in asked}
        figures = _figures(conn, laws, as_of)
        for institution in asked:
            two = laws[institution.institution_id]
            calendars = law.calendar(institution.place), law.drafted_calendar(draft, institution.place)
            of_institution = [side[institution.institution_id] for side in figures]
            for subject, change in _look(conn, institution, of_institution, calendars, two, as_of):
                looked_at[subject] += 1
                changes += [] if change is None else [change]
            digests.append({
                "institution": institution.code,
                "before": two(as_of)[0].digest,
                "after": two(as_of)[1].digest,
            })  # fmt: skip
    answer(shape(changes, looked_at, digests, as_of), as_json, print_changes)
    return 0


def _law_of(law: Rulebooks, draft: Rulebooks, institution: Institution) -> _Law:
    place, zone = institution.place, institution.zone

    @cache
    def on_day(on: date) -> rules.Pair:
        return law.in_force(place, zone, on), law.drafted(draft, place, zone, on)

    return on_day


def _figures(conn: Connection, laws: Mapping[int, _Law], as_of: date) -> list[dict[int, ReserveFigures]]:
    """The figures reserves are reckoned from, with the recent months of the law and with those of the draft."""
    months = [{number: reserve.rolling_months(two(as_of)[side]) for number, two in laws.items()} for side in (0, 1)]
    before = reserves.figures(conn, as_of, rolling_months=months[0])
    return [before, before if months[0] == months[1] else reserves.figures(conn, as_of, rolling_months=months[1])]


def _look(
    conn: Connection,
    institution: Institution,
    figures: Sequence[ReserveFigures],
    calendars: rules.Calendars,
    two: _Law,
    as_of: date,
) -> Iterator[tuple[Subject, Change | None]]:
    """Everything of one institution the draft is asked about, read at once."""
    number = institution.institution_id
    contracts = {contract.contract_id: contract for contract in prices.contracts(conn, number, as_of)}
    past = report.Past(conn, number, as_of)
    for contract in contracts.values():
        yield Subject.PRICE, rules.price(contract, two(contract.signed_on))
    for signing in past.signings():
        yield Subject.PREPAYMENT, rules.prepayment(institution.code, signing, two(signing.own.signed_on), calendars)
    yield Subject.RESERVE, rules.required_reserve(institution, figures, two(as_of))
    for contract in contracts.values():
        state, signed = past.state(contract.contract_id, as_of), two(contract.signed_on)
        if state is not None:
            for cause in CAUSES:
                yield Subject.QUOTE, rules.quote(contract, state, cause, two(as_of), signed, calendars, as_of)
    for asked in past.refunds():
        contract = contracts[asked.contract_id]
        law, signed = two(asked.asked_on), two(contract.signed_on)
        yield Subject.REFUND, rules.refund(contract, asked, law, signed, calendars)
        yield Subject.REFUND_DATES, rules.refund_dates(contract, asked, law, calendars)


def shape(
    changes: list[Change], looked_at: dict[Subject, int], digests: list[dict[str, str]], as_of: date
) -> dict[str, Any]:
    """How many, by how much and which; amounts in yuan. ``more`` and ``less`` add up what grows and what shrinks."""
    totals = {}
    for subject in Subject:
        of_subject = [change for change in changes if change.subject is subject]
        totals[subject.value] = {
            "looked_at": looked_at[subject],
            "changed": len(of_subject),
            "more": yuan(sum(max(0, change.change_fen) for change in of_subject)),
            "less": yuan(sum(min(0, change.change_fen) for change in of_subject)),
        }
    return {
        "as_of": as_of.isoformat(),
        "totals": totals,
        "changes": [
            {
                "subject": change.subject.value,
                "institution": change.institution,
                "item": change.item,
                "before": change.before,
                "after": change.after,
                "change": yuan(change.change_fen),
            }
            for change in changes
        ],
        "digests": digests,
    }


def print_changes(shown: dict[str, Any]) -> None:
    """Which, then how many and by how much."""
    columns = ("subject", "institution", "item", "before", "after", "change")
    if shown["changes"]:
        edge.print_table(columns, [[row[name] for name in columns] for row in shown["changes"]], right=("change",))
    for subject, total in shown["totals"].items():
        click.echo(f"{subject}: {total['changed']} of {total['looked_at']} ({total['more']}, {total['less']})")
