"""P9 in a real browser: a lesson's pages fit and break no rule, and three taps dispute an hour, without script."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text

from tests.conftest import Database
from tests.web import axe
from tests.web.family import Families
from tests.web.test_browser import address, chromium, open_everything, sideways
from tests.web.test_dispute_pages import JPEG
from tests.web.test_refund_browser import entered, small
from tests.web.tour import LOOKS, shot

__all__ = ["address", "chromium"]  # fixtures of the browser


def lesson(database: Database, number: str) -> str:
    with database.app.connect() as conn:
        return str(conn.scalar(text("SELECT lesson_id FROM ledger.lesson WHERE lesson_no = :n"), {"n": number}))


def looked_at(page: Page, name: str) -> None:
    shot(page, name)
    open_everything(page)
    assert axe.violations(page) == []
    assert (sideways(page), small(page)) == (0, [])


@pytest.mark.parametrize(("language", "width"), LOOKS)
def test_a_lesson_s_pages_fit_and_break_no_rule(
    chromium: Browser, address: str, families: Families, module_database: Database, language: str, width: int
) -> None:
    page = entered(chromium, address, families, language, width, script=True)
    at = f"{address}/course/{families.painting}/lesson"
    try:
        for number, name, more in (
            ("L20", "lesson-waits", ""), ("L20", "lesson-dispute", "/dispute"), ("L23", "lesson-disputed", ""),
        ):  # fmt: skip
            for view in ("plain", "elder"):
                page.goto(f"{at}/{lesson(module_database, number)}{more}?view={view}")
                looked_at(page, f"{name}-{language}-{width}-{view}")
        page.goto(f"{at}/{lesson(module_database, 'L24')}?view=plain")
        looked_at(page, f"lesson-settled-{language}-{width}-elder-no")
        page.goto(f"{at}/{lesson(module_database, 'L20')}/dispute")
        page.locator("main form button").click()
        looked_at(page, f"lesson-dispute-wrong-{language}-{width}")
    finally:
        page.context.close()


@pytest.mark.parametrize("more", ["", "/dispute"])
def test_they_fit_a_narrow_phone_and_twice_the_text(
    chromium: Browser, address: str, families: Families, module_database: Database, more: str
) -> None:
    page = entered(chromium, address, families, "en", 320, script=False)
    try:
        page.goto(
            f"{address}/course/{families.painting}/lesson/{lesson(module_database, 'L23' if not more else 'L20')}{more}"
        )
        assert sideways(page) == 0
        page.set_viewport_size({"width": 360, "height": 800})
        page.evaluate("document.documentElement.style.fontSize = '200%'")
        assert sideways(page) == 0
    finally:
        page.context.close()


def test_three_taps_dispute_an_hour_with_a_photo(
    chromium: Browser, address: str, families: Families, module_database: Database, tmp_path: Path
) -> None:
    picture = tmp_path / "IMG_0001.jpg"
    picture.write_bytes(JPEG)
    page = entered(chromium, address, families, "zh", 360, script=False)
    try:
        page.goto(f"{address}/course/{families.painting}")
        page.get_by_role("link", name="去处理").last.click()
        page.get_by_role("link", name="有问题，提出异议").click()
        page.get_by_label("老师没来").check()
        page.get_by_label("发生了什么（选填）").fill("等了半小时没有人")
        page.get_by_label("照片（选填）").set_input_files(picture)
        page.get_by_role("button", name="提交：冻结 ¥80.00").dblclick()
        page.wait_for_url("**/lesson/*")
        said = page.locator("main").inner_text()
        assert "异议中，这笔钱已冻结" in said
        assert "等了半小时没有人" in said
        assert page.locator("main a.tel").first.get_attribute("href") == "tel:+861000001208"
        with page.expect_response("**/photo/*") as shown:
            page.get_by_role("link", name="照片，").click()
        assert shown.value.body() == JPEG
        with module_database.app.connect() as conn:
            assert conn.scalar(text("SELECT count(*) FROM ledger.lesson_evidence")) == 1
    finally:
        page.context.close()
