"""`custody lessons evidence`: whoever decides reads what was said, and gets the photos as they were sent."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ledger.cli import edge
from ledger.cli.main import UNUSABLE
from ledger.errors import Outcome
from ledger.flows import evidence
from ledger.formats.photo import read_photo
from ledger.settings import read_settings
from ledger.terms.evidence import NewEvidence
from ledger.terms.ids import new_id
from tests.cli.shop import CODE, NUMBER, SIGNED_ON, Shop, deposit, lesson_row

AT = ("--institution", CODE)
NOW = datetime(2026, 3, 10, 4, tzinfo=UTC)
JPEG = b"\xff\xd8\xff\xe0 seen \xff\xd9"


def give(shop: Shop, lesson: str, words: str, photo: bytes = b"", at: datetime = NOW) -> Outcome:
    new = NewEvidence(
        new_id(NOW), edge.row_id(lesson, "", ""), words, read_photo(photo) if photo else None, "guardian:1"
    )
    with shop.database.app.begin() as conn:
        return evidence.give(conn, edge.open_vault(read_settings()), NUMBER, new, at)


def test_what_was_said_is_read_and_photos_are_written_as_they_were(shop: Shop, tmp_path: Path) -> None:
    assert shop.custody("statement", "import", shop.statement("day.xml", deposit(1), on=SIGNED_ON)).code == 0
    shop.taught(lesson_row("L1"))
    lesson = str(shop.ask("SELECT lesson_id FROM ledger.lesson"))
    assert give(shop, lesson, "too early").code == "EVIDENCE_LATE"
    assert shop.custody("lessons", "dispute", lesson, *AT, "--reason", "absent", "--actor", "guardian:1").code == 0
    assert give(shop, lesson, "发烧在家").accepted
    assert give(shop, lesson, "", JPEG, NOW + timedelta(minutes=1)).accepted
    digest = hashlib.sha256(JPEG).hexdigest()
    ran = shop.custody("lessons", "evidence", lesson, *AT, "--json")
    said, shown = json.loads(ran.out)["evidence"]
    assert (said["words"], said["photo"], said["by"], said["given_on"]) == (
        "发烧在家",
        None,
        "guardian:1",
        "2026-03-10",
    )
    assert (shown["words"], shown["photo"], shown["sha256"]) == ("", f"{len(JPEG)} bytes", digest)
    out = tmp_path / "photos"
    assert shop.custody("lessons", "evidence", lesson, *AT, "--out", out).code == 0
    (file,) = out.iterdir()
    assert (file.name, file.read_bytes(), file.stat().st_mode & 0o077) == (f"{digest}.jpg", JPEG, 0)
    assert "发烧在家" in shop.custody("lessons", "evidence", lesson, *AT).out


def test_a_lesson_that_is_not_there_has_none(shop: Shop) -> None:
    for lesson in ("x", str(new_id(NOW))):
        ran = shop.custody("lessons", "evidence", lesson, *AT)
        assert (ran.code, "UNKNOWN_LESSON" in ran.err) == (UNUSABLE, True)
    assert give(shop, str(new_id(NOW)), "nobody").code == "UNKNOWN_LESSON"
