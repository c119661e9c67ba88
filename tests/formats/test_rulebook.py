"""Rulebook files: what is read, what is inherited, and what is refused with file and key."""

from datetime import date, time
from fractions import Fraction
from pathlib import Path

import pytest

from ledger.errors import BadInput
from ledger.formats.price_cap import COLUMNS
from ledger.formats.rulebook import BUILT_IN, lint, load_rulebooks
from ledger.terms.rulebook import NATION, Confidence, Rulebook
from ledger.terms.rulebook_key import KEYS

ON = date(2026, 11, 23)
NAME = "990100-2026-01-01"
CAP = {
    "place": "Testbury",
    "gb2260_code": "990100",
    "stage": "compulsory",
    "category": "academic",
    "mode": "offline",
    "class_size_band": "<10",
    "base_price_yuan_per_hour": "80",
    "standard_minutes": "45",
    "up_float_pct": "10",
    "effective_from": "2026-01-01",
    "source": "notice 1",
    "confidence": "quoted",
    "size_min": "",
    "size_max": "9",
}


def entry(value: str, source: str = '"notice 1"', confidence: str = '"quoted"') -> str:
    return f"{{ value = {value}, source = {source}, confidence = {confidence} }}"


def caps(**cells: str) -> str:
    return "\n".join([",".join(COLUMNS), ",".join((CAP | cells)[column] for column in COLUMNS)])


def write(folder: Path, toml: str | None = None, table: str | None = None, name: str = NAME) -> Path:
    if toml is not None:
        (folder / f"{name}.toml").write_text(toml, encoding="utf-8")
    if table is not None:
        (folder / f"{name}.csv").write_text(table, encoding="utf-8")
    return folder


def found(folder: Path) -> list[tuple[str, str, str, int | None]]:
    return [(finding.file, finding.key, finding.reason, finding.line) for finding in lint(folder)]


def in_force(folder: Path, place: str = "990100", zone: str = "", on: date = ON) -> Rulebook:
    return load_rulebooks([BUILT_IN, folder]).in_force(place, zone, on)


# -- what is shipped


def test_the_shipped_rulebooks_are_clean() -> None:
    assert lint(BUILT_IN) == []
    assert lint(BUILT_IN / "demo") == []


def test_beijing_has_its_own_days_and_the_nations_limits() -> None:
    beijing = load_rulebooks([BUILT_IN]).in_force("110000", "", ON)
    assert beijing.whole("refund.days_before_class") == 5
    assert beijing["refund.days_before_class"].file == "110000-2022-05-21"
    assert beijing["prepayment.months_max"].place == NATION
    assert beijing["prepayment.months_max"].confidence is Confidence.SECONDARY
    assert beijing.clock("lesson.offline_ends_by") == time(20, 30)
    assert beijing.name.zh == "北京市"
    assert beijing.find("custody.mode") is not None


def test_what_no_source_gives_is_left_to_the_operator() -> None:
    real = load_rulebooks([BUILT_IN]).in_force("110000", "", ON)
    assert set(real.missing()) == {key for key, kind in KEYS.items() if kind.mandatory}
    with pytest.raises(BadInput, match="RULE_MISSING"):
        real.whole("reserve.floor")
    demo = load_rulebooks([BUILT_IN, BUILT_IN / "demo"]).in_force("110108", "", ON)
    assert demo.missing() == ()
    assert demo["reserve.floor"].confidence is Confidence.DEMO
    assert demo.text("office.phone") == "010-0000-1208"


def test_every_shipped_value_has_a_source() -> None:
    for version in load_rulebooks([BUILT_IN, BUILT_IN / "demo"]).versions:
        assert all(value.source for value in version.values.values())


# -- inheritance and dates


