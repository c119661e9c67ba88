"""What differs between two days and between two folders, and a draft laid over the law."""

from datetime import date
from pathlib import Path

import pytest

from ledger.errors import BadInput
from ledger.formats.price_cap import COLUMNS
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import price_cap, rulebook_change
from ledger.terms.price_cap import Category, Course, Mode, PriceCap, Stage
from ledger.terms.rulebook import RulebookChange, RuleValue

COURSE = Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 60_00)
LAW = load_rulebooks([BUILT_IN])


def write(
    folder: Path, name: str, days: int | None = None, *prices: str, source: str = "notice", ends: str = ""
) -> None:
    """A rulebook with one value, and a table of offline prices like "60" or "60@2026-02-01" (its first day)."""
    folder.mkdir(exist_ok=True)
    if days is not None:
        text = f'[refund]\ndays_after_class = {{ value = {days}, source = "{source}", confidence = "quoted"{ends} }}\n'
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    if prices:
        rows = [
            f"Testbury,{name[:6]},compulsory,academic,offline,any,{base},45,0,{start},notice,quoted,,"
            for base, _, start in (price.partition("@") for price in prices)
        ]
        (folder / f"{name}.csv").write_text("\n".join([",".join(COLUMNS), *rows]), encoding="utf-8")


def sides(*changes: RulebookChange) -> list[tuple[str, object, object]]:
    def said(side: RuleValue | PriceCap | None) -> object:
        return side.base_fen if isinstance(side, PriceCap) else side and side.value

    return [(one.key, said(one.before), said(one.after)) for one in changes]


def test_days_differ_by_key_and_band(tmp_path: Path) -> None:
    write(tmp_path, "990100-2026-01-01", 5, "60")
    write(tmp_path, "990100-2026-02-01", 9, "50")
    write(tmp_path, "990100-2026-03-01", 9, source="another notice")
    law = load_rulebooks([tmp_path])
    first, second, third = (law.in_force("990100", "", date(2026, month, 1)) for month in (1, 2, 3))
    assert sides(*rulebook_change.between_days(first, second)) == [
        ("price_cap.compulsory.offline.any", 60_00, 50_00),
        ("refund.days_after_class", 5, 9),
    ]
    assert rulebook_change.between_days(second, third) == []
    none = law.in_force("990100", "", date(2025, 1, 1))
    assert sides(*rulebook_change.between_days(none, first))[1] == ("refund.days_after_class", None, 5)


def test_senior_high_that_follows_is_no_band_of_its_own() -> None:
    before, after = (LAW.in_force("410300", "centre", date(2022, 1, day)) for day in (12, 13))
    keys = [one.key for one in rulebook_change.between_days(before, after)]
    assert "price_cap.senior_high_table" in keys
    assert not any(key.startswith("price_cap.senior_high.") for key in keys)


def test_folders_differ_by_file(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write(one, "990100-2026-01-01", 5, "60@2026-01-01", "70@2026-02-01")
    write(two, "990100-2026-01-01", 5, "60@2026-01-01", "80@2026-02-01", source="another notice")
    write(two, "990200-2026-01-01", 7)
    found = rulebook_change.between_folders(load_rulebooks([one]), load_rulebooks([two]))
    assert sides(*found) == [
        ("price_cap.compulsory.offline.any from 2026-02-01", 70_00, 80_00),
        ("refund.days_after_class", 5, 5),  # the same value from another source
        ("refund.days_after_class", None, 7),
    ]
    assert [change.effective_on for change in found] == [date(2026, 1, 1)] * 3
    assert [change.place for change in found] == ["990100", "990100", "990200"]
    back = rulebook_change.between_folders(load_rulebooks([two]), load_rulebooks([one]))
    assert ("refund.days_after_class", 7, None) in sides(*back)


# -- a draft


def test_a_draft_stands_above_the_files_of_its_place_whatever_its_day(tmp_path: Path) -> None:
    law_dir, draft_dir = tmp_path / "law", tmp_path / "draft"
    write(law_dir, "990000-2026-01-01", 1)
    write(law_dir, "990100-2026-01-01", 2, "60")
    write(law_dir, "990105-2026-01-01", 3)
    write(draft_dir, "990100-2030-01-01", 9, "40@2030-01-01", "30@2031-01-01")
    law, draft = load_rulebooks([BUILT_IN, law_dir]), load_rulebooks([draft_dir])

    def days(place: str) -> int:
        return law.drafted(draft, place, "", date(2026, 5, 1)).whole("refund.days_after_class")

    assert (days("990000"), days("990100"), days("990102"), days("990105")) == (1, 9, 9, 3)
    drafted = law.drafted(draft, "990100", "", date(2026, 5, 1))
    found = price_cap.check(COURSE, drafted)
    assert found.holds is not None
    assert found.holds.cap_fen == 30_00  # of several the latest
    assert drafted.digest != law.in_force("990100", "", date(2026, 5, 1)).digest


def test_a_draft_of_the_same_day_replaces_the_file(tmp_path: Path) -> None:
    law_dir, draft_dir = tmp_path / "law", tmp_path / "draft"
    write(law_dir, "990100-2026-01-01", 2, "60")
    write(draft_dir, "990100-2026-01-01", None, "50")
    drafted = load_rulebooks([law_dir]).drafted(load_rulebooks([draft_dir]), "990100", "", date(2026, 5, 1))
    assert drafted.find("refund.days_after_class") is None
    assert len(drafted.cap_tables) == 1


def test_a_draft_may_name_a_zone(tmp_path: Path) -> None:
    write(tmp_path, "990100-harbour-2030-01-01", 4)
    draft = load_rulebooks([tmp_path])
    assert LAW.drafted(draft, "990100", "harbour", date(2026, 5, 1)).whole("refund.days_after_class") == 4
    with pytest.raises(BadInput, match="UNKNOWN_ZONE"):
        LAW.drafted(draft, "990100", "moon", date(2026, 5, 1))
