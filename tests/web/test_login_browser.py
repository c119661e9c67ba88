"""Log-in in a real browser: it fits, it passes axe, and what was typed survives the end of a session."""

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from tests.conftest import Database
from tests.web import axe
from tests.web.family import Families
from tests.web.test_browser import LANGUAGES, address, chromium, sideways
from tests.web.test_refund_browser import small
from tests.web.tour import shot

__all__ = ["address", "chromium"]  # fixtures of the browser

PHONE = "13900000001"


def looked_at(page: Page, name: str) -> None:
    """Every rule on the page as it is, plain and with the text twice as large."""
    shot(page, name)
    assert axe.violations(page) == []
    assert (sideways(page), small(page)) == (0, [])
    page.evaluate("document.documentElement.style.fontSize = '200%'")
    assert sideways(page) == 0
    page.evaluate("document.documentElement.style.fontSize = ''")


@pytest.mark.parametrize("width", [320, 360, 1280])
@pytest.mark.parametrize("language", LANGUAGES)
def test_log_in_fits_and_breaks_no_rule(
    chromium: Browser, address: str, families: Families, language: str, width: int
) -> None:
    assert families
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale=LANGUAGES[language])
    page = context.new_page()
    try:
        for view in ("elder", "plain") if width == 360 else ("plain",):
            name = f"{language}-{width}-{view}"
            page.goto(f"{address}/login?lang={language}&view={view}")
            looked_at(page, f"login-phone-{name}")
            page.fill("#phone", "12")
            page.click("main button.btn")
            looked_at(page, f"login-phone-wrong-{name}")
            page.fill(
                "#phone", f"13{len(view)}{width:04}0{ord(language[0]):03}"
            )  # a new one: the codes of one are limited
            page.click("main button.btn")
            looked_at(page, f"login-code-{name}")
            page.fill("#code", "x")
            page.click("main button.btn")
            looked_at(page, f"login-code-wrong-{name}")
    finally:
        context.close()


def test_a_refund_is_sent_though_the_session_ended_in_the_middle(
    chromium: Browser, address: str, families: Families, module_database: Database
) -> None:
    context = chromium.new_context(viewport={"width": 360, "height": 800}, java_script_enabled=False, locale="zh-CN")
    page = context.new_page()

    def come_in() -> None:
        page.fill("#phone", PHONE)
        page.get_by_role("button", name="获取验证码").click()
        page.fill("#code", page.locator("#shown").inner_text())
        page.get_by_role("button", name="继续", exact=True).click()

    try:
        page.goto(f"{address}/login?lang=zh")
        come_in()
        assert page.url == f"{address}/money"
        page.goto(f"{address}/course/{families.painting}/refund/send?why=own")
        page.fill("#words", "孩子转学")
        page.get_by_role("checkbox").check()
        context.clear_cookies()
        page.get_by_role("button", name="提交：退回").click()
        shot(page, "login-ended-zh-360")
        come_in()
        shot(page, "login-go-on-zh-360")
        page.get_by_role("button", name="继续提交我填写的内容").click()
        page.wait_for_url("**/claim/*/sent")
    finally:
        context.close()
    with module_database.app.connect() as conn:
        words = conn.scalars(text("SELECT reason FROM ledger.refund_step WHERE state = 'asked'")).all()
    assert "own: 孩子转学" in words
