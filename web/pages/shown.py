"""One course as a family sees it: what comes back, when, and where the money is. For money and course."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import refund_payer
from ledger.errors import BadInput, Message
from ledger.flows import refund as refund_flow
from ledger.reports import family
from ledger.reports.family import FamilyContract, FamilyLesson, FamilyRefund
from ledger.rules import refund_deadline
from ledger.terms.calendar import Deadline
from ledger.terms.lesson import LessonState
from ledger.terms.refund import Alternative, Cause, Worksheet
from ledger.terms.refund_request import CLOSED, RefundState
from web.format import tail
from web.site import Law, Site

_COUNTED = (LessonState.RECORDED, LessonState.CONFIRMED, LessonState.RELEASED)
_TICKS_MAX = 60


class Standing(StrEnum):
    """How a course stands: may be stopped, a refund is on its way or was paid, nothing was paid, all was taught.

    ``moving``: the money is on its way to another bank. ``unknown``: no quote could be made, ``Shown.fault`` says why.
    """

    OPEN = "open"
    ASKED = "asked"
    PAID_BACK = "paid_back"
    UNPAID = "unpaid"
    TAUGHT = "taught"
    MOVING = "moving"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class SheetLine:
    """One line of a worksheet, quoted today or kept with a refund."""

    code: str
    label: Message
    formula: str
    amount_fen: int
    rule: Message
    source: str


@dataclass(frozen=True, slots=True)
class Sheet:
    """A worksheet as shown: the lines add up to ``refund_fen``. ``notes`` are there for a quote of today only."""

    cause: Cause
    refund_fen: int
    lines: tuple[SheetLine, ...]
    alternatives: tuple[Alternative, ...]
    notes: tuple[Message, ...]
    rulebook: str
    digest: str

    def under(self, cause: str) -> int | None:
        """What comes back under another cause."""
        return next((other.refund_fen for other in self.alternatives if other.cause == cause), None)


@dataclass(frozen=True, slots=True)
class Hours:
    """Class hours in hundredths: taught (confirmed, by whom ever), waiting, disputed, to come."""

    total: int
    taught: int
    waiting: int
    disputed: int

    @property
    def left(self) -> int:
        return max(0, self.total - self.taught - self.waiting - self.disputed)

    @property
    def strip(self) -> "Strip":
        """The bar of the course: a tick for each hour while they are few, else one bar per state."""
        parts = (("done", self.taught), ("disp", self.disputed), ("wait", self.waiting), ("left", self.left))
        if self.total <= _TICKS_MAX * 100 and all(hours % 100 == 0 for _, hours in parts):
            states = [state for state, hours in parts for _ in range(hours // 100)]
            return Strip(len(states) * 10, tuple((state, n * 10 + 1, 7) for n, state in enumerate(states)))
        width = sum(hours for _, hours in parts)
        bars, x = [], 0
        for state, hours in parts:
            wide = hours * 400 // width if width else 0
            if wide:
                bars.append((state, x + 1, max(1, wide - 2)))
            x += wide
        return Strip(400, tuple(bars))


@dataclass(frozen=True, slots=True)
class Strip:
    """Rectangles (state, x, width) in a drawing ``width`` wide."""

    width: int
    bars: tuple[tuple[str, int, int], ...]


@dataclass(frozen=True, slots=True)
class Shown:
    """One course, ready for a template. ``payee``: the tails of the accounts the money would go back to."""

    contract: FamilyContract
    student: str
    standing: Standing
    sheet: Sheet | None
    fault: str
    refund: FamilyRefund | None
    arrives: Deadline | None
    answer_by: Deadline | None
    payee: str
    office: Message
    hours: Hours
    lessons: tuple[FamilyLesson, ...]

    @property
    def waiting(self) -> tuple[FamilyLesson, ...]:
        """Lessons nobody answered yet, oldest first."""
        return tuple(lesson for lesson in reversed(self.lessons) if lesson.waits)

    @property
    def amount_fen(self) -> int | None:
        """The one large amount."""
        return None if self.sheet is None else self.sheet.refund_fen


def read(site: Site, conn: Connection, guardian_id: UUID, contract_id: UUID | None = None) -> list[Shown]:
    """The courses of a guardian's children, quoted as of today; one of them with ``contract_id``.

    A contract of another family is left out like one that does not exist.
    """
    today = site.today()
    found = family.contracts(conn, guardian_id, contract_id)
    shown: dict[UUID, Shown] = {}
    for number in sorted({contract.institution_id for contract in found}):
        ours = [contract for contract in found if contract.institution_id == number]
        shown |= _of_institution(site, conn, number, ours, today)
    return [shown[contract.contract_id] for contract in found]


def booked_through(courses: Sequence[Shown]) -> date | None:
    """The last bank day whose statements are in the books for all these courses; None where no bank has the money."""
    days = [course.contract.booked_through for course in courses]
    return min((day for day in days if day is not None), default=None)


def _of_institution(
    site: Site, conn: Connection, number: int, contracts: Sequence[FamilyContract], today: date
) -> dict[UUID, Shown]:
    ids = [contract.contract_id for contract in contracts]
    lessons = family.lessons(conn, number, ids)
    asked = family.refunds(conn, number, ids)
    payees = _payee_tails(site, conn, number, ids)
    law, fault = _law(site, contracts[0], today)
    moving = {contract.contract_id for contract in contracts if contract.moving_fen}
    ended = CLOSED - {RefundState.PAID}
    live = [i for i in ids if i not in moving and (i not in asked or asked[i].state in ended)]
    quotes = _quotes(conn, number, live, law, today) if law else dict.fromkeys(live, fault)
    shown = {}
    for contract in contracts:
        contract_id = contract.contract_id
        refund = asked.get(contract_id)
        quote = quotes.get(contract_id)
        kept = _kept_sheet(refund) if refund is not None and contract_id not in quotes else None
        sheet = quoted_sheet(quote) if isinstance(quote, Worksheet) else kept
        shown[contract_id] = Shown(
            contract=contract,
            student=site.vault.open(contract.student_sealed, "student", "name", contract.student_id),
            standing=_standing(contract, refund, sheet),
            sheet=sheet,
            fault=quote if isinstance(quote, str) else "",
            refund=refund,
            arrives=_arrives(law, today, contract.first_lesson_on),
            answer_by=_answer_by(law, today),
            payee=payees.get(contract_id, ""),
            office=_office(contract, law),
            hours=_hours(contract, lessons[contract_id]),
            lessons=tuple(lessons[contract_id]),
        )
    return shown


def _law(site: Site, contract: FamilyContract, today: date) -> tuple[Law | None, str]:
    try:
        return site.law(contract.place, contract.zone, today), ""
    except BadInput as fault:
        return None, fault.code


def _quotes(
    conn: Connection, number: int, ids: Sequence[UUID], law: Law, today: date
) -> Mapping[UUID, Worksheet | str]:
    """Quotes if the family stops of its own accord; the code of what is missing where none can be made."""

    def quote(some: Sequence[UUID]) -> Mapping[UUID, Worksheet | str]:
        asked = dict.fromkeys(some, Cause.CONSUMER)
        return refund_flow.quote(conn, number, asked, law.rulebook, law.calendar, today)

    try:
        return quote(ids)
    except BadInput as fault:
        if len(ids) < 2:
            return dict.fromkeys(ids, fault.code)
    # One contract that cannot be quoted must not hide the others.
    return {contract_id: _quotes(conn, number, [contract_id], law, today)[contract_id] for contract_id in ids}


def quoted_sheet(worksheet: Worksheet) -> Sheet:
    """A quote of today, ready for a template."""
    lines = tuple(
        SheetLine(line.code, line.label, line.formula, line.amount_fen, line.rule, line.source)
        for line in worksheet.lines
    )
    return Sheet(
        cause=worksheet.cause,
        refund_fen=worksheet.refund_fen,
        lines=lines,
        alternatives=worksheet.alternatives,
        notes=tuple(note.text for note in worksheet.notes),
        rulebook=worksheet.rulebook,
        digest=worksheet.digest,
    )


def _kept_sheet(refund: FamilyRefund) -> Sheet:
    """The worksheet a refund was asked with, as the books keep it."""
    kept: dict[str, Any] = refund.worksheet
    lines = tuple(
        SheetLine(
            code=line["code"],
            label=Message(en=line["label_en"], zh=line["label_zh"]),
            formula=line["formula"],
            amount_fen=line["amount_fen"],
            rule=Message(en=line["rule_en"], zh=line["rule_zh"]),
            source=line["source"],
        )
        for line in kept["lines"]
    )
    others = tuple(Alternative(Cause(other["cause"]), other["refund_fen"]) for other in kept["alternatives"])
    return Sheet(refund.cause, refund.amount_fen, lines, others, (), refund.rulebook, kept["digest"])


def _standing(contract: FamilyContract, refund: FamilyRefund | None, sheet: Sheet | None) -> Standing:
    if contract.moving_fen:
        return Standing.MOVING
    if refund is not None and refund.state is RefundState.PAID:
        return Standing.PAID_BACK
    if refund is not None and refund.state not in CLOSED:
        return Standing.ASKED
    if contract.paid_fen == 0:
        return Standing.UNPAID
    if sheet is None:
        return Standing.UNKNOWN
    done = contract.hours_released >= contract.hours_total and contract.claim_fen == 0
    return Standing.TAUGHT if done else Standing.OPEN


def _hours(contract: FamilyContract, lessons: Sequence[FamilyLesson]) -> Hours:
    def total(*states: LessonState) -> int:
        return sum(lesson.hours for lesson in lessons if lesson.state in states)

    waiting = total(LessonState.RECORDED)
    # Hours taken over from earlier books were released without a lesson here.
    taught = max(total(*_COUNTED) - waiting, contract.hours_released)
    return Hours(contract.hours_total, taught, waiting, total(LessonState.DISPUTED))


def _arrives(law: Law | None, today: date, first_lesson_on: date) -> Deadline | None:
    """The last day on which money asked back today must be there; None: no rule says."""
    if law is None:
        return None
    try:
        return refund_deadline.pay_by(today, first_lesson_on, law.rulebook, law.calendar)
    except BadInput:
        return None


def _answer_by(law: Law | None, today: date) -> Deadline | None:
    """The last day for the institution to answer; its silence is agreement."""
    if law is None:
        return None
    try:
        return refund_deadline.answer_by(today, law.rulebook, law.calendar)
    except BadInput:
        return None


def _office(contract: FamilyContract, law: Law | None) -> Message:
    """The office to call, with its English name where the rulebook of the place knows it."""
    zh = contract.office_name
    if law is not None:
        names = [law.rulebook.find(f"office.name_{code}") for code in ("zh", "en")]
        if all(names) and names[0] is not None and names[1] is not None and names[0].value == zh:
            return Message(en=str(names[1].value), zh=zh)
    return Message(en=zh, zh=zh)


def _payee_tails(site: Site, conn: Connection, number: int, ids: Sequence[UUID]) -> dict[UUID, str]:
    """The tails of the accounts each contract's payments came from, newest first: a refund goes back there."""
    found = {}
    for contract_id, lines in refund_payer.lines(conn, number, ids).items():
        accounts = [
            site.vault.open(line.account_sealed, line.table, "payer_account", line.row_id)
            for line in lines if line.account_sealed
        ]  # fmt: skip
        found[contract_id] = " / ".join(dict.fromkeys(tail(account) for account in dict.fromkeys(accounts)))
    return found
