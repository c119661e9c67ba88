"""Open items by age in bank days, and which are past their last day."""

from datetime import date

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import reconcile
from ledger.rules.calendar import working_days_after
from ledger.terms.reconcile import Ageing, OpenDay

NOTICES = load_rulebooks([BUILT_IN]).calendar("110000")
MONDAY = date(2026, 3, 9)


def test_weekends_and_holidays_age_nothing() -> None:
    assert working_days_after(MONDAY, MONDAY, NOTICES) == 0
    assert working_days_after(date(2026, 3, 6), MONDAY, NOTICES) == 1  # over a weekend
    assert working_days_after(date(2026, 9, 30), date(2026, 10, 8), NOTICES) == 1  # over the holidays
    assert working_days_after(date(2026, 10, 9), date(2026, 10, 10), NOTICES) == 1  # a Saturday made up
    assert working_days_after(MONDAY, date(2026, 3, 6), NOTICES) == 0


def test_every_age_has_its_bucket() -> None:
    names = list(reconcile.BUCKETS)
    assert [names[reconcile.bucket(days)] for days in (0, 1, 2, 5, 6, 10, 11, 400)] == [
        "0", "1", "2-5", "2-5", "6-10", "6-10", "over 10", "over 10",
    ]  # fmt: skip


def test_items_are_counted_by_kind_and_age() -> None:
    unknown, expected = reconcile.UNIDENTIFIED, reconcile.NOT_RECEIVED
    items = [
        OpenDay(unknown, MONDAY, None, 2, 5_00),
        OpenDay(unknown, date(2026, 3, 4), None, 1, 1_00),  # three working days: due today
        OpenDay(unknown, date(2026, 3, 3), None, 1, 9_00),  # four
        OpenDay(expected, date(2026, 2, 20), None, 3, 7_00),
        OpenDay("unordered_debit", date(2026, 3, 6), MONDAY, 1, 3_00),
    ]
    assert reconcile.ageing(items, MONDAY, NOTICES) == [
        Ageing(expected, (0, 0, 0, 0, 3), (0, 0, 0, 0, 7_00), 3, date(2026, 2, 20)),
        Ageing(unknown, (2, 0, 2, 0, 0), (5_00, 0, 10_00, 0, 0), 1, date(2026, 3, 3)),
        Ageing("unordered_debit", (0, 1, 0, 0, 0), (0, 3_00, 0, 0, 0), 0, date(2026, 3, 6)),
    ]
    assert reconcile.ageing([], MONDAY, NOTICES) == []
