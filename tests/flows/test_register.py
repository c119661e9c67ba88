"""Registering: two people open an account, personal fields are sealed, and everything is registered once."""

from dataclasses import replace

import pytest
from sqlalchemy import text

from ledger.errors import Outcome, Result
from ledger.flows import register
from ledger.terms.ids import new_id
from ledger.terms.institution import CourseOffer, Fund, Institution, Payee
from ledger.terms.journal import FundKind
from ledger.terms.price_cap import Category, Course, FeeLine, Mode, Stage
from tests.flows.school import CUSTODY, PAYEE, VAULT, School, account_of, fund, institution

SECOND = 4


def opened(school: School, new: Fund, opened_by: str = "clerk:li", approved_by: str = "clerk:wang") -> Outcome:
    with school.engine.begin() as conn:
        return register.fund(conn, new, opened_by, approved_by, school.tick())


def registered(school: School, new: Institution) -> Outcome:
    with school.engine.begin() as conn:
        return register.institution(conn, VAULT, new, PAYEE, school.tick())


def test_one_person_cannot_open_an_account(school: School) -> None:
    before = len(school.rows("fund"))
    outcome = opened(school, fund(school.number, SECOND, FundKind.CUSTODY), "clerk:li", "clerk:li")
    assert (outcome.result, outcome.code) == (Result.REFUSED, "SAME_PERSON")
    assert len(school.rows("fund")) == before


def test_an_opening_balance_waits_in_suspense(school: School) -> None:
    new = fund(school.number, SECOND, FundKind.CUSTODY, 12_345_67)
    assert opened(school, new).result is Result.DONE
    assert school.sums(SECOND) == {"bank": 12_345_67, "suspense": 12_345_67}
    assert opened(school, new).result is Result.REPLAYED
    assert school.sums(SECOND) == {"bank": 12_345_67, "suspense": 12_345_67}
    assert school.broken() == []


def test_a_fund_registered_otherwise_is_a_conflict(school: School) -> None:
    known = fund(school.number, CUSTODY, FundKind.CUSTODY)
    assert opened(school, known).result is Result.REPLAYED
    outcome = opened(school, replace(known, bank_name="另一银行"))
    assert (outcome.result, outcome.code, outcome.field) == (Result.CONFLICT, "REGISTERED_OTHERWISE", "fund")


def test_a_bank_account_belongs_to_one_fund(school: School) -> None:
    taken = replace(
        fund(school.number, SECOND, FundKind.CUSTODY), account_no=account_of(school.number, CUSTODY)
    )  # fmt: skip
    outcome = opened(school, taken)
    assert (outcome.result, outcome.code, outcome.field) == (Result.CONFLICT, "REGISTERED_OTHERWISE", "account_no")


def test_an_institution_is_registered_once(school: School) -> None:
    known = institution(school.number)
    assert registered(school, known).result is Result.REPLAYED
    outcome = registered(school, replace(known, name="另一学校"))
    assert (outcome.result, outcome.code) == (Result.CONFLICT, "REGISTERED_OTHERWISE")
    (row,) = school.rows("institution")
    assert row.name == known.name


def test_the_payee_is_sealed(school: School) -> None:
    (row,) = school.rows("institution")
    assert PAYEE.account.encode() not in bytes(row.payee_account_sealed)
    assert Payee(
        VAULT.open(bytes(row.payee_name_sealed), "institution", "payee_name", school.number),
        VAULT.open(bytes(row.payee_account_sealed), "institution", "payee_account", school.number),
        row.payee_bank,
    ) == PAYEE  # fmt: skip


def test_one_phone_is_one_guardian(school: School) -> None:
    phone = "13899990001"
    elder, younger = school.family(phone=phone), school.family(phone=phone)
    with school.engine.begin() as conn:
        answer = register.families(conn, VAULT, school.number, [elder], school.tick())
        answer |= register.families(conn, VAULT, school.number, [younger], school.tick())
    assert answer == {elder.student_id: elder.student_id, younger.student_id: younger.student_id}
    bonds = {row.student_id: row.guardian_id for row in school.rows("guardianship")}
    assert bonds == {elder.student_id: elder.guardian_id, younger.student_id: elder.guardian_id}


@pytest.mark.parametrize("calls", [1, 2])
def test_one_identity_number_is_one_pupil(school: School, calls: int) -> None:
    first = school.family(7)
    again = school.family(7)
    with school.engine.begin() as conn:
        if calls == 1:
            answer = register.families(conn, VAULT, school.number, [first, again], school.tick())
        else:
            answer = register.families(conn, VAULT, school.number, [first], school.tick())
            answer |= register.families(conn, VAULT, school.number, [again], school.tick())
    assert answer == {first.student_id: first.student_id, again.student_id: first.student_id}
    assert [row.student_id for row in school.rows("student")] == [first.student_id]


def test_names_and_phones_cannot_be_read_in_the_tables(school: School) -> None:
    family = school.family()
    with school.engine.begin() as conn:
        register.families(conn, VAULT, school.number, [family], school.tick())
        guardian = conn.execute(
            text("SELECT * FROM ledger.guardian WHERE guardian_id = :g"), {"g": family.guardian_id}
        ).one()
    (student,) = school.rows("student")
    stored = b"".join(bytes(v) for v in (*student, *guardian) if isinstance(v, (bytes, memoryview)))
    for secret in (family.student_name, family.identity_no, family.guardian_name, family.phone):
        assert secret.encode() not in stored
    assert VAULT.open(bytes(student.name_sealed), "student", "name", family.student_id) == family.student_name
    assert VAULT.open(bytes(guardian.phone_sealed), "guardian", "phone", family.guardian_id) == family.phone


def test_a_price_above_the_cap_is_refused_and_found(school: School) -> None:
    course = Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 1_000_00)
    offer = CourseOffer(new_id(school.tick()), "SX-1", "数学", "数学", course)
    with school.engine.begin() as conn:
        (outcome,) = register.courses(conn, school.number, [offer], school.rulebook, school.tick())
    assert (outcome.result, outcome.code, outcome.field) == (Result.REFUSED, "PRICE_ABOVE_CAP", "price")
    assert school.rows("course") == []
    (finding,) = school.rows("finding")
    assert (finding.code, finding.ref, str(finding.facts["excess_fen"])) == (
        "PRICE_ABOVE_CAP", offer.course_id, outcome.detail,
    )  # fmt: skip


def test_fees_besides_a_capped_price_are_found_and_the_course_is_published(school: School) -> None:
    course = Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 88_00)
    offer = CourseOffer(new_id(school.tick()), "SX-2", "数学", "数学", course, (FeeLine("教材", 120_00),))
    with school.engine.begin() as conn:
        (outcome,) = register.courses(conn, school.number, [offer], school.rulebook, school.tick())
    assert outcome.result is Result.DONE
    (finding,) = school.rows("finding")
    assert (finding.code, finding.ref, finding.facts) == (
        "EXTRA_FEE", offer.course_id,
        {"course": "SX-2", "fee": "教材", "amount_fen": 120_00, "rulebook_digest": school.rulebook.digest},
    )  # fmt: skip
