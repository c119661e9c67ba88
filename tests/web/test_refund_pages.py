"""A refund on the pages: asked in three steps, followed to the money booked; every page says the engine's amount."""

from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text
from werkzeug.test import TestResponse

from ledger.books import payout as batches
from ledger.cli.statement_import import read_lines
from ledger.errors import Result
from ledger.flows import payout, refund, seal, statement
from ledger.rules import refund_number
from ledger.terms.ids import new_id
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundState
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.samples import SampleLine, camt053
from tests.web.family import CUSTODY, NOW, PAINTING, TODAY, VAULT, Books, Families, instant
from tests.web.reading import amount, fen, of_class, opened, values, words
from web.app import create_app
from web.pages.refund import REASONS

BACK_FEN = 2000_00


@pytest.fixture
def written(fresh_database: Database, rulebooks: Rulebooks) -> tuple[Database, Families]:
    """Books of a test's own: what is asked in it is asked of nobody else."""
    return fresh_database, Books(fresh_database.app, rulebooks).write()


@pytest.fixture
def visitor(written: tuple[Database, Families], rulebooks: Rulebooks) -> FlaskClient:
    return of_guardian(written[0], rulebooks, written[1].guardian)


def of_guardian(database: Database, rulebooks: Rulebooks, guardian: UUID) -> FlaskClient:

    app: Flask = create_app(database.app, VAULT, rulebooks, demo=True, today=lambda: TODAY, now=lambda: NOW)
    browser = app.test_client()
    assert browser.post("/demo/login", data={"guardian": str(guardian)}).status_code == 303
    browser.get("/?lang=en")
    return browser


def form(visitor: FlaskClient, contract_id: UUID, why: str = "own", **more: str) -> dict[str, str]:
    """The fields that step 3 sends, the box ticked."""
    page = opened(visitor, f"/course/{contract_id}/refund/send?why={why}")
    hidden = {one.get("name"): one.get("value") for one in page.xpath('//main//input[@type="hidden"]')}
    return {**hidden, "agree": "yes", "words": "", **more}


def send(visitor: FlaskClient, contract_id: UUID, fields: dict[str, str]) -> TestResponse:
    return visitor.post(f"/course/{contract_id}/refund/send", data=fields)


def asked(visitor: FlaskClient, contract_id: UUID) -> str:
    """The number of a refund that was asked."""
    answer = send(visitor, contract_id, form(visitor, contract_id))
    assert answer.status_code == 303, answer.get_data(as_text=True)
    return str(answer.headers["Location"]).split("/")[2]


# -- three steps


def test_three_steps_say_the_amount_the_dates_and_whom_to_call(
    visitor: FlaskClient, written: tuple[Database, Families]
) -> None:
    at = f"/course/{written[1].painting}/refund"
    assert at in values(opened(visitor, f"/course/{written[1].painting}"), "//a/@href")
    why = opened(visitor, at)
    assert values(why, '//input[@type="radio"]/@value') == ["own", "moved", "ill", "closed", "broken"]
    check = opened(visitor, f"{at}/check?why=own")
    (total,) = of_class(check, "total")
    assert fen(words(of_class(total, "amt")[0])) == BACK_FEN
    assert "account ending 0919" in words(check)
    assert len(check.xpath("//details")) == 2
    last = opened(visitor, f"{at}/send?why=own")
    assert amount(last, "pass-amt") == BACK_FEN
    assert words(last.xpath("//main//button[@type='submit']")[-1]) == "Send: ¥2,000.00 back"
    for page in (why, check, last):
        assert PAINTING.phone in words(page)


@pytest.mark.parametrize("why", [*REASONS, "nonsense"])
def test_each_reason_shows_the_engines_amount_under_its_cause(
    visitor: FlaskClient, written: tuple[Database, Families], rulebooks: Rulebooks, why: str
) -> None:
    database, families = written
    cause = REASONS.get(why, Cause.CONSUMER)
    law, calendar = rulebooks.in_force(PAINTING.place, "", TODAY), rulebooks.calendar(PAINTING.place)
    with database.app.begin() as conn:
        quotes = refund.quote(conn, PAINTING.number, {families.painting: cause}, law, calendar, TODAY)
    page = opened(visitor, f"/course/{families.painting}/refund/check?why={why}")
    assert fen(words(of_class(of_class(page, "total")[0], "amt")[0])) == quotes[families.painting].refund_fen
    fields = form(visitor, families.painting, why)
    assert fields["shown"] == quotes[families.painting].digest
    assert send(visitor, families.painting, fields).status_code == 303
    with database.app.connect() as conn:
        kept = conn.execute(text("SELECT cause, amount_fen FROM ledger.refund ORDER BY refund_id DESC LIMIT 1")).one()
    assert (kept.cause, kept.amount_fen) == (cause.value, quotes[families.painting].refund_fen)


# -- sent


