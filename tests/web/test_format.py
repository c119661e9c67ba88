"""Figures, days and formulas as pages write them, and words in both languages."""

import io
import re
from collections.abc import Iterator
from datetime import date, time

import pytest
from babel.messages import Catalog, extract, mofile, pofile
from flask import Flask

from ledger.errors import Message
from ledger.rules.refund_words import LABELS, NOTES, RULES
from ledger.settings import CLONE
from web import format
from web.language import TRANSLATIONS, install, said
from web.pages.shown import Hours

PO = TRANSLATIONS / "zh" / "LC_MESSAGES" / "messages.po"


def speaking(language: str) -> Iterator[None]:
    app = Flask("web")
    install(app)
    with app.test_request_context(f"/?lang={language}"):
        yield


@pytest.fixture
def zh() -> Iterator[None]:
    yield from speaking("zh")


@pytest.fixture
def en() -> Iterator[None]:
    yield from speaking("en")


def test_amounts_have_their_sign_groups_and_two_decimals() -> None:
    assert [format.amount(fen) for fen in (123450, -96000, 0, 5, 100_000_000)] == [
        "¥1,234.50", "−¥960.00", "¥0.00", "¥0.05", "¥1,000,000.00",
    ]  # fmt: skip


@pytest.mark.usefixtures("zh")
def test_days_and_hours_in_chinese() -> None:
    assert format.day(date(2026, 12, 15)) == "2026-12-15(周二)"
    assert format.day(date(2026, 12, 13)) == "2026-12-13(周日)"
    assert format.clock(time(9, 5)) == "09:05"
    assert [format.class_hours(hours) for hours in (1_00, 17_50)] == ["1 课时", "17.5 课时"]
    assert format.worked("hours_at_paid_price", "− 12 × 3200.00 ÷ 40") == "12 课时 × ¥80.00"


@pytest.mark.usefixtures("en")
def test_days_and_hours_in_english() -> None:
    assert format.day(date(2026, 12, 15)) == "2026-12-15 (Tue)"
    assert [format.class_hours(hours) for hours in (1_00, 50, 17_50)] == [
        "1 class hour", "0.5 class hours", "17.5 class hours",
    ]  # fmt: skip


@pytest.mark.usefixtures("en")
@pytest.mark.parametrize(
    ("code", "formula", "shown"),
    [
        ("hours_at_paid_price", "− 12 × 3200.00 ÷ 40", "12 class hours × ¥80.00"),
        ("hours_at_paid_price", "− 12 × 3200.00 ÷ (36 + 4)", "12 class hours × ¥80.00"),
        ("hours_at_paid_price", "− 1.25 × 1000.00 ÷ 3", "1.25 class hours × ¥1,000.00 ÷ 3 class hours"),
        ("hours_at_list_price", "− 17.25 × 95.00", "17.25 class hours × ¥95.00"),
        ("better_term", "3200.00 − 12.25 × 3200.00 ÷ 40 − 100.00", "¥3,200.00 − 12.25 × ¥3,200.00 ÷ 40 − ¥100.00"),
        ("floor", "0.00 − (-640.00)", "¥0.00 − (−¥640.00)"),
        ("seven_days", "1600.00 − 1200.00", "¥1,600.00 − ¥1,200.00"),
    ],
)
def test_formulas_read_as_sums_of_money(code: str, formula: str, shown: str) -> None:
    assert format.worked(code, formula) == shown


@pytest.mark.parametrize(
    ("phone", "link"),
    [("010-0000-1208", "tel:+861000001208"), ("12315", "tel:12315"), ("+86 10 0000 1208", "tel:+861000001208"),
     ("400-000-0000", "tel:+864000000000")],
)  # fmt: skip
def test_numbers_are_dialled_from_anywhere(phone: str, link: str) -> None:
    assert format.phone_link(phone) == link


def test_a_page_shows_the_tail_of_an_account() -> None:
    assert format.tail("6217000000000919") == "0919"


@pytest.mark.usefixtures("zh")
def test_sentences_from_below_are_in_the_language_of_the_page_with_its_marks() -> None:
    assert said(Message(en="You paid", zh="您已支付")) == "您已支付"
    for message in (*LABELS.values(), *RULES.values(), *NOTES.values()):
        assert re.search("[,:;()]", said(message)) is None


def test_one_tick_for_one_hour_while_they_are_few() -> None:
    strip = Hours(total=40_00, taught=12_00, waiting=1_00, disputed=1_00).strip
    assert [state for state, _, _ in strip.bars] == ["done"] * 12 + ["disp"] + ["wait"] + ["left"] * 26
    assert strip.width == 400


@pytest.mark.parametrize("hours", [Hours(90_00, 45_00, 0, 0), Hours(40_00, 12_50, 0, 0), Hours(0, 0, 0, 0)])
def test_a_bar_per_state_where_ticks_would_not_tell(hours: Hours) -> None:
    strip = hours.strip
    assert len(strip.bars) <= 4
    ends = [0, *(x + wide for _, x, wide in strip.bars)]
    assert all(x >= end for (_, x, _), end in zip(strip.bars, ends, strict=False))
    assert ends[-1] <= strip.width


# -- the words of templates and modules


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    with PO.open("rb") as file:
        return pofile.read_po(file, locale="zh")


def test_every_sentence_of_a_page_has_its_chinese_and_no_other_is_kept(catalog: Catalog) -> None:
    methods = [("**.py", "python"), ("templates/**.html", "jinja2")]
    options = {"templates/**.html": {"newstyle_gettext": "true"}}
    found = {said for _, _, said, _, _ in extract.extract_from_dir(CLONE / "web", methods, options)}
    known = {message.id for message in catalog if message.id}
    how = "pybabel extract -F web/babel.cfg -o messages.pot . && pybabel update -i messages.pot -d web/translations"
    assert {_first(one) for one in found} == {_first(one) for one in known}, how
    assert not catalog.obsolete


def test_no_sentence_is_untranslated_or_half_translated(catalog: Catalog) -> None:
    for message in catalog:
        if not message.id:
            continue
        shown, english = _first(message.string or ""), _first(message.id)
        assert shown, english
        assert not message.fuzzy, english
        assert re.search("[\u4e00-\u9fff]|^[^a-z]*$", re.sub(r"%\(\w+\)s", "", shown)), english
        for pattern in (r"%\(\w+\)s", r"</?\w+"):
            assert sorted(re.findall(pattern, shown)) == sorted(re.findall(pattern, english)), english


def test_the_compiled_catalog_is_the_one_that_is_read(catalog: Catalog) -> None:
    made = io.BytesIO()
    mofile.write_mo(made, catalog)
    assert PO.with_suffix(".mo").read_bytes() == made.getvalue(), "run: pybabel compile -d web/translations"


def _first(said: str | tuple[str, ...] | list[str]) -> str:
    return said if isinstance(said, str) else said[0]
