"""``custody seal``: close what was posted into blocks and fold it into the hot accounts."""

from typing import Any

import click

from ledger.cli import edge
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.flows import seal as flow
from ledger.settings import read_settings


@click.command()
@edge.institution_option
@edge.as_json_option
def seal(code: str | None, as_json: bool) -> int:
    """Seal every institution (or one): one transaction each; an institution somebody else is sealing is passed over."""
    settings = read_settings()
    now = edge.now(settings)
    rows = []
    with open_books(settings) as engine:
        with engine.connect() as conn:
            known = edge.institutions(conn, code)
        for institution in known:
            with engine.begin() as conn:
                block = flow.seal(conn, institution.institution_id, now)
            rows.append({"institution": institution.code, "block": block})
    answer({"institutions": rows}, as_json, print_blocks)
    return 0


def print_blocks(shown: dict[str, Any]) -> None:
    """The last block of each institution; "busy" where another sealer was at work."""
    rows = [[row["institution"], "busy" if row["block"] is None else row["block"]] for row in shown["institutions"]]
    edge.print_table(["institution", "block"], rows, right=["block"])
