"""``custody match run|suggest|list|propose|undo|approve``: bank lines and announced payments brought together."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from sqlalchemy import Connection, Engine

from ledger import faults
from ledger.books import match as matches
from ledger.books import match_proposal as proposals
from ledger.books import register
from ledger.cli import edge
from ledger.cli.main import REFUSED, answer, say
from ledger.cli.match import match
from ledger.cli.postgres import open_books
from ledger.errors import BadInput, Outcome
from ledger.flows import match as flow
from ledger.flows import seal
from ledger.formats.plain_text import is_plain
from ledger.money import fen_from_text, yuan
from ledger.rules.match_suggestion import TOLERANCE_FEN
from ledger.settings import read_settings
from ledger.terms.calendar import CalendarDays
from ledger.terms.institution import Fund
from ledger.terms.journal import FundKind
from ledger.terms.match_proposal import PartAsked, Proposal
from ledger.terms.match_suggestion import ExpectedPayment, OpenReceipt, Suggestion
from ledger.terms.rulebook import NATION
from ledger.vault import Vault

__all__ = ["match"]  # the group of ledger.cli.match, with these commands beside ``announce``

REASON_MAX = 500
PART_COLUMNS = ("match", "rule", "line", "payment", "contract", "amount", "fee", "state", "code", "by", "reason")
of_account = click.option("--account", required=True, metavar="A", help="The bank account's number.")
with_reason = click.option("--reason", required=True, help="Why, in a line; never a family's name.")


@match.command()
@click.option("--account", metavar="A", help="Only this bank account; else every custody account.")
@edge.actor_option()
@edge.rulebook_option
@edge.as_json_option
def run(account: str | None, actor: str | None, rulebook_dir: Path | None, as_json: bool) -> int:
    """Match open bank lines with announced payments by the rules R1 to R5, and post what was matched.

    Safe to run again, and after a run that was cut off: what is done stays done. Exit 1: a contract could not take all
    of its money; the rest waits in suspense.
    """
    settings = read_settings()
    now, actor = edge.now(settings), edge.actor_name(actor)
    calendar = edge.load_law(rulebook_dir).calendar(NATION)
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            funds = _funds(conn, account)
        shown = []
        for fund in funds:
            with engine.begin() as conn:
                found, twice = flow.run(conn, fund, actor, now)
                faults.reach("before_match_commit")
            faults.reach("after_match_commit")
            assigned, refused = _post_all(
                engine, lambda conn, after, fund=fund: flow.post(conn, vault, fund, calendar, actor, now, after)
            )
            shown.append({
                "account": fund.account_no, "matches": {one.rule: one.matches for one in found},
                "lines": sum(one.lines for one in found), "payments": sum(one.payments for one in found),
                "duplicates": twice, "assigned": assigned, "refused": refused,
            })  # fmt: skip
    answer({"accounts": shown}, as_json, _print_run)
    return REFUSED if any(one["refused"] for one in shown) else 0


def _post_all(engine: Engine, post: Callable[..., flow.Posted]) -> tuple[int, dict[str, int]]:
    """Post set after set, each in a transaction of its own; how many were assigned, and what was refused how often."""
    assigned, refused, after = 0, Counter[str](), flow.BEGIN
    while True:
        with engine.begin() as conn:
            posted = post(conn, after)
            faults.reach("before_assigned_commit")
        assigned += posted.assigned
        refused.update(posted.refused)
        if posted.last is None:
            return assigned, dict(refused)
        after = posted.last


@match.command()
@of_account
@click.option("--tolerance", metavar="YUAN", help="How far a key's amount may differ; else 50.00.")
@edge.as_json_option
def suggest(account: str, tolerance: str | None, as_json: bool) -> int:
    """What the open lines of an account may be. Nothing is matched by it: a person proposes, another approves.

    answers 2: more than one way fits, and only a person can know.
    """
    settings = read_settings()
    within = TOLERANCE_FEN if tolerance is None else fen_from_text(tolerance, field="--tolerance")
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            found, lines, payments = flow.suggest(conn, vault, edge.fund_of_account(conn, account, "--account"), within)
    numbers = {one.payment_id: one.payment_no for one in payments}
    answer({
        "account": account, "open_lines": len(lines), "expected": len(payments),
        "suggestions": [_suggestion(one, numbers) for one in found],
    }, as_json, _print_suggestions)  # fmt: skip
    return 0


@match.command("list")
@of_account
@edge.as_json_option
def list_(account: str, as_json: bool) -> int:
    """Open lines of an account, announced payments not received, and proposals that wait for a second person."""
    settings = read_settings()
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            fund = edge.fund_of_account(conn, account, "--account")
            lines, payments = flow.still_open(conn, vault, fund)
            waiting = proposals.waiting(conn, fund.institution_id, fund.fund_no)
    answer({
        "account": account, "lines": [_line(one) for one in lines], "expected": [_expected(one) for one in payments],
        "proposals": [_proposal(one) for one in waiting],
    }, as_json, _print_list)  # fmt: skip
    return 0


@match.command()
@of_account
@click.argument("named", metavar="LINE|PAYMENT")
@edge.as_json_option
def show(account: str, named: str, as_json: bool) -> int:
    """The matches a line (its id) or an announced payment (its number) is or was in, part by part."""
    with open_books(read_settings()) as engine, engine.begin() as conn:
        fund = edge.fund_of_account(conn, account, "--account")
        parts = matches.about(conn, fund.institution_id, fund.fund_no, named)
    answer({"account": account, "parts": [_part(one) for one in parts]}, as_json,
           lambda shown: _table(shown["parts"], PART_COLUMNS))  # fmt: skip
    return 0


@match.command()
@of_account
@click.option(
    "--part", "parts", metavar="LINE:TARGET[:YUAN[:FEE]]", multiple=True, required=True,
    help="A line (its id) is TARGET: an announced payment's number, or a contract's; YUAN of it, FEE kept before.",
)  # fmt: skip
@with_reason
@edge.actor_option(required=True)
@edge.as_json_option
def propose(account: str, parts: tuple[str, ...], reason: str, actor: str, as_json: bool) -> int:
    """Say what lines are; several --part split a line or join some. It takes effect when a second person approves."""
    asked, said, by = [part_of(text) for text in parts], reason_of(reason), edge.actor_name(actor)
    return _decide(
        account, as_json, lambda conn, vault, fund, now: flow.propose(conn, vault, fund, asked, said, by, now)
    )


@match.command()
@of_account
@click.argument("match_text", metavar="MATCH")
@with_reason
@edge.actor_option(required=True)
@edge.as_json_option
def undo(account: str, match_text: str, reason: str, actor: str, as_json: bool) -> int:
    """Say that a MATCH is wrong; when a second person approves, what it posted is reversed and its lines are open."""
    wanted, said, by = edge.row_id(match_text, "UNKNOWN_MATCH", "MATCH"), reason_of(reason), edge.actor_name(actor)
    return _decide(account, as_json, lambda conn, _, fund, now: flow.propose_undo(conn, fund, wanted, said, by, now))


@match.command()
@of_account
@click.argument("proposal_text", metavar="PROPOSAL")
@edge.actor_option(required=True)
@edge.rulebook_option
@edge.as_json_option
def approve(account: str, proposal_text: str, actor: str, rulebook_dir: Path | None, as_json: bool) -> int:
    """A second person approves a PROPOSAL: the match is made and posted, or undone and reversed; all or nothing."""
    wanted, by = edge.row_id(proposal_text, "UNKNOWN_PROPOSAL", "PROPOSAL"), edge.actor_name(actor)
    days: CalendarDays = edge.load_law(rulebook_dir).calendar(NATION)
    return _decide(account, as_json,
                   lambda conn, vault, fund, now: flow.approve(conn, vault, fund, wanted, days, by, now))  # fmt: skip


Deciding = Callable[[Connection, Vault, Fund, datetime], Outcome]


def _decide(account: str, as_json: bool, deciding: Deciding) -> int:
    """One decision on an account, sealed before so that everything earned counts; its id, or why not."""
    settings = read_settings()
    now = edge.now(settings)
    with open_books(settings) as engine:
        vault = edge.open_vault(settings, engine)
        with engine.begin() as conn:
            fund = edge.fund_of_account(conn, account, "--account")
            seal.seal(conn, fund.institution_id, now)
        with engine.begin() as conn:
            outcome = deciding(conn, vault, fund, now)
    answer({
        "account": account, "result": outcome.result.value, "code": outcome.code, "field": outcome.field,
        "id": outcome.entry_id and str(outcome.entry_id),
    }, as_json, lambda shown: click.echo(f"{shown['result']} {shown['id'] or ''}".strip()))  # fmt: skip
    if outcome.accepted:
        return 0
    edge.say_refusal(account, outcome)
    return REFUSED


def _funds(conn: Connection, account: str | None) -> list[Fund]:
    if account is not None:
        return [edge.fund_of_account(conn, account, "--account")]
    return [
        fund
        for one in edge.institutions(conn, None)
        for fund in register.read_funds(conn, one.institution_id).values()
        if fund.kind is FundKind.CUSTODY
    ]


def part_of(text: str) -> PartAsked:
    """A part as the command line writes it. Raises BadInput BAD_PART, UNKNOWN_LINE, BAD_AMOUNT."""
    line, *rest = text.split(":")
    if not 1 <= len(rest) <= 3 or not rest[0].strip():
        raise BadInput("BAD_PART", field="--part", value=edge.visible(text))
    amounts = [fen_from_text(amount, field="--part") for amount in rest[1:]]
    return PartAsked(edge.row_id(line, "UNKNOWN_LINE", "--part"), rest[0].strip(), *amounts)


def reason_of(text: str) -> str:
    """A reason that may go into the books. Raises BadInput REASON_MISSING."""
    said = text.strip()
    if not said or len(said) > REASON_MAX or not is_plain(said):
        raise BadInput("REASON_MISSING", field="--reason")
    return said


def _suggestion(one: Suggestion, numbers: Mapping[UUID, str]) -> dict[str, Any]:
    return {
        "rule": one.rule, "lines": [str(line) for line in one.line_ids],
        "payments": [numbers[payment] for payment in one.payment_ids], "answers": one.answers,
        "difference": yuan(one.difference_fen),
    }  # fmt: skip


def _line(one: OpenReceipt) -> dict[str, Any]:
    """Never the payer's whole name: its first character tells a clerk enough to ask the bank."""
    return {
        "line": str(one.line_id), "booked_on": one.booked_on.isoformat(), "open": yuan(one.open_fen),
        "key": one.match_key, "payer": f"{one.payer[:1]}*" if one.payer else "",
    }  # fmt: skip


