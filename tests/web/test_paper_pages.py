"""P10: receipts and decisions on paper, in both languages, and as tagged PDF files that hold what the page says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import text

from ledger.books import transaction
from ledger.flows import refund
from ledger.rules import refund_number
from ledger.terms.refund_request import RefundState
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web import axe
from tests.web.family import NOW, PAINTING, TODAY, VAULT, Books, Families
from tests.web.reading import opened, values, words
from tests.web.test_browser import chromium, sideways
from web.app import create_app
from web.pages import paper

__all__ = ["chromium"]  # a fixture of the browser


class Desk:
    """The other family, whose refund is approved, in a browser of its own."""

    def __init__(self, database: Database, rulebooks: Rulebooks) -> None:
        self.families: Families = Books(database.app, rulebooks).write()
        with database.app.begin() as conn:
            refund_id = conn.scalars(text("SELECT refund_id FROM ledger.refund")).one()
            refund.answer(conn, PAINTING.number, [refund_id], RefundState.AGREED, "school", NOW)
        (outcome,) = transaction.ask(
            database.app, PAINTING.number, NOW,
            lambda conn, block: refund.approve(conn, PAINTING.number, [refund_id], "clerk:wang", NOW, block),
        )  # fmt: skip
        assert outcome.accepted, outcome
        self.number = refund_number.number(refund_id)
        self.app = create_app(database.app, VAULT, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
        self.client: FlaskClient = self.app.test_client()
        self.client.post("/demo/login", data={"guardian": str(self.families.other)})
        self.client.get("/?lang=en")

    def receipt(self) -> str:
        (link,) = values(
            opened(self.client, f"/course/{self.families.asked}"), '//a[contains(@href, "/receipt/")]/@href'
        )
        return link


@pytest.fixture
def desk(fresh_database: Database, rulebooks: Rulebooks) -> Desk:
    return Desk(fresh_database, rulebooks)


def pdf_text(content: bytes, folder: Path) -> str:
    file = folder / "paper.pdf"
    file.write_bytes(content)
    if shutil.which("pdftotext") is None:
        pytest.skip("pdftotext is not installed (package poppler-utils)")
    return subprocess.run(["pdftotext", "-layout", file, "-"], capture_output=True, text=True, check=True).stdout


def pdf_facts(folder: Path, *asked: str) -> str:
    words = ["pdfinfo", *asked, str(folder / "paper.pdf")]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return re.sub(r" +", " ", said)


def test_a_decision_says_who_gets_what_why_and_by_which_rules(desk: Desk) -> None:
    (link,) = values(opened(desk.client, f"/claim/{desk.number}"), '//a[contains(@href, "/decision")]/@href')
    page = words(opened(desk.client, link))
    for said in (
        f"退费决定 {desk.number}", "¥1,600.00", "大写：人民币壹仟陆佰元整", "王大明", "王小明",
        "启明艺术培训 （JG2001）",
        "QM-2026-0818", "应退合计 To be paid back ¥1,600.00", "Approved on, by two people 2026-11-24", "4455",
        "家长主动停课", "http://localhost/c/JG2001", "批准分录",
    ):  # fmt: skip
        assert said.replace(" ", "") in page.replace(" ", ""), said


def test_a_refund_that_is_not_decided_has_no_paper(client: FlaskClient, families: Families) -> None:
    client.post("/demo/login", data={"guardian": str(families.other)})
    (number,) = re.findall(r"/claim/([A-Z0-9-]+)", client.get("/money").get_data(as_text=True))[:1] or [""]
    page = client.get(f"/course/{families.asked}").get_data(as_text=True)
    number = number or re.findall(r"/claim/([A-Z0-9-]+)", page)[0]
    assert client.get(f"/claim/{number}/decision").status_code == 404
    assert "/decision" not in client.get(f"/claim/{number}").get_data(as_text=True)


def test_a_receipt_says_what_was_paid_from_where_and_where_it_lies(desk: Desk) -> None:
    page = words(opened(desk.client, desk.receipt()))
    for said in (
        "课时费收据", "¥1,600.00", "大写：人民币壹仟陆佰元整", "2026-08-18", "4455", "京华银行托管账户 尾号 4821",
        "不是发票", "王小明",
    ):  # fmt: skip
        assert said in page


@pytest.mark.parametrize("which", ["decision", "receipt"])
def test_the_file_holds_the_same_and_is_tagged_to_be_read_aloud(desk: Desk, tmp_path: Path, which: str) -> None:
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed")
    at = f"/claim/{desk.number}/decision.pdf" if which == "decision" else f"{desk.receipt()}/receipt.pdf"
    answer = desk.client.get(at)
    assert (answer.status_code, answer.mimetype) == (200, "application/pdf")
    read = re.sub(r"\s+", "", pdf_text(answer.get_data(), tmp_path))
    for said in ("人民币壹仟陆佰元整", "¥1,600.00", "王小明", "JG2001"):
        assert said in read, said
    pages = pdf_facts(tmp_path).split("Pages: ")[1][0]
    assert f"1/{pages}" in read
    facts = pdf_facts(tmp_path)
    assert "Tagged: yes" in facts
    assert f"Title: {'退费决定' if which == 'decision' else '课时费收据'}" in facts
    assert "pdfuaid" in pdf_facts(tmp_path, "-meta")
    assert "attachment" in answer.headers["Content-Disposition"]


def test_rare_characters_of_names_are_in_the_file(desk: Desk, tmp_path: Path) -> None:
    pytest.importorskip("weasyprint", reason="the extra pdf is not installed")
    desk.client.post("/demo/login", data={"guardian": str(desk.families.guardian)})
    course = opened(desk.client, f"/course/{desk.families.painting}")
    (link,) = values(course, '//a[contains(@href, "/receipt/")]/@href')
    read = pdf_text(desk.client.get(f"{link}/receipt.pdf").get_data(), tmp_path)
    assert "李㐂言" in read
    assert "周𠮷宁" in read


def test_without_the_library_there_is_the_page_and_no_link_to_a_file(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert values(opened(desk.client, f"/claim/{desk.number}/decision"), '//a[contains(@href, ".pdf")]/@href')
    monkeypatch.setattr(paper, "HAS_PDF", False)
    monkeypatch.setitem(__import__("sys").modules, "weasyprint", None)
    assert not values(opened(desk.client, f"/claim/{desk.number}/decision"), '//a[contains(@href, ".pdf")]/@href')
    assert desk.client.get(f"/claim/{desk.number}/decision.pdf").status_code == 404


def test_papers_fit_a_phone_break_no_rule_and_print_without_the_frame(desk: Desk, chromium: Browser) -> None:
    import threading

    from werkzeug.serving import make_server

    from tests.web.tour import shot

    server = make_server("127.0.0.1", 0, desk.app, threaded=True)
    threading.Thread(target=server.serve_forever).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        for language, width in (("zh", 360), ("en", 1280)):
            context = chromium.new_context(viewport={"width": width, "height": 800})
            page = context.new_page()
            page.goto(f"{address}/?lang={language}")
            page.locator(f'form:has(input[value="{desk.families.other}"]) button').click()
            for path, name in ((f"/claim/{desk.number}/decision", "decision"), (desk.receipt(), "receipt")):
                page.goto(address + path)
                shot(page, f"{name}-{language}-{width}")
                assert axe.violations(page) == []
                assert sideways(page) == 0
                page.emulate_media(media="print")
                assert not page.get_by_role("link", name=re.compile("PDF")).is_visible()
                page.emulate_media(media="screen")
            page.set_viewport_size({"width": 320, "height": 800})
            assert sideways(page) == 0
            context.close()
    finally:
        server.shutdown()
