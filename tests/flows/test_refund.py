"""Refunds: what was shown is what is asked, what is asked is held, and two people stand behind what is paid."""

from datetime import date, timedelta
from uuid import UUID

import pytest

from ledger.books import refund_payer
from ledger.errors import Outcome, Result
from ledger.flows import refund
from ledger.terms.ids import new_id
from ledger.terms.institution import Payee
from ledger.terms.refund import Cause, Worksheet
from ledger.terms.refund_request import RefundAsked, RefundState
from tests.flows.school import ASKED_AT, CUSTODY, PRICE_FEN, School

DONE, REPLAYED = (Result.DONE, ""), (Result.REPLAYED, "")


def told(outcome: Outcome) -> tuple[Result, str]:
    return outcome.result, outcome.code


def quoted(school: School, contract_id: UUID, cause: Cause = Cause.INSTITUTION) -> Worksheet:
    with school.engine.begin() as conn:
        found = refund.quote(
            conn, school.number, {contract_id: cause}, school.rulebook, school.calendar, ASKED_AT.date()
        )
    return found[contract_id]


def answered(school: School, refund_id: UUID, state: RefundState = RefundState.AGREED) -> Outcome:
    with school.engine.begin() as conn:
        (outcome,) = refund.answer(conn, school.number, [refund_id], state, "school", school.tick())
    return outcome


def approved(school: School, refund_id: UUID, approver: str = "clerk:wang") -> Outcome:
    with school.engine.begin() as conn:
        (outcome,) = refund.approve(conn, school.number, [refund_id], approver, school.tick())
    return outcome


def withdrawn(school: School, refund_id: UUID) -> Outcome:
    with school.engine.begin() as conn:
        (outcome,) = refund.withdraw(conn, school.number, [refund_id], "guardian:1", school.tick())
    return outcome


# -- asking


def test_a_quote_writes_nothing(school: School) -> None:
    contract = school.paid()
    assert quoted(school, contract.contract_id).refund_fen == PRICE_FEN
    assert school.rows("refund") == []
    assert school.balance(contract.contract_id).held_fen == 0


