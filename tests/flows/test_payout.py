"""Money out: one kind a batch, built once, approved by a second person, rendered once, booked by the bank."""

from datetime import date
from uuid import UUID

from ledger.errors import Outcome, Result
from ledger.flows import payout, refund
from ledger.terms.ids import new_id
from ledger.terms.payout import Batch, BatchKind
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundState
from tests.flows.school import CUSTODY, PAYEE, PRICE_FEN, VAULT, School, credit, debit

EXECUTE_ON, BOOKED_ON = date(2026, 3, 24), date(2026, 3, 25)


def told(outcome: Outcome) -> tuple[Result, str]:
    return outcome.result, outcome.code


def approved_refund(school: School, contract_id: UUID, cause: Cause = Cause.INSTITUTION) -> UUID:
    refund_id = school.asked(contract_id, cause)
    with school.engine.begin() as conn:
        refund.answer(conn, school.number, [refund_id], RefundState.AGREED, "school", school.tick())
        (outcome,) = refund.approve(conn, school.number, [refund_id], "clerk:wang", school.tick())
    assert outcome.result is Result.DONE, outcome
    return refund_id


def build(school: School, kind: BatchKind, execute_on: date = EXECUTE_ON) -> list[Outcome]:
    school.seal()
    with school.engine.begin() as conn:
        asked = (conn, VAULT, school.number, CUSTODY, execute_on, "clerk:li", school.tick())
        if kind is BatchKind.REFUND:
            return payout.build_refunds(*asked)
        return payout.build_payout(*asked, school.rulebook)


def approve(school: School, batch_id: UUID, approver: str = "clerk:wang") -> Outcome:
    with school.engine.begin() as conn:
        return payout.approve(conn, school.number, batch_id, approver, school.tick())


def render(school: School, batch_id: UUID) -> tuple[Outcome, bytes]:
    with school.engine.begin() as conn:
        return payout.render(conn, VAULT, school.number, batch_id, "clerk:li", school.tick())


def refund_batch(school: School, contract_id: UUID, cause: Cause = Cause.INSTITUTION) -> tuple[UUID, Batch]:
    """A refund in transit, with its batch."""
    refund_id = approved_refund(school, contract_id, cause)
    assert [told(outcome) for outcome in build(school, BatchKind.REFUND)] == [(Result.DONE, "")]
    (batch,) = school.batches()
    return refund_id, batch


def test_refunds_and_payouts_are_never_in_one_batch(school: School) -> None:
    contract, other = school.paid(), school.paid()
    school.taught(other.contract_id, 10_00)
    approved_refund(school, contract.contract_id)
    assert len(build(school, BatchKind.REFUND)) == 1
    assert len(build(school, BatchKind.PAYOUT)) == 1
    found = {batch.kind: (batch.instructions, batch.control_fen) for batch in school.batches()}
    assert found == {BatchKind.REFUND: (1, PRICE_FEN), BatchKind.PAYOUT: (1, 1_000_00)}
    for batch in school.batches():
        (instruction,) = school.instructions(batch)
        family = batch.kind is BatchKind.REFUND
        assert (instruction.contract_id == contract.contract_id) is family
        assert (instruction.payee_account == PAYEE.account) is not family
    assert school.sums()["in_transit"] == PRICE_FEN + 1_000_00
    assert school.broken() == []


def test_building_again_builds_nothing(school: School) -> None:
    contract, other = school.paid(), school.paid()
    school.taught(other.contract_id, 10_00)
    approved_refund(school, contract.contract_id)
    for kind in (BatchKind.REFUND, BatchKind.PAYOUT):
        assert [told(outcome) for outcome in build(school, kind)] == [(Result.DONE, "")]
    before = (school.sums(), school.batches(), school.rows("instruction"))
    for kind in (BatchKind.REFUND, BatchKind.PAYOUT):
        assert build(school, kind) == []
    assert (school.sums(), school.batches(), school.rows("instruction")) == before


def test_a_refund_that_is_not_approved_is_not_paid(school: School) -> None:
    school.asked(school.paid().contract_id)
    assert build(school, BatchKind.REFUND) == []
    assert school.batches() == []


def test_an_institution_without_earnings_is_not_paid(school: School) -> None:
    school.paid()
    assert build(school, BatchKind.PAYOUT) == []
    assert school.sums() == {"bank": PRICE_FEN, "claim": PRICE_FEN}


def test_a_batch_is_approved_by_a_second_person(school: School) -> None:
    _, batch = refund_batch(school, school.paid().contract_id)
    assert told(approve(school, batch.batch_id, "clerk:li")) == (Result.REFUSED, "SAME_PERSON")
    assert school.batches()[0].approved_by is None
    assert told(approve(school, batch.batch_id)) == (Result.DONE, "")
    assert told(approve(school, batch.batch_id)) == (Result.REPLAYED, "")
    assert school.batches()[0].approved_by == "clerk:wang"
    assert told(approve(school, new_id(school.tick()))) == (Result.REFUSED, "UNKNOWN_BATCH")


