"""Reserve formulas as real rules have them, and coverage."""

from dataclasses import replace
from datetime import date
from fractions import Fraction

import pytest

from ledger.errors import BadInput
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import reserve
from ledger.terms.reserve import EnteredFacts, FundPosition, ReserveFacts, ReserveRule
from ledger.terms.rulebook import Rulebook
from ledger.terms.rulebook_key import RESERVE_FORMULAS

BOOKS = load_rulebooks([BUILT_IN, BUILT_IN / "demo"])
ON = date(2026, 11, 23)
FACTS = ReserveFacts(
    undelivered_fen=90_000_001,
    balance_fen=90_000_000,
    last_quarter_balance_fen=70_000_000,
    last_year_receipts_fen=400_000_000,
    last_year_income_fen=500_000_000,
    recent_payments_fen=60_000_000,
    period_receipts_fen=80_000_000,
    students=250,
    under_one_year=False,
)


def rule(formula: str, percent: int = 100, floor_fen: int = 0) -> ReserveRule:
    return ReserveRule(formula, Fraction(percent), floor_fen, student_tiers=((0, 5_000_000), (300, 10_000_000)))


@pytest.mark.parametrize(
    ("formula", "percent", "required_fen"),
    [
        ("share_of_undelivered", 50, 45_000_001),  # 45,000,000.5 rounded half up
        ("share_of_last_year_receipts", 10, 40_000_000),
        ("share_of_recent_payments", 20, 12_000_000),
        ("share_of_quarter_balance", 30, 21_000_000),
        ("one_charging_period", 100, 80_000_000),
        ("tiers_by_students", 0, 5_000_000),
    ],
)
def test_formulas(formula: str, percent: int, required_fen: int) -> None:
    assert reserve.required(rule(formula, percent), FACTS).required_fen == required_fen


def test_a_floor_holds_where_the_share_is_less() -> None:
    found = reserve.required(rule("share_of_last_year_receipts", 10, floor_fen=50_000_000), FACTS)
    assert (found.required_fen, found.floor_holds, found.base_fen) == (50_000_000, True, 400_000_000)


