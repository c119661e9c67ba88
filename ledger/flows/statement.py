"""Import bank statements: judge by history, store, and post what each booked line turned out to be."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import contract_move as moves
from ledger.books import journal, line_match, record, register
from ledger.books import refund as refunds
from ledger.books import refund_payer as refund_payers
from ledger.books import statement as statements
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats.contract_rules import read_rules
from ledger.rules import match, posting_payment, prepayment_limit, refund_payer
from ledger.rules.calendar import add_working_days
from ledger.rules.statement import Judging, is_overtaken, join_all, of_account, opening_gap
from ledger.rules.statement_line import line_refs
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.ids import id_stream, new_id, new_ids
from ledger.terms.institution import Fund
from ledger.terms.journal import Entry, Event
from ledger.terms.match import LineAnswer, MatchFacts, OpenLine
from ledger.terms.refund_request import RefundState
from ledger.terms.statement import (
    Fault,
    KnownStatement,
    Lines,
    Statement,
    StatementFile,
    StatementLine,
    Verdict,
    worst,
)
from ledger.vault import Vault

# Working days until a bank difference must be made good.
BREAK_DAYS = 5
# Lines that are stored and matched in one set: a statement of any size takes the memory of one.
SET = 5_000
_SET_APART = timedelta(milliseconds=10)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: its verdict (the worst of its statements, history counted) and of each statement.

    ``lines`` stored, statements known ``already``, entries ``posted``.
    """

    file: StatementFile
    verdict: Verdict
    fault: Fault | None
    statements: tuple[Statement, ...]
    lines: int
    already: int
    posted: int = 0


def bring_in(
    conn: Connection, vault: Vault, file: StatementFile, lines: Mapping[int, Lines], raw: Iterable[bytes],
    calendar: CalendarDays, actor: str, now: datetime, account: str = "",
) -> Imported:  # fmt: skip
    """Take a file and keep its bytes (``raw``, in parts) under the verdict it got, history counted. A file known before
    changes nothing.
    """
    imported = take(conn, vault, file, lines, calendar, actor, now, account)
    kept = statements.offered(conn, file.sha256)
    if imported.verdict is not Verdict.IDEMPOTENT and imported.verdict.value not in kept:
        judged = replace(file, verdict=imported.verdict, fault=imported.fault)
        offer(conn, vault, judged, raw, actor, now)
    return imported


def offer(conn: Connection, vault: Vault, file: StatementFile, raw: Iterable[bytes], actor: str, now: datetime) -> None:
    """Keep a file as it was offered, sealed, with its verdict: accepted, held or in quarantine."""
    file_id = new_id(now)
    record.insert(conn, "statement_file", [{
        "file_id": file_id, "sha256": bytes.fromhex(file.sha256), "name": file.name, "verdict": file.verdict,
        "class": file.class_ or "", "raw_sealed": None, "offered_at": now, "offered_by": actor,
    }])  # fmt: skip
    statements.keep_file(conn, vault, file_id, raw)


