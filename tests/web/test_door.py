"""Who may see what, in which language, and what requests that make no sense get."""

from pathlib import Path
from uuid import uuid4

import pytest
from flask import Flask
from flask.testing import FlaskClient
from lxml import html
from sqlalchemy import create_engine, text
from sqlalchemy.exc import DBAPIError

from ledger.terms.rulebook import Rulebooks
from ledger.vault import Vault
from tests.conftest import Database
from tests.web.family import BANK, NOW, PAINTING, TODAY, VAULT, Families
from tests.web.reading import of_class, opened, values, words
from web.app import HEADERS, create_app
from web.site import site

# -- who may see what


def test_foreign_unknown_and_malformed_ids_get_the_same_page(client: FlaskClient, families: Families) -> None:
    paths = [
        f"/course/{families.asked}",
        f"/course/{uuid4()}",
        "/course/x",
        f"/course/{families.painting.hex}",
        "/nothing",
    ]
    answers = [client.get(path) for path in paths]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.get_data() for answer in answers}) == 1
    assert client.get(f"/course/{families.painting}").status_code == 200


def test_without_a_log_in_there_is_the_front_page(app: Flask, families: Families) -> None:
    stranger = app.test_client()
    for path in ("/money", f"/course/{families.painting}", "/course/x"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.location) == (303, "/")


@pytest.mark.parametrize("cookie", ["x", "", "eyJndWFyZGlhbiI6IngifQ.aaaa.bbbb", "\xff\xfe", "a" * 3000])
def test_a_cookie_we_did_not_sign_is_no_log_in(app: Flask, cookie: str) -> None:
    answer = app.test_client(use_cookies=False).get("/money", headers={"Cookie": f"custody={cookie}"})
    assert (answer.status_code, answer.location) == (303, "/")


