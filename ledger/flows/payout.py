"""Money out: build a batch (the money is in transit from then on), approve it, render its file once."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import closed, journal, match, payout, record, refund_payee, refund_payer, register
from ledger.books import contract as contracts
from ledger.books import payout_batch as batching
from ledger.books import refund as refunds
from ledger.books import reserve as reserves
from ledger.books import statement as statements
from ledger.books.payout_batch import NewPayment
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.formats import pain001, payment_sheet
from ledger.formats.contract_rules import read_rules
from ledger.rules import posting_payment, release
from ledger.rules import refund_payer as rules_payer
from ledger.rules import reserve as reserve_rules
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_id, new_ids
from ledger.terms.institution import Fund, Payee
from ledger.terms.journal import AccountClass, Entry, FundKind
from ledger.terms.payment_file import PaymentFile, PaymentInstruction, PaymentPart
from ledger.terms.payout import BatchKind, Instruction, PayoutFormat, ReserveOrder
from ledger.terms.refund_request import RefundState
from ledger.terms.release import FundPosition
from ledger.terms.rulebook import Rulebook
from ledger.vault import Vault

_RENDER: dict[PayoutFormat, Callable[[PaymentFile], bytes]] = {
    PayoutFormat.PAIN_09: pain001.render,
    PayoutFormat.PAIN_03: lambda file: pain001.render(file, "03"),
    PayoutFormat.CSV: payment_sheet.render_csv,
    PayoutFormat.XLSX: payment_sheet.render_xlsx,
}


def build_refunds(
    conn: Connection, vault: Vault, institution_id: int, fund_no: int, execute_on: date, actor: str, now: datetime
) -> list[Outcome]:
    """Put every approved refund of a fund that waits into a batch: refund_due -> in_transit, one instruction for every
    account it goes back to.

    A refund the institution's cash does not cover (OTHER_FAMILYS_MONEY) is refused and stays approved.
    """
    waiting = payout.refunds_to_pay(conn, institution_id, fund_no, now)
    register.lock_contracts(conn, institution_id, [refund.contract_id for refund in waiting])
    waiting = payout.refunds_to_pay(conn, institution_id, fund_no, now)  # again: as they stand under the lock
    shares = _shares(conn, vault, institution_id, waiting)
    payments = [
        NewPayment(
            AccountClass.REFUND_DUE, fen, payee,
            posting_payment.instructed(
                AccountClass.REFUND_DUE, fund_no, instruction_id, fen, contract_id=refund.contract_id
            ),
            instruction_id, refund.contract_id, refund.refund_id,
        )
        for instruction_id, (refund, payee, fen) in zip(new_ids(now, len(shares)), shares, strict=True)
    ]  # fmt: skip
    outcomes = batching.build(conn, vault, institution_id, fund_no, BatchKind.REFUND, payments, execute_on, actor, now)
    sent: dict[UUID | None, UUID | None] = {}
    for payment, outcome in zip(payments, outcomes, strict=True):
        if outcome.result is Result.DONE:
            sent.setdefault(payment.refund_id, outcome.entry_id)
    record.insert(conn, "refund_step", [
        refunds.step(institution_id, one.refund_id, one.step + 1, RefundState.IN_TRANSIT, actor, now, "",
                     sent[one.refund_id])
        for one in waiting if one.refund_id in sent
    ])  # fmt: skip
    return outcomes


def _shares(
    conn: Connection, vault: Vault, institution_id: int, waiting: Sequence[payout.RefundToPay]
) -> list[tuple[payout.RefundToPay, Payee, int]]:
    """Who is paid how much of each refund: whoever made the payments it goes back on; where two people have put another
    account in their place, that one alone.
    """
    ids = [refund.refund_id for refund in waiting]
    lines = refund_payer.lines(conn, institution_id, [refund.contract_id for refund in waiting])
    back = refund_payer.back(conn, institution_id, [(refund.refund_id, refund.contract_id) for refund in waiting])
    sent = refund_payer.sent(conn, vault, institution_id, ids)
    found = []
    for refund in waiting:
        main = _payee_of(vault, refund)
        if refund.change_id is not None:
            found.append((refund, main, refund.amount_fen))
            continue
        known = {line.payment_id: line.payee(vault) for line in lines.get(refund.contract_id, ())}
        payers = {payment_id: payee for payment_id, payee in known.items() if payee is not None}
        payees = {payee.account: payee for payee in payers.values()} | {main.account: main}
        split = rules_payer.shares(
            refund.amount_fen, back.get(refund.refund_id, ()),
            {payment_id: payee.account for payment_id, payee in payers.items()}, main.account,
            sent.get(refund.refund_id, {}),
        )  # fmt: skip
        found += [(refund, payees[account], fen) for account, fen in split]
    return found


def build_payout(
    conn: Connection, vault: Vault, institution_id: int, fund_no: int, execute_on: date, actor: str, now: datetime,
    rulebook: Rulebook,
) -> list[Outcome]:  # fmt: skip
    """Pay an institution what it has earned: first set off against what it owes its families, then one instruction.

    Sealed first by the caller, so that everything earned so far counts. Never below the balance floor: bank less in
    transit covers all claims and refunds, but for what the rulebook lets the institution have ahead. Empty when nothing
    is to be paid; refused INSTITUTION_CLOSED, BALANCE_FLOOR when something is and the floor lets none of it go,
    OUTFLOW_LIMIT when what may leave in a month (``rulebook``, of the place today) is used up.
    """
    closed.lock(conn, institution_id)
    if closed.standing(conn, institution_id) is not None:
        return [Outcome(Result.REFUSED, "INSTITUTION_CLOSED")]
    due_ids = statements.dues(conn, institution_id, fund_no)
    locked = register.lock_contracts(conn, institution_id, due_ids)
    free = register.lock_account(conn, institution_id, fund_no, "payable")
    dues = statements.in_order(due_ids, locked)
    kept = contracts.rules(conn, institution_id, due_ids)
    allowed = {one.contract_id: release.due_allowed_fen(read_rules(kept[one.contract_id]).release, one) for one in dues}
    lacking = [replace(one, due_fen=one.due_fen - allowed[one.contract_id]) for one in dues]
    set_off = posting_payment.set_off(fund_no, free, lacking)
    outcomes = []
    if set_off.moves_something:
        today = shanghai_day(now)
        entry_id = new_id(now)
        entry = Entry(entry_id, f"set off {fund_no} {entry_id}", (("fund", str(fund_no)),), set_off, today, actor)
        outcomes = journal.post(conn, institution_id, [entry], now)
        free -= posting_payment.taken_from_payable(set_off)
    sums = payout.account_sums(conn, institution_id, fund_no)
    position = FundPosition(
        sums.get("bank", 0), sums.get("in_transit", 0), sums.get("claim", 0), sums.get("refund_due", 0),
        sum(allowed.values()),
    )  # fmt: skip
    amount = release.payout_room_fen(position, free)
    if amount == 0:
        return [*outcomes, Outcome(Result.REFUSED, "BALANCE_FLOOR")] if free > 0 else outcomes
    room = _month_room(conn, institution_id, rulebook, execute_on, shanghai_day(now))
    if room is not None and (amount := min(amount, room)) == 0:
        return [*outcomes, Outcome(Result.REFUSED, "OUTFLOW_LIMIT")]
    instruction_id = new_id(now)
    event = posting_payment.instructed(AccountClass.PAYABLE, fund_no, instruction_id, amount)
    payee = Payee(*payout.institution_payee(conn, vault, institution_id))
    payment = NewPayment(AccountClass.PAYABLE, amount, payee, event, instruction_id)
    return outcomes + batching.build(
        conn, vault, institution_id, fund_no, BatchKind.PAYOUT, [payment], execute_on, actor, now
    )


def _month_room(
    conn: Connection, institution_id: int, rulebook: Rulebook, execute_on: date, today: date
) -> int | None:  # fmt: skip
    """What is left of the outflow of the calendar month of ``execute_on`` where the place limits it."""
    if rulebook.find("reserve.outflow_multiple") is None:
        return None
    rule = reserve_rules.rule(rulebook)
    facts = reserves.facts(conn, institution_id, today, rule.rolling_months)
    facts = reserve_rules.with_entered(facts, reserves.entered(conn, institution_id), today)
    paid_out = payout.paid_out_in_month(conn, institution_id, execute_on)
    return reserve_rules.outflow_room_fen(rule, facts, paid_out)


def build_reserve(
    conn: Connection, vault: Vault, institution_id: int, order: ReserveOrder, refund_ids: Sequence[UUID],
    execute_on: date, actor: str, now: datetime,
) -> list[Outcome]:  # fmt: skip
    """Carry out an order on a reserve account.

    Draw with ``refund_ids``: each family of these approved refunds (reserve mode) is paid. Draw without: the amount
    goes to the custody account, for a shortfall. Release: to the institution. Refused: ORDER_UNKNOWN (not entered, or
    not confirmed by a second person), NOT_RESERVE_MODE, REFUND_NOT_APPROVED, ORDER_SPENT, INSTITUTION_CLOSED (release).
    """
    refund_ids = tuple(dict.fromkeys(refund_ids))
    found = refunds.by_id(conn, institution_id, refund_ids)
    balances = register.lock_contracts(conn, institution_id, [refund.contract_id for refund in found.values()])
    stored = reserves.orders(conn, institution_id, [order.document_no]).get(order.document_no)
    if stored is None or not reserves.approved(conn, institution_id, stored.order_id):
        return [Outcome(Result.REFUSED, "ORDER_UNKNOWN")]
    order, funds = stored, register.read_funds(conn, institution_id)
    if order.purpose == "release" and closed.standing(conn, institution_id) is not None:
        return [Outcome(Result.REFUSED, "INSTITUTION_CLOSED")]
    if any(funds[refund.fund_no].kind is not FundKind.HANDS for refund in found.values()):
        return [Outcome(Result.REFUSED, "NOT_RESERVE_MODE")]
    left = order.amount_fen - payout.ordered_so_far(conn, institution_id, order.order_id)
    payments: list[NewPayment] = []
    ids = iter(new_ids(now, max(len(refund_ids), 1)))
    waiting = {refund.refund_id: refund for fund in {r.fund_no for r in found.values()}
               for refund in payout.refunds_to_pay(conn, institution_id, fund, now)}  # fmt: skip
    for refund_id in refund_ids:
        if refund_id not in waiting:
            return [Outcome(Result.REFUSED, "REFUND_NOT_APPROVED")]
        refund, instruction_id = waiting[refund_id], next(ids)
        amount = balances[refund.contract_id].refund_due_fen
        event = posting_payment.reserve_instructed(order.fund_no, order.purpose, order.order_id, instruction_id, amount)
        source, payee = AccountClass.RESERVE, _payee_of(vault, refund)
        payments.append(
            NewPayment(source, amount, payee, event, instruction_id, refund.contract_id, refund_id, order.order_id)
        )
    if not refund_ids:
        instruction_id = next(ids)
        event = posting_payment.reserve_instructed(order.fund_no, order.purpose, order.order_id, instruction_id, left)
        payee = _order_payee(conn, vault, institution_id, order)
        payments.append(NewPayment(AccountClass.RESERVE, left, payee, event, instruction_id, order_id=order.order_id))
    if left <= 0 or sum(payment.amount_fen for payment in payments) > left:
        return [Outcome(Result.REFUSED, "ORDER_SPENT")]
    outcomes = batching.build(
        conn, vault, institution_id, order.fund_no, BatchKind.RESERVE, payments, execute_on, actor, now
    )
    steps = [{
        "institution_id": institution_id, "refund_id": payment.refund_id, "step": waiting[payment.refund_id].step + 1,
        "state": RefundState.IN_TRANSIT, "at": now, "actor": actor, "reason": order.document_no,
        "entry_id": outcome.entry_id,
    } for payment, outcome in zip(payments, outcomes, strict=True)
      if payment.refund_id is not None and outcome.result is Result.DONE]  # fmt: skip
    record.insert(conn, "refund_step", steps)
    return outcomes


def build_returns(
    conn: Connection, vault: Vault, fund: Fund, line_ids: Sequence[UUID], execute_on: date, actor: str, now: datetime
) -> list[Outcome]:
    """Send back what bank lines have in suspense that no match has taken, to whoever sent it; one outcome per line.

    Refused: UNKNOWN_LINE (nothing of it is open here), PAYEE_UNKNOWN (the bank does not say who sent it).
    """
    match.lock(conn, fund.institution_id)
    asked = list(dict.fromkeys(line_ids))
    lines = match.open_lines(conn, vault, fund.institution_id, fund.fund_no, asked)
    open_fen = {one.line_id: one.open_fen for one in lines}
    payers = statements.payers(conn, vault, fund.institution_id, list(open_fen))
    payments, refused = [], {}
    for line_id, instruction_id in zip(asked, new_ids(now, len(asked)), strict=True):
        fen, payee = open_fen.get(line_id), payers.get(line_id)
        if fen is None or payee is None:
            refused[line_id] = Outcome(Result.REFUSED, "PAYEE_UNKNOWN" if fen else "UNKNOWN_LINE", f"{line_id}")
            continue
        event = posting_payment.instructed(AccountClass.SUSPENSE, fund.fund_no, instruction_id, fen, line_id=line_id)
        payments.append(NewPayment(AccountClass.SUSPENSE, fen, payee, event, instruction_id, line_id=line_id))
    built = iter(
        batching.build(
            conn, vault, fund.institution_id, fund.fund_no, BatchKind.RETURN, payments, execute_on, actor, now
        )
    )
    return [refused.get(line_id) or next(built) for line_id in asked]


def approve(conn: Connection, institution_id: int, batch_id: UUID, approver: str, now: datetime) -> Outcome:
    """A second person approves a batch. Refused: UNKNOWN_BATCH, SAME_PERSON, INSTITUTION_CLOSED (money for one that has
    closed); approved already: replayed.
    """
    closed.lock(conn, institution_id)
    found = payout.batches(conn, institution_id, [batch_id])
    if not found:
        return Outcome(Result.REFUSED, "UNKNOWN_BATCH")
    if found[0].approved_by is not None:
        return Outcome(Result.REPLAYED)
    if found[0].built_by == approver:
        return Outcome(Result.REFUSED, "SAME_PERSON")
    if closed.stops(conn, institution_id, batch_id):
        return Outcome(Result.REFUSED, "INSTITUTION_CLOSED")
    record.insert(conn, "approval", [{
        "institution_id": institution_id, "subject_id": batch_id, "subject": "batch", "made_by": found[0].built_by,
        "approved_by": approver, "approved_at": now,
    }])  # fmt: skip
    return Outcome(Result.DONE)


def render(
    conn: Connection, vault: Vault, institution_id: int, batch_id: UUID, actor: str, now: datetime,
    format_: PayoutFormat = PayoutFormat.PAIN_09,
) -> tuple[Outcome, bytes]:  # fmt: skip
    """The payment file of an approved batch: rendered once, stored sealed with its digest, the same bytes ever after.

    Refused: UNKNOWN_BATCH, NOT_APPROVED, INSTITUTION_CLOSED (as ``approve``; what was written before stays readable).
    What is rendered is checked against the batch's own counts and sum.
    """
    closed.lock(conn, institution_id)
    payout.lock_batch(conn, batch_id)
    found = payout.batches(conn, institution_id, [batch_id])
    if not found:
        return Outcome(Result.REFUSED, "UNKNOWN_BATCH"), b""
    batch = found[0]
    if batch.approved_by is None:
        return Outcome(Result.REFUSED, "NOT_APPROVED"), b""
    known = payout.written_file(conn, vault, institution_id, batch_id, format_)
    if known is not None:
        return Outcome(Result.REPLAYED), known
    if closed.stops(conn, institution_id, batch_id):
        return Outcome(Result.REFUSED, "INSTITUTION_CLOSED"), b""
    institution = register.find_institution(conn, institution_id)
    fund = register.read_funds(conn, institution_id)[batch.fund_no]
    assert institution is not None, "a batch belongs to a registered institution"
    assert fund.account_no is not None, "money leaves a bank account"
    assert fund.bank_no is not None
    payments = tuple(map(_as_payment, payout.instructions(conn, vault, institution_id, batch_id)))
    part = PaymentPart(batch.kind, institution.name, fund.account_no, fund.bank_no, batch.execute_on, payments)
    file = PaymentFile(batch.message_id, batch.created_at, institution.name, (part,))
    totals = payment_sheet.check_totals(file)
    if (totals.payments, totals.sum_fen) != (batch.instructions, batch.control_fen):
        raise InvariantBroken("BATCH_TOTALS_DIFFER", batch.message_id)
    content = _RENDER[format_](file)
    record.insert(conn, "payout_file", [{
        "institution_id": institution_id, "batch_id": batch_id, "written_at": now, "written_by": actor,
        "file_sealed": vault.seal_bytes(content, "payout_file", "file", payout.file_row(batch_id, format_)),
        "sha256": hashlib.sha256(content).digest(), "format": format_,
    }])  # fmt: skip
    return Outcome(Result.DONE), content


def placed(
    conn: Connection, institution_id: int, batch_id: UUID, format_: PayoutFormat, actor: str, now: datetime
) -> Outcome:
    """A rendered file has its name in its folder, for good: said once. Refused: BATCH_NOT_WRITTEN."""
    payout.lock_batch(conn, batch_id)
    files = payout.files(conn, institution_id, batch_id)
    if format_ not in files:
        return Outcome(Result.REFUSED, "BATCH_NOT_WRITTEN")
    if files[format_]:
        return Outcome(Result.REPLAYED)
    record.insert(conn, "payout_placed", [{
        "institution_id": institution_id, "batch_id": batch_id, "format": format_, "placed_at": now,
        "placed_by": actor,
    }])  # fmt: skip
    return Outcome(Result.DONE)


def _as_payment(instruction: Instruction) -> PaymentInstruction:
    return PaymentInstruction(
        instruction.end_to_end_id, instruction.amount_fen, instruction.payee_name, instruction.payee_account,
        instruction.payee_bank, instruction.memo,
    )  # fmt: skip


def _payee_of(vault: Vault, refund: payout.RefundToPay) -> Payee:
    """The account the money came from, or the one that two people have put in its place."""
    if refund.change_id is not None:
        return refund_payee.open_payee(
            vault, refund.change_id, refund.payee_name_sealed, refund.payee_account_sealed, refund.payee_bank
        )
    return Payee(
        vault.open(refund.payee_name_sealed, "refund", "payee_name", refund.refund_id),
        vault.open(refund.payee_account_sealed, "refund", "payee_account", refund.refund_id),
        refund.payee_bank,
    )


def _order_payee(conn: Connection, vault: Vault, institution_id: int, order: ReserveOrder) -> Payee:
    """A draw without families goes to the institution's custody account, a release to the institution."""
    if order.purpose == "release":
        return Payee(*payout.institution_payee(conn, vault, institution_id))
    institution = register.find_institution(conn, institution_id)
    custody = next(fund for fund in register.read_funds(conn, institution_id).values() if fund.kind == "custody")
    assert institution is not None
    assert custody.account_no is not None
    assert custody.bank_no is not None
    return Payee(institution.name, custody.account_no, custody.bank_no)
