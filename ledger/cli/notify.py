"""``custody notify``: families are told where their refunds are, through the folder a gateway reads."""

from datetime import date, datetime
from typing import Any

import click
from sqlalchemy import Engine

from ledger.cli import edge
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput
from ledger.flows import notice as flow
from ledger.settings import NotReady, read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.notice import Notice
from ledger.vault import Vault
from web.sender import Folder, Sender


@click.command()
@edge.institution_option
@edge.as_json_option
def notify(code: str | None, as_json: bool) -> int:
    """Tell families where their refunds are, on the day they asked and 5, 10 and 14 days later. Run it every day.

    Messages go into CUSTODY_OUTGOING, one file each; safe to run again: nobody is told twice of a day.
    """
    settings = read_settings()
    now = edge.now(settings)
    if settings.outgoing is None:
        raise NotReady("OUTGOING_MISSING")
    sender = Folder(settings.outgoing)
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.connect() as conn:
            known = edge.institutions(conn, code)
        rows: list[dict[str, Any]] = [
            {"institution": one.code, "prepared": prepared, "sent": sent}
            for one in known
            for prepared, sent in [tell(engine, vault, sender, one.institution_id, shanghai_day(now), now)]
            if prepared or sent
        ]
    answer({"told": rows, "sent": sum(row["sent"] for row in rows)}, as_json, _print)
    return 0


def tell(
    engine: Engine, vault: Vault, sender: Sender, institution_id: int, today: date, now: datetime
) -> tuple[int, int]:
    """Prepare and hand over the notices of one institution; how many of each. Raises BadInput OUT_NOT_WRITABLE."""
    with engine.begin() as conn:
        prepared = flow.prepare(conn, institution_id, today, now)
    handed_over: list[Notice] = []
    fault: OSError | None = None
    with engine.begin() as conn:
        for one in flow.waiting(conn, vault, institution_id):
            try:
                sender.send(one.to, one.text)
            except OSError as stopped:
                fault = stopped
                break
            handed_over.append(one)
        flow.sent(conn, institution_id, handed_over, now)
    if fault is not None:
        raise BadInput("OUT_NOT_WRITABLE", field="CUSTODY_OUTGOING", value=fault.strerror)
    return prepared, len(handed_over)


def _print(shown: dict[str, Any]) -> None:
    columns = ("institution", "prepared", "sent")
    edge.print_table(columns, [[row[name] for name in columns] for row in shown["told"]], right=columns[1:])
