"""Whole stories in a real browser without script, from the log-in to money booked by the bank."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from uuid import UUID

import pytest
from playwright.sync_api import Browser, Page
from sqlalchemy import text
from werkzeug.serving import make_server

from ledger.books import contract as contracts
from ledger.books import transaction
from ledger.flows import contract, lesson_decision, refund, refund_cause, register, seal
from ledger.flows.refund_cause import CauseDecided
from ledger.rules import refund_number
from ledger.terms.calendar import shanghai_day
from ledger.terms.contract import Contract
from ledger.terms.lesson import Verdict
from ledger.terms.payout import BatchKind
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundState
from tests.conftest import Database
from tests.flows.school import CUSTODY, LAW, VAULT, School, credit, debit, make_school
from tests.flows.test_payout import BOOKED_ON, approve, build, render
from tests.flows.test_refund_payee import confirm, enter, wait
from tests.web.test_browser import chromium
from web.app import create_app

__all__ = ["chromium"]  # a fixture of the browser

NOON = datetime(2026, 3, 20, 4, tzinfo=UTC)
_NUMBERS = count(4001)


@dataclass
class Home:
    """One family whose child has a paid course, its school, and a browser that has logged in by phone and code."""

    school: School
    page: Page
    site: str
    moment: list[datetime]
    signed: Contract = field(init=False)

    @property
    def course(self) -> str:
        return f"{self.site}/course/{self.signed.contract_id}"

    def said(self) -> str:
        return " ".join(self.page.locator("main").inner_text().split())

    def ask(self, why: int = 0) -> None:
        """Ask for the refund in three steps, as far as the last button."""
        self.page.goto(self.course)
        self.page.get_by_role("link", name="申请退费").click()
        self.page.get_by_role("radio").nth(why).check()
        self.page.get_by_role("button", name="下一步：核对金额").click()
        self.page.get_by_role("button", name="下一步：声明并提交").click()
        self.page.get_by_role("checkbox").check()

    def send(self, amount: str) -> str:
        """Press the button that carries the amount; the number of the refund."""
        self.page.get_by_role("button", name=f"提交：退回 {amount}").click()
        self.page.wait_for_url("**/claim/*/sent")
        assert amount in self.said()
        number = self.page.locator(".claim-no").inner_text()
        self.page.get_by_role("link", name="查看退费进度").click()
        return number

    def refund_id(self) -> UUID:
        with self.school.engine.connect() as conn:
            found: UUID = conn.scalars(
                text("SELECT refund_id FROM ledger.refund WHERE contract_id = :c"), {"c": self.signed.contract_id}
            ).one()
        return found

    def later(self) -> datetime:
        """The school's clock goes on from what the family did."""
        return self.school.at(self.moment[0] + timedelta(minutes=1))

    def agreed_and_approved(self, refund_id: UUID) -> None:
        number = self.school.number
        with self.school.engine.begin() as conn:
            refund.answer(conn, number, [refund_id], RefundState.AGREED, "school", self.later())
        self.approved(refund_id)

    def approved(self, refund_id: UUID) -> None:
        number = self.school.number
        at = self.later()
        (outcome,) = transaction.ask(
            self.school.engine, number, at,
            lambda conn, block: refund.approve(conn, number, [refund_id], "clerk:wang", at, block),
        )  # fmt: skip
        assert outcome.accepted, outcome

    def paid(self, amount: str) -> str:
        """The bank gets the file, with this very amount in it, and books it; the bank's reference."""
        build(self.school, BatchKind.REFUND)
        batch = self.school.batches()[-1]
        approve(self.school, batch.batch_id)
        _, file = render(self.school, batch.batch_id)
        assert f">{amount.replace('¥', '').replace(',', '')}</InstdAmt>".encode() in file
        (instruction,) = self.school.instructions(batch)
        self.school.bank(CUSTODY, debit(instruction.amount_fen, instruction.end_to_end_id), on=BOOKED_ON)
        return instruction.end_to_end_id

    def decided(self, lesson_id: UUID, verdict: Verdict) -> None:
        """Two people decide on an hour in dispute."""
        number = self.school.number
        with self.school.engine.begin() as conn:
            seal.seal(conn, number, self.later())
        with self.school.engine.begin() as conn:
            (made,) = lesson_decision.decide(conn, number, [lesson_id], verdict, "签到表", "clerk:li", self.later())
        assert made.entry_id is not None
        with self.school.engine.begin() as conn:
            (done,) = lesson_decision.approve(conn, number, [made.entry_id], "clerk:wang", self.later())
        assert done.accepted, done


