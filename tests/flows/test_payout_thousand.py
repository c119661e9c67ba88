"""A batch of a thousand refunds: one file with the right sums, ten of them rejected, those ten due again."""

from ledger.books import payout_status
from ledger.errors import Result
from ledger.flows import contract, payout, refund, register
from ledger.formats import pain001
from ledger.terms.payout import BatchKind, PayoutFormat
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundAsked, RefundState
from tests.flows.school import ASKED_AT, CUSTODY, PRICE_FEN, VAULT, School, credit
from tests.flows.test_payout import approve, build
from tests.flows.test_payout_status import counts, take
from tests.pain002 import pain002

FAMILIES, REJECTED = 1_000, 10


def refunds_approved(school: School) -> None:
    """A thousand families paid, asked, were agreed with and approved: each step one call."""
    course_id = school.course("书法")
    new = [school.family() for _ in range(FAMILIES)]
    with school.engine.begin() as conn:
        students = register.families(conn, VAULT, school.number, new, school.tick())
        signed = [school.contract(students[family.student_id], course_id=course_id) for family in new]
        done = contract.sign(conn, school.number, signed, school.rulebook, school.tick())
    assert {outcome.result for outcome in done} == {Result.DONE}
    school.bank(CUSTODY, *(credit(PRICE_FEN, one.payment_reference) for one in signed))
    asked = [RefundAsked(one.contract_id, Cause.INSTITUTION, "guardian:1") for one in signed]
    with school.engine.begin() as conn:
        now = school.at(ASKED_AT)
        found = refund.ask(conn, VAULT, school.number, asked, school.rulebook, school.calendar, now)
        ids = [outcome.entry_id for outcome in found if outcome.entry_id is not None]
        refund.answer(conn, school.number, ids, RefundState.AGREED, "school", school.tick())
        approved = refund.approve(conn, school.number, ids, "clerk:wang", school.tick())
    assert [outcome.result for outcome in approved] == [Result.DONE] * FAMILIES


def test_ten_of_a_thousand_refunds_are_due_again(school: School) -> None:
    refunds_approved(school)
    assert len(build(school, BatchKind.REFUND)) == FAMILIES
    (batch,) = school.batches()
    approve(school, batch.batch_id)
    files: dict[PayoutFormat, bytes] = {}
    for format_ in PayoutFormat:
        for _ in range(2):
            with school.engine.begin() as conn:
                _, content = payout.render(
                    conn, VAULT, school.number, batch.batch_id, "clerk:li", school.tick(), format_
                )
            assert files.setdefault(format_, content) == content
    for format_ in (PayoutFormat.PAIN_09, PayoutFormat.PAIN_03):
        totals = pain001.check_totals(files[format_])
        assert (totals.payments, totals.sum_fen) == (FAMILIES, FAMILIES * PRICE_FEN)
    with school.engine.begin() as conn:
        sent = payout_status.payments(conn, school.number, batch.batch_id)
    states = {one.end_to_end_id: "RJCT" if n % 100 == 7 else "ACSP" for n, one in enumerate(sent)}
    content = pain002(batch.message_id, states, group="PART", reason="AM05")
    assert counts(take(school, content)) == {"forward": FAMILIES}
    assert counts(take(school, content)) == {"same": FAMILIES}
    due = REJECTED * PRICE_FEN
    assert school.sums() == {"bank": FAMILIES * PRICE_FEN, "in_transit": FAMILIES * PRICE_FEN - due, "refund_due": due}
    assert len(build(school, BatchKind.REFUND)) == REJECTED
    assert (len(school.batches()), school.batches()[-1].control_fen) == (2, due)
    assert build(school, BatchKind.REFUND) == []
    assert school.broken() == []
