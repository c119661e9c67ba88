"""``custody winddown freeze`` and ``confirm``: an institution closes, on an order of the office, by two people."""

from typing import Any

import click

from ledger.books import closed as books
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.match_work import reason_of
from ledger.cli.postgres import open_books
from ledger.errors import Outcome
from ledger.flows import closed as flow
from ledger.settings import read_settings
from ledger.terms.closed import Closed
from ledger.terms.ids import new_id
from ledger.terms.institution import Institution

of_institution = click.option("--institution", "code", required=True, metavar="CODE", help="Which one closes.")
by_document = click.option("--document", required=True, metavar="NO", help="The number of the office's order.")


@click.group()
def winddown() -> None:
    """Institutions that close."""


@winddown.command()
@of_institution
@by_document
@click.option("--office", required=True, help="The competent office that ordered it.")
@click.option("--on", "on_text", required=True, metavar="DATE", help="The day it closed.")
@click.option(
    "--choose-by", "choose_text", required=True, metavar="DATE", help="Until when families say what they want."
)
@click.option("--news-on", "news_text", required=True, metavar="DATE", help="When families hear more.")
@edge.actor_option(required=True)
@edge.as_json_option
def freeze(
    code: str, document: str, office: str, on_text: str, choose_text: str, news_text: str, actor: str, as_json: bool
) -> int:
    """Enter an order that closes an institution. It has no effect until a second person confirms it."""
    now, by = edge.now(read_settings()), edge.actor_name(actor)
    on = edge.day(on_text, "--on")
    order = Closed(
        new_id(now), on, reason_of(office), reason_of(document), edge.day(choose_text, "--choose-by"),
        edge.day(news_text, "--news-on"), by,
    )  # fmt: skip
    with open_books(read_settings()) as engine, engine.begin() as conn:
        (institution,) = edge.institutions(conn, code)
        outcome = flow.enter(conn, institution.institution_id, order, now)
        rows = [_row(institution, one) for one in books.orders(conn, institution.institution_id)]
    return _end(outcome, document, rows, as_json)


@winddown.command()
@of_institution
@by_document
@edge.actor_option(required=True)
@edge.as_json_option
def confirm(code: str, document: str, actor: str, as_json: bool) -> int:
    """A second person confirms the order: nothing is paid to the institution any more, and families are told."""
    now, by = edge.now(read_settings()), edge.actor_name(actor)
    with open_books(read_settings()) as engine, engine.begin() as conn:
        (institution,) = edge.institutions(conn, code)
        outcome = flow.confirm(conn, institution.institution_id, document.strip(), by, now)
        rows = [_row(institution, one) for one in books.orders(conn, institution.institution_id)]
    return _end(outcome, document, rows, as_json)


def _row(institution: Institution, one: Closed) -> dict[str, Any]:
    return {
        "institution": institution.code, "document": one.document_no, "office": one.office,
        "closed_on": one.closed_on.isoformat(), "choose_by": one.choose_by.isoformat(),
        "news_on": one.news_on.isoformat(), "entered_by": one.entered_by, "confirmed_by": one.confirmed_by,
    }  # fmt: skip


def _end(outcome: Outcome, document: str, rows: list[dict[str, Any]], as_json: bool) -> int:
    shown = {"result": outcome.result.value, "code": outcome.code, "field": outcome.field, "orders": rows}
    answer(shown, as_json, lambda said: edge.print_table(list(rows[0]), [list(one.values()) for one in said["orders"]])
           if rows else None)  # fmt: skip
    if outcome.accepted:
        return 0
    edge.say_refusal(document, outcome)
    return REFUSED
