"""`custody payout` and `custody refund ask|answer|approve|list`: two people, one file, the same bytes."""

import hashlib
import json
import stat
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from ledger.formats.pain001 import check_totals
from ledger.money import yuan
from tests.cli.shop import CODE, CUSTODY, PRICE_FEN, SIGNED_ON, Shop, deposit, lesson_row


def answered(shop: Shop, *words: str | Path, code: int = 0) -> dict[str, Any]:
    ran = shop.custody(*words, "--json")
    assert (ran.code, bool(ran.out)) == (code, True), ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.fixture
def paid(shop: Shop) -> Shop:
    """Two families have paid; of the first, four hours were taught and confirmed by silence: 400.00 earned."""
    day = shop.statement("day.xml", deposit(1), deposit(2), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.taught(*(lesson_row(f"L{n}") for n in range(4)))
    assert shop.custody("due", "--until", "2026-04-01").code == 0
    return shop


def build(shop: Shop, kind: str = "payout") -> dict[str, Any]:
    (batch,) = answered(shop, "payout", "build", "--kind", kind, "--actor", "clerk:li")["batches"]
    return dict(batch)


def test_earned_money_is_built_approved_by_another_and_written(paid: Shop) -> None:
    answer = answered(paid, "payout", "build", "--kind", "payout", "--institution", CODE, "--actor", "clerk:li")
    (batch,) = answer["batches"]
    assert (answer["instructions"], answer["control_sum"], answer["refused"]) == (1, "400.00", [])
    assert (batch["institution"], batch["account"], batch["state"], batch["built_by"]) == (
        CODE, CUSTODY, "built", "clerk:li",
    )  # fmt: skip
    assert answered(paid, "payout", "build", "--kind", "payout")["batches"] == []
    same = answered(paid, "payout", "approve", batch["batch"], "--actor", "clerk:li", code=REFUSED)
    assert (same["code"], same["state"]) == ("SAME_PERSON", "built")
    early = answered(paid, "payout", "write", batch["batch"], "--out", paid.folder / "out", code=REFUSED)
    assert (early["code"], "file" in early, (paid.folder / "out").exists()) == ("NOT_APPROVED", False, False)
    assert answered(paid, "payout", "approve", batch["batch_id"], "--actor", "clerk:wang")["state"] == "approved"
    assert answered(paid, "payout", "approve", batch["batch"], "--actor", "clerk:wang")["result"] == "replayed"
    written = answered(paid, "payout", "write", batch["batch"], "--out", paid.folder / "out")
    path = Path(written["file"])
    assert (path.name, written["state"]) == (f"{batch['batch']}.xml", "written")
    assert hashlib.sha256(path.read_bytes()).hexdigest() == written["sha256"]
    assert yuan(check_totals(path.read_bytes()).sum_fen) == "400.00"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert paid.broken() == []


def test_a_file_is_the_same_bytes_whenever_and_wherever_it_is_written(paid: Shop) -> None:
    batch = build(paid)
    paid.custody("payout", "approve", batch["batch"], "--actor", "clerk:wang")
    first = answered(paid, "payout", "write", batch["batch"], "--out", paid.folder / "a")
    Path(first["file"]).write_bytes(b"damaged")
    again = answered(paid, "payout", "write", batch["batch"], "--out", paid.folder / "a")
    other = answered(paid, "payout", "write", batch["batch"], "--out", paid.folder / "b" / "c")
    assert again["sha256"] == other["sha256"] == hashlib.sha256(Path(first["file"]).read_bytes()).hexdigest()
    assert Path(other["file"]).read_bytes() == Path(first["file"]).read_bytes()
    assert [path.name for path in (paid.folder / "a").iterdir()] == [f"{batch['batch']}.xml"]
    human = paid.custody("payout", "write", batch["batch"], "--out", paid.folder / "a")
    assert f"sha256 {first['sha256']}" in human.out


def test_a_place_that_cannot_be_written_is_refused_and_asking_again_works(paid: Shop) -> None:
    batch = build(paid)
    paid.custody("payout", "approve", batch["batch"], "--actor", "clerk:wang")
    blocked = paid.file("blocked", b"a file")
    ran = paid.custody("payout", "write", batch["batch"], "--out", blocked / "out", "--json")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert "OUT_NOT_WRITABLE" in ran.err
    assert answered(paid, "payout", "write", batch["batch"], "--out", paid.folder / "out")["state"] == "written"


def test_the_list_shows_every_batch_with_its_state(paid: Shop) -> None:
    batch = build(paid)
    (listed,) = answered(paid, "payout", "list")["batches"]
    assert listed == batch
    assert paid.custody("payout", "list", "--institution", CODE).out.splitlines()[1].split()[-1] == "built"
    assert paid.custody("payout", "list", "--institution", "JG9999").code == UNUSABLE


@pytest.mark.parametrize("reference", ["PO000000-20260301-000000", "", "龘", "0" * 5000, "\x1b[2J"])
def test_a_batch_nobody_built_is_unusable(paid: Shop, reference: str) -> None:
    for words in (["approve", reference, "--actor", "b"], ["write", reference, "--out", str(paid.folder)]):
        ran = paid.custody("payout", *words)
        assert (ran.code, ran.out) == (UNUSABLE, "")
        assert "UNKNOWN_BATCH" in ran.err
        assert "\x1b" not in ran.err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--kind", "reserve"], "Invalid value"),
        (["--kind", "payout", "--execute-on", "2026-02-30"], "BAD_DATE"),
        (["--kind", "payout", "--execute-on", "2020-01-01"], "DATE_PAST"),
        (["--kind", "payout", "--actor", " "], "BAD_ACTOR"),
        (["--kind", "payout", "--actor", "x" * 61], "BAD_ACTOR"),
        (["--kind", "payout", "--actor", "a\u202eb"], "BAD_ACTOR"),
        (["--kind", "payout", "--rulebook-dir", "nowhere"], "RULEBOOK_DIR_MISSING"),
    ],
)
def test_what_cannot_be_used_builds_nothing(paid: Shop, words: list[str], said: str) -> None:
    ran = paid.custody("payout", "build", *words, "--json")
    assert (ran.code, ran.out, paid.count("payout_batch")) == (UNUSABLE, "", 0)
    assert said in ran.err


