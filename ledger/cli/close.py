"""``custody close``: an account's days closed by two people, with a signed certificate; opened again by two."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import click
from sqlalchemy import Connection

from ledger import faults
from ledger.books import certificate as certificates
from ledger.books import seal as seals
from ledger.cli import edge, signing
from ledger.cli.main import REFUSED, answer, language
from ledger.cli.postgres import open_books
from ledger.cli.reconcile import figures_as_json, print_figures
from ledger.cli.seal import sign
from ledger.errors import BadInput, message
from ledger.flows import close as flow
from ledger.flows import reconcile
from ledger.formats import manifest
from ledger.formats.plain_text import is_plain
from ledger.settings import read_settings
from ledger.terms.calendar import shanghai_day
from ledger.terms.close import Certificate, Closing
from ledger.terms.institution import Fund, Institution
from ledger.terms.rulebook import Rulebooks

REASON_MAX = 500
account_option = click.option("--account", required=True, metavar="A", help="The bank account's number.")


@click.group()
def close() -> None:
    """Close the days of an account, certificate by certificate."""


@close.command()
@account_option
@click.option("--on", "on_text", metavar="DATE", help="The legal day, YYYY-MM-DD; else today.")
@edge.actor_option(required=True)
@edge.rulebook_option
@edge.as_json_option
def propose(account: str, on_text: str | None, actor: str, rulebook_dir: Path | None, as_json: bool) -> int:
    """Propose to close an account through a day with the figures shown. Exit 1 tells everything that stands against it.

    What the institution must still bring in for a family is named as a break first.
    """
    settings = read_settings()
    now, actor, law = edge.now(settings), edge.actor_name(actor), edge.load_law(rulebook_dir)
    on = edge.day_until(on_text, "--on", shanghai_day(now))
    with open_books(settings) as engine, engine.begin() as conn:
        institution, fund = _of_account(conn, account)
        rulebook, calendar = edge.law_of(law, institution, on)
        reconcile.day(conn, fund, on, calendar, now)
        found = flow.propose(conn, institution, fund, on, rulebook, actor, now)
    return _told(institution, fund, found, as_json, on)


@close.command()
@account_option
@click.option("--through", "through_text", required=True, metavar="DATE", help="The last day that stays closed.")
@click.option("--reason", required=True, help="Why the days after it must be opened again.")
@edge.actor_option(required=True)
@edge.as_json_option
def reopen(account: str, through_text: str, reason: str, actor: str, as_json: bool) -> int:
    """Propose to open the days after one again; a second person approves it with ``custody close approve``."""
    settings = read_settings()
    now, actor, through = edge.now(settings), edge.actor_name(actor), edge.day(through_text, "--through")
    said = reason.strip()
    if not said or len(said) > REASON_MAX or not is_plain(said):
        raise BadInput("BAD_TEXT" if said else "EMPTY_CELL", field="--reason", value=edge.visible(reason))
    with open_books(settings) as engine, engine.begin() as conn:
        institution, fund = _of_account(conn, account)
        found = flow.propose_reopening(conn, institution, fund, through, said, actor, now)
    return _told(institution, fund, found, as_json, through)


@close.command()
@account_option
@edge.actor_option(required=True)
@edge.rulebook_option
@edge.as_json_option
def approve(account: str, actor: str, rulebook_dir: Path | None, as_json: bool) -> int:
    """Approve as a second person what was proposed last for an account: it is certified, signed and takes effect.

    Refused when the figures are no longer those that were proposed.
    """
    settings = read_settings()
    now, actor, law = edge.now(settings), edge.actor_name(actor), edge.load_law(rulebook_dir)
    with open_books(settings) as engine:
        sign(engine, settings, now, at_close=True)  # the list of keys begins with the first signature
        with engine.connect() as conn:
            private = signing.current_key(conn, settings)
        with engine.begin() as conn:
            institution, fund = _of_account(conn, account)
            rulebook = _rulebook(law, institution, conn, fund, shanghai_day(now))
            found = flow.approve(conn, institution, fund, rulebook, private, actor, now)
            faults.reach("before_close_commit")
        faults.reach("after_close_commit")
        sign(engine, settings, now, at_close=True)
    return _told(institution, fund, found, as_json)


@close.command("list")
@account_option
@edge.as_json_option
def list_(account: str, as_json: bool) -> int:
    """List the certificates of an account, oldest first."""
    with open_books(read_settings()) as engine, engine.connect() as conn:
        institution, fund = _of_account(conn, account)
        found = certificates.certificates(conn, institution.institution_id, fund.fund_no)
    shown = {"account": account, "certificates": [_row(one) for one in found]}
    answer(shown, as_json, print_list)
    return 0


@close.command()
@account_option
@click.option("--record", type=int, help="Which certificate, by its number; else the newest.")
@click.option("--out", metavar="DIR", type=click.Path(path_type=Path), help="Write it here, with signature and keys.")
@edge.as_json_option
def show(account: str, record: int | None, out: Path | None, as_json: bool) -> int:
    """Show a certificate. With --out: its bytes, their Ed25519 signature (.sig) and who may sign (.keys)."""
    with open_books(read_settings()) as engine, engine.connect() as conn:
        institution, fund = _of_account(conn, account)
        found = certificates.certificates(conn, institution.institution_id, fund.fund_no)
        keys = seals.signing_keys(conn)
    wanted = next((one for one in reversed(found) if record in (None, one.record)), None)
    if wanted is None:
        raise BadInput("CERTIFICATE_UNKNOWN", field="--record", value=record)
    shown = {**_row(wanted), "certificate": json.loads(wanted.content), "file": None}
    if out is not None:
        path = out / f"certificate-{account}-{wanted.record:06d}.json"
        edge.write_file(path, [wanted.content])
        edge.write_file(signing.beside(path, "sig"), [wanted.signature])
        edge.write_file(signing.beside(path, "keys"), [manifest.render_keys(keys)])
        shown["file"] = edge.visible(str(path))
    answer(shown, as_json, print_certificate)
    return 0


def _of_account(conn: Connection, account: str) -> tuple[Institution, Fund]:
    fund = edge.fund_of_account(conn, account, "--account")
    return next(one for one in edge.institutions(conn, None) if one.institution_id == fund.institution_id), fund


def _rulebook(law: Rulebooks, institution: Institution, conn: Connection, fund: Fund, today: date) -> Any:
    """What held on the day proposed, as when it was proposed."""
    proposal = certificates.last_proposal(conn, fund.institution_id, fund.fund_no)
    rulebook, _ = edge.law_of(law, institution, today if proposal is None else proposal.through)
    return rulebook


def _told(institution: Institution, fund: Fund, found: Closing, as_json: bool, on: date | None = None) -> int:
    made = found.certificate
    shown: dict[str, Any] = {
        "account": fund.account_no,
        "institution": institution.code,
        "on": on.isoformat() if on else made.through.isoformat() if made else None,
        "result": found.outcome.result.value,
        "code": found.outcome.code,
        "reasons": [
            {"code": one.code, "detail": one.detail, "message": message(one.code, language())} for one in found.reasons
        ],
        "figures": None if found.facts is None else figures_as_json(institution, found.facts.figures),
        "certificate": None if made is None else {**_row(made), "content": json.loads(made.content)},
    }
    answer(shown, as_json, print_told)
    if found.outcome.accepted:
        return 0
    for one in found.reasons:
        edge.say_refusal(f"{fund.account_no}", flow.refusal(one))
    return REFUSED


def _row(one: Certificate) -> dict[str, Any]:
    return {
        "record": one.record, "action": one.action.value, "through": one.through.isoformat(),
        "sha256": one.sha256.hex(), "previous": None if one.previous is None else one.previous.hex(),
        "clerk": one.proposed_by, "approver": one.approved_by, "key": one.key, "signature": one.signature.hex(),
        "voided": one.voided,
    }  # fmt: skip


def print_told(shown: dict[str, Any]) -> None:
    """The figures, then what became of it."""
    if shown["figures"] is not None:
        print_figures(shown["figures"])
    if shown["certificate"] is not None:
        print_list({"certificates": [shown["certificate"]]})
    click.echo(f"{shown['account']} {shown['on'] or ''} {shown['result']}")


def print_list(shown: dict[str, Any]) -> None:
    """A table of certificates."""
    columns = ("record", "action", "through", "clerk", "approver", "voided", "sha256")
    edge.print_table(columns, [[one[name] for name in columns] for one in shown["certificates"]], right=["record"])


def print_certificate(shown: dict[str, Any]) -> None:
    """The certificate itself, and where it was written."""
    click.echo(json.dumps(shown["certificate"], ensure_ascii=False, indent=2, sort_keys=True))
    if shown["file"]:
        click.echo(shown["file"])
