"""Coming in by phone and code, without the demo: what is sent, what is kept, what it tells, when it ends."""

import json
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from lxml import html
from lxml.html import HtmlElement
from sqlalchemy import text
from werkzeug.test import TestResponse

from ledger.terms.login import CODE_LASTS, CODE_TRIES, CODES_OF_PHONE, IDLE, PROOF_LASTS, WHOLE
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web.family import NOW, TODAY, VAULT, Books, Families
from tests.web.reading import words
from web.app import create_app
from web.sender import Folder

PHONE, OTHER, NOBODY = "13900000001", "13900000002", "13911112222"
SITE = "https://localhost"
SECOND = timedelta(seconds=1)


@dataclass
class Door:
    """A site that sends codes into a folder, and whose clock stands where the test puts it."""

    database: Database
    rulebooks: Rulebooks
    folder: Path
    families: Families
    at: datetime = NOW
    client: FlaskClient = field(init=False)

    def __post_init__(self) -> None:
        self.client = self.browser()

    def browser(self) -> FlaskClient:
        app = create_app(
            self.database.app, VAULT, self.rulebooks, demo=False, today=lambda: TODAY, now=lambda: NOW,
            clock=lambda: self.at, sender=Folder(self.folder),
        )  # fmt: skip
        client: FlaskClient = app.test_client()
        return client

    def get(self, path: str) -> TestResponse:
        return self.client.get(path, base_url=SITE)

    def post(self, path: str, **fields: str) -> TestResponse:
        return self.client.post(path, data=fields, base_url=SITE)

    def sent(self) -> list[dict[str, str]]:
        """Every message so far, oldest first."""
        files = sorted(self.folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        return [json.loads(path.read_text(encoding="utf-8")) for path in files]

    def code(self) -> str:
        return self.sent()[-1]["text"].split()[0]

    def ask(self, phone: str = PHONE) -> dict[str, str]:
        """Ask for a code; the hidden fields of the page that takes it."""
        answer = self.post("/login?lang=en", phone=phone)
        assert answer.status_code == 200
        return hidden(answer)

    def come_in(self, phone: str = PHONE) -> TestResponse:
        fields = self.ask(phone)
        return self.post("/login/code", **fields, code=self.code())

    def sessions(self) -> int:
        with self.database.app.connect() as conn:
            return int(conn.scalar(text("SELECT count(*) FROM ledger.login_session")) or 0)


@pytest.fixture
def door(fresh_database: Database, rulebooks: Rulebooks, tmp_path: Path) -> Door:
    families = Books(fresh_database.app, rulebooks).write()
    made = Door(fresh_database, rulebooks, tmp_path, families)
    made.get("/?lang=en")
    return made


def read(answer: TestResponse) -> HtmlElement:
    return html.fromstring(answer.get_data())


def hidden(answer: TestResponse) -> dict[str, str]:
    page = read(answer)
    return {one.get("name"): one.get("value") for one in page.xpath('//main//input[@type="hidden"]')}


def shown(answer: TestResponse) -> str:
    return words(read(answer).xpath("//main")[0])


def test_a_code_of_the_own_phone_opens_the_own_money(door: Door) -> None:
    assert "Log in with your phone" in shown(door.get("/money"))
    fields = door.ask("+86 139-0000 0001")
    (message,) = door.sent()
    assert message["to"] == PHONE
    assert next(door.folder.glob("*.json")).stat().st_mode & 0o077 == 0
    came = door.post("/login/code", **fields, code=f" {door.code()[:3]} {door.code()[3:]} ")
    assert (came.status_code, came.location) == (303, "/money")
    cookie = came.headers["Set-Cookie"]
    assert cookie.startswith("__Host-custody=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in cookie.split(";")}
    page = door.get("/money")
    assert "周𠮷宁" in shown(page)
    assert 'class="demo"' not in page.get_data(as_text=True)
    assert door.get("/").location == "/money"
    assert door.get(f"/course/{door.families.asked}").status_code == 404  # of the other guardian


def test_the_page_that_was_asked_for_is_opened_afterwards(door: Door) -> None:
    kept = hidden(door.get(f"/course/{door.families.painting}"))
    fields = hidden(door.post("/login", **kept, phone=PHONE))
    assert door.post("/login/code", **fields, code=door.code()).location == f"/course/{door.families.painting}"


def test_who_asks_learns_nothing_of_who_is_registered(door: Door) -> None:
    known, unknown = (door.post("/login?lang=en", phone=phone) for phone in (PHONE, NOBODY))
    assert known.status_code == unknown.status_code == 200
    assert shown(known).replace("139****0001", "x") == shown(unknown).replace("139****2222", "x")
    assert [message["to"] for message in door.sent()] == [PHONE, NOBODY]
    for answer in (known, unknown):
        wrong = door.post("/login/code?lang=en", **hidden(answer), code="x")
        assert (wrong.status_code, "This code is not right" in shown(wrong)) == (422, True)
    # who holds the phone learns it
    answer = door.post("/login/code?lang=en", **hidden(unknown), code=door.code())
    assert (answer.status_code, "No course is registered" in shown(answer)) == (422, True)
    assert door.sessions() == 0


def test_a_code_counts_once_for_a_while_for_a_few_tries_and_only_the_newest(door: Door) -> None:
    def tried(fields: dict[str, str], code: str) -> tuple[int, str]:
        answer = door.post("/login/code?lang=en", **fields, code=code)
        return answer.status_code, shown(answer) if answer.status_code != 303 else ""

    fields = door.ask()
    for left in range(CODE_TRIES - 1, 0, -1):
        status, said = tried(fields, "000000x")
        assert (status, f"{left} tr" in said) == (422, True)
    assert "counts no more" in tried(fields, "000000x")[1]
    assert "counts no more" in tried(fields, door.code())[1], "too late, though right"
    older = (door.ask(), door.code())[1]
    fields = door.ask()
    if older != door.code():
        assert "not right" in tried(fields, older)[1]
    newest = door.code()
    assert tried(fields, newest)[0] == 303
    assert "counts no more" in tried(fields, newest)[1], "used up"
    fields = door.ask()
    door.at += CODE_LASTS
    assert "counts no more" in tried(fields, door.code())[1]
    fields = door.ask()
    again = door.post("/login/code", **fields, again="yes")
    assert (again.status_code, len(door.sent())) == (200, 6)
    assert tried(hidden(again), door.code())[0] == 303


def test_codes_of_a_phone_are_limited_and_the_page_says_until_when(door: Door) -> None:
    for _ in range(CODES_OF_PHONE.size):
        door.ask()
    refused = door.post("/login?lang=en", phone=PHONE)
    assert refused.status_code == 429
    assert "Try again in 5 minutes" in shown(refused)
    assert len(door.sent()) == CODES_OF_PHONE.size
    assert door.ask(OTHER), "another phone is not held up"
    door.at += CODES_OF_PHONE.refill
    assert door.ask()
    assert door.post("/login", phone=PHONE).status_code == 429, "one more, not all"


def test_a_session_ends_when_nobody_looks_after_a_day_of_work_and_at_log_out(door: Door) -> None:
    assert door.come_in().status_code == 303
    for _ in range(15):
        door.at += IDLE - SECOND
        assert "周𠮷宁" in shown(door.get("/money"))
    door.at += IDLE
    assert "Log in with your phone" in shown(door.get("/money"))
    door.come_in()
    begun = door.at
    while door.at + timedelta(minutes=20) < begun + WHOLE:
        door.at += timedelta(minutes=20)
        assert "周𠮷宁" in shown(door.get("/money"))
    door.at = begun + WHOLE
    assert "Log in with your phone" in shown(door.get("/money"))
    door.come_in()
    assert door.sessions() == 1, "what ended was thrown away"
    old = door.client.get_cookie("__Host-custody")
    assert old is not None
    assert "周𠮷宁" in shown(with_cookie(door, old.value))
    token = hidden_token(door)
    assert door.post("/logout").status_code == 400
    assert door.post("/logout", token=token).location == "/"
    assert "周𠮷宁" not in shown(with_cookie(door, old.value))


def with_cookie(door: Door, token: str) -> TestResponse:
    """What a browser gets that brings a cookie of another."""
    thief = door.client.application.test_client(use_cookies=False)
    return thief.get("/money", base_url=SITE, headers={"Cookie": f"__Host-custody={token}"})


def hidden_token(door: Door) -> str:
    return str(read(door.get("/money")).xpath('//footer//input[@name="token"]/@value')[0])


def test_coming_in_again_makes_a_new_session_and_ends_the_old(door: Door) -> None:
    door.come_in()
    first = door.client.get_cookie("__Host-custody")
    token = hidden_token(door)
    fields = hidden(door.post("/login", phone=PHONE, token=token))
    door.post("/login/code", **fields, code=door.code())
    second = door.client.get_cookie("__Host-custody")
    assert first is not None
    assert second is not None
    assert first.value != second.value
    assert door.sessions() == 1
    with door.database.app.connect() as conn:
        kept = bytes(conn.scalars(text("SELECT session_digest FROM ledger.login_session")).one())
    assert second.value.encode() not in kept


def test_a_session_that_ends_in_the_middle_loses_nothing_typed(door: Door) -> None:
    door.come_in()
    path = f"/course/{door.families.painting}/refund/send"
    fields = hidden(door.get(f"{path}?why=own&lang=en")) | {"agree": "yes", "words": "搬家了 <b>"}
    door.at += IDLE
    ended = door.post(path, **fields)
    assert "the session has ended" in shown(ended)
    with door.database.app.connect() as conn:
        before = conn.scalar(text("SELECT count(*) FROM ledger.refund"))
    answer = door.post("/login", **hidden(ended), phone=PHONE)
    go_on = door.post("/login/code", **hidden(answer), code=door.code())
    typed = hidden(go_on)
    assert typed["words"] == "搬家了 <b>"
    assert typed["token"] != fields["token"]
    sent = door.post(path, **typed)
    assert sent.status_code == 303
    assert "/claim/" in sent.location
    with door.database.app.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM ledger.refund")) == (before or 0) + 1


def test_sending_a_refund_needs_a_code_of_just_now_of_the_same_guardian(door: Door) -> None:
    door.come_in()
    path = f"/course/{door.families.painting}/refund/send"
    fields = hidden(door.get(f"{path}?why=own&lang=en")) | {"agree": "yes", "words": ""}
    door.at += PROOF_LASTS
    asked = door.post(path, **fields)
    assert "make sure that it is you" in shown(asked)
    assert door.sent()[-1]["to"] == PHONE
    with door.database.app.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM ledger.refund")) == 1, "only the one that was there"
    go_on = door.post("/login/code", **hidden(asked), code=door.code())
    assert "/claim/" in door.post(path, **hidden(go_on)).location
    # what another guardian's phone says does not count
    door.at += PROOF_LASTS
    carried = hidden(door.post(path, **hidden(door.get(f"{path}?why=own")), token=hidden_token(door)))
    with_other = hidden(door.post("/login", **carried, phone=OTHER))
    assert door.post("/login/code", **with_other, code=door.code()).status_code == 400


@pytest.mark.parametrize("kept", ["x", "AAAA", "===", "\u6d4b"])
def test_what_we_did_not_seal_is_not_believed(door: Door, kept: str) -> None:
    assert door.post("/login", kept=kept, phone=PHONE).status_code == 400
    assert door.post("/login/code", kept=kept, code="000000").status_code == 400
    assert door.post("/login/code", code="000000").status_code == 400
    assert door.sent() == []


@pytest.mark.parametrize("phone", ["", "12345", "23900000001", "139000000011", "１３９０", "13900000001;x"])
def test_a_number_that_is_none_is_asked_for_again(door: Door, phone: str) -> None:
    answer = door.post("/login?lang=en", phone=phone)
    assert (answer.status_code, "Give a mobile number" in shown(answer)) == (422, True)
    assert door.sent() == []


@pytest.mark.parametrize(
    "headers", [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_forms_of_another_site_are_refused(door: Door, headers: dict[str, str]) -> None:
    answer = door.client.post("/login", data={"phone": PHONE}, headers=headers, base_url=SITE)
    assert (answer.status_code, door.sent()) == (400, [])
    own = door.client.post("/login", data={"phone": PHONE}, headers={"Origin": SITE}, base_url=SITE)
    assert own.status_code == 200


def test_who_asks_for_too_many_pages_waits(door: Door) -> None:
    door.come_in()
    statuses = [door.get("/login").status_code for _ in range(205)]
    assert set(statuses[:190]) == {200}
    assert statuses[-1] == 429
    refused = door.get("/money?lang=en")
    assert refused.headers["Retry-After"] == "60"
    assert "REQUESTS_TOO_MANY" in refused.get_data(as_text=True)
    assert door.browser().get("/login", base_url=SITE).status_code == 200, "others are not held up"
    door.at += timedelta(minutes=1)
    assert door.get("/money").status_code == 200


def test_the_books_tell_neither_phone_nor_code_nor_address(door: Door) -> None:
    door.ask()
    code = door.code()
    with door.database.app.connect() as conn:
        rows = [
            str([bytes(value) if isinstance(value, memoryview) else value for value in row])
            for table in ("login_code", "token_bucket")
            for row in conn.execute(text(f"SELECT * FROM ledger.{table}"))
        ]
    assert len(rows) >= 4
    assert not [row for row in rows if PHONE in row or code in row or "127.0.0.1" in row]
