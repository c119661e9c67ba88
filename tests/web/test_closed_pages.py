"""P11: a school has closed. The family sees what is protected and what would come back, and says what it wants."""

import threading
from datetime import date
from uuid import UUID

import pytest
from flask.testing import FlaskClient
from playwright.sync_api import Browser
from sqlalchemy import text
from werkzeug.serving import make_server

from ledger.books import closed as books
from ledger.books import journal
from ledger.errors import Result
from ledger.flows import closed
from ledger.rules import posting, posting_payment
from ledger.terms.closed import Choice, Closed
from ledger.terms.ids import new_id
from ledger.terms.journal import Entry, Event
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web import axe
from tests.web.family import CODING, CUSTODY, NOW, PAID_ON, PAINTING, RESERVE, TODAY, VAULT, Books, Families, School
from tests.web.reading import opened, values, words
from tests.web.test_browser import chromium, sideways
from tests.web.test_refund_browser import small
from tests.web.tour import LOOKS, shot
from web.app import create_app

__all__ = ["chromium"]  # a fixture of the browser


class Shut:
    """Both schools have closed. Of the painting course 600 yuan never came in; the coding school's reserve is 1,000."""

    def __init__(self, database: Database, rulebooks: Rulebooks) -> None:
        self.database, self.books = database, Books(database.app, rulebooks)
        self.families: Families = self.books.write()
        with database.app.begin() as conn:
            painting = self.books.balance(conn, PAINTING, self.families.painting)
            self.post(PAINTING, CUSTODY, posting.released_ahead(painting, 600_00))
            self.post(CODING, RESERVE, posting_payment.reserve_topped_up(RESERVE, 1_000_00))
        for school in (PAINTING, CODING):
            order = Closed(new_id(NOW), date(2026, 11, 20), "区教委", "教停 3 号", date(2026, 12, 22),
                           date(2026, 12, 15), "clerk:li")  # fmt: skip
            with database.app.begin() as conn:
                assert closed.enter(conn, school.number, order, NOW).accepted
                assert closed.confirm(conn, school.number, "教停 3 号", "clerk:wang", NOW).accepted
        self.app = create_app(database.app, VAULT, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
        self.client: FlaskClient = self.app.test_client()
        self.client.post("/demo/login", data={"guardian": str(self.families.guardian)})
        self.client.get("/?lang=en")

    def post(self, school: School, fund_no: int, event: Event) -> None:
        assert event.fund_no == fund_no
        entry = Entry(self.books.new_id(), f"{event.kind}", (), event, PAID_ON, "test")
        with self.database.app.begin() as conn:
            (outcome,) = journal.post(conn, school.number, [entry], self.books.clock)
        assert outcome.result is Result.DONE, outcome

    def at(self, contract: UUID) -> str:
        return f"/course/{contract}/closed"

    def chosen(self, contract: UUID) -> Choice | None:
        with self.database.app.connect() as conn:
            return books.choice(conn, PAINTING.number, contract)

    def choose(self, **fields: str) -> int:
        (token,) = values(opened(self.client, self.at(self.families.painting)), '//main//input[@name="token"]/@value')
        sent = self.client.post(self.at(self.families.painting), data={"token": token, **fields})
        return sent.status_code


@pytest.fixture
def shut(fresh_database: Database, rulebooks: Rulebooks) -> Shut:
    return Shut(fresh_database, rulebooks)


def test_the_money_page_leads_there(shut: Shut) -> None:
    page = opened(shut.client, "/money")
    assert words(page).count("The school has closed") == 2
    assert shut.at(shut.families.painting) in values(page, "//main//a/@href")


def test_what_is_owed_where_it_is_and_what_is_missing_add_up(shut: Shut) -> None:
    said = words(opened(shut.client, shut.at(shut.families.painting)))
    # 3,200 paid, 12 of 40 hours released: 2,240 owed; 600 of it never came in, and there is no reserve
    for part in (
        "Owed to you ¥2,240.00", "¥1,640.00", "Added from the school's reserve a share of what is missing, like every "
        "family ¥0.00", "You can expect ¥1,640.00", "it stays your claim and is collected ¥600.00",
        "Frozen since 2026-11-20 (Fri)", "Say so by 2026-12-22 (Tue)", "You hear more on 2026-12-15 (Tue)", "区教委",
        "010-0000-1208",
    ):  # fmt: skip
        assert part in said, part


def test_a_reserve_is_shared_where_the_school_held_the_money(shut: Shut) -> None:
    said = words(opened(shut.client, shut.at(shut.families.coding)))
    # 3,000 paid, 5 of 24 hours taught: 2,375 owed, all of it with the school; the reserve of 1,000 is this family's
    assert "Owed to you ¥2,375.00" in said
    assert "You can expect ¥1,000.00" in said
    assert "1 course is owed ¥2,375.00; 42.11 % of it is there" in said


def test_the_public_check_warns_whoever_wants_to_pay_it(shut: Shut) -> None:
    said = words(opened(shut.client, "/c/JG2001"))
    for part in ("This school has closed", "2026-11-20 (Fri)", "Do not pay it any more."):
        assert part in said, part
    assert "Before you pay" not in said
    assert "010-0000-1208" in said


def test_a_family_says_what_it_wants_and_may_change_its_mind(shut: Shut) -> None:
    assert shut.choose() == 422
    assert shut.choose(choice="cash") == 422
    assert shut.chosen(shut.families.painting) is None
    assert shut.choose(choice="transfer") == 303
    assert shut.chosen(shut.families.painting) is Choice.TRANSFER
    assert "The office tells you on 2026-12-15" in words(opened(shut.client, shut.at(shut.families.painting)))
    assert shut.choose(choice="refund") == 303
    assert shut.choose(choice="refund") == 303
    assert shut.chosen(shut.families.painting) is Choice.REFUND
    with shut.database.app.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM ledger.closed_choice")) == 2


def test_a_school_that_is_open_has_no_such_page(client: FlaskClient, families: Families) -> None:
    assert client.get(f"/course/{families.painting}/closed").status_code == 404
    assert "The school has closed" not in client.get("/money").get_data(as_text=True)


def test_an_order_without_its_second_person_closes_nothing(fresh_database: Database, rulebooks: Rulebooks) -> None:
    families = Books(fresh_database.app, rulebooks).write()
    order = Closed(new_id(NOW), date(2026, 11, 20), "区教委", "教停 9 号", TODAY, TODAY, "clerk:li")
    with fresh_database.app.begin() as conn:
        assert closed.enter(conn, PAINTING.number, order, NOW).accepted
        assert books.standing(conn, PAINTING.number) is None
        refused = closed.choose(conn, PAINTING.number, families.painting, Choice.REFUND, "guardian:1", NOW)
    assert refused.code == "NOT_CLOSED"


def test_it_fits_and_breaks_no_rule(shut: Shut, chromium: Browser) -> None:
    server = make_server("127.0.0.1", 0, shut.app, threaded=True)
    threading.Thread(target=server.serve_forever).start()
    address = f"http://127.0.0.1:{server.server_port}"
    try:
        for language, width in LOOKS:
            context = chromium.new_context(viewport={"width": width, "height": 800})
            page = context.new_page()
            page.goto(f"{address}/?lang={language}")
            page.locator(f'form:has(input[value="{shut.families.guardian}"]) button').click()
            for view in ("plain", "elder"):
                page.goto(f"{address}{shut.at(shut.families.painting)}?view={view}")
                shot(page, f"closed-{language}-{width}-{view}")
                assert (axe.violations(page), sideways(page), small(page)) == ([], 0, [])
                page.goto(f"{address}/c/JG2001?view={view}")
                shot(page, f"public-closed-{language}-{width}-{view}")
                assert (axe.violations(page), sideways(page), small(page)) == ([], 0, [])
            page.set_viewport_size({"width": 320, "height": 800})
            assert sideways(page) == 0
            context.close()
    finally:
        server.shutdown()
