"""``custody payout move``: the claims of a custody account go to another of the institution, a payment a contract."""

from pathlib import Path
from typing import Any

import click

from ledger import faults
from ledger.books import payout as batches
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.payout import batches_as_json, print_batches
from ledger.cli.payout_return import payout
from ledger.cli.postgres import open_books
from ledger.errors import BadInput, Outcome, Result
from ledger.flows import contract_move as flow
from ledger.money import yuan
from ledger.rules.calendar import add_working_days
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.rulebook import NATION

__all__ = ["payout"]  # the group of ledger.cli.payout, with this command beside the others


@payout.command()
@click.option("--from", "from_account", required=True, metavar="A", help="The custody account the contracts are in.")
@click.option("--to", "to_account", required=True, metavar="B", help="Another custody account of the institution.")
@click.option("--execute-on", "on_text", metavar="DATE", help="The day the bank is to pay; else the next working day.")
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def move(
    from_account: str, to_account: str, on_text: str | None, actor: str | None, rulebook_dir: Path | None, as_json: bool
) -> int:
    """Build a batch that takes every family's money along to another custody account, when the custodian bank changes.

    The batch is approved and written as any other; a contract goes on under its new number once the other bank has
    booked its money. Exit 1: some contracts stay for now, each with its reason; run it again when that is settled.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    today = shanghai_day(now)
    calendar = edge.load_law(rulebook_dir).calendar(NATION)
    on = add_working_days(today, 1, calendar).on if on_text is None else edge.day(on_text, "--execute-on")
    if on < today:
        raise BadInput("DATE_PAST", field="--execute-on", value=on_text)
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            source = edge.fund_of_account(conn, from_account, "--from")
            target = edge.fund_of_account(conn, to_account, "--to")
            (institution,) = [
                one for one in edge.institutions(conn, None) if one.institution_id == source.institution_id
            ]
            before = {batch.batch_id for batch in batches.batches(conn, source.institution_id)}
            moved = flow.build(conn, vault, institution, source, target, on, actor, now)
            built = [one for one in batches.batches(conn, source.institution_id) if one.batch_id not in before]
            rows = batches_as_json(conn, built)
            faults.reach("before_batch_commit")
    refused = [Outcome(Result.REFUSED, why.value, number) for number, why in moved.stays]
    refused += [moved.refused] if moved.refused else []
    shown = {
        "batches": rows, "instructions": sum(one.instructions for one in built),
        "control_sum": yuan(sum(one.control_fen for one in built)), "contracts": moved.numbers,
        "refused": [{"contract": one.field, "code": one.code, "message": edge.refusal_text(one)} for one in refused],
    }  # fmt: skip
    answer(shown, as_json, _print)
    for one in refused:
        edge.say_refusal(one.field or from_account, one)
    return REFUSED if refused else 0


def _print(shown: dict[str, Any]) -> None:
    print_batches(shown)
    edge.print_table(("contract", "goes on as"), list(shown["contracts"].items()))
