"""`custody price check`: shapes and exit codes, and a new place from files alone."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import main
from ledger.formats.price_cap import COLUMNS

Answer = tuple[int, str, str]
ROW = "Testbury,990100,compulsory,academic,offline,1-9,60,45,5,,notice 1,quoted,1,9"
KEYS = {"verdict", "cap", "excess", "base", "float_percent", "band", "source", "effective_from", "confidence"}


@pytest.fixture
def check(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    """`custody price check` on a lesson in Beijing, with other options where given (None leaves one out)."""

    def run(*flags: str, **options: str | None) -> Answer:
        asked: dict[str, str | None] = {
            "place": "110000",
            "stage": "compulsory",
            "category": "academic",
            "mode": "offline",
            "class-size": "8",
            "minutes": "60",
            "price": "120",
            "on": "2024-06-03",
        }
        asked |= {name.replace("_", "-"): value for name, value in options.items()}
        words = [word for name, value in asked.items() if value is not None for word in (f"--{name}", value)]
        monkeypatch.setattr("sys.argv", ["custody", "price", "check", *words, *flags])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run


def shown(answer: Answer) -> dict[str, Any]:
    found = json.loads(answer[1])
    assert isinstance(found, dict)
    return found


def test_a_price_above_the_cap_is_exit_1(check: Callable[..., Answer]) -> None:
    answer = check("--json")
    assert (answer[0], answer[2]) == (1, "")
    found = shown(answer)
    assert found.keys() > KEYS
    assert {key: found[key] for key in KEYS - {"source"}} == {
        "verdict": "above_cap",
        "cap": "117.33",
        "excess": "2.67",
        "base": "80.00",
        "float_percent": 10,
        "band": "<10",
        "effective_from": "2022-02-21",
        "confidence": "secondary",
    }


def test_within_the_cap_is_exit_0(check: Callable[..., Answer]) -> None:
    answer = check("--json", price="117.33")
    assert (answer[0], shown(answer)["verdict"], shown(answer)["excess"]) == (0, "within_cap", "0.00")


def test_fees_besides_a_capped_price_are_exit_1(check: Callable[..., Answer]) -> None:
    words = ("--fee", "教材:120", "--fee", "gift:0", "--fee", "lab: 1: 30.50")
    answer = check(*words, "--json", price="117.33")
    found = shown(answer)
    assert (answer[0], found["verdict"]) == (1, "within_cap")
    assert found["extra_fees"] == [{"name": "教材", "amount": "120.00"}, {"name": "lab: 1", "amount": "30.50"}]
    assert "教材 120.00" in check(*words, price="117.33")[1]
    # where nothing is capped, fees are the institution's own affair
    assert check(*words, "--json", category="non_academic")[0] == 0
    for wrong in ("120", ":120", "books:x"):
        assert check("--fee", wrong)[0] == 2


def test_no_cap_gives_nulls(check: Callable[..., Answer]) -> None:
    answer = check("--json", on="2022-02-20")
    found = shown(answer)
    assert (answer[0], found["verdict"]) == (0, "no_cap_set")
    assert {found[key] for key in KEYS - {"verdict"}} == {None}
    assert check(on="2022-02-20")[1].splitlines()[1:] == ["  price          120.00"]


def test_non_academic_is_not_capped(check: Callable[..., Answer]) -> None:
    answer = check("--json", category="non_academic", price="9999")
    assert (answer[0], shown(answer)["verdict"], shown(answer)["cap"]) == (0, "not_capped", None)
    assert shown(check("--json", category="non_academic", on="2020-01-01"))["source"] is None


def test_a_district_takes_its_city_and_its_province(check: Callable[..., Answer]) -> None:
    offline = shown(check("--json", place="440305", class_size="11", minutes="45", price="55"))
    assert (offline["cap"], offline["band"]) == ("55.00", "11-20")
    online = shown(check("--json", place="440305", mode="online", minutes="30", price="22"))
    assert (online["cap"], online["effective_from"]) == ("22.00", "date unknown")


def write_place(folder: Path, *rows: str, name: str = "990100-2024-01-01") -> str:
    (folder / f"{name}.csv").write_text("\n".join([",".join(COLUMNS), *rows]), encoding="utf-8")
    return str(folder)


def test_a_new_place_works_from_files_alone(
    check: Callable[..., Answer], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_place(tmp_path, ROW, ROW.replace("1-9,60,45,5", "8-20,50,45,7.5").replace("1,9", "8,20"))
    both = shown(check("--json", place="990100", minutes="45", price="63", rulebook_dir=folder))
    assert (both["cap"], both["float_percent"], both["band"]) == ("53.75", "7.5", "8-20")
    assert [row["band"] for row in both["cited"]] == ["8-20", "1-9"]
    monkeypatch.setenv("CUSTODY_RULEBOOK_DIR", folder)
    assert shown(check("--json", place="990100", class_size="7", minutes="45", price="63"))["verdict"] == "within_cap"
    code, out, _ = check(place="990100", minutes="45", price="63")
    assert code == 1
    assert "8-20 → 53.75; 1-9 → 63.00" in out


def test_a_place_priced_by_zone_asks_for_the_zone(check: Callable[..., Answer], tmp_path: Path) -> None:
    folder = write_place(tmp_path, ROW, name="990100-centre-2024-01-01")
    code, out, err = check("--json", place="990100", rulebook_dir=folder)
    assert (code, out) == (2, "")
    assert "centre" in err
    assert shown(check("--json", place="990100", zone="centre", rulebook_dir=folder))["cap"] == "84.00"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"place": "640000"}, "UNKNOWN_PLACE"),
        ({"place": "beijing"}, "BAD_PLACE"),
        ({"zone": "moon"}, "UNKNOWN_ZONE"),
        ({"on": "2024-02-30"}, "BAD_DATE"),
        ({"on": "03/06/2024"}, "BAD_DATE"),
        ({"price": "NaN"}, "BAD_AMOUNT"),
        ({"price": "-1"}, "BAD_AMOUNT"),
        ({"price": "117.333"}, "BAD_AMOUNT"),
        ({"rulebook_dir": "no/such/folder"}, "RULEBOOK_DIR_MISSING"),
        ({"minutes": "0"}, "--minutes"),
        ({"class_size": "x"}, "--class-size"),
        ({"stage": "primary"}, "--stage"),
        ({"price": None}, "--price"),
    ],
)
def test_input_that_cannot_be_used_is_exit_2(
    check: Callable[..., Answer], options: dict[str, str | None], code: str
) -> None:
    exit_code, out, err = check("--json", **options)
    assert (exit_code, out) == (2, "")
    assert code in err


def test_the_answer_for_people_names_the_rule(check: Callable[..., Answer]) -> None:
    code, out, _ = check()
    assert code == 1
    assert out.startswith("above_cap: The price is above the cap.\n")
    assert "  excess         2.67\n" in out


# -- a file of courses


def check_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *rows: str
) -> Answer:
    """`custody price check --file` on rows of the columns below."""
    header = "place,zone,stage,category,mode,class_size,minutes,price,on,course,fees"
    path = tmp_path / "courses.csv"
    path.write_text("\n".join([header, *rows]), encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["custody", "price", "check", "--file", str(path), "--json"])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out, said.err


def test_a_file_gives_a_verdict_per_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answer = check_file(
        tmp_path, monkeypatch, capsys,
        "110000,,compulsory,academic,offline,8,60,117.33,2024-06-03,SX-1,",
        "510100,centre,compulsory,academic,offline,35,45,38.51,2024-06-03,SX-2,books:20",
        "530000,zone-3,compulsory,academic,offline,51,45,9.00,2024-06-03,SX-3,books:20",
        "110000,,compulsory,non_academic,offline,8,60,900,2024-06-03,SX-4,",
    )  # fmt: skip
    found = shown(answer)
    assert (answer[0], found["errors"]) == (1, [])
    assert found["counts"] == {"within_cap": 1, "above_cap": 1, "no_cap_set": 1, "not_capped": 1}
    above = found["rows"][1]
    assert (above["line"], above["cap"], above["excess"], above["band"]) == (3, "38.50", "0.01", ">=35")
    assert [row["extra_fees"] for row in found["rows"]] == [[], [{"name": "books", "amount": "20.00"}], [], []]
    assert [fact["value"] for fact in above["penalties"]] == [5, "50000.00", "500000.00", "2000000.00"]


def test_rows_that_cannot_be_used_are_named_by_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = check_file(
        tmp_path, monkeypatch, capsys,
        "110000,,compulsory,academic,offline,8,60,NaN,2024-06-03,SX-1,",
        "510100,,compulsory,academic,offline,8,45,38.51,2024-06-03,SX-2,",
        "510100,moon,compulsory,academic,offline,8,45,38.51,2024-06-03,SX-3,",
        "640000,,compulsory,academic,offline,8,45,38.51,2024-06-03,SX-4,",
        "110000,,compulsory,academic,offline,8,45,88,2024-06-03,SX-5,",
    )  # fmt: skip
    found = json.loads(out)
    assert code == 2
    assert [(error["line"], error["field"], error["code"]) for error in found["errors"]] == [
        (2, "price", "BAD_AMOUNT"),
        (3, "zone", "ZONE_NEEDED"),
        (4, "zone", "UNKNOWN_ZONE"),
        (5, "place", "UNKNOWN_PLACE"),
    ]
    assert [row["line"] for row in found["rows"]] == [6]
    assert "courses.csv:2: price" in err


def test_a_file_for_people(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "courses.csv"
    header = "place,stage,category,mode,class_size,minutes,price,on,course,fees"
    path.write_text(
        f"{header}\n110000,compulsory,academic,offline,8,60,120,2024-06-03,SX-1,books:20\n", encoding="utf-8"
    )
    monkeypatch.setattr("sys.argv", ["custody", "price", "check", "--file", str(path)])
    with pytest.raises(SystemExit):
        main()
    out = capsys.readouterr().out
    assert "above_cap   SX-1 120.00, 2.67 above 117.33, books 20.00 besides\n" in out
    assert out.endswith("0 within_cap, 1 above_cap, 0 no_cap_set, 0 not_capped\n")


def test_a_file_that_is_too_long_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("ledger.cli.price.BYTES_MAX", 10)
    code, out, err = check_file(tmp_path, monkeypatch, capsys)
    assert (code, out) == (2, "")
    assert "LIMIT_EXCEEDED" in err


def test_a_province_with_no_table_by_zone_asks_for_none(check: Callable[..., Answer]) -> None:
    assert shown(check("--json", place="370000"))["reason"] == "NO_TABLE"
