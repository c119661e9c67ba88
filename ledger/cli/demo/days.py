"""The story of the demo, day by day, through the same flows that commands and pages use. Every step may be run
again.
"""

import csv
import io
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import lesson as lessons
from ledger.books import refund as refunds
from ledger.books import register as registered
from ledger.books import transaction
from ledger.cli.demo import orders, world
from ledger.cli.demo.bank import BankLine
from ledger.cli.demo.story import Story
from ledger.cli.demo.world import CLERK, CUSTODY, SUPERVISOR, School, instant
from ledger.cli.statement_import import Asking, import_file
from ledger.errors import InvariantBroken, Outcome
from ledger.flows import contract, lesson, prepayment, reconcile, refund, register, release
from ledger.flows import seal as sealing
from ledger.formats.lesson_sheet import read_lesson_sheet
from ledger.terms.contract import Contract
from ledger.terms.ids import new_ids
from ledger.terms.lesson import LessonState
from ledger.terms.prepayment_receipt import Receipt
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundAsked, RefundState

LESSONS_EACH = 30


def steps(story: Story) -> list[Callable[[Story], None]]:
    """Registration first, then the bank days in order."""
    return [_register, *(partial(_day, k=k) for k in range(len(story.days)))]


def _register(story: Story) -> None:
    now = instant(world.FIRST_DAY, 9)
    for school in story.schools:
        number, rulebook = school.institution.institution_id, story.rulebook(school, world.FIRST_DAY)
        with story.engine.begin() as conn:
            register.institution(conn, story.vault, school.institution, school.payee, now)
            for fund in school.funds:
                register.fund(conn, fund, CLERK, SUPERVISOR, now)
            story.note(register.courses(conn, number, school.courses, rulebook, now))
            families = [signed.family for signed in school.contracts]
            students = register.families(conn, story.vault, number, families, now)
            courses = registered.course_ids(conn, number, [offer.code for offer in school.courses])
            ids = new_ids(now, len(school.contracts))
            asked = [
                Contract(
                    institution_id=number,
                    contract_id=contract_id,
                    contract_no=signed.contract_no,
                    payment_reference=signed.reference,
                    course_id=courses[signed.course_code],
                    student_id=students[signed.family.student_id],
                    fund_no=school.contract_fund,
                    price_fen=signed.price_fen,
                    list_price_fen=signed.list_price_fen,
                    hours_bought=signed.hours_bought,
                    hours_gifted=signed.hours_gifted,
                    months=None,
                    first_lesson_on=story.days[0] + timedelta(days=1),
                    signed_on=world.FIRST_DAY,
                    funded_by_loan=False,
                    rulebook="",
                    rulebook_digest=b"",
                )
                for contract_id, signed in zip(ids, school.contracts, strict=True)
            ]
            story.note(contract.sign(conn, number, asked, rulebook, now))


def _day(story: Story, k: int) -> None:
    on = story.days[k]
    for school in story.schools:
        _statements(story, school, k, on)
        if school.is_reserve_mode and k == 0:
            _receipts(story, school, on)
        _lessons(story, school, k, on)
        _confirm(story, school, on)
        _refunds(story, school, k, on)
        orders.pay(story, school, k, on)
        number = school.institution.institution_id
        with story.engine.begin() as conn:
            sealing.seal(conn, number, instant(on, 18))
            for fund in school.funds:
                if fund.account_no:
                    calendar = story.rulebooks.calendar(school.institution.place)
                    reconcile.day(conn, fund, on, calendar, instant(on, 18))


def _statements(story: Story, school: School, k: int, on: date) -> None:
    for fund in school.funds:
        if fund.account_no is None:
            continue
        lines = orders.planted(story, school, fund.fund_no, k)
        if fund.fund_no == CUSTODY:
            lines += deposits(school, k, len(story.days))
        elif k == 0:
            memo = f"风险保证金 RS{school.institution.institution_id:06d}"
            amount = 100_000_00 if school.institution.institution_id == 1002 else 150_000_00
            lines.append(
                BankLine(amount, True, "", school.payee.name, school.payee.account, school.payee.bank_no, memo)
            )
        path = story.bank.statement(fund.account_no, on, lines)
        calendar = story.rulebooks.calendar(school.institution.place)
        imported = import_file(story.engine, path, Asking(story.vault, calendar, "custody:demo", instant(on, 10)))
        if imported.verdict not in ("accept", "idempotent"):
            raise InvariantBroken("NOT_POSTED", f"{path.name}: {imported.verdict} {imported.fault}")


def _receipts(story: Story, school: School, on: date) -> None:
    number = school.institution.institution_id
    with story.engine.begin() as conn:
        signed = contracts.find(conn, number, numbers=[c.contract_no for c in school.contracts])
        receipts = [Receipt(f"SJ{c.contract_no}", c.contract_id, c.price_fen, on) for c in signed]
        story.note(
            prepayment.receive(conn, number, receipts, story.rulebook(school, on), school.payee.name, instant(on, 11))
        )