def take(
    conn: Connection, vault: Vault, file: StatementFile, lines: Mapping[int, Lines], calendar: CalendarDays, actor: str,
    now: datetime, account: str = "",
) -> Imported:  # fmt: skip
    """Import a file whose statements proved themselves. All of it or nothing: one rejected statement rejects the file.

    ``lines``: the booked ones, by the statement's place in the file. ``account``: whose these are, where they do not
    say. Unknown accounts are rejected (UNKNOWN_ACCOUNT). Nothing an import posts waits for a fold.
    """
    offered = [of_account(statement, account) for statement in file.statements]
    funds = register.funds_by_account(conn, [statement.account for statement in offered])
    for fund in sorted(funds.values(), key=lambda f: (f.institution_id, f.fund_no)):
        statements.lock_fund(conn, fund.institution_id, fund.fund_no)
    refs = {one.ord: line_refs(lines.get(one.ord, ())) for one in offered}
    histories = {
        known: statements.account_history(
            conn, fund, (ref for one in offered if one.account == known for ref in refs[one.ord])
        )
        for known, fund in funds.items()
    }
    kept = Verdict.ACCEPT in statements.offered(conn, file.sha256)
    judging = Judging(file.sha256, histories, kept=kept)
    judged = [judging.judge(one, lines.get(one.ord, ()), refs[one.ord]) for one in offered]
    verdict = worst([one.statement.verdict for one in judged]) if judged else file.verdict
    fault = next((one.statement.fault for one in judged if one.statement.verdict == verdict), file.fault)
    stored = posted = 0
    seen = {account: {ref: known.last for ref, known in one.refs.items()} for account, one in histories.items()}
    if verdict is not Verdict.REJECT:
        for one in judged:
            found = one.statement
            if found.opening_fen is None or found.verdict not in (Verdict.ACCEPT, Verdict.HOLD):
                continue  # known, or read and shown only: a format without balances proves nothing and moves nothing
            fund = funds[found.account]
            stored += len(one.kept)
            own = seen[found.account]
            opened = _store(conn, vault, fund, found, lines.get(found.ord, ()), one.kept, own, file.sha256, now)
            if found.verdict is Verdict.ACCEPT:
                posted += _match_all(conn, vault, fund, found.identity, opened, calendar, actor, now)
                posted += _join(conn, vault, fund, one.joined, found.identity, calendar, actor, now)
            else:
                deque(opened, maxlen=0)  # stored, and looked at when a person releases it
    already = (
        [one.statement.verdict for one in judged].count(Verdict.IDEMPOTENT) if verdict is not Verdict.REJECT else 0
    )
    return Imported(file, verdict, fault, tuple(one.statement for one in judged), stored, already, posted)


def release(
    conn: Connection, vault: Vault, fund: Fund, statement_id: str, reason: str, calendar: CalendarDays, actor: str,
    now: datetime,
) -> Outcome:  # fmt: skip
    """A person believes a held statement: its lines are matched and posted, and what waited for it alone joins.

    An opening balance that is not the last closing one becomes a break, so that the books equal the bank again.
    Refused: STATEMENT_NOT_HELD, STATEMENT_OVERTAKEN (a later day is believed already).
    """
    statements.lock_fund(conn, fund.institution_id, fund.fund_no)
    history = statements.history(conn, fund.institution_id, fund.fund_no)
    held = next(one for one in history if one.statement_id == statement_id)
    if held.believed:
        if statements.released(conn, fund.institution_id, fund.fund_no, statement_id):
            return Outcome(Result.REPLAYED)
        return Outcome(Result.REFUSED, "STATEMENT_NOT_HELD")
    if is_overtaken(held, history):
        return Outcome(Result.REFUSED, "STATEMENT_OVERTAKEN")
    gap_fen = opening_gap(held, history, fund.opening_fen or 0)
    if gap_fen:
        _open_gap(conn, fund, held, gap_fen, calendar, actor, now)
    place = {"institution_id": fund.institution_id, "fund_no": fund.fund_no}
    record.insert(conn, "statement_release", [{
        **place, "statement_id": statement_id, "position": statements.next_place(conn, **place), "joined_by": None,
        "released_at": now, "released_by": actor, "reason": reason,
    }])  # fmt: skip
    _match_stored(conn, vault, fund, statement_id, calendar, actor, now)
    after = statements.account_history(conn, fund, ())
    joined = join_all(list(after.statements), dict(after.refs))
    _join(conn, vault, fund, [one.statement_id for one in joined], statement_id, calendar, actor, now)
    return Outcome(Result.DONE)


