"""The price check on tables as ragged as the real ones, written here as files."""

from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from ledger.errors import BadInput
from ledger.formats.price_cap import COLUMNS
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import price_cap
from ledger.terms.price_cap import Category, Course, Mode, Stage, Verdict
from ledger.terms.rulebook import Rulebook

ON = date(2026, 3, 2)
Place = Callable[..., Rulebook]


def row(**cells: object) -> str:
    standing = {
        "place": "Testbury",
        "gb2260_code": "990100",
        "stage": "compulsory",
        "category": "academic",
        "mode": "offline",
        "class_size_band": "any",
        "base_price_yuan_per_hour": "60",
        "standard_minutes": "45",
        "up_float_pct": "10",
        "effective_from": "",
        "source": "notice 1",
        "confidence": "quoted",
        "size_min": "",
        "size_max": "",
    }
    return ",".join(str((standing | cells)[column]) for column in COLUMNS)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """Write tables of place 990100 and give what is in force."""

    def write(*rows: str, toml: str = "") -> Rulebook:
        file = "990100-2026-01-01"
        (tmp_path / f"{file}.csv").write_text("\n".join([",".join(COLUMNS), *rows]), encoding="utf-8")
        (tmp_path / f"{file}.toml").write_text(toml, encoding="utf-8")
        return load_rulebooks([BUILT_IN, tmp_path]).in_force("990100", "", ON)

    return write


def course(
    price_fen: int = 6600,
    size: int = 8,
    minutes: int = 45,
    stage: Stage = Stage.COMPULSORY,
    mode: Mode = Mode.OFFLINE,
    category: Category = Category.ACADEMIC,
) -> Course:
    return Course(stage, category, mode, size, minutes, price_fen)


def test_beijing_cuts_the_cap_to_whole_fen() -> None:
    beijing = load_rulebooks([BUILT_IN]).in_force("110000", "", ON)
    found = price_cap.check(course(price_fen=11734, minutes=60), beijing)  # 80 x 1.1 x 60 / 45 = 117.333...
    assert (found.verdict, found.excess_fen) == (Verdict.ABOVE_CAP, 1)
    assert found.holds is not None
    assert found.holds.cap_fen == 11733
    assert price_cap.check(course(price_fen=11733, minutes=60), beijing).verdict is Verdict.WITHIN_CAP


@pytest.mark.parametrize(("percent", "cap_fen"), [("0", 6000), ("", 6000), ("5", 6300), ("10", 6600), ("7.5", 6450)])
def test_the_float_is_the_places_own(place: Place, percent: str, cap_fen: int) -> None:
    found = price_cap.check(course(), place(row(up_float_pct=percent)))
    assert found.holds is not None
    assert found.holds.cap_fen == cap_fen


def test_a_size_in_two_bands_has_the_lower_cap_and_both_are_cited(place: Place) -> None:
    book = place(row(size_max=35, class_size_band="10-35"), row(size_min=35, base_price_yuan_per_hour="40"))
    found = price_cap.check(course(size=35, price_fen=4401), book)
    assert (found.verdict, found.excess_fen) == (Verdict.ABOVE_CAP, 1)
    assert [capped.cap_fen for capped in found.cited] == [4400, 6600]
    assert len(price_cap.check(course(size=34), book).cited) == 1


@pytest.mark.parametrize(("size", "reason"), [(1, "SIZE_NOT_COVERED"), (2, "WITHIN_CAP"), (51, "SIZE_NOT_COVERED")])
def test_a_size_no_band_covers_has_no_cap(place: Place, size: int, reason: str) -> None:
    book = place(row(size_min=2, size_max=9), row(size_min=36, size_max=50, class_size_band="36-50"))
    found = price_cap.check(course(size=size), book)
    assert found.reason == reason
    assert (found.verdict is Verdict.NO_CAP_SET) is (reason == "SIZE_NOT_COVERED")


