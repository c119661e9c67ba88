"""A second guardian looks through a link and can do nothing; a family takes along what is kept about it."""

import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import text

from ledger.terms.login import PROOF_LASTS
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web import axe
from tests.web.family import Books, Families
from tests.web.reading import opened, values, words
from tests.web.test_browser import address, chromium, sideways
from tests.web.test_login import OTHER, PHONE, SITE, Door, hidden, hidden_token, read
from tests.web.test_refund_browser import entered, small
from tests.web.tour import LOOKS, shot
from web.pages.share import LASTS, LINKS_MAX

__all__ = ["address", "chromium"]  # fixtures of the browser


@pytest.fixture
def door(fresh_database: Database, rulebooks: Rulebooks, tmp_path: Path) -> Door:
    made = Door(fresh_database, rulebooks, tmp_path, Books(fresh_database.app, rulebooks).write())
    made.come_in(PHONE)
    made.get("/money?lang=en")
    return made


def share(door: Door) -> str:
    """A new link to the guardian's course, as a path."""
    page = door.post(f"/course/{door.families.painting}/share", token=hidden_token(door)).get_data(as_text=True)
    (link,) = re.findall(r"https://localhost(/s/[0-9]+-[A-Za-z0-9_-]{43})<", page)
    return str(link)


def test_whoever_has_the_link_sees_the_course_without_a_log_in_and_nothing_to_do(door: Door) -> None:
    link = share(door)
    nobody = door.browser()
    nobody.get("/c?lang=en", base_url=SITE)
    answer = nobody.get(link, base_url=SITE)
    page = read(answer)
    assert answer.status_code == 200
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert "¥2,000.00" in words(page)
    assert "You look through a link until 2026-12-2" in words(page)
    assert "010-0000-1208" in words(page)
    assert values(page, "//form/@action") == []
    assert not [one for one in values(page, "//main//a/@href") if not one.startswith("tel:")]
    assert "13900000001" not in answer.get_data(as_text=True)


def test_a_link_is_kept_as_a_digest_and_is_shown_once(door: Door) -> None:
    link = share(door)
    token = link.partition("-")[2]
    with door.database.app.connect() as conn:
        kept = "".join(conn.execute(text("SELECT s::text FROM ledger.share_link s")).scalars())
    assert token not in kept
    assert token.encode().hex() not in kept
    again = door.get(f"/course/{door.families.painting}/share").get_data(as_text=True)
    assert token not in again
    assert "1 link works" in again


def test_links_end_when_they_are_taken_back_and_by_themselves(door: Door) -> None:
    first, second = share(door), share(door)
    nobody = door.browser()
    door.at += LASTS - timedelta(seconds=1)
    assert nobody.get(first, base_url=SITE).status_code == 200
    door.at += timedelta(seconds=1)
    missing = nobody.get("/s/1-" + "x" * 43, base_url=SITE)
    assert nobody.get(first, base_url=SITE).get_data() == missing.get_data()
    door.come_in(PHONE)
    third = share(door)
    assert nobody.get(third, base_url=SITE).status_code == 200
    ended = door.post(f"/course/{door.families.painting}/share/end", token=hidden_token(door))
    assert ended.status_code == 303
    assert nobody.get(third, base_url=SITE).get_data() == missing.get_data()
    assert nobody.get(second, base_url=SITE).status_code == missing.status_code == 404


def test_there_are_only_so_many_links(door: Door) -> None:
    for _ in range(LINKS_MAX):
        share(door)
    full = door.post(f"/course/{door.families.painting}/share", token=hidden_token(door))
    assert (full.status_code, "take them back first" in full.get_data(as_text=True)) == (409, True)


@pytest.mark.parametrize("link", ["x", "1-" + "x" * 42, "0-" + "x" * 43, "2001-" + "x" * 43, "9999999999-" + "x" * 43])
def test_what_is_no_link_is_not_there(door: Door, link: str) -> None:
    assert door.get(f"/s/{link}").status_code == 404


def test_a_link_of_one_school_opens_nothing_of_another(door: Door) -> None:
    number, _, token = share(door).removeprefix("/s/").partition("-")
    assert door.get(f"/s/{int(number) + 1}-{token}").status_code == 404


def test_a_family_takes_along_what_is_kept_and_nothing_of_anybody_else(door: Door) -> None:
    answer = door.post("/mine", token=hidden_token(door))
    kept = json.loads(answer.get_data())
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert kept["guardian"] == {"name": "周𠮷宁", "phone": PHONE}
    painting, coding = kept["contracts"]
    assert (painting["contract"], painting["student"], painting["price"]) == ("QM-2026-0817", "李㐂言", "3200.00")
    assert len(painting["lessons"]) == 17
    assert painting["money"][0] == {"on": "2026-08-18", "what": "paid", "kind": "deposit", "amount": "3200.00"}
    assert coding["contract"] == "LS-2026-0901"
    whole = answer.get_data(as_text=True)
    for canary in ("王大明", "王小明", OTHER, "QM-2026-0818"):
        assert canary not in whole


def test_only_a_new_code_gives_it_out(door: Door) -> None:
    door.at += PROOF_LASTS
    asked = door.post("/mine", token=hidden_token(door))
    assert asked.mimetype == "text/html"
    assert 'name="code"' in asked.get_data(as_text=True)
    going = door.post("/login/code", **hidden(asked), code=door.code())
    fields = hidden(going) | {"token": str(read(going).xpath('//main//input[@name="token"]/@value')[0])}
    assert door.post("/mine", **fields).mimetype == "application/json"


@pytest.mark.parametrize(("language", "width"), LOOKS)
def test_the_pages_fit_and_break_no_rule(
    chromium: Browser, address: str, families: Families, language: str, width: int
) -> None:
    page = entered(chromium, address, families, language, width, script=True)
    try:
        page.goto(f"{address}/course/{families.painting}/share")
        page.locator("main form button").first.click()
        link = page.locator(".link").inner_text()
        for path, name in (("", "share"), (link, "shared"), (f"{address}/mine", "mine")):
            if path:
                page.goto(path)
            shot(page, f"{name}-{language}-{width}")
            assert axe.violations(page) == []
            assert (sideways(page), small(page)) == (0, [])
            page.goto(f"{page.url}?view=elder")
            assert (axe.violations(page), sideways(page)) == ([], 0)
            page.goto(f"{page.url.split('?')[0]}?view=plain")
        page.set_viewport_size({"width": 320, "height": 800})
        page.goto(link)
        assert sideways(page) == 0
    finally:
        page.context.close()


def test_the_page_without_a_session_is_the_door(client: FlaskClient) -> None:
    client.post("/demo/logout", data={"token": values(opened(client, "/money"), "//footer//input/@value")[0]})
    assert client.get("/mine").status_code == 303
