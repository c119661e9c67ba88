"""Import bank statements: judge by history, store, and post what each booked line turned out to be."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import journal, record, register
from ledger.books import refund as refunds
from ledger.books import statement as statements
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats.contract_rules import read_rules
from ledger.rules import match, posting, posting_payment, prepayment_limit
from ledger.rules.calendar import add_working_days
from ledger.rules.statement import judge_against_history
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.contract import ContractBalance
from ledger.terms.ids import new_id, new_ids
from ledger.terms.institution import Fund
from ledger.terms.journal import Entry, Event
from ledger.terms.match import LineAnswer, MatchFacts, OpenLine
from ledger.terms.prepayment import ChargeAtBooking
from ledger.terms.price_cap import Category
from ledger.terms.refund_request import RefundState
from ledger.terms.statement import (
    Fault,
    Judgement,
    KnownStatement,
    Statement,
    StatementFile,
    StatementLine,
    Verdict,
    worst,
)
from ledger.vault import Vault

# Working days until a bank difference must be made good.
BREAK_DAYS = 5


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file: its verdict (the worst of its statements, history counted) and of each statement."""

    file: StatementFile
    verdict: Verdict
    fault: Fault | None
    statements: tuple[Statement, ...]
    lines: int
    already: int
    outcomes: tuple[Outcome, ...]


def bring_in(
    conn: Connection, vault: Vault, file: StatementFile, lines: Mapping[int, Sequence[StatementLine]], raw: bytes,
    calendar: CalendarDays, actor: str, now: datetime,
) -> Imported:  # fmt: skip
    """Take a file and keep its bytes under the verdict it got, history counted. A file known before changes nothing."""
    imported = take(conn, vault, file, lines, calendar, actor, now)
    kept = statements.offered(conn, file.sha256)
    if imported.verdict is not Verdict.IDEMPOTENT and imported.verdict.value not in kept:
        judged = replace(file, verdict=imported.verdict, fault=imported.fault)
        offer(conn, vault, judged, raw, actor, now)
    return imported


def offer(conn: Connection, vault: Vault, file: StatementFile, raw: bytes, actor: str, now: datetime) -> None:
    """Keep a file as it was offered, sealed, with its verdict: accepted, held or in quarantine."""
    file_id = new_id(now)
    record.insert(conn, "statement_file", [{
        "file_id": file_id, "sha256": bytes.fromhex(file.sha256), "name": file.name, "verdict": file.verdict,
        "class": file.class_ or "", "raw_sealed": vault.seal_bytes(raw, "statement_file", "raw", file_id),
        "offered_at": now, "offered_by": actor,
    }])  # fmt: skip


def take(
    conn: Connection,
    vault: Vault,
    file: StatementFile,
    lines: Mapping[int, Sequence[StatementLine]],
    calendar: CalendarDays,
    actor: str,
    now: datetime,
) -> Imported:
    """Import a file whose statements proved themselves. All of it or nothing: one rejected statement rejects the file.

    ``lines``: by the statement's place in the file. Unknown accounts are rejected (UNKNOWN_ACCOUNT). Nothing an import
    posts waits for a fold.
    """
    funds = register.funds_by_account(conn, [statement.account for statement in file.statements])
    for fund in sorted(funds.values(), key=lambda f: (f.institution_id, f.fund_no)):
        statements.lock_fund(conn, fund.institution_id, fund.fund_no)
    booked = {
        statement.ord: [line for line in lines.get(statement.ord, ()) if line.status == "BOOK"]
        for statement in file.statements
    }
    judging = _Judging(conn, file.sha256, funds)
    judged = [judging.judge(statement, booked[statement.ord]) for statement in file.statements]
    verdict = file.verdict if not judged else worst([statement.verdict for statement in judged])
    stored, already, outcomes = 0, 0, list[Outcome]()
    if verdict is not Verdict.REJECT:
        for statement in judged:
            target = funds.get(statement.account)
            if statement.verdict is Verdict.IDEMPOTENT:
                already += 1
            elif statement.opening_fen is None or statement.closing_fen is None:
                continue  # read and shown only: a format without balances proves nothing and moves nothing
            elif target is not None and statement.verdict in (Verdict.ACCEPT, Verdict.HOLD):
                ids = _store(conn, vault, target, statement, booked[statement.ord], file.sha256, now)
                stored += len(ids)
                if statement.verdict is Verdict.ACCEPT:
                    outcomes += _match(conn, target, statement, booked[statement.ord], ids, calendar, actor, now)
    fault = file.fault or next((s.fault for s in judged if s.verdict == verdict), None)
    return Imported(file, verdict, fault, tuple(judged), stored, already, tuple(outcomes))


