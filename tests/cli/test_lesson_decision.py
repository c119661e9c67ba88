"""`custody lessons dispute|waiting|decide|approve`: a disputed hour is held until two people have decided."""

import json
from typing import Any

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CODE, PRICE_FEN, SIGNED_ON, Shop, deposit, lesson_row
from tests.cli.test_due import NEXT_DAY, due, pay_and_teach

HOUR_FEN = PRICE_FEN // 40
WHERE = ("--institution", CODE, "--json")
WHY = ("--reason", "家长称当日停课；点名册第3页")


def asked(shop: Shop, *words: str, code: int = 0) -> dict[str, Any]:
    ran = shop.custody("lessons", *words)
    assert ran.code == code, ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def lesson_ids(shop: Shop) -> list[str]:
    return str(shop.ask("SELECT string_agg(lesson_id::text, ' ' ORDER BY lesson_no) FROM ledger.lesson")).split()


def decided(shop: Shop, lesson: str, verdict: str) -> str:
    found = asked(shop, "decide", lesson, "--outcome", verdict, *WHY, "--actor", "office:zhao", *WHERE)
    assert found["results"][0]["result"] == "done"
    return str(found["lessons"][0]["decision"])


def money(shop: Shop) -> tuple[int, int, int]:
    """What the contract has released and holds, and what the institution's account holds."""
    return (
        shop.ask("SELECT released_fen FROM ledger.contract_balance WHERE paid_fen > 0"),
        shop.ask("SELECT held_fen FROM ledger.contract_balance WHERE paid_fen > 0"),
        shop.ask("SELECT held_fen FROM ledger.balance WHERE class = 'payable' AND fund_no = 1"),
    )


def test_a_released_hour_that_comes_back_is_the_familys_again(shop: Shop) -> None:
    pay_and_teach(shop, 2)
    due(shop, NEXT_DAY)
    lesson = lesson_ids(shop)[0]
    assert money(shop) == (2 * HOUR_FEN, 0, 0)
    found = asked(shop, "dispute", lesson, *WHY, "--actor", "guardian:1", *WHERE)
    assert found["lessons"][0]["state"] == "disputed"
    assert money(shop) == (2 * HOUR_FEN, 0, HOUR_FEN)
    assert [row["lesson"] for row in asked(shop, "waiting", "--json")["lessons"]] == [lesson]
    decision = decided(shop, lesson, "reversed")
    refused = asked(shop, "approve", decision, "--actor", "office:zhao", *WHERE, code=REFUSED)
    assert refused["results"][0]["code"] == "SAME_PERSON"
    assert money(shop) == (2 * HOUR_FEN, 0, HOUR_FEN)
    found = asked(shop, "approve", decision, "--actor", "office:qian", *WHERE)
    assert found["lessons"][0]["state"] == "reversed"
    assert money(shop) == (HOUR_FEN, 0, 0)
    assert asked(shop, "approve", decision, "--actor", "office:qian", *WHERE)["results"][0]["result"] == "replayed"
    assert asked(shop, "waiting", "--json")["lessons"] == []
    assert shop.broken() == []


def test_an_hour_disputed_before_its_release_is_held_on_the_contract_and_may_stand(shop: Shop) -> None:
    pay_and_teach(shop, 1)
    (lesson,) = lesson_ids(shop)
    asked(shop, "dispute", lesson, *WHY, "--actor", "guardian:1", *WHERE)
    assert money(shop) == (0, HOUR_FEN, 0)
    assert asked(shop, "dispute", lesson, *WHY, "--actor", "guardian:1", *WHERE)["results"][0]["result"] == "replayed"
    assert due(shop, NEXT_DAY)["confirmed"] == 0
    asked(shop, "approve", decided(shop, lesson, "released"), "--actor", "office:qian", *WHERE)
    assert money(shop) == (HOUR_FEN, 0, 0)
    assert shop.broken() == []


def test_a_later_decision_replaces_the_earlier_one(shop: Shop) -> None:
    pay_and_teach(shop, 1)
    (lesson,) = lesson_ids(shop)
    asked(shop, "dispute", lesson, *WHY, "--actor", "guardian:1", *WHERE)
    first, second = decided(shop, lesson, "released"), decided(shop, lesson, "reversed")
    found = asked(shop, "approve", first, second, "--actor", "office:qian", *WHERE, code=REFUSED)
    assert [one["code"] for one in found["results"]] == ["DECISION_REPLACED", ""]
    assert money(shop) == (0, 0, 0)


def test_an_hour_at_an_unlawful_time_waits_for_a_decision_and_needs_no_dispute(shop: Shop) -> None:
    shop.custody("statement", "import", shop.statement("day.xml", deposit(1), on=SIGNED_ON))
    shop.taught(lesson_row("L1").replace("16:00", "20:40"))
    (row,) = asked(shop, "waiting", "--json")["lessons"]
    assert row["flags"]
    asked(shop, "approve", decided(shop, row["lesson"], "released"), "--actor", "office:qian", *WHERE)
    assert money(shop) == (HOUR_FEN, 0, 0)
    people = shop.custody("lessons", "waiting")
    assert people.out.split() == [
        "lesson", "contract", "lesson_no", "taught_on", "state", "flags", "decision", "verdict", "decided_by",
    ]  # fmt: skip


def test_what_nobody_may_decide_is_refused_and_changes_nothing(shop: Shop) -> None:
    pay_and_teach(shop, 1)
    (lesson,) = lesson_ids(shop)
    unknown = "01900000-0000-7000-8000-000000000000"
    words = ("--outcome", "reversed", *WHY, "--actor", "a:b", *WHERE)
    found = asked(shop, "decide", lesson, unknown, *words, code=REFUSED)
    assert found["results"][1]["code"] == "UNKNOWN_LESSON"
    found = asked(shop, "approve", unknown, "--actor", "office:qian", *WHERE, code=REFUSED)
    assert found["results"][0]["code"] == "UNKNOWN_DECISION"
    ran = shop.custody("lessons", "dispute", "no-id", *WHY, "--actor", "a:b", *WHERE)
    assert (ran.code, "UNKNOWN_LESSON" in ran.err) == (UNUSABLE, True)
    ran = shop.custody("lessons", "dispute", lesson, "--reason", " ", "--actor", "a:b", *WHERE)
    assert (ran.code, "EMPTY_CELL" in ran.err) == (UNUSABLE, True)
    assert shop.counts("lesson_dispute", "approval") == {"lesson_dispute": 0, "approval": 0}
