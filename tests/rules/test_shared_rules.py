"""Every row of the gathered price tables, reserve rules and holidays comes out of the shipped rulebooks."""

import csv
from datetime import date
from fractions import Fraction
from pathlib import Path
from typing import Final

import pytest

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.money import fen_from_text
from ledger.rules import price_cap, reserve
from ledger.terms.price_cap import Category, Course, Mode, Stage
from ledger.terms.reserve import ReserveFacts
from ledger.terms.rulebook import Rulebook

SHARED: Final = Path(__file__).resolve().parents[3] / "shared" / "data"
BOOKS: Final = load_rulebooks([BUILT_IN])
DEMO: Final = load_rulebooks([BUILT_IN, BUILT_IN / "demo"])
ON: Final = date(2024, 6, 3)
ZONES: Final = {
    "central urban districts": "centre",
    "outside the centre": "outside",
    "10 urban districts": "urban",
    "Tonglu, Chunan, Jiande": "counties",
    "urban districts of prefecture-level cities": "urban",
    "elsewhere": "elsewhere",
    "central city": "centre",
    "counties, Mengjin, Yanshi": "counties",
    "counties (consultation draft)": "counties",
}
# A class size inside each printed band, one at each end where it has one, and what lies outside.
SIZES: Final = {
    "<10": ((1, 9), (10,)),
    "<10 (one-to-one included)": ((1, 9), (10,)),
    "<10 (one-to-one excluded)": ((2, 9), (1, 10)),
    "<=10": ((1, 10), (11,)),
    "1-10": ((1, 10), (11,)),
    "10-35": ((10, 35), (9, 36)),
    "10-35 (both ends in)": ((10, 35), (9, 36)),
    "[10,35)": ((10, 34), (9, 35)),
    "11-20": ((11, 20), (10, 21)),
    "11-35": ((11, 35), (10, 36)),
    "21-30": ((21, 30), (20, 31)),
    "36-50": ((36, 50), (35, 51)),
    ">35": ((36, 500), (35,)),
    ">=35": ((35, 500), (34,)),
    ">=31": ((31, 500), (30,)),
    "any": ((1, 500), ()),
}


def read(name: str) -> list[dict[str, str]]:
    path = SHARED / name
    if not path.exists():
        return []
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


PRICES: Final = read("price-caps.csv")
needs_shared: Final = pytest.mark.skipif(not PRICES, reason="../shared is not beside this clone")


def zone_of(place: str) -> str:
    if place.startswith("Yunnan zone "):
        return f"zone-{place.removeprefix('Yunnan zone ')[0]}"
    return ZONES.get(place.rpartition(" - ")[2], "") if " - " in place else ""


@needs_shared
def test_every_printed_price_gives_its_cap_to_the_fen() -> None:
    assert len(PRICES) == 108
    for row in PRICES:
        book = BOOKS.in_force(row["gb2260_code"], zone_of(row["place"]), ON)
        mode, stage = Mode(row["mode"]), Stage(row["stage"])
        inside, outside = SIZES[row["class_size_band"]]
        base_fen = fen_from_text(row["base_price_yuan_per_hour"])
        float_percent = Fraction(row["up_float_pct"] or "0")
        standard = int(row["standard_minutes"] or (45 if mode is Mode.OFFLINE else 30))
        for minutes in (standard, 60, 20):
            cap_fen = int(base_fen * (100 + float_percent) * minutes / (100 * standard))
            for size in inside:
                found = price_cap.check(Course(stage, Category.ACADEMIC, mode, size, minutes, cap_fen + 1), book)
                cited = next(one for one in found.cited if one.row.band == row["class_size_band"])
                where = (row["place"], row["class_size_band"], size, minutes)
                assert (cited.cap_fen, cited.row.base_fen, cited.row.float_percent) == (
                    cap_fen, base_fen, float_percent,
                ), where  # fmt: skip
                assert cited.row.confidence == row["confidence"], where
                assert cited.row.starts_text == row["effective_from"], where
                assert found.holds is not None
                assert found.holds.cap_fen == min(one.cap_fen for one in found.cited), where
            for size in outside:
                found = price_cap.check(Course(stage, Category.ACADEMIC, mode, size, minutes, cap_fen), book)
                assert row["class_size_band"] not in {one.row.band for one in found.cited}, (row["place"], size)


@needs_shared
def test_the_shipped_tables_hold_these_rows_and_no_others() -> None:
    shipped = sum(len(version.caps.rows) for version in BOOKS.versions if version.caps is not None)
    assert shipped == len(PRICES)


@needs_shared
def test_every_place_with_a_rule_has_its_file() -> None:
    places = {version.place for version in BOOKS.versions}
    assert {row["gb2260_code"] for row in PRICES} <= places
    named = {version.name.en.split(",")[0] for version in BOOKS.versions if version.name is not None}
    for row in (*read("local-rules.csv"), *read("reserve-rules.csv")):
        for part in row["place"].split(" ; "):
            place = part.replace("Shenzhen Futian", "Futian").replace("Tianjin Binhai", "Binhai")
            place = place.split("(")[0].split(",")[0].split(" - ")[0].strip()
            place = {"National platform": "China", "National": "China", "Yanhu district": "Yanhu"}.get(place, place)
            assert place in named, row["place"]


