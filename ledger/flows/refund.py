"""Refunds: quoted before asking, asked, agreed by the institution or by its silence, approved by a second person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import journal, record, register
from ledger.books import lesson as lessons
from ledger.books import refund as refunds
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.money import yuan
from ledger.rules import posting, posting_payment, refund_deadline
from ledger.rules import refund as refund_rules
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.contract import Contract, ContractBalance
from ledger.terms.ids import new_ids
from ledger.terms.institution import Payee
from ledger.terms.journal import Entry
from ledger.terms.lesson import LessonState
from ledger.terms.refund import Cause, HoursUsed, PaidOn, RefundContract, RefundRequest, Worksheet
from ledger.terms.refund_request import CLOSED, Refund, RefundAsked, RefundState
from ledger.terms.rulebook import Rulebook
from ledger.vault import Vault

_NOT_TAUGHT = frozenset({LessonState.REVERSED, LessonState.DISPUTED})
# From here on the money is owed to the family, wherever it is.
_APPROVED = frozenset({RefundState.APPROVED, RefundState.IN_TRANSIT, RefundState.PAID, RefundState.RETURNED})


def quote(
    conn: Connection, institution_id: int, asked: Mapping[UUID, Cause], rulebook: Rulebook, calendar: CalendarDays,
    today: date,
) -> dict[UUID, Worksheet]:  # fmt: skip
    """What comes back if each contract ended today, by contract id. Nothing is written or locked."""
    ids = list(asked)
    signed = {c.contract_id: c for c in contracts.find(conn, institution_id, ids=ids)}
    return _quotes(conn, institution_id, signed, asked, rulebook, calendar, today)


def ask(
    conn: Connection, vault: Vault, institution_id: int, asked: Sequence[RefundAsked], rulebook: Rulebook,
    calendar: CalendarDays, now: datetime,
) -> list[Outcome]:  # fmt: skip
    """Families ask; what they ask for is held from that moment. One outcome per request, in order.

    The contract's open refund makes a second asking a replay. Refused: UNKNOWN_CONTRACT, NOTHING_TO_REFUND,
    QUOTE_CHANGED (the quote is not the one that was shown), PAYEE_UNKNOWN, REFUND_DONE (one was paid before).
    """
    today = shanghai_day(now)
    ids = [request.contract_id for request in asked]
    signed = {c.contract_id: c for c in contracts.find(conn, institution_id, ids=ids)}
    balances = register.lock_contracts(conn, institution_id, list(signed))
    open_now = refunds.of_contracts(conn, institution_id, ids)
    causes = {request.contract_id: request.cause for request in asked}
    quotes = _quotes(conn, institution_id, signed, causes, rulebook, calendar, today)
    payees = _payees(conn, vault, institution_id, asked)
    outcomes, rows, steps, entries = [], [], [], []
    asked_now: dict[UUID, UUID] = {}
    for refund_id, request in zip(new_ids(now, len(asked)), asked, strict=True):
        if request.contract_id in asked_now:
            outcomes.append(Outcome(Result.REPLAYED, entry_id=asked_now[request.contract_id]))
            continue
        outcome = _askable(request, signed, open_now, quotes, payees)
        outcomes.append(outcome or Outcome(Result.DONE, entry_id=refund_id))
        if outcome is not None:
            continue
        asked_now[request.contract_id] = refund_id
        worksheet, balance = quotes[request.contract_id], balances[request.contract_id]
        entry = _hold(refund_id, balance, worksheet, request, today)
        entries += [entry] if entry else []
        first_lesson_on = signed[request.contract_id].first_lesson_on
        rows.append({
            "institution_id": institution_id, "refund_id": refund_id, "contract_id": request.contract_id,
            "follows": _last_closed(open_now.get(request.contract_id, [])), "cause": request.cause,
            "amount_fen": worksheet.refund_fen, "hold_id": entry.entry_id if entry else None,
            "worksheet": worksheet_rows(worksheet), "quote_digest": bytes.fromhex(worksheet.digest),
            "rulebook": worksheet.rulebook, "rulebook_digest": bytes.fromhex(worksheet.rulebook_digest),
            "asked_on": today, "asked_by": request.actor,
            "answer_by": refund_deadline.answer_by(today, rulebook, calendar).on,
            "pay_by": refund_deadline.pay_by(today, first_lesson_on, rulebook, calendar).on,
            **_sealed_payee(vault, refund_id, payees[request.contract_id]),
        })  # fmt: skip
        steps.append(_step(institution_id, refund_id, 1, RefundState.ASKED, request.actor, now))
    _post_all(conn, institution_id, entries, now)
    record.insert(conn, "refund", rows)
    record.insert(conn, "refund_step", steps)
    return outcomes


def answer(
    conn: Connection, institution_id: int, refund_ids: Sequence[UUID], state: RefundState, actor: str, now: datetime,
    reason: str = "",
) -> list[Outcome]:  # fmt: skip
    """The institution agrees or objects (``state``). Answered already: replayed, or refused REFUND_ANSWERED."""
    found = _locked(conn, institution_id, refund_ids)
    outcomes, steps = [], []
    for refund_id in refund_ids:
        refund = found.get(refund_id)
        if refund is None:
            outcomes.append(Outcome(Result.REFUSED, "UNKNOWN_REFUND"))
        elif refund.state is RefundState.ASKED:
            steps.append(_step(institution_id, refund_id, refund.step + 1, state, actor, now, reason))
            found[refund_id] = replace(refund, state=state, step=refund.step + 1)
            outcomes.append(Outcome(Result.DONE))
        else:
            done = refund.state is state
            outcomes.append(Outcome(Result.REPLAYED) if done else Outcome(Result.REFUSED, "REFUND_ANSWERED"))
    record.insert(conn, "refund_step", steps)
    return outcomes


def withdraw(
    conn: Connection, institution_id: int, refund_ids: Sequence[UUID], actor: str, now: datetime
) -> list[Outcome]:
    """The family withdraws before approval: the hold ends, the contract goes on. Refused: UNKNOWN_REFUND,
    REFUND_APPROVED.
    """
    found = _locked(conn, institution_id, refund_ids)
    holds = register.open_holds(conn, institution_id, [r.hold_id for r in found.values() if r.hold_id])
    outcomes, entries, steps, closed = [], [], [], []
    for refund_id, entry_id in zip(refund_ids, new_ids(now, len(refund_ids)), strict=True):
        refund = found.get(refund_id)
        if refund is None or refund.state in _APPROVED:
            outcomes.append(Outcome(Result.REFUSED, "REFUND_APPROVED" if refund else "UNKNOWN_REFUND"))
            continue
        if refund.state in CLOSED:
            outcomes.append(Outcome(Result.REPLAYED))
            continue
        if refund.hold_id in holds and refund.hold_id is not None:
            event = posting.hold_ended(refund.fund_no, refund.hold_id, holds[refund.hold_id], refund.contract_id)
            asked = (("refund", str(refund_id)),)
            entries.append(Entry(entry_id, f"withdraw {refund_id}", asked, event, shanghai_day(now), actor, refund_id))
        steps.append(_step(institution_id, refund_id, refund.step + 1, RefundState.WITHDRAWN, actor, now))
        closed.append({"institution_id": institution_id, "refund_id": refund_id, "closed_on": shanghai_day(now)})
        found[refund_id] = replace(refund, state=RefundState.WITHDRAWN, step=refund.step + 1)
        outcomes.append(Outcome(Result.DONE))
    _post_all(conn, institution_id, entries, now)
    record.insert(conn, "refund_step", steps)
    record.insert(conn, "refund_closed", closed)
    return outcomes


def agree_silent(conn: Connection, institution_id: int, today: date, now: datetime) -> list[Outcome]:
    """The institution's silence past its last day to answer is agreement: ``custody due``."""
    ids = [refund.refund_id for refund in refunds.unanswered(conn, institution_id, today)]
    return answer(conn, institution_id, ids, RefundState.AGREED, "custody:due", now, "silence")


