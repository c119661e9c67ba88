"""The dates of a refund by place: calendar or working days, silence, deliberate delay, and what a notice moves."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.errors import BadInput
from ledger.rules import refund_deadline
from ledger.rules.refund_deadline import dates, delay, renewed, seven_days
from ledger.terms.calendar import CalendarDays
from ledger.terms.refund_request import DateCode, Delay, RefundDate
from ledger.terms.rulebook import Confidence, Rulebook, RuleValue
from tests.rules.refunds import BOOKS, CALENDAR, RULES, asked

ON = date(2026, 3, 20)
# The 2027 notice as it may come: New Year's Day to 3 January off, Saturday the 9th worked.
WITH_2027 = CalendarDays(
    holidays=CALENDAR.holidays | {date(2027, 1, 1), date(2027, 1, 2), date(2027, 1, 3)},
    workdays=CALENDAR.workdays | {date(2027, 1, 9)},
    noticed_years=CALENDAR.noticed_years | {2027},
)


def place(before: int, after: int, kind: str) -> Rulebook:
    """The nation's rulebook with a place's own days on top."""
    own: dict[str, int | str] = {
        "refund.days_before_class": before,
        "refund.days_after_class": after,
        "refund.day_kind": kind,
    }
    nation = BOOKS.in_force("000000", "", ON)
    values = {
        key: RuleValue(value, f"local text on {key}", Confidence.SECONDARY, "120000", "", ON, "local")
        for key, value in own.items()
    }
    return replace(nation, values={**nation.values, **values})


BEIJING, TIANJIN, ZHEJIANG = place(5, 15, "calendar"), place(5, 15, "working"), place(5, 5, "calendar")


def days(found: tuple[RefundDate, ...]) -> list[date]:
    return [one.on for one in found]


@pytest.mark.parametrize(
    ("rulebook", "first_lesson_on", "pay_by", "delayed_after"),
    [
        # asked Friday 20 March; 25 March is five days on; 15 more end on 9 April
        (BEIJING, date(2026, 4, 1), date(2026, 3, 25), date(2026, 4, 9)),
        # begun: 4 April is the fifteenth day, the holiday ends on the 6th; 22 April
        (BEIJING, ON, date(2026, 4, 7), date(2026, 4, 22)),
        # five working days: 23 to 27 March; 11 April is a Saturday, Monday the 13th
        (TIANJIN, date(2026, 4, 1), date(2026, 3, 27), date(2026, 4, 13)),
        # fifteen working days: 23 March to 3 April are ten, 7 to 10 April four, Monday the 13th
        (TIANJIN, date(2026, 3, 2), date(2026, 4, 13), date(2026, 4, 28)),
        (ZHEJIANG, date(2026, 3, 2), date(2026, 3, 25), date(2026, 4, 9)),
    ],
)
def test_when_the_money_is_back_by_place(
    rulebook: Rulebook, first_lesson_on: date, pay_by: date, delayed_after: date
) -> None:
    found = dates(ON, first_lesson_on, rulebook, CALENDAR)
    # silent for five working days: 23 to 27 March
    assert days(found) == [date(2026, 3, 27), pay_by, delayed_after]
    assert [one.code for one in found] == [DateCode.ANSWER_BY, DateCode.PAY_BY, DateCode.DELAYED_AFTER]
    assert not any(one.provisional for one in found)


def test_days_after_the_first_lesson_may_be_counted_otherwise() -> None:
    chengdu = BOOKS.in_force("510100", "centre", ON)
    _, before, _ = dates(ON, date(2026, 4, 1), chengdu, CALENDAR)
    _, after, _ = dates(ON, ON, chengdu, CALENDAR)
    assert (before.days, before.day_kind, before.on) == (5, "working", date(2026, 3, 27))
    # 4 April is the fifteenth day; the holiday ends on the 6th
    assert (after.days, after.day_kind, after.on) == (15, "calendar", date(2026, 4, 7))
    assert refund_deadline.pay_by(ON, ON, chengdu, CALENDAR).on == after.on


def test_every_date_names_the_rule_that_gives_it() -> None:
    answer, pay, delayed = dates(ON, ON, TIANJIN, CALENDAR)
    assert (answer.days, answer.day_kind, answer.rule) == (5, "working", "refund.institution_silence_working_days")
    assert (pay.days, pay.day_kind, pay.rule, pay.source) == (
        15, "working", "refund.days_after_class", "local text on refund.days_after_class",
    )  # fmt: skip
    assert (delayed.days, delayed.day_kind, delayed.counted_from) == (15, "calendar", pay.on)
    assert "art. 10" in delayed.source
    assert all(one.label.en and one.label.zh for one in (answer, pay, delayed))


def test_a_place_that_sets_no_days_is_named() -> None:
    with pytest.raises(BadInput, match="RULE_MISSING"):
        dates(ON, ON, BOOKS.in_force("000000", "", ON), CALENDAR)


def test_without_a_day_agreed_delay_counts_from_the_asking() -> None:
    assert refund_deadline.delayed_after(ON, BEIJING, CALENDAR).on == date(2026, 4, 7)


def test_the_seven_days_of_each_payment_are_dates_too() -> None:
    (last,) = seven_days(asked(date(2026, 3, 7), date(2026, 3, 8)), RULES, CALENDAR)
    assert (last.code, last.on, last.days) == (DateCode.SEVEN_DAYS, date(2026, 3, 16), 7)  # the 14th is a Saturday
    assert seven_days(asked(ON, ON), replace(RULES, cooling_off_days=None), CALENDAR) == ()


def test_a_notice_moves_the_institutions_dates_only_to_earlier() -> None:
    old = dates(date(2026, 12, 25), date(2026, 12, 1), TIANJIN, CALENDAR)
    # without the notice: the fifth working day is 1 January, the fifteenth 15 January, delay 1 February
    assert days(old) == [date(2027, 1, 1), date(2027, 1, 15), date(2027, 2, 1)]
    assert all(one.provisional for one in old)
    new = renewed(old, WITH_2027)
    # 1 January off and 9 January worked: the silence would end on the 4th, later, so it stays; the fifteenth stays too
    assert days(new) == [date(2027, 1, 1), date(2027, 1, 15), date(2027, 2, 1)]
    assert not any(one.provisional for one in new)
    worked = replace(WITH_2027, holidays=CALENDAR.holidays)
    assert days(renewed(old, worked)) == [date(2027, 1, 1), date(2027, 1, 14), date(2027, 1, 29)]
    assert renewed(new, worked) == new  # what was certain is not looked at again


def test_a_notice_moves_the_parents_date_only_to_later() -> None:
    (old,) = seven_days(asked(date(2026, 12, 25), date(2026, 12, 26)), RULES, CALENDAR)
    assert (old.on, old.provisional) == (date(2027, 1, 1), True)
    (new,) = renewed([old], WITH_2027)
    assert (new.on, new.provisional) == (date(2027, 1, 4), False)
    (kept,) = renewed([replace(old, on=date(2027, 1, 6))], WITH_2027)
    assert kept.on == date(2027, 1, 6)


def test_a_single_date_of_delay_keeps_what_it_was_counted_from() -> None:
    delayed = dates(date(2026, 12, 25), date(2026, 12, 1), TIANJIN, CALENDAR)[2]
    assert renewed([delayed], WITH_2027)[0].on == date(2027, 2, 1)


def test_late_and_deliberately_late() -> None:
    assert delay(ON, date(2026, 4, 7), ON) is Delay.IN_TIME
    assert delay(ON, date(2026, 4, 7), date(2026, 3, 21)) is Delay.OVERDUE
    assert delay(ON, date(2026, 4, 7), date(2026, 4, 7)) is Delay.OVERDUE
    assert delay(ON, date(2026, 4, 7), date(2026, 4, 8)) is Delay.DELIBERATE
    assert delay(ON, None, date(2026, 6, 1)) is Delay.OVERDUE
