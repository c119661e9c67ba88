"""Recording and confirming: what attendance charges, what lies too close together, and what one call sees of itself."""

from datetime import date
from uuid import UUID

import pytest

from ledger.errors import Outcome, Result
from ledger.flows import lesson
from ledger.formats.lesson_sheet import COLUMNS, read_lesson_sheet
from tests.cli.shop import lesson_row
from tests.flows.school import School
from tests.flows.teaching import RECORDED_AT, confirm, put_down, states, told

DONE = (Result.DONE, "")


def record(school: School, *rows: str) -> list[Outcome]:
    sheet = read_lesson_sheet("\n".join([",".join(COLUMNS), *rows]).encode(), "sheet")
    assert not sheet.faults
    with school.engine.begin() as conn:
        return lesson.record_rows(
            conn, school.number, sheet.rows, school.rulebook, school.calendar, "school", school.at(RECORDED_AT)
        )


def hours(school: School) -> dict[str, tuple[int, date | None]]:
    """Charged hours (hundredths) and the last day to answer, by lesson number."""
    return {row.lesson_no: (row.hours, row.answer_until) for row in school.rows("lesson")}


LAST_DAY = date(2026, 4, 13)


@pytest.mark.parametrize(
    ("clause", "place", "charged"),
    [
        (None, {}, {"present", "late", "make_up"}),
        (None, {"attendance.no_show": "charged", "attendance.late": "not_charged"}, {"present", "make_up", "no_show"}),
        (("present", "leave_late"), {"attendance.no_show": "charged"}, {"present", "leave_late"}),
        (("present", "class_cancelled"), {}, {"present"}),
    ],
)
def test_attendance_is_charged_by_the_contracts_clause_then_by_the_place(
    school: School, clause: tuple[str, ...] | None, place: dict[str, str], charged: set[str]
) -> None:
    school.rules = dict(place)
    contract = school.paid(charged_states=clause)
    every = ["present", "late", "leave_in_time", "leave_late", "no_show", "class_cancelled", "make_up"]
    rows = [
        lesson_row(state, contract.contract_no, f"2026-03-{9 + n:02d}").replace(",present", f",{state}")
        for n, state in enumerate(every)
    ]
    school.rules = {}  # what the place says later changes no contract
    assert told(record(school, *rows)) == [DONE] * 7
    assert hours(school) == {
        state: (1_00, LAST_DAY) if state in charged else (0, None) for state in every
    }  # fmt: skip


def test_an_online_pause_counts_over_all_contracts_of_the_pupil_and_over_calls(school: School) -> None:
    pupil = school.pupil()
    one = school.contract(pupil, hours_bought=10_00, price_fen=500_00)
    other = school.contract(pupil, hours_bought=10_00, price_fen=500_00, subject="围棋")
    assert told(school.sign(one, other)) == [DONE, DONE]
    at = {"16:00": one, "16:35": other, "17:20": other}
    for starts, contract in at.items():
        row = (
            lesson_row(f"L{starts[3:]}", contract.contract_no)
            .replace("16:00,45", f"{starts},30")
            .replace("offline", "online")
        )
        (outcome,) = record(school, row)
        assert (outcome.result, outcome.detail) == (
            Result.DONE, "LESSON_GAP_TOO_SHORT" if starts == "16:35" else "",
        )  # fmt: skip
    (stranger,) = record(
        school,
        lesson_row("X", school.signed().contract_no).replace("16:00,45", "16:35,30").replace("offline", "online"),
    )
    assert stranger.detail == ""


def test_a_sheet_without_attendance_means_everybody_was_present(school: School) -> None:
    contract = school.paid()
    rows = [",".join(COLUMNS[:-1]), lesson_row("L1", contract.contract_no).removesuffix(",present")]
    sheet = read_lesson_sheet("\n".join(rows).encode(), "sheet")
    with school.engine.begin() as conn:
        (outcome,) = lesson.record_rows(
            conn, school.number, sheet.rows, school.rulebook, school.calendar, "school", school.at(RECORDED_AT)
        )
    assert (outcome.result, hours(school)) == (Result.DONE, {"L1": (1_00, LAST_DAY)})


def test_confirming_twice_in_one_call_releases_once(school: School) -> None:
    contract = school.paid()
    first, second = put_down(school, contract, 2)
    answers = told(confirm(school, first, second, first, UUID(int=1)) + confirm(school, second))
    assert answers == [DONE, DONE, (Result.REPLAYED, ""), (Result.REFUSED, "UNKNOWN_LESSON"), (Result.REPLAYED, "")]
    assert (states(school, first, second), school.balance(contract.contract_id).released_fen) == (
        ["released"] * 2, 200_00,
    )  # fmt: skip
    assert school.broken() == []
