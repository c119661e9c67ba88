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
        ({"place": "120000"}, "UNKNOWN_PLACE"),
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
