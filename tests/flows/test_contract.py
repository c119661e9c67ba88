"""Signing: a prepayment split over contracts is one prepayment; a contract number is signed once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from ledger.books import contract as contracts
from ledger.errors import Outcome, Result
from ledger.flows import contract as flow
from ledger.formats.contract_rules import read_rules
from ledger.rules import prepayment_limit
from ledger.terms.calendar import CalendarDays
from ledger.terms.lesson_law import Attendance
from ledger.terms.release import ReleaseMode, ReleaseTerms
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


def test_release_limits_and_attendance_are_kept_with_the_contract(school: School) -> None:
    school.rules = {"release.mode": "periodic", "release.period_days": 7, "prepayment.same_subjects": "书法,写字"}
    signed = school.signed(charged_states=("present", "no_show", "class_cancelled"))
    with school.engine.begin() as conn:
        (found,) = contracts.find(conn, school.number, numbers=[signed.contract_no])
    kept = read_rules(found.rules)
    assert kept.release == ReleaseTerms(ReleaseMode.PERIODIC, period_days=7, ahead_percent_max=Fraction(0))
    assert kept.prepayment == prepayment_limit.limits(school.rulebook)
    assert kept.same_subjects == {"书法": "书法", "写字": "书法"}
    assert kept.charged_states == frozenset((Attendance.PRESENT, Attendance.NO_SHOW))  # cancelled: not delivered
    assert school.sign(signed)[0].result is Result.REPLAYED
    other = replace(signed, charged_states=("present",))
    assert (school.sign(other)[0].result, school.sign(other)[0].field) == (Result.CONFLICT, "charged_states")


def test_a_subject_under_another_name_is_the_same_subject(school: School) -> None:
    school.rules = {"prepayment.same_subjects": "书法,写字"}
    pupil = school.pupil()
    asked = [school.contract(pupil, subject=name, **OVER_AMOUNT) for name in ("书法", "写 字", "围棋")]
    assert [outcome.code for outcome in school.sign(*asked)] == ["", "PREPAYMENT_OVER_AMOUNT", ""]


def test_a_stored_value_card_counts_with_its_face_value(school: School) -> None:
    pupil = school.pupil()
    card = school.contract(pupil, price_fen=3_000_00, gift_money_fen=2_500_00, hours_bought=20_00)
    assert school.sign(card)[0].code == "PREPAYMENT_OVER_AMOUNT"
    small = school.contract(pupil, price_fen=3_000_00, gift_money_fen=0, hours_bought=20_00)
    assert school.sign(small)[0].result is Result.DONE
    assert school.sign(school.contract(pupil, **OVER_AMOUNT))[0].detail == "600000 > 500000"


def test_a_charge_over_a_vacation_is_refused_where_the_place_says_so(school: School) -> None:
    winter = CalendarDays(vacations=frozenset(date(2026, 4, day) for day in range(1, 20)))
    asked = school.contract(school.pupil(), months=2)
    with school.engine.begin() as conn:
        assert told(flow.sign(conn, school.number, [asked], school.rulebook, school.tick(), winter)) == [DONE]
        conn.rollback()
    school.rules = {"prepayment.cross_term_refused": True}
    with school.engine.begin() as conn:
        refused = flow.sign(conn, school.number, [asked], school.rulebook, school.tick(), winter)
    assert told(refused) == [(Result.REFUSED, "PREPAYMENT_CROSS_TERM")]
    assert told(school.sign(asked)) == [DONE]  # no vacation lies between


def test_two_signings_at_once_wait_for_each_other(school: School) -> None:
    pupil = school.pupil()
    asked = [school.contract(pupil, **OVER_AMOUNT) for _ in range(4)]
    instants = [school.tick() for _ in asked]

    def sign(n: int) -> list[Outcome]:
        with school.engine.begin() as conn:
            return flow.sign(conn, school.number, [asked[n]], school.rulebook, instants[n])

    with ThreadPoolExecutor(len(asked)) as threads:
        outcomes = [outcome for found in threads.map(sign, range(len(asked))) for outcome in found]
    assert sorted(outcome.code for outcome in outcomes) == ["", *["PREPAYMENT_OVER_AMOUNT"] * 3]
    assert len(school.rows("contract")) == 1


def told(outcomes: list[Outcome]) -> list[tuple[Result, str]]:
    return [(outcome.result, outcome.code) for outcome in outcomes]
