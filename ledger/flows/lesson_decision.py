"""Disputes of hours and decisions on them, and on lessons at unlawful times: two people, one reason, one outcome."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import journal, record, register
from ledger.books import lesson as lessons
from ledger.books import lesson_decision as decisions
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats.contract_rules import read_rules
from ledger.rules import lesson_dispute, posting, posting_payment
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry, Event
from ledger.terms.lesson import Lesson, LessonDispute, LessonState, Verdict
from ledger.terms.release import ReleaseMode


def dispute(
    conn: Connection, institution_id: int, lesson_ids: Sequence[UUID], actor: str, now: datetime, reason: str
) -> list[Outcome]:
    """A parent disputes hours; one outcome per lesson. Sealed first by the caller, so that all that is earned counts.

    Before release a hold on the contract keeps what the hour would earn; after release a hold on the institution's
    payable keeps what it did earn, while that money is there. An hour confirmed by silence may be disputed like any
    other. Disputed already: replayed. Refused: UNKNOWN_LESSON, LESSON_REVERSED.
    """
    books = _Books(conn, institution_id, lesson_ids, actor, now)
    rows = []
    outcomes = []
    for lesson_id in lesson_ids:
        lesson = books.lessons.get(lesson_id)
        refusal = lesson_dispute.refusal(lesson)
        if lesson is None or refusal:
            outcomes.append(Outcome(Result.REFUSED, refusal))
            continue
        if lesson.state is LessonState.DISPUTED:
            outcomes.append(Outcome(Result.REPLAYED))
            continue
        was_released = lesson.state is LessonState.RELEASED
        hold_id = books.hold(lesson, was_released=was_released)
        rows.append({
            "institution_id": institution_id, "lesson_id": lesson_id, "step": lesson.step + 1,
            "was_released": was_released, "hold_id": hold_id,
        })  # fmt: skip
        books.step(lesson, LessonState.DISPUTED, reason, hold_id)
        outcomes.append(Outcome(Result.DONE, entry_id=hold_id))
    books.write()
    record.insert(conn, "lesson_dispute", rows)
    return outcomes


def decide(
    conn: Connection, institution_id: int, lesson_ids: Sequence[UUID], verdict: Verdict, reason: str, actor: str,
    now: datetime,
) -> list[Outcome]:  # fmt: skip
    """One person decides on lessons, with a reason; it takes effect when a second person approves it (``approve``).

    ``entry_id`` of an outcome is the decision's id. The same verdict waiting already: replayed. Refused:
    UNKNOWN_LESSON, LESSON_REVERSED, LESSON_NOT_WAITING (nothing about the lesson asks for a decision).
    """
    found = lessons.by_id(conn, institution_id, lesson_ids)
    register.lock_contracts(conn, institution_id, [lesson.contract_id for lesson in found.values()])
    found = lessons.by_id(conn, institution_id, lesson_ids)  # again: as they stand under the lock
    waiting = {lesson_id: (one.decision_id, one.verdict)
               for lesson_id, one in decisions.open_of(conn, institution_id, lesson_ids).items()}  # fmt: skip
    rows, outcomes = [], []
    for lesson_id, decision_id in zip(lesson_ids, new_ids(now, len(lesson_ids)), strict=True):
        refusal = lesson_dispute.undecidable(found.get(lesson_id), verdict)
        known = waiting.get(lesson_id)
        if refusal:
            outcomes.append(Outcome(Result.REFUSED, refusal))
        elif known is not None and known[1] is verdict:
            outcomes.append(Outcome(Result.REPLAYED, entry_id=known[0]))
        else:
            waiting[lesson_id] = (decision_id, verdict)
            outcomes.append(Outcome(Result.DONE, entry_id=decision_id))
            rows.append({
                "institution_id": institution_id, "decision_id": decision_id, "lesson_id": lesson_id,
                "verdict": verdict, "reason": reason, "decided_by": actor, "decided_at": now,
            })  # fmt: skip
    record.insert(conn, "lesson_decision", rows)
    return outcomes


def approve(
    conn: Connection, institution_id: int, decision_ids: Sequence[UUID], approver: str, now: datetime
) -> list[Outcome]:
    """A second person approves decisions, and they take effect: holds end, hours are released or come back.

    Sealed first by the caller. Approved already: replayed. Refused: UNKNOWN_DECISION, SAME_PERSON, DECISION_REPLACED
    (a later one was made on the lesson), and what ``decide`` refuses, where the lesson has changed since.
    """
    found = decisions.by_id(conn, institution_id, decision_ids)
    books = _Books(conn, institution_id, [one.lesson_id for one in found.values()], approver, now)
    found = decisions.by_id(conn, institution_id, decision_ids)  # again: as they stand under the lock
    approvals, outcomes = [], []
    for decision_id in decision_ids:
        decision = found.get(decision_id)
        if decision is None:
            outcomes.append(Outcome(Result.REFUSED, "UNKNOWN_DECISION"))
            continue
        if decision.approved_by is not None:
            outcomes.append(Outcome(Result.REPLAYED))
            continue
        lesson = books.lessons[decision.lesson_id]
        refusal = "SAME_PERSON" if decision.decided_by == approver else ""
        refusal = refusal or ("" if decision.is_newest else "DECISION_REPLACED")
        refusal = refusal or lesson_dispute.undecidable(lesson, decision.verdict)
        if refusal:
            outcomes.append(Outcome(Result.REFUSED, refusal))
            continue
        if decision.verdict is Verdict.RELEASED:
            books.stands(lesson, decision.reason)
        else:
            books.comes_back(lesson, decision.reason)
        found[decision_id] = replace(decision, approved_by=approver)
        outcomes.append(Outcome(Result.DONE))
        approvals.append({
            "institution_id": institution_id, "subject_id": decision_id, "subject": "lesson_decision",
            "made_by": decision.decided_by, "approved_by": approver, "approved_at": now,
        })  # fmt: skip
    books.write()
    record.insert(conn, "approval", approvals)
    return outcomes


@dataclass(slots=True)
class _Hold:
    """An open hold: where it lies and how much it keeps."""

    hold_id: UUID
    amount_fen: int
    on_contract: bool


class _Books:
    """The lessons of a set with their contracts, accounts and holds, locked; each event counts for the next one."""

    def __init__(
        self, conn: Connection, institution_id: int, lesson_ids: Sequence[UUID], actor: str, now: datetime
    ) -> None:
        self._conn, self._institution_id, self._actor, self._now = conn, institution_id, actor, now
        found = lessons.by_id(conn, institution_id, lesson_ids)
        ids = {lesson.contract_id for lesson in found.values()}
        self._contracts = register.lock_contracts(conn, institution_id, list(ids))
        self.lessons = lessons.by_id(conn, institution_id, lesson_ids)  # as they stand under the lock
        disputes = decisions.disputes(conn, institution_id, lesson_ids)
        holds = register.open_holds(conn, institution_id, [one.hold_id for one in disputes.values() if one.hold_id])
        self._disputes: dict[UUID, LessonDispute] = disputes
        self._holds = {
            one.lesson_id: _Hold(one.hold_id, holds[one.hold_id], not one.was_released)
            for one in disputes.values()
            if one.hold_id is not None and one.hold_id in holds
        }
        funds = sorted({contract.fund_no for contract in self._contracts.values()})
        self._payable = {fund_no: register.lock_account(conn, institution_id, fund_no, "payable") for fund_no in funds}
        kept = contracts.rules(conn, institution_id, ids)
        self._by_hour = {key for key, rules in kept.items() if read_rules(rules).release.mode is ReleaseMode.PER_HOUR}
        self._ids = iter(new_ids(now, 3 * len(lesson_ids)))
        self._entries: list[Entry] = []
        self._steps: list[dict[str, object]] = []

    def hold(self, lesson: Lesson, *, was_released: bool) -> UUID | None:
        """Hold the hour's money; None where there is none."""
        contract = self._contracts[lesson.contract_id]
        hold_id = next(self._ids)
        if was_released:
            amount = lesson_dispute.held_after_release(contract, lesson.hours, self._payable[contract.fund_no])
            self._payable[contract.fund_no] -= amount
        else:
            amount = lesson_dispute.held_before_release(contract, lesson.hours)
            self._contracts[lesson.contract_id] = replace(contract, held_fen=contract.held_fen + amount)
        if amount == 0:
            return None
        of = None if was_released else contract.contract_id
        self._post(lesson, "dispute", posting.hold_placed(contract.fund_no, hold_id, amount, of), hold_id)
        return hold_id

    def stands(self, lesson: Lesson, reason: str) -> None:
        """The hour stands: its hold ends, and what was not released yet is, or waits for the calendar to release it."""
        was_released = self._was_released(lesson)
        ended = self._end_hold(lesson)
        if was_released:
            self.step(lesson, LessonState.RELEASED, reason, ended)
            return
        lesson = self.step(lesson, LessonState.CONFIRMED, reason, ended)
        contract = self._contracts[lesson.contract_id]
        event = posting.hours_released(contract, lesson.hours)
        if lesson.contract_id in self._by_hour and event.moves_something:
            self._contracts[lesson.contract_id] = posting.after_release(contract, event)
            self.step(lesson, LessonState.RELEASED, "", self._post(lesson, "release", event))

    def comes_back(self, lesson: Lesson, reason: str) -> None:
        """The hour is the family's again: its hold ends, and what it had earned is un-released."""
        was_released = self._was_released(lesson)
        entry_id = self._end_hold(lesson)
        if was_released:
            contract = self._contracts[lesson.contract_id]
            amount = lesson_dispute.taken_back(contract, lesson.hours)
            event = posting.unreleased(contract, amount, lesson.hours, self._payable[contract.fund_no])
            self._payable[contract.fund_no] -= posting_payment.taken_from_payable(event)
            self._contracts[lesson.contract_id] = posting.after_unrelease(contract, event)
            entry_id = self._post(lesson, "unrelease", event)
        self.step(lesson, LessonState.REVERSED, reason, entry_id)

    def step(self, lesson: Lesson, state: LessonState, reason: str, entry_id: UUID | None) -> Lesson:
        """The lesson's next step, and the lesson after it."""
        after = replace(lesson, state=state, step=lesson.step + 1)
        self._steps.append(
            lessons.step(
                self._institution_id, lesson.lesson_id, after.step, state, self._actor, self._now, reason, entry_id
            )
        )
        self.lessons[lesson.lesson_id] = after
        return after

    def write(self) -> None:
        """Post and record the whole set."""
        posted = journal.post(self._conn, self._institution_id, self._entries, self._now)
        for entry, outcome in zip(self._entries, posted, strict=True):
            # Contracts, holds and payable are locked and the amounts come from them: a refusal here is our bug.
            if outcome.result is not Result.DONE:
                raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
        record.insert(self._conn, "lesson_step", self._steps)

    def _was_released(self, lesson: Lesson) -> bool:
        if lesson.state is LessonState.DISPUTED:
            return self._disputes[lesson.lesson_id].was_released
        return lesson.state is LessonState.RELEASED

    def _end_hold(self, lesson: Lesson) -> UUID | None:
        """End the hold of the lesson's dispute; the entry, None where nothing is held."""
        hold = self._holds.pop(lesson.lesson_id, None)
        if hold is None:
            return None
        contract = self._contracts[lesson.contract_id]
        if hold.on_contract:
            self._contracts[lesson.contract_id] = replace(contract, held_fen=contract.held_fen - hold.amount_fen)
        else:
            self._payable[contract.fund_no] += hold.amount_fen
        of = contract.contract_id if hold.on_contract else None
        return self._post(lesson, "end", posting.hold_ended(contract.fund_no, hold.hold_id, hold.amount_fen, of))

    def _post(self, lesson: Lesson, what: str, event: Event, entry_id: UUID | None = None) -> UUID:
        entry_id = entry_id or next(self._ids)
        key = f"{what} {lesson.lesson_id} {lesson.step}"
        asked = (("lesson", str(lesson.lesson_id)),)
        self._entries.append(Entry(entry_id, key, asked, event, shanghai_day(self._now), self._actor, lesson.lesson_id))
        return entry_id