def _open_gap(
    conn: Connection, fund: Fund, held: KnownStatement, gap_fen: int, calendar: CalendarDays, actor: str, now: datetime
) -> None:
    """Book what an opening balance has more or less than the last closing one against a break of its own."""
    (break_id,) = new_ids(now + timedelta(milliseconds=5), 1)
    on = held.to_on or shanghai_day(now)
    if gap_fen < 0:
        event = posting_payment.unordered_debit(fund.fund_no, break_id, -gap_fen)
    else:
        event = posting_payment.difference_made_good(fund.fund_no, break_id, gap_fen)
    key = f"opening {fund.fund_no} {held.statement_id}"
    entry = Entry(new_id(now), key, (("gap", str(gap_fen)),), event, on, actor, break_id)
    _post_entries(conn, fund.institution_id, [entry], now)
    record.insert(conn, "break", [{
        "institution_id": fund.institution_id, "break_id": break_id, "fund_no": fund.fund_no,
        "kind": "opening_difference", "amount_fen": abs(gap_fen), "owner": "bank", "reason": "OPENING_DISCONTINUITY",
        "opened_on": on, "due_on": add_working_days(on, BREAK_DAYS, calendar).on, "ref": None, "contract_id": None,
    }])  # fmt: skip


def _join(
    conn: Connection, vault: Vault, fund: Fund, joined: Sequence[str], by: str, calendar: CalendarDays, actor: str,
    now: datetime,
) -> int:  # fmt: skip
    """Release held statements that ``by`` joined to the chain, in their order, and match them; entries posted."""
    place = {"institution_id": fund.institution_id, "fund_no": fund.fund_no}
    posted = 0
    for statement_id in joined:
        record.insert(conn, "statement_release", [{
            **place, "statement_id": statement_id, "position": statements.next_place(conn, **place), "joined_by": by,
            "released_at": now, "released_by": actor, "reason": "",
        }])  # fmt: skip
        posted += _match_stored(conn, vault, fund, statement_id, calendar, actor, now)
    return posted


def _store(
    conn: Connection, vault: Vault, fund: Fund, statement: Statement, lines: Lines, kept: range, seen: dict[str, int],
    file_sha256: str, now: datetime,
) -> Iterator[list[OpenLine]]:  # fmt: skip
    """Store a statement and its lines at the places ``kept``, set after set; each set as it is open. ``seen``: how
    often the account has each reference; counted on.
    """
    place = {"institution_id": fund.institution_id, "fund_no": fund.fund_no, "statement_id": statement.identity}
    last_on = statement.to_on or statement.closing_on or shanghai_day(now)
    record.insert(conn, "statement", [{
        **place, "account_no": statement.account, "sequence": statement.sequence, "opening_fen": statement.opening_fen,
        "closing_fen": statement.closing_fen, "first_on": statement.from_on or last_on, "last_on": last_on,
        "lines": len(kept), "content_digest": bytes.fromhex(statement.content_digest),
        "file_sha256": bytes.fromhex(file_sha256), "verdict": statement.verdict, "class": statement.class_ or "",
        "position": statements.next_place(conn, fund.institution_id, fund.fund_no), "imported_at": now,
    }])  # fmt: skip
    ids = id_stream(now)
    for start in range(0, len(kept), SET):
        some = [lines[n] for n in kept[start : start + SET]]
        # Where the bank gives no reference, a digest of the line and its occurrence number tell real twins apart.
        rows, opened = [], []
        for line, bank_ref in zip(some, line_refs(some), strict=True):
            line_id, key = next(ids), match.match_key((line.end_to_end_id, line.memo))
            seen[bank_ref] = seen.get(bank_ref, 0) + 1
            row = statements.line_row(vault, line_id, line, key)
            rows.append({**place, **row, "bank_ref": bank_ref, "occurrence": seen[bank_ref]})
            opened.append(_opened(line_id, line, key, now))
        record.insert(conn, "statement_line", rows)
        yield opened


def _opened(line_id: UUID, line: StatementLine, key: str, now: datetime) -> OpenLine:
    on = line.booked_on or shanghai_day(now)
    return OpenLine(
        line_id, line.ord, line.amount_fen, line.credit, on, key, line.end_to_end_id, line.bank_code,
        line.counterparty_name,
    )  # fmt: skip


