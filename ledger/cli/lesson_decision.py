"""``custody lessons waiting|dispute|decide|approve``: hours somebody must decide on, beside ``import``."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

import click
from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import lesson as books
from ledger.books import lesson_decision as decisions
from ledger.cli import edge
from ledger.cli.lessons import lessons
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput, Outcome
from ledger.flows import lesson_decision as flow
from ledger.flows import seal
from ledger.formats.plain_text import is_plain
from ledger.settings import read_settings
from ledger.terms.institution import Institution
from ledger.terms.lesson import Lesson, Verdict

__all__ = ["lessons"]  # the group of ledger.cli.lessons, with these commands beside ``import``

COLUMNS = ("lesson", "contract", "lesson_no", "taught_on", "state", "flags", "decision", "verdict", "decided_by")
REASON_MAX = 500
of_institution = click.option("--institution", "code", required=True, metavar="CODE", help="Whose lessons these are.")
with_reason = click.option("--reason", required=True, help="Why, with the evidence; the books keep it.")


@lessons.command()
@edge.institution_option
@edge.as_json_option
def waiting(code: str | None, as_json: bool) -> int:
    """List the lessons that wait for a decision: disputed, or at an unlawful time."""
    rows = []
    with open_books(read_settings()) as engine, engine.connect() as conn:
        for institution in edge.institutions(conn, code):
            rows += _rows(conn, institution, books.waiting_for_decision(conn, institution.institution_id))
    answer({"lessons": rows}, as_json, print_lessons)
    return 0


@lessons.command()
@click.argument("lesson_ids", metavar="LESSON...", nargs=-1, required=True)
@of_institution
@with_reason
@edge.actor_option(required=True)
@edge.as_json_option
def dispute(lesson_ids: tuple[str, ...], code: str, reason: str, actor: str, as_json: bool) -> int:
    """A parent disputes hours, confirmed by silence or not: their money is held until two people have decided."""
    ids, said, by = _ids(lesson_ids, "UNKNOWN_LESSON", "LESSON"), _reason(reason), edge.actor_name(actor)
    now = edge.now(read_settings())
    return _for_each(ids, code, as_json, lambda conn, number: flow.dispute(conn, number, ids, by, now, said), ids)


@lessons.command()
@click.argument("lesson_ids", metavar="LESSON...", nargs=-1, required=True)
@of_institution
@click.option("--outcome", "verdict_text", required=True, type=click.Choice([one.value for one in Verdict]))
@with_reason
@edge.actor_option(required=True)
@edge.as_json_option
def decide(
    lesson_ids: tuple[str, ...], code: str, verdict_text: str, reason: str, actor: str, as_json: bool
) -> int:  # fmt: skip
    """Decide on lessons: their hours stand (released) or come back to the family (reversed).

    It takes effect when a second person approves the decision.
    """
    ids, said, by = _ids(lesson_ids, "UNKNOWN_LESSON", "LESSON"), _reason(reason), edge.actor_name(actor)
    now, verdict = edge.now(read_settings()), Verdict(verdict_text)
    return _for_each(
        ids, code, as_json, lambda conn, number: flow.decide(conn, number, ids, verdict, said, by, now), ids
    )


@lessons.command()
@click.argument("decision_ids", metavar="DECISION...", nargs=-1, required=True)
@of_institution
@edge.actor_option(required=True)
@edge.as_json_option
def approve(decision_ids: tuple[str, ...], code: str, actor: str, as_json: bool) -> int:
    """A second person approves decisions: holds end, hours are released or come back."""
    ids, by = _ids(decision_ids, "UNKNOWN_DECISION", "DECISION"), edge.actor_name(actor)
    now = edge.now(read_settings())
    return _for_each(ids, code, as_json, lambda conn, number: flow.approve(conn, number, ids, by, now))


Asking = Callable[[Connection, int], Sequence[Outcome]]


def _for_each(
    ids: Sequence[UUID], code: str, as_json: bool, ask: Asking, lesson_ids: Sequence[UUID] = ()
) -> int:  # fmt: skip
    """Run a flow over lessons or decisions of one institution, sealed before so that everything earned counts."""
    settings = read_settings()
    with open_books(settings) as engine:
        with engine.begin() as conn:
            (institution,) = edge.institutions(conn, code)
            seal.seal(conn, institution.institution_id, edge.now(settings))
        with engine.begin() as conn:
            outcomes = ask(conn, institution.institution_id)
        with engine.connect() as conn:
            number = institution.institution_id
            shown = lesson_ids or [one.lesson_id for one in decisions.by_id(conn, number, ids).values()]
            rows = _rows(conn, institution, list(books.by_id(conn, number, shown).values()))
    results = [
        {"asked": str(one), "result": outcome.result.value, "code": outcome.code,
         "message": outcome.code and edge.refusal_text(outcome)}
        for one, outcome in zip(ids, outcomes, strict=True)
    ]  # fmt: skip
    answer({"results": results, "lessons": rows}, as_json, print_lessons)
    refused = [(one, outcome) for one, outcome in zip(ids, outcomes, strict=True) if not outcome.accepted]
    for one, outcome in refused:
        edge.say_refusal(str(one), outcome)
    return REFUSED if refused else 0


def _rows(conn: Connection, institution: Institution, found: Sequence[Lesson]) -> list[dict[str, Any]]:
    """Lessons with their contract's number and the decision that waits for its second person."""
    number = institution.institution_id
    wanted = {one.contract_id for one in found}
    numbers = {one.contract_id: one.contract_no for one in contracts.find(conn, number, ids=wanted)}
    made = decisions.open_of(conn, number, [one.lesson_id for one in found])
    rows = []
    for one in found:
        decision = made.get(one.lesson_id)
        rows.append({
            "lesson": str(one.lesson_id), "institution": institution.code, "contract": numbers[one.contract_id],
            "lesson_no": one.lesson_no, "taught_on": one.taught_on.isoformat(), "state": one.state.value,
            "flags": list(one.flags), "decision": decision and str(decision.decision_id),
            "verdict": decision and decision.verdict.value, "decided_by": decision and decision.decided_by,
        })  # fmt: skip
    return rows


def _ids(texts: Sequence[str], code: str, field: str) -> list[UUID]:
    """Ids of the command line, each once. Raises BadInput with ``code`` for what is no id."""
    found = []
    for text in texts:
        try:
            found.append(UUID(text))
        except ValueError:
            raise BadInput(code, field=field, value=edge.visible(text)) from None
    return list(dict.fromkeys(found))


def _reason(text: str) -> str:
    """A reason that may go into the books. Raises BadInput EMPTY_CELL, BAD_TEXT."""
    if not text.strip():
        raise BadInput("EMPTY_CELL", field="--reason")
    if not is_plain(text) or len(text) > REASON_MAX:
        raise BadInput("BAD_TEXT", field="--reason", value=edge.visible(text))
    return text.strip()


def print_lessons(shown: dict[str, Any]) -> None:
    """A table of lessons."""
    rows = [{**row, "flags": " ".join(row["flags"])} for row in shown["lessons"]]
    edge.print_table(COLUMNS, [[row[name] for name in COLUMNS] for row in rows])