@pytest.fixture
def home(chromium: Browser, module_database: Database) -> Iterator[Home]:
    school = make_school(module_database.app, next(_NUMBERS))
    moment = [NOON]
    app = create_app(
        module_database.app, VAULT, LAW, demo=True, today=lambda: shanghai_day(moment[0]), now=lambda: moment[0]
    )
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    context = chromium.new_context(viewport={"width": 360, "height": 800}, java_script_enabled=False, locale="zh-CN")
    made = Home(school, context.new_page(), f"http://127.0.0.1:{server.server_port}", moment)
    try:
        family = school.family()
        with school.engine.begin() as conn:
            student = register.families(conn, VAULT, school.number, [family], school.tick())[family.student_id]
            course = school.contract(student)
            (signed,) = contract.sign(conn, school.number, [course], school.rulebook, school.tick())
            assert signed.accepted
        school.bank(CUSTODY, credit(course.price_fen, course.payment_reference))
        made.signed = course
        page = made.page
        page.goto(f"{made.site}/login?lang=zh")
        page.fill("#phone", family.phone)
        page.get_by_role("button", name="获取验证码").click()
        page.fill("#code", page.locator("#shown").inner_text())
        page.get_by_role("button", name="继续", exact=True).click()
        assert page.url == f"{made.site}/money"
        yield made
    finally:
        context.close()
        server.shutdown()
        thread.join()
    assert school.broken() == []


def lessons(home: Home) -> list[UUID]:
    with home.school.engine.connect() as conn:
        return list(conn.scalars(
            text("SELECT lesson_id FROM ledger.lesson WHERE contract_id = :c ORDER BY lesson_id"),
            {"c": home.signed.contract_id},
        ))  # fmt: skip


def test_a_whole_refund_from_log_in_to_money_booked(home: Home) -> None:
    assert "¥4,000.00" in home.said()
    home.ask()
    number = home.send("¥4,000.00")
    assert "机构" in home.said()
    refund_id = home.refund_id()
    assert refund_number.number(refund_id) == number
    assert home.school.refund(refund_id).amount_fen == 4_000_00  # the page, the engine, the claim
    home.agreed_and_approved(refund_id)
    reference = home.paid("¥4,000.00")
    home.page.reload()
    assert "已退给您" in home.said()
    home.page.get_by_role("link", name="退费决定书").click()
    assert "人民币肆仟元整" in home.said()
    assert reference in home.said()


def test_a_part_is_paid_while_an_hour_is_disputed_and_the_hour_comes_after(home: Home) -> None:
    home.school.lesson_recorded(home.signed.contract_no)
    home.moment[0] += timedelta(hours=1)
    home.page.goto(f"{home.course}/lesson/{lessons(home)[0]}/dispute")
    home.page.get_by_label("老师没来").check()
    home.page.get_by_role("button", name="提交：冻结 ¥100.00").click()
    assert "异议中，这笔钱已冻结" in home.said()
    home.school.at(home.moment[0])
    home.ask()
    number = home.send("¥3,900.00")
    assert "¥100.00" in home.said()  # added if the dispute is decided for the family
    home.agreed_and_approved(home.refund_id())
    home.paid("¥3,900.00")
    home.decided(lessons(home)[0], Verdict.REVERSED)
    home.moment[0] = home.later() + timedelta(minutes=5)
    home.page.goto(home.course)
    assert "¥100.00" in home.said()
    home.page.goto(f"{home.course}/lesson/{lessons(home)[0]}")
    assert "已撤销，钱仍是您的" in home.said()
    assert "主管部门： 裁定：课时退回. 签到表" in home.said()
    home.page.goto(f"{home.site}/claim/{number}")
    assert "已退给您" in home.said()


