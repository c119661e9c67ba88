"""What open lines may be: one answer, several, or none."""

from collections.abc import Sequence
from datetime import date, timedelta
from itertools import combinations, count
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.rules.match_suggestion import ITEMS_MAX, TERMS_MAX, TOLERANCE_FEN, subsets, suggestions
from ledger.terms.match_suggestion import ExpectedPayment, OpenReceipt, Suggestion

DAY = date(2026, 3, 6)
PARENT = b"parent"
_IDS = count(1)


def line(fen: int, key: str = "", payer: bytes | None = None, on: date = DAY, name: str = "") -> OpenReceipt:
    return OpenReceipt(UUID(int=next(_IDS)), on, fen, key, payer, name)


def paid(fen: int, key: str = "", payer: bytes | None = None, on: date = DAY, name: str = "") -> ExpectedPayment:
    n = next(_IDS)
    return ExpectedPayment(UUID(int=n), f"OR{n}", UUID(int=9), fen, 0, on, key, "", payer, name)


def told(lines: Sequence[OpenReceipt], payments: Sequence[ExpectedPayment]) -> list[tuple[str, int, int, int]]:
    return [(one.rule, len(one.line_ids), len(one.payment_ids), one.answers) for one in suggestions(lines, payments)]


def test_two_receipts_and_two_payments_of_one_parent_are_one_question() -> None:
    lines, payments = zip(
        *[(line(1_280_00, payer=PARENT), paid(1_280_00, payer=PARENT)) for _ in range(2)], strict=True
    )
    (asked,) = suggestions(lines, payments)
    assert (asked.rule, len(asked.line_ids), len(asked.payment_ids), asked.ambiguous) == ("R5", 2, 2, True)


def test_brothers_and_sisters_under_one_key_are_one_question() -> None:
    lines = [line(500_00, "OR000001") for _ in range(2)]
    assert told(lines, [paid(500_00, "OR000001") for _ in range(2)]) == [("R2", 2, 2, 2)]


def test_a_sum_with_two_answers_is_ambiguous_and_one_with_one_answer_is_named() -> None:
    items = [paid(fen) for fen in (100_00, 200_00, 300_00, 400_00)]
    assert told([line(500_00)], items) == [("R7", 1, 4, 2)]
    (whole,) = suggestions([line(1_000_00)], items)
    assert whole == Suggestion("R6", whole.line_ids, tuple(one.payment_id for one in items), 1)
    (some,) = suggestions([line(900_00)], items)
    assert (some.rule, some.payment_ids, some.answers) == ("R7", tuple(one.payment_id for one in items[1:]), 1)
    assert told([line(50_00)], items) == []
    assert told([line(500_00, on=DAY + timedelta(days=1))], items) == []


def test_a_crowded_day_is_not_searched_for_sums() -> None:
    items = [paid(1_00) for _ in range(ITEMS_MAX + 1)]
    assert told([line(2_00)], items) == []
    assert told([line(2_00)], items[1:]) == [("R7", 1, 3, 2)]
    assert told([line((TERMS_MAX + 1) * 1_00)], items[1:]) == []


def test_a_key_with_nearly_the_amount_says_the_difference() -> None:
    lines, payments = [line(499_99, "OR000001")], [paid(500_00, "OR000001")]
    (near,) = suggestions(lines, payments)
    assert (near.rule, near.answers, near.difference_fen) == ("R8", 1, -1)
    assert told([line(500_00 + TOLERANCE_FEN, "OR000001")], payments) == [("R8", 1, 1, 1)]
    assert told([line(500_01 + TOLERANCE_FEN, "OR000001")], payments) == []
    assert told(lines, [*payments, paid(400_00, "OR000001")]) == []
    assert told(lines, [paid(499_99, on=DAY + timedelta(days=9), name="王")]) == []


def test_a_payer_is_asked_for_days_that_fit_alone() -> None:
    late = line(700_00, payer=PARENT, on=DAY + timedelta(days=4))
    assert told([late], [paid(700_00, payer=PARENT)]) == []
    near = line(700_00, payer=PARENT, on=DAY + timedelta(days=3))
    assert told([near, late], [paid(700_00, payer=PARENT)]) == [("R5", 1, 1, 1)]
    assert told([line(700_00, "OR000009", PARENT)], [paid(700_00, payer=PARENT, on=DAY + timedelta(days=1))]) == []


def test_a_name_is_read_without_width_case_and_blanks() -> None:
    asked = told([line(600_00, name="WANG  Wu")], [paid(600_00, name="Ｗａｎｇwu", on=DAY - timedelta(days=30))])
    assert asked == [("R9", 1, 1, 1)]
    assert told([line(600_01, name="WANG Wu")], [paid(600_00, name="WANG Wu", on=DAY - timedelta(days=30))]) == []


def test_what_has_a_key_or_a_payer_is_no_part_of_a_sum() -> None:
    lines = [line(99_99, "OR000001"), line(300_00)]
    payments = [paid(100_00, "OR000001"), paid(100_00), paid(200_00), paid(400_00)]
    assert told(lines, payments) == [("R8", 1, 1, 1), ("R7", 1, 2, 1)]


@given(st.lists(st.integers(1, 30), max_size=9), st.integers(1, 60), st.integers(1, 4))
@settings(max_examples=300)
def test_sums_are_those_of_every_choice(amounts: list[int], total: int, terms_max: int) -> None:
    every = [
        places
        for n in range(1, terms_max + 1)
        for places in combinations(range(len(amounts)), n)
        if sum(amounts[place] for place in places) == total
    ]
    (found,) = subsets(amounts, [total], terms_max)
    assert len(found) == len(set(found)) == min(2, len(every))
    assert set(found) <= set(every)
