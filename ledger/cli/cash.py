"""``custody cash record``: cash an institution took, which must be in the custody account within the place's days."""

from pathlib import Path
from typing import Any

import click

from ledger.books import cash as receipts
from ledger.books import contract as contracts
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.errors import BadInput
from ledger.flows import cash as flow
from ledger.formats.plain_text import is_plain
from ledger.money import fen_from_text, yuan
from ledger.settings import read_settings
from ledger.terms.prepayment_receipt import Receipt

COLUMNS = ("receipt", "contract", "amount", "received_on", "due_on", "result")


@click.group()
def cash() -> None:
    """Cash of families, on its way to the custody account."""


@cash.command()
@click.option("--institution", "code", required=True, metavar="CODE", help="Who took it.")
@click.option("--contract", "contract_no", required=True, metavar="NO", help="The contract's number.")
@click.option("--receipt", "receipt_no", required=True, metavar="NO", help="The number on the family's receipt.")
@click.option("--amount", "amount_text", required=True, metavar="YUAN")
@click.option("--on", "on_text", required=True, metavar="DATE", help="The day it was taken.")
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def record(
    code: str, contract_no: str, receipt_no: str, amount_text: str, on_text: str, actor: str | None,
    rulebook_dir: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """Record cash a family paid. No money moves: it counts when the bank has booked it; late cash is found by `due`."""
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    law, on = edge.load_law(rulebook_dir), edge.day(on_text, "--on")
    amount_fen = fen_from_text(amount_text)
    if amount_fen <= 0:
        raise BadInput("BAD_AMOUNT", field="--amount", value=amount_text)
    if not receipt_no.strip() or not is_plain(receipt_no) or len(receipt_no) > 40:
        raise BadInput("BAD_TEXT", field="--receipt", value=edge.visible(receipt_no))
    with open_books(settings) as engine, engine.begin() as conn:
        (institution,) = edge.institutions(conn, code)
        number = institution.institution_id
        rulebook, calendar = edge.law_of(law, institution, on)
        found = contracts.find(conn, number, numbers=[contract_no])
        if not found:
            raise BadInput("UNKNOWN_CONTRACT", field="--contract", value=edge.visible(contract_no))
        receipt = Receipt(receipt_no, found[0].contract_id, amount_fen, on)
        (outcome,) = flow.record_receipts(conn, number, [receipt], rulebook, calendar, actor, now)
        kept = receipts.by_number(conn, number, [receipt_no]).get(receipt_no)
    shown = {
        "receipt": receipt_no, "contract": contract_no, "amount": yuan(amount_fen), "received_on": on.isoformat(),
        "due_on": kept and kept.due_on.isoformat(), "result": outcome.result.value, "code": outcome.code,
    }  # fmt: skip
    answer(shown, as_json, print_receipt)
    if not outcome.accepted:
        edge.say_refusal(receipt_no, outcome)
        return REFUSED
    return 0


def print_receipt(shown: dict[str, Any]) -> None:
    """One line."""
    edge.print_table(COLUMNS, [[shown[name] for name in COLUMNS]], right=["amount"])