def test_the_nearest_place_wins_per_key_and_there_the_newest_file(tmp_path: Path) -> None:
    write(tmp_path, f"[refund]\ndays_after_class = {entry('1')}\n", name="990000-2026-06-01")
    write(tmp_path, f"[refund]\ndays_after_class = {entry('2')}\ndays_before_class = {entry('9')}\n", name=NAME)
    write(tmp_path, f"[refund]\ndays_after_class = {entry('3')}\n", name="990100-2026-02-01")
    write(tmp_path, f"[refund]\ndays_after_class = {entry('4')}\n", name="990100-2027-01-01")
    write(tmp_path, f"[refund]\ndays_after_class = {entry('5')}\n", name="990100-old-town-2026-01-01")

    def days(place: str, zone: str = "", on: date = ON) -> int:
        return in_force(tmp_path, place, zone, on).whole("refund.days_after_class")

    assert days("990000") == days("990200") == 1
    assert days("990100", on=date(2026, 1, 31)) == 2
    assert days("990100") == days("990105") == 3
    assert days("990100", on=date(2027, 1, 1)) == 4
    assert days("990100", "old-town") == 5
    assert in_force(tmp_path).whole("refund.days_before_class") == 9
    assert in_force(tmp_path, on=date(2025, 12, 31)).find("refund.days_after_class") is None
    assert in_force(tmp_path, "990105").name.en == "China"


def test_a_place_is_known_by_its_files(tmp_path: Path) -> None:
    books = load_rulebooks([BUILT_IN, write(tmp_path, "")])
    assert books.knows("990100")
    assert books.knows("990105")
    assert not books.knows("990200")
    with pytest.raises(BadInput, match="BAD_PLACE"):
        books.in_force("9901", "", ON)
    with pytest.raises(BadInput, match="UNKNOWN_ZONE"):
        books.in_force("990100", "moon", ON)


def test_the_digest_names_the_content_not_its_layout(tmp_path: Path) -> None:
    one, two, three = (tmp_path / name for name in "abc")
    for folder in (one, two, three):
        folder.mkdir()
    write(
        one, f"[refund]\ndays_after_class = {entry('3')}\nday_kind = {entry(chr(34) + 'working' + chr(34))}\n", caps()
    )
    write(
        two,
        '# said otherwise\n[refund.day_kind]\nvalue = "working"\nsource = "notice 1"\nconfidence = "quoted"\n'
        f"[refund]\ndays_after_class = {entry('3')}\n",
        caps() + "\n",
    )
    write(
        three, f"[refund]\ndays_after_class = {entry('4')}\nday_kind = {entry(chr(34) + 'working' + chr(34))}\n", caps()
    )
    digests = [in_force(folder).digest for folder in (one, two, three)]
    assert digests[0] == digests[1] != digests[2]
    assert in_force(one, on=date(2025, 12, 31)).digest != digests[0]


