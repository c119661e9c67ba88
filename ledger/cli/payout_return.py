"""``custody payout return``: money in suspense goes back to who sent it, in a batch of its own."""

from pathlib import Path

import click

from ledger import faults
from ledger.books import payout as batches
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.payout import batches_as_json, print_batches
from ledger.cli.payout_status import payout
from ledger.cli.postgres import open_books
from ledger.errors import BadInput
from ledger.flows import payout as flow
from ledger.money import yuan
from ledger.rules.calendar import add_working_days
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.rulebook import NATION

__all__ = ["payout"]  # the group of ledger.cli.payout, with this command beside the others


@payout.command("return")
@click.argument("lines", metavar="LINE...", nargs=-1, required=True)
@click.option("--account", required=True, metavar="A", help="The bank account the money lies in.")
@click.option("--execute-on", "on_text", metavar="DATE", help="The day the bank is to pay; else the next working day.")
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def return_(
    lines: tuple[str, ...], account: str, on_text: str | None, actor: str | None, rulebook_dir: Path | None,
    as_json: bool,
) -> int:  # fmt: skip
    """Build a batch that sends the money of each LINE (its id, of `custody match list`) back to who sent it.

    Only what no match has taken. The batch is approved and written as any other. Exit 1: a line was refused.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    today = shanghai_day(now)
    calendar = edge.load_law(rulebook_dir).calendar(NATION)
    on = add_working_days(today, 1, calendar).on if on_text is None else edge.day(on_text, "--execute-on")
    if on < today:
        raise BadInput("DATE_PAST", field="--execute-on", value=on_text)
    wanted = [edge.row_id(line, "UNKNOWN_LINE", "LINE") for line in lines]
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            fund = edge.fund_of_account(conn, account, "--account")
            before = {batch.batch_id for batch in batches.batches(conn, fund.institution_id)}
            outcomes = flow.build_returns(conn, vault, fund, wanted, on, actor, now)
            built = [one for one in batches.batches(conn, fund.institution_id) if one.batch_id not in before]
            rows = batches_as_json(conn, built)
            faults.reach("before_batch_commit")
    refused = [one for one in outcomes if not one.accepted]
    shown = {
        "batches": rows,
        "instructions": sum(one.instructions for one in built),
        "control_sum": yuan(sum(one.control_fen for one in built)),
        "refused": [{"line": one.field, "code": one.code, "message": edge.refusal_text(one)} for one in refused],
    }
    answer(shown, as_json, print_batches)
    for one in refused:
        edge.say_refusal(one.field, one)
    return REFUSED if refused else 0
