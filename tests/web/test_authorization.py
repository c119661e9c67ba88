"""Every route, and what each kind of visitor gets there: a table written by hand, and faults planted to prove that the
comparison with it finds them.

A sibling's course is the guardian's own business; what belongs to another family answers as what does not exist.
"""

from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Final
from uuid import UUID, uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Connection, text
from werkzeug.exceptions import Forbidden
from werkzeug.test import TestResponse

from ledger.books import evidence as pieces
from ledger.books import login as books_login
from ledger.flows import evidence
from ledger.formats.photo import read_photo
from ledger.reports import family, family_refund
from ledger.rules import refund_number
from ledger.terms.evidence import NewEvidence
from ledger.terms.ids import new_id
from ledger.terms.login import IDLE, PROOF_LASTS, Session
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web.family import NOW, PAINTING, VAULT, Books
from tests.web.reading import values
from tests.web.test_login import OTHER, PHONE, SITE, Door, read
from web import app as web_app
from web import session
from web.pages import demo, refund
from web.pages import shown as web_shown
from web.site import Site

JPEG: Final = b"\xff\xd8\xff\xe0 a picture \xff\xd9"
DOOR: Final = "door"  # the page that asks for the phone
PROVE: Final = "code"  # the page that asks for a code again
# What nobody, the guardian, the guardian of a sibling, and the guardian of another family get; then what an id gets
# that is well formed and unknown, and one that is no id. Forms are sent empty: whoever may send one hears what is
# missing.
Row = tuple[int | str, ...]
COURSE: Final[Row] = (DOOR, 200, 200, 404, 404, 404)
WHO: Final = ("nobody", "own", "sibling", "foreign", "missing", "malformed")
TABLE: Final[dict[str, Row]] = {
    "GET /course/<contract>": COURSE,
    "GET /course/<contract>/refund": COURSE,
    "GET /course/<contract>/refund/check": COURSE,
    "GET /course/<contract>/refund/send": COURSE,
    "POST /course/<contract>/refund/send": (DOOR, 422, 200, 404, 404, 404),  # of the sibling nothing can come back
    # a lesson of the other family's first child is none of its second
    "GET /course/<contract>/lesson/<lesson>": (DOOR, 200, 404, 404, 404, 404),
    "GET /course/<contract>/lesson/<lesson>/dispute": (DOOR, 200, 404, 404, 404, 404),
    "POST /course/<contract>/lesson/<lesson>/dispute": (DOOR, 422, 404, 404, 404, 404),
    "POST /course/<contract>/lesson/<lesson>/more": (DOOR, 422, 404, 404, 404, 404),
    "POST /course/<contract>/lesson/<lesson>/confirm": (DOOR, 303, 404, 404, 404, 404),
    "GET /course/<contract>/lesson/<lesson>/photo/<piece>": (DOOR, 200, 404, 404, 404, 404),
    "GET /claim/<number>": COURSE,
    "GET /claim/<number>/sent": COURSE,
    "GET /claim/<number>/dates.ics": COURSE,
    # no school of these families has closed
    "GET /course/<contract>/closed": (DOOR, 404, 404, 404, 404, 404),
    "POST /course/<contract>/closed": (DOOR, 404, 404, 404, 404, 404),
    "GET /claim/<number>/account": COURSE,
    "POST /claim/<number>/account": (DOOR, 422, 422, 404, 404, 404),
    "POST /claim/<number>/account/stop": (DOOR, 303, 303, 404, 404, 404),
    "GET /course/<contract>/share": COURSE,
    "POST /course/<contract>/share": COURSE,
    "POST /course/<contract>/share/end": (DOOR, 303, 303, 404, 404, 404),
    # the one refund there is was not decided yet: there is no paper of it
    "GET /claim/<number>/decision": (DOOR, 404, 404, 404, 404, 404),
    "GET /claim/<number>/decision.pdf": (DOOR, 404, 404, 404, 404, 404),
    "GET /course/<contract>/receipt/<payment>": (DOOR, 200, 404, 404, 404, 404),
    "GET /course/<contract>/receipt/<payment>/receipt.pdf": (DOOR, 200, 404, 404, 404, 404),
    "POST /claim/<number>/withdraw": (DOOR, 422, 422, 404, 404, 404),
    "POST /claim/<number>/argue": (DOOR, 422, 422, 404, 404, 404),
}
# Routes without an id: what nobody and a guardian get. What a form of log-in changes is tests/web/test_login.py's.
PLAIN: Final[dict[str, tuple[int | str, int | str]]] = {
    "GET /": (DOOR, 303),
    "GET /money": (DOOR, 200),
    "GET /login": (DOOR, DOOR),
    "POST /login": (422, 422),
    "POST /login/code": (400, 400),
    "POST /logout": (303, 303),
    "GET /static/<path:filename>": (404, 404),
    "GET /s/<link>": (404, 404),
    "GET /mine": (DOOR, 200),
    "POST /mine": (DOOR, 200),
    "GET /c": (200, 200),
    "GET /c/<code>": (200, 200),
    "GET /c/<code>/code.svg": (200, 200),
}
NEEDS_NO_TOKEN: Final = {"POST /login", "POST /login/code"}


