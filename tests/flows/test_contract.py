"""Signing: a prepayment split over contracts is one prepayment; a contract number is signed once."""

from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import Result
from tests.flows.school import School

DONE = (Result.DONE, "")
OVER_AMOUNT = {"price_fen": 3_000_00, "hours_bought": 20_00}
OVER_HOURS = {"price_fen": 1_000_00, "hours_bought": 40_00}


@pytest.mark.parametrize(
    ("half", "code"), [(OVER_AMOUNT, "PREPAYMENT_OVER_AMOUNT"), (OVER_HOURS, "PREPAYMENT_OVER_HOURS")]
)
@pytest.mark.parametrize("calls", [1, 2])
def test_a_prepayment_split_in_two_is_refused(school: School, half: dict[str, Any], code: str, calls: int) -> None:
    pupil = school.pupil()
    first, second = school.contract(pupil, **half), school.contract(pupil, **half)
    outcomes = school.sign(first, second) if calls == 1 else school.sign(first) + school.sign(second)
    assert [(outcome.result, outcome.code) for outcome in outcomes] == [DONE, (Result.REFUSED, code)]
    assert [row.contract_no for row in school.rows("contract")] == [first.contract_no]


def test_the_refusal_says_what_was_measured(school: School) -> None:
    pupil = school.pupil()
    school.sign(school.contract(pupil, **OVER_AMOUNT))
    (outcome,) = school.sign(school.contract(pupil, **OVER_AMOUNT))
    assert outcome.detail == "600000 > 500000"


def test_another_subject_or_another_pupil_is_no_split(school: School) -> None:
    pupil = school.pupil()
    outcomes = school.sign(
        school.contract(pupil, **OVER_AMOUNT),
        school.contract(pupil, subject="围棋", **OVER_AMOUNT),
        school.contract(school.pupil(), **OVER_AMOUNT),
    )
    assert [outcome.result for outcome in outcomes] == [Result.DONE] * 3
    assert school.broken() == []


def test_a_taught_contract_is_followed_by_the_next(school: School) -> None:
    first = school.paid(**OVER_AMOUNT)
    following = school.contract(first.student_id, **OVER_AMOUNT)
    assert school.sign(following)[0].code == "PREPAYMENT_OVER_AMOUNT"
    school.taught(first.contract_id, 20_00)
    assert school.sign(following)[0].result is Result.DONE


def test_a_contract_number_is_signed_once(school: School) -> None:
    signed = school.signed()
    again = replace(signed, contract_id=school.contract(signed.student_id).contract_id)
    assert school.sign(again)[0].result is Result.REPLAYED
    assert [row.contract_id for row in school.rows("contract")] == [signed.contract_id]


def test_twice_in_one_call_is_once(school: School) -> None:
    asked = school.contract(school.pupil())
    assert [outcome.result for outcome in school.sign(asked, asked)] == [Result.DONE, Result.REPLAYED]
    assert len(school.rows("contract")) == 1


def test_the_same_number_with_other_terms_is_a_conflict_that_names_them(school: School) -> None:
    signed = school.signed()
    others = {
        "price_fen": replace(signed, price_fen=3_999_00),
        "hours_bought": replace(signed, hours_bought=41_00),
        "months": replace(signed, months=2),
    }
    for field, other in others.items():
        (outcome,) = school.sign(other)
        assert (outcome.result, outcome.code, outcome.field) == (Result.CONFLICT, "REQUEST_CONFLICT", field)
    assert school.balance(signed.contract_id).price_fen == signed.price_fen


def test_a_loan_is_refused(school: School) -> None:
    (outcome,) = school.sign(school.contract(school.pupil(), funded_by_loan=True))
    assert (outcome.result, outcome.code) == (Result.REFUSED, "LOAN_FUNDED")
    assert school.rows("contract") == []


def test_the_contract_keeps_the_rules_it_was_signed_under(school: School) -> None:
    school.signed()
    (row,) = school.rows("contract")
    assert row.rulebook == ", ".join(school.rulebook.versions)
    assert bytes(row.rulebook_digest).hex() == school.rulebook.digest