def mark_overdue(conn: Connection, institution_id: int, today: date, now: datetime) -> int:
    """Mark refunds past their last day to be paid, once each: ``custody due``. How many."""
    late = refunds.overdue(conn, institution_id, today)
    rows = [{
        "institution_id": institution_id, "finding_id": finding_id, "code": "REFUND_OVERDUE", "ref": refund.refund_id,
        "contract_id": refund.contract_id, "found_on": today,
        "facts": {"amount_fen": refund.amount_fen, "pay_by": refund.pay_by.isoformat()},
    } for finding_id, refund in zip(new_ids(now, len(late)), late, strict=True)]  # fmt: skip
    return record.insert(conn, "finding", rows)


def approve(
    conn: Connection, institution_id: int, refund_ids: Sequence[UUID], approver: str, now: datetime,
    folded_block: int | None = None,
) -> list[Outcome]:  # fmt: skip
    """A second person approves: claim -> refund_due, with what the claim lacks un-released first.

    Refused: UNKNOWN_REFUND, SAME_PERSON, REFUND_NOT_AGREED. ``later`` where the payable's fold decides.
    """
    found = _locked(conn, institution_id, refund_ids)
    balances = register.lock_contracts(conn, institution_id, [refund.contract_id for refund in found.values()])
    payments = register.read_payments(conn, institution_id, list(balances))
    payable = {
        fund_no: register.lock_account(conn, institution_id, fund_no, "payable")
        for fund_no in sorted({refund.fund_no for refund in found.values()})
    }
    holds = register.open_holds(conn, institution_id, [r.hold_id for r in found.values() if r.hold_id])
    outcomes: list[Outcome] = []
    entries: dict[int, Entry] = {}
    for n, (refund_id, entry_id) in enumerate(zip(refund_ids, new_ids(now, len(refund_ids)), strict=True)):
        refund = found.get(refund_id)
        outcomes.append(_approvable(refund, approver))
        if refund is None or outcomes[-1].result is not Result.DONE:
            continue
        contract = balances[refund.contract_id]
        hold = (refund.hold_id, holds[refund.hold_id]) if refund.hold_id and refund.hold_id in holds else None
        event = posting_payment.refund_approved(
            contract, refund.amount_fen, payments.get(refund.contract_id, ()), payable[refund.fund_no], hold
        )
        payable[refund.fund_no] -= posting_payment.taken_from_payable(event)
        key = f"approve {refund_id}"
        entries[n] = Entry(entry_id, key, (("refund", str(refund_id)),), event, shanghai_day(now), approver, refund_id)
    posted = journal.post(conn, institution_id, list(entries.values()), now, folded_block)
    steps, approvals = [], []
    for n, outcome in zip(entries, posted, strict=True):
        outcomes[n] = outcome
        refund = found[refund_ids[n]]
        if outcome.result is Result.DONE:
            step, posted_as = refund.step + 1, outcome.entry_id
            steps.append(
                _step(institution_id, refund.refund_id, step, RefundState.APPROVED, approver, now, "", posted_as)
            )
            approvals.append({
                "institution_id": institution_id, "subject_id": refund.refund_id, "subject": "refund",
                "made_by": refund.asked_by, "approved_by": approver, "approved_at": now,
            })  # fmt: skip
    record.insert(conn, "refund_step", steps)
    record.insert(conn, "approval", approvals)
    return outcomes


