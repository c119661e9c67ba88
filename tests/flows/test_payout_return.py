"""Money nobody here is entitled to goes back to who sent it: only what no match has taken, in a batch of its own."""

from dataclasses import replace
from uuid import UUID, uuid4

from ledger.errors import Outcome, Result
from ledger.flows import payout
from ledger.terms.match_proposal import PartAsked
from ledger.terms.payout import BatchKind
from tests.flows.school import CUSTODY, VAULT, School, credit, debit
from tests.flows.test_match import PARENT, announced, approved, fund, open_line, proposed, ran, without_reference
from tests.flows.test_payout import BOOKED_ON, EXECUTE_ON, approve, render
from tests.flows.test_payout_status import payments, take
from tests.pain002 import pain002


def send_back(school: School, *line_ids: UUID) -> list[Outcome]:
    with school.engine.begin() as conn:
        return payout.build_returns(conn, VAULT, fund(school), line_ids, EXECUTE_ON, "clerk:li", school.tick())


def test_a_second_receipt_goes_back_to_who_sent_it(school: School) -> None:
    school.bank(CUSTODY, without_reference(100_00))
    line_id = open_line(school)
    assert [one.result for one in send_back(school, line_id, line_id)] == [Result.DONE]
    (batch,) = school.batches()
    assert (batch.kind, batch.instructions, batch.control_fen) == (BatchKind.RETURN, 1, 100_00)
    (instruction,) = school.instructions(batch)
    assert (instruction.payee_account, instruction.payee_name, instruction.line_id) == (PARENT, "欧阳家长", line_id)
    assert school.sums() == {"bank": 100_00, "in_transit": 100_00}
    assert [one.code for one in send_back(school, line_id)] == ["UNKNOWN_LINE"]
    approve(school, batch.batch_id)
    assert PARENT.encode() in render(school, batch.batch_id)[1]
    school.bank(CUSTODY, debit(100_00, instruction.end_to_end_id), on=BOOKED_ON)
    assert (school.sums(), school.broken()) == ({}, [])


def test_what_the_bank_does_not_pay_waits_in_suspense_again(school: School) -> None:
    school.bank(CUSTODY, without_reference(100_00))
    line_id = open_line(school)
    send_back(school, line_id)
    (batch,) = school.batches()
    approve(school, batch.batch_id)
    render(school, batch.batch_id)
    (one,) = payments(school, batch)
    take(school, pain002(batch.message_id, {one.end_to_end_id: "RJCT"}, reason="AM04"))
    assert school.sums() == {"bank": 100_00, "suspense": 100_00}
    assert [outcome.result for outcome in send_back(school, line_id)] == [Result.DONE]
    (again,) = school.instructions(school.batches()[-1])
    school.bank(CUSTODY, debit(100_00, again.end_to_end_id), on=BOOKED_ON)
    school.bank(CUSTODY, credit(100_00, again.end_to_end_id), on=BOOKED_ON)
    assert school.sums() == {"bank": 100_00, "suspense": 100_00}
    assert (open_line(school), school.broken()) == (line_id, [])


def test_matched_money_and_money_of_nobody_known_stay(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", 100_00, payer_account=PARENT)
    school.bank(CUSTODY, without_reference(100_00), on=BOOKED_ON)
    school.bank(CUSTODY, replace(without_reference(70_00), account=""), on=BOOKED_ON)
    matched, nameless = (row.line_id for row in school.rows("statement_line"))
    assert approved(school, proposed(school, PartAsked(matched, contract.contract_no, 60_00))).result is Result.DONE
    told = send_back(school, matched, nameless, uuid4())
    assert [one.code for one in told] == ["", "PAYEE_UNKNOWN", "UNKNOWN_LINE"]
    (batch,) = school.batches()
    assert batch.control_fen == 40_00  # the rest of a line that was split
    assert ran(school) == []
    assert school.sums() == {"bank": 170_00, "claim": 60_00, "in_transit": 40_00, "suspense": 70_00}
    assert school.broken() == []
