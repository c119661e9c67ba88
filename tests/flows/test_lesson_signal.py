"""Signals of fraud become findings, each once, and only of the days a run looks at."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from ledger.flows import lesson, lesson_signal
from ledger.terms.lesson import Verdict
from tests.flows.school import TAUGHT_ON, School
from tests.flows.teaching import decided, put_down

NEXT_DAY = date(2026, 3, 10)
CONFIRMED_AT = datetime(2026, 3, 20, 4, tzinfo=UTC)


def look(school: School, until: date = NEXT_DAY) -> int:
    with school.engine.begin() as conn:
        return lesson_signal.look(conn, school.number, school.rulebook, until, school.tick())


def found(school: School) -> list[tuple[str, UUID, int, int]]:
    rows = sorted(school.rows("finding"), key=lambda row: row.code)
    return [(row.code, row.ref, row.facts["measured"], row.facts["limit"]) for row in rows]


def confirmed(school: School, ids: Sequence[UUID], device: bytes | None = None) -> None:
    """One parent after the other confirms a lesson, a second apart."""
    for n, lesson_id in enumerate(ids):
        with school.engine.begin() as conn:
            lesson.confirm(
                conn, school.number, [lesson_id], f"guardian:{n}", school.at(CONFIRMED_AT), device=device
            )  # fmt: skip


def test_one_pupil_in_two_lessons_at_once_is_found_once(school: School) -> None:
    pupil = school.pupil()
    one = school.contract(pupil, hours_bought=10_00, price_fen=500_00)
    other = school.contract(pupil, hours_bought=10_00, price_fen=500_00, subject="围棋")
    school.sign(one, other)
    (first,), (second,) = put_down(school, one, 1), put_down(school, other, 1, starts="16:30")
    assert (look(school), look(school)) == (2, 0)
    # and so is the teacher of both
    assert found(school) == [("LESSON_STUDENT_TWICE", second, 2, 1), ("LESSON_TEACHER_TWICE", second, 2, 1)]
    (row,) = [one for one in school.rows("finding") if one.code == "LESSON_STUDENT_TWICE"]
    assert row.facts["lessons"] == [str(second), str(first)]
    assert row.found_on == TAUGHT_ON


def test_a_class_of_many_pupils_is_no_signal(school: School) -> None:
    for _ in range(3):
        put_down(school, school.signed(), 1)
    assert (look(school), school.rows("finding")) == (0, [])


def test_what_was_reversed_was_not_taught(school: School) -> None:
    pupil = school.pupil()
    one = school.contract(pupil, hours_bought=10_00, price_fen=500_00)
    other = school.contract(pupil, hours_bought=10_00, price_fen=500_00, subject="围棋")
    school.sign(one, other)
    put_down(school, one, 1)
    decided(school, Verdict.REVERSED, *put_down(school, other, 1, starts="16:30"))
    assert look(school) == 0


def test_a_run_looks_31_days_back_and_not_further(school: School) -> None:
    pupil = school.pupil()
    one = school.contract(pupil, hours_bought=10_00, price_fen=500_00)
    other = school.contract(pupil, hours_bought=10_00, price_fen=500_00, subject="围棋")
    school.sign(one, other)
    put_down(school, one, 1)
    put_down(school, other, 1)
    assert look(school, TAUGHT_ON) == 0  # the day itself is not over
    assert look(school, TAUGHT_ON + timedelta(days=32)) == 0
    assert look(school, TAUGHT_ON + timedelta(days=31)) == 1


def test_a_burst_of_confirmations_and_one_device_for_many_parents(school: School) -> None:
    school.rules = {"warning.burst_confirmations_max": 3, "signal.device_parents_max": 2}
    contract = school.paid()
    ids = put_down(school, contract, 5)
    confirmed(school, ids[:2], b"phone one")
    assert look(school, CONFIRMED_AT.date() + timedelta(days=1)) == 0
    confirmed(school, ids[2:], b"phone two")
    assert look(school, CONFIRMED_AT.date()) == 0
    assert look(school, CONFIRMED_AT.date() + timedelta(days=1)) == 2
    assert found(school) == [("CONFIRMED_IN_BURST", ids[0], 5, 3), ("CONFIRMED_ON_ONE_DEVICE", ids[2], 3, 2)]


def test_silence_is_no_parent(school: School) -> None:
    school.rules = {"warning.burst_confirmations_max": 3, "signal.device_parents_max": 2}
    put_down(school, school.paid(), 5)
    until = datetime(2026, 5, 4, 4, tzinfo=UTC)
    with school.engine.begin() as conn:
        done = lesson.confirm_silent(conn, school.number, until.date(), school.at(until), 100).outcomes
    assert (len(done), look(school, until.date() + timedelta(days=1))) == (5, 0)


def test_the_evidence_named_is_bounded_and_the_measure_is_not(school: School) -> None:
    school.rules = {"warning.burst_confirmations_max": 3, "signal.device_parents_max": 2}
    contract = school.paid(hours_bought=60_00)
    on = datetime(2026, 5, 11, 4, tzinfo=UTC)
    school.at(on)
    ids = put_down(school, contract, 55, hours="0.5")
    with school.engine.begin() as conn:
        lesson.confirm(conn, school.number, ids, "guardian:1", school.tick())
    assert look(school, on.date() + timedelta(days=1)) == 1
    (row,) = school.rows("finding")
    assert (row.facts["measured"], len(row.facts["lessons"])) == (55, lesson_signal.EVIDENCE_MAX)
