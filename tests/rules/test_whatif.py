"""What a draft decides otherwise: to the fen where there is a sum; a rulebook that says too little is named."""

from dataclasses import replace
from datetime import UTC, date, datetime
from fractions import Fraction
from typing import Final
from uuid import UUID

import pytest

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import whatif
from ledger.terms.calendar import CalendarDays
from ledger.terms.institution import Institution
from ledger.terms.prepayment import Funding, OpenCharge
from ledger.terms.price_cap import CapTable, Category, ContractPrice, Course, Mode, PriceCap, Stage
from ledger.terms.refund import Cause, PaidOn
from ledger.terms.reserve import ReserveFacts, ReserveFigures
from ledger.terms.rulebook import Confidence, Rulebook, RuleValue, Scalar
from ledger.terms.whatif import Change, ContractState, PastRefund, Signing, Subject

ON: Final = date(2026, 11, 23)
SIGNED_ON: Final = date(2026, 3, 2)
ASKED_ON: Final = date(2026, 3, 20)
REAL: Final = load_rulebooks([BUILT_IN])
LAW: Final = load_rulebooks([BUILT_IN, BUILT_IN / "demo"])
NOW: Final = LAW.in_force("110108", "", ON)
CALENDAR: Final = LAW.calendar("110108")
BOTH: Final = (CALENDAR, CALENDAR)
SCHOOL: Final = Institution(1, "JG1", "school", "110108", "", "academic", "both", "office", "010-0000-1208")
FIGURES: Final = (ReserveFigures(1, ReserveFacts(period_receipts_fen=30_000_000), (), 0, 0, date(2026, 11, 23)),) * 2
# 40 hours at 88 yuan, the cap of Beijing
SOLD: Final = ContractPrice(
    institution="JG1", place="110108", zone="", contract_id=UUID(int=1), contract_no="HT1", course_id=UUID(int=2),
    course_code="SX", course=Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 88_00),
    price_fen=3_520_00, list_price_fen=None, hours_bought=40_00, hours_gifted=0, signed_on=SIGNED_ON,
    rulebook_digest=NOW.digest,
)  # fmt: skip
TEN_USED: Final = ContractState(3_520_00, 0, 10_00, (PaidOn(SIGNED_ON, 3_520_00),))
# the same hours at 80 yuan, said to be down from 88
PROMOTED: Final = replace(SOLD, price_fen=3_200_00, list_price_fen=88_00)
PROVEN: Final = ContractState(3_200_00, 0, 10_00, (PaidOn(SIGNED_ON, 3_200_00),), list_price_sold=True)
ASKED: Final = PastRefund(SOLD.contract_id, Cause.CONSUMER, ASKED_ON, SIGNED_ON, 3_520_00, 2_640_00, TEN_USED)


def drafted(**values: Scalar) -> Rulebook:
    """The law with some values of a draft; ``__`` stands for the point in a key."""
    own = {
        key.replace("__", "."): RuleValue(value, "draft", Confidence.DERIVED, "110108", "", ON, "draft")
        for key, value in values.items()
    }
    return replace(NOW, values={**NOW.values, **own})


def capped(yuan: int) -> Rulebook:
    """The law with a cap of ``yuan`` for every class of compulsory school."""
    row = PriceCap(
        place_name="Haidian", stage=Stage.COMPULSORY, category=Category.ACADEMIC, mode=Mode.OFFLINE, band="any",
        size_min=None, size_max=None, base_fen=yuan * 100, standard_minutes=45, float_percent=Fraction(0),
        starts_on=None, starts_text="", ends_on=None, source="draft", confidence="derived",
    )  # fmt: skip
    return replace(NOW, cap_tables=(CapTable("110108", "", SIGNED_ON, "draft", (row,)), *NOW.cap_tables))


def said(change: Change | None) -> tuple[str, str, int]:
    assert change is not None
    assert change.institution == "JG1"
    return change.before, change.after, change.change_fen


@pytest.mark.parametrize(
    ("cap", "expected"),
    [
        (60, ("within_cap", "above_cap by 1120.00", 1_120_00)),  # 40 hours at 28 yuan
        (88, None),
        (90, None),
    ],
)
def test_a_lower_cap_finds_prices_by_their_excess(cap: int, expected: tuple[str, str, int] | None) -> None:
    found = whatif.price(SOLD, (NOW, capped(cap)))
    assert (found and said(found)) == expected
    if expected is not None:
        assert said(whatif.price(SOLD, (capped(cap), NOW))) == (expected[1], expected[0], -expected[2])