class _Judging:
    """Judges the statements of a file by the history of their accounts; each counts for those after it in the file."""

    def __init__(self, conn: Connection, file_sha256: str, funds: Mapping[str, Fund]) -> None:
        self._conn, self._file_sha256, self._funds = conn, file_sha256, funds
        self._history: dict[str, list[KnownStatement]] = {}
        self._refs: dict[str, set[str]] = {}

    def judge(self, statement: Statement, booked: Sequence[StatementLine]) -> Statement:
        """The statement with its final verdict. A bank reference that a believed statement holds already: held."""
        if statement.verdict in (Verdict.REJECT, Verdict.INFO_ONLY):
            return statement
        place = f"statement {statement.ord}"
        fund = self._funds.get(statement.account)
        if fund is None:
            return _judged(statement, Verdict.REJECT, Fault("UNKNOWN_ACCOUNT", place, "Acct"))
        if statement.currency != fund.currency:
            return _judged(statement, Verdict.REJECT, Fault("CURRENCY_MISMATCH", place, "Ccy", statement.currency))
        if statement.account not in self._history:
            self._history[statement.account] = statements.history(self._conn, fund.institution_id, fund.fund_no)
        history = self._history[statement.account]
        found = judge_against_history(statement, self._file_sha256, history, fund.opening_fen)
        if found.verdict is Verdict.ACCEPT:
            twice = self._known_ref(fund, booked)
            if twice:
                found = Judgement(Verdict.HOLD, Fault("DUPLICATE_ENTRY_REF", place, "AcctSvcrRef", twice))
        if found.verdict in (Verdict.ACCEPT, Verdict.HOLD):
            believed = found.verdict is Verdict.ACCEPT
            history.append(
                KnownStatement(
                    statement.identity, statement.content_digest, statement.sequence, statement.closing_fen,
                    statement.to_on, self._file_sha256, believed,
                )
            )  # fmt: skip
            if believed:
                self._refs.setdefault(statement.account, set()).update(line.bank_ref for line in booked)
        return _judged(statement, found.verdict, found.fault)

    def _known_ref(self, fund: Fund, booked: Sequence[StatementLine]) -> str:
        refs = [line.bank_ref for line in booked if line.bank_ref]
        known = statements.occurrences(self._conn, fund.institution_id, fund.fund_no, refs)
        in_file = self._refs.get(fund.account_no or "", set())
        return next((ref for ref in refs if ref in in_file or known.get(ref, (0, False))[1]), "")


def _judged(statement: Statement, verdict: Verdict, fault: Fault | None) -> Statement:
    return replace(statement, verdict=verdict, fault=fault)


def _store(
    conn: Connection, vault: Vault, fund: Fund, statement: Statement, lines: Sequence[StatementLine], file_sha256: str,
    now: datetime,
) -> list[UUID]:  # fmt: skip
    assert statement.opening_fen is not None, "an accepted statement carries balances"
    assert statement.closing_fen is not None
    place = {"institution_id": fund.institution_id, "fund_no": fund.fund_no, "statement_id": statement.identity}
    last_on = statement.to_on or statement.closing_on or shanghai_day(now)
    record.insert(conn, "statement", [{
        **place, "account_no": statement.account, "sequence": statement.sequence, "opening_fen": statement.opening_fen,
        "closing_fen": statement.closing_fen, "first_on": statement.from_on or last_on, "last_on": last_on,
        "lines": len(lines), "content_digest": bytes.fromhex(statement.content_digest),
        "file_sha256": bytes.fromhex(file_sha256), "verdict": statement.verdict, "class": statement.class_ or "",
        "position": len(statements.history(conn, fund.institution_id, fund.fund_no)) + 1, "imported_at": now,
    }])  # fmt: skip
    ids = new_ids(now, len(lines))
    # Where the bank gives no reference, a digest of the line and its occurrence number tell real twins apart.
    refs = [line.bank_ref or "~" + _digest_of(line) for line in lines]
    known = statements.occurrences(conn, fund.institution_id, fund.fund_no, refs)
    seen = {ref: last for ref, (last, _) in known.items()}
    rows = []
    for line_id, line, bank_ref in zip(ids, lines, refs, strict=True):
        seen[bank_ref] = seen.get(bank_ref, 0) + 1
        rows.append({**place, **_line_row(vault, line_id, line), "bank_ref": bank_ref, "occurrence": seen[bank_ref]})
    record.insert(conn, "statement_line", rows)
    return ids


