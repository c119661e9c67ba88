"""`custody rulebook lint`: findings and exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger.cli.main import main
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