def test_a_file_is_rendered_after_approval_and_the_same_ever_after(school: School) -> None:
    _, batch = refund_batch(school, school.paid().contract_id)
    outcome, content = render(school, batch.batch_id)
    assert (*told(outcome), content) == (Result.REFUSED, "NOT_APPROVED", b"")
    assert school.rows("payout_file") == []
    approve(school, batch.batch_id)
    first, content = render(school, batch.batch_id)
    again, repeated = render(school, batch.batch_id)
    assert (first.result, again.result) == (Result.DONE, Result.REPLAYED)
    assert content == repeated
    (instruction,) = school.instructions(batch)
    for written in (batch.message_id, instruction.end_to_end_id, instruction.payee_account, "4000.00"):
        assert written.encode() in content
    (row,) = school.rows("payout_file")
    assert instruction.payee_account.encode() not in bytes(row.file_sealed)
    unknown, nothing = render(school, new_id(school.tick()))
    assert (*told(unknown), nothing) == (Result.REFUSED, "UNKNOWN_BATCH", b"")


def test_a_booked_payout_has_left_the_account(school: School) -> None:
    school.taught(school.paid().contract_id, 10_00)
    build(school, BatchKind.PAYOUT)
    (batch,) = school.batches()
    (instruction,) = school.instructions(batch)
    school.bank(CUSTODY, debit(1_000_00, instruction.end_to_end_id), on=BOOKED_ON)
    assert school.sums() == {"bank": 3_000_00, "claim": 3_000_00}
    assert school.rows("break") == []
    assert build(school, BatchKind.PAYOUT) == []
    assert school.broken() == []


def test_a_returned_payout_is_owed_again(school: School) -> None:
    school.taught(school.paid().contract_id, 10_00)
    build(school, BatchKind.PAYOUT)
    (instruction,) = school.instructions(school.batches()[0])
    school.bank(CUSTODY, debit(1_000_00, instruction.end_to_end_id), on=BOOKED_ON)
    school.bank(CUSTODY, credit(1_000_00, instruction.end_to_end_id), on=BOOKED_ON)
    assert school.sums() == {"bank": PRICE_FEN, "claim": 3_000_00, "payable": 1_000_00}
    assert [told(outcome) for outcome in build(school, BatchKind.PAYOUT)] == [(Result.DONE, "")]
    assert len({row.end_to_end_id for row in school.rows("instruction")}) == 2
    assert school.broken() == []


def test_what_a_refund_leaves_is_the_institutions_only_once_the_refund_is_booked(school: School) -> None:
    contract = school.paid()
    school.lesson_recorded(contract.contract_no)  # taught, and not confirmed: still in the claim
    refund_id, batch = refund_batch(school, contract.contract_id)
    amount, remainder = school.refund(refund_id).amount_fen, 100_00
    assert amount == PRICE_FEN - remainder
    assert school.balance(contract.contract_id).claim_fen == remainder
    assert "payable" not in school.sums()
    (instruction,) = school.instructions(batch)
    assert instruction.amount_fen == amount
    school.bank(CUSTODY, debit(amount, instruction.end_to_end_id), on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.PAID
    assert school.sums() == {"bank": PRICE_FEN - amount, "payable": remainder}
    (closed,) = school.rows("refund_closed")
    assert (closed.refund_id, closed.closed_on) == (refund_id, BOOKED_ON)
    assert school.broken() == []


def test_a_refund_that_came_back_is_owed_to_the_family_and_not_sent_again(school: School) -> None:
    contract = school.paid()
    refund_id, batch = refund_batch(school, contract.contract_id)
    (instruction,) = school.instructions(batch)
    school.bank(CUSTODY, debit(PRICE_FEN, instruction.end_to_end_id), on=BOOKED_ON)
    assert school.sums() == {}
    school.bank(CUSTODY, credit(PRICE_FEN, instruction.end_to_end_id), on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.RETURNED
    assert school.sums() == {"bank": PRICE_FEN, "refund_due": PRICE_FEN}
    assert build(school, BatchKind.REFUND) == []
    assert school.broken() == []


def test_a_refund_booked_and_returned_in_one_statement_is_returned(school: School) -> None:
    contract = school.paid()
    refund_id, batch = refund_batch(school, contract.contract_id)
    (instruction,) = school.instructions(batch)
    there, back = debit(PRICE_FEN, instruction.end_to_end_id), credit(PRICE_FEN, instruction.end_to_end_id)
    school.bank(CUSTODY, there, back, on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.RETURNED
    assert school.sums() == {"bank": PRICE_FEN, "refund_due": PRICE_FEN}
    assert school.broken() == []