def _expected(one: ExpectedPayment) -> dict[str, Any]:
    return {
        "payment": one.payment_no, "paid_on": one.paid_on.isoformat(), "open": yuan(one.open_fen),
        "fee": yuan(one.fee_fen), "key": one.match_key or one.batch_key,
        "payer": f"{one.payer[:1]}*" if one.payer else "",
    }  # fmt: skip


def _part(one: Mapping[str, Any]) -> dict[str, Any]:
    state = "undone" if one["undone_at"] else "posted" if one["entry_id"] else "refused" if one["code"] else "matched"
    return {
        "match": str(one["match_id"]), "rule": one["rule"], "line": str(one["line_id"]), "payment": one["payment_no"],
        "contract": one["contract_no"], "amount": yuan(one["amount_fen"]), "fee": yuan(one["fee_fen"]), "state": state,
        "code": one["code"], "by": one["undone_by"] or one["ran_by"], "reason": one["reason"],
    }  # fmt: skip


def _proposal(one: Proposal) -> dict[str, Any]:
    return {
        "proposal": str(one.proposal_id), "undoes": one.undoes and str(one.undoes), "parts": len(one.parts),
        "amount": yuan(sum(part.amount_fen for part in one.parts)), "proposed_by": one.proposed_by,
        "proposed_at": one.proposed_at.isoformat(), "reason": one.reason,
    }  # fmt: skip


