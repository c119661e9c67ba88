"""`custody rulebook lint`: findings and exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.cli.main import main
from ledger.formats.price_cap import COLUMNS
from ledger.formats.rulebook import BUILT_IN

Answer = tuple[int, str, str]


@pytest.fixture
def lint(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def run(*words: str) -> Answer:
        monkeypatch.setattr("sys.argv", ["custody", "rulebook", "lint", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return run


def test_the_shipped_rulebooks_have_no_findings(lint: Callable[..., Answer]) -> None:
    code, out, _ = lint(str(BUILT_IN), "--json")
    assert (code, json.loads(out)["findings"]) == (0, [])
    assert lint(str(BUILT_IN))[1] == "0 findings\n"


def test_findings_name_file_key_and_reason(lint: Callable[..., Answer], tmp_path: Path) -> None:
    (tmp_path / "990100-2026-01-01.toml").write_text("[refund]\ndays = 5\n", encoding="utf-8")
    (tmp_path / "note.csv").write_text("", encoding="utf-8")
    code, out, _ = lint(str(tmp_path), "--json")
    assert code == 1
    first, second = json.loads(out)["findings"]
    assert (first["file"], first["key"], first["code"], first["line"]) == (
        "990100-2026-01-01.toml",
        "refund.days",
        "RULE_UNKNOWN_KEY",
        2,
    )
    assert "not known" in first["reason"]
    assert (second["file"], second["line"]) == ("note.csv", None)
    code, out, _ = lint(str(tmp_path))
    assert code == 1
    assert out.splitlines()[0].startswith("990100-2026-01-01.toml:2: refund.days: This key is not known")
    assert out.splitlines()[-1] == "2 findings"


def test_values_that_do_not_fit_are_shown(lint: Callable[..., Answer], tmp_path: Path) -> None:
    (tmp_path / "990100-2026-01-01.toml").write_text(
        '[refund]\ndays_after_class = { value = 1.5, source = "s", confidence = "quoted" }\n', encoding="utf-8"
    )
    assert "[1.5] (RULE_NUMBER)" in lint(str(tmp_path))[1]


def test_a_folder_that_is_not_there_is_exit_2(lint: Callable[..., Answer], tmp_path: Path) -> None:
    code, out, err = lint(str(tmp_path / "none"), "--json")
    assert (code, out) == (2, "")
    assert "RULEBOOK_DIR_MISSING" in err


# -- what is in force, and what differs


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., Answer]:
    def command(*words: str) -> Answer:
        monkeypatch.setattr("sys.argv", ["custody", "rulebook", *words])
        monkeypatch.setenv("CUSTODY_LANGUAGE", "en")
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return ended.value.code, said.out, said.err

    return command


def test_gaps_are_reported_and_not_refused(lint: Callable[..., Answer], tmp_path: Path) -> None:
    row = "Testbury,990100,compulsory,academic,offline,10-35,60,45,5,,notice 1,quoted,10,35"
    (tmp_path / "990100-2026-01-01.csv").write_text("\n".join([",".join(COLUMNS), row]), encoding="utf-8")
    code, out, _ = lint(str(tmp_path), "--json")
    assert code == 1
    assert [(one["code"], one["line"], one["value"], one["refused"]) for one in json.loads(out)["findings"]] == [
        ("RULE_BAND_GAP", 2, "> 35", False),
        ("RULE_BAND_GAP", 2, "1-9", False),
    ]


def test_show_names_file_source_and_confidence_of_each_value(run: Callable[..., Answer]) -> None:
    code, out, _ = run("show", "--place", "120116", "--on", "2024-06-03", "--json")
    found = json.loads(out)
    values = {one["key"]: one for one in found["values"]}
    assert (code, found["name"], found["files"][-1]) == (0, "Binhai, Tianjin", "120116-2021-09-01")
    points = values["release.milestone_points"]
    assert (points["value"], points["confidence"], points["effective_from"]) == (
        "1/3, 2/3, 1", "quoted", "2021-09, day not shown",
    )  # fmt: skip
    assert (values["refund.day_kind"]["file"], values["prepayment.hours_max"]["value"]) == ("120000-2021-09-23", "60")
    assert all(one["source"] and one["file"] for one in found["values"])
    assert {row["effective_from"] for row in found["prices"]} == {"date unknown"}
    assert "reserve.floor" in found["missing"]
    text = run("show", "--place", "120116", "--on", "2024-06-03")[1]
    assert "custody.mode = custody  how prepayments are protected" in text
    assert "quoted: Binhai detailed rules" in text
    assert text.strip().endswith(found["digest"])


def test_diff_of_two_days(run: Callable[..., Answer]) -> None:
    code, out, _ = run("diff", "--place", "510100", "--zone", "centre", "2022-06-01", "2023-06-01", "--json")
    rows = {row["key"]: row for row in json.loads(out)["changes"]}
    assert code == 0
    assert (rows["refund.day_kind"]["before"], rows["refund.day_kind"]["after"]) == ("calendar", "working")
    assert rows["price_cap.compulsory.offline.<10"]["after"] == "50.00 / 45 min + 10 %"
    assert "Chengdu price notice" in rows["refund.day_kind"]["source"]
    assert "refund.day_kind: calendar → working" in run("diff", "--place", "510100", "2022-06-01", "2023-06-01")[1]
    assert run("diff", "--place", "510100", "2022-06-01", "then")[0] == 2


def test_diff_of_two_folders(run: Callable[..., Answer], tmp_path: Path) -> None:
    (tmp_path / "990100-2026-01-01.toml").write_text("", encoding="utf-8")
    code, out, _ = run("diff", str(BUILT_IN), str(tmp_path), "--json")
    rows = json.loads(out)["changes"]
    assert code == 0
    assert all(row["after"] is None and row["effective_on"] for row in rows)
    assert len(rows) > 108
    assert run("diff", str(BUILT_IN), str(tmp_path / "none"))[0] == 2


def test_a_made_up_place_with_a_zone_works_from_its_files_alone(run: Callable[..., Answer], tmp_path: Path) -> None:
    text = '[release]\nmode = {{ value = "{}", source = "notice", confidence = "quoted" }}\n'
    (tmp_path / "990100-2026-01-01.toml").write_text(text.format("after_order"), encoding="utf-8")
    (tmp_path / "990100-harbour-2026-01-01.toml").write_text(text.format("periodic"), encoding="utf-8")
    for zone, mode in (("", "after_order"), ("harbour", "periodic")):
        words = ("--place", "990105", "--zone", zone, "--on", "2026-03-01", "--rulebook-dir", str(tmp_path), "--json")
        found = json.loads(run("show", *words)[1])
        assert {one["key"]: one["value"] for one in found["values"]}["release.mode"] == mode
