"""`custody lessons dispute`, `waiting`, `decide` and `approve`: who asks, who answers, and what people read."""

import json
from typing import Any
from uuid import UUID

import pytest

from ledger.cli.main import REFUSED, UNUSABLE
from tests.cli.shop import CODE, PRICE_FEN, SIGNED_ON, Shop, deposit, lesson_row

AT = ("--institution", CODE)
WHY = ("--reason", "the pupil was ill that day")
HOUR_FEN = PRICE_FEN // 40


def answered(shop: Shop, *words: str, code: int = 0) -> dict[str, Any]:
    ran = shop.custody("lessons", *words, "--json")
    assert (ran.code, bool(ran.out)) == (code, True), ran.err
    found: dict[str, Any] = json.loads(ran.out)
    return found


def results(answer: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["result"], one["code"]) for one in answer["results"]]


@pytest.fixture
def taught(shop: Shop) -> Shop:
    """One family has paid; two lawful hours were taught, and one at eight in the evening."""
    day = shop.statement("day.xml", deposit(1), on=SIGNED_ON)
    assert shop.custody("statement", "import", day).code == 0
    shop.taught(lesson_row("L1"), lesson_row("L2", hours="2"), lesson_row("L3").replace("16:00", "20:00"))
    return shop


def lesson(shop: Shop, number: str) -> str:
    return str(shop.ask(f"SELECT lesson_id FROM ledger.lesson WHERE lesson_no = '{number}'"))


def state(shop: Shop, number: str) -> str:
    return str(shop.ask(f"SELECT state FROM ledger.lesson_now WHERE lesson_no = '{number}'"))


def decide(shop: Shop, number: str, verdict: str, by: str = "clerk:li") -> str:
    answer = answered(shop, "decide", lesson(shop, number), *AT, "--outcome", verdict, *WHY, "--actor", by)
    return str(answer["lessons"][0]["decision"])


def test_a_disputed_hour_is_decided_by_two_people_and_stands(taught: Shop) -> None:
    disputed = lesson(taught, "L1")
    answer = answered(taught, "dispute", disputed, *AT, *WHY, "--actor", "guardian:1")
    assert results(answer) == [("done", "")]
    assert answer["lessons"][0] | {"decision": None} == {
        "lesson": disputed, "institution": CODE, "contract": "HT000001", "lesson_no": "L1", "taught_on": "2026-03-09",
        "state": "disputed", "flags": [], "decision": None, "verdict": None, "decided_by": None,
    }  # fmt: skip
    assert taught.ask("SELECT held_fen FROM ledger.contract_balance WHERE held_fen > 0") == HOUR_FEN
    decision = decide(taught, "L1", "released")
    waiting = {row["lesson_no"]: row for row in answered(taught, "waiting")["lessons"]}
    assert waiting.keys() == {"L1", "L3"}
    told = ("decision", "verdict", "decided_by")
    assert [waiting["L1"][name] for name in told] == [decision, "released", "clerk:li"]
    assert [waiting["L3"][name] for name in ("decision", "flags")] == [None, ["LESSON_ENDS_TOO_LATE"]]
    answer = answered(taught, "approve", decision, *AT, "--actor", "clerk:wang")
    assert (results(answer), answer["lessons"][0]["state"]) == ([("done", "")], "released")
    assert [row["lesson_no"] for row in answered(taught, "waiting", *AT)["lessons"]] == ["L3"]
    assert taught.ask("SELECT sum(held_fen) FROM ledger.contract_balance") == 0
    assert taught.ask("SELECT sum(released_fen) FROM ledger.contract_balance") == HOUR_FEN
    assert taught.broken() == []


def test_an_hour_confirmed_by_silence_may_be_disputed_and_comes_back(taught: Shop) -> None:
    assert taught.custody("due", "--until", "2026-03-31").code == 0
    assert (state(taught, "L2"), state(taught, "L3")) == ("released", "recorded")
    answered(taught, "dispute", lesson(taught, "L2"), *AT, *WHY, "--actor", "guardian:1")
    answered(taught, "approve", decide(taught, "L2", "reversed"), *AT, "--actor", "clerk:wang")
    assert state(taught, "L2") == "reversed"
    assert taught.ask("SELECT sum(released_fen) FROM ledger.contract_balance") == HOUR_FEN
    taught.custody("seal")
    assert taught.broken() == []


