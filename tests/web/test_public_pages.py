"""P0: the public check of a school, by anybody, with nothing about a family in it."""

import re
from datetime import UTC, datetime

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import etree
from playwright.sync_api import Browser

from ledger.books import journal
from ledger.rules import posting
from ledger.terms.ids import new_id
from ledger.terms.journal import Entry
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web import axe
from tests.web.family import CODING, NOW, PAID_ON, PAINTING, TODAY, VAULT, Books, Families
from tests.web.reading import opened, values, words
from tests.web.test_browser import LANGUAGES, address, chromium, sideways
from tests.web.test_refund_browser import small
from tests.web.tour import LOOKS, shot
from web.app import create_app
from web.pages.public import drawn

__all__ = ["address", "chromium"]  # fixtures of the browser


@pytest.fixture
def anybody(app: Flask, families: Families) -> FlaskClient:
    assert families
    client = app.test_client()
    client.get("/c?lang=en")
    return client


def test_a_school_with_a_custody_account_says_yes_and_where(anybody: FlaskClient) -> None:
    page = words(opened(anybody, "/c/JG2001"))
    assert "Is prepaid money in third-party custody? Yes" in page
    assert "京华银行 · ending 4821" in page
    assert "all of it: 100% or more" in page
    assert "Bank statements in the books up to 2026-11-23 (Mon)" in page
    assert "Last day closed and signed by two people none yet" in page
    assert "Tell the office: 010-0000-1208" in page


def test_a_school_that_holds_the_money_says_no_and_what_stands_behind(anybody: FlaskClient) -> None:
    page = words(opened(anybody, f"/c/JG{CODING.number}"))
    assert "Is prepaid money in third-party custody? No" in page
    assert "A reserve at a bank stands behind it" in page
    assert "Of what the place requires: less than 90%" in page  # nothing lies in it


def test_what_the_school_has_yet_to_bring_in_lowers_the_band(fresh_database: Database, rulebooks: Rulebooks) -> None:
    families = Books(fresh_database.app, rulebooks).write()
    books = Books(fresh_database.app, rulebooks, datetime(2026, 11, 24, 1, tzinfo=UTC))
    app = create_app(fresh_database.app, VAULT, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
    client = app.test_client()
    client.get("/c?lang=en")
    for fen, said in ((200_00, "90 to 100%"), (1_000_00, "less than 90%")):
        with fresh_database.app.begin() as conn:
            event = posting.released_ahead(books.balance(conn, PAINTING, families.painting), fen)
            entry = Entry(new_id(books.clock), f"{fen}", (), event, PAID_ON, "test")
            (outcome,) = journal.post(conn, PAINTING.number, [entry], books.clock)
        assert outcome.accepted
        assert said in words(opened(client, "/c/JG2001"))


@pytest.mark.parametrize("code", ["JG9999", "jg2001", "JG2001x", "%20", "a" * 21, "JG2001'--", "龘"])
def test_any_other_code_is_not_there(anybody: FlaskClient, code: str) -> None:
    pages = {anybody.get(f"/c/{code}").get_data(), anybody.get("/c/nothing").get_data()}
    assert anybody.get(f"/c/{code}").status_code == 404
    assert len({re.sub(rb"/c/[^?\"]*", b"", page) for page in pages}) == 1
    assert anybody.get(f"/c/{code}/code.svg").status_code == 404


def test_a_school_is_found_by_its_code_however_it_is_typed(anybody: FlaskClient) -> None:
    assert anybody.get("/c?school=jg2001 ").location == "/c/JG2001"
    wrong = anybody.get("/c?school=JG9")
    assert (wrong.status_code, "No school has this code" in wrong.get_data(as_text=True)) == (404, True)
    assert 'value="JG9"' in wrong.get_data(as_text=True)


def test_it_is_there_without_any_parents_page_and_sets_no_cookie(
    module_database: Database, rulebooks: Rulebooks, families: Families
) -> None:
    assert families
    app = create_app(module_database.app, VAULT, rulebooks, demo=False, today=lambda: TODAY, now=lambda: NOW)
    answer = app.test_client().get("/c/JG2001")
    assert (answer.status_code, "Set-Cookie" in answer.headers) == (200, False)
    assert app.test_client().get("/money").status_code == 404


def test_nothing_of_a_family_is_in_it(anybody: FlaskClient) -> None:
    page = anybody.get("/c/JG2001").get_data(as_text=True)
    for canary in ("李㐂言", "周𠮷宁", "王小明", "13900000001", "QM-2026", "3200", "1,600", "623200102001"):
        assert canary not in page


def test_the_code_is_a_drawing_of_the_page_s_own_address(anybody: FlaskClient) -> None:
    (source,) = values(opened(anybody, "/c/JG2001"), '//img[@class="qr"]/@src')
    answer = anybody.get(source)
    assert (answer.status_code, answer.mimetype) == (200, "image/svg+xml")
    assert etree.fromstring(answer.get_data()).tag.endswith("svg")
    assert answer.get_data() == drawn("http://localhost/c/JG2001")
    assert answer.get_data() != drawn("http://localhost/c/JG2002")


@pytest.mark.parametrize(("language", "width"), LOOKS)
def test_it_fits_and_breaks_no_rule(
    chromium: Browser, address: str, families: Families, language: str, width: int
) -> None:
    assert families
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale=LANGUAGES[language])
    page = context.new_page()
    try:
        for path, name in (("/c/JG2001", "public"), (f"/c/JG{CODING.number}", "public-reserve"), ("/c", "public-find"),
                           ("/c?school=x", "public-wrong")):  # fmt: skip
            for view in ("plain", "elder"):
                page.goto(f"{address}{path}{'&' if '?' in path else '?'}lang={language}&view={view}")
                shot(page, f"{name}-{language}-{width}-{view}")
                assert axe.violations(page) == []
                assert (sideways(page), small(page)) == (0, [])
        page.set_viewport_size({"width": 320, "height": 800})
        for path in ("/c/JG2001", "/c"):
            page.goto(f"{address}{path}?view=plain")
            assert sideways(page) == 0
    finally:
        context.close()