def test_the_same_place_and_date_in_two_folders_must_say_the_same(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    write(one, f"[refund]\ndays_after_class = {entry('3')}\n")
    write(two, f"[refund]\ndays_after_class = {entry('3')}\n")
    assert len(load_rulebooks([one, two, one]).versions) == 1
    write(two, f"[refund]\ndays_after_class = {entry('4')}\n")
    with pytest.raises(BadInput, match="RULE_OVERLAP"):
        load_rulebooks([one, two])


def test_a_table_may_stand_alone(tmp_path: Path) -> None:
    write(tmp_path, table=caps(size_max=""))
    assert found(tmp_path) == []
    assert in_force(tmp_path).cap_tables[0].rows[0].base_fen == 8000


# -- values


def test_values_become_their_types(tmp_path: Path) -> None:
    toml = "\n".join(
        [
            f"prepayment.hours_max = {entry(chr(34) + '17.5' + chr(34))}",
            f"release.milestones = {entry(chr(34) + '30/30/40' + chr(34))}",
            f"release.milestone_points = {entry(chr(34) + '1/3, 2/3, 1' + chr(34))}",
            f"reserve.percent = {entry(chr(34) + '12.5' + chr(34))}",
            f"reserve.floor = {entry(chr(34) + '1.05' + chr(34))}",
            f"prepayment.loan_refused = {entry('false')}",
            "[office]",
            f'phone = {entry(chr(34) + "010-0000-1" + chr(34))[:-2]}, note = "day and night" }}',
        ]
    )
    book = in_force(write(tmp_path, toml))
    assert book.whole("prepayment.hours_max") == 1750
    assert book.percents("release.milestones") == (Fraction(30), Fraction(30), Fraction(40))
    assert book.percents("release.milestone_points") == (Fraction(1, 3), Fraction(2, 3), Fraction(1))
    assert book.percent("reserve.percent") == Fraction("12.5")
    assert book.whole("reserve.floor") == 105
    assert book.flag("prepayment.loan_refused") is False
    assert book["office.phone"].note == "day and night"
    with pytest.raises(KeyError):
        book.find("office.fax")


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("refund.days_after_class", "1.5", "RULE_NUMBER"),
        ("refund.days_after_class", "true", "RULE_NUMBER"),
        ("refund.days_after_class", '"15"', "RULE_NUMBER"),
        ("refund.days_after_class", "-1", "RULE_NUMBER"),
        ("prepayment.months_max", "0", "RULE_NUMBER"),
        ("reserve.floor", "100000.0", "RULE_NUMBER"),
        ("reserve.floor", "100000", "BAD_AMOUNT"),
        ("reserve.floor", '"1e5"', "BAD_AMOUNT"),
        ("reserve.floor", '"１００"', "BAD_AMOUNT"),
        ("reserve.floor", "nan", "RULE_NUMBER"),
        ("reserve.special_line_max", '"0.00"', "RULE_NUMBER"),
        ("prepayment.hours_max", '"0"', "RULE_NUMBER"),
        ("prepayment.hours_max", '"sixty"', "BAD_HOURS"),
        ("reserve.percent", '"10%"', "BAD_AMOUNT"),
        ("reserve.percent", '"1000.01"', "RULE_NUMBER"),
        ("release.milestones", '"30/30/30"', "RULE_NUMBER"),
        ("release.milestones", "30", "RULE_NUMBER"),
        ("release.milestone_points", "1", "RULE_NUMBER"),
        ("release.milestone_points", '"1/3, x, 1"', "RULE_NUMBER"),
        ("release.milestone_points", '"2/3, 1/3, 1"', "RULE_NUMBER"),
        ("release.milestone_points", '"0, 1"', "RULE_NUMBER"),
        ("release.milestone_points", '"1/3, 2/3"', "RULE_NUMBER"),
        ("lesson.offline_ends_by", '"8:30"', "RULE_CLOCK"),
        ("lesson.offline_ends_by", "2030", "RULE_CLOCK"),
        ("custody.mode", '"trust"', "RULE_CHOICE"),
        ("custody.mode", "1", "RULE_CHOICE"),
        ("office.phone", '" "', "RULE_EMPTY"),
        ("office.phone", "1.5", "RULE_EMPTY"),
        ("prepayment.loan_refused", '"yes"', "RULE_CHOICE"),
    ],
)
def test_values_that_cannot_be_read_are_named(tmp_path: Path, key: str, value: str, reason: str) -> None:
    group, name = key.split(".")
    write(tmp_path, f"[{group}]\n\n{name} = {entry(value)}\n")
    assert found(tmp_path) == [(f"{NAME}.toml", f"{key}.value", reason, 3)]
    with pytest.raises(BadInput) as refused:
        load_rulebooks([tmp_path])
    assert (refused.value.code, refused.value.where, refused.value.field) == (reason, f"{NAME}.toml:3", f"{key}.value")


@pytest.mark.parametrize(
    ("toml", "key", "reason"),
    [
        (f"[refund]\ndays_after_clas = {entry('3')}\n", "refund.days_after_clas", "RULE_UNKNOWN_KEY"),
        ('[refund]\ndays_after_class = { value = 3, source = "s", confidence = "quoted", unit = "d" }\n',
         "refund.days_after_class.unit", "RULE_UNKNOWN_KEY"),
        ("\nrefund = 3\n", "refund", "RULE_UNKNOWN_KEY"),
        ("[refund]\ndays_after_class = 3\n", "refund.days_after_class", "RULE_ENTRY"),
        (f"[refund]\ndays_after_class = {entry('3', source='1')}\n", "refund.days_after_class.source", "RULE_EMPTY"),
        (f"[refund]\ndays_after_class = {entry('3', source='1.5')}\n", "refund.days_after_class.source", "RULE_EMPTY"),
        (f"[refund]\ndays_after_class = {entry('3', confidence=chr(34) + 'sure' + chr(34))}\n",
         "refund.days_after_class.confidence", "RULE_CHOICE"),
        ('[refund]\ndays_after_class = { value = 3, source = "s" }\n',
         "refund.days_after_class.confidence", "RULE_EMPTY"),
        ('[refund]\ndays_after_class = { value = 3, source = "s", confidence = "quoted", note = "" }\n',
         "refund.days_after_class.note", "RULE_EMPTY"),
        ('[refund]\ndays_after_class = { source = "s", confidence = "quoted" }\n',
         "refund.days_after_class.value", "RULE_NUMBER"),
        ('\nname = "Testbury"\n', "name", "RULEBOOK_PLACE_NAME"),
        ('\nname = { zh = "试", en = "" }\n', "name", "RULEBOOK_PLACE_NAME"),
    ],
)  # fmt: skip
def test_files_that_do_not_fit_are_named(tmp_path: Path, toml: str, key: str, reason: str) -> None:
    assert found(write(tmp_path, toml)) == [(f"{NAME}.toml", key, reason, 2)]


