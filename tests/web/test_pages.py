"""What the parents' pages say of money: the same as the books and the quote say."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from flask.testing import FlaskClient

from ledger.books import record
from ledger.flows import refund
from ledger.formats.rulebook import load_rulebooks
from ledger.reports import family
from ledger.terms.refund import Cause, Worksheet
from ledger.terms.refund_request import RefundState
from ledger.terms.rulebook import Rulebooks
from tests.conftest import Database
from tests.web.family import CODING, NOW, PAINTING, TODAY, VAULT, Families, School, instant
from tests.web.reading import amount, card_of, fen, lines, of_class, opened, total, words
from web.app import create_app

Quote = Callable[[School, UUID], Worksheet]


@pytest.fixture
def quoted(module_database: Database, rulebooks: Rulebooks) -> Quote:
    """What the flow quotes today if the family stops of its own accord."""

    def quote(school: School, contract_id: UUID) -> Worksheet:
        law, calendar = rulebooks.in_force(school.place, "", TODAY), rulebooks.calendar(school.place)
        with module_database.app.begin() as conn:
            asked = {contract_id: Cause.CONSUMER}
            return refund.quote(conn, school.number, asked, law, calendar, TODAY)[contract_id]

    return quote


# -- my money


def test_the_large_amount_is_the_quote_and_the_lines_add_up_to_it(
    client: FlaskClient, families: Families, quoted: Quote
) -> None:
    page = opened(client, "/money")
    for school, contract_id in ((PAINTING, families.painting), (CODING, families.coding)):
        card, worksheet = card_of(page, school.course), quoted(school, contract_id)
        assert worksheet.refund_fen > 0
        assert amount(card, "pass-amt") == worksheet.refund_fen
        (table,) = of_class(card, "sum")
        assert lines(table) == [line.amount_fen for line in worksheet.lines]
        assert total(table) == sum(lines(table)) == worksheet.refund_fen


def test_all_courses_together(client: FlaskClient) -> None:
    page = opened(client, "/money")
    (head,) = of_class(page, "head")
    amounts = [fen(words(one)) for one in of_class(page, "pass-amt")]
    assert fen(words(head.xpath(".//b")[0])) == sum(amounts) == 2000_00 + 2375_00


def test_where_the_money_is_now(client: FlaskClient) -> None:
    page = opened(client, "/money")
    custody, reserve = words(card_of(page, PAINTING.course)), words(card_of(page, CODING.course))
    assert "The money is in a 京华银行 custody account ending 4821 . The school cannot withdraw it." in custody
    assert "In custody now 2 class hours not confirmed included ¥2,240.00" in custody
    assert (
        "The school holds the money itself. A reserve at 京华银行 , account ending 7730 , stands behind it." in reserve
    )
    assert "cannot withdraw" not in reserve
    assert "Held by the school for you now ¥2,375.00" in reserve


def test_no_account_is_shown_whole(client: FlaskClient, families: Families) -> None:
    for path in ("/money", f"/course/{families.painting}", f"/course/{families.coding}"):
        shown = client.get(path).get_data(as_text=True)
        assert "6217000000000919" not in shown
        assert f"62320010{PAINTING.number}" not in shown
        assert f"62320010{CODING.number}" not in shown


def test_the_day_of_arrival_is_the_one_a_refund_asked_today_gets(
    client: FlaskClient, families: Families, module_database: Database
) -> None:
    with module_database.app.begin() as conn:
        asked = family.refunds(conn, PAINTING.number, [families.asked])[families.asked]
    assert (asked.asked_on, asked.answer_by, asked.pay_by) == (TODAY, date(2026, 12, 1), date(2026, 12, 9))
    shown = words(card_of(opened(client, "/money"), PAINTING.course))
    assert "If you ask today it arrives by 2026-12-09 (Wed) , back to the account ending 0919." in shown
    assert "the school answers by 2026-12-01 (Tue) ." in words(opened(client, f"/course/{families.painting}"))


def test_whom_to_call(client: FlaskClient) -> None:
    page = opened(client, "/money")
    for school, english in ((PAINTING, "Haidian Education Commission, training office"), (CODING, CODING.office)):
        card = card_of(page, school.course)
        (link,) = of_class(card, "tel")
        assert link.get("href") == "tel:+86" + school.phone.replace("-", "")[1:]
        assert words(link) == school.phone
        assert english in words(card)


def test_a_lesson_that_waits_says_until_when(client: FlaskClient) -> None:
    page = opened(client, "/money")
    (ask,) = of_class(card_of(page, PAINTING.course), "ask")
    assert "Say so by 2026-12-11 (Fri) ; silence means yes." in words(ask)
    assert of_class(card_of(page, CODING.course), "ask") == []


def test_a_refund_on_its_way_and_a_contract_not_paid(
    client: FlaskClient, families: Families, module_database: Database, rulebooks: Rulebooks
) -> None:
    client.post("/demo/login", data={"guardian": str(families.other)})
    asked, unpaid = opened(client, "/money").xpath("//article")
    assert "You asked for a refund; you get back" in words(asked)
    assert amount(asked, "pass-amt") == 1600_00
    assert "Asked on 2026-11-24 (Tue) ; the money arrives by 2026-12-09 (Wed) ." in words(asked)
    assert "The school answers by 2026-12-01 (Tue) . If it stays silent, it has agreed." in words(asked)
    assert amount(unpaid, "pass-amt") == 0
    late = create_app(
        module_database.app, VAULT, rulebooks, demo=True, today=lambda: date(2026, 12, 10), now=lambda: NOW
    ).test_client()
    late.post("/demo/login", data={"guardian": str(families.other)})
    asked_page = words(opened(late, f"/course/{families.asked}?lang=en"))
    assert "it should have arrived by 2026-12-09 (Wed) and is late. Call the office." in asked_page
    assert "Write the reference PP0819 into your transfer" in words(unpaid)
    course = opened(client, f"/course/{families.asked}")
    assert "Refund of ¥1,600.00 on its way" in words(course)
    assert [words(line) for line in of_class(course.get_element_by_id("refund"), "amt")] == [
        "¥1,600.00", "¥0.00", "¥1,600.00",
    ]  # fmt: skip
    assert "of this, kept for your refund ¥1,600.00" in words(course.get_element_by_id("money"))


def test_a_guardian_without_a_contract_is_told_so(client: FlaskClient, module_database: Database) -> None:
    guardian, clock = uuid4(), instant(TODAY, 8)
    with module_database.app.begin() as conn:
        record.insert(conn, "guardian", [{
            "guardian_id": guardian, "name_sealed": VAULT.seal("郑小二", "guardian", "name", guardian),
            "phone_sealed": b"x", "phone_index": guardian.bytes, "registered_at": clock,
        }])  # fmt: skip
    client.post("/demo/login", data={"guardian": str(guardian)})
    page = opened(client, "/money")
    assert "There is no contract under your name." in words(page)
    assert "郑小二" in words(page)


# -- one course


def test_every_lesson_in_its_state_and_the_waiting_ones_on_top(client: FlaskClient, families: Families) -> None:
    page = opened(client, f"/course/{families.painting}")
    rows = [words(row) for row in page.get_element_by_id("lessons").xpath(".//tbody/tr")]
    assert len(rows) == 17
    assert "2026-11-21 (Sat)" in rows[0]
    assert "Waits for you Silence until 2026-12-11 (Fri) counts as taught." in rows[0]
    assert "Unlawful time Your silence never confirms it. The lesson ends after the latest hour allowed." in rows[1]
    assert "2026-11-15 (Sun)" in rows[2]
    assert "Not charged leave, asked in time" in rows[2]
    assert "2026-11-14 (Sat)" in rows[3]
    assert sum("Confirmed by you" in row for row in rows) == 10
    assert sum("Confirmed by silence" in row for row in rows) == 2
    assert sum("In dispute 老师没来 ¥0.00" in row for row in rows) == 1
    assert sum("Taken back 机构重复登记 ¥0.00" in row for row in rows) == 1
    assert sum("−¥80.00" in row for row in rows) == 12


def test_the_money_adds_up_to_the_claim(client: FlaskClient, families: Families, module_database: Database) -> None:
    for contract_id in (families.painting, families.coding):
        table = opened(client, f"/course/{contract_id}").get_element_by_id("money")
        with module_database.app.begin() as conn:
            (contract,) = family.contracts(conn, families.guardian, contract_id)
        assert sum(lines(table)) == total(table) == contract.claim_fen > 0


def test_each_line_of_the_worksheet_opens_inputs_rule_and_source(
    client: FlaskClient, families: Families, quoted: Quote
) -> None:
    sheet = opened(client, f"/course/{families.painting}").get_element_by_id("refund")
    worksheet = quoted(PAINTING, families.painting)
    parts = sheet.xpath(".//details")
    assert len(parts) == len(worksheet.lines) == 2
    for part, line in zip(parts, worksheet.lines, strict=True):
        assert amount(part, "amt") == line.amount_fen
        (reason,) = of_class(part, "why-b")
        assert line.rule.en in words(reason)
        assert line.source in words(reason)
        assert worksheet.rulebook in words(reason)
    assert "2026-08-18 (Tue) ¥3,200.00 booked by the bank" in words(parts[0])
    for known in (
        "15 class hours × ¥80.00", "Confirmed by you 10 class hours", "Confirmed by silence 2 class hours",
        "Not confirmed yet, counted as taught 2 class hours", "In dispute, added once decided for you 1 class hour",
        "Worked out − 15 × ¥3,200.00 ÷ (36 + 4)",
    ):  # fmt: skip
        assert known in words(parts[1])
    (shown,) = of_class(sheet, "total")
    assert amount(shown, "amt") == worksheet.refund_fen
    assert worksheet.digest[:12] in words(sheet)


def test_a_place_without_refund_law_still_shows_where_the_money_is(
    module_database: Database, families: Families, tmp_path: Path
) -> None:
    app = create_app(
        module_database.app, VAULT, load_rulebooks([tmp_path]), demo=True, today=lambda: TODAY, now=lambda: NOW
    )
    client = app.test_client()
    client.post("/demo/login", data={"guardian": str(families.guardian)})
    card = card_of(opened(client, "/money?lang=en"), PAINTING.course)
    assert "cannot be worked out today. Call the office and name the code RULE_MISSING." in words(card)
    assert "custody account ending 4821" in words(card)
    assert of_class(card, "pass-amt") == []
    course = opened(client, f"/course/{families.painting}")
    assert "RULE_MISSING" in words(course)
    assert len(course.get_element_by_id("lessons").xpath(".//tbody/tr")) == 17


def test_a_paid_refund_ends_a_course(module_database: Database, families: Families, client: FlaskClient) -> None:
    """The last test of this file: it closes the refund that others look at."""
    client.post("/demo/login", data={"guardian": str(families.other)})
    with module_database.app.begin() as conn:
        asked = family.refunds(conn, PAINTING.number, [families.asked])[families.asked]

    def step(number: int, state: RefundState) -> None:
        here = {"institution_id": PAINTING.number, "refund_id": asked.refund_id}
        known = {
            "step": number,
            "state": state,
            "at": instant(TODAY, 12),
            "actor": "test",
            "reason": "",
            "entry_id": None,
        }
        with module_database.app.begin() as conn:
            record.insert(conn, "refund_step", [{**here, **known}])
            if state is RefundState.PAID:
                record.insert(conn, "refund_closed", [{**here, "closed_on": date(2026, 12, 1)}])

    said = ("The school has agreed.", "Approved.", "The bank has the order;", "The money came back from the bank")
    states = (RefundState.AGREED, RefundState.APPROVED, RefundState.IN_TRANSIT, RefundState.RETURNED)
    for number, (state, sentence) in enumerate(zip(states, said, strict=True), 2):
        step(number, state)
        assert sentence in words(opened(client, "/money"))
    step(6, RefundState.PAID)
    assert "Bank statements are in the books up to 2026-11-23 (Mon)" in words(opened(client, "/money"))
    page = opened(client, "/money")
    assert [words(card.xpath(".//h2")[0]) for card in page.xpath("//article")] == ["王二明 · 中国画基础班"]
    (over,) = of_class(page, "over")
    assert "王小明 · 中国画基础班 Paid back ¥1,600.00 on 2026-12-01 (Tue)" in words(over)
    assert "¥1,600.00 was paid back to you" in words(opened(client, f"/course/{families.asked}"))