def _match_stored(
    conn: Connection, vault: Vault, fund: Fund, statement_id: str, calendar: CalendarDays, actor: str, now: datetime
) -> int:
    """Match the lines of a stored statement, as they are read from the books; entries posted."""

    def sets() -> Iterator[list[OpenLine]]:
        while opened := statements.open_lines(conn, vault, fund.institution_id, fund.fund_no, statement_id, SET):
            yield opened

    return _match_all(conn, vault, fund, statement_id, sets(), calendar, actor, now)


def _match_all(
    conn: Connection, vault: Vault, fund: Fund, statement_id: str, sets: Iterable[Sequence[OpenLine]],
    calendar: CalendarDays, actor: str, now: datetime,
) -> int:  # fmt: skip
    """Match set after set, each some milliseconds after the one before, so that ids keep the order of the lines."""
    return sum(
        _match(conn, vault, fund, statement_id, opened, calendar, actor, now + n * _SET_APART)
        for n, opened in enumerate(sets)
    )


def _match(
    conn: Connection, vault: Vault, fund: Fund, statement_id: str, opened: Sequence[OpenLine], calendar: CalendarDays,
    actor: str, now: datetime,
) -> int:  # fmt: skip
    """Answer every line, post all events in one call, and record what each line was; entries posted."""
    matching = match.Matching(_facts(conn, vault, fund, opened, calendar, now))
    breaks = new_ids(now + timedelta(milliseconds=1), len(opened))
    answers = [matching.answer(line, break_id) for line, break_id in zip(opened, breaks, strict=True)]
    outcomes = _post(conn, fund, statement_id, answers, actor, now)
    _record(conn, vault, fund, answers, outcomes, calendar, actor, now)
    _settle_refunds(conn, fund, answers, actor, now)
    return len(outcomes)


def _facts(
    conn: Connection, vault: Vault, fund: Fund, lines: Sequence[OpenLine], calendar: CalendarDays, now: datetime
) -> MatchFacts:
    keys, end_to_end_ids = match.keys_of(lines)
    by_reference = statements.contracts_by_reference(conn, fund.institution_id, keys)
    due_ids = statements.dues(conn, fund.institution_id, fund.fund_no)
    instructions = statements.instructions_by_end_to_end(conn, fund.institution_id, end_to_end_ids)
    paid = [known.contract_id for known in instructions.values() if known.contract_id is not None]
    locked = register.lock_contracts(conn, fund.institution_id, [*by_reference.values(), *due_ids, *paid])
    booking = contracts.booking(conn, fund.institution_id, list(by_reference.values()))
    rules = {one.contract.contract_id: read_rules(one.contract.rules) for one in booking}
    here, elsewhere = match.taken_along(instructions.values(), fund.fund_no)
    return MatchFacts(
        arrivals=moves.on_the_way(conn, vault, fund.institution_id, fund.fund_no, elsewhere, now),
        undo=moves.posted_events(conn, fund.institution_id, here),
        fund=fund,
        contracts={key: locked[contract_id] for key, contract_id in by_reference.items()},
        ended=frozenset(contracts.ended(conn, fund.institution_id, list(by_reference.values()))),
        instructions=instructions,
        dues=statements.in_order(due_ids, locked),
        charges=prepayment_limit.to_book(booking, rules, calendar.vacations),
    )


def _post(
    conn: Connection, fund: Fund, statement_id: str, answers: Sequence[LineAnswer], actor: str, now: datetime
) -> list[Outcome]:
    events = [(answer, event) for answer in answers for event in answer.events]
    entries = [
        Entry(
            entry_id=entry_id,
            key=f"line {fund.fund_no} {statement_id} {answer.line.ord} {event.kind}"
            + (f" {event.reverses}" if event.reverses else ""),
            asked=(("line", f"{answer.line.amount_fen} {answer.line.credit}"),),
            event=event,
            effective_on=answer.line.booked_on,
            actor=actor,
            ref=answer.line.line_id,
        )
        for entry_id, (answer, event) in zip(new_ids(now, len(events)), events, strict=True)
    ]
    return _post_entries(conn, fund.institution_id, entries, now)