def _lessons(story: Story, school: School, k: int, on: date) -> None:
    if k == 0:
        return
    sheet = read_lesson_sheet(lesson_csv(school, k, story.days))
    if sheet.faults:
        raise InvariantBroken("NOT_POSTED", f"lessons of {school.institution.code}: {sheet.faults[0]}")
    number = school.institution.institution_id
    calendar = story.rulebooks.calendar(school.institution.place)
    with story.engine.begin() as conn:
        outcomes = lesson.record_rows(
            conn, number, sheet.rows, story.rulebook(school, on), calendar, school.institution.code, instant(on, 12)
        )
    story.note(outcomes)


def _confirm(story: Story, school: School, on: date) -> None:
    """Three parents in five confirm what was taught; the others' silence does, when its working days are over."""
    number, now = school.institution.institution_id, instant(on, 13)
    with story.engine.begin() as conn:
        answering = [c.contract_no for n, c in enumerate(school.contracts) if n % 5 in (0, 1, 3)]
        signed = contracts.find(conn, number, numbers=answering)
        waiting = lessons.of_contracts(conn, number, [c.contract_id for c in signed])
        ids = [found.lesson_id for found in waiting if found.state is LessonState.RECORDED]
        story.note(lesson.confirm(conn, number, ids, "guardian", now))
    with story.engine.begin() as conn:
        lesson.confirm_silent(conn, number, on, now, 10_000)
        release.due(conn, number, on, story.rulebooks.calendar(school.institution.place), now)
        refund.agree_silent(conn, number, on, now)
        refund.mark_overdue(conn, number, on, now)


def _refunds(story: Story, school: School, k: int, on: date) -> None:
    """Some families ask; what becomes of it depends on the pupil's number (see ``orders.FATES``)."""
    number, now = school.institution.institution_id, instant(on, 14)
    asking = [signed for signed in school.lawful if orders.asks_on(signed, len(story.days)) == k]
    if not asking:
        return
    rulebook, calendar = story.rulebook(school, on), story.rulebooks.calendar(school.institution.place)
    with story.engine.begin() as conn:
        found = {
            c.contract_no: c.contract_id for c in contracts.find(conn, number, numbers=[s.contract_no for s in asking])
        }
        requests = [
            RefundAsked(
                found[signed.contract_no],
                Cause.INSTITUTION if school.is_reserve_mode else Cause.CONSUMER if n % 2 else Cause.NEITHER,
                f"guardian:{signed.family.phone}",
                payee=signed.payer if school.is_reserve_mode else None,
            )
            for n, signed in enumerate(asking)
        ]
        outcomes = refund.ask(conn, story.vault, number, requests, rulebook, calendar, now)
        story.note(outcomes)
        by_fate: dict[str, list[UUID]] = {}
        for signed, outcome in zip(asking, outcomes, strict=True):
            if outcome.entry_id is not None:
                by_fate.setdefault(orders.fate(signed), []).append(outcome.entry_id)
        refund.answer(conn, number, by_fate.get("paid", []), RefundState.AGREED, school.institution.code, now)
        refund.answer(
            conn,
            number,
            by_fate.get("objected", []),
            RefundState.OBJECTED,
            school.institution.code,
            now,
            "课时有异议",
        )
        refund.withdraw(conn, number, by_fate.get("withdrawn", []), "guardian", now)
    _approve(story, number, instant(on, 15))


def _approve(story: Story, number: int, now: datetime) -> None:
    def agreed(conn: Connection, folded_block: int | None) -> Sequence[Outcome]:
        ids = refunds.in_state(conn, number, RefundState.AGREED)
        return refund.approve(conn, number, ids, SUPERVISOR, now, folded_block)

    story.note(transaction.ask(story.engine, number, now, agreed))


def deposits(school: School, k: int, days: int) -> list[BankLine]:
    """What families pay on bank day ``k``: at once, or every fifth family in two halves."""
    lines = []
    for n, signed in enumerate(school.contracts):
        halves = n % 5 == 4 and days > 2
        due_on = (
            {0: signed.price_fen // 2, 2: signed.price_fen - signed.price_fen // 2}
            if halves
            else {n % 2: signed.price_fen}
        )
        if k in due_on:
            extra = 10_00 if signed.contract_no.endswith("007") else 0  # one family pays ten yuan too much
            payer = signed.payer
            memo = f"预付课时费 {signed.reference}"
            lines.append(BankLine(due_on[k] + extra, True, "", payer.name, payer.account, payer.bank_no, memo))
    return lines


def lesson_csv(school: School, k: int, days: Sequence[date]) -> bytes:
    """The lessons a school hands in on bank day ``k``: what it taught since the last one, one lesson a pupil
    and day.
    """
    text = io.StringIO()
    sheet = csv.writer(text)
    sheet.writerow(["lesson_no", "contract_no", "taught_on", "starts_at", "minutes", "hours", "teacher", "room", "mode",
                    "attendance"])  # fmt: skip
    periods = len(days) - 1
    first, last = LESSONS_EACH * (k - 1) // periods, LESSONS_EACH * k // periods
    span = (days[k] - days[k - 1]).days
    for signed in school.lawful:
        for n in range(first, last):
            on = days[k - 1] + timedelta(days=1 + (n - first) * (span - 1) // max(last - first, 1))
            attendance = "no_show" if (n + len(signed.contract_no)) % 23 == 22 else "present"
            sheet.writerow(
                [f"L{n + 1:03d}", signed.contract_no, on, "16:00", 45, "1", "王老师", "101", "offline", attendance]
            )
    return text.getvalue().encode()
