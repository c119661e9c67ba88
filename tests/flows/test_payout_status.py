"""What a bank reports of a batch: every state in every order, partial rejections, replays, contradictions."""

from itertools import count, permutations
from uuid import UUID

import pytest

from ledger.books import payout_status as steps_in_books
from ledger.books import reconcile
from ledger.books import register as registered
from ledger.errors import Result
from ledger.flows import payout_status as flow
from ledger.flows import refund
from ledger.flows.payout_status import StatusTaken
from ledger.formats import pain002 as reader
from ledger.terms.payout import Batch, BatchKind
from ledger.terms.payout_status import PaymentState, SentPayment
from ledger.terms.reconcile import Break
from ledger.terms.refund_request import RefundState
from tests.flows.school import CUSTODY, PRICE_FEN, VAULT, School, credit, debit
from tests.flows.test_payout import BOOKED_ON, approve, approved_refund, build, render
from tests.pain002 import pain002

_MESSAGES = count(1)
S = PaymentState


def take(school: School, content: bytes) -> StatusTaken:
    with school.engine.begin() as conn:
        return flow.take(conn, VAULT, reader.read(content), content, school.calendar, "clerk:li", school.tick())


def reported(school: School, batch: Batch, **states: str) -> StatusTaken:
    """A report of its own on payments by their place in the batch: ``p1="ACSC"``."""
    ids = [one.end_to_end_id for one in payments(school, batch)]
    said = {ids[int(place[1:]) - 1]: state for place, state in states.items()}
    return take(school, pain002(batch.message_id, said, message_id=f"BK-{next(_MESSAGES):04d}"))


def payments(school: School, batch: Batch) -> list[SentPayment]:
    with school.engine.connect() as conn:
        return steps_in_books.payments(conn, school.number, batch.batch_id)


def counts(taken: StatusTaken) -> dict[str, int]:
    return {kind.value: number for kind, number in taken.steps.counts.items() if number}


def breaks(school: School) -> list[Break]:
    with school.engine.connect() as conn:
        return reconcile.breaks(conn, registered.read_funds(conn, school.number)[CUSTODY])


def sent_refunds(school: School, families: int) -> tuple[list[UUID], Batch]:
    """A written batch that refunds whole contracts to some families."""
    ids = [approved_refund(school, school.paid().contract_id) for _ in range(families)]
    build(school, BatchKind.REFUND)
    (batch,) = school.batches()
    approve(school, batch.batch_id)
    render(school, batch.batch_id)
    return ids, school.batches()[0]


def sent_payout(school: School) -> Batch:
    school.taught(school.paid().contract_id, 10_00)
    build(school, BatchKind.PAYOUT)
    (batch,) = school.batches()
    approve(school, batch.batch_id)
    render(school, batch.batch_id)
    return school.batches()[0]


def test_a_settled_payment_is_status_and_no_money(school: School) -> None:
    _, batch = sent_refunds(school, 1)
    before = school.sums()
    assert counts(reported(school, batch, p1="ACSP")) == {"forward": 1}
    assert counts(reported(school, batch, p1="ACSC")) == {"forward": 1}
    assert school.sums() == before == {"bank": PRICE_FEN, "in_transit": PRICE_FEN}
    (one,) = payments(school, batch)
    assert (one.books, one.said, one.step) == ("in_transit", S.SETTLED, 2)
    school.bank(CUSTODY, debit(PRICE_FEN, one.end_to_end_id), on=BOOKED_ON)
    assert payments(school, batch)[0].books == "booked"
    assert counts(reported(school, batch, p1="ACSC")) == {"same": 1}
    assert counts(reported(school, batch, p1="ACSP")) == {"late": 1}