CHARGE = OpenCharge(
    UUID(int=1), UUID(int=2), "数学", "academic", 88_00, SIGNED_ON, datetime(2026, 3, 2, tzinfo=UTC), SIGNED_ON,
    3_520_00, None, 40_00, 40_00, None,
)  # fmt: skip


def test_a_draft_that_takes_two_names_for_one_subject_finds_the_split() -> None:
    other = replace(CHARGE, contract_id=UUID(int=3), subject="奥数")
    signing = Signing("HT1", Funding.OWN, CHARGE, (other,))
    alike = drafted(prepayment__same_subjects="数学,奥数")
    split = "PREPAYMENT_OVER_HOURS, PREPAYMENT_TOO_EARLY"
    assert said(whatif.prepayment("JG1", signing, (NOW, alike), BOTH)) == ("taken", split, 3_520_00)
    spelled = Signing("HT1", Funding.OWN, CHARGE, (replace(other, subject="数 学"),))
    assert whatif.prepayment("JG1", spelled, (NOW, alike), BOTH) is None  # refused by either


def test_a_draft_may_take_loans() -> None:
    signing = Signing("HT1", Funding.LOAN, CHARGE, ())
    found = said(whatif.prepayment("JG1", signing, (NOW, drafted(prepayment__loan_refused=False)), BOTH))
    assert found == ("LOAN_FUNDED", "taken", -3_520_00)


def test_a_limit_refuses_or_takes_what_was_charged() -> None:
    signing = Signing("HT1", Funding.OWN, CHARGE, ())
    tight = drafted(prepayment__hours_max=30_00)
    assert said(whatif.prepayment("JG1", signing, (NOW, tight), BOTH)) == ("taken", "PREPAYMENT_OVER_HOURS", 3_520_00)
    assert said(whatif.prepayment("JG1", signing, (tight, NOW), BOTH)) == ("PREPAYMENT_OVER_HOURS", "taken", -3_520_00)
    assert whatif.prepayment("JG1", signing, (NOW, drafted(prepayment__hours_max=40_00)), BOTH) is None
    # refused before and after, for another reason: no money moves
    months = Signing("HT1", Funding.OWN, replace(CHARGE, months=9), ())
    found = whatif.prepayment("JG1", months, (NOW, drafted(prepayment__hours_max=30_00)), BOTH)
    assert said(found) == ("PREPAYMENT_OVER_MONTHS", "PREPAYMENT_OVER_HOURS, PREPAYMENT_OVER_MONTHS", 0)


def test_other_vacations_let_a_charge_reach_into_another_term() -> None:
    """Three months from March; a draft calendar has a vacation in April, and the place refuses charges across terms."""
    strict = drafted(prepayment__cross_term_refused=True)
    spring = CalendarDays(vacations=frozenset(date(2026, 4, day) for day in range(6, 12)))
    signing = Signing("HT1", Funding.OWN, replace(CHARGE, months=3), ())
    found = whatif.prepayment("JG1", signing, (strict, strict), (CALENDAR, spring))
    assert said(found) == ("taken", "PREPAYMENT_CROSS_TERM", 3_520_00)
    assert whatif.prepayment("JG1", signing, (NOW, NOW), (CALENDAR, spring)) is None  # no such rule
    hours = replace(signing, own=CHARGE)
    assert (
        whatif.prepayment("JG1", hours, (strict, strict), (CALENDAR, spring)) is None
    )  # by hours there is no last day


def test_another_reserve_is_required() -> None:
    found = whatif.required_reserve(SCHOOL, FIGURES, (NOW, drafted(reserve__percent=Fraction(150))))
    assert said(found) == ("300000.00", "450000.00", 150_000_00)
    assert whatif.required_reserve(SCHOOL, FIGURES, (NOW, NOW)) is None


