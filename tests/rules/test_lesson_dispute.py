"""Disputes of hours: what is held, what comes back, and what may be decided."""

from dataclasses import replace
from datetime import date, time
from uuid import UUID

import pytest

from ledger.rules import lesson_dispute
from ledger.terms.contract import ContractBalance
from ledger.terms.lesson import Lesson, LessonState, Verdict

CONTRACT = ContractBalance(UUID(int=1), 1, price_fen=1_000, hours_total=3_00, paid_fen=1_000)
TAUGHT = replace(CONTRACT, released_fen=666, hours_released=2_00)
LESSON = Lesson(
    UUID(int=2), UUID(int=1), "L1", date(2026, 3, 9), time(16), 45, 1_00, (), date(2026, 3, 30),
    LessonState.RECORDED, 1, None,
)  # fmt: skip


def test_before_release_what_the_hour_would_earn_is_held_as_far_as_it_is_free() -> None:
    assert lesson_dispute.held_before_release(CONTRACT, 1_00) == 334  # cut up: the last hour of three earns that
    assert lesson_dispute.held_before_release(replace(CONTRACT, held_fen=900), 1_00) == 100
    assert lesson_dispute.held_before_release(replace(CONTRACT, refunded_fen=1_000), 1_00) == 0
    assert lesson_dispute.held_before_release(CONTRACT, 0) == 0


def test_after_release_what_the_hour_did_earn_is_held_while_it_is_there() -> None:
    assert lesson_dispute.taken_back(TAUGHT, 1_00) == 333
    assert lesson_dispute.taken_back(TAUGHT, 2_00) == 666
    assert lesson_dispute.taken_back(TAUGHT, 5_00) == 666
    assert lesson_dispute.taken_back(replace(TAUGHT, paid_fen=333, released_fen=333), 1_00) == 0  # not paid yet
    assert lesson_dispute.taken_back(replace(TAUGHT, released_fen=0), 1_00) == 0
    assert lesson_dispute.held_after_release(TAUGHT, 1_00, 1_000) == 333
    assert lesson_dispute.held_after_release(TAUGHT, 1_00, 200) == 200
    assert lesson_dispute.held_after_release(TAUGHT, 1_00, 0) == 0


def test_every_hour_but_a_reversed_one_may_be_disputed() -> None:
    assert lesson_dispute.refusal(None) == "UNKNOWN_LESSON"
    answers = {state: lesson_dispute.refusal(replace(LESSON, state=state)) for state in LessonState}
    assert answers == {**dict.fromkeys(LessonState, ""), LessonState.REVERSED: "LESSON_REVERSED"}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_a_verdict_needs_an_object(verdict: Verdict) -> None:
    assert lesson_dispute.undecidable(None, verdict) == "UNKNOWN_LESSON"
    assert lesson_dispute.undecidable(replace(LESSON, state=LessonState.REVERSED), verdict) == "LESSON_REVERSED"
    assert lesson_dispute.undecidable(replace(LESSON, state=LessonState.DISPUTED), verdict) == ""
    flagged = replace(LESSON, flags=("LESSON_ON_REST_DAY",))
    assert lesson_dispute.undecidable(flagged, verdict) == ""
    lawful = "" if verdict is Verdict.REVERSED else "LESSON_NOT_WAITING"
    assert lesson_dispute.undecidable(LESSON, verdict) == lawful
    assert lesson_dispute.undecidable(replace(flagged, is_cleared=True), verdict) == lawful
