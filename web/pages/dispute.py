"""P9: one lesson. Confirm it, dispute it in three taps, see what both sides say; a photo stays sealed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from flask import Blueprint, Response, redirect, render_template, request, url_for
from sqlalchemy import Connection
from werkzeug.exceptions import BadRequest, NotFound
from werkzeug.wrappers import Response as Answer

from ledger.books import evidence as pieces
from ledger.books import lesson_decision as decisions
from ledger.books import register
from ledger.errors import BadInput
from ledger.flows import evidence as evidence_flow
from ledger.flows import lesson as lesson_flow
from ledger.flows import lesson_decision as flow
from ledger.flows import seal
from ledger.formats.photo import read_photo
from ledger.formats.plain_text import is_plain
from ledger.reports import family_lesson
from ledger.reports.family import FamilyLesson
from ledger.rules import confirmation, lesson_dispute
from ledger.terms.calendar import Deadline, shanghai_day
from ledger.terms.evidence import PHOTO_BYTES_MAX, REASONS, WORDS_MAX, Evidence, NewEvidence, Photo
from ledger.terms.ids import new_id
from ledger.terms.lesson import LessonState
from web import session
from web.pages import shown
from web.pages.login import interrupted
from web.pages.shown import Shown
from web.site import site

pages = Blueprint("dispute", __name__)
# A form with the largest photo and a little more, so that one that is too large is told from one that is huge.
FORM_BYTES: Final = PHOTO_BYTES_MAX + 3 * 1024 * 1024
_FORM_LASTS: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Looked:
    """A lesson with all that its pages say. ``worth_fen``: what the hour costs, and what a dispute keeps from being
    used. ``ask_on``: from when on to ask after a dispute that nobody has decided.
    """

    course: Shown
    lesson: FamilyLesson
    worth_fen: int
    steps: tuple[family_lesson.LessonStep, ...]
    evidence: tuple[Evidence, ...]
    ask_on: Deadline | None

    @property
    def disputed_at(self) -> family_lesson.LessonStep | None:
        """The newest dispute."""
        return next((one for one in reversed(self.steps) if one.state is LessonState.DISPUTED), None)

    @property
    def disputable(self) -> bool:
        return self.lesson.hours > 0 and self.lesson.state not in (LessonState.DISPUTED, LessonState.REVERSED)


@pages.get("/course/<contract>/lesson/<lesson>")
def look(contract: str, lesson: str) -> str | Answer:
    """What is known of the lesson, who has it now, and what may be done."""
    found = _found(contract, lesson)
    return found if isinstance(found, Answer) else _page("lesson.html", found)


@pages.get("/course/<contract>/lesson/<lesson>/dispute")
def ask(contract: str, lesson: str) -> str | Answer:
    """The one question."""
    found = _found(contract, lesson)
    if isinstance(found, Answer):
        return found
    return _page("lesson_dispute.html", found) if found.disputable else _back(found)


@pages.post("/course/<contract>/lesson/<lesson>/dispute")
def send(contract: str, lesson: str) -> str | Answer | tuple[str, int]:
    """Dispute the hour, with what is said and shown. Sent twice it is one dispute."""
    found, here = _found(contract, lesson), site()
    if isinstance(found, Answer):
        return found
    why, words = request.form.get("why", ""), request.form.get("words", "").strip()
    photo, faults = _typed(words)
    faults += [] if why in REASONS else ["why"]
    faults += ["words"] if why == "other" and not words and "words" not in faults else []
    if faults:
        return _page("lesson_dispute.html", found, faults=faults, words=words, why=why), 422
    new, number = _piece(found, words, photo), found.course.contract.institution_id
    with here.change() as conn:
        seal.seal(conn, number, here.now())  # what is earned so far counts
    with here.change() as conn:
        flow.dispute(conn, number, [found.lesson.lesson_id], _actor(), here.now(), why)
        if new is not None:
            evidence_flow.give(conn, here.vault, number, new, here.now())
    return _back(found)


@pages.post("/course/<contract>/lesson/<lesson>/more")
def more(contract: str, lesson: str) -> str | Answer | tuple[str, int]:
    """Say or show something more while it is in dispute."""
    found, here = _found(contract, lesson), site()
    if isinstance(found, Answer):
        return found
    words = request.form.get("words", "").strip()
    photo, faults = _typed(words)
    faults += ["nothing"] if not words and photo is None and not faults else []
    new = None if faults else _piece(found, words, photo)
    if new is None:
        return _page("lesson.html", found, faults=faults, words=words), 422
    with here.change() as conn:
        outcome = evidence_flow.give(conn, here.vault, found.course.contract.institution_id, new, here.now())
    return _back(found) if outcome.accepted else (_page("lesson.html", found, code=outcome.code), 409)


@pages.post("/course/<contract>/lesson/<lesson>/confirm")
def confirm(contract: str, lesson: str) -> str | Answer:
    """The family says that the lesson was taught."""
    found, here = _found(contract, lesson), site()
    if isinstance(found, Answer):
        return found
    device = here.vault.index(f"{request.headers.get('User-Agent', '')} {session.address()}", "device")
    with here.change() as conn:
        lesson_flow.confirm(
            conn, found.course.contract.institution_id, [found.lesson.lesson_id], _actor(), here.now(), device=device
        )
    return _back(found)


@pages.get("/course/<contract>/lesson/<lesson>/photo/<piece>")
def photo(contract: str, lesson: str, piece: str) -> Answer:
    """A photo that was shown, to whoever may see the lesson."""
    found, here, piece_id = _found(contract, lesson), site(), session.as_id(piece)
    if isinstance(found, Answer):
        return found
    of = next((one for one in found.evidence if one.evidence_id == piece_id and one.media_type), None)
    if of is None:
        raise NotFound
    with here.snapshot() as conn:
        number = found.course.contract.institution_id
        content = pieces.photo(conn, here.vault, number, found.lesson.lesson_id, of.evidence_id)
    return Response(content, content_type=of.media_type, headers={"Content-Disposition": "inline"})


def _found(contract: str, lesson: str) -> Looked | Answer:
    """The guardian's lesson; foreign, unknown and malformed ids get the same 404."""
    guardian_id, here = session.guardian_id(), site()
    if guardian_id is None:
        return interrupted()
    contract_id, lesson_id = session.as_id(contract), session.as_id(lesson)
    if contract_id is None or lesson_id is None:
        raise NotFound
    with here.snapshot() as conn:
        courses = shown.read(here, conn, guardian_id, contract_id)
        of = next((one for course in courses for one in course.lessons if one.lesson_id == lesson_id), None)
        if of is None:
            raise NotFound
        number = courses[0].contract.institution_id
        steps = tuple(family_lesson.steps(conn, number, lesson_id))
        return Looked(
            courses[0],
            of,
            _worth(conn, number, of),
            steps,
            tuple(pieces.of_lesson(conn, here.vault, number, lesson_id)),
            _ask_on(courses[0], steps),
        )


