"""``custody takeover FILE``: running books of an institution, taken over when a second person offers the same file."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from ledger import faults
from ledger.books import register as registers
from ledger.cli import edge
from ledger.cli.main import HELD, REFUSED, answer, language, say
from ledger.cli.postgres import open_books
from ledger.errors import Outcome, Result, message
from ledger.flows import contract as contract_flow
from ledger.flows import register
from ledger.flows import takeover as flow
from ledger.formats.takeover_file import BYTES_MAX, read_running_books
from ledger.money import yuan
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import id_stream
from ledger.terms.rulebook import Rulebooks
from ledger.terms.takeover import RunningBooks, TakenOver, TakeoverRefusal
from ledger.vault import Vault

NOBODY_YET = "a second person"
AMOUNTS = ("paid", "released", "claim", "due", "payable", "unexplained")


@dataclass(frozen=True, slots=True)
class Taking:
    """Who takes over what, by which law; ``people``: who opens the account and who approves it."""

    vault: Vault
    books: RunningBooks
    law: Rulebooks
    people: tuple[str, str]
    now: datetime


@click.command()
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Check and reckon everything; keep nothing, not even the file.")
@edge.actor_option(required=True)
@edge.rulebook_option
@edge.as_json_option
def takeover(file: Path, dry_run: bool, actor: str, rulebook_dir: Path | None, as_json: bool) -> int:
    """Take over an institution's running books. One person offers FILE and sees what it comes to (exit 3); a second
    person who offers the same file takes it over (exit 0). Exit 1: it is refused, with every reason and its place.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    content = edge.read_file(file, BYTES_MAX)
    books = read_running_books(content, edge.visible(str(file)), id_stream(now))
    digest = hashlib.sha256(content)
    law = edge.load_law(rulebook_dir)
    number = books.institution.institution_id
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            known = None if dry_run else flow.offered(conn, number, digest.digest())
            if known is not None and known.approved_by is not None:
                return _say(file, "replayed", digest.hexdigest(), None, as_json)
            second = known is not None and known.proposed_by != actor
            people = (known.proposed_by, actor) if known is not None and second else (actor, NOBODY_YET)
            tried = _try(conn, Taking(vault, books, law, people, now), keep=second)
            if isinstance(tried, TakenOver) and second:
                flow.approve(conn, number, digest.digest(), actor, now)
            elif isinstance(tried, TakenOver) and not dry_run:
                flow.offer(conn, vault, books, content, digest.digest(), actor, now)
            faults.reach("before_takeover_commit")
        faults.reach("after_takeover_commit")
    if not isinstance(tried, TakenOver):
        return _refuse(file, digest.hexdigest(), tried, as_json)
    return _say(file, "done" if second else "dry run" if dry_run else "offered", digest.hexdigest(), tried, as_json)


def _try(conn: Connection, taking: Taking, *, keep: bool) -> TakenOver | list[TakeoverRefusal]:
    """Take the books over, whole or not at all; what is not to be kept, or is refused, leaves nothing behind."""
    inner = conn.begin_nested()
    found = _take(conn, taking)
    if keep and isinstance(found, TakenOver):
        inner.commit()
    else:
        inner.rollback()
    return found


def _take(conn: Connection, taking: Taking) -> TakenOver | list[TakeoverRefusal]:
    """Register what the file names, open its contracts, post them; or every reason why not."""
    books, vault, now = taking.books, taking.vault, taking.now
    institution, number = books.institution, books.institution.institution_id
    registered = register.institution(conn, vault, institution, books.payee, now)
    if not registered.accepted:
        return [TakeoverRefusal(registered.code, "institution")]
    opened = register.fund(conn, books.fund, *taking.people, now)
    if not opened.accepted:
        return [TakeoverRefusal(opened.code, "account")]
    refused = flow.refusals(conn, books, now)
    if refused:
        return refused
    rulebook, calendar = edge.law_of(taking.law, institution, shanghai_day(now))
    register.courses(conn, number, books.courses, rulebook, now, sold_before=True)
    courses = registers.course_ids(conn, number, [course.code for course in books.courses])
    students = register.families(conn, vault, number, [one.family for one in books.contracts], now)
    rulebooks = {
        day: taking.law.in_force(institution.place, institution.zone, day)
        for day in {contract.signed_on for contract in books.contracts}
    }
    contracts = flow.running_contracts(books, students, courses)
    findings = contract_flow.take_over(conn, number, contracts, rulebooks, now, calendar)
    return flow.post(conn, vault, books, findings, taking.people[1], now)


def _say(file: Path, result: str, sha256: str, came_to: TakenOver | None, as_json: bool) -> int:
    """What it came to; exit 3 while a second person is wanted."""
    shown: dict[str, Any] = {"file": edge.visible(file.name), "result": result, "sha256": sha256, "refusals": []}
    if came_to is not None:
        shown |= {"contracts": came_to.contracts, "findings": came_to.findings}
        shown |= {name: yuan(getattr(came_to, f"{name}_fen")) for name in AMOUNTS}
    answer(shown, as_json, _print)
    if result != "offered":
        return 0
    say(f"{message('TAKEOVER_WAITS', language())} (TAKEOVER_WAITS)")
    return HELD


def _refuse(file: Path, sha256: str, refused: list[TakeoverRefusal], as_json: bool) -> int:
    shown = {
        "file": edge.visible(file.name), "result": "refused", "sha256": sha256,
        "refusals": [{"code": one.code, "where": one.where, "detail": one.detail} for one in refused],
    }  # fmt: skip
    answer(shown, as_json, lambda _: None)
    for one in refused:
        edge.say_refusal(one.where, Outcome(Result.REFUSED, one.code, detail=one.detail))
    return REFUSED


def _print(shown: dict[str, Any]) -> None:
    click.echo(f"{shown['file']}: {shown['result']}")
    if "contracts" in shown:
        columns = ("contracts", *AMOUNTS, "findings")
        edge.print_table(columns, [[shown[name] for name in columns]], right=columns)
    click.echo(f"sha256 {shown['sha256']}")
