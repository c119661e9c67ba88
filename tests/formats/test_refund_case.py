"""Refund case files: read strictly, refused with the path of what does not fit."""

import json
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from ledger.errors import BadInput
from ledger.formats.refund_case import read_case
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.money import yuan
from ledger.rules import refund
from ledger.settings import CLONE
from ledger.terms.refund import (
    Cause,
    DaysServed,
    DisputedHours,
    FaceValueUsed,
    HoursUsed,
    MonthsUsed,
    PaidOn,
    ProgressUsed,
    RefundContract,
    RefundRequest,
    Term,
)
from ledger.terms.rulebook import NATION


def case(**changes: Any) -> dict[str, Any]:
    """A pack of 40 lessons for 3,200 yuan, 12 taught, with ``changes`` to its top-level keys."""
    standing: dict[str, Any] = {
        "id": "T01",
        "contract": {"paid": "3200.00", "hours_bought": "40"},
        "used": {"hours": "12"},
        "cause": "neither",
    }
    return standing | changes


def contract(**keys: Any) -> dict[str, Any]:
    return case(contract={"paid": "3200.00", "hours_bought": "40"} | keys)


def read(whole: dict[str, Any]) -> Any:
    return read_case(json.dumps(whole).encode(), "t01.json")


def test_every_key_of_the_format_is_read() -> None:
    whole = case(
        contract={
            "paid": "3200.00",
            "hours_bought": "40",
            "hours_gifted": "2.5",
            "gift_money": "10",
            "term": {"first_day": "2026-01-01", "last_day": "2026-12-31"},
            "list_price_per_hour": "100.00",
            "list_price_proven": True,
            "market_price_per_hour": "90.5",
            "clauses": ["no_refund", "gift_hours_used_first", "no_refund"],
        },
        used={"hours": "12.25"},
        request={"paid_on": "2026-03-02", "requested_on": "2026-03-03", "same_service_before": True},
        place="110000",
        price_cap_per_hour="88.00",
    )
    found = read(whole)
    assert found.contract.clauses[0].code == "no_refund"
    assert found.contract == RefundContract(
        paid_fen=320_000,
        hours_bought=4000,
        hours_gifted=250,
        gift_money_fen=1000,
        term=Term(first_on=date(2026, 1, 1), last_on=date(2026, 12, 31)),
        list_price_fen=10_000,
        list_price_proven=True,
        market_price_fen=9050,
        clauses=found.contract.clauses,
        price_cap_fen=8800,
    )
    assert [clause.code for clause in found.contract.clauses] == ["no_refund", "gift_hours_used_first"]
    assert found.used == HoursUsed(1225)
    assert found.request == RefundRequest((PaidOn(date(2026, 3, 2), 320_000),), date(2026, 3, 3), True)
    assert (found.id, found.cause, found.place) == ("T01", Cause.NEITHER, "110000")


def test_words_for_people_do_not_influence_the_result() -> None:
    said = {"title": "x", "rule": 1, "note": None, "source": [], "kind": {}, "expect": {"refund": "9999.00"}}
    assert read(case(**said)) == read(case()) == read(case(request={}))


@pytest.mark.parametrize(
    ("used", "expected"),
    [
        ({"face_value": "10.50"}, FaceValueUsed(1050)),
        ({"last_day_served": "2026-03-02"}, DaysServed(date(2026, 3, 2))),
        ({"months": "2.5"}, MonthsUsed(Fraction(5, 2))),
        ({"months": 2}, MonthsUsed(Fraction(2))),
        ({"progress_percent": "37.5"}, ProgressUsed(Fraction(75, 2))),
    ],
)
def test_what_was_used_comes_in_one_unit(used: dict[str, Any], expected: object) -> None:
    assert read(case(used=used)).used == expected


