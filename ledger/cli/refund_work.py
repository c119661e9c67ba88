"""``custody refund ask|answer|approve|withdraw|list``: refunds of contracts in the books, beside ``quote``."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import refund as refunds
from ledger.books import transaction
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer
from ledger.cli.postgres import open_books
from ledger.cli.refund import refund
from ledger.errors import BadInput, Outcome
from ledger.flows import refund as flow
from ledger.flows import seal
from ledger.formats.plain_text import is_plain
from ledger.money import fen_from_text, yuan
from ledger.settings import read_settings
from ledger.terms.calendar import Side, shanghai_day
from ledger.terms.institution import Institution, Payee
from ledger.terms.refund import Cause, Cost, InterestRate
from ledger.terms.refund_request import RefundAsked, RefundState

__all__ = ["refund"]  # the group of ledger.cli.refund, with these commands beside ``quote``

COLUMNS = ("refund", "contract", "cause", "amount", "state", "asked_on", "answer_by", "pay_by")
of_institution = click.option("--institution", "code", required=True, metavar="CODE", help="Whose contract it is.")


@refund.command()
@of_institution
@click.option("--contract", "contract_no", required=True, metavar="NO", help="The contract's number.")
@click.option("--cause", "cause_text", required=True, type=click.Choice([cause.value for cause in Cause]))
@click.option("--ended-on", "ended_text", metavar="DATE", help="The day the contract ended, if before today.")
@click.option("--cost", "costs", multiple=True, metavar="YUAN", help="A reasonable cost the family claims.")
@click.option("--agreed-interest", metavar="PERCENT", help="A yearly rate the contract agrees.")
@click.option(
    "--account-interest", metavar="PERCENT", help="The custody account's own yearly rate, if the family asks."
)
@click.option("--shown", "shown_digest", metavar="DIGEST", help="The quote the family saw; it must still hold.")
@click.option("--payee-name", help="Only where the money never passed a custody account.")
@click.option("--payee-account", help="With --payee-name.")
@click.option("--payee-bank", help="With --payee-name: the bank's 12-digit number.")
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def ask(
    code: str, contract_no: str, cause_text: str, ended_text: str | None, costs: tuple[str, ...],
    agreed_interest: str | None, account_interest: str | None, shown_digest: str | None, payee_name: str | None,
    payee_account: str | None, payee_bank: str | None, actor: str | None, rulebook_dir: Path | None, as_json: bool,
) -> int:  # fmt: skip
    """A family asks its refund: the amount is held from now on. Asked before: the refund that stands."""
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    law = edge.load_law(rulebook_dir)
    payee = payee_of(payee_name, payee_account, payee_bank)
    today = shanghai_day(now)
    ended_on = None if ended_text is None else edge.day_until(ended_text, "--ended-on", today)
    claimed = tuple(Cost(Side.PARENT, fen_from_text(cost, field="--cost")) for cost in costs)
    agreed = _rate(agreed_interest, "--agreed-interest", "contract: agreed rate")
    account = _rate(account_interest, "--account-interest", "custody account: actual rate")
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            (institution,) = edge.institutions(conn, code)
            found = contracts.find(conn, institution.institution_id, numbers=[plain_text(contract_no, "--contract")])
            if not found:
                raise BadInput("UNKNOWN_CONTRACT", field="--contract", value=contract_no)
            asked = RefundAsked(
                found[0].contract_id, Cause(cause_text), actor, shown_digest, payee, ended_on, claimed, agreed, account
            )
            rulebook, calendar = edge.law_of(law, institution, today)
            outcomes = flow.ask(conn, vault, institution.institution_id, [asked], rulebook, calendar, now, law.rates)
            ids = [one.entry_id for one in outcomes if one.entry_id is not None]
            rows = read_rows(conn, institution, ids)
    return _answer([contract_no], outcomes, rows, as_json)


@refund.command("answer")
@click.argument("refund_ids", metavar="REFUND...", nargs=-1, required=True)
@of_institution
@click.option("--agree", "state_text", flag_value="agreed", help="The institution agrees.")
@click.option("--object", "state_text", flag_value="objected", help="It objects; --reason says why.")
@click.option("--reason", default="", help="The objection, with its evidence.")
@edge.actor_option(required=True)
@edge.as_json_option
def answer_(
    refund_ids: tuple[str, ...], code: str, state_text: str | None, reason: str, actor: str, as_json: bool
) -> int:
    """The institution answers requests: agree, or object with a reason."""
    if state_text is None:
        raise click.UsageError("give --agree or --object")
    if state_text == "objected" and not reason.strip():
        raise BadInput("EMPTY_CELL", field="--reason")
    state, said = RefundState(state_text), plain_text(reason, "--reason")
    now, actor = edge.now(read_settings()), edge.actor_name(actor)
    return _for_each(
        refund_ids, code, as_json,
        lambda conn, number, ids, _: flow.answer(conn, number, ids, state, actor, now, said),
    )  # fmt: skip


@refund.command()
@click.argument("refund_ids", metavar="REFUND...", nargs=-1, required=True)
@of_institution
@edge.actor_option(required=True)
@edge.as_json_option
def approve(refund_ids: tuple[str, ...], code: str, actor: str, as_json: bool) -> int:
    """A second person approves agreed refunds: from then on the money is owed to the families."""
    now, actor = edge.now(read_settings()), edge.actor_name(actor)
    return _for_each(
        refund_ids, code, as_json,
        lambda conn, number, ids, block: flow.approve(conn, number, ids, actor, now, block),
    )  # fmt: skip


@refund.command()
@click.argument("refund_ids", metavar="REFUND...", nargs=-1, required=True)
@of_institution
@edge.actor_option(required=True)
@edge.as_json_option
def withdraw(refund_ids: tuple[str, ...], code: str, actor: str, as_json: bool) -> int:
    """The family takes its request back before approval: the hold ends and the contract goes on."""
    now, actor = edge.now(read_settings()), edge.actor_name(actor)
    return _for_each(
        refund_ids, code, as_json,
        lambda conn, number, ids, _: flow.withdraw(conn, number, ids, actor, now),
    )  # fmt: skip


@refund.command("list")
@edge.institution_option
@click.option("--state", "state_text", type=click.Choice([state.value for state in RefundState]))
@edge.as_json_option
def list_(code: str | None, state_text: str | None, as_json: bool) -> int:
    """List refunds, oldest first."""
    states = list(RefundState) if state_text is None else [RefundState(state_text)]
    rows = []
    with open_books(read_settings()) as engine, engine.connect() as conn:
        for institution in edge.institutions(conn, code):
            ids = [found for state in states for found in refunds.in_state(conn, institution.institution_id, state)]
            rows += read_rows(conn, institution, ids)
    answer({"refunds": rows}, as_json, print_refunds)
    return 0


Asking = Callable[[Connection, int, Sequence[UUID], int | None], Sequence[Outcome]]


def _for_each(refund_ids: Sequence[str], code: str, as_json: bool, flow_of: Asking) -> int:
    """Run a flow over refunds of one institution, sealed before so that everything earned so far counts."""
    settings = read_settings()
    now = edge.now(settings)
    ids = list(dict.fromkeys(refund_id(text) for text in refund_ids))
    with open_books(settings) as engine:
        with engine.begin() as conn:
            (institution,) = edge.institutions(conn, code)
            number = institution.institution_id
            seal.seal(conn, number, now)
        outcomes = transaction.ask(
            engine, number, now, lambda conn, folded_block: flow_of(conn, number, ids, folded_block)
        )
        with engine.connect() as conn:
            rows = read_rows(conn, institution, ids)
    return _answer([str(one) for one in ids], outcomes, rows, as_json)


def _answer(asked: Sequence[str], outcomes: Sequence[Outcome], rows: Sequence[dict[str, Any]], as_json: bool) -> int:
    """Print what became of each, and say what was refused."""
    results = [
        {
            "asked": text,
            "result": one.result.value,
            "code": one.code,
            "message": one.code and edge.refusal_text(one),
        }
        for text, one in zip(asked, outcomes, strict=True)
    ]
    answer({"results": results, "refunds": list(rows)}, as_json, print_refunds)
    refused = [(text, one) for text, one in zip(asked, outcomes, strict=True) if not one.accepted]
    for text, one in refused:
        edge.say_refusal(text, one)
    return REFUSED if refused else 0


def read_rows(conn: Connection, institution: Institution, ids: Sequence[UUID]) -> list[dict[str, Any]]:
    """Refunds with their contract's number, oldest first; no personal field is opened."""
    found = refunds.by_id(conn, institution.institution_id, ids)
    wanted = [one.contract_id for one in found.values()]
    numbers = {one.contract_id: one.contract_no for one in contracts.find(conn, institution.institution_id, ids=wanted)}
    return [
        {
            "refund": str(one.refund_id),
            "institution": institution.code,
            "contract": numbers[one.contract_id],
            "cause": one.cause.value,
            "amount": yuan(one.amount_fen),
            "state": one.state.value,
            "asked_on": one.asked_on.isoformat(),
            "answer_by": one.answer_by.isoformat(),
            "pay_by": one.pay_by.isoformat(),
        }
        for one in sorted(found.values(), key=lambda one: one.refund_id)
    ]


