"""The refund pages in a real browser, without script: they fit, they pass axe, and two taps send one refund."""

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from tests.conftest import Database
from tests.web import axe
from tests.web.family import Families
from tests.web.test_browser import FIRST_SCREENS, HIT, LANGUAGES, address, chromium, open_everything, sideways
from tests.web.tour import LOOKS, shot

__all__ = ["address", "chromium"]  # fixtures of the browser

STEPS = ("", "/check", "/send")


def entered(chromium: Browser, address: str, families: Families, language: str, width: int, *, script: bool) -> Page:
    """The site as the guardian who has logged in; close the context of the page."""
    context = chromium.new_context(
        viewport={"width": width, "height": 800}, java_script_enabled=script, locale=LANGUAGES[language]
    )
    page = context.new_page()
    page.goto(f"{address}/?lang={language}")
    page.locator(f'form:has(input[value="{families.guardian}"]) button').click()
    return page


def small(page: Page) -> list[str]:
    """What can be tapped and is smaller than a finger."""
    found = page.evaluate(
        """hit => [...document.querySelectorAll('main a.btn, main button, main .pick label, main a.back, main a.go')]
           .filter(one => one.getBoundingClientRect().height < hit).map(one => one.outerHTML.slice(0, 80))""",
        HIT,
    )
    return list(found)


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_step_fits_and_breaks_no_rule(
    chromium: Browser, address: str, families: Families, language: str, width: int
) -> None:
    page = entered(chromium, address, families, language, width, script=True)
    try:
        for step in STEPS:
            for view in ("plain", "elder"):
                page.goto(f"{address}/course/{families.coding}/refund{step}?why=own&view={view}")
                shot(page, f"refund{step.replace('/', '-')}-{language}-{width}-{view}")
                open_everything(page)
                assert axe.violations(page) == []
                assert (sideways(page), small(page)) == (0, [])
    finally:
        page.context.close()


@pytest.mark.parametrize("step", STEPS)
def test_steps_fit_a_narrow_phone_and_twice_the_text(
    chromium: Browser, address: str, families: Families, step: str
) -> None:
    page = entered(chromium, address, families, "en", 320, script=False)
    try:
        page.goto(f"{address}/course/{families.coding}/refund{step}")
        assert sideways(page) == 0
        page.set_viewport_size({"width": 360, "height": 800})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert sideways(page) == 0
    finally:
        page.context.close()


def test_two_taps_send_one_refund_and_its_pages_pass(
    chromium: Browser, address: str, families: Families, module_database: Database
) -> None:
    page = entered(chromium, address, families, "zh", 360, script=False)
    page.goto(f"{address}/course/{families.painting}")
    page.get_by_role("link", name="申请退费").click()
    page.get_by_role("radio").nth(1).check()
    page.get_by_role("button", name="下一步：核对金额").click()
    page.get_by_role("button", name="下一步：声明并提交").click()
    page.get_by_role("checkbox").check()
    button = page.get_by_role("button", name="提交：退回 ¥2,000.00")
    button.dblclick()
    page.wait_for_url("**/claim/*/sent")
    number = page.locator(".claim-no").inner_text()
    with module_database.app.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM ledger.refund")) == 2  # and the one that was there
    page.get_by_role("link", name="查看退费进度").click()
    assert page.url.endswith(f"/claim/{number}")
    # the facts of ten seconds: how much, until when, whom to call
    for place in (".pass-amt", ".facts"):
        box = page.locator(place).first.bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < FIRST_SCREENS
    page.context.close()
    for language, width in LOOKS:
        again = entered(chromium, address, families, language, width, script=True)
        for path in (f"/claim/{number}/sent", f"/claim/{number}", f"/course/{families.painting}/refund"):
            again.goto(address + path)
            last = path.split("/")[-1]
            shot(again, f"claim-{'status' if last == number else last}-{language}-{width}")
            assert axe.violations(again) == []
            assert (sideways(again), small(again)) == (0, [])
        again.context.close()