def test_a_refund_goes_from_asking_to_the_familys_account(paid: Shop) -> None:
    of = ("--institution", CODE)
    asked = answered(
        paid, "refund", "ask", *of, "--contract", "HT000002", "--cause", "institution", "--actor", "parent:1"
    )
    (row,) = asked["refunds"]
    assert (row["contract"], row["amount"], row["state"]) == ("HT000002", yuan(PRICE_FEN), "asked")
    again = answered(paid, "refund", "ask", *of, "--contract", "HT000002", "--cause", "institution")
    assert (again["results"][0]["result"], again["refunds"][0]["refund"]) == ("replayed", row["refund"])
    early = answered(paid, "refund", "approve", row["refund"], *of, "--actor", "clerk:wang", code=REFUSED)
    assert early["results"][0]["code"] == "REFUND_NOT_AGREED"
    agreed = answered(paid, "refund", "answer", row["refund"], *of, "--agree", "--actor", "school:zhao")
    assert agreed["refunds"][0]["state"] == "agreed"
    same = answered(paid, "refund", "approve", row["refund"], *of, "--actor", "parent:1", code=REFUSED)
    assert same["results"][0]["code"] == "SAME_PERSON"
    answered(paid, "refund", "approve", row["refund"], row["refund"], *of, "--actor", "clerk:wang")
    assert [one["refund"] for one in answered(paid, "refund", "list", "--state", "approved")["refunds"]] == [
        row["refund"]
    ]
    batch = build(paid, "refund")
    assert (batch["kind"], batch["control_sum"]) == ("refund", yuan(PRICE_FEN))
    assert answered(paid, "refund", "list", *of)["refunds"][0]["state"] == "in_transit"
    assert paid.broken() == []


def test_a_second_person_is_needed_for_an_objection_too(paid: Shop) -> None:
    refund = paid.asked_refund("HT000001", datetime(2026, 3, 16, 4, tzinfo=UTC))
    of = ("--institution", CODE, "--actor", "school:zhao")
    assert paid.custody("refund", "answer", refund, *of).code == UNUSABLE
    assert "EMPTY_CELL" in paid.custody("refund", "answer", refund, *of, "--object").err
    answered(paid, "refund", "answer", refund, *of, "--object", "--reason", "六课时已授")
    answered(paid, "refund", "answer", refund, refund, *of, "--object", "--reason", "六课时已授")
    changed = answered(paid, "refund", "answer", refund, *of, "--agree", code=REFUSED)
    assert changed["results"][0]["code"] == "REFUND_ANSWERED"
    assert "HT000001" in paid.custody("refund", "list").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--contract", "HT999999", "--cause", "institution"], "UNKNOWN_CONTRACT"),
        (["--contract", "HT000003\x00", "--cause", "institution"], "BAD_TEXT"),
        (["--contract", "HT000002", "--cause", "fate"], "Invalid value"),
        (["--contract", "HT000002", "--cause", "neither", "--payee-name", "欧阳"], "BAD_ACCOUNT"),
        (["--contract", "HT000002", "--cause", "neither", "--payee-name", "\u202e"], "BAD_NAME"),
        (
            ["--contract", "HT000002", "--cause", "neither", "--payee-name", "欧", "--payee-account", "1",
             "--payee-bank", "1021"],
            "BAD_BANK_NUMBER",
        ),
    ],
)  # fmt: skip
def test_a_refund_that_cannot_be_asked_holds_nothing(paid: Shop, words: list[str], said: str) -> None:
    ran = paid.custody("refund", "ask", "--institution", CODE, *words, "--json")
    assert (ran.code, ran.out, paid.count("refund")) == (UNUSABLE, "", 0)
    assert said in ran.err


def test_a_refund_the_rules_refuse_is_exit_1(paid: Shop) -> None:
    words = ("refund", "ask", "--institution", CODE, "--contract", "HT000003", "--cause", "institution")
    answer = answered(paid, *words, code=REFUSED)
    assert (answer["results"][0]["code"], answer["refunds"]) == ("NOTHING_TO_REFUND", [])
    stale = ("--contract", "HT000002", "--cause", "institution", "--shown", "0" * 64)
    answer = answered(paid, "refund", "ask", "--institution", CODE, *stale, code=REFUSED)
    assert answer["results"][0]["code"] == "QUOTE_CHANGED"
    for unknown in ("no-id", "00000000-0000-7000-8000-000000000000"):
        ran = paid.custody("refund", "approve", unknown, "--institution", CODE, "--actor", "b")
        assert "UNKNOWN_REFUND" in ran.err
        assert ran.code == (UNUSABLE if unknown == "no-id" else REFUSED)
