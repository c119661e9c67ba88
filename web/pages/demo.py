"""The demo's front page: families to look at the product as. Registered in demo mode only."""

from uuid import UUID

from flask import Blueprint, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ledger.reports import family
from web import session
from web.site import site

pages = Blueprint("demo", __name__)


@pages.get("/")
def front() -> str:
    """Four log-ins, each with what is worth seeing there."""
    here = site()
    with here.snapshot() as conn:
        families = family.demo_families(conn, here.today())
    shown = [
        (
            found,
            here.vault.open(found.name_sealed, "guardian", "name", found.guardian_id),
            here.vault.open(found.phone_sealed, "guardian", "phone", found.guardian_id),
        )
        for found in families
    ]
    return render_template("front.html", families=shown)


@pages.post("/demo/login")
def log_in() -> Response:
    """Become the guardian that was clicked on."""
    guardian_id = session.as_id(request.form.get("guardian"))
    if guardian_id is None or not _exists(guardian_id):
        raise NotFound
    session.log_in(guardian_id)
    return redirect(url_for("money.my_money"), 303)


@pages.post("/demo/logout")
def log_out() -> Response:
    """Back to the families."""
    session.log_out()
    return redirect(url_for("demo.front"), 303)


def _exists(guardian_id: UUID) -> bool:
    with site().snapshot() as conn:
        return family.guardian_name(conn, guardian_id) is not None