def test_hours_in_dispute_are_read_one_by_one() -> None:
    found = read(case(disputed_hours=["1", "0.5"])).disputed
    assert found == (DisputedHours("disputed_hours[0]", 100), DisputedHours("disputed_hours[1]", 50))


@pytest.mark.parametrize("term", [{"months": 12}, {"months": "12"}, {"first_day": "2026-01-01", "months": 12}], ids=str)
def test_a_term_in_months(term: dict[str, Any]) -> None:
    assert read(contract(term=term)).contract.term.months == 12


@pytest.mark.parametrize(
    ("whole", "path", "code"),
    [
        (case(colour="red"), "colour", "CASE_UNKNOWN_KEY"),
        (contract(discount="5"), "contract.discount", "CASE_UNKNOWN_KEY"),
        (contract(term={"days": 3}), "contract.term.days", "CASE_UNKNOWN_KEY"),
        (case(used={"lessons": "3"}), "used.lessons", "CASE_UNKNOWN_KEY"),
        (case(request={"asked_on": "2026-01-01"}), "request.asked_on", "CASE_UNKNOWN_KEY"),
        (contract(paid=3200), "contract.paid", "BAD_AMOUNT"),
        (contract(paid=3200.5), "contract.paid", "BAD_AMOUNT"),
        (contract(paid="-1.00"), "contract.paid", "BAD_AMOUNT"),
        (contract(paid="1e3"), "contract.paid", "BAD_AMOUNT"),
        (contract(paid="3,200.00"), "contract.paid", "BAD_AMOUNT"),
        (contract(paid=None), "contract.paid", "BAD_AMOUNT"),
        (contract(hours_bought=40), "contract.hours_bought", "BAD_HOURS"),
        (contract(hours_gifted="-1"), "contract.hours_gifted", "BAD_HOURS"),
        (contract(list_price_proven="true"), "contract.list_price_proven", "CASE_FLAG"),
        (contract(clauses="no_refund"), "contract.clauses", "CASE_LIST_WANTED"),
        (contract(clauses=["no_refund", "keep_all"]), "contract.clauses[1]", "CASE_CLAUSE"),
        (contract(clauses=[1.5]), "contract.clauses[0]", "CASE_CLAUSE"),
        (contract(clauses=[["no_refund"]]), "contract.clauses[0]", "CASE_CLAUSE"),
        (contract(term="a year"), "contract.term", "CASE_NOT_OBJECT"),
        (contract(term={}), "contract.term", "CASE_TERM"),
        (contract(term={"last_day": "2026-01-01"}), "contract.term", "CASE_TERM"),
        (contract(term={"first_day": "2026-01-01"}), "contract.term", "CASE_TERM"),
        (contract(term={"first_day": "2026-01-01", "last_day": "2026-02-01", "months": 1}), "contract.term",
         "CASE_TERM"),
        (contract(term={"first_day": "2026-02-30", "months": 1}), "contract.term.first_day", "BAD_DATE"),
        (contract(term={"first_day": "20260201", "months": 1}), "contract.term.first_day", "BAD_DATE"),
        (contract(term={"months": True}), "contract.term.months", "BAD_HOURS"),
        (contract(term={"months": 1.5}), "contract.term.months", "BAD_HOURS"),
        (case(disputed_hours="1"), "disputed_hours", "CASE_LIST_WANTED"),
        (case(disputed_hours=["1", 1.5]), "disputed_hours[1]", "BAD_HOURS"),
        (case(disputed_hours=[2]), "disputed_hours[0]", "BAD_HOURS"),
        (case(used={}), "used", "CASE_USED_ONE"),
        (case(used={"hours": "1", "months": 1}), "used", "CASE_USED_ONE"),
        (case(used={"hours": 12.5}), "used.hours", "BAD_HOURS"),
        (case(used={"last_day_served": None}), "used.last_day_served", "BAD_DATE"),
        (case(request=None), "request", "CASE_NOT_OBJECT"),
        (case(cause="parent"), "cause", "CASE_CAUSE"),
        (case(cause=1.5), "cause", "CASE_TEXT"),
        (case(id=" "), "id", "CASE_TEXT"),
        (case(id="\ud800"), "id", "CASE_TEXT"),
        (case(price_cap_per_hour=80), "price_cap_per_hour", "BAD_AMOUNT"),
        ({"about": "many", "cases": [case()]}, "cases", "CASE_LIST"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_refused_with_its_path(whole: dict[str, Any], path: str, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        read(whole)
    assert (refused.value.field, refused.value.code, refused.value.where) == (path, code, "t01.json")


@pytest.mark.parametrize("key", ["id", "contract", "used", "cause"])
def test_keys_that_must_be_there(key: str) -> None:
    whole = {name: value for name, value in case().items() if name != key}
    with pytest.raises(BadInput) as refused:
        read(whole)
    assert (refused.value.field, refused.value.code) == (key, "CASE_KEY_MISSING")
    with pytest.raises(BadInput, match=r"contract\.paid"):
        read(case(contract={"hours_bought": "40"}))


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "JSON_UNREADABLE"),
        (b"{", "JSON_UNREADABLE"),
        (b"\xff\xfe", "JSON_UNREADABLE"),
        (b'{"id": NaN}', "JSON_UNREADABLE"),
        (b'{"id": "a", "id": "b"}', "JSON_UNREADABLE"),
        (b"[" * 100_000, "JSON_UNREADABLE"),
        (b"[]", "CASE_NOT_OBJECT"),
        (b'"case"', "CASE_NOT_OBJECT"),
    ],
)
def test_files_that_are_no_json_object(content: bytes, code: str) -> None:
    with pytest.raises(BadInput) as refused:
        read_case(content, "t01.json")
    assert refused.value.code == code


# What the worksheet must say decides: the line, and the article in its rule. Read off each case's own words.
DECIDES = {
    "A01": ("days_served", "art. 22"),
    "A02a": ("hours_at_paid_price", "art. 18(1)"),
    "A02b": ("hours_at_paid_price", "art. 18(1)"),
    "A04": ("hours_at_paid_price", "（2022）渝01民终4000号"),
    "A07": ("hours_at_paid_price", "art. 18(1)"),
    "A08": ("better_term", "art. 18 and 19, last"),
    "A11": ("hours_at_paid_price", "art. 19 and 8"),
    "A12": ("months_used", "art. 22"),
    "A13": ("hours_at_paid_price", "art. 18(1)"),
    "D01": ("floor", "art. 20"),
    "D02": ("hours_at_list_price", "art. 19(1)"),
    "D04": ("face_value_at_paid_price", "art. 18(2)"),
    "D07": ("face_value", "art. 19"),
    "D08": ("hours_at_paid_price", "art. 18(1)"),
    "D11": ("hours_at_paid_price", "art. 14"),
}


def test_the_decided_cases_come_out_to_the_fen_with_the_rule_named() -> None:
    path = CLONE.parent / "shared" / "data" / "refund-cases.json"
    if not path.is_file():
        pytest.skip("../shared is not beside this clone")
    books = load_rulebooks([BUILT_IN])
    rules = refund.rules_in_force(books.in_force(NATION, "", date(2026, 11, 23)))
    decided = json.loads(path.read_text(encoding="utf-8"))["cases"]
    assert {whole["id"] for whole in decided} >= DECIDES.keys()
    for whole in decided:
        one = read(whole)
        worksheet = refund.quote(
            one.contract, one.used, one.cause, one.request, rules, calendar=books.calendar(one.place or NATION)
        )
        assert (one.id, yuan(worksheet.refund_fen)) == (one.id, whole["expect"]["refund"])
        code, article = DECIDES.get(one.id, ("paid", "art. 15(1)"))
        (line,) = [line for line in worksheet.lines if line.code == code]
        assert article in line.rule.en, one.id