def test_what_is_asked_is_held(school: School) -> None:
    contract = school.paid()
    school.taught(contract.contract_id, 10_00)
    shown = quoted(school, contract.contract_id)
    outcome = school.ask(RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1", shown.digest))
    assert told(outcome) == DONE
    assert outcome.entry_id is not None
    found = school.refund(outcome.entry_id)
    assert (found.state, found.amount_fen, found.asked_by) == (RefundState.ASKED, 3_000_00, "guardian:1")
    balance = school.balance(contract.contract_id)
    assert (balance.held_fen, balance.free_fen) == (3_000_00, 0)
    assert school.broken() == []


def test_asked_twice_is_one_refund(school: School) -> None:
    contract = school.paid()
    first = school.asked(contract.contract_id)
    again = school.ask(RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:2"))
    assert (again.result, again.entry_id) == (Result.REPLAYED, first)
    assert [row.refund_id for row in school.rows("refund")] == [first]
    assert school.balance(contract.contract_id).held_fen == PRICE_FEN


def test_a_quote_that_changed_since_it_was_shown_is_not_asked(school: School) -> None:
    contract = school.paid()
    shown = quoted(school, contract.contract_id)
    school.taught(contract.contract_id, 10_00)
    outcome = school.ask(RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1", shown.digest))
    assert (*told(outcome), outcome.detail) == (Result.REFUSED, "QUOTE_CHANGED", "3000.00")
    assert (school.rows("refund"), school.rows("refund_step")) == ([], [])
    assert school.balance(contract.contract_id).held_fen == 0


@pytest.mark.parametrize("taught", [0, 40_00])
def test_nothing_is_refunded_where_nothing_is_left(school: School, taught: int) -> None:
    contract = school.paid() if taught else school.signed()
    if taught:
        school.taught(contract.contract_id, taught)
    payee = Payee("欧阳家长", "6217000099998888777", "105100000017")
    outcome = school.ask(RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1", payee=payee))
    assert told(outcome) == (Result.REFUSED, "NOTHING_TO_REFUND")
    assert school.rows("refund") == []


def test_a_refund_of_no_contract_is_refused(school: School) -> None:
    outcome = school.ask(RefundAsked(new_id(school.tick()), Cause.INSTITUTION, "guardian:1"))
    assert told(outcome) == (Result.REFUSED, "UNKNOWN_CONTRACT")


# -- the answer


def test_silence_agrees_after_the_last_day_and_not_before(school: School) -> None:
    refund_id = school.asked(school.paid().contract_id)
    last = school.refund(refund_id).answer_by
    with school.engine.begin() as conn:
        assert refund.agree_silent(conn, school.number, last, school.tick()) == []
    assert school.refund(refund_id).state is RefundState.ASKED
    with school.engine.begin() as conn:
        (outcome,) = refund.agree_silent(conn, school.number, last + timedelta(days=1), school.tick())
        assert refund.agree_silent(conn, school.number, last + timedelta(days=1), school.tick()) == []
    assert told(outcome) == DONE
    assert school.refund(refund_id).state is RefundState.AGREED
    step = max(school.rows("refund_step"), key=lambda row: row.step)
    assert (step.actor, step.reason) == ("custody:due", "silence")


def test_an_answer_is_given_once(school: School) -> None:
    refund_id = school.asked(school.paid().contract_id)
    assert told(answered(school, refund_id, RefundState.OBJECTED)) == DONE
    assert told(answered(school, refund_id, RefundState.OBJECTED)) == REPLAYED
    assert told(answered(school, refund_id, RefundState.AGREED)) == (Result.REFUSED, "REFUND_ANSWERED")
    assert school.refund(refund_id).state is RefundState.OBJECTED
    assert told(answered(school, new_id(school.tick()))) == (Result.REFUSED, "UNKNOWN_REFUND")


# -- approval


def test_approval_waits_for_agreement_and_a_second_person(school: School) -> None:
    contract = school.paid()
    refund_id = school.asked(contract.contract_id)
    assert told(approved(school, refund_id)) == (Result.REFUSED, "REFUND_NOT_AGREED")
    answered(school, refund_id)
    assert told(approved(school, refund_id, "guardian:1")) == (Result.REFUSED, "SAME_PERSON")
    assert school.balance(contract.contract_id).refund_due_fen == 0
    assert told(approved(school, refund_id)) == DONE
    balance = school.balance(contract.contract_id)
    assert (balance.claim_fen, balance.held_fen, balance.refund_due_fen) == (0, 0, PRICE_FEN)
    (approval,) = school.rows("approval")
    assert (approval.subject, approval.made_by, approval.approved_by) == ("refund", "guardian:1", "clerk:wang")
    assert school.broken() == []


def test_an_approved_refund_is_not_approved_again(school: School) -> None:
    contract = school.paid()
    refund_id = school.asked(contract.contract_id)
    answered(school, refund_id)
    approved(school, refund_id)
    assert approved(school, refund_id).result is not Result.DONE
    assert school.balance(contract.contract_id).refund_due_fen == PRICE_FEN
    assert len(school.rows("approval")) == 1


def test_an_unknown_refund_is_not_approved(school: School) -> None:
    assert told(approved(school, new_id(school.tick()))) == (Result.REFUSED, "UNKNOWN_REFUND")


# -- withdrawing


def test_a_withdrawn_refund_frees_the_money_and_another_may_follow(school: School) -> None:
    contract = school.paid()
    first = school.asked(contract.contract_id)
    assert told(withdrawn(school, first)) == DONE
    assert told(withdrawn(school, first)) == REPLAYED
    assert (school.balance(contract.contract_id).held_fen, school.sums()["claim"]) == (0, PRICE_FEN)
    second = school.asked(contract.contract_id)
    assert second != first
    assert {row.refund_id: row.follows for row in school.rows("refund")} == {first: None, second: first}
    assert school.balance(contract.contract_id).held_fen == PRICE_FEN
    assert school.broken() == []


def test_an_approved_refund_cannot_be_withdrawn(school: School) -> None:
    contract = school.paid()
    refund_id = school.asked(contract.contract_id)
    answered(school, refund_id)
    approved(school, refund_id)
    assert told(withdrawn(school, refund_id)) == (Result.REFUSED, "REFUND_APPROVED")
    assert school.balance(contract.contract_id).refund_due_fen == PRICE_FEN
    assert told(withdrawn(school, new_id(school.tick()))) == (Result.REFUSED, "UNKNOWN_REFUND")


# -- the clock


def test_a_late_refund_is_marked_once(school: School) -> None:
    contract = school.paid()
    refund_id = school.asked(contract.contract_id)
    last = school.refund(refund_id).pay_by
    for day, marked in ((last, 0), (last + timedelta(days=1), 1), (last + timedelta(days=2), 0)):
        with school.engine.begin() as conn:
            assert refund.mark_overdue(conn, school.number, day, school.tick()) == marked
    (finding,) = school.rows("finding")
    assert (finding.code, finding.ref, finding.contract_id) == ("REFUND_OVERDUE", refund_id, contract.contract_id)
    assert finding.facts == {"amount_fen": PRICE_FEN, "pay_by": last.isoformat()}


def test_a_withdrawn_refund_is_never_late(school: School) -> None:
    refund_id = school.asked(school.paid().contract_id)
    withdrawn(school, refund_id)
    late = school.refund(refund_id).pay_by + timedelta(days=30)
    with school.engine.begin() as conn:
        assert refund.mark_overdue(conn, school.number, late, school.tick()) == 0


# -- to whom


def test_the_money_goes_back_to_the_account_it_came_from(school: School) -> None:
    contract = school.paid()
    stranger = Payee("别人", "6217000011112222333", "102100099996")
    school.asked(contract.contract_id, payee=stranger)
    (row,) = school.rows("refund")
    assert row.payee_bank == "105100000017"
    assert stranger.account.encode() not in bytes(row.payee_account_sealed)
    with school.engine.begin() as conn:
        (line,) = refund_payer.lines(conn, school.number, [contract.contract_id])[contract.contract_id]
    assert line.bank_no == row.payee_bank
    assert school.refund(row.refund_id).fund_no == CUSTODY


def test_the_last_day_to_pay_moves_on_over_a_holiday(school: School) -> None:
    found = school.refund(school.asked(school.paid().contract_id))
    assert found.asked_on == date(2026, 3, 20)
    # Beijing: 15 days once the course has begun; 4 to 6 April are the Qingming holiday
    assert found.pay_by == date(2026, 4, 7)
