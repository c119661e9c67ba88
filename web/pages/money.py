"""P2 "my money": per course, what would come back if the family stopped today, and where the money is now."""

from flask import Blueprint, render_template
from werkzeug.wrappers import Response

from ledger.reports import family
from web import session
from web.pages import shown
from web.pages.login import interrupted
from web.pages.shown import Standing
from web.site import site

pages = Blueprint("money", __name__)
_OVER = (Standing.PAID_BACK, Standing.TAUGHT)


@pages.get("/money")
def my_money() -> str | Response:
    """Every course of the guardian who is logged in; without a log-in, the front page."""
    guardian_id = session.guardian_id()
    if guardian_id is None:
        return interrupted()
    here = site()
    with here.snapshot() as conn:
        sealed = family.guardian_name(conn, guardian_id)
        courses = shown.read(here, conn, guardian_id)
    if sealed is None:
        session.log_out()
        return interrupted()
    running = [course for course in courses if course.standing not in _OVER]
    stoppable = [course for course in running if course.standing is Standing.OPEN]
    return render_template(
        "money.html",
        guardian=here.vault.open(sealed, "guardian", "name", guardian_id),
        running=running,
        over=[course for course in courses if course.standing in _OVER],
        stoppable=len(stoppable),
        together_fen=sum(course.amount_fen or 0 for course in stoppable),
        booked_through=shown.booked_through(courses),
        today=here.today(),
    )