@pytest.mark.parametrize(
    ("balance_fen", "income_fen", "young", "percent"),
    [
        (20_000_000, 500_000_000, False, 0),  # up to the line of 200,000 yuan
        (20_000_001, 500_000_000, False, 40),
        (100_000_000, 500_000_000, False, 40),  # the special line: 20 % of five million
        (100_000_001, 500_000_000, False, 100),
        (30_000_000, 50_000_000, False, 40),  # 20 % of income is below the start: no special line
        (30_000_000, 500_000_000, True, 100),
        (5_100_000_000, 90_000_000_000, False, 100),  # the line is at most fifty million yuan
    ],
)
def test_shanghais_two_lines(balance_fen: int, income_fen: int, young: bool, percent: int) -> None:
    # the measures ended on 2024-04-30; the floor is the demo's, whose file is dated later
    shanghai = replace(reserve.rule(_with_floor(BOOKS.in_force("310000", "", date(2024, 4, 30)))), floor_fen=10_000_000)
    facts = ReserveFacts(balance_fen=balance_fen, last_year_income_fen=income_fen, under_one_year=young)
    found = reserve.required(shanghai, facts)
    assert found.percent == percent
    assert found.required_fen == max(balance_fen * percent // 100, 10_000_000)


def _with_floor(book: Rulebook) -> Rulebook:
    """The same with the floor an operator has to set."""
    return replace(book, values={**book.values, "reserve.floor": BOOKS.in_force("310000", "", ON)["reserve.floor"]})


def test_the_floor_has_no_default() -> None:
    with pytest.raises(BadInput, match="RULE_MISSING") as refused:
        reserve.rule(load_rulebooks([BUILT_IN]).in_force("310000", "", date(2024, 4, 30)))
    assert refused.value.field == "reserve.floor"


def test_what_is_not_known_is_named() -> None:
    for formula in RESERVE_FORMULAS:
        with pytest.raises(BadInput, match="FACT_MISSING"):
            reserve.required(rule(formula), ReserveFacts())
    with pytest.raises(BadInput, match="FACT_MISSING") as refused:
        reserve.required(rule("share_by_issuer"), FACTS)
    assert refused.value.field == "issuer_kind"
    with pytest.raises(BadInput, match="RULE_MISSING") as refused:
        reserve.required(rule("share_by_issuer"), replace(FACTS, issuer_kind="brand"))
    assert refused.value.field == "reserve.percent_brand"
    for formula in ("share_of_undelivered", "tiers_by_students", "tiered_balance"):
        with pytest.raises(BadInput, match="RULE_MISSING"):
            reserve.required(ReserveRule(formula), FACTS)


def test_tiers_are_read_from_the_rulebook() -> None:
    assert reserve.student_tiers("300:100000.00, 100:50000") == ((100, 5_000_000), (300, 10_000_000))
    for text in ("x:5", "5", "5:1e3", ""):
        with pytest.raises(BadInput):
            reserve.student_tiers(text)


def test_a_districts_tiers(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("books")
    entry = '{{ value = {}, source = "s", confidence = "quoted" }}'
    keys = {
        "formula": '"tiers_by_students"',
        "student_tiers": '"0:50000.00"',
        "floor": '"1.00"',
        "outflow_multiple": "2",
    }
    text = "[reserve]\n" + "\n".join(f"{key} = {entry.format(value)}" for key, value in keys.items())
    (folder / "990100-2026-01-01.toml").write_text(text, encoding="utf-8")
    found = reserve.rule(load_rulebooks([folder]).in_force("990100", "", ON))
    assert found.student_tiers == ((0, 5_000_000),)
    pupils = ReserveFacts(students=3)
    rooms = [reserve.outflow_room_fen(found, pupils, gone) for gone in (0, 9_999_999, 10_000_001)]
    assert rooms == [10_000_000, 1, 0]
    assert reserve.outflow_room_fen(rule("tiered_balance"), ReserveFacts(), 0) is None


def test_what_was_entered_counts_beside_the_books() -> None:
    books = ReserveFacts(last_year_income_fen=7, students=2)
    assert reserve.with_entered(books, None, ON) is books
    assert reserve.with_entered(books, EnteredFacts(), ON) == books
    entered = EnteredFacts(date(2025, 11, 24), 1, 2, 3, "group")
    young = reserve.with_entered(books, entered, date(2026, 11, 23))
    assert young == ReserveFacts(
        last_year_income_fen=3, students=2, under_one_year=True, opening_funds_fen=1, capital_fen=2, issuer_kind="group"
    )
    assert reserve.with_entered(books, entered, date(2026, 11, 24)).under_one_year is False


def test_a_rule_for_the_first_year_asks_when_it_began() -> None:
    young = ReserveRule("share_of_last_year_receipts", Fraction(10), young_start_fen=1, young_percent=Fraction(10))
    balance = replace(young, young_balance_max_multiple=2)
    unknown = replace(FACTS, under_one_year=None)
    for asked in (lambda: reserve.required(young, unknown), lambda: reserve.balance_max_fen(balance, unknown)):
        with pytest.raises(BadInput, match="FACT_MISSING") as refused:
            asked()
        assert refused.value.field == "opened_on"
    assert reserve.balance_max_fen(young, unknown) is None


def test_coverage_counts_custody_cash_and_the_reserve_only() -> None:
    custody = FundPosition(True, claim_fen=900, refund_due_fen=100, due_fen=200)
    hands = FundPosition(False, claim_fen=1000, refund_due_fen=0, due_fen=1000)
    assert reserve.coverage([custody], 0) == Fraction(4, 5)
    assert reserve.coverage([custody, hands], 200) == Fraction(1, 2)
    assert reserve.coverage([], 500) is None
