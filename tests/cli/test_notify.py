"""`custody notify`: every guardian is told once a notice day where a refund is, through the folder."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.cli import edge
from ledger.cli.main import NOT_READY, UNUSABLE
from ledger.cli.notify import tell
from ledger.settings import read_settings
from tests.cli.shop import NUMBER, SIGNED_ON, Shop, deposit
from web.sender import Folder

ASKED_AT = datetime(2026, 3, 20, 4, tzinfo=UTC)


@pytest.fixture
def asked(shop: Shop) -> Shop:
    """Two families have paid; one asked its refund."""
    day = shop.statement("day.xml", deposit(1), deposit(2), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.asked_refund("HT000001", ASKED_AT)
    return shop


def told(shop: Shop, at: datetime, folder: Path) -> tuple[int, int]:
    folder.mkdir(exist_ok=True)
    vault = edge.open_vault(read_settings())
    return tell(shop.database.app, vault, Folder(folder), NUMBER, at.date(), at)


def messages(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(one.read_text(encoding="utf-8")) for one in folder.glob("*.json")]


def test_a_family_is_told_on_the_days_and_never_twice(asked: Shop, tmp_path: Path) -> None:
    counts = []
    for day in (20, 20, 21, 25, 26, 30):
        counts.append(told(asked, ASKED_AT.replace(day=day), tmp_path / f"{day}"))
    assert counts == [(1, 1), (0, 0), (0, 0), (1, 1), (0, 0), (1, 1)]
    assert told(asked, datetime(2026, 4, 3, 4, tzinfo=UTC), tmp_path / "403") == (1, 1)
    (first,) = messages(tmp_path / "20")
    assert first["to"] == "13800000000"
    assert "¥4,000.00" in first["text"]
    assert "欧阳" not in first["text"]
    assert asked.count("notice") == asked.count("notice_sent") == 4


def test_what_could_not_be_handed_over_goes_with_the_next_run(asked: Shop, tmp_path: Path) -> None:
    asked.asked_refund("HT000002", ASKED_AT)
    vault = edge.open_vault(read_settings())

    class Broken:
        sent = 0

        def send(self, phone: str, text: str) -> None:
            if self.sent:
                raise OSError(28, "No space left on device")
            assert phone
            assert text
            self.sent += 1

    with pytest.raises(Exception, match="OUT_NOT_WRITABLE"):
        tell(asked.database.app, vault, Broken(), NUMBER, ASKED_AT.date(), ASKED_AT)
    assert asked.counts("notice", "notice_sent") == {"notice": 2, "notice_sent": 1}
    assert told(asked, ASKED_AT, tmp_path / "again") == (0, 1)
    assert len(messages(tmp_path / "again")) == 1


def test_a_refund_that_is_closed_is_told_no_more(asked: Shop, tmp_path: Path) -> None:
    refund = str(asked.ask("SELECT refund_id FROM ledger.refund"))
    ran = asked.custody("refund", "withdraw", refund, "--institution", "JG1001", "--actor", "guardian:1")
    assert ran.code == 0, ran.err
    assert told(asked, datetime(2026, 4, 3, 4, tzinfo=UTC), tmp_path / "x") == (0, 0)


def test_the_command_needs_a_folder_and_says_what_it_did(
    asked: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = asked.custody("notify")
    assert (ran.code, "OUTGOING_MISSING" in ran.err) == (NOT_READY, True)
    monkeypatch.setenv("CUSTODY_OUTGOING", str(tmp_path / "nowhere"))
    ran = asked.custody("notify")
    assert (ran.code, "OUT_NOT_WRITABLE" in ran.err) == (UNUSABLE, True)
    out = tmp_path / "outgoing"
    out.mkdir()
    monkeypatch.setenv("CUSTODY_OUTGOING", str(out))
    ran = asked.custody("notify", "--json")
    assert json.loads(ran.out) == {"told": [{"institution": "JG1001", "prepared": 0, "sent": 1}], "sent": 1}
    (said,) = messages(out)
    assert "已逾期" in said["text"]
    assert asked.custody("notify").code == 0
