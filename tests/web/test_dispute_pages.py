"""P9: a lesson is confirmed or disputed on its page, and what is said and shown of it is kept sealed."""

import re
from io import BytesIO
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from ledger.terms.evidence import PHOTO_BYTES_MAX, PIECES_MAX, WORDS_MAX
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web.family import NOW, TODAY, VAULT, Books, Families
from tests.web.reading import opened, values, words
from web.app import create_app

JPEG = b"\xff\xd8\xff\xe0" + "珍珠".encode() * 40 + b"\xff\xd9"
WORDS = "那天孩子发烧在家"


class Course:
    """The guardian's course in a browser, in English, on books of its own."""

    def __init__(self, database: Database, rulebooks: Rulebooks) -> None:
        self.database = database
        self.families: Families = Books(database.app, rulebooks).write()
        app = create_app(database.app, VAULT, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
        self.client: FlaskClient = app.test_client()
        self.client.post("/demo/login", data={"guardian": str(self.families.guardian)})
        self.client.get("/?lang=en")

    def ask(self, question: str) -> object:
        with self.database.app.connect() as conn:
            return conn.scalar(text(question))

    def lesson(self, number: str) -> UUID:
        found = self.ask(f"SELECT lesson_id FROM ledger.lesson WHERE lesson_no = '{number}'")
        assert isinstance(found, UUID)
        return found

    def state(self, number: str) -> object:
        return self.ask(f"SELECT state FROM ledger.lesson_now WHERE lesson_no = '{number}'")

    def at(self, number: str, more: str = "") -> str:
        return f"/course/{self.families.painting}/lesson/{self.lesson(number)}{more}"

    def form(self, number: str, page: str = "/dispute") -> dict[str, str]:
        """The hidden fields of the form on a page of a lesson."""
        found = opened(self.client, self.at(number, page))
        names = values(found, '//main//form[@enctype]//input[@type="hidden"]/@name')
        return dict(zip(names, values(found, '//main//form[@enctype]//input[@type="hidden"]/@value'), strict=True))

    def send(self, number: str, page: str = "/dispute", *, photo: bytes | None = None, **fields: str) -> TestResponse:
        sent: dict[str, object] = {**self.form(number, "" if page == "/more" else page), **fields}
        if photo is not None:
            sent["photo"] = (BytesIO(photo), "IMG_0001.jpg")
        return self.client.post(self.at(number, page), data=sent, content_type="multipart/form-data")


@pytest.fixture
def course(fresh_database: Database, rulebooks: Rulebooks) -> Course:
    return Course(fresh_database, rulebooks)


def test_a_lesson_that_waits_is_confirmed_by_a_tap(course: Course) -> None:
    page = opened(course.client, course.at("L20"))
    assert "Was it taught? It waits for your answer" in words(page)
    assert "Call 010-0000-1208" in words(page)
    (token,) = values(page, '//main//form[contains(@action, "confirm")]//input[@name="token"]/@value')
    assert course.client.post(course.at("L20", "/confirm"), data={"token": token}).status_code == 303
    assert course.state("L20") == "released"
    assert "It counts as taught" in words(opened(course.client, course.at("L20")))
    assert course.ask("SELECT device_index IS NOT NULL FROM ledger.lesson_step WHERE state = 'confirmed'"
                      " ORDER BY at DESC LIMIT 1")  # fmt: skip


def test_an_hour_is_disputed_with_words_and_a_photo_and_its_money_is_frozen(course: Course) -> None:
    before = course.ask("SELECT max(held_fen) FROM ledger.contract_balance WHERE paid_fen = 320000")
    page = opened(course.client, course.at("L20", "/dispute"))
    assert "¥80.00 This money is frozen from now on" in words(page)
    answer = course.send("L20", why="absent", words=WORDS, photo=JPEG)
    assert (answer.status_code, answer.location) == (303, course.at("L20"))
    assert course.state("L20") == "disputed"
    held = course.ask("SELECT max(held_fen) FROM ledger.contract_balance WHERE paid_fen = 320000")
    assert (before, held) == (0, 80_00)
    shown = opened(course.client, course.at("L20"))
    assert "In dispute: this money is frozen ¥80.00" in words(shown)
    assert "You: disputed: The child was not there" in words(shown)
    assert WORDS in words(shown)
    (link,) = values(shown, '//main//a[contains(@href, "/photo/")]/@href')
    photo = course.client.get(link)
    assert (photo.get_data(), photo.content_type) == (JPEG, "image/jpeg")
    with course.database.app.connect() as conn:
        kept = "".join(conn.execute(text("SELECT e::text FROM ledger.lesson_evidence e")).scalars())
    assert WORDS.encode().hex() not in kept
    assert JPEG.hex()[20:60] not in kept
    assert course.ask("SELECT reason FROM ledger.lesson_step WHERE state = 'disputed' ORDER BY at DESC LIMIT 1") == (
        "absent"
    )


def test_sent_twice_it_is_one_dispute_with_one_piece(course: Course) -> None:
    fields = course.form("L20") | {"why": "teacher", "words": WORDS}
    for _ in range(2):
        sent = course.client.post(course.at("L20", "/dispute"), data=fields, content_type="multipart/form-data")
        assert sent.status_code == 303
    assert course.ask("SELECT count(*) FROM ledger.lesson_evidence") == 1
    assert course.ask("SELECT count(*) FROM ledger.lesson_dispute") == 1
    assert course.client.get(course.at("L20", "/dispute")).location == course.at("L20")


def test_an_hour_confirmed_by_silence_may_still_be_disputed(course: Course) -> None:
    page = opened(course.client, course.at("L01"))
    assert "nobody: it is settled; you may still dispute it" in words(page)
    assert course.send("L01", why="charged").status_code == 303
    assert course.state("L01") == "disputed"


@pytest.mark.parametrize(
    ("fields", "fault"),
    [
        ({}, "Choose what was not right."),
        ({"why": "nonsense"}, "Choose what was not right."),
        ({"why": "other"}, "Say in one line what happened"),
        ({"why": "absent", "words": "x" * (WORDS_MAX + 1)}, "Say in one line what happened"),
        ({"why": "absent", "words": "a\u202eb"}, "Say in one line what happened"),
    ],
)
def test_what_cannot_be_taken_is_said_and_what_was_typed_stays(
    course: Course, fields: dict[str, str], fault: str
) -> None:
    answer = course.send("L20", photo=None, **fields)
    page = answer.get_data(as_text=True)
    assert (answer.status_code, fault in page) == (422, True)
    assert "<title>Error: " in page
    if fields.get("words", "").startswith("x"):
        assert fields["words"] in page
    assert course.state("L20") == "recorded"


@pytest.mark.parametrize(
    ("photo", "status", "fault"),
    [
        (b"GIF89a", 422, "no photo in JPEG or PNG"),
        (JPEG[:-2] + b"x" * PHOTO_BYTES_MAX + JPEG[-2:], 422, "larger than 5 MB"),
        (b"x" * 9_000_000, 413, "REQUEST_TOO_LARGE"),
    ],
)
def test_a_photo_too_large_or_of_another_kind_is_refused_with_the_limit(
    course: Course, photo: bytes, status: int, fault: str
) -> None:
    answer = course.send("L20", why="absent", words=WORDS, photo=photo)
    page = answer.get_data(as_text=True)
    assert (answer.status_code, fault in page, course.state("L20")) == (status, True, "recorded")
    if status == 422:
        assert WORDS in page


def test_no_other_form_takes_that_much(course: Course) -> None:
    sent = course.client.post(course.at("L20", "/confirm"), data={"token": "x" * 20_000})
    assert (sent.status_code, course.state("L20")) == (413, "recorded")


def test_something_more_is_added_while_it_is_in_dispute_and_no_longer(course: Course) -> None:
    assert course.send("L23", "/more", words="").status_code == 422
    assert course.send("L23", "/more", words=WORDS).status_code == 303
    for n in range(PIECES_MAX):
        last = course.send("L23", "/more", words=f"{WORDS} {n}")
    assert last.status_code == 409
    assert "Ten pieces are kept" in last.get_data(as_text=True)
    assert course.ask("SELECT count(*) FROM ledger.lesson_evidence") == PIECES_MAX
    settled = opened(course.client, course.at("L24"))
    assert "Taken back: it is yours again" in words(settled)
    assert not values(settled, "//main//form[@enctype]/@action")
    fields = course.form("L23", "") | {"words": WORDS}
    assert course.client.post(course.at("L24", "/more"), data=fields).status_code == 409


def test_a_form_that_is_not_ours_or_too_old_is_refused(course: Course) -> None:
    fields = course.form("L20") | {"why": "absent", "words": WORDS}
    for key in ("", "x", "00000000-0000-4000-8000-000000000000", "01900000-0000-7000-8000-000000000000"):
        sent = course.client.post(course.at("L20", "/dispute"), data=fields | {"key": key})
        assert sent.status_code == 400
    assert course.state("L20") == "recorded"


def test_a_lesson_s_page_says_who_acts_until_when_and_whom_to_call(course: Course) -> None:
    for number, said in (
        ("L20", "Who has it you Until 2026-"), ("L21", "Until silence never confirms it"),
        ("L22", "Not charged"), ("L23", "Who has it the school shows its evidence, the office decides Until ask after"),
    ):  # fmt: skip
        page = words(opened(course.client, course.at(number)))
        assert said in page
        assert re.search(r"Call 010-0000-1208", page)