def test_the_school_objects_the_family_answers_and_the_office_decides(home: Home) -> None:
    home.ask(why=3)
    home.send("¥4,000.00")
    refund_id = home.refund_id()
    with home.school.engine.begin() as conn:
        refund.answer(
            conn, home.school.number, [refund_id], RefundState.OBJECTED, "school", home.later(), "我校照常上课"
        )
    home.page.reload()
    assert "我校照常上课" in home.said()
    assert "主管部门认定不同，退回金额如下" in home.said()
    home.page.fill("#words", "校门贴了停业通知")
    home.page.get_by_role("button", name="提交给主管部门").click()
    assert "校门贴了停业通知" in home.said()
    with home.school.engine.begin() as conn:
        said = CauseDecided(refund_id, Cause.INSTITUTION, "区教委", "现场笔录 3 号", None, "clerk:li")
        refund_cause.decide(conn, home.school.number, [said], home.later())
        (outcome,) = refund_cause.confirm(conn, home.school.number, [refund_id], "clerk:wang", home.later())
    assert outcome.accepted, outcome
    home.approved(refund_id)
    home.paid("¥4,000.00")
    home.page.reload()
    assert "已退给您" in home.said()


def test_an_amount_that_changes_while_somebody_looks_is_asked_again(home: Home) -> None:
    home.ask()
    home.school.lesson_recorded(home.signed.contract_no)
    home.moment[0] += timedelta(minutes=5)
    home.page.get_by_role("button", name="提交：退回 ¥4,000.00").click()
    said = home.said()
    assert "¥4,000.00" in said
    assert "¥3,900.00" in said
    assert home.school.rows("refund") == []
    home.page.get_by_role("link", name="核对新的金额").click()
    home.page.get_by_role("button", name="下一步：声明并提交").click()
    home.page.get_by_role("checkbox").check()
    home.send("¥3,900.00")


def test_money_that_the_closed_card_sent_back_goes_to_another_account(home: Home) -> None:
    home.ask()
    home.send("¥4,000.00")
    refund_id = home.refund_id()
    home.agreed_and_approved(refund_id)
    reference = home.paid("¥4,000.00")
    home.school.bank(CUSTODY, credit(4_000_00, reference), on=BOOKED_ON)
    home.page.reload()
    assert "¥4,000.00" in home.said()
    assert "致电" in home.said() or "电话" in home.said()
    assert home.school.refund(refund_id).state is RefundState.RETURNED
    assert enter(home.school, refund_id).accepted
    assert confirm(home.school, refund_id).accepted
    wait(home.school)
    home.paid("¥4,000.00")
    home.page.reload()
    assert "已退给您" in home.said()
    assert "7777" in home.said()  # the tail of the account that two people have put in its place


def test_a_second_guardian_sees_the_refund_through_a_link(home: Home, chromium: Browser) -> None:
    home.ask()
    home.send("¥4,000.00")
    home.page.goto(f"{home.course}/share")
    home.page.get_by_role("button", name="生成链接").click()
    link = home.page.locator(".link").inner_text()
    other = chromium.new_context(viewport={"width": 360, "height": 800}, java_script_enabled=False, locale="zh-CN")
    try:
        page = other.new_page()
        page.goto(link)
        said = page.locator("main").inner_text()
        assert "¥4,000.00" in said
        assert re.search(r"2026-\d\d-\d\d", said)
        assert page.locator("main form, main button").count() == 0
    finally:
        other.close()
    home.page.get_by_role("button", name="收回所有链接").click()
    assert "目前没有链接" in home.said()


def test_a_day_in_a_year_without_holiday_notice_is_marked_provisional(home: Home) -> None:
    home.moment[0] = datetime(2026, 12, 21, 4, tzinfo=UTC)  # the days to answer and to pay lie in 2027
    home.ask()
    home.send("¥4,000.00")
    assert "预计" in home.said()
    assert "2027-01-" in home.said()


def test_two_taps_are_one_refund_and_taking_it_back_lets_the_course_go_on(home: Home) -> None:
    home.ask()
    home.page.get_by_role("button", name="提交：退回 ¥4,000.00").dblclick()
    home.page.wait_for_url("**/claim/*/sent")
    assert len(home.school.rows("refund")) == 1
    home.page.get_by_role("link", name="查看退费进度").click()
    home.page.get_by_role("checkbox").check()
    home.page.get_by_role("button", name="撤回").click()
    assert home.school.refund(home.refund_id()).state is RefundState.WITHDRAWN
    home.page.goto(home.course)
    assert "¥4,000.00" in home.said()
    with home.school.engine.connect() as conn:
        assert contracts.ended(conn, home.school.number, [home.signed.contract_id]) == set()
