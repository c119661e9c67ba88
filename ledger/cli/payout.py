"""``custody payout``: payment batches: built, approved by a second person, written to a file, listed."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection, Engine

from ledger.books import payout as batches
from ledger.books import register
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput, Outcome
from ledger.flows import payout as flow
from ledger.flows import seal
from ledger.money import yuan
from ledger.rules.calendar import add_working_days
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.institution import Institution
from ledger.terms.journal import FundKind
from ledger.terms.payout import Batch, BatchKind
from ledger.vault import Vault

COLUMNS = ("batch", "institution", "account", "instructions", "control_sum", "execute_on", "state")


@click.group()
def payout() -> None:
    """Money out: batches for the bank."""


@payout.command()
@click.option(
    "--kind", "kind_text", required=True, type=click.Choice(["payout", "refund"]), help="Never both in one batch."
)
@edge.institution_option
@click.option("--execute-on", "on_text", metavar="DATE", help="The day the bank is to pay; else the next working day.")
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def build(
    kind_text: str, code: str | None, on_text: str | None, actor: str | None, rulebook_dir: Path | None, as_json: bool
) -> int:
    """Build a batch per custody account of what is earned (payout) or approved (refund); the money is then in transit.

    Exit 1 when a payment was refused: it stays where it was. Nothing to pay is no batch.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    today, kind = shanghai_day(now), BatchKind(kind_text)
    law = edge.load_law(rulebook_dir)
    given = None if on_text is None else edge.day(on_text, "--execute-on")
    if given is not None and given < today:
        raise BadInput("DATE_PAST", field="--execute-on", value=on_text)
    built: list[Batch] = []
    refused: list[tuple[str, Outcome]] = []
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.connect() as conn:
            known = edge.institutions(conn, code)
        for institution in known:
            on = given or add_working_days(today, 1, law.calendar(institution.place)).on
            new, outcomes = _build_of(engine, vault, institution, kind, on, actor, now)
            built += new
            refused += [(institution.code, one) for one in outcomes if not one.accepted]
        with engine.connect() as conn:
            rows = batches_as_json(conn, built)
    shown = {
        "batches": rows,
        "instructions": sum(one.instructions for one in built),
        "control_sum": yuan(sum(one.control_fen for one in built)),
        "refused": [{"institution": of, "code": one.code, "message": edge.refusal_text(one)} for of, one in refused],
    }
    answer(shown, as_json, print_batches)
    for of, one in refused:
        edge.say_refusal(of, one)
    return REFUSED if refused else 0


def _build_of(
    engine: Engine, vault: Vault, institution: Institution, kind: BatchKind, on: date, actor: str, now: datetime
) -> tuple[list[Batch], list[Outcome]]:
    """One transaction per custody account, after a seal so that everything earned so far counts."""
    number = institution.institution_id
    with engine.begin() as conn:
        seal.seal(conn, number, now)
        funds = [fund for fund in register.read_funds(conn, number).values() if fund.kind is FundKind.CUSTODY]
    build_one = flow.build_payout if kind is BatchKind.PAYOUT else flow.build_refunds
    built: list[Batch] = []
    outcomes: list[Outcome] = []
    for fund in funds:
        with engine.begin() as conn:
            before = {batch.batch_id for batch in batches.batches(conn, number)}
            outcomes += build_one(conn, vault, number, fund.fund_no, on, actor, now)
            built += [batch for batch in batches.batches(conn, number) if batch.batch_id not in before]
    return built, outcomes


@payout.command()
@click.argument("batch")
@edge.actor_option(required=True)
@edge.as_json_option
def approve(batch: str, actor: str, as_json: bool) -> int:
    """Approve BATCH (its id or message id) as a second person."""
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    with open_books(settings) as engine, engine.begin() as conn:
        known = _batch(conn, batch)
        outcome = flow.approve(conn, known.institution_id, known.batch_id, actor, now)
        (shown,) = batches_as_json(conn, [_batch(conn, batch)])
    answer({**shown, "result": outcome.result.value, "code": outcome.code}, as_json, print_one)
    return _refused(known, outcome)


@payout.command()
@click.argument("batch")
@click.option("--out", required=True, metavar="DIR", type=click.Path(path_type=Path), help="The folder for the file.")
@edge.actor_option()
@edge.as_json_option
def write(batch: str, out: Path, actor: str | None, as_json: bool) -> int:
    """Write the payment file (pain.001) of an approved BATCH into DIR: the same bytes whenever it is asked for."""
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            known = _batch(conn, batch)
            outcome, content = flow.render(conn, vault, known.institution_id, known.batch_id, actor, now)
            (shown,) = batches_as_json(conn, [_batch(conn, batch)])
    path = out / f"{known.message_id}.xml"
    if outcome.accepted:  # the bytes are committed: from here on writing may be repeated
        edge.write_file(path, [content], mode=0o600)
        shown |= {"file": edge.visible(str(path)), "bytes": len(content)}
    answer({**shown, "result": outcome.result.value, "code": outcome.code}, as_json, print_one)
    return _refused(known, outcome)


@payout.command("list")
@edge.institution_option
@edge.as_json_option
def list_(code: str | None, as_json: bool) -> int:
    """List the batches, oldest first."""
    settings = read_settings()
    with open_books(settings) as engine, engine.connect() as conn:
        known = edge.institutions(conn, code)
        found = batches.batches(conn, None if code is None else known[0].institution_id)
        rows = batches_as_json(conn, found)
    answer({"batches": rows}, as_json, print_batches)
    return 0


def batches_as_json(conn: Connection, found: Sequence[Batch]) -> list[dict[str, Any]]:
    """Batches with their accounts; ``sha256`` is the digest of the file once that was written."""
    codes = {one.institution_id: one.code for one in register.read_institutions(conn)}
    accounts = register.accounts(conn)
    return [
        {
            "batch": batch.message_id,
            "batch_id": str(batch.batch_id),
            "institution": codes[batch.institution_id],
            "kind": batch.kind.value,
            "account": accounts[batch.institution_id, batch.fund_no],
            "instructions": batch.instructions,
            "control_sum": yuan(batch.control_fen),
            "execute_on": batch.execute_on.isoformat(),
            "built_by": batch.built_by,
            "approved_by": batch.approved_by,
            "state": "written" if batch.written_sha256 else "approved" if batch.approved_by else "built",
            "sha256": batch.written_sha256,
        }
        for batch in found
    ]


def _batch(conn: Connection, reference: str) -> Batch:
    """The batch that was named. Raises BadInput UNKNOWN_BATCH."""
    found = batches.find(conn, reference) if reference.isascii() and reference.isprintable() else None
    if found is None:
        raise BadInput("UNKNOWN_BATCH", field="BATCH", value=edge.visible(reference))
    return found


def _refused(batch: Batch, outcome: Outcome) -> int:
    if outcome.accepted:
        return 0
    edge.say_refusal(batch.message_id, outcome)
    return REFUSED


def print_batches(shown: dict[str, Any]) -> None:
    """A table of batches."""
    rows: Sequence[dict[str, Any]] = shown["batches"]
    edge.print_table(COLUMNS, [[row[name] for name in COLUMNS] for row in rows], right=("instructions", "control_sum"))


def print_one(shown: dict[str, Any]) -> None:
    """One batch, its file and the file's digest."""
    print_batches({"batches": [shown]})
    if shown.get("file"):
        click.echo(f"{shown['file']}\nsha256 {shown['sha256']}")
