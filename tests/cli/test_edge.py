"""What the commands share: the clock, the key file, files that are written whole or not at all."""

import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from ledger.cli import edge
from ledger.errors import BadInput
from ledger.settings import CLONE, NotReady, Settings, read_settings
from tests.cli.shop import Shop


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """The embedded server's settings, with a key file that is not there yet."""
    return replace(read_settings(), database_url=None, home=tmp_path, key_file=tmp_path / "home" / "key")


# -- the clock


def test_without_an_order_the_clock_is_real(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CUSTODY_NOW", raising=False)
    before = datetime.now(UTC)
    assert before <= edge.now(settings) <= datetime.now(UTC)


def test_the_demo_clock_is_an_instant_with_its_zone(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTODY_NOW", "2026-03-02T00:30:00+08:00")
    assert edge.now(settings) == datetime(2026, 3, 1, 16, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    "given", ["2026-03-02", "2026-03-02T12:00:00", "NaN", "-1", "0001-01-01T00:00:00+08:00", "明天"]
)
def test_a_clock_that_is_no_instant_is_refused(settings: Settings, monkeypatch: pytest.MonkeyPatch, given: str) -> None:
    monkeypatch.setenv("CUSTODY_NOW", given)
    with pytest.raises(BadInput) as caught:
        edge.now(settings)
    assert caught.value.code == "BAD_CLOCK"


def test_real_books_keep_real_time(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUSTODY_NOW", "2026-03-02T12:00:00+08:00")
    ran = shop.custody("due", "--until", "2026-03-01", "--json")
    assert (ran.code, ran.out) == (4, "")
    assert "CLOCK_IS_REAL" in ran.err


def test_days_are_written_one_way_and_may_have_a_last_one() -> None:
    assert edge.day("2026-03-02", "--on") == date(2026, 3, 2)
    assert edge.day_until(None, "--on", date(2026, 3, 2)) == date(2026, 3, 2)
    with pytest.raises(BadInput, match="DATE_IN_FUTURE"):
        edge.day_until("2026-03-03", "--on", date(2026, 3, 2))


# -- keys


def test_the_key_is_made_once_for_its_owner_alone_and_opens_what_it_sealed(settings: Settings) -> None:
    token = edge.open_vault(settings).seal("欧阳", "student", "name", 1)
    assert stat.S_IMODE(settings.key_file.stat().st_mode) == 0o600
    assert len(bytes.fromhex(settings.key_file.read_text())) == 32
    assert edge.open_vault(settings).open(token, "student", "name", 1) == "欧阳"
    assert [path.name for path in settings.key_file.parent.iterdir()] == ["key"]


def test_first_users_at_once_end_up_with_one_key(settings: Settings) -> None:
    program = "from ledger.cli import edge; from ledger.settings import read_settings; edge.open_vault(read_settings())"
    surroundings = {**os.environ, "CUSTODY_KEY_FILE": str(settings.key_file)}
    users = [subprocess.Popen([sys.executable, "-c", program], env=surroundings, cwd=CLONE) for _ in range(4)]
    assert [user.wait(60) for user in users] == [0] * 4
    assert edge.open_vault(settings)
    assert [path.name for path in settings.key_file.parent.iterdir()] == ["key"]


@pytest.mark.parametrize(
    ("content", "mode", "code"),
    [
        (b"00" * 32, 0o640, "KEY_FILE_OPEN"),
        (b"", 0o600, "KEY_FILE_UNREADABLE"),
        (b"00" * 31, 0o600, "KEY_FILE_UNREADABLE"),
        (b"zz" * 32, 0o600, "KEY_FILE_UNREADABLE"),
        (b"\xff" * 64, 0o600, "KEY_FILE_UNREADABLE"),
    ],
)
def test_a_key_file_that_is_open_or_damaged_is_never_replaced(
    settings: Settings, content: bytes, mode: int, code: str
) -> None:
    settings.key_file.parent.mkdir()
    settings.key_file.write_bytes(content)
    settings.key_file.chmod(mode)
    with pytest.raises(NotReady) as caught:
        edge.open_vault(settings)
    assert caught.value.code == code
    assert settings.key_file.read_bytes() == content


def test_a_key_that_is_gone_is_not_made_anew_over_sealed_books(shop: Shop) -> None:
    key = read_settings().key_file
    key.rename(shop.folder / "backup")
    ran = shop.custody("payout", "build", "--kind", "payout", "--json")
    assert (ran.code, ran.out, key.exists()) == (4, "", False)
    assert "KEY_FILE_MISSING" in ran.err
    (shop.folder / "backup").rename(key)
    assert shop.custody("payout", "build", "--kind", "payout").code == 0


def test_a_home_that_cannot_hold_a_key_is_said(settings: Settings) -> None:
    settings.home.joinpath("home").write_text("a file")
    with pytest.raises(NotReady) as caught:
        edge.open_vault(settings)
    assert caught.value.code == "HOME_NOT_WRITABLE"


# -- files


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    def broken() -> Iterator[bytes]:
        yield b"half"
        raise RuntimeError("lost")

    path = tmp_path / "new" / "out.csv"
    with pytest.raises(RuntimeError):
        edge.write_file(path, broken())
    assert list(path.parent.iterdir()) == []
    assert edge.write_file(path, [b"a", b"b"]) == (
        "fb8e20fc2e4c3f248c60c39bd652f3c1347298bb977b8b4d5903b85055620603"  # SHA-256 of "ab"
    )
    with pytest.raises(RuntimeError):
        edge.write_file(path, broken())
    assert path.read_bytes() == b"ab"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    with pytest.raises(BadInput, match="OUT_NOT_WRITABLE"):
        edge.write_file(path / "below", [b""])
    with pytest.raises(BadInput, match="OUT_NOT_WRITABLE"):
        edge.write_file(path.parent, [b""])
    assert sorted(one.name for one in path.parent.iterdir()) == ["out.csv"]


def test_what_is_no_file_of_ours_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "large").write_bytes(b"12345")
    for path in (tmp_path, tmp_path / "none", tmp_path / "pipe", Path("/dev/zero"), Path("a\0b")):
        with pytest.raises(BadInput, match="FILE_UNREADABLE"):
            edge.read_file(path, 4)
    with pytest.raises(BadInput, match="LIMIT_EXCEEDED"):
        edge.read_file(tmp_path / "large", 4)
    assert edge.read_file(tmp_path / "large", 5) == b"12345"


# -- people


def test_who_does_it_is_named_or_is_the_login() -> None:
    assert edge.actor_name(" clerk:李 ") == "clerk:李"
    assert edge.actor_name(None).startswith("cli:")
    for given in ("", " ", "x" * 61, "a\nb", "a\u202eb", "\udcff"):
        with pytest.raises(BadInput, match="BAD_ACTOR"):
            edge.actor_name(given)


def test_a_table_cuts_nothing_off_and_cannot_be_steered(capsys: pytest.CaptureFixture[str]) -> None:
    edge.print_table(["name", "yuan"], [["校" * 150, "1.00"], ["\x1b[2J[red]x", None]], right=["yuan"])
    out = capsys.readouterr().out
    assert "校" * 150 in out
    assert "\x1b" not in out
    assert "[red]x" in out
    assert len(out.splitlines()) == 3
