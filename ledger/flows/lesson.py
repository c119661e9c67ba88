"""Lessons: recorded by the institution, confirmed by a parent or by silence, released to the institution."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import closed, journal, lesson_deadline, record, register
from ledger.books import contract as contracts
from ledger.books import lesson as lessons
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats.contract_rules import read_rules
from ledger.rules import confirmation, posting
from ledger.rules import lesson as lesson_rules
from ledger.terms.calendar import SHANGHAI, CalendarDays, shanghai_day
from ledger.terms.contract import Contract
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry
from ledger.terms.lesson import Lesson, LessonState
from ledger.terms.lesson_law import LessonTime
from ledger.terms.lesson_sheet import LessonRow
from ledger.terms.price_cap import Category, Stage
from ledger.terms.release import ReleaseMode
from ledger.terms.rulebook import Rulebook

# What makes a lesson asked again another lesson.
_FACTS = ("taught_on", "starts_at", "minutes", "hours")


def record_rows(
    conn: Connection, institution_id: int, rows: Sequence[LessonRow], rulebook: Rulebook, calendar: CalendarDays,
    actor: str, now: datetime,
) -> list[Outcome]:  # fmt: skip
    """Record lessons; one outcome per row.

    A lesson number known in its contract is replayed, or a conflict that names the field. Refused: UNKNOWN_CONTRACT,
    CONTRACT_NOT_OPEN, LESSON_OVER_HOURS, LESSON_IN_FUTURE, INSTITUTION_CLOSED (taught after that day). A lesson at an
    unlawful time, the pupil's other lessons counted in, is recorded and flagged; silence will not confirm it. A last
    day to answer that lies in a year without a holiday notice is marked provisional.
    """
    recording = _Recording(conn, institution_id, rows, rulebook, calendar, actor, now)
    outcomes = [recording.answer(row, new) for row, new in zip(rows, new_ids(now, len(rows)), strict=True)]
    record.insert(conn, "lesson", recording.lessons)
    record.insert(conn, "lesson_step", recording.steps)
    if recording.answer_until.provisional:
        answerable = [(lesson_id, 1) for lesson_id in recording.answerable]
        until = recording.answer_until.on
        lesson_deadline.insert(conn, institution_id, answerable, until, True, now)
    return outcomes


class _Recording:
    """The facts a set of rows is decided by, loaded and locked at once; every row counts for the next one."""

    def __init__(
        self, conn: Connection, institution_id: int, rows: Sequence[LessonRow], rulebook: Rulebook,
        calendar: CalendarDays, actor: str, now: datetime,
    ) -> None:  # fmt: skip
        signed = contracts.find(conn, institution_id, numbers=[row.contract_no for row in rows])
        ids = [contract.contract_id for contract in signed]
        self._institution_id, self._calendar, self._actor, self._now = institution_id, calendar, actor, now
        self._contracts = {contract.contract_no: contract for contract in signed}
        self._balances = register.lock_contracts(conn, institution_id, ids)
        self._ended = contracts.ended(conn, institution_id, ids)
        self._courses = contracts.courses(conn, institution_id, [contract.course_id for contract in signed])
        self._charged = {contract.contract_id: read_rules(contract.rules).charged_states for contract in signed}
        self._known: dict[tuple[UUID, str], tuple[date, time, int, int]] = {}
        self._taken: dict[UUID, int] = defaultdict(int)
        self._of_pupil: dict[str, list[LessonTime]] = defaultdict(list)
        for known in self._known_times(conn, rows, signed):
            self._of_pupil[known.student_id].append(known)
        for lesson in lessons.of_contracts(conn, institution_id, ids):
            facts = (lesson.taught_on, lesson.starts_at, lesson.minutes, lesson.hours)
            self._known[lesson.contract_id, lesson.lesson_no] = facts
            if lesson.state is not LessonState.REVERSED:
                self._taken[lesson.contract_id] += lesson.hours
        self._law = lesson_rules.law(rulebook)
        self._today = shanghai_day(now)
        self._closed = closed.standing(conn, institution_id)
        silence_days = rulebook.whole("confirmation.silence_working_days")
        self.answer_until = confirmation.silence_ends_on(self._today, silence_days, calendar)
        self.answerable: list[UUID] = []  # lessons that silence may confirm
        self.lessons: list[dict[str, object]] = []
        self.steps: list[dict[str, object]] = []

    def _known_times(
        self, conn: Connection, rows: Sequence[LessonRow], signed: Sequence[Contract]
    ) -> Sequence[LessonTime]:
        """What the pupils of these rows were taught on their days: an online pause counts over all contracts."""
        if not rows:
            return ()
        days = [row.taught_on for row in rows]
        pupils = {contract.student_id for contract in signed}
        return lessons.times(conn, self._institution_id, min(days), max(days), pupils)

    def answer(self, row: LessonRow, lesson_id: UUID) -> Outcome:
        """Record one row under ``lesson_id``, or say why not."""
        contract = self._contracts.get(row.contract_no)
        if contract is None:
            return Outcome(Result.REFUSED, "UNKNOWN_CONTRACT", "contract_no")
        states = self._charged[contract.contract_id]
        hours = row.hours if lesson_rules.charged(row.attendance, states) else 0
        facts = (row.taught_on, row.starts_at, row.minutes, hours)
        known = self._known.setdefault((contract.contract_id, row.lesson_no), facts)
        if known is not facts:
            differs = next((name for name, said, kept in zip(_FACTS, facts, known, strict=True) if said != kept), "")
            return Outcome(Result.CONFLICT, "REQUEST_CONFLICT", differs) if differs else Outcome(Result.REPLAYED)
        refusal = self._refusal(row, contract, hours)
        if refusal:
            del self._known[contract.contract_id, row.lesson_no]
            return Outcome(Result.REFUSED, refusal)
        lesson_time = self._lesson_time(row, contract, lesson_id)
        of_pupil = self._of_pupil[lesson_time.student_id]
        flags = lesson_rules.flags(lesson_time, of_pupil, self._law, self._calendar)
        of_pupil.append(lesson_time)
        self._taken[contract.contract_id] += hours
        if hours and not flags:
            self.answerable.append(lesson_id)
        self.lessons.append({
            "institution_id": self._institution_id, "lesson_id": lesson_id, "contract_id": contract.contract_id,
            "lesson_no": row.lesson_no, "taught_on": row.taught_on, "starts_at": row.starts_at,
            "minutes": row.minutes, "hours": hours, "teacher": row.teacher, "room": row.room, "mode": row.mode,
            "attendance": row.attendance, "flags": list(flags),
            "answer_until": None if flags or not hours else self.answer_until.on,
            "recorded_at": self._now, "recorded_by": self._actor,
        })  # fmt: skip
        self.steps.append(
            lessons.step(self._institution_id, lesson_id, 1, LessonState.RECORDED, self._actor, self._now)
        )
        return Outcome(Result.DONE, detail=",".join(flags))

    def _refusal(self, row: LessonRow, contract: Contract, hours: int) -> str | None:
        if row.taught_on > self._today:
            return "LESSON_IN_FUTURE"
        if self._closed is not None and row.taught_on > self._closed.closed_on:
            return "INSTITUTION_CLOSED"
        left = self._balances[contract.contract_id].hours_total - self._taken[contract.contract_id]
        return lesson_rules.refusal(hours, left, contract_open=contract.contract_id not in self._ended)

    def _lesson_time(self, row: LessonRow, contract: Contract, lesson_id: UUID) -> LessonTime:
        course = self._courses[contract.course_id]
        starts_at = datetime.combine(row.taught_on, row.starts_at, SHANGHAI)
        return LessonTime(
            lesson_id=str(lesson_id),
            student_id=str(contract.student_id),
            teacher_id=row.teacher,
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=row.minutes),
            mode=row.mode,
            stage=Stage(course.stage),
            category=Category(course.category),
            room=row.room,
        )


def confirm(
    conn: Connection, institution_id: int, lesson_ids: Sequence[UUID], actor: str, now: datetime, *, reason: str = "",
    device: bytes | None = None,
) -> list[Outcome]:  # fmt: skip
    """Confirm lessons; where the contract releases hour by hour, release what they earn by running total.

    Other contracts are released by the calendar (``flows.release``), a lesson at an unlawful time by a decision
    (``flows.lesson_decision``). ``device``: a keyed digest of what a person confirmed on. One outcome per lesson;
    confirmed or released already: replayed. Refused: UNKNOWN_LESSON, LESSON_DISPUTED, LESSON_REVERSED.
    """
    balances = register.lock_contracts(conn, institution_id, lessons.contracts_of(conn, institution_id, lesson_ids))
    found = lessons.by_id(conn, institution_id, lesson_ids)  # as they stand under the lock
    kept = contracts.rules(conn, institution_id, list(balances))
    by_hour = {key for key, rules in kept.items() if read_rules(rules).release.mode is ReleaseMode.PER_HOUR}
    entries: list[Entry] = []
    steps, outcomes, confirmed = [], list[Outcome](), set[UUID]()
    entry_ids = new_ids(now, len(lesson_ids))
    for lesson_id, entry_id in zip(lesson_ids, entry_ids, strict=True):
        lesson = found.get(lesson_id)
        outcomes.append(Outcome(Result.REPLAYED) if lesson_id in confirmed else _confirmable(lesson))
        if lesson is None or outcomes[-1].result is not Result.DONE:
            continue
        confirmed.add(lesson_id)
        first = lesson.step + 1
        steps.append(
            lessons.step(institution_id, lesson_id, first, LessonState.CONFIRMED, actor, now, reason, device=device)
        )
        waits = lesson_rules.waits_for_decision(lesson.flags, decided=lesson.is_cleared)
        if waits or lesson.contract_id not in by_hour:
            continue
        event = posting.hours_released(balances[lesson.contract_id], lesson.hours)
        balances[lesson.contract_id] = posting.after_release(balances[lesson.contract_id], event)
        if event.moves_something:
            asked = (("lesson", str(lesson_id)),)
            key = f"release {lesson_id} {lesson.step}"
            entries.append(Entry(entry_id, key, asked, event, shanghai_day(now), actor, lesson_id))
            steps.append(
                lessons.step(institution_id, lesson_id, first + 1, LessonState.RELEASED, actor, now, "", entry_id)
            )
    for entry, outcome in zip(entries, journal.post(conn, institution_id, entries, now), strict=True):
        # The contracts are locked and the amounts come from them: a refusal here is our bug.
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    record.insert(conn, "lesson_step", steps)
    return outcomes


@dataclass(frozen=True, slots=True)
class ConfirmedBySilence:
    """A set of lessons confirmed by silence. ``last``: the lesson the next set comes after; None where none is left."""

    outcomes: list[Outcome]
    last: lessons.Cursor | None


def confirm_silent(
    conn: Connection, institution_id: int, today: date, now: datetime, limit: int, after: lessons.Cursor | None = None
) -> ConfirmedBySilence:
    """Confirm by silence what nobody answered before the legal day ``today``, oldest first, at most ``limit``
    lessons; those after ``after``, the last of the set before.
    """
    found = lessons.unanswered(conn, institution_id, today, limit, after)
    ids = [lesson_id for _, lesson_id in found]
    outcomes = confirm(conn, institution_id, ids, "custody:due", now, reason="silence")
    return ConfirmedBySilence(outcomes, found[-1] if len(found) == limit else None)


def _confirmable(lesson: Lesson | None) -> Outcome:
    if lesson is None:
        return Outcome(Result.REFUSED, "UNKNOWN_LESSON")
    if lesson.state in (LessonState.CONFIRMED, LessonState.RELEASED):
        return Outcome(Result.REPLAYED)
    if lesson.state is LessonState.RECORDED:
        return Outcome(Result.DONE)
    return Outcome(Result.REFUSED, "LESSON_DISPUTED" if lesson.state is LessonState.DISPUTED else "LESSON_REVERSED")
