"""``custody payout``: payment batches: built, approved by a second person, written to a file, listed."""

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, Final

import click
from sqlalchemy import Connection, Engine

from ledger import faults
from ledger.books import payout as batches
from ledger.books import register
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer, language, say
from ledger.cli.postgres import open_books
from ledger.errors import BadInput, Outcome, message
from ledger.flows import payout as flow
from ledger.flows import seal
from ledger.money import yuan
from ledger.rules.calendar import add_working_days
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.institution import Institution
from ledger.terms.journal import FundKind
from ledger.terms.payout import Batch, BatchKind, PayoutFormat
from ledger.terms.rulebook import Rulebook
from ledger.vault import Vault

# What a file is called in each format after the batch's message id.
ENDINGS: Final = {
    PayoutFormat.PAIN_09: ".xml",
    PayoutFormat.PAIN_03: ".03.xml",
    PayoutFormat.CSV: ".csv",
    PayoutFormat.XLSX: ".xlsx",
}
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
            rulebook, _ = edge.law_of(law, institution, today)
            new, outcomes = _build_of(engine, vault, institution, kind, on, actor, now, rulebook)
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
    engine: Engine, vault: Vault, institution: Institution, kind: BatchKind, on: date, actor: str, now: datetime,
    rulebook: Rulebook,
) -> tuple[list[Batch], list[Outcome]]:  # fmt: skip
    """One transaction per custody account, after a seal so that everything earned so far counts."""
    number = institution.institution_id
    with engine.begin() as conn:
        seal.seal(conn, number, now)
        funds = [fund for fund in register.read_funds(conn, number).values() if fund.kind is FundKind.CUSTODY]
    built: list[Batch] = []
    outcomes: list[Outcome] = []
    for fund in funds:
        with engine.begin() as conn:
            before = {batch.batch_id for batch in batches.batches(conn, number)}
            if kind is BatchKind.PAYOUT:
                outcomes += flow.build_payout(conn, vault, number, fund.fund_no, on, actor, now, rulebook)
            else:
                outcomes += flow.build_refunds(conn, vault, number, fund.fund_no, on, actor, now)
            built += [batch for batch in batches.batches(conn, number) if batch.batch_id not in before]
            faults.reach("before_batch_commit")
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
@click.option(
    "--format", "format_text", type=click.Choice([one.value for one in PayoutFormat]),
    default=PayoutFormat.PAIN_09.value, show_default=True, help="As the bank takes it.",
)  # fmt: skip
@edge.actor_option()
@edge.as_json_option
def write(batch: str, out: Path, format_text: str, actor: str | None, as_json: bool) -> int:
    """Write the payment file of an approved BATCH into DIR: the same bytes whenever it is asked for.

    The bytes are committed before there is a file, and the file is whole or not there: cut off anywhere, run it again.
    """
    settings = read_settings()
    now, actor, format_ = edge.now(settings), edge.actor_name(actor), PayoutFormat(format_text)
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            known = _batch(conn, batch)
            outcome, content = flow.render(conn, vault, known.institution_id, known.batch_id, actor, now, format_)
            others = [one for one in batches.files(conn, known.institution_id, known.batch_id) if one != format_]
            faults.reach("before_payment_commit")
        shown: dict[str, Any] = {}
        if outcome.accepted:
            faults.reach("after_payment_commit")
            path = out / f"{known.message_id}{ENDINGS[format_]}"
            digest = edge.write_file(path, [content], mode=0o600)
            faults.reach("after_payment_written")
            with engine.begin() as conn:
                flow.placed(conn, known.institution_id, known.batch_id, format_, actor, now)
            shown = {"file": edge.visible(str(path)), "bytes": len(content), "sha256": digest, "format": format_.value}
        with engine.connect() as conn:
            (row,) = batches_as_json(conn, [_batch(conn, batch)])
    answer({**row, **shown, "result": outcome.result.value, "code": outcome.code}, as_json, print_one)
    if others and outcome.accepted:
        said = message("BATCH_IN_OTHER_FORMAT", language())
        say(f"{known.message_id}: {said} (BATCH_IN_OTHER_FORMAT) [{', '.join(others)}]")
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
            "state": _state(batch),
            "sha256": batch.written_sha256,
        }
        for batch in found
    ]


def _state(batch: Batch) -> str:
    """``rendered``: its bytes are kept, and nothing says yet that the file came to lie in its folder."""
    if batch.written_sha256 is None:
        return "approved" if batch.approved_by else "built"
    return "written" if batch.placed else "rendered"


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