def test_unreadable_files_are_named(tmp_path: Path) -> None:
    write(tmp_path, "[refund\n")
    (tmp_path / "990200-2026-01-01.toml").write_bytes(b'name = "\xff"')
    (tmp_path / "990300-2026-01-01.csv").write_bytes(b"\xff")
    (tmp_path / "990400-2026-01-01.csv").write_text('place,"', encoding="utf-8")
    (tmp_path / "990500-2026-01-01.toml").write_text("a = " + "[" * 5000, encoding="utf-8")
    assert [(file, reason, line) for file, _, reason, line in found(tmp_path)] == [
        (f"{NAME}.toml", "TOML_UNREADABLE", 1),
        ("990200-2026-01-01.toml", "TOML_UNREADABLE", 1),
        ("990300-2026-01-01.csv", "CSV_UNREADABLE", 1),
        ("990400-2026-01-01.csv", "CSV_UNREADABLE", 1),
        ("990500-2026-01-01.toml", "TOML_UNREADABLE", None),
    ]


@pytest.mark.parametrize("name", ["990100", "990100-2026-02-30", "99010-2026-01-01", "990100-2026-1-1", "beijing"])
def test_file_names_that_are_no_rulebook_names_are_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, "", caps(), name)
    assert sorted(found(tmp_path)) == [
        (f"{name}.csv", "", "RULEBOOK_NAME", None),
        (f"{name}.toml", "", "RULEBOOK_NAME", None),
    ]


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="RULEBOOK_DIR_MISSING"):
        lint(tmp_path / "none")


# -- calendars and rates


def test_calendars_of_a_place_join_the_nations(tmp_path: Path) -> None:
    (tmp_path / "calendar-990100.csv").write_text(
        "date,kind,name,source\n2026-07-20,vacation,summer,notice 1\n", encoding="utf-8"
    )
    (tmp_path / "calendar-cn.csv").write_text(
        "date,kind,name,source\n2027-01-01,holiday,元旦,notice 2\n", encoding="utf-8"
    )
    books = load_rulebooks([BUILT_IN, tmp_path])
    assert books.calendar("990100").vacations == {date(2026, 7, 20)}
    assert books.calendar("110000").vacations == frozenset()
    assert books.calendar("110000").noticed_years == frozenset(range(2020, 2028))


def test_calendars_and_rates_are_checked(tmp_path: Path) -> None:
    (tmp_path / "calendar-cn.csv").write_text(
        "date,kind,name,source\n2027-02-30,holiday,x,n\n2027-01-02,off,x,n\n2027-01-03,holiday,x,\n2027-01-03,workday,x,n\n",
        encoding="utf-8",
    )
    (tmp_path / "rates-cn.csv").write_text(
        "starts_on,rate,percent,source,confidence\n2027-01-20,lpr_1y,3%,n,quoted\n2027-01-20,lpr_5y,3,n,quoted\n",
        encoding="utf-8",
    )
    assert found(tmp_path) == [
        ("calendar-cn.csv", "date", "BAD_DATE", 2),
        ("calendar-cn.csv", "kind", "RULE_CHOICE", 3),
        ("calendar-cn.csv", "source", "RULE_EMPTY", 4),
        ("calendar-cn.csv", "date", "RULE_OVERLAP", 5),
        ("rates-cn.csv", "percent", "RULE_NUMBER", 2),
        ("rates-cn.csv", "rate", "RULE_CHOICE", 3),
    ]