def refund_id(text: str) -> UUID:
    """Raises BadInput UNKNOWN_REFUND for what is no id of a refund."""
    try:
        return UUID(text)
    except ValueError:
        raise BadInput("UNKNOWN_REFUND", field="REFUND", value=edge.visible(text)) from None


def plain_text(text: str, field: str) -> str:
    """Text of the command line that may go into the books. Raises BadInput BAD_TEXT."""
    if not is_plain(text) or len(text) > 500:
        raise BadInput("BAD_TEXT", field=field, value=edge.visible(text))
    return text


def _rate(text: str | None, field: str, source: str) -> InterestRate | None:
    """A yearly rate in percent with at most two decimals. Raises BadInput BAD_AMOUNT."""
    if text is None:
        return None
    return InterestRate(Fraction(fen_from_text(text, field=field), 100), source)


def payee_of(name: str | None, account: str | None, bank_no: str | None) -> Payee | None:
    """The payee given, or None. Raises BadInput for half a payee, or one that cannot stand in a payment file."""
    if name is None and account is None and bank_no is None:
        return None
    if not name or not is_plain(name) or len(name) > 140:
        raise BadInput("BAD_NAME", field="--payee-name")
    if not account or not (account.isascii() and account.isalnum()) or len(account) > 34:
        raise BadInput("BAD_ACCOUNT", field="--payee-account")
    if not bank_no or not (bank_no.isascii() and bank_no.isdigit()) or len(bank_no) != 12:
        raise BadInput("BAD_BANK_NUMBER", field="--payee-bank")
    return Payee(name, account, bank_no)


def print_refunds(shown: dict[str, Any]) -> None:
    """A table of refunds."""
    edge.print_table(COLUMNS, [[row[name] for name in COLUMNS] for row in shown["refunds"]], right=["amount"])