@pytest.fixture
def door(fresh_database: Database, rulebooks: Rulebooks, tmp_path: Path) -> Door:
    return Door(fresh_database, rulebooks, tmp_path, Books(fresh_database.app, rulebooks).write())


class Visits:
    """Browsers of every kind of visitor, and the ids they try."""

    def __init__(self, door: Door) -> None:
        door.at += timedelta(hours=1)  # codes of a phone are limited
        self.door, self.nobody = door, door.browser()
        self.mine, self.other = self.come_in(PHONE), self.come_in(OTHER)
        with door.database.app.connect() as conn:
            refund_id = conn.scalars(text("SELECT refund_id FROM ledger.refund")).one()
        families, number = door.families, refund_number.number(refund_id)
        unknown = refund_number.number(uuid4())
        self.contract = (families.painting, families.painting, families.unpaid, families.asked, uuid4(), "x")
        self.upper = str(families.painting).upper()
        books = Books(door.database.app, door.rulebooks)
        theirs = books.teach(PAINTING, "QM-2026-0818", 1, date(2026, 11, 20))
        with door.database.app.connect() as conn:
            own = conn.scalar(text("SELECT lesson_id FROM ledger.lesson WHERE lesson_no = 'L20'"))
            paid = {
                row.contract_id: row.item_id
                for row in conn.execute(
                    text("SELECT contract_id, item_id FROM ledger.item_balance WHERE class = 'claim'")
                )
            }
            disputed = conn.scalar(text("SELECT lesson_id FROM ledger.lesson WHERE lesson_no = 'L23'"))
        self.lesson = (own, own, theirs, theirs, uuid4(), "x")
        # a payment of the other family's first child under its second's course, and under the one it belongs to
        self.payment = (*[paid[families.painting]] * 2, *[paid[families.asked]] * 2, uuid4(), "x")
        self.photo = (disputed, self.shown(disputed))
        # the one refund there is belongs to the other guardian, whose second child has none
        self.number = (number, number, number, number, unknown, "x")

    def shown(self, lesson_id: UUID) -> UUID:
        """A photo the guardian has shown of a lesson in dispute."""
        new = NewEvidence(new_id(NOW), lesson_id, "", read_photo(JPEG), "guardian:x")
        with self.door.database.app.begin() as conn:
            known = pieces.of_lesson(conn, VAULT, PAINTING.number, lesson_id)
            if known:
                return known[0].evidence_id
            assert evidence.give(conn, VAULT, PAINTING.number, new, NOW).accepted
        return new.evidence_id

    def path(self, route: str, n: int) -> str:
        """Where the n-th kind of visitor asks for a route."""
        lesson, piece = (self.photo[0], self.photo[1]) if "<piece>" in route and n < 2 else (self.lesson[n], uuid4())
        path = route.split()[1].replace("<contract>", str(self.contract[n])).replace("<number>", str(self.number[n]))
        path = path.replace("<payment>", str(self.payment[n]))
        return path.replace("<lesson>", str(lesson)).replace("<piece>", str(piece))

    def come_in(self, phone: str) -> FlaskClient:
        self.door.client = client = self.door.browser()
        assert self.door.come_in(phone).status_code == 303
        return client

    def of(self, rule: str, who: str) -> FlaskClient:
        if who == "nobody":
            return self.nobody
        theirs = "number" in rule and who in ("own", "sibling")
        return self.other if theirs or who == "sibling" else self.mine

    def ask(self, client: FlaskClient, route: str, path: str, **headers: str) -> TestResponse:
        method = route.split(maxsplit=1)[0]
        if method == "GET":
            return client.get(path, base_url=SITE)
        tokens = values(read(client.get("/money", base_url=SITE)), '//footer//input[@name="token"]/@value')
        token = tokens[0] if tokens else ""
        return client.post(path, base_url=SITE, data={"token": token, "key": str(new_id(NOW))}, headers=headers)


