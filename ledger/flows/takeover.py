"""Take-over of running books: what an account held when it was opened becomes claims, what the institution owes, and
what it has earned. A file is offered by one person and taken over when a second offers the same.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import close, journal, record, register
from ledger.books import contract as contracts
from ledger.books import takeover as takeovers
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.rules import posting, posting_payment
from ledger.rules import takeover as rules
from ledger.terms.calendar import shanghai_day
from ledger.terms.contract import Contract
from ledger.terms.ids import new_id, new_ids
from ledger.terms.journal import Entry
from ledger.terms.takeover import (
    RunningBooks,
    RunningContract,
    TakenOver,
    TakeoverProposal,
    TakeoverRefusal,
)
from ledger.vault import Vault

# Contracts of one call to the books: a set is held in memory as it is posted.
SET_MAX = 5_000


def offered(conn: Connection, institution_id: int, sha256: bytes) -> TakeoverProposal | None:
    """The file as it was offered before, or None; from here on nobody else takes over books of the institution."""
    takeovers.lock(conn, institution_id)
    return takeovers.find(conn, institution_id, sha256)


def offer(
    conn: Connection, vault: Vault, books: RunningBooks, content: bytes, sha256: bytes, actor: str, now: datetime
) -> Outcome:
    """Keep a file one person offers; it is taken over once a second offers it. Offered before: replayed."""
    number = books.institution.institution_id
    known = offered(conn, number, sha256)
    if known is not None:
        return Outcome(Result.REPLAYED, entry_id=known.takeover_id)
    takeover_id = new_id(now)
    record.insert(conn, "takeover", [{
        "institution_id": number, "takeover_id": takeover_id, "fund_no": books.fund.fund_no, "sha256": sha256,
        "file_sealed": vault.seal_bytes(content, "takeover", "file", takeover_id),
        "contracts": len(books.contracts), "proposed_at": now, "proposed_by": actor,
    }])  # fmt: skip
    return Outcome(Result.DONE, entry_id=takeover_id)


def approve(conn: Connection, institution_id: int, sha256: bytes, actor: str, now: datetime) -> Outcome:
    """A second person offers the same file. Approved before: replayed. Refused: NOTHING_PROPOSED, SAME_PERSON."""
    known = offered(conn, institution_id, sha256)
    if known is None:
        return Outcome(Result.REFUSED, "NOTHING_PROPOSED")
    if known.approved_by is not None:
        return Outcome(Result.REPLAYED, entry_id=known.takeover_id)
    if known.proposed_by == actor:
        return Outcome(Result.REFUSED, "SAME_PERSON")
    record.insert(conn, "approval", [{
        "institution_id": institution_id, "subject_id": known.takeover_id, "subject": "takeover",
        "made_by": known.proposed_by, "approved_by": actor, "approved_at": now,
    }])  # fmt: skip
    return Outcome(Result.DONE, entry_id=known.takeover_id)


def refusals(conn: Connection, books: RunningBooks, now: datetime) -> list[TakeoverRefusal]:
    """Why a file may not be taken over, every reason; locks its contract numbers against a signing at the same time.

    The account is registered by now: what of its opening balance nobody has explained is what the file may use.
    """
    number = books.institution.institution_id
    numbers = [contract.contract_no for contract in books.contracts]
    contracts.lock_signing(conn, number, {f"number {one}" for one in numbers})
    known = [found.contract_no for found in contracts.find(conn, number, numbers=numbers)]
    references = [contract.payment_reference for contract in books.contracts]
    used = {found.payment_reference for found in contracts.find(conn, number, references=references)}
    opening = takeovers.opening(conn, number, books.fund.fund_no)
    return [
        *rules.refusals(books, opening[1] if opening else 0, shanghai_day(now)),
        *rules.already_known(books, set(known), used),
    ]


def running_contracts(
    books: RunningBooks, students: Mapping[UUID, UUID], courses: Mapping[str, UUID]
) -> list[tuple[Contract, int]]:
    """The contracts of a file as they are signed, each with its hours left; ``students`` and ``courses``: their ids in
    the books.
    """
    return [
        (
            Contract(
                books.institution.institution_id, one.contract_id, one.contract_no, one.payment_reference,
                courses[one.course_code], students[one.family.student_id], books.fund.fund_no, one.price_fen,
                one.list_price_fen, one.hours_bought, one.hours_gifted, one.months, one.first_lesson_on, one.signed_on,
                False, "", b"",
            ),
            one.hours_total - one.hours_taught,
        )
        for one in books.contracts
    ]  # fmt: skip


def post(conn: Connection, vault: Vault, books: RunningBooks, findings: int, actor: str, now: datetime) -> TakenOver:
    """Post a file whose contracts are open: one entry takes a contract over, the hours taught before are released by a
    second, as any hours are; one lesson stands for them. Answers what it came to; ``findings``: how many were written.
    """
    number, fund_no = books.institution.institution_id, books.fund.fund_no
    closed = close.closed_through(conn, number, fund_no)
    on = max(books.fund.opened_on, closed + timedelta(days=1)) if closed else books.fund.opened_on
    opening = takeovers.opening(conn, number, fund_no)
    posted: list[Entry] = []
    for first in range(0, len(books.contracts), SET_MAX):
        some = books.contracts[first : first + SET_MAX]
        posted += _post_set(conn, vault, books, some, opening[0] if opening else None, on, actor, now)
    if books.earned_fen:
        assert opening is not None, "refused: there is no balance"
        entry_id = new_id(now)
        event = posting_payment.payable_taken_over(fund_no, opening[0], books.earned_fen)
        asked = (("amount", str(books.earned_fen)),)
        posted += _posted(conn, number, [Entry(entry_id, f"take over {entry_id}", asked, event, on, actor)], now)
    left = takeovers.opening(conn, number, fund_no)
    return rules.result(len(books.contracts), [entry.event for entry in posted], left[1] if left else 0, findings)


def _post_set(
    conn: Connection, vault: Vault, books: RunningBooks, some: Sequence[RunningContract], opening: UUID | None,
    on: date, actor: str, now: datetime,
) -> list[Entry]:  # fmt: skip
    number = books.institution.institution_id
    balances = register.lock_contracts(conn, number, [one.contract_id for one in some])
    ids = iter(new_ids(now, 3 * len(some)))
    modes = {course.code: course.course.mode for course in books.courses}
    entries, taught, steps, payments = [], [], [], []
    for one in some:
        contract, entry_id, release_id, lesson_id = balances[one.contract_id], next(ids), next(ids), next(ids)
        event = posting_payment.taken_over(contract, opening or entry_id, rules.on_payments(one))
        asked = (("contract", one.contract_no), ("paid", str(one.paid_fen)), ("held", str(one.in_custody_fen)))
        if event.moves_something:
            entries.append(Entry(entry_id, f"take over {one.contract_no}", asked, event, on, actor, one.contract_id))
        payments += [
            takeovers.payment_row(
                vault, number, one.contract_id, paid.payment_id, paid.paid_on, paid.amount_fen, paid.payer
            )
            for paid in one.payments
        ]
        if not one.hours_taught:
            continue
        release = posting.hours_released(rules.after(contract, one), one.hours_taught)
        by_lesson = (("lesson", str(lesson_id)),)
        entries.append(Entry(release_id, f"release {lesson_id} 2", by_lesson, release, on, actor, lesson_id))
        lesson, done = takeovers.lesson_rows(
            number, lesson_id, one.contract_id, books.fund.opened_on, one.hours_taught, modes[one.course_code],
            release_id, actor, now,
        )  # fmt: skip
        taught.append(lesson)
        steps += done
    posted = _posted(conn, number, entries, now)
    record.insert(conn, "taken_over_payment", payments)
    record.insert(conn, "lesson", taught)
    record.insert(conn, "lesson_step", steps)
    return posted


def _posted(conn: Connection, number: int, entries: list[Entry], now: datetime) -> list[Entry]:
    for entry, outcome in zip(entries, journal.post(conn, number, entries, now), strict=True):
        # The file was checked and its contracts are new: a refusal here is our bug.
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    return entries
