"""A link for the second guardian: whoever has it looks at one course and can do nothing with it."""

import re
import secrets
from datetime import timedelta
from typing import Final

from flask import Blueprint, make_response, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ledger.books import share as links
from ledger.terms.calendar import shanghai_day
from web import session
from web.pages import shown
from web.pages.login import interrupted
from web.pages.shown import Shown
from web.site import site

pages = Blueprint("share", __name__)
LASTS: Final = timedelta(days=30)
LINKS_MAX: Final = 5
_LINK: Final = re.compile(r"([1-9][0-9]{0,8})-([A-Za-z0-9_-]{43})", re.ASCII)


@pages.get("/course/<contract>/share")
def ask(contract: str) -> str | Response:
    """Whether there is a link, and the buttons to make one or take them back."""
    course = _course(contract)
    return course if isinstance(course, Response) else _page(course)


@pages.post("/course/<contract>/share")
def make(contract: str) -> str | Response | tuple[str, int]:
    """Make a link; it is shown this once."""
    course, guardian_id, here = _course(contract), session.guardian_id(), site()
    if isinstance(course, Response):
        return course
    assert guardian_id is not None, "a course is somebody's"
    number, token = course.contract.institution_id, secrets.token_urlsafe(32)
    with here.change() as conn:
        full = len(links.standing(conn, number, course.contract.contract_id, here.clock())) >= LINKS_MAX
        if not full:
            now = here.clock()
            links.make(conn, number, course.contract.contract_id, guardian_id, token, now, now + LASTS)
    if full:
        return _page(course, full=True), 409
    return _page(course, link=url_for("share.look", link=f"{number}-{token}", _external=True))


@pages.post("/course/<contract>/share/end")
def end(contract: str) -> str | Response:
    """Take every link back."""
    course, here = _course(contract), site()
    if isinstance(course, Response):
        return course
    with here.change() as conn:
        links.end(conn, course.contract.institution_id, course.contract.contract_id, here.clock())
    return redirect(url_for("share.ask", contract=course.contract.contract_id), 303)


@pages.get("/s/<link>")
def look(link: str) -> Response:
    """The course behind a link. One that ended, was taken back or never was gets the same 404."""
    here, found = site(), _LINK.fullmatch(link)
    if found is None:
        raise NotFound
    with here.snapshot() as conn:
        shared = links.find(conn, int(found[1]), found[2], here.clock())
        courses = shown.read(here, conn, shared.guardian_id, shared.contract_id) if shared is not None else []
    if not courses or shared is None:
        raise NotFound
    answer = make_response(
        render_template(
            "shared.html", course=courses[0], contract=courses[0].contract, ends_on=shanghai_day(shared.ends_at),
            booked_through=shown.booked_through(courses), today=here.today(),
        )
    )  # fmt: skip
    answer.headers["X-Robots-Tag"] = "noindex"
    return answer


def _course(contract: str) -> Shown | Response:
    guardian_id, contract_id = session.guardian_id(), session.as_id(contract)
    if guardian_id is None:
        return interrupted()
    if contract_id is None:
        raise NotFound
    with site().snapshot() as conn:
        found = shown.read(site(), conn, guardian_id, contract_id)
    if not found:
        raise NotFound
    return found[0]


def _page(course: Shown, link: str = "", *, full: bool = False) -> str:
    here = site()
    with here.snapshot() as conn:
        known = links.standing(conn, course.contract.institution_id, course.contract.contract_id, here.clock())
    return render_template(
        "share.html", course=course, contract=course.contract, link=link, full=full,
        ends_on=[shanghai_day(one) for one in known.values()], days=LASTS.days, links_max=LINKS_MAX,
        asked=request.method == "POST", booked_through=shown.booked_through([course]), today=here.today(),
    )  # fmt: skip
