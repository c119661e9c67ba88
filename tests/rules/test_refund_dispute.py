"""Hours in dispute: what is undisputed is quoted, and what each disputed hour would add stands beside it."""

from dataclasses import replace
from datetime import date, time
from fractions import Fraction
from uuid import UUID

import pytest

from ledger.errors import BadInput
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.money import yuan
from ledger.rules import refund_facts
from ledger.terms.contract import Contract, ContractBalance
from ledger.terms.digest import text_digest
from ledger.terms.ids import new_id
from ledger.terms.lesson import Lesson, LessonState
from ledger.terms.refund import DisputedHours, HoursUsed, PaidOn, ProgressUsed, RefundContract
from ledger.terms.refund_request import OwnRecords, RefundAsked
from tests.rules.refunds import BOOKS, CONSUMER, GIFTED, INSTITUTION, PACK, quote
from tests.world import NOW

TWO = (DisputedHours("first", 100), DisputedHours("second", 250))


def test_the_undisputed_part_and_what_each_disputed_hour_adds() -> None:
    found = quote(PACK, HoursUsed(1500), INSTITUTION, disputed=TWO)
    assert yuan(found.refund_fen) == "5000.00"  # 8000 x 25 / 40, all fifteen counted
    assert [(part.ref, yuan(part.adds_fen)) for part in found.disputed] == [("first", "200.00"), ("second", "500.00")]
    assert yuan(found.disputed_fen) == "700.00"
    assert found.notes[-1].code == "HOURS_IN_DISPUTE"
    assert "3.5" in found.notes[-1].text.en
    assert "¥700.00" in found.notes[-1].text.zh


def test_a_disputed_hour_below_the_floor_adds_what_comes_above_it() -> None:
    used = HoursUsed(2100)  # 21 x 400 = 8400 > 8000: the first hour only reaches the floor
    found = quote(PACK, used, CONSUMER, disputed=(DisputedHours("a", 100), DisputedHours("b", 100)))
    assert [yuan(part.adds_fen) for part in found.disputed] == ["0.00", "400.00"]
    assert found.refund_fen == 0


def test_the_digest_names_what_is_disputed() -> None:
    plain = quote(GIFTED, HoursUsed(1500), INSTITUTION)
    split = quote(GIFTED, HoursUsed(1500), INSTITUTION, disputed=TWO)
    assert plain.refund_fen == split.refund_fen
    assert plain.digest != split.digest


def test_what_cannot_be_in_dispute() -> None:
    with pytest.raises(BadInput, match="DISPUTED_EXCEEDS_USED"):
        quote(PACK, HoursUsed(300), INSTITUTION, disputed=TWO)
    with pytest.raises(BadInput, match="USED_DOES_NOT_FIT"):
        quote(PACK, ProgressUsed(Fraction(50)), INSTITUTION, disputed=TWO)


def test_a_digest_takes_no_text_that_could_read_as_two() -> None:
    assert text_digest(["a", "b"]) != text_digest(["ab"])
    with pytest.raises(ValueError, match="unit separator"):
        text_digest(["a\x1fb"])


# -- the facts of the books


def lesson(state: LessonState, hours: int = 100) -> Lesson:
    return Lesson(
        UUID(int=hours), UUID(int=1), "L1", date(2026, 3, 9), time(16), 45, hours, (), None, state, 1, None
    )  # fmt: skip


BALANCE = ContractBalance(new_id(NOW), 1, 400_000, 4000, paid_fen=400_000, hours_released=150)


def test_disputed_hours_count_as_used_and_are_named() -> None:
    lessons = [
        lesson(LessonState.RELEASED), lesson(LessonState.DISPUTED, 200), lesson(LessonState.DISPUTED, 0),
        lesson(LessonState.REVERSED, 300), lesson(LessonState.RECORDED, 50),
    ]  # fmt: skip
    assert refund_facts.hours_used(lessons, BALANCE) == HoursUsed(350)
    assert refund_facts.hours_used([], BALANCE) == HoursUsed(150)
    assert refund_facts.hours_disputed(lessons) == (DisputedHours(str(UUID(int=200)), 200),)


def test_after_a_refund_payments_have_no_days_of_their_own() -> None:
    paid_on = [(date(2026, 3, 2), 400_000)]
    own = OwnRecords(same_service_before=True)
    asked = refund_facts.request_facts(paid_on, BALANCE, own, date(2026, 3, 3))
    assert (asked.payments, asked.same_service_before) == ((PaidOn(*paid_on[0]),), True)
    again = refund_facts.request_facts(paid_on, replace(BALANCE, refunded_fen=1), own, date(2026, 3, 3))
    assert again.payments == ()


def test_packs_signed_apart_are_reckoned_apart() -> None:
    first = quote(RefundContract(600_800, hours_bought=4000), HoursUsed(1700), INSTITUTION)
    second = quote(RefundContract(1_118_000, hours_bought=8000), HoursUsed(0), INSTITUTION)
    assert yuan(first.refund_fen + second.refund_fen) == "14634.60"  # 6008 x 23 / 40 + 11180


def test_the_contract_is_reckoned_at_the_price_in_force_and_by_the_ledgers_own_records() -> None:
    signed = Contract(
        7, UUID(int=1), "HT1", "PP1", UUID(int=2), UUID(int=3), 1, 500_000, 15_000, 4000, 500, None, date(2026, 3, 9),
        date(2026, 3, 2), False, "x", b"x",
    )  # fmt: skip
    found = refund_facts.contract_facts(signed, replace(BALANCE, refunded_fen=1_000), OwnRecords(8_800, True))
    assert found == RefundContract(
        399_000, 400_000, hours_bought=4000, hours_gifted=500, list_price_fen=15_000, list_price_proven=True,
        price_cap_fen=8_800,
    )  # fmt: skip
    asked = RefundAsked(signed.contract_id, INSTITUTION, "guardian:1")
    today = date(2026, 3, 20)
    rulebook = load_rulebooks([BUILT_IN, BUILT_IN / "demo"]).in_force("110108", "", today)
    assert refund_facts.interest_facts(asked, signed, BOOKS.rates, rulebook, today) is None
    assert refund_facts.interest_facts(replace(asked, ended_on=today), signed, BOOKS.rates, rulebook, today) is None
    ended = replace(asked, ended_on=date(2026, 3, 10))
    terms = refund_facts.interest_facts(ended, signed, BOOKS.rates, rulebook, today)
    assert terms is not None
    assert (terms.from_on, terms.until_on, terms.year_days) == (date(2026, 3, 10), today, 365)
    with pytest.raises(BadInput, match="RULE_MISSING"):
        refund_facts.interest_facts(ended, signed, BOOKS.rates, BOOKS.in_force("000000", "", today), today)