def test_sent_twice_it_is_one_refund_and_the_books_have_its_amount(
    visitor: FlaskClient, written: tuple[Database, Families]
) -> None:
    database, families = written
    fields = form(visitor, families.painting, words="谢谢老师")
    first, second = (send(visitor, families.painting, fields) for _ in range(2))
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["Location"] == second.headers["Location"]
    page = opened(visitor, first.headers["Location"])
    (number,) = of_class(page, "claim-no")
    refund_id = UUID(fields["key"])
    assert words(number) == refund_number.number(refund_id)
    with database.app.connect() as conn:
        rows = conn.execute(text("SELECT refund_id, amount_fen, cause FROM ledger.refund ORDER BY refund_id")).all()
        (said,) = conn.scalars(
            text("SELECT reason FROM ledger.refund_step WHERE refund_id = :r AND step = 1"), {"r": refund_id}
        )
    assert [(row.amount_fen, row.cause) for row in rows if row.refund_id == refund_id] == [(BACK_FEN, "consumer")]
    assert (len(rows), said) == (2, "own: 谢谢老师")
    again = opened(visitor, f"/course/{families.painting}/refund")  # asking once more leads to the one that is open
    assert words(number) in words(again)


def test_nothing_is_sent_without_the_declaration_and_nothing_typed_is_lost(
    visitor: FlaskClient, written: tuple[Database, Families]
) -> None:
    fields = form(visitor, written[1].painting, agree="", words="x" * 201)
    answer = send(visitor, written[1].painting, fields)
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert "Tick the box to declare it." in shown
    assert "x" * 201 in shown
    assert "<title>Error:" in shown
    with written[0].app.connect() as conn:
        assert conn.scalar(text("SELECT count(*) FROM ledger.refund")) == 1


def test_an_amount_that_changed_meanwhile_is_shown_and_asked_again(
    visitor: FlaskClient, written: tuple[Database, Families], rulebooks: Rulebooks
) -> None:
    fields = form(visitor, written[1].painting)
    Books(written[0].app, rulebooks, NOW).teach(PAINTING, "QM-2026-0817", 30, TODAY, NOW + timedelta(minutes=1))
    answer = send(visitor, written[1].painting, fields)
    shown = answer.get_data(as_text=True)
    assert answer.status_code == 409
    assert "¥2,000.00" in shown
    assert "¥1,920.00" in shown
    assert "recorded by the school" in shown
    assert send(visitor, written[1].painting, form(visitor, written[1].painting)).status_code == 303


def test_where_no_bank_line_names_the_account_the_family_does(
    visitor: FlaskClient, written: tuple[Database, Families]
) -> None:
    coding = written[1].coding
    wrong = send(visitor, coding, form(visitor, coding, name="周𠮷宁", account="6217 0000", bank="1"))
    assert (wrong.status_code, "12 digits" in wrong.get_data(as_text=True)) == (422, True)
    right = send(visitor, coding, form(visitor, coding, name="周𠮷宁", account="6217 0000", bank="105100000017"))
    assert right.status_code == 303
    with written[0].app.connect() as conn:
        row = conn.execute(text("SELECT * FROM ledger.refund ORDER BY refund_id DESC LIMIT 1")).one()
    assert VAULT.open(row.payee_account_sealed, "refund", "payee_account", row.refund_id) == "62170000"


# -- whose it is


def test_foreign_unknown_and_malformed_are_the_same_404(
    visitor: FlaskClient, written: tuple[Database, Families], rulebooks: Rulebooks
) -> None:
    database, families = written
    number = asked(visitor, families.painting)
    other = of_guardian(database, rulebooks, families.other)
    unknown = refund_number.number(new_id(NOW))
    for name in (number, unknown, number[:-1] + ("0" if number[-1] != "0" else "1"), "x", "%00"):
        for path in (f"/claim/{name}", f"/claim/{name}/sent", f"/claim/{name}/dates.ics"):
            assert other.get(path).status_code == 404, path
    for id_ in (families.painting, new_id(NOW), "x"):
        for step in ("", "/check", "/send"):
            assert other.get(f"/course/{id_}/refund{step}").status_code == 404
    token = form_token(other)
    for path in (f"/claim/{number}/withdraw", f"/claim/{number}/argue", f"/course/{families.painting}/refund/send"):
        assert other.post(path, data={"token": token, "sure": "yes", "words": "x", "key": str(new_id(NOW))}).status_code
        assert other.post(path, data={"sure": "yes"}).status_code == 400  # a form of another site
    with database.app.connect() as conn:
        states = conn.scalars(text("SELECT state FROM ledger.refund_now ORDER BY refund_id")).all()
    assert states == ["asked", "asked"]


# -- followed


def test_a_refund_is_taken_back_until_it_is_approved(visitor: FlaskClient, written: tuple[Database, Families]) -> None:
    number = asked(visitor, written[1].painting)
    token = form_token(visitor)
    assert visitor.post(f"/claim/{number}/withdraw", data={"token": token}).status_code == 422
    assert visitor.post(f"/claim/{number}/withdraw", data={"token": token, "sure": "yes"}).status_code == 303
    assert "You took this refund back" in words(opened(visitor, f"/claim/{number}"))
    assert f"/course/{written[1].painting}/refund" in values(
        opened(visitor, f"/course/{written[1].painting}"), "//a/@href"
    )