def _worth(conn: Connection, institution_id: int, lesson: FamilyLesson) -> int:
    """What a dispute keeps (or keeps already), in fen."""
    held = decisions.held_of(conn, institution_id, lesson.lesson_id)
    if held:
        return held
    balance = register.read_contracts(conn, institution_id, [lesson.contract_id])[lesson.contract_id]
    if lesson.state is LessonState.RELEASED:
        return lesson_dispute.taken_back(balance, lesson.hours)
    return lesson_dispute.held_before_release(balance, lesson.hours)


def _ask_on(course: Shown, steps: tuple[family_lesson.LessonStep, ...]) -> Deadline | None:
    """No file sets a day for decisions on hours. The time that a silent family has is taken: from its end on, ask."""
    begun = next((one.at for one in reversed(steps) if one.state is LessonState.DISPUTED), None)
    day: date = shanghai_day(site().now() if begun is None else begun)
    try:
        law = site().law(course.contract.place, course.contract.zone, day)
        return confirmation.silence_ends_on(
            day, law.rulebook.whole("confirmation.silence_working_days"), law.calendar
        )  # fmt: skip
    except BadInput:
        return None


def _typed(words: str) -> tuple[Photo | None, list[str]]:
    """The photo of the form, and what cannot be taken."""
    faults = [] if len(words) <= WORDS_MAX and is_plain(words) else ["words"]
    sent = request.files.get("photo")
    content = sent.read() if sent is not None else b""
    try:
        return (read_photo(content) if content else None), faults
    except BadInput as fault:
        return None, [*faults, fault.code]


def _piece(found: Looked, words: str, photo: Photo | None) -> NewEvidence | None:
    """What was said and shown, under the id that the form carries. Raises BadRequest for one that is not ours."""
    key = session.as_id(request.form.get("key", ""))
    if key is None or key.version != 7:
        raise BadRequest
    made_at = datetime.fromtimestamp((key.int >> 80) / 1000, UTC)
    if not site().now() - _FORM_LASTS <= made_at <= site().now() + timedelta(seconds=1):
        raise BadRequest
    if not words and photo is None:
        return None
    return NewEvidence(key, found.lesson.lesson_id, words, photo, _actor())


def _actor() -> str:
    return f"guardian:{session.guardian_id()}"


def _back(found: Looked) -> Answer:
    contract_id, lesson_id = found.course.contract.contract_id, found.lesson.lesson_id
    return redirect(url_for("dispute.look", contract=contract_id, lesson=lesson_id), 303)


def _page(template: str, found: Looked, **more: object) -> str:
    return render_template(
        template,
        **{"faults": (), "words": "", "why": "", "code": ""} | more,
        found=found,
        lesson=found.lesson,
        course=found.course,
        contract=found.course.contract,
        here={"contract": found.course.contract.contract_id, "lesson": found.lesson.lesson_id},
        key=new_id(site().now()),
        reasons=REASONS,
        words_max=WORDS_MAX,
        photo_max=PHOTO_BYTES_MAX // (1024 * 1024),
        booked_through=shown.booked_through([found.course]),
        today=site().today(),
    )