@needs_shared
def test_the_calendar_is_that_of_the_notices() -> None:
    rows = read("holidays-cn.csv")
    calendar = BOOKS.calendar("110000")
    for kind, days in (("holiday", calendar.holidays), ("workday", calendar.workdays)):
        assert days == {date.fromisoformat(row["date"]) for row in rows if row["kind"] == kind}
    assert calendar.noticed_years == frozenset(range(2020, 2027))
    names = {"LPR_1Y": "lpr_1y", "deposit_benchmark_1Y": "deposit_1y"}
    assert {(rate.name, rate.starts_on, rate.percent) for rate in BOOKS.rates} == {
        (names[row["rate_name"]], date.fromisoformat(row["date"]), Fraction(row["percent"]))
        for row in read("rates-cn.csv")
    }


# -- reserve rules, worked


def law(place: str, on: date, zone: str = "") -> Rulebook:
    """The real law with the floor of the demo where no text gives one, so that a formula can be asked."""
    book = BOOKS.in_force(place, zone, on)
    if book.find("reserve.floor") is None:
        floor = DEMO.in_force("000000", "", date(2026, 1, 1))["reserve.floor"]
        book.values["reserve.floor"] = floor  # type: ignore[index] # a mapping made for this call alone
    return book


@pytest.mark.parametrize(
    ("place", "zone", "on", "facts", "required_fen"),
    [
        # Shanghai 2012: a tenth of last year's receipts, at least 100,000 yuan; new and large: of the opening funds
        ("310000", "", date(2013, 1, 1),
         ReserveFacts(last_year_receipts_fen=300_000_000, under_one_year=False), 30_000_000),
        ("310000", "", date(2013, 1, 1),
         ReserveFacts(last_year_receipts_fen=50_000_000, under_one_year=False), 10_000_000),
        ("310000", "", date(2013, 1, 1), ReserveFacts(under_one_year=True, opening_funds_fen=150_000_000), 15_000_000),
        ("310000", "", date(2013, 1, 1), ReserveFacts(under_one_year=True, opening_funds_fen=100_000_000), 10_000_000),
        # Zigong 2020: a fifth of what was paid in three months
        ("510300", "", date(2021, 1, 1), ReserveFacts(recent_payments_fen=60_000_000), 12_000_000),
        # Zhejiang 2022 and Beijing sport 2023: everything
        ("330000", "", date(2023, 1, 1), ReserveFacts(undelivered_fen=12_345_678), 12_345_678),
        ("110000", "sport", date(2024, 1, 1), ReserveFacts(undelivered_fen=23_456_789), 23_456_789),
        # Shanghai cards 2019: 40 % above 200,000, all of it above a fifth of last year's income or when young
        ("310000", "", date(2023, 1, 1),
         ReserveFacts(balance_fen=90_000_000, last_year_income_fen=500_000_000, under_one_year=False), 36_000_000),
        ("310000", "", date(2023, 1, 1),
         ReserveFacts(balance_fen=110_000_000, last_year_income_fen=500_000_000, under_one_year=False), 110_000_000),
        ("310000", "", date(2023, 1, 1), ReserveFacts(balance_fen=30_000_000, under_one_year=True), 30_000_000),
        # commercial cards: by kind of issuer
        ("000000", "cards", date(2023, 1, 1),
         ReserveFacts(last_quarter_balance_fen=70_000_000, issuer_kind="large"), 14_000_000),
        ("000000", "cards", date(2023, 1, 1),
         ReserveFacts(last_quarter_balance_fen=70_000_000, issuer_kind="group"), 21_000_000),
        ("000000", "cards", date(2023, 1, 1),
         ReserveFacts(last_quarter_balance_fen=70_000_000, issuer_kind="brand"), 28_000_000),
    ],
)  # fmt: skip
def test_the_formulas_of_real_places(place: str, zone: str, on: date, facts: ReserveFacts, required_fen: int) -> None:
    assert reserve.required(reserve.rule(law(place, on, zone)), facts).required_fen == required_fen


def test_rules_beside_the_formula() -> None:
    rongcheng = BOOKS.in_force("371082", "", ON)
    assert rongcheng.whole("reserve.outflow_multiple") == 2
    zigong = reserve.rule(law("510300", ON))
    cards, fitness = reserve.rule(law("000000", ON, "cards")), law("320000", ON, "fitness")
    income = ReserveFacts(last_year_income_fen=1_000_01, under_one_year=False)
    assert reserve.balance_max_fen(cards, income) == 400_00
    fitness.values["reserve.formula"] = law("000000", ON, "cards")["reserve.formula"]  # type: ignore[index] # as above
    young = ReserveFacts(under_one_year=True, capital_fen=50_000_000, last_year_income_fen=7)
    assert reserve.balance_max_fen(reserve.rule(fitness), young) == 100_000_000
    assert reserve.balance_max_fen(reserve.rule(fitness), income) == 1_000_01
    assert reserve.balance_max_fen(zigong, income) is None
    assert BOOKS.in_force("320500", "", ON).flag("release.balance_floor")
