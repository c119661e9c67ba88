"""The parents' pages in a real browser: they fit every width and text size, and work by keyboard and without script."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from flask import Flask
from playwright.sync_api import Browser, Error, Page, sync_playwright
from werkzeug.serving import make_server

from tests.web import axe
from tests.web.family import Families
from tests.web.tour import shot

WIDTHS = (320, 360, 768, 1280)
LANGUAGES = {"zh": "zh-CN", "en": "en-GB"}
PAGES = ("money", "course", "front", "missing")
HIT = 44  # CSS pixels: the least size of what is tapped
FIRST_SCREENS = 1200  # on a phone: a screen and a half
BYTES_MAX = 60_000


@pytest.fixture(scope="module")
def address(app: Flask) -> Iterator[str]:
    """The site on a free port of this machine."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is not installed (packages chromium and fonts-noto-cjk)")
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--headless", "--disable-gpu"]
        try:
            browser = playwright.chromium.launch(executable_path=path, args=arguments)
        except Error as fault:
            pytest.skip(f"chromium does not start: {fault.message.splitlines()[0]}")
        yield browser
        browser.close()


@contextmanager
def seen(
    chromium: Browser, address: str, families: Families, name: str, language: str, width: int, *, dark: bool = False,
    script: bool = False,
) -> Iterator[Page]:  # fmt: skip
    """One of PAGES as the guardian sees it, without JavaScript."""
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        java_script_enabled=script,
        locale=LANGUAGES[language],
        color_scheme="dark" if dark else "light",
    )
    try:
        page = context.new_page()
        page.goto(address)
        page.locator(f'form:has(input[value="{families.guardian}"]) button').click()
        assert page.url == f"{address}/money"
        paths = {"money": "/money", "course": f"/course/{families.painting}", "front": "/", "missing": "/nothing"}
        page.goto(address + paths[name])
        yield page
    finally:
        context.close()


def sideways(page: Page) -> int:
    """How far a page scrolls sideways, in CSS pixels."""
    found = page.evaluate("document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth")
    return int(found)


def open_everything(page: Page) -> None:
    for summary in page.locator("details summary").all():
        summary.click()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways(
    chromium: Browser, address: str, families: Families, name: str, language: str
) -> None:
    for width in WIDTHS:
        with seen(chromium, address, families, name, language, width) as page:
            open_everything(page)
            assert sideways(page) == 0, width


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_text_twice_as_large_fits_too(
    chromium: Browser, address: str, families: Families, name: str, language: str
) -> None:
    for width in (360, 1280):
        with seen(chromium, address, families, name, language, width) as page:
            # What the text-size setting of a browser does: the root's size is what every rem counts from.
            page.evaluate("document.documentElement.style.fontSize = '200%'")
            assert page.evaluate("getComputedStyle(document.body).fontSize") == "32px"
            open_everything(page)
            assert sideways(page) == 0, width


@pytest.mark.parametrize("name", PAGES)
def test_the_larger_view_fits(chromium: Browser, address: str, families: Families, name: str) -> None:
    for width in (320, 360, 1280):
        with seen(chromium, address, families, name, "zh", width) as page:
            page.goto(f"{page.url}?view=elder" if name != "missing" else f"{address}/?view=elder")
            assert "elder" in (page.locator("html").get_attribute("class") or "")
            open_everything(page)
            assert sideways(page) == 0, width


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(chromium: Browser, address: str, families: Families, name: str, language: str) -> None:
    with seen(chromium, address, families, name, language, 360, script=True) as page:
        open_everything(page)
        assert axe.violations(page) == []
        page.set_viewport_size({"width": 1280, "height": 800})
        assert axe.violations(page) == []
        page.emulate_media(color_scheme="dark")
        assert axe.violations(page) == []