def answer_of(answer: TestResponse) -> int | str:
    if answer.mimetype != "text/html":
        return answer.status_code
    if answer.status_code == 200 and 'name="phone"' in answer.get_data(as_text=True):
        return DOOR
    if answer.status_code == 200 and 'name="code"' in answer.get_data(as_text=True):
        return PROVE
    return answer.status_code


def routes(app: Flask) -> set[str]:
    return {f"{method} {rule}" for rule in app.url_map.iter_rules() for method in rule.methods or ()} - {
        route for rule in app.url_map.iter_rules() for route in (f"HEAD {rule}", f"OPTIONS {rule}")
    }


def findings(door: Door) -> Iterator[str]:
    """Where the site does not do what the table says."""
    yield from routes(door.client.application) ^ (TABLE.keys() | PLAIN.keys())
    visits = Visits(door)
    for route, row in TABLE.items():
        missing = []
        for n, (who, wanted) in enumerate(zip(WHO, row, strict=True)):
            answer = visits.ask(visits.of(route, who), route, visits.path(route, n))
            if answer_of(answer) != wanted:
                yield f"{route} {who}: {answer_of(answer)}, not {wanted}"
            if wanted == 404:
                missing.append(answer.get_data())
        if len(set(missing)) != 1:
            yield f"{route}: what is foreign and what is missing can be told apart"
    for route, (outside, inside) in PLAIN.items():
        path = route.split()[1].replace("<path:filename>", "x").replace("<code>", "JG2001").replace("<link>", "1-x")
        if route == "POST /logout":
            continue  # ends what the others need: see _ends
        for client, wanted in ((visits.nobody, outside), (visits.mine, inside)):
            found = answer_of(visits.ask(client, route, path))
            if found != wanted:
                yield f"{route}: {found}, not {wanted}"
    yield from _forms(visits)
    yield from _ends(visits)


def _forms(visits: Visits) -> Iterator[str]:
    """Forms without the session's token, of another site, and ids not in their one form."""
    for route in (*TABLE, *PLAIN):
        path = visits.path(route, 1)
        if not route.startswith("POST"):
            continue
        if route not in NEEDS_NO_TOKEN and visits.mine.post(path, base_url=SITE).status_code != 400:
            yield f"{route}: sent without a token"
        if visits.ask(visits.mine, route, path, Origin="https://evil.example").status_code != 400:
            yield f"{route}: sent from another site"
    if visits.mine.get(f"/course/{visits.upper}", base_url=SITE).status_code != 404:
        yield "an id in another form"
    foreign = f"/course/{visits.contract[1]}/lesson/{visits.lesson[3]}"
    receipt = f"/course/{visits.contract[1]}/receipt/{visits.payment[3]}"
    for path in (foreign, f"{foreign}/dispute", f"{foreign}/photo/{visits.photo[1]}", receipt):
        if visits.mine.get(path, base_url=SITE).status_code != 404:
            yield "a lesson or payment of another family under a course of one's own"


def _ends(visits: Visits) -> Iterator[str]:
    """A code that is not new any more, a session that ended, and one that was left."""
    door, path = visits.door, f"/course/{visits.contract[1]}/refund/send"
    door.at += PROOF_LASTS
    if answer_of(visits.ask(visits.mine, f"POST {path}", path)) != PROVE:
        yield "a refund without a new code"
    cookie = visits.other.get_cookie("__Host-custody")
    assert cookie is not None
    if visits.ask(visits.other, "POST /logout", "/logout").status_code != 303:
        yield "POST /logout: not left"
    visits.other.set_cookie("__Host-custody", cookie.value, domain="localhost", secure=True)
    if answer_of(visits.other.get("/money", base_url=SITE)) != DOOR:
        yield "a session that was left goes on"
    door.at += IDLE
    if answer_of(visits.mine.get("/money", base_url=SITE)) != DOOR:
        yield "a session that nobody looked at goes on"