def test_an_objection_is_answered_and_both_sides_stand_on_the_page(
    visitor: FlaskClient, written: tuple[Database, Families]
) -> None:
    number = asked(visitor, written[1].painting)
    answered(written[0], number, RefundState.OBJECTED, "课已上完")
    page = opened(visitor, f"/claim/{number}")
    assert "课已上完" in words(page)
    step = values(page, '//input[@name="step"]/@value')[0]
    said = {"token": form_token(visitor), "step": step, "words": "只上了十二节"}
    for _ in range(2):
        assert visitor.post(f"/claim/{number}/argue", data=said).status_code == 303
    again = words(opened(visitor, f"/claim/{number}"))
    assert (again.count("只上了十二节"), "课已上完" in again) == (1, True)
    assert visitor.post(f"/claim/{number}/argue", data={**said, "words": ""}).status_code == 422


def test_a_refund_is_followed_to_the_money_booked(
    visitor: FlaskClient, written: tuple[Database, Families], rulebooks: Rulebooks
) -> None:
    database, families = written
    number = asked(visitor, families.painting)
    assert "The school has it until" in words(opened(visitor, f"/claim/{number}"))
    calendar = visitor.get(f"/claim/{number}/dates.ics")
    assert (calendar.mimetype, calendar.get_data(as_text=True).count("BEGIN:VEVENT")) == ("text/calendar", 2)
    answered(database, number, RefundState.AGREED)
    reference, file_fen = paid_out(database, number)
    assert file_fen == BACK_FEN
    page = words(opened(visitor, f"/claim/{number}"))
    assert "The bank is paying" in page
    assert f"Order {reference}: ¥2,000.00" in page
    assert "it can no longer be taken back" in page
    booked(database, rulebooks, SampleLine(BACK_FEN, False, "B1", reference, memo="退费"))
    paid = opened(visitor, f"/claim/{number}")
    assert amount(paid, "pass-amt") == BACK_FEN
    assert "Paid back to you" in words(paid)
    assert "The refund of this course was paid." in words(opened(visitor, f"/course/{families.painting}/refund"))
    returning = SampleLine(BACK_FEN, True, "B2", reference, memo="销户退回")
    booked(database, rulebooks, returning, opening_fen=1600_00 - BACK_FEN, sequence=2)
    assert "The bank sent the money back" in words(opened(visitor, f"/claim/{number}"))


def form_token(visitor: FlaskClient) -> str:
    (token,) = set(opened(visitor, "/money").xpath('//input[@name="token"]/@value'))
    return str(token)


def id_of(database: Database, number: str) -> UUID:
    with database.app.connect() as conn:
        ids: list[UUID] = list(conn.scalars(text("SELECT refund_id FROM ledger.refund")))
    return next(one for one in ids if refund_number.number(one) == number)


def answered(database: Database, number: str, state: RefundState, reason: str = "") -> None:
    with database.app.begin() as conn:
        (outcome,) = refund.answer(conn, PAINTING.number, [id_of(database, number)], state, "school", NOW, reason)
    assert outcome.result is Result.DONE


def paid_out(database: Database, number: str) -> tuple[str, int]:
    """Approve a refund and write its payment file: the payment's id, and what the file says it is."""
    school = PAINTING.number
    with database.app.begin() as conn:
        seal.seal(conn, school, NOW)
    with database.app.begin() as conn:
        (outcome,) = refund.approve(conn, school, [id_of(database, number)], "clerk:wang", NOW)
        assert outcome.result is Result.DONE, outcome
        payout.build_refunds(conn, VAULT, school, CUSTODY, TODAY, "clerk:li", NOW)
        (batch,) = batches.batches(conn, school)
        payout.approve(conn, school, batch.batch_id, "clerk:wang", NOW)
        content = payout.render(conn, VAULT, school, batch.batch_id, "clerk:li", NOW)[1].decode()
        (one,) = batches.instructions(conn, VAULT, school, batch.batch_id)
    written = content.partition("<CtrlSum>")[2].partition("<")[0]
    return one.end_to_end_id, fen(written)


def booked(
    database: Database, rulebooks: Rulebooks, line: SampleLine, *, opening_fen: int = 1600_00, sequence: int = 1
) -> None:
    """The bank's next statement, with one line."""
    account = f"62320010{PAINTING.number}{PAINTING.tail}"
    content = camt053(
        account=account,
        statement_id=f"S-{sequence}",
        sequence=sequence,
        opening_fen=opening_fen,
        lines=[line],
        on=TODAY,
    )
    file, lines = read_lines(BytesIO(content), "statement.xml")
    with database.app.begin() as conn:
        imported = statement.bring_in(
            conn, VAULT, file, lines, [content], rulebooks.calendar(PAINTING.place), "clerk:li", instant(TODAY, 21)
        )
    assert imported.verdict.value == "accept", imported