def test_a_partial_rejection_opens_those_refunds_again_and_no_other(school: School) -> None:
    ids, batch = sent_refunds(school, 4)
    content = pain002(
        batch.message_id, {one.end_to_end_id: "RJCT" if n in (1, 2) else "ACSP"
                           for n, one in enumerate(payments(school, batch))}, group="PART", reason="AM04",
    )  # fmt: skip
    taken = take(school, content)
    assert (taken.outcome.result, counts(taken)) == (Result.DONE, {"forward": 4})
    assert school.sums() == {"bank": 4 * PRICE_FEN, "in_transit": 2 * PRICE_FEN, "refund_due": 2 * PRICE_FEN}
    states = [school.refund(refund_id).state for refund_id in ids]
    assert states == [RefundState.IN_TRANSIT, RefundState.APPROVED, RefundState.APPROVED, RefundState.IN_TRANSIT]
    assert school.broken() == []
    # the same bytes again: nothing
    again = take(school, content)
    assert (again.outcome.result, again.outcome.entry_id) == (Result.REPLAYED, taken.outcome.entry_id)
    assert (counts(again), len(school.rows("payout_report")), len(school.rows("instruction_step"))) == (
        {"same": 4}, 1, 4,
    )  # fmt: skip
    # the same news in another message: kept, and nothing moves
    assert counts(take(school, content.replace(b"BK-0001", b"BK-0002"))) == {"same": 4}
    assert (len(school.rows("payout_report")), len(school.rows("instruction_step"))) == (2, 4)
    # sent once more, under new ids, and only those two
    assert [outcome.result for outcome in build(school, BatchKind.REFUND)] == [Result.DONE] * 2
    ids_used = [row.end_to_end_id for row in school.rows("instruction")]
    assert (len(ids_used), len(set(ids_used))) == (6, 6)
    assert build(school, BatchKind.REFUND) == []
    assert school.sums() == {"bank": 4 * PRICE_FEN, "in_transit": 4 * PRICE_FEN}
    assert school.broken() == []


@pytest.mark.parametrize("reason", ["AC04", "RC01"])
def test_a_refund_refused_for_its_account_waits_for_another(school: School, reason: str) -> None:
    (refund_id,), batch = sent_refunds(school, 1)
    (one,) = payments(school, batch)
    take(school, pain002(batch.message_id, {one.end_to_end_id: "RJCT"}, reason=reason, words="户名不符"))
    assert school.refund(refund_id).state is RefundState.RETURNED
    assert school.sums() == {"bank": PRICE_FEN, "refund_due": PRICE_FEN}
    assert build(school, BatchKind.REFUND) == []
    (step,) = school.rows("instruction_step")
    assert (step.state, step.kind, step.reasons) == ("RJCT", "forward", [reason])
    assert school.rows("refund_step")[-1].reason == f"RJCT {reason}"
    (report,) = school.rows("payout_report")
    assert "户名不符".encode() not in bytes(report.file_sealed)
    assert school.broken() == []


def test_a_rejected_refund_is_owed_and_never_a_claim_again(school: School) -> None:
    (refund_id,), batch = sent_refunds(school, 1)
    contract_id = school.refund(refund_id).contract_id
    reported(school, batch, p1="RJCT")
    row = school.balance(contract_id)
    assert (row.claim_fen, row.refund_due_fen, row.refunded_fen) == (0, PRICE_FEN, PRICE_FEN)
    with school.engine.begin() as conn:
        (outcome,) = refund.withdraw(conn, school.number, [refund_id], "guardian:1", school.tick())
    assert outcome.code == "REFUND_APPROVED"


def test_a_rejected_payout_is_the_institutions_again(school: School) -> None:
    batch = sent_payout(school)
    assert counts(reported(school, batch, p1="CANC")) == {"forward": 1}
    assert school.sums() == {"bank": PRICE_FEN, "claim": 3_000_00, "payable": 1_000_00}
    assert [outcome.result for outcome in build(school, BatchKind.PAYOUT)] == [Result.DONE]
    assert school.broken() == []


def test_a_whole_message_may_be_rejected(school: School) -> None:
    _, batch = sent_refunds(school, 3)
    taken = take(school, pain002(batch.message_id, {}, group="RJCT", reason="FF01"))
    assert counts(taken) == {"forward": 3}
    assert school.sums() == {"bank": 3 * PRICE_FEN, "refund_due": 3 * PRICE_FEN}
    assert school.broken() == []


def test_reports_end_the_same_in_whatever_order_they_come(school: School) -> None:
    _, batch = sent_refunds(school, 6)
    for place, order in enumerate(permutations(("RCVD", "ACSP", "ACSC")), 1):
        for state in order:
            reported(school, batch, **{f"p{place}": state})
    assert {one.said for one in payments(school, batch)} == {S.SETTLED}
    kinds = [row.kind for row in school.rows("instruction_step")]
    assert (len(kinds), set(kinds)) == (18, {"forward", "late"})
    assert school.sums() == {"bank": 6 * PRICE_FEN, "in_transit": 6 * PRICE_FEN}


