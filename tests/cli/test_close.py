"""`custody close`: two people, every reason told, a certificate that openssl verifies, and kills that lose no day."""

import hashlib
import json
import shutil
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CUSTODY, SIGNED_ON, Shop, deposit
from tests.cli.test_payout import answered
from tests.conftest import run_custody

KILLED = -9
DOING = ("before_close_commit", "after_close_commit")
OF, ON = ("--account", CUSTODY), ("--on", SIGNED_ON.isoformat())
NEXT = SIGNED_ON + timedelta(days=1)
# what RFC 8410 writes before the 32 bytes of an Ed25519 key
DER = bytes.fromhex("302a300506032b6570032100")


@pytest.fixture
def day(shop: Shop) -> Shop:
    """Two families paid on the day that is to be closed."""
    file = shop.statement("day.xml", deposit(1), deposit(2), on=SIGNED_ON)
    assert shop.custody("statement", "import", file).code == 0
    return shop


def closed_through(shop: Shop) -> str:
    return str(shop.ask("SELECT closed_through FROM ledger.close WHERE fund_no = 1"))


def openssl_says(folder: Path, public: bytes, certificate: Path) -> bool:
    """Whether openssl, and nothing of this project, finds the signature right."""
    key = folder / "key.der"
    key.write_bytes(DER + public)
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-inkey", str(key), "-rawin", "-in",
               str(certificate), "-sigfile", f"{certificate}.sig"]  # fmt: skip
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def test_a_certificate_is_verified_by_openssl(day: Shop) -> None:
    assert shutil.which("openssl"), "the program is part of the system"
    answered(day, "close", "propose", *OF, *ON, "--actor", "clerk:li")
    made = answered(day, "close", "approve", *OF, "--actor", "clerk:wang")
    written = answered(day, "close", "show", *OF, "--out", day.folder / "out")
    path = Path(written["file"])
    (key,) = json.loads(Path(f"{path}.keys").read_text())["keys"]
    public = bytes.fromhex(key["public"])
    assert openssl_says(day.folder, public, path)
    assert hashlib.sha256(path.read_bytes()).hexdigest() == made["certificate"]["sha256"] == written["sha256"]
    assert json.loads(path.read_bytes()) == written["certificate"] == made["certificate"]["content"]
    again = answered(day, "close", "show", *OF, "--out", day.folder / "again")
    assert Path(again["file"]).read_bytes() == path.read_bytes()
    path.write_bytes(path.read_bytes().replace(b"8000.00", b"8000.01"))
    assert not openssl_says(day.folder, public, path)


def test_a_day_is_closed_by_two_people(day: Shop) -> None:
    nobody = answered(day, "close", "approve", *OF, "--actor", "clerk:wang", code=REFUSED)
    assert nobody["code"] == "NOTHING_PROPOSED"
    proposed = answered(day, "close", "propose", *OF, *ON, "--actor", "clerk:li")
    assert (proposed["result"], proposed["figures"]["bank"], proposed["certificate"]) == ("done", "8000.00", None)
    same = answered(day, "close", "approve", *OF, "--actor", "clerk:li", code=REFUSED)
    assert [one["code"] for one in same["reasons"]] == ["SAME_PERSON"]
    assert closed_through(day) == "2026-02-28"
    made = answered(day, "close", "approve", *OF, "--actor", "clerk:wang")
    assert (made["on"], made["certificate"]["clerk"], made["certificate"]["approver"]) == (
        "2026-03-02", "clerk:li", "clerk:wang",
    )  # fmt: skip
    assert closed_through(day) == "2026-03-02"
    assert answered(day, "close", "approve", *OF, "--actor", "clerk:wang")["result"] == "replayed"
    again = answered(day, "close", "propose", *OF, *ON, "--actor", "clerk:li", code=REFUSED)
    assert again["code"] == "DAY_CLOSED"
    # the block of the day is signed and anchored at once
    assert day.ask("SELECT max(block_no) FROM ledger.checkpoint") == day.ask("SELECT max(block_no) FROM ledger.block")
    assert run_custody(day.environment, "verify").returncode == 0


