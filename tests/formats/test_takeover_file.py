"""A file of running books is read strictly: every value by its path, nothing guessed, nobody named in a refusal."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from ledger.errors import BadInput
from ledger.formats.takeover_file import HOURS_MAX, read_running_books
from ledger.terms.ids import id_stream
from ledger.terms.journal import FundKind
from ledger.terms.takeover import RunningBooks
from tests.running_books import ACCOUNT, CODE, NUMBER, PAYER, as_bytes, changed_at, running_books

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)


def read(books: dict[str, Any]) -> RunningBooks:
    return read_running_books(as_bytes(books), "books.json", id_stream(NOW))


def test_a_file_is_read_into_what_the_books_know() -> None:
    books = read(running_books())
    assert (books.institution.institution_id, books.institution.code, books.institution.zone) == (NUMBER, CODE, "")
    assert (books.fund.account_no, books.fund.opening_fen, books.fund.opened_on) == (
        ACCOUNT, 5_100_00, date(2026, 3, 1)
    )  # fmt: skip
    assert (books.earned_fen, books.explained_fen) == (300_00, 5_000_00)
    first, second, third = books.contracts
    assert [(one.paid_on, one.amount_fen) for one in first.payments] == [
        (date(2026, 1, 5), 2_500_00), (date(2026, 2, 5), 1_500_00)
    ]  # fmt: skip
    assert first.payments[0].payer is None
    assert first.payments[1].payer is not None
    assert first.payments[0].payment_id < first.payments[1].payment_id
    assert first.payments[1].payer.account == PAYER["account"]
    assert (first.paid_fen, first.hours_taught, first.in_custody_fen) == (4_000_00, 10_00, 3_500_00)
    assert (second.paid_fen, third.hours_total, third.list_price_fen, third.months) == (2_000_00, 20_00, None, None)
    assert first.family.student_name == "诸葛1"
    assert first.family.student_id != second.family.student_id


def test_what_may_be_left_out_or_said_besides() -> None:
    books = changed_at(running_books(), "institution.zone", "科技园")
    for key, value in (("list_price_per_hour", "125.00"), ("months", 3)):
        books = changed_at(books, f"contracts.0.{key}", value)
    books = changed_at(books, "earned", None)
    found = read(books)
    assert (found.institution.zone, found.earned_fen) == ("科技园", 0)
    assert (found.contracts[0].list_price_fen, found.contracts[0].months) == (125_00, 3)


def test_in_reserve_mode_the_institution_holds_the_money_itself() -> None:
    hands = {"fund": 3, "kind": "hands", "opened_on": "2026-03-01"}
    fund = read(running_books(account=hands)).fund
    assert (fund.kind, fund.account_no, fund.opening_fen) == (FundKind.HANDS, None, 0)
    with pytest.raises(BadInput) as refused:
        read(running_books(account={**hands, "balance": "1.00"}))
    assert (refused.value.code, refused.value.field) == ("CASE_UNKNOWN_KEY", "account.balance")


@pytest.mark.parametrize(
    ("path", "value", "code", "field"),
    [
        ("colour", "red", "CASE_UNKNOWN_KEY", "colour"),
        ("institution", [], "CASE_NOT_OBJECT", "institution"),
        ("institution.number", "1077", "RULE_NUMBER", "institution.number"),
        ("institution.number", True, "RULE_NUMBER", "institution.number"),
        ("institution.number", 0, "RULE_NUMBER", "institution.number"),
        ("institution.number", None, "CASE_KEY_MISSING", "institution.number"),
        ("institution.place", "1101", "BAD_PLACE", "institution.place"),
        ("institution.mode", "pledge", "RULE_CHOICE", "institution.mode"),
        ("institution.name", "墨" * 121, "BAD_TEXT", "institution.name"),
        ("institution.name", "墨\u202e韵", "BAD_TEXT", "institution.name"),
        ("institution.payee.bank_no", 5, "CASE_TEXT", "institution.payee.bank_no"),
        ("account.kind", "reserve", "RULE_CHOICE", "account.kind"),
        ("account.balance", "5100.001", "BAD_AMOUNT", "account.balance"),
        ("account.balance", 5100.0, "BAD_AMOUNT", "account.balance"),
        ("account.opened_on", "2026-02-30", "BAD_DATE", "account.opened_on"),
        ("account.opened_on", None, "CASE_KEY_MISSING", "account.opened_on"),
        ("courses", {}, "CASE_LIST_WANTED", "courses"),
        ("courses", None, "CASE_KEY_MISSING", "courses"),
        ("courses.0", "HH-1", "CASE_NOT_OBJECT", "courses[0]"),
        ("courses.0.minutes", 301, "RULE_NUMBER", "courses[0].minutes"),
        ("contracts.0.colour", "red", "CASE_UNKNOWN_KEY", "contracts[0].colour"),
        ("contracts.0.price", "0", "BAD_AMOUNT", "contracts[0].price"),
        ("contracts.0.hours_bought", "0", "BAD_HOURS", "contracts[0].hours_bought"),
        ("contracts.0.hours_bought", None, "CASE_KEY_MISSING", "contracts[0].hours_bought"),
        ("contracts.0.hours_taught", "1000.01", "BAD_HOURS", "contracts[0].hours_taught"),
        ("contracts.0.months", 2.5, "RULE_NUMBER", "contracts[0].months"),
        ("contracts.0.course", "XX", "UNKNOWN_COURSE", "contracts[0].course"),
        ("contracts.0.payments.1.amount", "-5", "BAD_AMOUNT", "contracts[0].payments[1].amount"),
        ("contracts.0.payments.0.payer.name", 1, "CASE_TEXT", "contracts[0].payments[0].payer.name"),
        ("contracts.1.number", "TK000001", "TWICE_IN_FILE", "contracts[1].number"),
        ("contracts.1.payment_reference", "TP00000001", "TWICE_IN_FILE", "contracts[1].payment_reference"),
        ("contracts.0.guardian.phone", None, "CASE_KEY_MISSING", "contracts[0].guardian.phone"),
        ("contracts.0.student.name", "a\x07b", "BAD_TEXT", "contracts[0].student.name"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_path(path: str, value: Any, code: str, field: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(changed_at(running_books(), path, value))
    assert (refused.value.code, refused.value.field, refused.value.where) == (code, field, "books.json")


def test_a_course_may_not_stand_twice() -> None:
    books = running_books()
    with pytest.raises(BadInput) as refused:
        read({**books, "courses": books["courses"] * 2})
    assert (refused.value.code, refused.value.field) == ("TWICE_IN_FILE", "courses[1].code")


def test_a_refusal_names_no_child_no_phone_and_no_number() -> None:
    for path in ("student.name", "student.identity_no", "guardian.name", "guardian.phone"):
        with pytest.raises(BadInput) as refused:
            read(changed_at(running_books(), f"contracts.0.{path}", "龘\u200b小满13912345678"))
        assert "小满" not in refused.value.text("zh")
        assert "139" not in refused.value.text("en")


def test_one_lesson_holds_all_hours_taught() -> None:
    taught = changed_at(running_books(), "contracts.0.hours_taught", "1000")
    assert read(taught).contracts[0].hours_taught == HOURS_MAX
