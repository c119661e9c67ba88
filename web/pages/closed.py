"""P11: the school has closed. What is protected, what would come back, and what the family would rather have."""

from dataclasses import dataclass

from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ledger.books import closed as books
from ledger.books import register, reserve
from ledger.flows import closed as flow
from ledger.rules import closed as rules
from ledger.terms.closed import Choice, Closed, Entitlement
from web import session
from web.pages import shown
from web.pages.login import interrupted
from web.pages.shown import Shown
from web.site import site

pages = Blueprint("closed", __name__)


@dataclass(frozen=True, slots=True)
class Looked:
    """A course of a school that closed: the order, what the family would get, and how it stands for all ``families``
    (contracts with something owed).
    """

    course: Shown
    order: Closed
    own: Entitlement
    together: Entitlement
    families: int
    choice: Choice | None


@pages.get("/course/<contract>/closed")
def look(contract: str) -> str | Response:
    """What the family needs to know, and the choice."""
    found = _found(contract)
    return found if isinstance(found, Response) else _page(found)


@pages.post("/course/<contract>/closed")
def choose(contract: str) -> str | Response | tuple[str, int]:
    """Keep what the family wants; it may change its mind."""
    found, here = _found(contract), site()
    if isinstance(found, Response):
        return found
    wanted = request.form.get("choice", "")
    if wanted not in list(Choice):
        return _page(found, faults=("choice",)), 422
    number, id_ = found.course.contract.institution_id, found.course.contract.contract_id
    with here.change() as conn:
        flow.choose(conn, number, id_, Choice(wanted), f"guardian:{session.guardian_id()}", here.now())
    if wanted == Choice.REFUND:
        return redirect(url_for("refund.check", contract=id_, why="closed"), 303)
    return redirect(url_for("closed.look", contract=id_), 303)


def _found(contract: str) -> Looked | Response:
    """The guardian's course of a school that closed; anything else gets the same 404."""
    guardian_id, contract_id = session.guardian_id(), session.as_id(contract)
    if guardian_id is None:
        return interrupted()
    if contract_id is None:
        raise NotFound
    with site().snapshot() as conn:
        courses = shown.read(site(), conn, guardian_id, contract_id)
        order = books.standing(conn, courses[0].contract.institution_id) if courses else None
        if order is None:
            raise NotFound
        return _looked(conn, courses[0], order)


def _looked(conn: Connection, course: Shown, order: Closed) -> Looked:
    number, id_ = course.contract.institution_id, course.contract.contract_id
    gaps = books.gaps(conn, number)
    _, held = reserve.positions(conn, number)
    owed, families = books.owed(conn, number)
    balance = register.read_contracts(conn, number, [id_])[id_]
    return Looked(
        course, order, rules.entitlement(balance, rules.shares(gaps, held).get(id_, 0)),
        rules.together(owed, sum(gap.due_fen for gap in gaps), held), families, books.choice(conn, number, id_),
    )  # fmt: skip


def _page(found: Looked, faults: tuple[str, ...] = ()) -> str:
    return render_template(
        "closed.html", found=found, order=found.order, course=found.course, contract=found.course.contract,
        faults=faults, booked_through=shown.booked_through([found.course]), today=site().today(),
    )  # fmt: skip
