"""What every page must say: no jargon, a way on, whom to call; and where something waits, who acts and until when."""

import re
from collections.abc import Iterator
from typing import Final

import pytest
from flask.testing import FlaskClient
from lxml.html import HtmlElement
from sqlalchemy import text

from ledger.rules import refund_number
from tests.conftest import Database
from tests.web.family import Families
from tests.web.reading import opened, values, words

# Words of bookkeepers and banks that a parent need not know (the reference's list, and their English).
JARGON: Final = {
    "zh": "消课|划拨|核销|冲正|借方|贷方|分录|入账凭证|幂等|哈希|应付款|在途|拨付",
    "en": r"escrow|disburse|write-?off|ledger|debit|credit\b|posting|journal|idempot|hash|payable|in transit|suspense",
}
WAITS: Final = {"zh": ("现在由谁办理", "最迟", "电话"), "en": ("Who has it", "Until", "Call")}
DAY: Final = re.compile(r"2026-\d\d-\d\d|2027-\d\d-\d\d")


def lesson(database: Database, number: str) -> str:
    with database.app.connect() as conn:
        return str(conn.scalar(text("SELECT lesson_id FROM ledger.lesson WHERE lesson_no = :n"), {"n": number}))


def pages_of(families: Families, database: Database) -> Iterator[tuple[str, bool]]:
    """Every page of the guardian and whether something on it waits for somebody."""
    at = f"/course/{families.painting}"
    yield from ((one, False) for one in ("/money", at, f"/course/{families.coding}", "/mine", f"{at}/share"))
    yield from (
        (f"{at}/refund{step}?why={why}", False) for step in ("", "/check", "/send") for why in ("own", "closed")
    )
    for number, waits in (("L20", True), ("L21", True), ("L23", True), ("L01", False), ("L24", False)):
        yield f"{at}/lesson/{lesson(database, number)}", waits
    yield f"{at}/lesson/{lesson(database, 'L20')}/dispute", False
    yield from ((one, False) for one in ("/c/JG2001", "/c/JG2002", "/nowhere", "/login"))


@pytest.fixture(params=["zh", "en"])
def language(request: pytest.FixtureRequest, client: FlaskClient) -> str:
    client.get(f"/c?lang={request.param}")
    return str(request.param)


def page_at(client: FlaskClient, path: str) -> HtmlElement:
    return opened(client, path, 404 if path == "/nowhere" else 200)


def test_no_page_speaks_like_a_bookkeeper(
    client: FlaskClient, families: Families, module_database: Database, language: str
) -> None:
    found = []
    for path, _ in pages_of(families, module_database):
        said = words(page_at(client, path).find("body"))
        found += [f"{path}: {word}" for word in re.findall(JARGON[language], said, re.IGNORECASE)]
    assert found == []


def test_every_page_has_a_way_on_and_whom_to_call(
    client: FlaskClient, families: Families, module_database: Database, language: str
) -> None:
    assert language
    for path, _ in pages_of(families, module_database):
        page = page_at(client, path)
        ways = [one for one in values(page, "//main//a/@href") if not one.startswith(("#", "tel:"))]
        assert ways or values(page, "//main//form/@action") or path.startswith("/c/"), path
        if path not in ("/login",):
            assert [one for one in values(page, "//main//a/@href") if one.startswith("tel:")], path


def test_where_something_waits_the_page_says_who_until_when_and_whom_to_call(
    client: FlaskClient, families: Families, module_database: Database, language: str
) -> None:
    waiting = [path for path, waits in pages_of(families, module_database) if waits]
    assert len(waiting) == 3
    for path in waiting:
        said = words(page_at(client, path).get_element_by_id("main"))
        assert [word for word in WAITS[language] if word not in said] == [], path


def test_a_refund_on_its_way_says_who_until_when_and_whom_to_call(
    client: FlaskClient, families: Families, module_database: Database, language: str
) -> None:
    client.post("/demo/login", data={"guardian": str(families.other)})
    client.get(f"/c?lang={language}")
    with module_database.app.connect() as conn:
        refund_id = conn.scalars(
            text("SELECT refund_id FROM ledger.refund WHERE contract_id = :c"), {"c": families.asked}
        ).one()
    number = refund_number.number(refund_id)
    for path in (f"/claim/{number}", f"/claim/{number}/sent"):
        page = opened(client, path)
        said = words(page.get_element_by_id("main"))
        assert len(DAY.findall(said)) >= 2, path
        assert [one for one in values(page, "//main//a/@href") if one.startswith("tel:")], path
    said = words(opened(client, f"/claim/{number}").get_element_by_id("main"))
    assert [word for word in WAITS[language] if word not in said] == []


@pytest.mark.parametrize("jargon", ["这笔钱已核销", "the amount sits in suspense"])
def test_jargon_would_be_noticed(jargon: str) -> None:
    assert any(re.search(known, jargon) for known in JARGON.values())
