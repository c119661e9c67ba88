"""Bank lines and announced payments become matches, and their money payments of contracts.

A run of the rules, or two people, say what a line is; then the money is posted in sets. Both are safe to run again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import finding, journal, match, match_proposal, record, register
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats.contract_rules import read_rules
from ledger.rules import posting_payment, prepayment_limit
from ledger.rules.match import RULES_VERSION
from ledger.rules.match_posting import Assigning
from ledger.rules.match_proposal import fitting
from ledger.rules.match_suggestion import TOLERANCE_FEN, suggestions
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.ids import new_id, new_ids
from ledger.terms.institution import Fund
from ledger.terms.journal import Entry
from ledger.terms.match import MatchPart, PartAnswer, RuleFound
from ledger.terms.match_proposal import PartAsked, Proposal, ProposedPart
from ledger.terms.match_suggestion import ExpectedPayment, OpenReceipt, Suggestion
from ledger.vault import Vault

# Parts that are posted in one set, in a transaction of their own.
SET: Final = 10_000
# Names are opened for suggestions where no more lines or payments than this are open.
NAMES_MAX: Final = 500
# Where ``post`` begins.
BEGIN: Final = (match.NOTHING, match.NOTHING)


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a set of parts: how many were assigned whole, and under which codes others were not.

    ``last``: where to go on; None where nothing is left.
    """

    assigned: int
    refused: Mapping[str, int]
    last: tuple[UUID, UUID] | None


def run(conn: Connection, fund: Fund, actor: str, now: datetime) -> tuple[list[RuleFound], int]:
    """Match what is open of an account by the rules R1 to R5: what each found, and how many lines are paid twice.

    Money is posted by ``post`` afterwards. A second run finds nothing and writes nothing.
    """
    match.lock(conn, fund.institution_id)
    found = match.run(conn, fund.institution_id, fund.fund_no, new_id(now), RULES_VERSION, actor, now)
    twice = [
        finding.NewFinding("DUPLICATE_RECEIPT", one.line_id, {"amount_fen": one.amount_fen})
        for one in match.surplus(conn, fund.institution_id, fund.fund_no)
    ]
    return found, len(finding.write_new(conn, fund.institution_id, twice, shanghai_day(now), now))


def post(
    conn: Connection, vault: Vault, fund: Fund, calendar: CalendarDays, actor: str, now: datetime,
    after: tuple[UUID, UUID] = BEGIN,
) -> Posted:  # fmt: skip
    """Post the money of at most ``SET`` matched parts, from ``after`` on: suspense to the contract, up to what it may
    take. What it may not take stays in suspense; why is recorded with the part and as a finding.
    """
    match.lock(conn, fund.institution_id)
    parts = match.to_post(conn, vault, fund.institution_id, fund.fund_no, after, SET)
    answers = _assign(conn, fund, parts, calendar, actor, now)
    refused: dict[str, int] = {}
    for answer in answers:
        if answer.code:
            refused[answer.code] = refused.get(answer.code, 0) + 1
    last = (parts[-1].line_id, parts[-1].payment_id) if len(parts) == SET else None
    return Posted(len(parts) - sum(refused.values()), refused, last)