def test_axe_finds_what_is_planted(chromium: Browser, address: str, families: Families) -> None:
    with seen(chromium, address, families, "money", "en", 360, script=True) as page:
        page.evaluate("document.documentElement.removeAttribute('lang')")
        page.evaluate("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=/static/mark.svg>')")
        page.evaluate("document.querySelector('h1').style.color = '#ccc'")
        found = {line.split(":")[0] for line in axe.violations(page)}
    assert found >= {"html-has-lang", "image-alt", "color-contrast"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_ten_seconds_on_a_phone(chromium: Browser, address: str, families: Families, language: str) -> None:
    """Amount, where, when, whom to call, and the sum: inside the first screen and a half."""
    with seen(chromium, address, families, "money", language, 360) as page:
        card = page.locator("article.card").first
        assert card.locator(".pass-amt").inner_text() == "¥2,000.00"
        for part in (".pass-amt", ".facts li >> nth=0", ".facts li >> nth=1", ".tel", ".sum tr.total"):
            box = card.locator(part).bounding_box()
            assert box is not None, part
            assert box["y"] + box["height"] <= FIRST_SCREENS, part


@pytest.mark.parametrize("name", PAGES)
def test_what_is_tapped_is_large_enough(chromium: Browser, address: str, families: Families, name: str) -> None:
    for language in LANGUAGES:
        with seen(chromium, address, families, name, language, 360) as page:
            for target in page.locator("a:visible:not(.skip), button:visible, summary:visible").all():
                box = target.bounding_box()
                assert box is not None
                assert box["height"] >= HIT - 0.5, (language, target.inner_text(), box)


def test_the_worksheet_opens_by_keyboard_without_script(chromium: Browser, address: str, families: Families) -> None:
    with seen(chromium, address, families, "course", "en", 1280) as page:
        line = page.locator("details").first
        assert not line.locator(".why-b").is_visible()
        line.locator("summary").focus()
        page.keyboard.press("Enter")
        assert line.locator(".why-b").is_visible()
        assert "a refund starts from what was paid" in line.locator(".why-b").inner_text()
        page.keyboard.press("Tab")
        outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert outline == "solid"


def test_the_first_stop_jumps_to_the_content(chromium: Browser, address: str, families: Families) -> None:
    with seen(chromium, address, families, "money", "en", 1280) as page:
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.getAttribute('href')") == "#main"


def test_from_the_card_to_the_course_and_back(chromium: Browser, address: str, families: Families) -> None:
    with seen(chromium, address, families, "money", "zh", 360) as page:
        page.locator("article.card").first.get_by_role("link", name="看看怎么算的").click()
        assert page.url == f"{address}/course/{families.painting}#refund"
        assert page.locator("#refund .total .amt").inner_text() == "¥2,000.00"
        page.get_by_role("link", name="English").click()
        assert page.locator("html").get_attribute("lang") == "en"
        page.get_by_role("link", name="My money").click()
        assert page.locator("h1").inner_text() == "My money"
        page.get_by_role("button", name="Look as another family").click()
        assert page.url == f"{address}/"


@pytest.mark.parametrize("name", ["money", "course"])
def test_a_page_and_its_stylesheet_stay_small(chromium: Browser, address: str, families: Families, name: str) -> None:
    with seen(chromium, address, families, name, "zh", 360) as page:
        style = page.request.get(f"{address}/static/custody.css").body()
        assert len(page.content().encode()) + len(style) < BYTES_MAX


def test_nothing_is_loaded_from_elsewhere_and_nothing_is_blocked(
    chromium: Browser, address: str, families: Families
) -> None:
    with seen(chromium, address, families, "front", "zh", 1280) as page:
        asked: list[str] = []
        faults: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda said: faults.append(said.text))
        for path in ("/money", f"/course/{families.painting}"):
            page.goto(address + path)
        assert [url for url in asked if not url.startswith(address)] == []
        assert faults == []


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_every_page_can_be_looked_at(
    chromium: Browser, address: str, families: Families, name: str, language: str
) -> None:
    """Pictures at both widths and in the dark."""
    for width, dark in ((360, False), (1280, False), (1280, True)):
        with seen(chromium, address, families, name, language, width, dark=dark) as page:
            shot(page, f"{name}-{language}-{width}{'-dark' if dark else ''}")
            assert len(page.screenshot(full_page=True)) > 5_000, "an empty page is smaller"
