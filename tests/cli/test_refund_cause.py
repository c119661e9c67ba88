"""`custody refund ask` with everything in it, `show`, `decide-cause` and `confirm-cause`."""

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from ledger.money import fen_from_text
from tests.cli.shop import CODE, SIGNED_ON, Shop, deposit, lesson_row

AT = ("--institution", CODE)


def answered(shop: Shop, *words: str | Path, code: int = 0) -> dict[str, Any]:
    ran = shop.custody("refund", *words, "--json")
    assert (ran.code, bool(ran.out)) == (code, True), ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


@pytest.fixture
def paid(shop: Shop) -> Shop:
    """One family has paid; four hours were taught and confirmed by silence: 400.00 earned."""
    day = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.taught(*(lesson_row(f"L{n}") for n in range(4)))
    assert shop.custody("due", "--until", "2026-04-01").code == 0
    assert shop.custody("seal").code == 0
    return shop


def asked(shop: Shop, *more: str) -> str:
    words = ("--contract", "HT000001", "--cause", "institution", "--actor", "guardian:1")
    (row,) = answered(shop, "ask", *AT, *words, *more)["refunds"]
    return str(row["refund"])


def test_a_refund_is_asked_with_its_end_costs_and_rate_and_shown_whole(paid: Shop) -> None:
    refund = asked(paid, "--ended-on", "2026-04-01", "--cost", "12.50", "--agreed-interest", "3.65")
    shown = answered(paid, "show", refund, *AT)
    days = paid.ask("SELECT asked_on - date '2026-04-01' FROM ledger.refund")
    interest = f"{36 * days // 100}.{36 * days % 100:02d}"  # 3600 x 3.65 % / 365 = 0.36 a day
    lines = {line["code"]: line for line in shown["lines"]}
    assert lines["interest"]["amount"] == interest
    assert lines["interest"]["source"] == "contract: agreed rate"
    assert lines["cost_parent"]["amount"] == "12.50"
    cents = 3600_00 + 1250 + 36 * days
    assert shown["amount"] == f"{cents // 100}.{cents % 100:02d}"
    assert shown["funding"][0] == {"part": "principal", "payer": "custody", "amount": "3600.00"}
    paid_by = [fen_from_text(one["amount"]) for one in shown["funding"]]
    assert sum(paid_by) == cents == sum(fen_from_text(line["amount"], signed=True) for line in shown["lines"])
    assert {one["code"] for one in shown["dates"]} == {"answer_by", "pay_by", "delayed_after"}
    assert {one["cause"] for one in shown["alternatives"]} == {"consumer", "neither"}
    assert shown["decisions"] == []
    said = paid.custody("refund", "show", refund, *AT).out
    assert "Interest from the end of the contract" in said
    assert "principal: custody" in said


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (("--ended-on", "2099-01-01"), "DATE_IN_FUTURE"),
        (("--cost", "1e3"), "BAD_AMOUNT"),
        (("--account-interest", "-1"), "BAD_AMOUNT"),
    ],
)
def test_what_cannot_be_read_is_not_asked(paid: Shop, more: tuple[str, ...], code: str) -> None:
    words = ("--contract", "HT000001", "--cause", "institution")
    ran = paid.custody("refund", "ask", *AT, *words, *more, "--json")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert code in ran.err
    assert paid.count("refund") == 0


def test_a_cause_is_decided_on_evidence_by_two_people(paid: Shop) -> None:
    refund = asked(paid)
    letter = paid.file("letter.pdf", b"evidence")
    words = ("--cause", "neither", "--office", "区教委", "--evidence", "医院证明", "--evidence-file", letter)
    found = answered(paid, "decide-cause", refund, *AT, *words, "--actor", "clerk:li")
    (decision,) = found["decisions"]
    assert found["results"][0]["result"] == "done"
    assert decision["evidence_sha256"] == hashlib.sha256(b"evidence").hexdigest()
    assert (decision["cause"], decision["amount"], decision["confirmed_by"]) == ("neither", "3600.00", None)
    refused = answered(paid, "confirm-cause", refund, *AT, "--actor", "clerk:li", code=REFUSED)
    assert refused["results"][0]["code"] == "SAME_PERSON"
    (row,) = answered(paid, "confirm-cause", refund, *AT, "--actor", "clerk:wang")["refunds"]
    assert (row["cause"], row["state"]) == ("neither", "agreed")
    said = paid.custody("refund", "show", refund, *AT).out
    assert "医院证明" in said
    assert "clerk:wang" in said
    again = paid.custody("refund", "decide-cause", refund, *AT, *words, "--actor", "clerk:li")
    assert again.code == REFUSED
    assert "CAUSE_SETTLED" in again.err


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("decide-cause", "x", *AT, "--cause", "neither", "--office", "o", "--evidence", "e"), "UNKNOWN_REFUND"),
        (("decide-cause", "x", *AT, "--cause", "neither", "--office", " ", "--evidence", "e"), "EMPTY_CELL"),
        (("decide-cause", "x", *AT, "--cause", "neither", "--office", "o", "--evidence", " "), "EMPTY_CELL"),
        (("decide-cause", "x", *AT, "--cause", "neither", "--office", "o", "--evidence", "\x07"), "BAD_TEXT"),
        (("confirm-cause", "x", *AT), "UNKNOWN_REFUND"),
    ],
)
def test_a_decision_needs_its_words(shop: Shop, words: tuple[str, ...], code: str) -> None:
    ran = shop.custody("refund", *words, "--actor", "clerk:li", "--json")
    assert (ran.code, ran.out) == (UNUSABLE, "")
    assert code in ran.err


def test_a_refund_that_is_not_there_is_not_shown(shop: Shop) -> None:
    ran = shop.custody("refund", "show", "00000000-0000-7000-8000-000000000000", *AT)
    assert ran.code == UNUSABLE
    assert "UNKNOWN_REFUND" in ran.err