def test_every_route_answers_everybody_as_the_table_says(door: Door) -> None:
    assert list(findings(door)) == []


# -- faults


def everybody_is_somebody(patch: pytest.MonkeyPatch, door: Door) -> None:
    real = session._session
    patch.setattr(session, "_session", lambda: real() or Session(door.families.guardian, door.at))


def courses_of_everybody(patch: pytest.MonkeyPatch, _door: Door) -> None:
    real = web_shown.read

    def read(here: Site, conn: Connection, guardian_id: UUID, contract_id: UUID | None = None) -> object:
        owner = conn.scalar(
            text("""SELECT b.guardian_id FROM ledger.contract c
                    JOIN ledger.guardianship b USING (institution_id, student_id) WHERE c.contract_id = :c"""),
            {"c": contract_id},
        )
        return real(here, conn, owner or guardian_id, contract_id)

    patch.setattr(web_shown, "read", read)


def claims_of_everybody(patch: pytest.MonkeyPatch, door: Door) -> None:
    real = family_refund.claims
    patch.setattr(family_refund, "claims", lambda conn, _guardian, *more: real(conn, door.families.other, *more))
    courses_of_everybody(patch, door)


def forms_of_everybody(patch: pytest.MonkeyPatch, _door: Door) -> None:
    patch.setattr(session, "form_is_ours", lambda _token: True)


def other_sites_may_send(patch: pytest.MonkeyPatch, _door: Door) -> None:
    patch.setattr(web_app, "_refuse_huge", lambda: None)


def foreign_is_not_missing(patch: pytest.MonkeyPatch, _door: Door) -> None:
    real = refund._course

    def course(conn: Connection, guardian_id: UUID, contract: str) -> object:
        known = conn.scalar(text("SELECT count(*) FROM ledger.contract WHERE contract_id::text = :c"), {"c": contract})
        if known and not family.contracts(conn, guardian_id, UUID(contract)):
            raise Forbidden
        return real(conn, guardian_id, contract)

    patch.setattr(refund, "_course", course)


def ids_in_any_form(patch: pytest.MonkeyPatch, _door: Door) -> None:
    real = session.as_id
    patch.setattr(session, "as_id", lambda words: real(words.lower()))


def codes_count_for_ever(patch: pytest.MonkeyPatch, _door: Door) -> None:
    patch.setattr(session, "is_fresh", lambda: True)


def sessions_last_for_ever(patch: pytest.MonkeyPatch, _door: Door) -> None:
    patch.setattr(books_login, "IDLE", timedelta(days=300))


def log_out_ends_nothing(patch: pytest.MonkeyPatch, _door: Door) -> None:
    patch.setattr(books_login, "end", lambda _conn, _token: None)


def the_demo_is_open(patch: pytest.MonkeyPatch, door: Door) -> None:
    real = door.browser

    def browser() -> FlaskClient:
        client = real()
        client.application.register_blueprint(demo.pages, name="shown", url_prefix="/shown")
        return client

    patch.setattr(door, "browser", browser)


def a_page_nobody_thought_of(patch: pytest.MonkeyPatch, door: Door) -> None:
    real = door.browser

    def browser() -> FlaskClient:
        client = real()
        client.application.add_url_rule("/families", "families", lambda: "all of them")
        return client

    patch.setattr(door, "browser", browser)


FAULTS: Final[tuple[Callable[[pytest.MonkeyPatch, Door], None], ...]] = (
    everybody_is_somebody, courses_of_everybody, claims_of_everybody, forms_of_everybody, other_sites_may_send,
    foreign_is_not_missing, ids_in_any_form, codes_count_for_ever, sessions_last_for_ever, log_out_ends_nothing,
    the_demo_is_open, a_page_nobody_thought_of,
)  # fmt: skip


def test_every_planted_fault_is_found(door: Door) -> None:
    missed = []
    for plant in FAULTS:
        with pytest.MonkeyPatch.context() as patch:
            plant(patch, door)
            door.client = door.browser()
            if next(findings(door), None) is None:
                missed.append(plant.__name__)
    assert missed == []
    door.client = door.browser()
    assert list(findings(door)) == [], "a fault was left behind"
