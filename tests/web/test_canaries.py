"""Names, phones and codes are driven through pages and their errors: no log and no dump of the database has them."""

import logging
import re
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from ledger.terms.rulebook import Rulebooks
from ledger.vault import Vault
from tests.cli.test_dump import dump, forms
from tests.conftest import Database
from tests.web.family import NOW, TODAY, VAULT, Books
from tests.web.test_login import NOBODY, OTHER, PHONE, SITE, Door, hidden, hidden_token
from web.app import create_app
from web.sender import Folder

NAMES = ("周𠮷宁", "李㐂言", "王大明", "王小明")
TYPED = "金丝雀转学"
SAID, SHOWN = "金丝雀那天发烧", "金丝雀的照片"


def test_no_log_and_no_dump_names_anybody(
    fresh_database: Database, rulebooks: Rulebooks, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    door = Door(fresh_database, rulebooks, tmp_path, Books(fresh_database.app, rulebooks).write())
    said = []
    for phone in (PHONE, OTHER, NOBODY):
        door.come_in(phone)
        said.append(door.code())
    door.come_in(PHONE)
    said.append(door.code())
    course = f"/course/{door.families.painting}"
    for where in ("/money", course, f"{course}/refund", f"{course}/refund/check", f"{course}/refund/send",
                  f"{course}/share", "/mine", "/c/JG2001"):  # fmt: skip
        assert door.get(where).status_code == 200
    link = shared(door, course)
    assert NAMES[1] in door.browser().get(link, base_url=SITE).get_data(as_text=True)
    taken = door.post("/mine", token=hidden_token(door)).get_data(as_text=True)
    assert PHONE in taken
    for where in re.findall(r"/course/[0-9a-f-]+/receipt/[0-9a-f-]+", door.get(course).get_data(as_text=True)):
        for paper in (where, f"{where}/receipt.pdf"):
            assert door.get(paper).status_code == 200
    for canary in (PHONE, *NAMES):
        for where in (f"/course/{canary}", f"/claim/{canary}", f"/{canary}", f"/money?who={canary}", f"/s/{canary}",
                      f"/c/{canary}", f"/c?school={canary}", f"{course}/receipt/{canary}"):  # fmt: skip
            assert door.get(where).status_code in (200, 404)
        assert door.post("/login", phone=canary, kept=canary).status_code == 400
        assert door.post("/logout", token=canary).status_code == 400
        assert door.client.put("/money", base_url=SITE, data={"who": canary}).status_code == 405
    fields = hidden(door.get(f"{course}/refund/send?why=own")) | {"agree": "yes", "words": TYPED, "name": NAMES[0]}
    assert door.post(f"{course}/refund/send", **fields, account=PHONE).status_code == 303
    shown_of_lesson(door)
    before = len(caplog.records)
    broken(door, hidden_token(door), tmp_path)
    assert len(caplog.records) > before, "faults are logged"
    logged = "\n".join(logging.Formatter().format(one) for one in caplog.records)
    whole = dump(fresh_database.owner)
    assert [canary for canary in (PHONE, OTHER, NOBODY, *NAMES, SAID, SHOWN, link[-43:]) if canary in logged] == []
    assert link[-43:].encode() not in whole
    # six digits of their own, not by chance in the middle of an address or an id
    assert [code for code in said if re.search(rf"(?<![0-9a-f]){code}(?![0-9a-f])", logged)] == []
    for canary in (PHONE, OTHER, NOBODY, *NAMES, SAID, SHOWN):
        assert not [form for form in forms(canary) if form in whole], canary
    assert str(door.families.guardian).encode() in whole, "the search finds what is there"


def shared(door: Door, course: str) -> str:
    """A link for the second guardian, as a path."""
    page = door.post(f"{course}/share", token=hidden_token(door)).get_data(as_text=True)
    (link,) = re.findall(r"/s/[0-9]+-[A-Za-z0-9_-]{43}", page)
    return str(link)


def shown_of_lesson(door: Door) -> None:
    """What a family says and shows of a lesson, and what it sends that cannot be taken."""
    with door.database.app.connect() as conn:
        lesson = conn.scalar(text("SELECT lesson_id FROM ledger.lesson WHERE lesson_no = 'L20'"))
    at = f"/course/{door.families.painting}/lesson/{lesson}/dispute"
    picture = b"\xff\xd8\xff\xe0" + SHOWN.encode() + b"\xff\xd9"
    fields = hidden(door.get(at)) | {"words": SAID, "name": NAMES[0]}
    for more, photo, status in (
        ({}, picture, 422),
        ({"why": "absent"}, b"no photo", 422),
        ({"why": "absent"}, picture, 303),
    ):
        sent = {**fields, **more, "photo": (BytesIO(photo), f"{SHOWN}.jpg")}
        answer = door.client.post(at, data=sent, base_url=SITE, content_type="multipart/form-data")
        assert answer.status_code == status
    assert SAID in door.get(at.removesuffix("/dispute")).get_data(as_text=True)


def broken(door: Door, token: str, nowhere: Path) -> None:
    """The same pages where the keys do not fit, and where the books do not answer."""
    cookie = door.client.get_cookie("__Host-custody")
    assert cookie is not None
    lost = create_engine(f"postgresql+psycopg://app@/books?host={nowhere}")
    for engine, vault, status in (
        (door.database.app, Vault({1: bytes(32)}, 1), 500),
        (lost, VAULT, 503),
    ):
        app = create_app(
            engine, vault, door.rulebooks, demo=False, today=lambda: TODAY, now=lambda: NOW, clock=lambda: door.at,
            sender=Folder(door.folder),
        )  # fmt: skip
        client = app.test_client(use_cookies=False)
        headers = {"Cookie": f"__Host-custody={cookie.value}"}
        assert client.get(f"/money?who={PHONE}", base_url=SITE, headers=headers).status_code == status
        form = {"token": token, "words": NAMES[0], "key": PHONE}
        path = f"/course/{door.families.painting}/refund/send"
        assert client.post(path, base_url=SITE, headers=headers, data=form).status_code in (status, 400)