def _assign(
    conn: Connection, fund: Fund, parts: Sequence[MatchPart], calendar: CalendarDays, actor: str, now: datetime
) -> list[PartAnswer]:
    ids = sorted({part.contract_id for part in parts})
    locked = register.lock_contracts(conn, fund.institution_id, ids)
    booking = contracts.booking(conn, fund.institution_id, ids)
    rules = {one.contract.contract_id: read_rules(one.contract.rules) for one in booking}
    charges = prepayment_limit.to_book(booking, rules, calendar.vacations)
    assigning = Assigning(locked, contracts.ended(conn, fund.institution_id, ids), charges)
    answers = [assigning.answer(part) for part in parts]
    entries = [_entries(answer, actor, now) for answer in answers]
    flat = [entry for pair in entries for entry in pair]
    for entry, outcome in zip(flat, journal.post(conn, fund.institution_id, flat, now), strict=True):
        # The contracts are locked, the lines are this writer's, and the answers counted each other.
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    record.insert(conn, "match_posted", [{
        "institution_id": fund.institution_id, "line_id": answer.part.line_id, "payment_id": answer.part.payment_id,
        "match_id": answer.part.match_id, "entry_id": pair[0].entry_id if pair else None,
        "release_id": pair[1].entry_id if len(pair) > 1 else None, "code": answer.code, "posted_at": now,
    } for answer, pair in zip(answers, entries, strict=True)])  # fmt: skip
    refused = [answer for answer in answers if answer.code]
    record.insert(conn, "finding", [{
        "institution_id": fund.institution_id, "finding_id": finding_id, "code": answer.code,
        "ref": answer.part.line_id, "contract_id": answer.part.contract_id, "found_on": answer.part.booked_on,
        "facts": {"amount_fen": answer.part.amount_fen, "credit": True},
    } for finding_id, answer in zip(new_ids(now, len(refused)), refused, strict=True)])  # fmt: skip
    return answers


def _entries(answer: PartAnswer, actor: str, now: datetime) -> list[Entry]:
    part = answer.part
    return [
        Entry(
            entry_id=entry_id,
            key=f"match {part.match_id} {part.line_id} {part.payment_id} {event.kind}",
            asked=(("part", f"{part.amount_fen} {part.fee_fen}"),),
            event=event,
            effective_on=part.booked_on,
            actor=actor,
            ref=part.payment_id,
        )
        for entry_id, event in zip(new_ids(now, len(answer.events)), answer.events, strict=True)
    ]


def suggest(
    conn: Connection, vault: Vault, fund: Fund, tolerance_fen: int = TOLERANCE_FEN
) -> tuple[list[Suggestion], list[OpenReceipt], list[ExpectedPayment]]:
    """What open lines may be, for a person to decide; the open lines, and the announced payments not received.

    A line that only repeats a payment is left out of the suggestions: it goes back.
    """
    lines, payments = still_open(conn, vault, fund)
    twice = {one.line_id for one in match.surplus(conn, fund.institution_id, fund.fund_no)}
    once = [line for line in lines if line.line_id not in twice]
    return suggestions(once, payments, tolerance_fen), lines, payments


def still_open(conn: Connection, vault: Vault, fund: Fund) -> tuple[list[OpenReceipt], list[ExpectedPayment]]:
    """Open lines of an account, and announced payments that no line has covered."""
    return (
        match.open_lines(conn, vault, fund.institution_id, fund.fund_no, names_max=NAMES_MAX),
        match.expected(conn, vault, fund.institution_id, fund.fund_no, names_max=NAMES_MAX),
    )


def propose(
    conn: Connection, vault: Vault, fund: Fund, asked: Sequence[PartAsked], reason: str, actor: str, now: datetime
) -> Outcome:
    """One person says what lines are; it becomes a match when a second one approves it. ``entry_id``: the proposal.

    The same parts waiting already: replayed. Refused, with the line or target as ``field``: UNKNOWN_LINE (none with
    money in suspense here), UNKNOWN_PAYMENT (neither an announced payment nor a contract of the account), LINE_SPENT,
    PAYMENT_RECEIVED (more than is open of it).
    """
    match.lock(conn, fund.institution_id)
    targets = sorted({one.target for one in asked})
    lines = match.open_lines(conn, vault, fund.institution_id, fund.fund_no, {one.line_id for one in asked})
    payments = match.expected(conn, vault, fund.institution_id, fund.fund_no, targets)
    signed = contracts.find(conn, fund.institution_id, numbers=targets)
    known = {one.contract_no: one.contract_id for one in signed if one.fund_no == fund.fund_no}
    parts, refusal = fitting(asked, lines, payments, known)
    if refusal is not None:
        return refusal
    return _propose(conn, fund, None, parts, reason, actor, now)