def test_online_may_go_by_class_size_and_takes_its_own_standard_length(place: Place) -> None:
    rows = [
        row(mode="online", size_max=9, base_price_yuan_per_hour="16", standard_minutes=""),
        row(mode="online", size_min=10, base_price_yuan_per_hour="12", standard_minutes=""),
    ]
    found = price_cap.check(course(mode=Mode.ONLINE, size=10, minutes=60), place(*rows))
    assert found.holds is not None
    assert found.holds.cap_fen == 2640  # 12 x 1.1 x 60 / 30


def test_a_stage_or_mode_without_rows_has_no_table(place: Place) -> None:
    book = place(row())
    assert price_cap.check(course(mode=Mode.ONLINE), book).reason == "NO_TABLE"
    assert price_cap.check(course(stage=Stage.SENIOR_HIGH), book).reason == "NO_TABLE"


def test_senior_high_follows_the_compulsory_table_only_where_the_place_says_so(place: Place) -> None:
    says = '[price_cap]\nsenior_high_table = { value = "compulsory", source = "notice", confidence = "quoted" }\n'
    book = place(row(), toml=says)
    assert price_cap.check(course(stage=Stage.SENIOR_HIGH, price_fen=6601), book).verdict is Verdict.ABOVE_CAP
    assert price_cap.check(course(stage=Stage.SENIOR_HIGH, mode=Mode.ONLINE), book).reason == "NO_TABLE"


def test_non_academic_prices_are_only_disclosed(place: Place) -> None:
    found = price_cap.check(course(category=Category.NON_ACADEMIC, price_fen=99999900), place(row()))
    assert (found.verdict, found.holds) == (Verdict.NOT_CAPPED, None)


def test_tables_start_and_end(tmp_path: Path) -> None:
    columns = ",".join((*COLUMNS, "effective_to"))
    first = row(effective_from="2026-01-01", base_price_yuan_per_hour="70") + ",2026-01-31"
    later = row(effective_from="2026-03") + ","
    (tmp_path / "990100-2026-01-01.csv").write_text("\n".join([columns, first, later]), encoding="utf-8")
    books = load_rulebooks([BUILT_IN, tmp_path])

    def cap(on: date) -> int | str:
        found = price_cap.check(course(), books.in_force("990100", "", on))
        return found.reason if found.holds is None else found.holds.cap_fen

    assert cap(date(2025, 12, 31)) == "NO_TABLE"
    assert cap(date(2026, 1, 31)) == 7700
    assert cap(date(2026, 2, 1)) == "NO_TABLE"
    assert cap(date(2026, 3, 1)) == 6600


def test_a_later_file_and_a_zone_and_a_nearer_place_win(tmp_path: Path) -> None:
    header = ",".join(COLUMNS)

    def write(file: str, *rows: str) -> None:
        (tmp_path / f"{file}.csv").write_text("\n".join([header, *rows]), encoding="utf-8")

    write("990000-2026-01-01", row(gb2260_code="990000", base_price_yuan_per_hour="10"))
    write(
        "990000-2026-01-02",
        row(gb2260_code="990000", mode="online", base_price_yuan_per_hour="20", standard_minutes="30"),
    )
    write("990100-centre-2026-01-01", row(base_price_yuan_per_hour="30"))
    write("990100-2026-02-01", row(base_price_yuan_per_hour="40"))
    write("990100-2026-02-15", row(base_price_yuan_per_hour="50"))
    books = load_rulebooks([BUILT_IN, tmp_path])

    def base(zone: str, on: date, mode: Mode = Mode.OFFLINE, code: str = "990100") -> int:
        found = price_cap.check(course(mode=mode), books.in_force(code, zone, on))
        assert found.holds is not None
        return found.holds.row.base_fen

    assert base("", date(2026, 1, 15)) == 1000
    assert base("centre", date(2026, 3, 1)) == 3000
    assert base("", date(2026, 2, 14)) == 4000
    assert base("", date(2026, 2, 15)) == 5000
    assert base("", date(2026, 3, 1), Mode.ONLINE) == 2000
    assert base("", date(2026, 3, 1), code="990102") == 5000
    assert "centre" in books.zones("990100")
    with pytest.raises(BadInput, match="UNKNOWN_ZONE"):
        books.in_force("990100", "outskirts", ON)
