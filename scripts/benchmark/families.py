"""Families of the bench with names, lessons and money, made through the flows: what a page is asked for."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Engine

from ledger.books import lesson as lessons
from ledger.books import register
from ledger.errors import Outcome
from ledger.flows import contract, lesson
from ledger.flows import register as registering
from ledger.rules import posting
from ledger.terms.contract import Contract
from ledger.terms.ids import new_id
from ledger.terms.institution import Family
from ledger.terms.journal import Entry
from ledger.terms.lesson_law import Attendance
from ledger.terms.lesson_sheet import LessonRow
from ledger.terms.price_cap import Mode
from ledger.vault import Vault
from scripts.benchmark.lessons import Law
from scripts.benchmark.world import DAY, FUND, NUMBER, OPENED_AT, post

PRICE_FEN, HOURS, LESSONS = 3200_00, 40_00, 24
LAST_DAY: Final = DAY + timedelta(days=7 * LESSONS)


def write(engine: Engine, vault: Vault, many: int, law: Law) -> list[UUID]:
    """``many`` guardians, each with one child, one paid contract, 24 lessons, half of them confirmed; their ids."""
    new = [
        Family(new_id(OPENED_AT), f"李小明{n}", f"pupil {n}", new_id(OPENED_AT), f"李大明{n}", f"139{n:08d}")
        for n in range(many)
    ]
    with engine.begin() as conn:
        pupils = registering.families(conn, vault, NUMBER, new, OPENED_AT)
        papers = [_contract(number, pupils[one.student_id]) for number, one in enumerate(new)]
        _accepted(contract.sign(conn, NUMBER, papers, law[0], OPENED_AT))
        signed = register.read_contracts(conn, NUMBER, [paper.contract_id for paper in papers])
    paid = [
        Entry(new_id(OPENED_AT), f"fee {one}", (), posting.deposit(balance, new_id(OPENED_AT), PRICE_FEN), DAY, "bank")
        for one, balance in signed.items()
    ]
    post(engine, paid, OPENED_AT)
    _teach(engine, many, law)
    _confirm(engine, list(signed))
    return [one.guardian_id for one in new]


def _contract(number: int, student_id: UUID) -> Contract:
    return Contract(
        institution_id=NUMBER, contract_id=new_id(OPENED_AT), contract_no=f"JT{number}",
        payment_reference=f"PP9{number:06d}", course_id=UUID(int=1), student_id=student_id, fund_no=FUND,
        price_fen=PRICE_FEN, list_price_fen=None, hours_bought=HOURS, hours_gifted=0, months=None, first_lesson_on=DAY,
        signed_on=DAY, funded_by_loan=False, rulebook="", rulebook_digest=b"",
    )  # fmt: skip


def _accepted(outcomes: Sequence[Outcome]) -> None:
    wrong = next((outcome for outcome in outcomes if not outcome.accepted), None)
    if wrong is not None:
        raise RuntimeError(f"the bench's own families were not accepted: {wrong}")


def _taught_on(week: int) -> date:
    return DAY + timedelta(days=7 * week + 5)


def _teach(engine: Engine, many: int, law: Law) -> None:
    """A lesson a week for everybody."""
    for week in range(LESSONS):
        rows = [
            LessonRow(n + 2, f"W{week:02d}", f"JT{n}", _taught_on(week), time(9 + n % 8), 45, 1_00, f"老师{n}",
                      f"{n} 号教室", Mode.OFFLINE, Attendance.PRESENT)
            for n in range(many)
        ]  # fmt: skip
        with engine.begin() as conn:
            _accepted(lesson.record_rows(conn, NUMBER, rows, *law, "clerk:li", _evening(_taught_on(week))))


def _confirm(engine: Engine, contracts: list[UUID]) -> None:
    """Half of all lessons, as parents do."""
    with engine.begin() as conn:
        found = lessons.of_contracts(conn, NUMBER, contracts)
        known = [one.lesson_id for one in found if one.taught_on < _taught_on(LESSONS // 2)]
        _accepted(lesson.confirm(conn, NUMBER, known, "guardian", _evening(LAST_DAY)))


def _evening(on: date) -> datetime:
    return OPENED_AT + (on - DAY) + timedelta(hours=8)