def _digest_of(line: StatementLine) -> str:
    facts = f"{line.booked_on}|{line.amount_fen}|{line.credit}|{line.counterparty_account}|{line.memo}"
    return hashlib.sha256(facts.encode()).hexdigest()[:32]


def _line_row(vault: Vault, line_id: UUID, line: StatementLine) -> dict[str, object]:
    def sealed(value: str, column: str) -> bytes | None:
        return vault.seal(value, "statement_line", column, line_id) if value else None

    return {
        "line_id": line_id, "ord": line.ord, "amount_fen": line.amount_fen, "credit": line.credit,
        "booked_on": line.booked_on, "value_on": line.value_on,
        "match_key": match.match_key((line.end_to_end_id, line.memo)) or None,
        "end_to_end_id": line.end_to_end_id or None, "bank_code": line.bank_code,
        "payer_name_sealed": sealed(line.counterparty_name, "payer_name"),
        "payer_account_sealed": sealed(line.counterparty_account, "payer_account"),
        "payer_account_index": vault.index(line.counterparty_account, "account") if line.counterparty_account else None,
        "payer_bank": line.counterparty_bank or None, "memo_sealed": sealed(line.memo, "memo"),
    }  # fmt: skip


def _match(
    conn: Connection, fund: Fund, statement: Statement, lines: Sequence[StatementLine], ids: Sequence[UUID],
    calendar: CalendarDays, actor: str, now: datetime,
) -> list[Outcome]:  # fmt: skip
    """Answer every line, post all events in one call, and record what each line was."""
    opened = [
        OpenLine(
            line_id, line.ord, line.amount_fen, line.credit, line.booked_on or shanghai_day(now),
            match.match_key((line.end_to_end_id, line.memo)), line.end_to_end_id, line.bank_code,
            line.counterparty_name,
        )
        for line_id, line in zip(ids, lines, strict=True)
    ]  # fmt: skip
    matching = match.Matching(_facts(conn, fund, opened, calendar))
    breaks = new_ids(now + timedelta(milliseconds=1), len(opened))
    answers = [matching.answer(line, break_id) for line, break_id in zip(opened, breaks, strict=True)]
    outcomes = _post(conn, fund, statement.identity, answers, actor, now)
    _record(conn, fund, answers, outcomes, calendar, actor, now)
    _settle_refunds(conn, fund, answers, actor, now)
    return outcomes


def _facts(conn: Connection, fund: Fund, lines: Sequence[OpenLine], calendar: CalendarDays) -> MatchFacts:
    keys, end_to_end_ids = match.keys_of(lines)
    by_reference = statements.contracts_by_reference(conn, fund.institution_id, keys)
    due_ids = statements.dues(conn, fund.institution_id, fund.fund_no)
    instructions = statements.instructions_by_end_to_end(conn, fund.institution_id, end_to_end_ids)
    paid = [known.contract_id for known in instructions.values() if known.contract_id is not None]
    locked = register.lock_contracts(conn, fund.institution_id, [*by_reference.values(), *due_ids, *paid])
    return MatchFacts(
        fund=fund,
        contracts={key: locked[contract_id] for key, contract_id in by_reference.items()},
        ended=frozenset(contracts.ended(conn, fund.institution_id, list(by_reference.values()))),
        instructions=instructions,
        dues=statements.in_order(due_ids, locked),
        charges=_charges(conn, fund.institution_id, list(by_reference.values()), calendar),
    )


def _charges(
    conn: Connection, institution_id: int, contract_ids: Sequence[UUID], calendar: CalendarDays
) -> dict[UUID, ChargeAtBooking]:
    """What limits are asked about again when money is booked; contracts signed before rules were kept are left out."""
    signed = [found for found in contracts.find(conn, institution_id, ids=contract_ids) if found.rules is not None]
    courses = contracts.courses(conn, institution_id, [contract.course_id for contract in signed])
    held = contracts.open_charges(conn, institution_id, {contract.student_id for contract in signed})
    signed_at = contracts.signed_at(conn, institution_id, [contract.contract_id for contract in signed])
    return {
        contract.contract_id: prepayment_limit.to_book(
            contract, signed_at[contract.contract_id], courses[contract.course_id].subject,
            Category(courses[contract.course_id].category), courses[contract.course_id].lesson_price_fen, held,
            read_rules(contract.rules), calendar.vacations,
        )
        for contract in signed
    }  # fmt: skip


