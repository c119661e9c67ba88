"""A contract that two people paid: each gets back what came from his or her account, and it is paid when both have."""

from dataclasses import replace
from uuid import UUID

from ledger.errors import Result
from ledger.terms.institution import Payee
from ledger.terms.payout import Batch, BatchKind
from ledger.terms.refund_request import RefundState
from tests.flows.school import CUSTODY, PRICE_FEN, School, credit, debit
from tests.flows.test_payout import BOOKED_ON, approve, approved_refund, build, render
from tests.flows.test_payout_status import payments, take
from tests.flows.test_refund_payee import confirm, enter, paid_to, wait
from tests.pain002 import pain002

FATHER, MOTHER = "6217000000000000111", "6217000000000000222"
FIRST_FEN = 1_500_00
REST_FEN = PRICE_FEN - FIRST_FEN


def paid_by_two(school: School) -> UUID:
    """A contract whose price came from two accounts, the father's first; its refund is approved."""
    made = school.signed()
    for account, fen in ((FATHER, FIRST_FEN), (MOTHER, REST_FEN)):
        school.bank(
            CUSTODY, replace(credit(fen, made.payment_reference), account=account, name=f"付款人{account[-3:]}")
        )
    return approved_refund(school, made.contract_id)


def sent(school: School) -> Batch:
    assert [outcome.result for outcome in build(school, BatchKind.REFUND)] == [Result.DONE, Result.DONE]
    (batch,) = school.batches()
    approve(school, batch.batch_id)
    render(school, batch.batch_id)
    return school.batches()[0]


def to(school: School, batch: Batch) -> list[tuple[str, int]]:
    return [(one.payee_account, one.amount_fen) for one in school.instructions(batch)]


def test_a_refund_goes_back_to_everybody_who_paid(school: School) -> None:
    refund_id = paid_by_two(school)
    batch = sent(school)
    assert to(school, batch) == [(MOTHER, REST_FEN), (FATHER, FIRST_FEN)]
    assert (batch.instructions, batch.control_fen) == (2, PRICE_FEN)
    mothers, fathers = school.instructions(batch)
    school.bank(CUSTODY, debit(REST_FEN, mothers.end_to_end_id), on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.IN_TRANSIT
    assert school.rows("refund_closed") == []
    school.bank(CUSTODY, debit(FIRST_FEN, fathers.end_to_end_id), on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.PAID
    assert len(school.rows("refund_closed")) == 1
    assert (school.sums(), school.broken()) == ({}, [])


def test_both_payments_may_be_booked_in_one_statement(school: School) -> None:
    refund_id = paid_by_two(school)
    lines = [debit(one.amount_fen, one.end_to_end_id) for one in school.instructions(sent(school))]
    school.bank(CUSTODY, *lines, on=BOOKED_ON)
    states = [row.state for row in school.rows("refund_step") if row.refund_id == refund_id]
    assert states == ["asked", "agreed", "approved", "in_transit", "in_transit", "paid"]


def test_a_part_that_comes_back_waits_for_its_account_alone(school: School) -> None:
    refund_id = paid_by_two(school)
    mothers, fathers = school.instructions(sent(school))
    school.bank(CUSTODY, debit(REST_FEN, mothers.end_to_end_id), on=BOOKED_ON)
    school.bank(CUSTODY, credit(REST_FEN, mothers.end_to_end_id), on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.RETURNED
    school.bank(CUSTODY, debit(FIRST_FEN, fathers.end_to_end_id), on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.RETURNED  # not sent to the closed account again
    assert build(school, BatchKind.REFUND) == []
    other = Payee("欧阳外婆", "6222000000000007777", "105100000017")
    enter(school, refund_id, other)
    confirm(school, refund_id)
    wait(school)
    assert [outcome.result for outcome in build(school, BatchKind.REFUND)] == [Result.DONE]
    again = school.batches()[-1]
    assert (paid_to(school, again), to(school, again)) == ([other], [(other.account, REST_FEN)])
    (instruction,) = school.instructions(again)
    school.bank(CUSTODY, debit(REST_FEN, instruction.end_to_end_id), on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.PAID
    assert (school.sums(), school.broken()) == ({}, [])


def test_a_part_that_is_refused_is_sent_again_to_whom_it_belongs(school: School) -> None:
    refund_id = paid_by_two(school)
    batch = sent(school)
    _, fathers = payments(school, batch)
    take(school, pain002(batch.message_id, {fathers.end_to_end_id: "RJCT"}, reason="AM04"))
    assert school.refund(refund_id).state is RefundState.APPROVED
    assert [outcome.result for outcome in build(school, BatchKind.REFUND)] == [Result.DONE]
    assert to(school, school.batches()[-1]) == [(FATHER, FIRST_FEN)]
    assert school.sums() == {"bank": PRICE_FEN, "in_transit": PRICE_FEN}


def test_a_report_may_refuse_both(school: School) -> None:
    refund_id = paid_by_two(school)
    batch = sent(school)
    ids = [one.end_to_end_id for one in payments(school, batch)]
    take(school, pain002(batch.message_id, dict.fromkeys(ids, "RJCT"), reason="AC04"))
    states = [row.state for row in school.rows("refund_step") if row.refund_id == refund_id]
    assert states == ["asked", "agreed", "approved", "in_transit", "returned", "returned"]
    assert school.sums() == {"bank": PRICE_FEN, "refund_due": PRICE_FEN}
    assert school.broken() == []


def test_an_account_put_in_their_place_by_two_people_gets_all_of_it(school: School) -> None:
    refund_id = paid_by_two(school)
    other = Payee("欧阳外婆", "6222000000000007777", "105100000017")
    enter(school, refund_id, other)
    confirm(school, refund_id)
    wait(school)
    assert [outcome.result for outcome in build(school, BatchKind.REFUND)] == [Result.DONE]
    assert to(school, school.batches()[0]) == [(other.account, PRICE_FEN)]