def _print_run(shown: dict[str, Any]) -> None:
    columns = ("account", "matches", "lines", "payments", "duplicates", "assigned", "refused")
    rows = [
        {**one, "matches": " ".join(f"{rule} {n}" for rule, n in one["matches"].items()) or "none",
         "refused": " ".join(f"{code} {n}" for code, n in one["refused"].items())}
        for one in shown["accounts"]
    ]  # fmt: skip
    edge.print_table(columns, [[row[name] for name in columns] for row in rows], right=columns[2:6])


def _print_suggestions(shown: dict[str, Any]) -> None:
    columns = ("rule", "answers", "lines", "payments", "difference")
    rows = [
        {**one, "lines": " ".join(one["lines"]), "payments": " ".join(one["payments"])} for one in shown["suggestions"]
    ]
    edge.print_table(columns, [[row[name] for name in columns] for row in rows], right=["difference"])
    say(f"{shown['account']}: {shown['open_lines']} lines open, {shown['expected']} payments expected")


def _print_list(shown: dict[str, Any]) -> None:
    _table(shown["lines"], ("line", "booked_on", "open", "key", "payer"))
    _table(shown["expected"], ("payment", "paid_on", "open", "fee", "key", "payer"))
    _table(shown["proposals"], ("proposal", "undoes", "parts", "amount", "proposed_by", "reason"))


def _table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
    edge.print_table(columns, [[row[name] for name in columns] for row in rows], right=["open", "fee", "amount"])
    click.echo()
