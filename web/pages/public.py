"""P0: anybody checks a school by the code on a receipt or on its wall. No log-in, and nothing about any family."""

import re
from io import BytesIO
from typing import Final

import segno
from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response as Answer

from ledger.books import closed, reserve
from ledger.errors import BadInput
from ledger.reports import public_check
from ledger.rules import public_check as rules
from ledger.rules import reserve as reserve_rules
from ledger.terms.journal import FundKind
from ledger.terms.public_check import Cover, PublicFacts
from web.site import site

pages = Blueprint("public", __name__)
_CODE: Final = re.compile(r"[A-Za-z0-9]{1,20}", re.ASCII)


@pages.get("/c")
def find() -> str | Answer | tuple[str, int]:
    """Ask for a school's code, and go to its page."""
    typed = request.args.get("school", "").strip()
    if not typed:
        return _form("")
    with site().snapshot() as conn:
        found = public_check.facts(conn, typed.upper()) if _CODE.fullmatch(typed) else None
    return (_form(typed), 404) if found is None else redirect(url_for("public.check", code=found.institution.code), 303)


@pages.get("/c/<code>")
def check(code: str) -> str:
    """Where the money of a school's families is, whether all of it is there, and whether the school has closed."""
    with site().snapshot() as conn:
        found = _found(conn, code)
        in_reserve = _reserve_cover(conn, found)
        order = closed.standing(conn, found.institution.institution_id)
    kinds = {account.kind for account in found.accounts}
    return render_template(
        "public.html",
        facts=found,
        institution=found.institution,
        custody=[one for one in found.accounts if one.kind is FundKind.CUSTODY],
        reserves=[one for one in found.accounts if one.kind is FundKind.RESERVE],
        in_custody=FundKind.CUSTODY in kinds,
        cover=rules.cover(found.owed_fen - found.due_fen, found.owed_fen),
        reserve_cover=in_reserve,
        closed=order,
        booked_through=min((one.booked_through for one in found.accounts if one.booked_through), default=None),
        today=site().today(),
    )


@pages.get("/c/<code>/code.svg")
def picture(code: str) -> Response:
    """The code that leads here, to print."""
    with site().snapshot() as conn:
        found = _found(conn, code)
    return Response(drawn(here(found.institution.code)), content_type="image/svg+xml")


def here(code: str) -> str:
    """The address of a school's public page, as a telephone reads it."""
    return url_for("public.check", code=code, _external=True)


def drawn(address: str) -> bytes:
    """An address as a QR code (SVG)."""
    into = BytesIO()
    segno.make(address, error="m", micro=False).save(into, kind="svg", xmldecl=False, scale=4, border=4)
    return into.getvalue()


def _form(typed: str) -> str:
    return render_template("public_find.html", typed=typed, today=site().today())


def _found(conn: Connection, code: str) -> PublicFacts:
    """The school; an unknown code and one in another spelling get the same 404."""
    found = public_check.facts(conn, code) if _CODE.fullmatch(code) else None
    if found is None:
        raise NotFound
    return found


def _reserve_cover(conn: Connection, found: PublicFacts) -> Cover | None:
    """Whether the reserve is what the place requires; None where there is none, unknown where no rule says how much."""
    here, institution = site(), found.institution
    if all(account.kind is not FundKind.RESERVE for account in found.accounts):
        return None
    today = here.today()
    try:
        rule = reserve_rules.rule(here.law(institution.place, institution.zone, today).rulebook)
        facts = reserve.facts(conn, institution.institution_id, today, rule.rolling_months)
        facts = reserve_rules.with_entered(facts, reserve.entered(conn, institution.institution_id), today)
        return rules.cover(found.held_fen, reserve_rules.required(rule, facts).required_fen)
    except BadInput:
        return Cover.UNKNOWN
