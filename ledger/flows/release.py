"""Release by the calendar: weekly, by milestones, after the order; and what a rulebook lets go ahead of teaching."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import journal, record, register
from ledger.books import lesson as lessons
from ledger.books import lesson_decision as decisions
from ledger.books import release as releases
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats.contract_rules import read_rules
from ledger.rules import lesson as lesson_rules
from ledger.rules import posting, release
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.contract import ContractBalance
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry
from ledger.terms.lesson import Lesson, LessonDispute, LessonState, TaughtHours
from ledger.terms.release import ReleaseFacts

ACTOR = "custody:due"


def due(conn: Connection, institution_id: int, today: date, calendar: CalendarDays, now: datetime) -> list[Outcome]:
    """Release what the modes of contracts let go on the legal day ``today``; one outcome per contract that moved.

    A lesson is released with the hours that reach its end, in order of teaching.
    """
    ids = releases.waiting_contracts(conn, institution_id)
    balances = register.lock_contracts(conn, institution_id, ids)
    kept = {key: read_rules(rules).release for key, rules in contracts.rules(conn, institution_id, ids).items()}
    facts = _facts(conn, institution_id, balances)
    taught = [one for one in lessons.of_contracts(conn, institution_id, ids) if one.hours]
    disputes = decisions.disputes(conn, institution_id, [one.lesson_id for one in taught])
    reached = {one.lesson_id for one in taught if _was_released(one, disputes.get(one.lesson_id))}
    by_contract: dict[UUID, list[Lesson]] = defaultdict(list)
    for one in taught:
        by_contract[one.contract_id].append(one)
    entries, steps = [], []
    for (contract_id, contract), entry_id in zip(balances.items(), new_ids(now, len(balances)), strict=True):
        hours = release.hours_to_release(kept[contract_id], facts[contract_id], today, calendar)
        if not hours:
            continue
        event = posting.hours_released(contract, hours)
        asked = (("contract", str(contract_id)), ("hours", str(contract.hours_released + hours)))
        key = f"release {contract_id} {entry_id}"
        entries.append(Entry(entry_id, key, asked, event, shanghai_day(now), ACTOR, contract_id))
        steps += [
            lessons.step(
                institution_id, one.lesson_id, one.step + 1, LessonState.RELEASED, ACTOR, now, "", entry_id
            )
            for one in _released(by_contract[contract_id], reached, contract.hours_released + hours)
        ]  # fmt: skip
    outcomes = _post(conn, institution_id, entries, now)
    record.insert(conn, "lesson_step", steps)
    return outcomes


def ahead(conn: Connection, institution_id: int, now: datetime) -> list[Outcome]:
    """Release ahead of teaching, once per payment, the share that the rulebook at signing lets the institution have.

    The hours then meet this due first. One outcome per payment.
    """
    waiting = releases.payments_ahead(conn, institution_id)
    balances = register.lock_contracts(conn, institution_id, [one.contract_id for one in waiting])
    waiting = releases.payments_ahead(conn, institution_id)  # again: as they stand under the lock
    kept = contracts.rules(conn, institution_id, list(balances))
    entries = []
    for payment, entry_id in zip(waiting, new_ids(now, len(waiting)), strict=True):
        contract = balances[payment.contract_id]
        share = release.ahead_fen(read_rules(kept[payment.contract_id]).release, payment.amount_fen)
        amount = min(share, contract.free_fen - contract.due_fen)  # no family's hours are paid with another's money
        if amount <= 0:
            continue
        balances[payment.contract_id] = replace(contract, due_fen=contract.due_fen + amount)
        event = posting.released_ahead(contract, amount)
        key, asked = f"ahead {payment.payment_id}", (("payment", str(payment.payment_id)),)
        entries.append(Entry(entry_id, key, asked, event, shanghai_day(now), ACTOR, payment.payment_id))
    return _post(conn, institution_id, entries, now)


def _facts(
    conn: Connection, institution_id: int, balances: dict[UUID, ContractBalance]
) -> dict[UUID, ReleaseFacts]:  # fmt: skip
    ids = list(balances)
    stops = releases.stops(conn, institution_id, ids)
    taught: dict[UUID, list[TaughtHours]] = {contract_id: [] for contract_id in ids}
    for hours in lessons.taught_hours(conn, institution_id, ids):
        if not lesson_rules.waits_for_decision(["flagged"] if hours.flags else [], decided=hours.is_cleared):
            taught[hours.contract_id].append(hours)
    found = {}
    for contract_id, contract in balances.items():
        groups = taught[contract_id]
        waiting = [shanghai_day(one.waiting_since) for one in groups if one.waiting_since]
        last = [max(shanghai_day(one.last_at), one.last_taught_on) for one in groups]
        found[contract_id] = ReleaseFacts(
            hours_total=contract.hours_total,
            hours_released=contract.hours_released,
            hours_confirmed=sum(one.hours for one in groups),
            waiting_since=min(waiting, default=None),
            last_hour_on=max(last, default=None),
            stops=tuple(stops.get(contract_id, ())),
        )
    return found


def _was_released(lesson: Lesson, dispute: LessonDispute | None) -> bool:
    """Released, or disputed after it was: its hours are among those the contract has released."""
    if lesson.state is LessonState.DISPUTED:
        return dispute is not None and dispute.was_released
    return lesson.state is LessonState.RELEASED


def _released(of_contract: Sequence[Lesson], reached: Collection[UUID], through: int) -> Iterator[Lesson]:
    """The confirmed lessons that ``through`` hours (hundredths) of a contract reach to the end, in order."""
    left = through - sum(one.hours for one in of_contract if one.lesson_id in reached)
    for lesson in of_contract:
        waits = lesson_rules.waits_for_decision(lesson.flags, decided=lesson.is_cleared)
        if lesson.state is not LessonState.CONFIRMED or waits:
            continue
        left -= lesson.hours
        if left < 0:
            return
        yield lesson


def _post(conn: Connection, institution_id: int, entries: Sequence[Entry], now: datetime) -> list[Outcome]:
    outcomes = journal.post(conn, institution_id, entries, now)
    for entry, outcome in zip(entries, outcomes, strict=True):
        # The contracts are locked and the amounts come from them: a refusal here is our bug.
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    return outcomes