def test_rejected_after_settled_is_one_break_until_the_statement_answers(school: School) -> None:
    (refund_id,), batch = sent_refunds(school, 1)
    (one,) = payments(school, batch)
    reported(school, batch, p1="ACSC")
    rejected = pain002(batch.message_id, {one.end_to_end_id: "RJCT"}, message_id="BK-LATE", reason="AC04")
    taken = take(school, rejected)
    assert (counts(taken), taken.breaks) == ({"contradicts": 1}, 1)
    assert take(school, rejected).outcome.result is Result.REPLAYED
    (broken,) = breaks(school)
    assert (broken.kind, broken.amount_fen, broken.owner, broken.reason) == (
        "status_contradicts", PRICE_FEN, "bank", "STATUS_CONTRADICTS",
    )  # fmt: skip
    assert school.sums() == {"bank": PRICE_FEN, "in_transit": PRICE_FEN}
    assert school.refund(refund_id).state is RefundState.IN_TRANSIT
    school.bank(CUSTODY, debit(PRICE_FEN, one.end_to_end_id), on=BOOKED_ON)
    assert (breaks(school), len(school.rows("break"))) == ([], 1)
    assert school.broken() == []


def test_rejected_after_a_booked_debit_is_one_break_and_moves_nothing(school: School) -> None:
    _, batch = sent_refunds(school, 1)
    (one,) = payments(school, batch)
    school.bank(CUSTODY, debit(PRICE_FEN, one.end_to_end_id), on=BOOKED_ON)
    assert counts(reported(school, batch, p1="RJCT")) == {"contradicts": 1}
    assert [broken.kind for broken in breaks(school)] == ["status_contradicts"]
    assert school.sums() == {}
    school.bank(CUSTODY, credit(PRICE_FEN, one.end_to_end_id), on=BOOKED_ON)
    assert breaks(school) == []
    assert school.broken() == []


def test_settled_after_rejected_is_a_break_too(school: School) -> None:
    (refund_id,), batch = sent_refunds(school, 1)
    reported(school, batch, p1="RJCT")
    taken = reported(school, batch, p1="ACSC")
    assert (counts(taken), len(breaks(school))) == ({"contradicts": 1}, 1)
    assert school.refund(refund_id).state is RefundState.APPROVED
    assert school.sums() == {"bank": PRICE_FEN, "refund_due": PRICE_FEN}


def test_a_debit_after_a_rejection_is_a_double_execution(school: School) -> None:
    _, batch = sent_refunds(school, 1)
    (one,) = payments(school, batch)
    reported(school, batch, p1="RJCT")
    school.bank(CUSTODY, debit(PRICE_FEN, one.end_to_end_id), on=BOOKED_ON)
    assert [broken.kind for broken in breaks(school)] == ["double_execution"]
    assert school.sums() == {"refund_due": PRICE_FEN, "difference": -PRICE_FEN}


def test_what_we_never_sent_is_named_and_the_rest_is_taken(school: School) -> None:
    _, batch = sent_refunds(school, 1)
    (one,) = payments(school, batch)
    taken = take(school, pain002(batch.message_id, {one.end_to_end_id: "ACSP", "RF99": "RJCT"}))
    assert (counts(taken), taken.steps.unknown) == ({"forward": 1}, ("RF99",))
    stranger = take(school, pain002("RF000000-20260301-000000", {"RF99": "RJCT"}))
    assert (stranger.outcome.code, stranger.steps.unknown) == ("UNKNOWN_BATCH", ("RF000000-20260301-000000", "RF99"))
    assert len(school.rows("payout_report")) == 1


def test_a_batch_that_was_never_written_has_no_status(school: School) -> None:
    approved_refund(school, school.paid().contract_id)
    build(school, BatchKind.REFUND)
    (batch,) = school.batches()
    taken = reported(school, batch, p1="RJCT")
    assert (taken.outcome.code, taken.steps.steps) == ("BATCH_NOT_WRITTEN", ())
    assert school.sums() == {"bank": PRICE_FEN, "in_transit": PRICE_FEN}
