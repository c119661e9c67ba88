"""Another account for a refund: the family enters it after a new code, and stops one that it never asked for."""

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ledger.flows import refund_payee as flow
from ledger.rules import refund_payee as rules
from ledger.terms.refund_payee import PayeeAsked
from web import session
from web.pages import shown
from web.pages.login import prove
from web.pages.refund import typed_payee
from web.pages.refund_claim import Followed, followed
from web.site import site

pages = Blueprint("account", __name__)
# What the books keep as the reason: no words of the family, which might name somebody.
ASKED, STOPPED = "asked by the family on its page", "stopped by the family on its page"


@pages.get("/claim/<number>/account")
def ask(number: str) -> str | Response:
    """Where the money goes now, and the form for another account."""
    found = _changeable(number)
    return found if isinstance(found, Response) else _page(found)


@pages.post("/claim/<number>/account")
def enter(number: str) -> str | Response | tuple[str, int]:
    """Enter another account. It counts once a second person has confirmed it, and a day later."""
    found, here = _changeable(number), site()
    if isinstance(found, Response):
        return found
    if not session.is_fresh():
        return prove()
    payee, faults = typed_payee()
    if payee is None:
        return _page(found, faults), 422
    asked = PayeeAsked(found.refund.refund_id, payee, ASKED, f"guardian:{session.guardian_id()}")
    with here.change() as conn:
        flow.enter(conn, here.vault, found.course.contract.institution_id, [asked], here.now())
    return redirect(url_for("claim.status", number=found.number), 303)


@pages.post("/claim/<number>/account/stop")
def stop(number: str) -> str | Response:
    """Take the entered account back: one who objects is enough, and needs no new code for it."""
    found, here = _changeable(number), site()
    if isinstance(found, Response):
        return found
    with here.change() as conn:
        flow.cancel(
            conn, here.vault, found.course.contract.institution_id, [found.refund.refund_id],
            f"guardian:{session.guardian_id()}", here.now(), STOPPED,
        )  # fmt: skip
    return redirect(url_for("claim.status", number=found.number), 303)


def _changeable(number: str) -> Followed | Response:
    """The guardian's refund while its account may be changed; anything else gets the same 404."""
    found = followed(number)
    if isinstance(found, Followed) and not rules.changeable(found.refund.state):
        raise NotFound
    return found


def _page(found: Followed, faults: list[str] | None = None) -> str:
    return render_template(
        "refund_account.html", found=found, refund=found.refund, course=found.course, contract=found.course.contract,
        faults=faults or (), payee=request.form, hours=rules.COOLING_HOURS,
        booked_through=shown.booked_through([found.course]), today=site().today(),
    )  # fmt: skip
