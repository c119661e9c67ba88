"""The family enters another account for its refund, with a new code, and stops one that it never asked for."""

from pathlib import Path
from uuid import UUID

import pytest
from playwright.sync_api import Browser
from sqlalchemy import text

from ledger.books import refund_payee as payees
from ledger.flows import refund, refund_payee
from ledger.rules import refund_number
from ledger.terms.institution import Payee
from ledger.terms.login import PROOF_LASTS
from ledger.terms.refund_payee import PayeeAsked, PayeeChange
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web import axe
from tests.web.family import NOW, PAINTING, VAULT, Books, Families
from tests.web.reading import words
from tests.web.test_browser import LANGUAGES, address, chromium, sideways
from tests.web.test_login import OTHER, Door, hidden, hidden_token, read
from tests.web.test_refund_browser import small
from tests.web.tour import LOOKS, shot

__all__ = ["address", "chromium"]  # fixtures of the browser

NEW = {"name": "王大明", "account": "6217 0000 1111 2222", "bank": "105100000017"}


class Claim:
    """The other guardian with the one refund there is, asked and not answered."""

    def __init__(self, door: Door) -> None:
        self.door = door
        with door.database.app.connect() as conn:
            self.refund_id: UUID = conn.scalars(text("SELECT refund_id FROM ledger.refund")).one()
        self.at = f"/claim/{refund_number.number(self.refund_id)}"
        door.come_in(OTHER)
        door.get("/money?lang=en")

    def said(self) -> str:
        return words(read(self.door.get(self.at)).get_element_by_id("main"))

    def changes(self) -> list[PayeeChange]:
        with self.door.database.app.connect() as conn:
            return payees.changes(conn, VAULT, PAINTING.number, [self.refund_id]).get(self.refund_id, [])


@pytest.fixture
def claim(fresh_database: Database, rulebooks: Rulebooks, tmp_path: Path) -> Claim:
    return Claim(Door(fresh_database, rulebooks, tmp_path, Books(fresh_database.app, rulebooks).write()))


def test_an_account_that_the_family_enters_waits_for_a_second_person(claim: Claim) -> None:
    sent = claim.door.post(f"{claim.at}/account", token=hidden_token(claim.door), **NEW)
    assert sent.status_code == 303
    (change,) = claim.changes()
    assert (change.payee, change.confirmed_by) == (Payee("王大明", "6217000011112222", "105100000017"), None)
    assert change.entered_by.startswith("guardian:")
    assert "The account ending 2222, by you. A second person checks it next." in claim.said()
    again = claim.door.post(f"{claim.at}/account", token=hidden_token(claim.door), **NEW)
    assert (again.status_code, len(claim.changes())) == (303, 1)
    with claim.door.database.app.begin() as conn:
        (own,) = refund_payee.confirm(conn, VAULT, PAINTING.number, [claim.refund_id], change.entered_by, NOW)
    assert own.code == "SAME_PERSON"


def test_only_a_new_code_changes_an_account_and_what_was_typed_is_kept(claim: Claim) -> None:
    claim.door.at += PROOF_LASTS
    asked = claim.door.post(f"{claim.at}/account", token=hidden_token(claim.door), **NEW)
    assert 'name="code"' in asked.get_data(as_text=True)
    assert claim.changes() == []
    going = claim.door.post("/login/code", **hidden(asked), code=claim.door.code())
    fields = hidden(going)
    assert fields["account"] == NEW["account"]
    token = str(read(going).xpath('//main//input[@name="token"]/@value')[0])
    assert claim.door.post(f"{claim.at}/account", **{**fields, "token": token}).status_code == 303
    assert len(claim.changes()) == 1


@pytest.mark.parametrize(("field", "value"), [("name", ""), ("account", "12-34"), ("bank", "1051")])
def test_what_is_no_account_is_said_at_its_field(claim: Claim, field: str, value: str) -> None:
    sent = claim.door.post(f"{claim.at}/account", token=hidden_token(claim.door), **{**NEW, field: value})
    page = read(sent)
    assert sent.status_code == 422
    assert page.get_element_by_id(field).get("aria-invalid") == "true"
    assert page.get_element_by_id("bank" if field != "bank" else "name").get("value") in NEW.values()
    assert claim.changes() == []


def test_a_family_stops_an_account_that_somebody_else_entered(claim: Claim) -> None:
    stolen = PayeeAsked(claim.refund_id, Payee("别人", "6222000000006666", "105100000017"), "家长来电", "clerk:li")
    with claim.door.database.app.begin() as conn:
        refund_payee.enter(conn, VAULT, PAINTING.number, [stolen], NOW)
        (confirmed,) = refund_payee.confirm(conn, VAULT, PAINTING.number, [claim.refund_id], "clerk:wang", NOW)
    assert confirmed.accepted
    said = claim.said()
    assert "The account ending 6666, by the office. A second person has checked it" in said
    assert "Was it not you who asked for it? Stop it" in said
    claim.door.at += PROOF_LASTS  # no code is asked for an objection
    stopped = claim.door.post(f"{claim.at}/account/stop", token=hidden_token(claim.door))
    assert stopped.status_code == 303
    (change,) = claim.changes()
    assert (change.cancelled_by or "").startswith("guardian:")
    assert "6666" not in claim.said()


def test_once_it_is_over_there_is_no_account_to_change(claim: Claim) -> None:
    with claim.door.database.app.begin() as conn:
        refund.withdraw(conn, PAINTING.number, [claim.refund_id], "guardian:x", NOW)
    assert claim.door.get(f"{claim.at}/account").status_code == 404
    assert "Name another one" not in claim.said()


@pytest.mark.parametrize(("language", "width"), LOOKS)
def test_the_pages_fit_and_break_no_rule(
    chromium: Browser, address: str, families: Families, module_database: Database, language: str, width: int
) -> None:
    with module_database.app.connect() as conn:
        refund_id = conn.scalars(text("SELECT refund_id FROM ledger.refund")).one()
    at = f"{address}/claim/{refund_number.number(refund_id)}"
    context = chromium.new_context(viewport={"width": width, "height": 800}, locale=LANGUAGES[language])
    page = context.new_page()
    try:
        page.goto(f"{address}/?lang={language}")
        page.locator(f'form:has(input[value="{families.other}"]) button').click()
        for view in ("plain", "elder"):
            page.goto(f"{at}/account?view={view}")
            shot(page, f"claim-account-{language}-{width}-{view}")
            assert (axe.violations(page), sideways(page), small(page)) == ([], 0, [])
        page.fill("#name", "王大明")
        page.locator("main form button").click()
        assert (axe.violations(page), sideways(page)) == ([], 0)
        page.fill("#account", f"62170000{width:04}{ord(language[0]):04}")
        page.fill("#bank", NEW["bank"])
        page.locator("main form button").click()
        page.goto(f"{at}?view=plain")
        shot(page, f"claim-account-entered-{language}-{width}")
        assert (axe.violations(page), sideways(page)) == ([], 0)
    finally:
        context.close()