def propose_undo(conn: Connection, fund: Fund, match_id: UUID, reason: str, actor: str, now: datetime) -> Outcome:
    """One person says that a match is wrong; it comes apart when a second one approves. Refused: UNKNOWN_MATCH."""
    match.lock(conn, fund.institution_id)
    found = match.parts(conn, fund.institution_id, match_id)
    if found is None or found[0] != fund.fund_no or not found[1]:
        return Outcome(Result.REFUSED, "UNKNOWN_MATCH", "match")
    return _propose(conn, fund, match_id, (), reason, actor, now)


def _propose(
    conn: Connection, fund: Fund, undoes: UUID | None, parts: tuple[ProposedPart, ...], reason: str, actor: str,
    now: datetime,
) -> Outcome:  # fmt: skip
    for one in match_proposal.waiting(conn, fund.institution_id, fund.fund_no):
        if (one.undoes, one.parts, one.proposed_by) == (undoes, parts, actor):
            return Outcome(Result.REPLAYED, entry_id=one.proposal_id)
    proposal_id = new_id(now)
    record.insert(conn, "match_proposal", [{
        "institution_id": fund.institution_id, "proposal_id": proposal_id, "fund_no": fund.fund_no, "undoes": undoes,
        "parts": [part.as_row() for part in parts], "reason": reason, "proposed_at": now, "proposed_by": actor,
    }])  # fmt: skip
    return Outcome(Result.DONE, entry_id=proposal_id)


def approve(
    conn: Connection, vault: Vault, fund: Fund, proposal_id: UUID, calendar: CalendarDays, actor: str, now: datetime
) -> Outcome:
    """A second person approves a proposal: the match is made and posted, or undone and what it posted reversed.

    Sealed first by the caller. Approved already: replayed. Refused, and nothing changed: UNKNOWN_PROPOSAL, SAME_PERSON,
    what ``propose`` refuses where something changed since, why a contract may not take all of it, and what the books
    refuse of the reversal.
    """
    match.lock(conn, fund.institution_id)
    proposal = match_proposal.by_id(conn, fund.institution_id, [proposal_id]).get(proposal_id)
    if proposal is None or proposal.fund_no != fund.fund_no:
        return Outcome(Result.REFUSED, "UNKNOWN_PROPOSAL")
    if proposal.approved_by is not None:
        return Outcome(Result.REPLAYED, entry_id=proposal_id)
    if proposal.proposed_by == actor:
        return Outcome(Result.REFUSED, "SAME_PERSON")
    if proposal.undoes is None:
        outcome = _make(conn, vault, fund, proposal, calendar, actor, now)
    else:
        outcome = _undo(conn, fund, proposal, proposal.undoes, actor, now)
    if outcome.accepted:
        record.insert(conn, "approval", [{
            "institution_id": fund.institution_id, "subject_id": proposal_id, "subject": "match",
            "made_by": proposal.proposed_by, "approved_by": actor, "approved_at": now,
        }])  # fmt: skip
    return outcome