def test_every_reason_is_told(day: Shop) -> None:
    content = day.statement("gap.xml", deposit(3), sequence=3, opening_fen=800_000, on=NEXT)
    assert day.custody("statement", "import", content).code == 3
    ran = day.custody("close", "propose", *OF, "--on", NEXT.isoformat(), "--actor", "clerk:li")
    assert ran.code == REFUSED
    assert ("STATEMENT_HELD" in ran.err, "STATEMENT_MISSING" in ran.err) == (True, True)
    assert ("S-0003 SEQUENCE_GAP" in ran.err, day.count("close_proposal")) == (True, 0)


def test_days_are_opened_again_by_two_people_with_a_reason(day: Shop) -> None:
    answered(day, "close", "propose", *OF, *ON, "--actor", "clerk:li")
    answered(day, "close", "approve", *OF, "--actor", "clerk:wang")
    back = ("--through", (SIGNED_ON - timedelta(days=1)).isoformat())
    assert "EMPTY_CELL" in day.custody("close", "reopen", *OF, *back, "--reason", " ", "--actor", "a").err
    assert "BAD_TEXT" in day.custody("close", "reopen", *OF, *back, "--reason", "x" * 501, "--actor", "a").err
    none = ("close", "reopen", *OF, "--through", "2026-03-02", "--reason", "x", "--actor", "a")
    assert answered(day, *none, code=REFUSED)["code"] == "DAY_OPEN"
    answered(day, "close", "reopen", *OF, *back, "--reason", "银行更正了对账单", "--actor", "clerk:li")
    opened = answered(day, "close", "approve", *OF, "--actor", "clerk:wang")
    assert (opened["certificate"]["action"], closed_through(day)) == ("reopen", "2026-03-01")
    listed = answered(day, "close", "list", *OF)["certificates"]
    assert [(one["record"], one["action"], one["voided"]) for one in listed] == [
        (1, "close", True),
        (2, "reopen", False),
    ]
    assert listed[1]["previous"] == listed[0]["sha256"]
    human = day.custody("close", "show", *OF, "--record", "1")
    assert (human.code, listed[0]["sha256"] in human.out, "8000.00" in human.out) == (0, False, True)
    assert "reopen" in day.custody("close", "list", *OF).out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("propose", "--account", "1", "--actor", "a"), "UNKNOWN_ACCOUNT"),
        (("propose", *OF, "--on", "2999-01-01", "--actor", "a"), "DATE_IN_FUTURE"),
        (("propose", *OF, *ON), "--actor"),
        (("show", *OF), "CERTIFICATE_UNKNOWN"),
        (("show", *OF, "--record", "9"), "CERTIFICATE_UNKNOWN"),
    ],
)
def test_what_cannot_be_used_closes_nothing(day: Shop, words: tuple[str, ...], said: str) -> None:
    ran = day.custody("close", *words, "--json")
    assert (ran.code, ran.out, said in ran.err, closed_through(day)) == (UNUSABLE, "", True, "2026-02-28")


@pytest.mark.parametrize("point", DOING)
def test_a_kill_while_closing_is_healed_by_the_next_run(day: Shop, point: str) -> None:
    answered(day, "close", "propose", *OF, *ON, "--actor", "clerk:li")
    words = ("close", "approve", *OF, "--actor", "clerk:wang")
    assert run_custody({**day.environment, "CUSTODY_FAULT": point}, *words).returncode == KILLED
    assert (day.count("certificate"), closed_through(day)) == (
        (0, "2026-02-28") if point == "before_close_commit" else (1, "2026-03-02")
    )
    made = answered(day, *words)
    assert (made["result"], day.count("certificate"), closed_through(day)) == (
        "done" if point == "before_close_commit" else "replayed", 1, "2026-03-02",
    )  # fmt: skip
    assert run_custody(day.environment, "verify").returncode == 0
    assert day.ask("SELECT max(block_no) FROM ledger.checkpoint") == day.ask("SELECT max(block_no) FROM ledger.block")