def test_a_rulebook_that_says_too_little_is_named() -> None:
    real = REAL.in_force("110108", "", ON)
    assert whatif.required_reserve(SCHOOL, FIGURES, (real, real)) is None
    assert said(whatif.required_reserve(SCHOOL, FIGURES, (real, NOW))) == (
        "RULE_MISSING reserve.formula",
        "300000.00",
        0,
    )
    lawless = replace(NOW, values={key: value for key, value in NOW.values.items() if not key.startswith("refund.")})
    quoted = whatif.quote(SOLD, TEN_USED, Cause.CONSUMER, (NOW, lawless), (NOW, NOW), BOTH, ON)
    assert said(quoted) == ("2640.00", "RULE_MISSING refund.law", 0)
    assert said(whatif.refund(SOLD, ASKED, (lawless, NOW), (NOW, NOW), BOTH)) == (
        "RULE_MISSING refund.law",
        "2640.00",
        0,
    )
    assert said(whatif.refund_dates(SOLD, ASKED, (NOW, lawless), BOTH))[1] == "RULE_MISSING refund.days_after_class"


def test_the_cap_of_the_signing_day_gives_back_the_overcharge() -> None:
    quoted = whatif.quote(SOLD, TEN_USED, Cause.INSTITUTION, (NOW, NOW), (NOW, capped(60)), BOTH, ON)
    assert quoted is not None
    assert (quoted.subject, quoted.item) == (Subject.QUOTE, "HT1 institution")
    # 40 hours x 28 yuan come back first, then 30 of 40 hours at 60 yuan: 1120 + 1800
    assert said(quoted) == ("2640.00", "2920.00", 280_00)
    assert whatif.quote(SOLD, TEN_USED, Cause.INSTITUTION, (NOW, NOW), (NOW, NOW), BOTH, ON) is None


def test_a_list_price_counts_where_it_was_sold() -> None:
    two = (NOW, NOW), (NOW, capped(60))
    # sold: 3200 - 10 x 88; never sold: at the paid price, 3200 - 10 x 80; both at 60 where the cap is lower
    assert said(whatif.quote(PROMOTED, PROVEN, Cause.CONSUMER, *two, BOTH, ON)) == ("2320.00", "2600.00", 280_00)
    unproven = replace(PROVEN, list_price_sold=False)
    assert said(whatif.quote(PROMOTED, unproven, Cause.CONSUMER, *two, BOTH, ON)) == ("2400.00", "2600.00", 200_00)


def test_the_seven_days_of_a_draft_need_their_payments_and_a_first_service() -> None:
    two, signed = (NOW, drafted(refund__cooling_off_days=30)), (NOW, NOW)
    asked = replace(ASKED, price_fen=3_200_00, amount_fen=2_320_00, state=PROVEN)
    # within the days everything counts at the paid price: 3200 - 800
    assert said(whatif.refund(PROMOTED, asked, two, signed, BOTH)) == ("2320.00", "2400.00", 80_00)
    for state in (replace(PROVEN, same_service_before=True), replace(PROVEN, refunded_fen=1_00)):
        assert whatif.refund(PROMOTED, replace(asked, state=state), two, signed, BOTH) is None


def test_a_past_refund_changes_by_what_the_draft_changes() -> None:
    """Interest of 3.21 was paid on top and stays; the price was lowered before the asking."""
    asked = replace(ASKED, amount_fen=2_643_21)
    found = whatif.refund(SOLD, asked, (NOW, NOW), (NOW, capped(60)), BOTH)
    assert found is not None
    assert (found.subject, found.item) == (Subject.REFUND, "HT1 consumer 2026-03-20")
    assert said(found) == ("2643.21", "2923.21", 280_00)
    lowered = replace(asked, price_fen=2_400_00, state=replace(TEN_USED, paid_fen=2_400_00))
    assert whatif.refund(SOLD, lowered, (NOW, NOW), (NOW, capped(60)), BOTH) is None


def test_other_days_of_a_refund_are_named() -> None:
    found = whatif.refund_dates(SOLD, ASKED, (NOW, drafted(refund__days_after_class=5)), BOTH)
    assert found is not None
    assert (found.subject, found.change_fen) == (Subject.REFUND_DATES, 0)
    assert said(found)[:2] == (
        "answer_by 2026-03-27, pay_by 2026-04-07, delayed_after 2026-04-22",
        "answer_by 2026-03-27, pay_by 2026-03-25, delayed_after 2026-04-09",
    )
    assert whatif.refund_dates(SOLD, ASKED, (NOW, NOW), BOTH) is None
    noticed = replace(CALENDAR, holidays=CALENDAR.holidays | {date(2026, 3, 23)})
    moved = whatif.refund_dates(SOLD, ASKED, (NOW, NOW), (CALENDAR, noticed))
    assert said(moved)[1].startswith("answer_by 2026-03-30")
