"""`custody payout move`: the custodian bank changes. What the clerk types, and what a family sees meanwhile."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from ledger.cli import edge
from ledger.cli.main import HELD, REFUSED, UNUSABLE
from ledger.settings import read_settings
from tests.cli.shop import CODE, CUSTODY, NUMBER, PRICE_FEN, RESERVE, SIGNED_ON, Shop, deposit, lesson_row
from tests.running_books import as_bytes, running_books
from tests.samples import SampleLine, camt053
from tests.web.reading import opened, words
from web.app import create_app

NEW = "6232001000000000777"
ON = date(2026, 3, 25)
WAY = ("--from", CUSTODY, "--to", NEW)


def answered(shop: Shop, *said: str, code: int = 0) -> dict[str, Any]:
    ran = shop.custody(*said, "--json")
    assert ran.code == code, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.fixture
def paid(shop: Shop) -> Shop:
    """Two families have paid, one lesson of the second waits; another bank's account is opened by two people."""
    day = shop.statement("day.xml", deposit(1), deposit(2), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.taught(lesson_row("L1", "HT000002"))
    here = {
        "number": NUMBER, "code": CODE, "name": "启明书法学校", "place": "110108", "category": "non_academic",
        "mode": "both", "office_name": "区教委", "office_phone": "010-0000-1208",
        "payee": {"name": "启明书法学校", "account": "6222009999000000111", "bank_no": "102100099996"},
    }  # fmt: skip
    account = {
        "fund": 4, "kind": "custody", "number": NEW, "bank_name": "沪江银行", "bank_no": "103290000014",
        "balance": "0", "opened_on": "2026-03-01",
    }  # fmt: skip
    books = running_books(institution=here, account=account, courses=[], contracts=[], earned="0")
    file = shop.file("account.json", as_bytes(books))
    assert shop.custody("takeover", file, "--actor", "clerk:li").code == HELD
    assert shop.custody("takeover", file, "--actor", "clerk:wang").code == 0
    return shop


def family(shop: Shop) -> FlaskClient:
    law, vault = edge.load_law(None), edge.open_vault(read_settings())
    at = datetime(2026, 3, 25, 12, tzinfo=UTC)
    app = create_app(shop.database.app, vault, law, demo=True, today=lambda: ON, now=lambda: at)
    client = app.test_client()
    guardian = shop.ask("SELECT guardian_id FROM ledger.contract JOIN ledger.guardianship"
                        " USING (institution_id, student_id) WHERE contract_no = 'HT000001'")  # fmt: skip
    client.post("/demo/login", data={"guardian": str(guardian)})
    client.get("/?lang=en")
    return client


def arrive(shop: Shop, payment: str, fen: int) -> None:
    day = camt053(
        account=NEW, statement_id="N-1", sequence=1, opening_fen=0, on=ON,
        lines=[SampleLine(fen, ref="N1", end_to_end_id=payment, memo="划转")],
    )  # fmt: skip
    assert shop.custody("statement", "import", shop.file("new.xml", day)).code == 0


def test_the_clerk_moves_what_may_go_and_hears_why_the_rest_stays(paid: Shop, tmp_path: Path) -> None:
    shown = answered(paid, "payout", "move", *WAY, "--actor", "clerk:li", code=REFUSED)
    assert (shown["contracts"], shown["instructions"], shown["control_sum"]) == (
        {"HT000001": "HT000001/2"}, 1, "4000.00"
    )  # fmt: skip
    assert [(one["contract"], one["code"]) for one in shown["refused"]] == [("HT000002", "MOVE_LESSON_OPEN")]
    (batch,) = shown["batches"]
    assert (batch["kind"], batch["account"]) == ("move", CUSTODY)
    assert answered(paid, "payout", "move", *WAY, code=REFUSED)["contracts"] == {}  # what is on its way goes once
    assert paid.custody("payout", "approve", batch["batch"], "--actor", "clerk:wang").code == 0
    out = tmp_path / "out"
    assert paid.custody("payout", "write", batch["batch"], "--out", out).code == 0
    (file,) = out.iterdir()
    assert NEW.encode() in file.read_bytes()
    client = family(paid)
    page = words(opened(client, "/money"))
    assert "Your money is on its way to another bank ¥4,000.00" in page
    assert "From 京华银行 to 沪江银行" in page
    course = paid.ask("SELECT contract_id FROM ledger.contract WHERE contract_no = 'HT000001'")
    assert "on its way to another bank: ¥4,000.00" in words(opened(client, f"/course/{course}"))
    assert "ask again once that bank has booked it" in words(opened(client, f"/course/{course}/refund"))
    payment = paid.ask("SELECT end_to_end_id FROM ledger.instruction")
    arrive(paid, payment, PRICE_FEN)
    page = words(opened(client, "/money"))
    assert "沪江银行" in page
    assert "on its way" not in page
    assert "If you stop today, you get back ¥4,000.00" in page
    opened(client, f"/course/{course}", 404)
    there = paid.ask("SELECT contract_id FROM ledger.contract WHERE contract_no = 'HT000001/2'")
    assert "2026-03-02 (Mon) brought over from another account ¥4,000.00" in words(
        opened(client, f"/course/{there}").get_element_by_id("money")
    )
    assert paid.broken() == []


def test_accounts_that_cannot_be_moved_between_are_refused(paid: Shop) -> None:
    for way, code in (((CUSTODY, CUSTODY), "SAME_ACCOUNT"), ((CUSTODY, RESERVE), "NOT_CUSTODY")):
        shown = answered(paid, "payout", "move", "--from", way[0], "--to", way[1], code=REFUSED)
        assert ([one["code"] for one in shown["refused"]], shown["batches"]) == ([code], [])
    for more, code in ((("--from", "1"), "UNKNOWN_ACCOUNT"), (("--execute-on", "2026-03-01"), "DATE_PAST")):
        ran = paid.custody("payout", "move", *WAY, *more)
        assert (ran.code, code in ran.err) == (UNUSABLE, True)


def test_a_person_reads_which_contract_goes_on_as_which(paid: Shop) -> None:
    ran = paid.custody("payout", "move", *WAY)
    assert "HT000001/2" in ran.out
    assert "MOVE_LESSON_OPEN" in ran.err
    trial = answered(paid, "trial-balance")
    assert [one["balance"] for one in trial["accounts"] if one["account"].endswith("HT000001")] == ["0.00"]
