"""Refunds: quoted before asking, asked, agreed by the institution or by its silence, approved by a second person."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import contract_move, journal, record, refund_payer, register
from ledger.books import lesson as lessons
from ledger.books import lesson_decision as decisions
from ledger.books import refund as refunds
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats import refund_worksheet
from ledger.money import yuan
from ledger.rules import posting, posting_payment, refund_deadline, refund_facts, refund_funding
from ledger.rules import refund as refund_rules
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.contract import ContractBalance
from ledger.terms.ids import new_ids
from ledger.terms.institution import Payee
from ledger.terms.journal import Entry, Event
from ledger.terms.lesson import Lesson
from ledger.terms.refund import Cause, Worksheet
from ledger.terms.refund_request import CLOSED, DateCode, Refund, RefundAsked, RefundDate, RefundState
from ledger.terms.rulebook import Rate, Rulebook
from ledger.vault import Vault

# From here on the money is owed to the family, wherever it is.
_APPROVED = frozenset({RefundState.APPROVED, RefundState.IN_TRANSIT, RefundState.PAID, RefundState.RETURNED})


def quote(
    conn: Connection, institution_id: int, asked: Mapping[UUID, Cause], rulebook: Rulebook, calendar: CalendarDays,
    today: date,
) -> dict[UUID, Worksheet]:  # fmt: skip
    """What comes back if each contract ended today, by contract id. Nothing is written or locked."""
    wanted = [RefundAsked(contract_id, cause, "") for contract_id, cause in asked.items()]
    return quote_asked(conn, institution_id, wanted, rulebook, calendar, today)


def quote_asked(
    conn: Connection, institution_id: int, asked: Sequence[RefundAsked], rulebook: Rulebook, calendar: CalendarDays,
    today: date, rates: Sequence[Rate] = (),
) -> dict[UUID, Worksheet]:  # fmt: skip
    """The same for a whole asking: with the day the contract ended, costs and rates of interest."""
    quoting = _Quoting(conn, institution_id, asked, rulebook, calendar, today, rates)
    return {one.contract_id: quoting.sheet(one, one.cause) for one in asked if one.contract_id in quoting.signed}


def ask(
    conn: Connection, vault: Vault, institution_id: int, asked: Sequence[RefundAsked], rulebook: Rulebook,
    calendar: CalendarDays, now: datetime, rates: Sequence[Rate] = (),
) -> list[Outcome]:  # fmt: skip
    """Families ask; what they ask for is held from that moment, and what they dispute with it. One outcome per request.

    The contract's open refund makes a second asking a replay, and so does an id that was asked with before. Refused:
    UNKNOWN_CONTRACT, NOTHING_TO_REFUND, QUOTE_CHANGED (the quote is not the one that was shown), PAYEE_UNKNOWN,
    REFUND_DONE (one was paid before, and nothing of the claim is left, for hours in dispute or come back),
    CONTRACT_MOVING (its money is on its way to another account, or there).
    """
    today = shanghai_day(now)
    ids = [request.contract_id for request in asked]
    register.lock_contracts(conn, institution_id, ids)
    quoting = _Quoting(conn, institution_id, asked, rulebook, calendar, today, rates)
    earlier = refunds.of_contracts(conn, institution_id, ids)
    kept = register.open_holds(conn, institution_id, [r.hold_id for rs in earlier.values() for r in rs if r.hold_id])
    disputed = decisions.held(conn, institution_id, ids)
    payees = _payees(conn, vault, institution_id, asked)
    outcomes, rows, steps, entries = [], [], [], []
    asked_now: dict[UUID, UUID] = {}
    for fresh, request in zip(new_ids(now, len(asked)), asked, strict=True):
        refund_id = request.refund_id or fresh
        if request.contract_id in asked_now:
            outcomes.append(Outcome(Result.REPLAYED, entry_id=asked_now[request.contract_id]))
            continue
        before = earlier.get(request.contract_id, [])
        outcome = _askable(request, quoting, before, payees)
        outcomes.append(outcome or Outcome(Result.DONE, entry_id=refund_id))
        if outcome is not None:
            continue
        asked_now[request.contract_id] = refund_id
        worksheet = quoting.sheet(request, request.cause)
        balance, by_disputes = quoting.balances[request.contract_id], disputed.get(request.contract_id, 0)
        holds = _holds(refund_id, balance, worksheet, request, before, kept, by_disputes, now)
        entries += holds
        dates = refund_deadline.dates(today, quoting.signed[request.contract_id].first_lesson_on, rulebook, calendar)
        by_code = {one.code: one.on for one in dates}
        rows.append({
            "institution_id": institution_id, "refund_id": refund_id, "contract_id": request.contract_id,
            "follows": _last_closed(before), "cause": request.cause, "amount_fen": worksheet.refund_fen,
            "hold_id": refund_id if any(entry.entry_id == refund_id for entry in holds) else None,
            "worksheet": quoting.kept(request, worksheet, dates), "quote_digest": bytes.fromhex(worksheet.digest),
            "rulebook": worksheet.rulebook, "rulebook_digest": bytes.fromhex(worksheet.rulebook_digest),
            "asked_on": today, "asked_by": request.actor, "answer_by": by_code[DateCode.ANSWER_BY],
            "pay_by": by_code[DateCode.PAY_BY], **_sealed_payee(vault, refund_id, payees[request.contract_id]),
        })  # fmt: skip
        steps.append(refunds.step(institution_id, refund_id, 1, RefundState.ASKED, request.actor, now, request.reason))
    _post_all(conn, institution_id, entries, now)
    record.insert(conn, "refund", rows)
    record.insert(conn, "refund_step", steps)
    return outcomes


def answer(
    conn: Connection, institution_id: int, refund_ids: Sequence[UUID], state: RefundState, actor: str, now: datetime,
    reason: str = "",
) -> list[Outcome]:  # fmt: skip
    """The institution agrees or objects (``state``). Answered already: replayed, or refused REFUND_ANSWERED."""
    found = refunds.locked(conn, institution_id, refund_ids)
    outcomes, steps = [], []
    for refund_id in refund_ids:
        refund = found.get(refund_id)
        if refund is None:
            outcomes.append(Outcome(Result.REFUSED, "UNKNOWN_REFUND"))
        elif refund.state is RefundState.ASKED:
            steps.append(refunds.step(institution_id, refund_id, refund.step + 1, state, actor, now, reason))
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
    found = refunds.locked(conn, institution_id, refund_ids)
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
        steps.append(refunds.step(institution_id, refund_id, refund.step + 1, RefundState.WITHDRAWN, actor, now))
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
    """Mark refunds past their last day to be paid, once each: ``custody due``. How many.

    Past the day from which delay counts as deliberate a refund is marked once more (REFUND_DELAYED), not counted.
    """
    late = refunds.overdue(conn, institution_id, today)
    delayed = refunds.delayed(conn, institution_id, today)
    marks = [("REFUND_OVERDUE", refund) for refund in late] + [("REFUND_DELAYED", refund) for refund in delayed]
    rows = [{
        "institution_id": institution_id, "finding_id": finding_id, "code": code, "ref": refund.refund_id,
        "contract_id": refund.contract_id, "found_on": today,
        "facts": {"amount_fen": refund.amount_fen, "pay_by": refund.pay_by.isoformat()}
        | ({"delayed_after": str(refund.delayed_after)} if code == "REFUND_DELAYED" else {}),
    } for finding_id, (code, refund) in zip(new_ids(now, len(marks)), marks, strict=True)]  # fmt: skip
    record.insert(conn, "finding", rows)
    return len(late)


def approve(
    conn: Connection, institution_id: int, refund_ids: Sequence[UUID], approver: str, now: datetime,
    folded_block: int | None = None,
) -> list[Outcome]:  # fmt: skip
    """A second person approves: what the claim lacks is un-released, then principal, overcharge and what comes on top
    are owed to the family, the entries of a refund together or not at all.

    Refused: UNKNOWN_REFUND, SAME_PERSON, REFUND_NOT_AGREED. ``later`` where the payable's fold decides.
    """
    found = refunds.locked(conn, institution_id, refund_ids)
    balances = register.lock_contracts(conn, institution_id, [refund.contract_id for refund in found.values()])
    payments = register.read_payments(conn, institution_id, list(balances))
    payable = {
        fund_no: register.lock_account(conn, institution_id, fund_no, "payable")
        for fund_no in sorted({refund.fund_no for refund in found.values()})
    }
    holds = register.open_holds(conn, institution_id, [r.hold_id for r in found.values() if r.hold_id])
    outcomes: list[Outcome] = []
    entries: dict[int, list[Entry]] = {}
    for n, refund_id in enumerate(refund_ids):
        refund = found.get(refund_id)
        outcomes.append(_approvable(refund, approver))
        if refund is None or outcomes[-1].result is not Result.DONE:
            continue
        hold = (refund.hold_id, holds[refund.hold_id]) if refund.hold_id and refund.hold_id in holds else None
        events = refund_funding.approved(
            balances[refund.contract_id], refund.parts, payments.get(refund.contract_id, ()), payable[refund.fund_no],
            hold, refund.disputed_fen,
        )  # fmt: skip
        payable[refund.fund_no] -= sum(posting_payment.taken_from_payable(event) for event in events)
        found[refund_id] = replace(refund, state=RefundState.APPROVED)
        entries[n] = _joined(refund_id, events, approver, now)
    posted = iter(
        journal.post(conn, institution_id, [e for joined in entries.values() for e in joined], now, folded_block)
    )
    steps, approvals = [], []
    for n, joined in entries.items():
        outcomes[n] = _one_outcome(joined, [next(posted) for _ in joined])
        refund = found[refund_ids[n]]
        if outcomes[n].result is Result.DONE:
            step, first = refund.step + 1, outcomes[n].entry_id
            steps.append(
                refunds.step(institution_id, refund.refund_id, step, RefundState.APPROVED, approver, now, "", first)
            )
            approvals.append({
                "institution_id": institution_id, "subject_id": refund.refund_id, "subject": "refund",
                "made_by": refund.asked_by, "approved_by": approver, "approved_at": now,
            })  # fmt: skip
    record.insert(conn, "refund_step", steps)
    record.insert(conn, "approval", approvals)
    return outcomes


def _joined(refund_id: UUID, events: Sequence[Event], actor: str, now: datetime) -> list[Entry]:
    """The entries of one approval; the first bears the key it has always had."""
    asked = (("refund", str(refund_id)),)
    keys = [f"approve {refund_id}" + (f" {event.kind}" if n else "") for n, event in enumerate(events)]
    return [
        Entry(entry_id, key, asked, event, shanghai_day(now), actor, refund_id)
        for entry_id, key, event in zip(new_ids(now, len(events)), keys, events, strict=True)
    ]


def _one_outcome(entries: Sequence[Entry], outcomes: Sequence[Outcome]) -> Outcome:
    """What became of a refund's entries. Contracts and payable are locked and the amounts come from them: that only
    some of them stand is our bug, and nothing is written.
    """
    if len({outcome.result for outcome in outcomes}) > 1:
        told = ", ".join(f"{e.key}: {o.result} {o.code}" for e, o in zip(entries, outcomes, strict=True))
        raise InvariantBroken("NOT_POSTED", told)
    return outcomes[0]


class _Quoting:
    """The facts a set of contracts is quoted by, loaded at once."""

    def __init__(
        self, conn: Connection, institution_id: int, asked: Sequence[RefundAsked], rulebook: Rulebook,
        calendar: CalendarDays, today: date, rates: Sequence[Rate],
    ) -> None:  # fmt: skip
        ids = [request.contract_id for request in asked]
        self.signed = {one.contract_id: one for one in contracts.find(conn, institution_id, ids=ids)}
        self.balances = register.read_contracts(conn, institution_id, ids)
        self._calendar, self._today, self._rates, self._rulebook = calendar, today, rates, rulebook
        self._rules = refund_rules.rules_in_force(rulebook)
        self._paid_on = refunds.paid_days(conn, institution_id, ids)
        self._own = refunds.own_records(conn, institution_id, ids)
        self._lessons: dict[UUID, list[Lesson]] = {contract_id: [] for contract_id in ids}
        for lesson in lessons.of_contracts(conn, institution_id, ids):
            self._lessons[lesson.contract_id].append(lesson)
        self.elsewhere = contract_move.elsewhere(conn, institution_id, ids)
        self._payable = {
            fund_no: register.read_account(conn, institution_id, fund_no, "payable")
            for fund_no in {balance.fund_no for balance in self.balances.values()}
        }

    def sheet(self, request: RefundAsked, cause: Cause) -> Worksheet:
        """The worksheet of one asking under a cause."""
        contract, balance = self.signed[request.contract_id], self.balances[request.contract_id]
        own, taught = self._own[request.contract_id], self._lessons[request.contract_id]
        return refund_rules.quote(
            refund_facts.contract_facts(contract, balance, own),
            refund_facts.hours_used(taught, balance),
            cause,
            refund_facts.request_facts(self._paid_on.get(request.contract_id, ()), balance, own, self._today),
            self._rules,
            calendar=self._calendar,
            costs=request.costs,
            interest=refund_facts.interest_facts(request, contract, self._rates, self._rulebook, self._today),
            disputed=refund_facts.hours_disputed(taught),
        )

    def kept(self, request: RefundAsked, asked: Worksheet, dates: Sequence[RefundDate]) -> dict[str, Any]:
        """What the books keep of it: the sheet of every cause, who pays each part, and the dates."""
        balance = self.balances[request.contract_id]
        others = [self.sheet(request, cause) for cause in Cause if cause is not asked.cause]
        payable_fen = self._payable[balance.fund_no]
        funding = {
            one.cause: refund_funding.funding(balance, refund_worksheet.parts_of(one), payable_fen)
            for one in (asked, *others)
        }
        return refund_worksheet.kept_sheets(asked, others, funding, dates)


def _askable(
    request: RefundAsked, quoting: _Quoting, earlier: Sequence[Refund], payees: Mapping[UUID, Payee]
) -> Outcome | None:
    """Why a refund may not be asked now (or that it was asked before); None when it may."""
    if request.contract_id not in quoting.signed:
        return Outcome(Result.REFUSED, "UNKNOWN_CONTRACT")
    standing = next((one for one in earlier if one.state not in CLOSED or one.refund_id == request.refund_id), None)
    if standing is not None:
        return Outcome(Result.REPLAYED, entry_id=standing.refund_id)
    if request.refund_id is not None and any(one.refund_id > request.refund_id for one in earlier):
        return Outcome(Result.REFUSED, "QUOTE_CHANGED")  # the form is older than what was asked since
    paid = any(refund.state is RefundState.PAID for refund in earlier)
    if paid and quoting.balances[request.contract_id].claim_fen == 0:
        return Outcome(Result.REFUSED, "REFUND_DONE")
    if request.contract_id in quoting.elsewhere:
        return Outcome(Result.REFUSED, "CONTRACT_MOVING")
    worksheet = quoting.sheet(request, request.cause)
    if request.shown_digest is not None and request.shown_digest != worksheet.digest:
        return Outcome(Result.REFUSED, "QUOTE_CHANGED", detail=yuan(worksheet.refund_fen))
    if worksheet.refund_fen == 0:
        return Outcome(Result.REFUSED, "NOTHING_TO_REFUND")
    return None if request.contract_id in payees else Outcome(Result.REFUSED, "PAYEE_UNKNOWN")


def _holds(
    refund_id: UUID, balance: ContractBalance, worksheet: Worksheet, request: RefundAsked, earlier: Sequence[Refund],
    kept: Mapping[UUID, int], kept_by_disputes_fen: int, now: datetime,
) -> list[Entry]:  # fmt: skip
    """Hold what is asked and what is disputed, as far as the claim reaches; the id of the entry is the id of the hold.
    What the disputes of these hours hold already is not held twice.

    What a paid refund kept for hours in dispute is freed first: this refund names it.
    """
    asked, today = (("refund", str(refund_id)),), shanghai_day(now)
    ended = [(refund.hold_id, kept[refund.hold_id]) for refund in earlier if refund.hold_id in kept and refund.hold_id]
    entries = [
        Entry(entry_id, f"free {hold_id} for {refund_id}", asked,
              posting.hold_ended(balance.fund_no, hold_id, fen, balance.contract_id), today, request.actor, refund_id)
        for entry_id, (hold_id, fen) in zip(new_ids(now, len(ended)), ended, strict=True)
    ]  # fmt: skip
    free_fen = balance.free_fen + sum(fen for _, fen in ended)
    disputed_fen = max(worksheet.disputed_fen - kept_by_disputes_fen, 0)
    amount = min(worksheet.principal_fen + disputed_fen, free_fen)
    if amount > 0:
        event = posting.hold_placed(balance.fund_no, refund_id, amount, balance.contract_id)
        entries.append(Entry(refund_id, f"ask {refund_id}", asked, event, today, request.actor, refund_id))
    return entries


def _last_closed(earlier: Iterable[Refund]) -> UUID | None:
    return max((refund.refund_id for refund in earlier), default=None)


def _payees(conn: Connection, vault: Vault, institution_id: int, asked: Sequence[RefundAsked]) -> dict[UUID, Payee]:
    """To whom each refund goes: the payer of the newest payment; the given payee only where there is no such line."""
    lines = refund_payer.lines(conn, institution_id, [request.contract_id for request in asked])
    found = {request.contract_id: request.payee for request in asked if request.payee is not None}
    newest = {contract_id: of[0].payee(vault) for contract_id, of in lines.items()}
    return found | {contract_id: payee for contract_id, payee in newest.items() if payee is not None}


def _sealed_payee(vault: Vault, refund_id: UUID, payee: Payee) -> dict[str, object]:
    return {
        "payee_name_sealed": vault.seal(payee.name, "refund", "payee_name", refund_id),
        "payee_account_sealed": vault.seal(payee.account, "refund", "payee_account", refund_id),
        "payee_bank": payee.bank_no,
    }


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