def _make(
    conn: Connection, vault: Vault, fund: Fund, proposal: Proposal, calendar: CalendarDays, actor: str, now: datetime
) -> Outcome:
    lines = match.open_lines(conn, vault, fund.institution_id, fund.fund_no, {one.line_id for one in proposal.parts})
    numbers = match.numbers(conn, fund.institution_id, [one.payment_id for one in proposal.parts if one.payment_id])
    payments = match.expected(conn, vault, fund.institution_id, fund.fund_no, sorted(numbers.values()))
    asked = [
        PartAsked(one.line_id, numbers[one.payment_id] if one.payment_id else f"{one.contract_id}", one.amount_fen,
                  one.fee_fen)
        for one in proposal.parts
    ]  # fmt: skip
    own = {f"{one.contract_id}": one.contract_id for one in proposal.parts}
    _, refusal = fitting(asked, lines, payments, own)
    if refusal is not None:
        return refusal
    match_id = new_id(now)
    with conn.begin_nested() as whole:
        _record(conn, fund, proposal, lines, match_id, actor, now)
        parts = match.to_post(conn, vault, fund.institution_id, fund.fund_no, BEGIN, SET, match_id)
        code = next((one.code for one in _assign(conn, fund, parts, calendar, actor, now) if one.code), "")
        if code:
            whole.rollback()
            return Outcome(Result.REFUSED, code, "contract")
    return Outcome(Result.DONE, entry_id=match_id)


def _record(
    conn: Connection, fund: Fund, proposal: Proposal, lines: Sequence[OpenReceipt], match_id: UUID, actor: str,
    now: datetime,
) -> None:  # fmt: skip
    """The match that a proposal becomes; what nobody announced is announced in the name of who proposed it."""
    here = {"institution_id": fund.institution_id, "fund_no": fund.fund_no}
    days = {line.line_id: line.booked_on for line in lines}
    ids = [one.payment_id or made for one, made in zip(proposal.parts, new_ids(now, len(proposal.parts)), strict=True)]
    own = [(n, *one) for n, one in enumerate(zip(proposal.parts, ids, strict=True), 1) if one[0].payment_id is None]
    record.insert(conn, "announced_payment", [{
        **here, "payment_id": payment_id, "payment_no": f"{proposal.proposal_id} {n}", "contract_id": one.contract_id,
        "amount_fen": one.amount_fen + one.fee_fen, "fee_fen": one.fee_fen, "paid_on": days[one.line_id],
        "announced_at": now, "announced_by": proposal.proposed_by,
    } for n, one, payment_id in own])  # fmt: skip
    record.insert(conn, "match_run", [{
        **here, "run_id": match_id, "rules_version": RULES_VERSION, "ran_at": now, "ran_by": actor,
    }])  # fmt: skip
    record.insert(conn, "match_part", [{
        **here, "line_id": one.line_id, "payment_id": payment_id, "match_id": match_id, "run_id": match_id,
        "rule": "MANUAL", "amount_fen": one.amount_fen, "fee_fen": one.fee_fen,
    } for one, payment_id in zip(proposal.parts, ids, strict=True)])  # fmt: skip


def _undo(conn: Connection, fund: Fund, proposal: Proposal, match_id: UUID, actor: str, now: datetime) -> Outcome:
    """Reverse what the match posted, newest first; all of it or nothing. The lines then wait for a person."""
    found = match.parts(conn, fund.institution_id, match_id)
    if found is None or not found[1]:
        return Outcome(Result.REFUSED, "UNKNOWN_MATCH", "match")
    entry_ids = found[2]
    moved = journal.events(conn, fund.institution_id, entry_ids)
    entries = [
        Entry(
            id_, f"undo {proposal.proposal_id} {entry_id}", (("entry", f"{entry_id}"),),
            posting_payment.reversal(moved[entry_id], entry_id), shanghai_day(now), actor, match_id,
        )
        for id_, entry_id in zip(new_ids(now, len(entry_ids)), entry_ids, strict=True)
    ]  # fmt: skip
    with conn.begin_nested() as whole:
        outcomes = journal.post(conn, fund.institution_id, entries, now)
        refused = next((outcome for outcome in outcomes if outcome.result is not Result.DONE), None)
        if refused is not None:
            whole.rollback()
            return Outcome(refused.result, refused.code, "match")
    record.insert(conn, "match_undone", [{
        "institution_id": fund.institution_id, "match_id": match_id, "undone_at": now, "undone_by": actor,
        "reason": proposal.reason,
    }])  # fmt: skip
    return Outcome(Result.DONE, entry_id=match_id)
