"""Lessons of a school for the tests of flows: put down, confirmed, disputed and decided on, and how they stand then."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from ledger.books import lesson as lessons
from ledger.books import lesson_decision as decisions
from ledger.errors import Outcome, Result
from ledger.flows import lesson, lesson_decision, release
from ledger.formats.lesson_sheet import COLUMNS, read_lesson_sheet
from ledger.terms.calendar import CalendarDays
from ledger.terms.contract import Contract
from ledger.terms.lesson import Verdict
from tests.cli.shop import lesson_row
from tests.flows.school import TAUGHT_ON, School

RECORDED_AT = datetime(2026, 3, 20, 4, tzinfo=UTC)
LATE = "20:00"  # a lesson of 45 minutes from then on ends after 20:30


def told(outcomes: Sequence[Outcome]) -> list[tuple[Result, str]]:
    return [(outcome.result, outcome.code) for outcome in outcomes]


def put_down(
    school: School, contract: Contract, count: int, *, hours: str = "1", starts: str = "16:00",
    first_on: date = TAUGHT_ON, calendar: CalendarDays | None = None,
) -> list[UUID]:  # fmt: skip
    """Lessons on days that follow each other, recorded by the school; their ids in that order."""
    rows = [
        lesson_row(f"L{next(school.numbers):05d}", contract.contract_no, first_on + timedelta(days=n), hours)
        for n in range(count)
    ]
    sheet = read_lesson_sheet("\n".join([",".join(COLUMNS), *rows]).replace("16:00", starts).encode(), "sheet")
    assert not sheet.faults
    known = {row.lesson_id for row in school.rows("lesson")}
    with school.engine.begin() as conn:
        outcomes = lesson.record_rows(
            conn, school.number, sheet.rows, school.rulebook, calendar or school.calendar, "school",
            school.at(RECORDED_AT),
        )  # fmt: skip
    assert [outcome.result for outcome in outcomes] == [Result.DONE] * count, outcomes
    new = [row for row in school.rows("lesson") if row.lesson_id not in known]
    return [row.lesson_id for row in sorted(new, key=lambda row: row.lesson_no)]


def confirm(school: School, *lesson_ids: UUID, at: datetime = RECORDED_AT) -> list[Outcome]:
    with school.engine.begin() as conn:
        return lesson.confirm(conn, school.number, lesson_ids, "guardian:1", school.at(at))


def taught(
    school: School, contract: Contract, count: int, *, hours: str = "1", first_on: date = TAUGHT_ON
) -> list[UUID]:
    """Lessons recorded and confirmed by the parent, their money in the balances."""
    ids = put_down(school, contract, count, hours=hours, first_on=first_on)
    assert told(confirm(school, *ids)) == [(Result.DONE, "")] * count
    school.seal()
    return ids


def dispute(school: School, *lesson_ids: UUID) -> list[Outcome]:
    school.seal()
    with school.engine.begin() as conn:
        return lesson_decision.dispute(conn, school.number, lesson_ids, "guardian:1", school.tick(), "not taught")


def decide(school: School, verdict: Verdict, *lesson_ids: UUID, by: str = "clerk:li") -> list[Outcome]:
    with school.engine.begin() as conn:
        return lesson_decision.decide(conn, school.number, lesson_ids, verdict, "attendance list", by, school.tick())


def approve(school: School, *decision_ids: UUID | None, by: str = "clerk:wang") -> list[Outcome]:
    school.seal()
    ids = [one for one in decision_ids if one is not None]
    with school.engine.begin() as conn:
        return lesson_decision.approve(conn, school.number, ids, by, school.tick())


def decided(school: School, verdict: Verdict, *lesson_ids: UUID) -> None:
    """A decision two people made."""
    made = decide(school, verdict, *lesson_ids)
    assert told(made) == [(Result.DONE, "")] * len(lesson_ids)
    assert told(approve(school, *(one.entry_id for one in made))) == [(Result.DONE, "")] * len(lesson_ids)


def release_due(school: School, today: date) -> int:
    """What the calendar releases; how many contracts it moved."""
    with school.engine.begin() as conn:
        done = release.due(conn, school.number, today, school.calendar, school.tick())
    school.seal()
    return len(done)


def states(school: School, *lesson_ids: UUID) -> list[str]:
    with school.engine.begin() as conn:
        found = lessons.by_id(conn, school.number, lesson_ids)
    return [found[one].state.value for one in lesson_ids]


def held_by_disputes(school: School, contract: Contract) -> int:
    with school.engine.begin() as conn:
        return decisions.held(conn, school.number, [contract.contract_id]).get(contract.contract_id, 0)