def test_an_unlawful_hour_is_decided_without_a_dispute(taught: Shop) -> None:
    answered(taught, "approve", decide(taught, "L3", "released"), *AT, "--actor", "clerk:wang")
    assert state(taught, "L3") == "released"
    assert answered(taught, "waiting")["lessons"] == []


def test_what_is_asked_twice_is_done_once(taught: Shop) -> None:
    words = ("dispute", lesson(taught, "L1"), lesson(taught, "L1"), *AT, *WHY, "--actor", "guardian:1")
    assert results(answered(taught, *words)) == [("done", "")]
    assert results(answered(taught, *words)) == [("replayed", "")]
    assert decide(taught, "L1", "reversed") == decide(taught, "L1", "reversed")
    assert (taught.count("lesson_decision"), taught.count("hold")) == (1, 1)


def test_a_refusal_is_told_and_the_others_are_done(taught: Shop) -> None:
    words = ("decide", lesson(taught, "L1"), lesson(taught, "L3"), *AT, "--outcome", "released", *WHY)
    answer = answered(taught, *words, "--actor", "clerk:li", code=REFUSED)
    assert results(answer) == [("refused", "LESSON_NOT_WAITING"), ("done", "")]
    assert answer["results"][0]["message"]
    decision = next(row["decision"] for row in answer["lessons"] if row["decision"])
    ran = taught.custody("lessons", "approve", decision, *AT, "--actor", "clerk:li")
    assert (ran.code, "SAME_PERSON" in ran.err) == (REFUSED, True)
    newer = decide(taught, "L3", "reversed")
    answer = answered(taught, "approve", decision, newer, *AT, "--actor", "clerk:wang", code=REFUSED)
    assert results(answer) == [("refused", "DECISION_REPLACED"), ("done", "")]
    assert state(taught, "L3") == "reversed"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("dispute", "L1", *AT, *WHY), "UNKNOWN_LESSON"),
        (("decide", "L1", *AT, "--outcome", "released", *WHY), "UNKNOWN_LESSON"),
        (("approve", "1", *AT), "UNKNOWN_DECISION"),
        (("dispute", str(UUID(int=1)), *AT, "--reason", " "), "EMPTY_CELL"),
        (("dispute", str(UUID(int=1)), *AT, "--reason", "a\nb"), "BAD_TEXT"),
        (("dispute", str(UUID(int=1)), *AT, "--reason", "a" * 501), "BAD_TEXT"),
        (("dispute", str(UUID(int=1)), "--institution", "JG9999", *WHY), "UNKNOWN_INSTITUTION"),
    ],
)
def test_what_cannot_be_read_is_exit_2_and_nothing_is_written(taught: Shop, words: tuple[str, ...], code: str) -> None:
    before = taught.count("lesson_step")
    ran = taught.custody("lessons", *words, "--actor", "clerk:li", "--json")
    assert (ran.code, ran.out, code in ran.err) == (UNUSABLE, "", True), ran.err
    assert taught.count("lesson_step") == before


@pytest.mark.parametrize("words", [("dispute",), ("decide",), ("approve", "--outcome")])
def test_who_does_it_and_why_are_never_guessed(taught: Shop, words: tuple[str, ...]) -> None:
    ran = taught.custody("lessons", words[0], lesson(taught, "L1"), *AT)
    assert (ran.code, ran.out) == (UNUSABLE, "")


def test_an_id_nobody_knows_is_refused(taught: Shop) -> None:
    unknown = str(UUID(int=1))
    words = {"dispute": ("dispute", unknown, *AT, *WHY), "approve": ("approve", unknown, *AT)}
    codes = {"dispute": "UNKNOWN_LESSON", "approve": "UNKNOWN_DECISION"}
    for name, asked in words.items():
        answer = answered(taught, *asked, "--actor", "clerk:wang", code=REFUSED)
        assert (results(answer), answer["lessons"]) == ([("refused", codes[name])], [])


def test_people_get_a_table(taught: Shop) -> None:
    said = taught.custody("lessons", "waiting").out
    head, line = (row.split() for row in said.splitlines())
    assert head == [
        "lesson", "contract", "lesson_no", "taught_on", "state", "flags", "decision", "verdict", "decided_by",
    ]  # fmt: skip
    assert line[1:6] == ["HT000001", "L3", "2026-03-09", "recorded", "LESSON_ENDS_TOO_LATE"]