def _post_entries(conn: Connection, institution_id: int, entries: Sequence[Entry], now: datetime) -> list[Outcome]:
    outcomes = journal.post(conn, institution_id, entries, now)
    for entry, outcome in zip(entries, outcomes, strict=True):
        # The contracts and the account are locked and the answers counted each other: a refusal here is our bug.
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    return outcomes


def _record(
    conn: Connection, vault: Vault, fund: Fund, answers: Sequence[LineAnswer], outcomes: Sequence[Outcome],
    calendar: CalendarDays, actor: str, now: datetime,
) -> None:  # fmt: skip
    posted = iter(outcomes)
    entries = {one.line.line_id: [next(posted).entry_id for _ in one.events] for one in answers}
    days = {one.line.booked_on for one in answers if one.broken}
    due_on = {day: add_working_days(day, BREAK_DAYS, calendar).on for day in days}
    line_match.keep(conn, fund.institution_id, fund.fund_no, answers, entries, due_on, actor, now)
    arrivals = [
        (one.arrival, entries[one.line.line_id][-1], one.line.booked_on) for one in answers if one.arrival is not None
    ]
    moves.keep_arrival(conn, vault, fund.institution_id, arrivals, actor, now + timedelta(milliseconds=4))


def _settle_refunds(conn: Connection, fund: Fund, answers: Sequence[LineAnswer], actor: str, now: datetime) -> None:
    """A refund whose payment was booked is paid and closed; one that came back is returned and waits for a new account.

    With the payment the contract ends: what the rule leaves of the claim is the institution's. In reserve mode the
    family was paid from the reserve, so what was owed to it is now due from the institution.
    """
    touched = [
        (answer.instruction.refund_id, answer.line)
        for answer in answers
        if answer.instruction is not None and answer.instruction.refund_id is not None
    ]
    found = refunds.by_id(conn, fund.institution_id, [refund_id for refund_id, _ in touched])
    rows = register.read_contracts(conn, fund.institution_id, [r.contract_id for r in found.values()])
    waiting = refund_payers.in_transit(conn, fund.institution_id, list(found))
    for refund_id, line in touched:  # all lines of the set are posted: before the first of them more was waiting
        waiting[refund_id] = waiting.get(refund_id, 0) + (not line.credit)
    entries, steps, closed = [], [], []
    ids = iter(new_ids(now + timedelta(milliseconds=3), 2 * len(touched)))
    for refund_id, line in touched:  # in the order of the bank: a statement may book a payment and take it back
        refund = found[refund_id]
        events, rows[refund.contract_id] = match.refund_settled(rows[refund.contract_id], fund, line)
        waiting[refund_id] -= not line.credit
        owed_fen = rows[refund.contract_id].refund_due_fen
        state = refund_payer.after_line(line.credit, refund.state, waiting[refund_id], owed_fen)
        steps.append(refunds.step(fund.institution_id, refund_id, refund.step + 1, state, actor, now))
        if state is RefundState.PAID:
            closed.append({"institution_id": fund.institution_id, "refund_id": refund_id, "closed_on": line.booked_on})
        entries += _entries(refund_id, events, line, actor, ids)
        found[refund_id] = replace(refund, state=state, step=refund.step + 1)
    _post_entries(conn, fund.institution_id, entries, now)
    record.insert(conn, "refund_step", steps)
    record.insert(conn, "refund_closed", closed)


def _entries(refund_id: UUID, events: Sequence[Event], line: OpenLine, actor: str, ids: Iterator[UUID]) -> list[Entry]:
    """What a line does to the family's contract beside the bank's own entry; the line is part of the key."""
    asked = (("refund", str(refund_id)),)
    return [
        Entry(
            next(ids), f"settle {refund_id} {line.line_id} {event.kind}", asked, event, line.booked_on, actor, refund_id
        )
        for event in events
        if event.moves_something
    ]