def _post(
    conn: Connection, fund: Fund, statement_id: str, answers: Sequence[LineAnswer], actor: str, now: datetime
) -> list[Outcome]:
    events = [(answer, event) for answer in answers for event in answer.events]
    entries = [
        Entry(
            entry_id=entry_id,
            key=f"line {fund.fund_no} {statement_id} {answer.line.ord} {event.kind}",
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
    conn: Connection, fund: Fund, answers: Sequence[LineAnswer], outcomes: Sequence[Outcome], calendar: CalendarDays,
    actor: str, now: datetime,
) -> None:  # fmt: skip
    first_entry: dict[UUID, UUID | None] = {}
    posted = iter(outcomes)
    for answer in answers:
        for _ in answer.events:
            first_entry.setdefault(answer.line.line_id, next(posted).entry_id)
    here = {"institution_id": fund.institution_id}
    record.insert(conn, "line_match", [{
        **here, "line_id": a.line.line_id, "rule": a.rule, "kind": a.kind, "entry_id": first_entry[a.line.line_id],
        "ref": a.ref, "matched_at": now, "matched_by": actor,
    } for a in answers])  # fmt: skip
    finding_ids = iter(new_ids(now + timedelta(milliseconds=2), len(answers)))
    record.insert(conn, "finding", [{
        **here, "finding_id": next(finding_ids), "code": a.finding, "ref": a.line.line_id,
        "contract_id": a.ref if a.kind.startswith("deposit") else None, "found_on": a.line.booked_on,
        "facts": {"amount_fen": a.line.amount_fen, "credit": a.line.credit},
    } for a in answers if a.finding])  # fmt: skip
    record.insert(conn, "break", [{
        **here, "break_id": a.ref, "fund_no": fund.fund_no, "kind": a.broken, "amount_fen": a.line.amount_fen,
        "owner": "bank", "reason": a.finding, "opened_on": a.line.booked_on,
        "due_on": add_working_days(a.line.booked_on, BREAK_DAYS, calendar).on, "ref": a.line.line_id,
        "contract_id": None,
    } for a in answers if a.broken])  # fmt: skip


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
    entries, steps, closed = [], [], []
    ids = iter(new_ids(now + timedelta(milliseconds=3), 2 * len(touched)))
    for refund_id, line in touched:  # in the order of the bank: a statement may book a payment and take it back
        refund = found[refund_id]
        events, rows[refund.contract_id] = _settled(rows[refund.contract_id], fund, line)
        state = RefundState.RETURNED if line.credit else RefundState.PAID
        if state is RefundState.PAID and rows[refund.contract_id].refund_due_fen:
            state = RefundState.APPROVED  # the cash covered a part; the rest is sent once the institution brings it in
        steps.append({
            "institution_id": fund.institution_id, "refund_id": refund_id, "step": refund.step + 1, "state": state,
            "at": now, "actor": actor, "reason": "", "entry_id": None,
        })  # fmt: skip
        if state is RefundState.PAID:
            closed.append({"institution_id": fund.institution_id, "refund_id": refund_id, "closed_on": line.booked_on})
        entries += _entries(refund_id, events, line, actor, ids)
        found[refund_id] = replace(refund, state=state, step=refund.step + 1)
    _post_entries(conn, fund.institution_id, entries, now)
    record.insert(conn, "refund_step", steps)
    record.insert(conn, "refund_closed", closed)


def _settled(contract: ContractBalance, fund: Fund, line: OpenLine) -> tuple[list[Event], ContractBalance]:
    """What a booked or returned refund does to its contract beside the bank's entry, and the contract after it."""
    from_reserve, amount = contract.fund_no != fund.fund_no, line.amount_fen
    if line.credit:
        if not from_reserve:
            return [], contract
        back = replace(contract, due_fen=contract.due_fen + amount, refund_due_fen=contract.refund_due_fen + amount)
        return [posting_payment.refund_unproved(contract, amount)], back
    events = []
    if from_reserve:
        events.append(posting_payment.refund_proved(contract, amount))
        contract = replace(contract, due_fen=contract.due_fen - amount, refund_due_fen=contract.refund_due_fen - amount)
    rest = posting_payment.remainder_left(contract, contract.free_fen)
    return [*events, rest], posting.after_release(contract, rest)


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