def worksheet_rows(worksheet: Worksheet) -> dict[str, Any]:
    """A worksheet as the books keep it: lines with label and rule in both languages, amounts in fen."""
    return {
        "refund_fen": worksheet.refund_fen,
        "lines": [
            {"code": line.code, "label_zh": line.label.zh, "label_en": line.label.en, "formula": line.formula,
             "amount_fen": line.amount_fen, "rule_zh": line.rule.zh, "rule_en": line.rule.en, "source": line.source}
            for line in worksheet.lines
        ],
        "alternatives": [{"cause": a.cause, "refund_fen": a.refund_fen} for a in worksheet.alternatives],
        "digest": worksheet.digest,
    }  # fmt: skip


def _quotes(
    conn: Connection, institution_id: int, signed: Mapping[UUID, Contract], causes: Mapping[UUID, Cause],
    rulebook: Rulebook, calendar: CalendarDays, today: date,
) -> dict[UUID, Worksheet]:  # fmt: skip
    ids = list(signed)
    balances = register.read_contracts(conn, institution_id, ids)
    paid_on = refunds.paid_days(conn, institution_id, ids)
    taught: dict[UUID, int] = dict.fromkeys(ids, 0)
    for lesson in lessons.of_contracts(conn, institution_id, ids):
        if lesson.state not in _NOT_TAUGHT:
            taught[lesson.contract_id] += lesson.hours
    rules = refund_rules.rules_in_force(rulebook)
    quotes = {}
    for contract_id, contract in signed.items():
        balance = balances[contract_id]
        facts = RefundContract(
            paid_fen=balance.paid_fen - balance.refunded_fen,
            price_fen=balance.price_fen,
            hours_bought=contract.hours_bought,
            hours_gifted=contract.hours_gifted,
            list_price_fen=contract.list_price_fen,
        )
        payments = (
            tuple(PaidOn(day, fen) for day, fen in paid_on.get(contract_id, [])) if not balance.refunded_fen else ()
        )
        used = HoursUsed(max(taught[contract_id], balance.hours_released))
        request = RefundRequest(payments, today)
        quotes[contract_id] = refund_rules.quote(facts, used, causes[contract_id], request, rules, calendar=calendar)
    return quotes


