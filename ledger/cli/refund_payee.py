"""``custody refund change-account|confirm-account|cancel-account``: another account for a refund, by two people."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import click
from sqlalchemy import Connection

from ledger.books import refund_payee as payees
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.cli.refund_cause import refund
from ledger.cli.refund_work import of_institution, payee_of, plain_text, print_refunds, read_rows, refund_id
from ledger.errors import BadInput, Outcome
from ledger.flows import refund_payee as flow
from ledger.settings import read_settings
from ledger.terms.refund_payee import PayeeAsked, PayeeChange
from ledger.vault import Vault

__all__ = ["refund"]  # the group, with these commands beside the others

Asking = Callable[[Connection, Vault, int], list[Outcome]]


@refund.command("change-account")
@click.argument("refund_text", metavar="REFUND")
@of_institution
@click.option("--payee-name", required=True, help="Who is to get the refund.")
@click.option("--payee-account", required=True, help="The account's number.")
@click.option("--payee-bank", required=True, help="The bank's 12-digit number.")
@click.option("--reason", required=True, help="Why not the account the money came from, and on what evidence.")
@edge.actor_option(required=True)
@edge.as_json_option
def change_account(
    refund_text: str, code: str, payee_name: str, payee_account: str, payee_bank: str, reason: str, actor: str,
    as_json: bool,
) -> int:  # fmt: skip
    """Enter another account for a REFUND. Until a second person confirms it and its time to object is over, the refund
    is not paid at all.
    """
    payee = payee_of(payee_name, payee_account, payee_bank)
    assert payee is not None, "all three are required"
    said = _reason(reason)
    now, actor, wanted = edge.now(read_settings()), edge.actor_name(actor), refund_id(refund_text)
    return _run(wanted, code, as_json,
                lambda conn, vault, number: flow.enter(
                    conn, vault, number, [PayeeAsked(wanted, payee, said, actor)], now))  # fmt: skip


@refund.command("confirm-account")
@click.argument("refund_text", metavar="REFUND")
@of_institution
@edge.actor_option(required=True)
@edge.as_json_option
def confirm_account(refund_text: str, code: str, actor: str, as_json: bool) -> int:
    """A second person confirms the account entered for a REFUND; it is used a day later at the earliest."""
    now, actor, wanted = edge.now(read_settings()), edge.actor_name(actor), refund_id(refund_text)
    return _run(wanted, code, as_json,
                lambda conn, vault, number: flow.confirm(conn, vault, number, [wanted], actor, now))  # fmt: skip


@refund.command("cancel-account")
@click.argument("refund_text", metavar="REFUND")
@of_institution
@click.option("--reason", required=True, help="Why it must not be used.")
@edge.actor_option(required=True)
@edge.as_json_option
def cancel_account(refund_text: str, code: str, reason: str, actor: str, as_json: bool) -> int:
    """Take back the account entered for a REFUND before it is used: one person who objects is enough."""
    said = _reason(reason)
    now, actor, wanted = edge.now(read_settings()), edge.actor_name(actor), refund_id(refund_text)
    return _run(wanted, code, as_json,
                lambda conn, vault, number: flow.cancel(conn, vault, number, [wanted], actor, now, said))  # fmt: skip


def _reason(text: str) -> str:
    said = plain_text(text, "--reason").strip()
    if not said:
        raise BadInput("EMPTY_CELL", field="--reason")
    return said


def _run(wanted: UUID, code: str, as_json: bool, asking: Asking) -> int:
    settings = read_settings()
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            (institution,) = edge.institutions(conn, code)
            (outcome,) = asking(conn, vault, institution.institution_id)
            changes = payees.changes(conn, vault, institution.institution_id, [wanted]).get(wanted, [])
            rows = read_rows(conn, institution, [wanted])
    result = {"asked": str(wanted), "result": outcome.result.value, "code": outcome.code}
    shown = {"results": [result], "refunds": rows, "accounts": [_change_as_json(one) for one in changes]}
    answer(shown, as_json, _print)
    if outcome.accepted:
        return 0
    edge.say_refusal(str(wanted), outcome)
    return REFUSED


def _change_as_json(one: PayeeChange) -> dict[str, Any]:
    """What the second person compares with the evidence: never the whole name or number."""
    state = "cancelled" if one.cancelled_by else "confirmed" if one.confirmed_by else "entered"
    return {
        "change": str(one.change_id), "payee": f"{one.payee.name[:1]}*", "account_ends_in": one.payee.account[-4:],
        "bank": one.payee.bank_no, "reason": one.reason, "state": state, "entered_by": one.entered_by,
        "entered_at": one.entered_at.isoformat(), "confirmed_by": one.confirmed_by,
        "usable_at": None if one.usable_at is None else one.usable_at.isoformat(), "cancelled_by": one.cancelled_by,
    }  # fmt: skip


def _print(shown: dict[str, Any]) -> None:
    print_refunds(shown)
    columns = ("payee", "account_ends_in", "bank", "state", "entered_by", "confirmed_by", "usable_at", "reason")
    edge.print_table(columns, [[one[name] for name in columns] for one in shown["accounts"]])