def test_another_worker_on_the_same_books_knows_the_session(
    client: FlaskClient, module_database: Database, rulebooks: Rulebooks
) -> None:
    other = create_app(module_database.app, VAULT, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
    assert client.get("/money").status_code == 200
    cookie = client.get_cookie("custody")
    assert cookie is not None
    answer = other.test_client(use_cookies=False).get("/money", headers={"Cookie": f"custody={cookie.value}"})
    assert answer.status_code == 200


def test_the_log_in_cookie_is_kept_from_scripts_and_other_sites(client: FlaskClient, families: Families) -> None:
    cookie = client.post("/demo/login", data={"guardian": str(families.guardian)}).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_log_in_as_nobody_and_from_another_site(app: Flask, families: Families) -> None:
    stranger = app.test_client()
    for guardian in ("", "x", str(uuid4()), str(families.guardian).upper()):
        assert stranger.post("/demo/login", data={"guardian": guardian}).status_code == 404
    headers = {"Sec-Fetch-Site": "cross-site"}
    assert stranger.post("/demo/login", data={"guardian": str(families.guardian)}, headers=headers).status_code == 400
    assert stranger.get("/money").status_code == 303


def test_log_out(client: FlaskClient) -> None:
    (token,) = opened(client, "/money").xpath('//input[@name="token"]/@value')
    assert client.post("/demo/logout", data={"token": token}).status_code == 303
    assert client.get("/money").status_code == 303


def test_a_form_of_another_session_changes_nothing(app: Flask, client: FlaskClient, families: Families) -> None:
    with app.test_client() as other:
        other.post("/demo/login", data={"guardian": str(families.guardian)})
        (foreign,) = opened(other, "/money").xpath('//input[@name="token"]/@value')
    for data in ({}, {"token": ""}, {"token": "x"}, {"token": foreign}):
        assert client.post("/demo/logout", data=data).status_code == 400
        assert client.get("/money").status_code == 200


def test_the_demo_shows_its_families_and_its_ribbon_everywhere(client: FlaskClient, families: Families) -> None:
    front = opened(client, "/")
    shown = front.xpath('//input[@name="guardian"]/@value')
    assert sorted(shown) == sorted([str(families.guardian), str(families.other)])
    for path, status in (("/", 200), ("/money", 200), (f"/course/{families.painting}", 200), ("/nothing", 404)):
        assert words(of_class(opened(client, path, status), "demo")[0]).startswith("DEMO")


def test_without_demo_there_are_no_parents_pages_yet(
    module_database: Database, rulebooks: Rulebooks, families: Families
) -> None:
    app = create_app(module_database.app, VAULT, rulebooks, demo=False, today=lambda: TODAY, now=lambda: NOW)
    client = app.test_client()
    for path in ("/", "/money", f"/course/{families.painting}", "/demo/login", "/?lang=zh"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "LOGIN_LATER" in answer.get_data(as_text=True)
        assert 'class="demo"' not in answer.get_data(as_text=True)
    assert client.post("/demo/login", data={"guardian": str(families.guardian)}).status_code == 404
    assert client.get("/static/custody.css").status_code == 200
    assert client.get_cookie("custody") is None


# -- languages


@pytest.mark.parametrize(
    ("accepted", "tag"),
    [("zh-CN,zh;q=0.9,en;q=0.8", "zh-CN"), ("en-GB", "en"), ("de, en;q=0.5", "en"), ("de", "zh-CN"), ("", "zh-CN")],
)
def test_the_browsers_language_is_taken(app: Flask, accepted: str, tag: str) -> None:
    answer = app.test_client().get("/", headers={"Accept-Language": accepted})
    assert html.fromstring(answer.get_data()).get("lang") == tag


def test_a_chosen_language_and_view_stay(app: Flask) -> None:
    client = app.test_client()
    browser = {"Accept-Language": "zh-CN"}
    assert html.fromstring(client.get("/?lang=en&view=elder", headers=browser).get_data()).get("lang") == "en"
    later = html.fromstring(client.get("/", headers=browser).get_data())
    assert (later.get("lang"), later.get("class")) == ("en", "elder")
    client.get("/?lang=zh&view=plain", headers=browser)
    later = html.fromstring(client.get("/", headers=browser).get_data())
    assert (later.get("lang"), later.get("class")) == ("zh-CN", None)


def test_the_other_language_is_one_link_away_and_keeps_the_page(client: FlaskClient, families: Families) -> None:
    path = f"/course/{families.painting}"
    (link,) = opened(client, path).xpath('//a[@hreflang="zh-CN"]')
    assert link.get("href") == f"{path}?lang=zh"
    chinese = opened(client, link.get("href"))
    assert chinese.get("lang") == "zh-CN"
    assert "现在停课，能退多少" in words(chinese)
    assert "2026-12-11(周五) 前不处理，将视为已上课" in words(chinese)


def test_chinese_names_are_marked_on_english_pages(client: FlaskClient) -> None:
    marked = {words(name) for name in opened(client, "/money").xpath('//*[@lang="zh-CN"]')}
    assert {"周𠮷宁", "李㐂言", PAINTING.course, PAINTING.name, BANK} <= marked


# -- headers, and requests that make no sense


def test_security_headers_are_on_everything(client: FlaskClient, families: Families) -> None:
    paths = ("/", "/money", f"/course/{families.painting}", "/nothing", "/static/custody.css", "/static/none.css")
    for path in paths:
        answer = client.get(path)
        for name, value in HEADERS.items():
            assert answer.headers[name] == value, (path, name)
        if not path.startswith("/static/"):
            assert answer.headers["Cache-Control"] == "no-store", path
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'")
    assert "unsafe" not in policy


def test_pages_keep_to_their_own_policy(client: FlaskClient, families: Families) -> None:
    for path in ("/", "/money", f"/course/{families.painting}", "/nothing"):
        page = html.fromstring(client.get(path).get_data())
        assert page.xpath("//script | //style | //*[@style] | //@*[starts-with(name(), 'on')]") == []
        addresses = values(page, "//link/@href | //a/@href | //form/@action | //img/@src")
        assert [address for address in addresses if not address.startswith(("/", "#", "tel:"))] == []
        ids = values(page, "//@id")
        assert len(ids) == len(set(ids))


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nothing", 404, "PAGE_NOT_FOUND"),
        ("GET", "/money/", 404, "PAGE_NOT_FOUND"),
        ("GET", "/course/00000000-0000-0000-0000-00000000000g", 404, "PAGE_NOT_FOUND"),
        ("GET", "/course/%ff%fe", 404, "PAGE_NOT_FOUND"),
        ("GET", "/%00%c3%28", 404, "PAGE_NOT_FOUND"),
        ("GET", "/static/%2e%2e/app.py", 404, "PAGE_NOT_FOUND"),
        ("GET", f"/money?x={'y' * 2000}", 414, "REQUEST_TOO_LARGE"),
        ("POST", "/money", 405, "METHOD_NOT_ALLOWED"),
        ("DELETE", "/", 405, "METHOD_NOT_ALLOWED"),
        ("GET", "/demo/login", 405, "METHOD_NOT_ALLOWED"),
        ("BREW", "/money", 405, "METHOD_NOT_ALLOWED"),
    ],
)  # fmt: skip
def test_bad_requests_get_a_page_with_a_code(
    client: FlaskClient, method: str, path: str, status: int, code: str
) -> None:
    answer = client.open(path, method=method)
    assert answer.status_code == status
    page = html.fromstring(answer.get_data())
    assert code in words(page)
    assert ("Allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    "query", ["?lang=%ff%fe", "?lang=../../x", "?lang=", "?view=%00", "?%ff=%ff", "?lang=en&lang=zh"]
)
def test_a_query_that_makes_no_sense_changes_nothing(client: FlaskClient, query: str) -> None:
    page = opened(client, f"/money{query}")
    assert (page.get("lang"), page.get("class")) == ("en", None)


def test_a_form_that_is_too_long_is_refused(app: Flask) -> None:
    answer = app.test_client().post("/demo/login", data={"guardian": "x" * 50_000})
    assert answer.status_code == 413
    assert "REQUEST_TOO_LARGE" in answer.get_data(as_text=True)


def test_books_that_do_not_answer_are_a_503(rulebooks: Rulebooks, tmp_path: Path) -> None:
    nowhere = create_engine(f"postgresql+psycopg://app@/books?host={tmp_path}")
    app = create_app(nowhere, VAULT, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
    answer = app.test_client().get("/?lang=en")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "60"
    assert "BOOKS_UNREACHABLE" in answer.get_data(as_text=True)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_fault_of_ours_is_a_500_that_tells_nothing(
    module_database: Database, rulebooks: Rulebooks, families: Families
) -> None:
    other_keys = Vault({1: bytes(32)}, 1)
    app = create_app(module_database.app, other_keys, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
    client = app.test_client()
    client.post("/demo/login", data={"guardian": str(families.guardian)})
    answer = client.get("/money?lang=en")
    assert answer.status_code == 500
    shown = answer.get_data(as_text=True)
    assert "PAGE_BROKEN" in shown
    assert "Something went wrong on our side" in shown
    assert str(families.guardian) not in shown
    assert "SEAL" not in shown


def test_pages_cannot_write(app: Flask) -> None:
    with app.app_context():
        here = site()
        with pytest.raises(DBAPIError, match="read-only"), here.snapshot() as conn:
            conn.execute(text("SELECT ledger.record('finding', '[]', '{}'), ledger.lock_contracts(2001, '{}')"))
        with here.snapshot() as conn:
            assert conn.scalar(text("SHOW transaction_isolation")) == "repeatable read"
