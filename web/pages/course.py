"""P3 "course": the refund worksheet line by line, every lesson, the money, the contract."""

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from ledger.reports import family
from ledger.reports.family import FamilyLesson, Movement
from ledger.rules import refund_number
from ledger.terms.lesson import LessonState
from web import session
from web.pages import shown
from web.pages.login import interrupted
from web.site import site

pages = Blueprint("course", __name__)


@dataclass(frozen=True, slots=True)
class Taught:
    """How the hours that were taught came to be counted, in hundredths."""

    before: int
    by_you: int
    by_silence: int
    waiting: int
    disputed: int


@pages.get("/course/<contract>")
def one_course(contract: str) -> str | Response:
    """One course of the guardian who is logged in. Foreign, unknown and malformed ids get the same 404."""
    guardian_id = session.guardian_id()
    if guardian_id is None:
        return interrupted()
    contract_id = session.as_id(contract)
    if contract_id is None:
        raise NotFound
    here = site()
    with here.snapshot() as conn:
        found = shown.read(here, conn, guardian_id, contract_id)
        if not found:
            raise NotFound
        movements = family.movements(conn, found[0].contract.institution_id, contract_id)
    course = found[0]
    return render_template(
        "course.html",
        course=course,
        lessons=[*course.waiting, *(lesson for lesson in course.lessons if not lesson.waits)],
        paid=[movement for movement in movements if movement.counter == "paid"],
        refunded=[movement for movement in movements if movement.counter == "refunded"],
        released_fen=_sum(movements, "released"),
        taught=taught(course.lessons),
        claim=refund_number.number(course.refund.refund_id) if course.refund is not None else "",
        booked_through=shown.booked_through(found),
        today=here.today(),
    )


def _sum(movements: Sequence[Movement], counter: str) -> int:
    return sum(movement.amount_fen for movement in movements if movement.counter == counter)


def taught(lessons: Sequence[FamilyLesson]) -> Taught:
    """How the hours of a course came to be counted."""

    def hours(*states: LessonState, silent: bool = False) -> int:
        counted = (lesson for lesson in lessons if lesson.state in states and not lesson.before)
        return sum(lesson.hours for lesson in counted if lesson.by_silence is silent)

    confirmed = (LessonState.CONFIRMED, LessonState.RELEASED)
    return Taught(
        before=sum(lesson.hours for lesson in lessons if lesson.before and lesson.state in confirmed),
        by_you=hours(*confirmed),
        by_silence=hours(*confirmed, silent=True),
        waiting=hours(LessonState.RECORDED),
        disputed=sum(lesson.hours for lesson in lessons if lesson.state is LessonState.DISPUTED),
    )
