"""A family whose school's books were taken over sees its payments on their own days and the hours put down before."""

from pathlib import Path

import pytest

from ledger.cli import edge
from ledger.cli.main import HELD
from ledger.settings import read_settings
from ledger.terms.rulebook import Rulebooks
from tests.cli.shop import open_shop
from tests.conftest import Database
from tests.running_books import as_bytes, running_books
from tests.web.family import NOW, TODAY
from tests.web.reading import of_class, opened, words
from web.app import create_app


def test_a_course_that_was_taken_over_shows_what_was_before(
    fresh_database: Database, rulebooks: Rulebooks, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shop = open_shop(fresh_database, tmp_path, capsys, monkeypatch)
    file = shop.file("books.json", as_bytes(running_books()))
    assert shop.custody("takeover", file, "--actor", "clerk:li").code == HELD
    assert shop.custody("takeover", file, "--actor", "clerk:wang").code == 0
    whose = "FROM ledger.contract JOIN ledger.guardianship USING (institution_id, student_id)"
    of_first = "WHERE contract_no = 'TK000001'"
    vault = edge.open_vault(read_settings())
    app = create_app(fresh_database.app, vault, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
    with app.test_client() as client:
        client.post("/demo/login", data={"guardian": str(shop.ask(f"SELECT guardian_id {whose} {of_first}"))})
        client.get("/?lang=en")
        course = opened(client, f"/course/{shop.ask(f'SELECT contract_id {whose} {of_first}')}")
    (lesson,) = of_class(course, "lessons")[0].xpath(".//tbody/tr")
    assert "Taught before" in words(lesson)
    assert "10 class hours" in words(lesson)
    assert "0:00" not in words(lesson)
    money = words(course.get_element_by_id("money"))
    assert "2026-01-05 (Mon) taken over from earlier books ¥2,500.00" in money
    assert "2026-02-05 (Thu) taken over from earlier books ¥1,500.00" in money
    refund = words(course.get_element_by_id("refund"))
    assert "Taught before, as the school put it down 10 class hours" in refund
    assert "¥3,000.00" in refund
