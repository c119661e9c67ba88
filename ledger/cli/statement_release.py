"""``custody statement release``: a person believes a held statement, with a reason."""

from pathlib import Path

import click

from ledger.books import statement as statements
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.cli.statement_import import statement
from ledger.errors import BadInput, Result
from ledger.flows import statement as flow
from ledger.formats.plain_text import is_plain
from ledger.settings import read_settings
from ledger.terms.rulebook import NATION

__all__ = ["statement"]  # the group of ledger.cli.statement, with this command beside the others
REASON_MAX = 500


@statement.command()
@click.argument("statement_id", metavar="ID")
@click.option("--account", metavar="A", help="The bank account's number, where several have a statement ID.")
@click.option("--by", "by", required=True, metavar="NAME", help="Who releases it, like clerk:li.")
@click.option("--reason", required=True, metavar="TEXT", help="Why it may be believed.")
@edge.rulebook_option
@edge.as_json_option
def release(
    statement_id: str, account: str | None, by: str, reason: str, rulebook_dir: Path | None, as_json: bool
) -> int:
    """Release the held statement ID: its lines are matched and posted. Exit 1 when it may not be released."""
    settings = read_settings()
    now, by = edge.now(settings), edge.actor_name(by)
    reason = reason.strip()
    if not reason or len(reason) > REASON_MAX or not is_plain(reason):
        raise BadInput("REASON_MISSING", field="--reason")
    calendar = edge.load_law(rulebook_dir).calendar(NATION)
    with open_books(settings) as engine, engine.begin() as conn:
        found = statements.find(conn, statement_id, account)
        if not found:
            raise BadInput("UNKNOWN_STATEMENT", field="ID", value=edge.visible(statement_id))
        if len(found) > 1:
            raise BadInput("STATEMENT_UNCLEAR", field="--account", value=edge.visible(statement_id))
        fund = edge.fund_of_account(conn, found[0][0], "--account")
        before = statements.believed_count(conn, fund.institution_id, fund.fund_no)
        outcome = flow.release(conn, edge.open_vault(settings, engine), fund, statement_id, reason, calendar, by, now)
        after = statements.believed_count(conn, fund.institution_id, fund.fund_no)
    shown = {
        "statement_id": statement_id, "account": fund.account_no, "result": outcome.result.value,
        "code": outcome.code, "released": after - before,
    }  # fmt: skip
    answer(shown, as_json, lambda one: click.echo(edge.visible(f"{statement_id}: {one['released']} released")))
    if outcome.result is Result.REFUSED:
        edge.say_refusal(statement_id, outcome)
        return REFUSED
    return 0