def _askable(
    request: RefundAsked, signed: Mapping[UUID, Contract], known: Mapping[UUID, list[Refund]],
    quotes: Mapping[UUID, Worksheet], payees: Mapping[UUID, Payee],
) -> Outcome | None:  # fmt: skip
    """Why a refund may not be asked now (or that it was asked before); None when it may."""
    if request.contract_id not in signed:
        return Outcome(Result.REFUSED, "UNKNOWN_CONTRACT")
    earlier = known.get(request.contract_id, [])
    standing = next((refund for refund in earlier if refund.state not in CLOSED), None)
    if standing is not None:
        return Outcome(Result.REPLAYED, entry_id=standing.refund_id)
    if any(refund.state is RefundState.PAID for refund in earlier):
        return Outcome(Result.REFUSED, "REFUND_DONE")
    worksheet = quotes[request.contract_id]
    if request.shown_digest is not None and request.shown_digest != worksheet.digest:
        return Outcome(Result.REFUSED, "QUOTE_CHANGED", detail=yuan(worksheet.refund_fen))
    if worksheet.refund_fen == 0:
        return Outcome(Result.REFUSED, "NOTHING_TO_REFUND")
    return None if request.contract_id in payees else Outcome(Result.REFUSED, "PAYEE_UNKNOWN")


def _hold(
    refund_id: UUID, balance: ContractBalance, worksheet: Worksheet, request: RefundAsked, today: date
) -> Entry | None:
    """Hold what is asked, as far as the claim reaches; the id of the entry is the id of the hold."""
    amount = min(worksheet.principal_fen, balance.free_fen)
    if amount <= 0:
        return None
    event = posting.hold_placed(balance.fund_no, refund_id, amount, balance.contract_id)
    asked = (("refund", str(refund_id)),)
    return Entry(refund_id, f"ask {refund_id}", asked, event, today, request.actor, refund_id)


def _last_closed(earlier: Iterable[Refund]) -> UUID | None:
    return max((refund.refund_id for refund in earlier), default=None)


def _payees(conn: Connection, vault: Vault, institution_id: int, asked: Sequence[RefundAsked]) -> dict[UUID, Payee]:
    """To whom each refund goes: the payer of the newest payment; the given payee only where there is no such line."""
    lines = refunds.payer_lines(conn, institution_id, [request.contract_id for request in asked])
    found = {request.contract_id: request.payee for request in asked if request.payee is not None}
    for contract_id, line in lines.items():
        if line.account_sealed and line.name_sealed and line.bank_no:
            found[contract_id] = Payee(
                vault.open(line.name_sealed, "statement_line", "payer_name", line.line_id),
                vault.open(line.account_sealed, "statement_line", "payer_account", line.line_id),
                line.bank_no,
            )
    return found


def _sealed_payee(vault: Vault, refund_id: UUID, payee: Payee) -> dict[str, object]:
    return {
        "payee_name_sealed": vault.seal(payee.name, "refund", "payee_name", refund_id),
        "payee_account_sealed": vault.seal(payee.account, "refund", "payee_account", refund_id),
        "payee_bank": payee.bank_no,
    }


def _locked(conn: Connection, institution_id: int, refund_ids: Sequence[UUID]) -> dict[UUID, Refund]:
    """Refunds as they stand once their contracts are locked."""
    found = refunds.by_id(conn, institution_id, refund_ids)
    register.lock_contracts(conn, institution_id, [refund.contract_id for refund in found.values()])
    return refunds.by_id(conn, institution_id, refund_ids)


def _approvable(refund: Refund | None, approver: str) -> Outcome:
    if refund is None:
        return Outcome(Result.REFUSED, "UNKNOWN_REFUND")
    if refund.state in _APPROVED:
        return Outcome(Result.REPLAYED)
    if refund.state is not RefundState.AGREED:
        return Outcome(Result.REFUSED, "REFUND_NOT_AGREED")
    return Outcome(Result.REFUSED, "SAME_PERSON") if refund.asked_by == approver else Outcome(Result.DONE)


def _post_all(conn: Connection, institution_id: int, entries: Sequence[Entry], now: datetime) -> None:
    for entry, outcome in zip(entries, journal.post(conn, institution_id, entries, now), strict=True):
        # Contracts are locked and the amounts come from them: a refusal here is our bug.
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")


def _step(
    institution_id: int, refund_id: UUID, step: int, state: RefundState, actor: str, now: datetime, reason: str = "",
    entry_id: UUID | None = None,
) -> dict[str, object]:  # fmt: skip
    return {
        "institution_id": institution_id, "refund_id": refund_id, "step": step, "state": state, "at": now,
        "actor": actor, "reason": reason, "entry_id": entry_id,
    }  # fmt: skip
