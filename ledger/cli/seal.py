"""``custody seal``: close what was posted into blocks and fold it into the hot accounts."""

from datetime import datetime
from typing import Any

import click
from sqlalchemy import Engine

from ledger import faults
from ledger.cli import edge, signing
from ledger.cli.main import answer
from ledger.cli.postgres import open_books
from ledger.flows import seal as flow
from ledger.settings import Settings, read_settings


@click.command()
@edge.institution_option
@click.option("--rotate-key", is_flag=True, help="Sign with a new key from now on; the key so far signs it in.")
@edge.as_json_option
def seal(code: str | None, rotate_key: bool, as_json: bool) -> int:
    """Seal every institution (or one), sign what is sealed, and anchor what is signed outside the database.

    One transaction per institution; one somebody else is sealing is passed over. At most one signature a minute each.
    """
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
        faults.reach("after_seal_commit")
        signed = sign(engine, settings, now, rotate_key=rotate_key)
    answer({"institutions": rows, "signed": signed}, as_json, print_blocks)
    return 0


def sign(engine: Engine, settings: Settings, now: datetime, *, rotate_key: bool = False, at_close: bool = False) -> int:
    """Sign the last blocks and anchor them once that is committed; how many were signed.

    What a crash left half done before is done first: a key listed but not in place, a signature not anchored.
    """
    with engine.connect() as conn:
        private = signing.current_key(conn, settings)
    if rotate_key:
        fresh, staged = signing.stage_key(settings)
        faults.reach("after_key_staged")
        with engine.begin() as conn:
            flow.rotate(conn, private, fresh, now)
        faults.reach("after_key_commit")
        staged.replace(settings.signing_key_file)
        private = fresh
    with engine.begin() as conn:
        signed = len(flow.sign(conn, private, now, at_close=at_close))
        faults.reach("before_sign_commit")
    faults.reach("after_sign_commit")
    with engine.connect() as conn:
        signing.anchor(conn, settings)
    return signed


def print_blocks(shown: dict[str, Any]) -> None:
    """The last block of each institution; "busy" where another sealer was at work."""
    rows = [[row["institution"], "busy" if row["block"] is None else row["block"]] for row in shown["institutions"]]
    edge.print_table(["institution", "block"], rows, right=["block"])
