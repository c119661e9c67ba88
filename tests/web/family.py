"""Two families in the books, made through the flows: the pages are looked at as one of them."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Engine

from ledger.books import contract as contracts
from ledger.books import journal, record, register
from ledger.books import lesson as lessons
from ledger.flows import contract, lesson, refund
from ledger.flows import register as registration
from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import posting
from ledger.terms.calendar import SHANGHAI
from ledger.terms.contract import Contract, ContractBalance
from ledger.terms.ids import new_id
from ledger.terms.institution import CourseOffer, Family, Fund, Institution, Payee
from ledger.terms.journal import Entry, Event, FundKind
from ledger.terms.lesson_law import Attendance
from ledger.terms.lesson_sheet import LessonRow
from ledger.terms.price_cap import Category, Course, Mode, Stage
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundAsked
from ledger.terms.rulebook import Rulebook, Rulebooks
from ledger.vault import Vault

TODAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
SIGNED_ON, PAID_ON, FIRST_LESSON_ON = date(2026, 8, 17), date(2026, 8, 18), date(2026, 8, 29)
VAULT = Vault({1: bytes(range(32))}, 1)
CUSTODY, RESERVE, HANDS = 1, 2, 3
BANK, BANK_NO = "京华银行", "102100099996"


@dataclass(frozen=True, slots=True)
class School:
    """An institution with one course; in reserve mode it has the money in its own hands."""

    number: int
    name: str
    course: str
    subject: str
    place: str
    office: str
    phone: str
    tail: str
    reserve: bool = False

    @property
    def fund_no(self) -> int:
        return HANDS if self.reserve else CUSTODY


PAINTING = School(
    2001, "启明艺术培训", "中国画基础班", "美术", "110108", "海淀区教委校外培训科", "010-0000-1208", "4821"
)
CODING = School(2002, "乐思编程", "少儿编程", "编程", "310115", "浦东新区教育局", "021-0000-3115", "7730", reserve=True)


@dataclass(frozen=True, slots=True)
class Families:
    """``guardian``: ``painting`` in custody with lessons in every state, ``coding`` in reserve mode.

    ``other``: ``asked`` with a refund on its way, ``unpaid`` that nothing was paid for.
    """

    guardian: UUID
    painting: UUID
    coding: UUID
    other: UUID
    asked: UUID
    unpaid: UUID


def demo_rulebooks() -> Rulebooks:
    return load_rulebooks([BUILT_IN, BUILT_IN / "demo"])


@dataclass
class Books:
    """Writes the two families. ``clock`` moves on, so that ids are in order."""

    engine: Engine
    rulebooks: Rulebooks
    clock: datetime = datetime(2026, 8, 17, 1, 0, tzinfo=UTC)

    def write(self) -> Families:
        guardian, other = self.new_id(), self.new_id()
        with self.engine.begin() as conn:
            for school in (PAINTING, CODING):
                self.open(conn, school)
            li = self.pupil(conn, PAINTING, "李㐂言", guardian, "周𠮷宁", "13900000001")
            coder = self.pupil(conn, CODING, "李㐂言", guardian, "周𠮷宁", "13900000001")
            wang = self.pupil(conn, PAINTING, "王小明", other, "王大明", "13900000002")
            han = self.pupil(conn, PAINTING, "王二明", other, "王大明", "13900000002")
            painting = self.sign(conn, PAINTING, li, "QM-2026-0817", 3200_00, 36_00, gifted=4_00)
            coding = self.sign(conn, CODING, coder, "LS-2026-0901", 3000_00, 24_00)
            asked = self.sign(conn, PAINTING, wang, "QM-2026-0818", 1600_00, 20_00)
            unpaid = self.sign(conn, PAINTING, han, "QM-2026-0819", 800_00, 10_00)
            self.pay(conn, PAINTING, painting, 3200_00, "6217000000000919")
            self.pay(conn, PAINTING, asked, 1600_00, "6217000000004455")
            receipt = posting.prepaid_to_institution(self.balance(conn, CODING, coding), self.new_id(), 3000_00)
            self.post(conn, CODING, receipt)
        self.teach_painting()
        for n in range(5):
            self.confirm(CODING, self.teach(CODING, "LS-2026-0901", n, date(2026, 10, 10) + timedelta(days=7 * n)))
        self.ask_refund(asked)
        return Families(guardian, painting, coding, other, asked, unpaid)

    def teach_painting(self) -> None:
        """Twelve hours confirmed (two by silence), one waits; one each flagged, disputed, taken back, not charged."""
        for n in range(12):
            taught = self.teach(PAINTING, "QM-2026-0817", n, FIRST_LESSON_ON + timedelta(days=7 * n))
            self.confirm(PAINTING, taught, by_silence=n in (1, 6))
        self.teach(PAINTING, "QM-2026-0817", 20, date(2026, 11, 21))
        self.teach(PAINTING, "QM-2026-0817", 21, date(2026, 11, 22), starts_at=time(20))
        self.teach(PAINTING, "QM-2026-0817", 22, date(2026, 11, 15), attendance=Attendance.LEAVE_IN_TIME)
        disputed = self.teach(PAINTING, "QM-2026-0817", 23, date(2026, 10, 31), starts_at=time(16))
        self.step(disputed, "disputed", "老师没来")
        reversed_ = self.teach(PAINTING, "QM-2026-0817", 24, date(2026, 10, 24), starts_at=time(16))
        self.step(reversed_, "reversed", "机构重复登记")

    def new_id(self) -> UUID:
        self.clock += timedelta(milliseconds=1)
        return new_id(self.clock)

    def law(self, school: School, on: date = SIGNED_ON) -> Rulebook:
        return self.rulebooks.in_force(school.place, "", on)

    def open(self, conn: Connection, school: School) -> None:
        mode = "reserve" if school.reserve else "custody"
        new = Institution(
            school.number, f"JG{school.number}", school.name, school.place, "", "non_academic", mode, school.office,
            school.phone,
        )  # fmt: skip
        registration.institution(conn, VAULT, new, Payee(school.name, "6222000000000001", BANK_NO), self.clock)
        account = f"62320010{school.number}{school.tail}"
        banked = (RESERVE, FundKind.RESERVE) if school.reserve else (CUSTODY, FundKind.CUSTODY)
        funds = [Fund(school.number, *banked, account, BANK, BANK_NO, "CNY", 0, SIGNED_ON)]
        if school.reserve:
            funds.append(Fund(school.number, HANDS, FundKind.HANDS, None, None, None, "CNY", 0, SIGNED_ON))
        for fund in funds:
            registration.fund(conn, fund, "clerk:li", "clerk:wang", self.clock)
        course = Course(Stage.COMPULSORY, Category.NON_ACADEMIC, Mode.OFFLINE, 8, 60, 80_00)
        offer = CourseOffer(self.new_id(), "KC-1", school.course, school.subject, course)
        registration.courses(conn, school.number, [offer], self.law(school), self.clock)

    def pupil(
        self, conn: Connection, school: School, name: str, guardian: UUID, guardian_name: str, phone: str
    ) -> UUID:
        new = Family(self.new_id(), name, f"{school.number}{name}", guardian, guardian_name, phone)
        return registration.families(conn, VAULT, school.number, [new], self.clock)[new.student_id]

    def sign(
        self, conn: Connection, school: School, student: UUID, number: str, price_fen: int, hours: int, gifted: int = 0
    ) -> UUID:
        new = Contract(
            institution_id=school.number,
            contract_id=self.new_id(),
            contract_no=number,
            payment_reference=f"PP{number[-4:]}",
            course_id=register.course_ids(conn, school.number, ["KC-1"])["KC-1"],
            student_id=student,
            fund_no=school.fund_no,
            price_fen=price_fen,
            list_price_fen=None,
            hours_bought=hours,
            hours_gifted=gifted,
            months=None,
            first_lesson_on=FIRST_LESSON_ON,
            signed_on=SIGNED_ON,
            funded_by_loan=False,
            rulebook="",
            rulebook_digest=b"",
        )
        (outcome,) = contract.sign(conn, school.number, [new], self.law(school), self.clock)
        assert outcome.accepted, outcome
        return new.contract_id

    def balance(self, conn: Connection, school: School, contract_id: UUID) -> ContractBalance:
        return register.read_contracts(conn, school.number, [contract_id])[contract_id]

    def post(self, conn: Connection, school: School, event: Event) -> None:
        entry = Entry(self.new_id(), f"test {self.clock}", (("event", event.kind),), event, PAID_ON, "test")
        (outcome,) = journal.post(conn, school.number, [entry], self.clock)
        assert outcome.accepted, outcome

    def pay(self, conn: Connection, school: School, contract_id: UUID, amount_fen: int, account: str) -> None:
        """A deposit with its bank line, as an import leaves it."""
        line, place = self.new_id(), {"institution_id": school.number, "fund_no": CUSTODY, "statement_id": account}
        record.insert(conn, "statement", [{
            **place, "account_no": "x", "sequence": None, "opening_fen": 0, "closing_fen": amount_fen,
            "first_on": PAID_ON, "last_on": date(2026, 11, 23), "lines": 1, "content_digest": b"x", "file_sha256": b"x",
            "verdict": "accept", "class": "", "position": int(account[-4:]), "imported_at": self.clock,
        }])  # fmt: skip
        record.insert(conn, "statement_line", [{
            **place, "line_id": line, "ord": 1, "amount_fen": amount_fen, "credit": True, "booked_on": PAID_ON,
            "value_on": None, "bank_ref": account, "match_key": None, "end_to_end_id": None, "bank_code": "",
            "occurrence": 1, "payer_name_sealed": VAULT.seal("周", "statement_line", "payer_name", line),
            "payer_account_sealed": VAULT.seal(account, "statement_line", "payer_account", line),
            "payer_account_index": None, "payer_bank": BANK_NO, "memo_sealed": None,
        }])  # fmt: skip
        self.post(conn, school, posting.deposit(self.balance(conn, school, contract_id), line, amount_fen))

    def teach(
        self, school: School, contract_no: str, n: int, taught_on: date, at: datetime | None = None, **changed: Any
    ) -> UUID:
        """Record one lesson on the evening of its day (or ``at`` an instant); its id."""
        teacher = "阿依古丽·买买提" if n % 3 == 2 else "顾沐之"
        row = LessonRow(
            n, f"L{n:02d}", contract_no, taught_on, time(14), 60, 1_00, teacher, "2 号教室", Mode.OFFLINE,
            Attendance.PRESENT,
        )  # fmt: skip
        with self.engine.begin() as conn:
            (outcome,) = lesson.record_rows(
                conn, school.number, [replace(row, **changed)], self.law(school),
                self.rulebooks.calendar(school.place), f"JG{school.number}", at or instant(taught_on, 18),
            )  # fmt: skip
            assert outcome.accepted, outcome
            (signed,) = contracts.find(conn, school.number, numbers=[contract_no])
            found = lessons.of_contracts(conn, school.number, [signed.contract_id])
        return next(one.lesson_id for one in found if one.lesson_no == row.lesson_no)

    def confirm(self, school: School, lesson_id: UUID, *, by_silence: bool = False) -> None:
        actor, reason = ("custody:due", "silence") if by_silence else ("guardian", "")
        with self.engine.begin() as conn:
            (outcome,) = lesson.confirm(conn, school.number, [lesson_id], actor, instant(TODAY, 9), reason=reason)
        assert outcome.accepted, outcome

    def step(self, lesson_id: UUID, state: str, reason: str) -> None:
        """What no flow does yet: a dispute, a recall."""
        with self.engine.begin() as conn:
            record.insert(conn, "lesson_step", [{
                "institution_id": PAINTING.number, "lesson_id": lesson_id, "step": 2, "state": state, "at": self.clock,
                "actor": "guardian", "reason": reason, "entry_id": None,
            }])  # fmt: skip

    def ask_refund(self, contract_id: UUID) -> None:
        asked = RefundAsked(contract_id, Cause.CONSUMER, "guardian:x")
        with self.engine.begin() as conn:
            (outcome,) = refund.ask(
                conn, VAULT, PAINTING.number, [asked], self.law(PAINTING, TODAY),
                self.rulebooks.calendar(PAINTING.place), instant(TODAY, 10),
            )  # fmt: skip
        assert outcome.accepted, outcome


def instant(on: date, hour: int) -> datetime:
    """An hour of a day in Shanghai, as UTC."""
    return datetime.combine(on, time(hour), SHANGHAI).astimezone(UTC)
