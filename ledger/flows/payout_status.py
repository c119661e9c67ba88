"""What a bank reports of a batch (pain.002): states move forward, a rejection gives back what was in transit.

Status is no money: only the bank's statement books a payment. A report is taken once; the same bytes again change
nothing, and whatever order reports arrive in, the end is the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract_move as moves
from ledger.books import journal, payout, payout_status, record, register
from ledger.books import refund as refunds
from ledger.books import statement as statements
from ledger.errors import InvariantBroken, Outcome, Result
from ledger.rules import payout_status as rules
from ledger.rules import refund_payer
from ledger.rules.calendar import add_working_days
from ledger.terms.calendar import CalendarDays, shanghai_day
from ledger.terms.ids import new_id, new_ids
from ledger.terms.journal import Entry
from ledger.terms.payout import Batch
from ledger.terms.payout_status import KnownPayment, SentPayment, StatusReport, StatusStep, StatusSteps, StepKind
from ledger.vault import Vault

# Working days until somebody must have asked the bank about a payment it contradicts itself on.
BREAK_DAYS: Final = 5


@dataclass(frozen=True, slots=True)
class StatusTaken:
    """What became of a report. ``steps``: what it says of each payment, against what was known when it came."""

    outcome: Outcome
    batch: Batch | None
    steps: StatusSteps
    breaks: int = 0


def take(
    conn: Connection, vault: Vault, report: StatusReport, raw: bytes, calendar: CalendarDays, actor: str, now: datetime
) -> StatusTaken:
    """Take a report: keep it sealed, each step that is news, and post the rejections.

    A rejected refund is owed to the family again: it goes into the next batch, or waits for another account where the
    bank found fault with the one it was sent to. A contradiction opens a break and moves nothing. The same bytes again:
    replayed. Refused: UNKNOWN_BATCH (a message we never sent), BATCH_NOT_WRITTEN.
    """
    batch = payout.find(conn, report.original_message_id)
    if batch is None:
        ids = [payment.end_to_end_id for part in report.parts for payment in part.payments]
        unknown = tuple(dict.fromkeys([report.original_message_id, *ids]))
        return StatusTaken(Outcome(Result.REFUSED, "UNKNOWN_BATCH"), None, StatusSteps((), unknown))
    if batch.written_sha256 is None:  # what was never sent has no status; rendered later, it would be sent all the same
        return StatusTaken(Outcome(Result.REFUSED, "BATCH_NOT_WRITTEN"), batch, StatusSteps((), ()))
    number = batch.institution_id
    statements.lock_fund(conn, number, batch.fund_no)  # a statement may book these payments at this very moment
    sent = {one.end_to_end_id: one for one in payout_status.payments(conn, number, batch.batch_id)}
    part_id = f"{batch.message_id}-1"  # a batch is one part of its order
    found = rules.steps(report, [KnownPayment(id_, part_id, rules.known_state(one)) for id_, one in sent.items()])
    known = payout_status.known_report(conn, number, report.sha256)
    if known is not None:
        return StatusTaken(Outcome(Result.REPLAYED, entry_id=known), batch, found)
    report_id = new_id(now)
    record.insert(conn, "payout_report", [{
        "institution_id": number, "report_id": report_id, "batch_id": batch.batch_id, "message_id": report.message_id,
        "version": report.version, "sha256": bytes.fromhex(report.sha256),
        "file_sealed": vault.seal_bytes(raw, "payout_report", "file", report_id), "received_at": now,
        "received_by": actor,
    }])  # fmt: skip
    rejected = _reject(conn, number, report_id, found.steps, sent, actor, now)
    record.insert(conn, "instruction_step", _rows(number, report_id, found.steps, sent, rejected, actor, now))
    broken = [sent[step.end_to_end_id] for step in found.steps if step.kind is StepKind.CONTRADICTS]
    _open_breaks(conn, batch, list(dict.fromkeys(broken)), calendar, now)
    return StatusTaken(Outcome(Result.DONE, entry_id=report_id), batch, found, len(set(broken)))


def _reject(
    conn: Connection, institution_id: int, report_id: UUID, steps: Sequence[StatusStep],
    sent: dict[str, SentPayment], actor: str, now: datetime,
) -> dict[str, UUID]:  # fmt: skip
    """Give back what the bank refused to pay; the entry of each rejected payment by its end-to-end id."""
    refused = [step for step in steps if step.kind is StepKind.FORWARD and step.state in rules.REFUSED]
    payments = [sent[step.end_to_end_id] for step in refused]
    register.lock_contracts(conn, institution_id, [one.contract_id for one in payments if one.contract_id is not None])
    undo = moves.posted_events(conn, institution_id, [o.instruction_id for o in payments if o.source == "claim"])
    entries = [
        Entry(
            entry_id, f"reject {one.instruction_id}", (("payment", str(one.instruction_id)),),
            rules.rejection(one, undo.get(one.instruction_id, ())), shanghai_day(now), actor, report_id,
        )
        for entry_id, one in zip(new_ids(now, len(payments)), payments, strict=True)
    ]  # fmt: skip
    for entry, outcome in zip(entries, journal.post(conn, institution_id, entries, now), strict=True):
        # The fund is locked, and all of these payments were in transit: a refusal here is our bug.
        if outcome.result is not Result.DONE:
            raise InvariantBroken("NOT_POSTED", f"{entry.key}: {outcome.result} {outcome.code}")
    found = refunds.by_id(conn, institution_id, [one.refund_id for one in payments if one.refund_id is not None])
    rows = []
    for step, one, entry in zip(refused, payments, entries, strict=True):
        if one.refund_id is None:
            continue
        refund = found[one.refund_id]  # several payments of one refund may be in one report
        state = refund_payer.after_rejection(refund.state, rules.waits_for_account(step.reasons))
        said = " ".join([step.state.value, *(reason.code for reason in step.reasons)])
        rows.append(
            refunds.step(institution_id, one.refund_id, refund.step + 1, state, actor, now, said, entry.entry_id)
        )
        found[one.refund_id] = replace(refund, state=state, step=refund.step + 1)
    record.insert(conn, "refund_step", rows)
    return {one.end_to_end_id: entry.entry_id for one, entry in zip(payments, entries, strict=True)}


def _rows(
    institution_id: int, report_id: UUID, steps: Sequence[StatusStep], sent: dict[str, SentPayment],
    rejected: dict[str, UUID], actor: str, now: datetime,
) -> list[dict[str, object]]:  # fmt: skip
    """Rows of ledger.instruction_step for all that is news, contradictions and late news included."""
    kept = {id_: one.step for id_, one in sent.items()}
    rows = []
    for step in steps:
        if step.kind is StepKind.SAME:
            continue
        kept[step.end_to_end_id] += 1
        moved = step.kind is StepKind.FORWARD and step.state in rules.REFUSED
        rows.append({
            "institution_id": institution_id, "instruction_id": sent[step.end_to_end_id].instruction_id,
            "step": kept[step.end_to_end_id], "report_id": report_id, "state": step.state, "kind": step.kind,
            "reasons": [reason.code for reason in step.reasons], "at": now, "actor": actor,
            "entry_id": rejected[step.end_to_end_id] if moved else None,
        })  # fmt: skip
    return rows


def _open_breaks(
    conn: Connection, batch: Batch, payments: Sequence[SentPayment], calendar: CalendarDays, now: datetime
) -> None:
    """A break per payment the bank contradicts itself on, until its statement says what became of the payment."""
    today = shanghai_day(now)
    ids = new_ids(now + timedelta(milliseconds=1), len(payments))
    record.insert(conn, "break", [{
        "institution_id": batch.institution_id, "break_id": break_id, "fund_no": batch.fund_no,
        "kind": "status_contradicts", "amount_fen": one.amount_fen, "owner": "bank", "reason": "STATUS_CONTRADICTS",
        "opened_on": today, "due_on": add_working_days(today, BREAK_DAYS, calendar).on, "ref": one.instruction_id,
        "contract_id": None,
    } for break_id, one in zip(ids, payments, strict=True)])  # fmt: skip
