"""Prepayment limits: what one charge may cover, and every way to split a larger one."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import prepayment_limit
from ledger.terms.contract import Contract
from ledger.terms.contract_rules import ContractRules
from ledger.terms.prepayment import (
    Assignment,
    BookingFacts,
    Charge,
    ChargeAtBooking,
    Funding,
    OpenCharge,
    PrepaymentLimits,
)
from ledger.terms.price_cap import Category
from tests.rules.prepayments import course_of
from tests.rules.rulebooks import with_values

TODAY = date(2026, 3, 2)
BOOKS = load_rulebooks([BUILT_IN])
LIMITS = prepayment_limit.limits(BOOKS.in_force("110000", "", TODAY))
PACK = Charge("C0", Category.ACADEMIC, TODAY, TODAY + timedelta(days=7), 480_000, hours=6000, hours_left=6000)


def codes(new: Charge, *others: Charge, limits: PrepaymentLimits = LIMITS) -> list[str]:
    return [refusal.code for refusal in prepayment_limit.check(new, others, limits)]


def test_the_national_limits_are_in_force() -> None:
    national = PrepaymentLimits(
        months_max=3,
        hours_max=6000,
        non_academic_amount_max_fen=500_000,
        earliest_months=1,
        earliest_hours_left=2000,
        loan_refused=True,
    )
    assert national == LIMITS
    before = prepayment_limit.limits(BOOKS.in_force("110000", "", date(2021, 1, 1)))
    assert before == PrepaymentLimits()
    assert codes(replace(PACK, hours=100_000, months=36), limits=before) == []


def test_sixty_hours_and_three_months_are_allowed_and_not_more() -> None:
    assert codes(PACK) == []
    assert codes(replace(PACK, hours=6001)) == ["PREPAYMENT_OVER_HOURS"]
    assert codes(replace(PACK, hours=None, hours_left=None, months=3)) == []
    assert codes(replace(PACK, hours=None, hours_left=None, months=4)) == ["PREPAYMENT_OVER_MONTHS"]


def test_of_both_bases_the_shorter_binds() -> None:
    assert codes(replace(PACK, months=4)) == ["PREPAYMENT_OVER_MONTHS"]
    assert codes(replace(PACK, months=3, hours_left=None, hours=6100)) == ["PREPAYMENT_OVER_HOURS"]


def test_non_academic_charges_stop_at_five_thousand_yuan() -> None:
    art = replace(PACK, category=Category.NON_ACADEMIC, price_fen=500_000)
    assert codes(art) == []
    assert codes(replace(art, price_fen=500_001)) == ["PREPAYMENT_OVER_AMOUNT"]
    assert codes(replace(PACK, price_fen=900_000)) == []


def test_splits_are_added_up() -> None:
    half = replace(PACK, hours=4000, hours_left=4000)
    found = prepayment_limit.check(half, [replace(half, contract_id="C1")], LIMITS)
    assert [(refusal.code, refusal.measured) for refusal in found] == [
        ("PREPAYMENT_OVER_HOURS", 8000),
        ("PREPAYMENT_TOO_EARLY", 4000),
    ]
    assert found[0].with_contracts == ("C1",)
    small = replace(PACK, contract_id="C1", hours=2000, hours_left=2000)
    assert codes(PACK, small) == ["PREPAYMENT_OVER_HOURS"]  # 20 hours nobody used yet are a split, not a rest


def test_buy_three_months_get_three_is_six() -> None:
    three = replace(PACK, hours=None, hours_left=None, months=3)
    assert codes(three, replace(three, contract_id="C1")) == ["PREPAYMENT_OVER_MONTHS"]
    later = replace(three, first_lesson_on=date(2026, 6, 9))
    assert codes(later, replace(three, contract_id="C1")) == ["PREPAYMENT_OVER_MONTHS", "PREPAYMENT_TOO_EARLY"]


def test_a_split_over_both_bases_counts() -> None:
    by_months = replace(PACK, contract_id="C1", hours=None, hours_left=None, months=2)
    by_hours = replace(PACK, hours=4000, hours_left=4000)
    assert "PREPAYMENT_OVER_HOURS" in codes(by_hours, by_months)
    assert "PREPAYMENT_OVER_HOURS" in codes(by_months, by_hours)
    assert codes(replace(PACK, hours=2000, hours_left=2000), by_months) == []
    no_months = replace(LIMITS, months_max=None)
    assert codes(by_hours, by_months, limits=no_months) == []


def test_a_split_of_money_counts_what_is_not_yet_taught() -> None:
    art = replace(PACK, category=Category.NON_ACADEMIC, price_fen=300_000, hours=3000, hours_left=3000)
    assert codes(art, replace(art, contract_id="C1")) == ["PREPAYMENT_OVER_AMOUNT", "PREPAYMENT_TOO_EARLY"]
    monthly = replace(art, hours=None, hours_left=None, months=1)
    assert codes(monthly, replace(monthly, contract_id="C1")) == ["PREPAYMENT_OVER_AMOUNT"]


def test_a_pack_nearly_taught_may_be_followed() -> None:
    begun = replace(PACK, contract_id="C1", first_lesson_on=date(2026, 1, 5), charged_on=date(2026, 1, 2))
    assert codes(PACK, replace(begun, hours_left=2000)) == []
    assert codes(PACK, replace(begun, hours_left=2001)) == ["PREPAYMENT_OVER_HOURS", "PREPAYMENT_TOO_EARLY"]
    months = replace(begun, hours=None, hours_left=None, months=2)
    assert codes(replace(PACK, hours=None, hours_left=None, months=3), months) == []
    overlapping = replace(months, months=3)
    assert codes(replace(PACK, hours=None, hours_left=None, months=3), overlapping) == ["PREPAYMENT_OVER_MONTHS"]
    ending = replace(months, months=None, last_lesson_on=date(2026, 3, 6))
    assert codes(replace(PACK, hours=None, hours_left=None, months=3), ending) == []


def test_no_charge_more_than_a_month_before_class() -> None:
    assert codes(replace(PACK, first_lesson_on=date(2026, 4, 2))) == []
    late = prepayment_limit.check(replace(PACK, first_lesson_on=date(2026, 4, 3)), [], LIMITS)
    assert [(refusal.code, refusal.measured, refusal.limit) for refusal in late] == [("PREPAYMENT_TOO_EARLY", 32, 31)]


def test_loans_and_terms() -> None:
    assert codes(replace(PACK, funding=Funding.LOAN)) == ["LOAN_FUNDED"]
    across = replace(PACK, crosses_term=True)
    assert codes(across) == []
    assert codes(across, limits=replace(LIMITS, cross_term_refused=True)) == ["PREPAYMENT_CROSS_TERM"]


@given(st.lists(st.integers(1, 6000), min_size=2, max_size=8).filter(lambda parts: sum(parts) > 6000))
@settings(max_examples=200, deadline=None)
def test_no_split_of_too_many_hours_passes(parts: list[int]) -> None:
    signed: list[Charge] = []
    for place, hours in enumerate(parts):
        charge = replace(PACK, contract_id=f"C{place}", hours=hours, hours_left=hours)
        if codes(charge, *signed):
            return
        signed.append(charge)
    pytest.fail(f"{parts} passed")


def test_booked_money_that_may_not_stand_waits_in_suspense() -> None:
    assert prepayment_limit.assign(1000, 1000, [], contract_open=True) == Assignment(1000, 0)
    assert prepayment_limit.assign(1000, 600, [], contract_open=True) == Assignment(600, 400, ("PAYMENT_OVER_PRICE",))
    assert prepayment_limit.assign(1000, -5, [], contract_open=True) == Assignment(0, 1000, ("PAYMENT_OVER_PRICE",))
    assert prepayment_limit.assign(1000, 1000, ["LOAN_FUNDED"], contract_open=True) == Assignment(
        0, 1000, ("LOAN_FUNDED",)
    )
    assert prepayment_limit.assign(1000, 1000, [], contract_open=False) == Assignment(0, 1000, ("CONTRACT_NOT_OPEN",))


SIGNED_AT = datetime(2026, 3, 2, 4, tzinfo=UTC)
PUPIL = UUID(int=7)
SAME = prepayment_limit.same_subjects(
    with_values(BOOKS.in_force("110000", "", TODAY), {"prepayment.same_subjects": "数学,奥数,数学思维;语文,阅读写作"})
)
CONTRACT = Contract(
    1, UUID(int=2), "HT2", "PP2", UUID(int=3), PUPIL, 1, 480_000, None, 6000, 0, None, TODAY + timedelta(days=7), TODAY,
    False, "110000", b"",
)  # fmt: skip
HELD = OpenCharge(
    UUID(int=1), PUPIL, "奥数", "academic", 8_000, TODAY, SIGNED_AT, TODAY + timedelta(days=7), 480_000, None,
    6000, 6000, None,
)  # fmt: skip


def test_one_subject_under_several_names_is_one_subject() -> None:
    assert {prepayment_limit.subject_key(name, SAME) for name in ("数学", "奥 数", "数学思维", "数学。")} == {"数学"}
    assert prepayment_limit.subject_key("阅读写作", SAME) == prepayment_limit.subject_key("语文", SAME) == "语文"
    assert prepayment_limit.subject_key("ＡＢＣ-1", SAME) == "abc1"
    assert prepayment_limit.same_subjects(BOOKS.in_force("110000", "", date(2021, 1, 1))) == {}


def test_a_card_counts_with_its_gift_money_and_in_the_hours_it_buys() -> None:
    card = replace(CONTRACT, gift_money_fen=20_000, hours_bought=0, price_fen=480_000)
    counted = prepayment_limit.charge(card, Category.ACADEMIC, 8_000, ())
    assert (counted.face_value_fen, counted.hours) == (500_000, 6250)
    assert prepayment_limit.charge(card, Category.ACADEMIC, 0, ()).hours == 0
    standing = prepayment_limit.standing(replace(HELD, gift_money_fen=20_000, hours_left=3000))
    assert (standing.face_value_fen, standing.hours, standing.hours_left) == (500_000, 6250, 3125)


def test_a_charge_of_months_over_a_school_vacation_reaches_into_the_next_term() -> None:
    summer = {date(2026, 7, 11) + timedelta(days=n) for n in range(50)}
    months = replace(CONTRACT, months=3, first_lesson_on=date(2026, 6, 20))
    assert prepayment_limit.charge(months, Category.ACADEMIC, 8_000, summer).crosses_term
    within = replace(months, months=1)
    assert not prepayment_limit.charge(within, Category.ACADEMIC, 8_000, summer).crosses_term
    assert not prepayment_limit.charge(months, Category.ACADEMIC, 8_000, ()).crosses_term


def test_booking_counts_what_was_signed_before_and_who_pays() -> None:
    rules = ContractRules(prepayment=LIMITS, same_subjects=SAME)
    at = SIGNED_AT + timedelta(minutes=1)
    later = replace(HELD, signed_at=at + timedelta(minutes=1))
    of_art = replace(HELD, subject="书法")

    def asked(*held: OpenCharge, payer: str = "欧阳家长") -> tuple[str, ...]:
        facts = BookingFacts(CONTRACT, at, course_of("数学", Category.ACADEMIC, 8_000), held)
        booked = prepayment_limit.to_book([facts], {CONTRACT.contract_id: rules}, ())
        return prepayment_limit.at_booking(booked[CONTRACT.contract_id], payer)

    assert asked(later, of_art) == ()
    assert asked(HELD) == ("PREPAYMENT_OVER_HOURS", "PREPAYMENT_TOO_EARLY")
    assert asked(payer="某某消费金融有限公司") == ("LOAN_FUNDED",)


def test_a_charge_crosses_a_term_where_a_vacation_lies_within_it() -> None:
    winter = frozenset(date(2026, 2, day) for day in range(1, 11))
    assert prepayment_limit.crosses_term(date(2026, 1, 20), date(2026, 2, 20), winter)
    assert not prepayment_limit.crosses_term(date(2026, 1, 20), date(2026, 2, 10), winter)  # ends with the vacation
    assert not prepayment_limit.crosses_term(date(2026, 2, 1), date(2026, 2, 20), winter)  # begins in it
    assert not prepayment_limit.crosses_term(date(2026, 2, 11), date(2026, 4, 20), winter)


@pytest.mark.parametrize(
    ("payer", "is_one"),
    [("某某消费金融有限公司", True), ("某某小额贷款公司", True), ("欧阳金融", False), ("欧阳小满", False), ("", False)],
)
def test_a_lender_is_known_by_its_name(payer: str, is_one: bool) -> None:
    assert prepayment_limit.is_lender(payer) is is_one
    booked = ChargeAtBooking(PACK, (), LIMITS)
    assert prepayment_limit.at_booking(booked, payer) == (("LOAN_FUNDED",) if is_one else ())
    signed_with_one = replace(booked, charge=replace(PACK, funding=Funding.LOAN))
    assert prepayment_limit.at_booking(signed_with_one, payer) == ("LOAN_FUNDED",)  # said once
    assert prepayment_limit.at_booking(replace(booked, limits=PrepaymentLimits()), payer) == ()
