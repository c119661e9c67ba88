"""Another account for a refund: two people, a time to object, and nothing paid meanwhile."""

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from ledger.books import refund_payee as payees
from ledger.errors import Outcome, Result
from ledger.flows import refund_payee as flow
from ledger.rules.refund_payee import COOLING_HOURS
from ledger.terms.institution import Payee
from ledger.terms.payout import Batch, BatchKind
from ledger.terms.refund_payee import PayeeAsked, PayeeChange
from ledger.terms.refund_request import RefundState
from tests.flows.school import CUSTODY, PRICE_FEN, VAULT, School, credit, debit
from tests.flows.test_payout import BOOKED_ON, approve, approved_refund, build, render
from tests.flows.test_payout_status import take
from tests.pain002 import pain002

OTHER = Payee("欧阳外婆", "6222000000000007777", "105100000017")
THIRD = Payee("欧阳小满", "6222000000000008888", "105100000017")


def enter(school: School, refund_id: UUID, payee: Payee = OTHER, actor: str = "clerk:li") -> Outcome:
    with school.engine.begin() as conn:
        asked = [PayeeAsked(refund_id, payee, "账户已销户，见家长申请", actor)]
        (outcome,) = flow.enter(conn, VAULT, school.number, asked, school.tick())
    return outcome


def confirm(school: School, refund_id: UUID, actor: str = "clerk:wang") -> Outcome:
    with school.engine.begin() as conn:
        (outcome,) = flow.confirm(conn, VAULT, school.number, [refund_id], actor, school.tick())
    return outcome


def cancel(school: School, refund_id: UUID) -> Outcome:
    with school.engine.begin() as conn:
        (outcome,) = flow.cancel(conn, VAULT, school.number, [refund_id], "guardian:1", school.tick(), "不是我申请的")
    return outcome


def changes(school: School, refund_id: UUID) -> list[PayeeChange]:
    with school.engine.connect() as conn:
        return payees.changes(conn, VAULT, school.number, [refund_id]).get(refund_id, [])


def wait(school: School, hours: int = COOLING_HOURS) -> None:
    school.clock += timedelta(hours=hours)


def told(outcome: Outcome) -> tuple[Result, str]:
    return outcome.result, outcome.code


DONE, REPLAYED = (Result.DONE, ""), (Result.REPLAYED, "")


def paid_to(school: School, batch: Batch) -> list[Payee]:
    found = school.instructions(batch)
    return [Payee(one.payee_name, one.payee_account, one.payee_bank) for one in found]


def returned(school: School) -> UUID:
    """A refund that was booked and came back."""
    refund_id = approved_refund(school, school.paid().contract_id)
    build(school, BatchKind.REFUND)
    (instruction,) = school.instructions(school.batches()[-1])
    there, back = debit(PRICE_FEN, instruction.end_to_end_id), credit(PRICE_FEN, instruction.end_to_end_id)
    school.bank(CUSTODY, there, back, on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.RETURNED
    return refund_id


def test_a_change_counts_after_a_second_person_and_a_day(school: School) -> None:
    refund_id = approved_refund(school, school.paid().contract_id)
    assert told(enter(school, refund_id)) == DONE
    assert build(school, BatchKind.REFUND) == []
    assert told(confirm(school, refund_id, "clerk:li")) == (Result.REFUSED, "SAME_PERSON")
    assert told(confirm(school, refund_id)) == DONE
    assert told(confirm(school, refund_id)) == REPLAYED
    assert build(school, BatchKind.REFUND) == []
    wait(school, COOLING_HOURS - 1)
    assert build(school, BatchKind.REFUND) == []
    wait(school, 1)
    assert [told(outcome) for outcome in build(school, BatchKind.REFUND)] == [DONE]
    assert paid_to(school, school.batches()[-1]) == [OTHER]
    (change,) = changes(school, refund_id)
    assert (change.payee, change.entered_by, change.confirmed_by, change.used) == (
        OTHER,
        "clerk:li",
        "clerk:wang",
        True,
    )
    (row,) = school.rows("refund_payee")
    assert OTHER.account.encode() not in bytes(row.payee_account_sealed)
    assert school.broken() == []


def test_without_a_change_a_refund_goes_where_the_money_came_from(school: School) -> None:
    refund_id = approved_refund(school, school.paid().contract_id)
    line = credit(1, "x")
    enter(school, refund_id)
    confirm(school, refund_id)
    assert told(cancel(school, refund_id)) == DONE
    assert told(cancel(school, refund_id)) == (Result.REFUSED, "NO_ACCOUNT_CHANGE")
    assert told(confirm(school, refund_id)) == (Result.REFUSED, "NO_ACCOUNT_CHANGE")
    assert len(build(school, BatchKind.REFUND)) == 1
    assert paid_to(school, school.batches()[-1]) == [Payee(line.name, line.account, line.bank)]
    assert changes(school, refund_id)[0].cancelled_by == "guardian:1"


def test_the_same_account_entered_twice_is_one_change_and_another_begins_anew(school: School) -> None:
    refund_id = approved_refund(school, school.paid().contract_id)
    first = enter(school, refund_id)
    again = enter(school, refund_id)
    assert (told(again), again.entry_id) == (REPLAYED, first.entry_id)
    confirm(school, refund_id)
    wait(school)
    assert told(enter(school, refund_id, THIRD)) == DONE
    assert build(school, BatchKind.REFUND) == []
    cancel(school, refund_id)
    assert len(build(school, BatchKind.REFUND)) == 1
    assert paid_to(school, school.batches()[-1]) == [OTHER]


def test_a_refund_that_came_back_is_sent_to_the_new_account_and_paid(school: School) -> None:
    refund_id = returned(school)
    assert build(school, BatchKind.REFUND) == []
    enter(school, refund_id)
    assert school.refund(refund_id).state is RefundState.RETURNED
    confirm(school, refund_id)
    assert school.refund(refund_id).state is RefundState.APPROVED
    wait(school)
    assert len(build(school, BatchKind.REFUND)) == 1
    (instruction,) = school.instructions(school.batches()[-1])
    assert instruction.payee_account == OTHER.account
    school.bank(CUSTODY, debit(PRICE_FEN, instruction.end_to_end_id), on=BOOKED_ON)
    assert school.refund(refund_id).state is RefundState.PAID
    assert len(school.rows("refund_closed")) == 1
    assert school.sums() == {}
    assert school.broken() == []


def test_a_cancelled_change_of_a_refund_that_came_back_leaves_it_waiting(school: School) -> None:
    refund_id = returned(school)
    enter(school, refund_id)
    confirm(school, refund_id)
    enter(school, refund_id, THIRD)
    confirm(school, refund_id)
    cancel(school, refund_id)
    assert school.refund(refund_id).state is RefundState.APPROVED  # the first change stands
    cancel(school, refund_id)
    assert school.refund(refund_id).state is RefundState.RETURNED
    wait(school)
    assert build(school, BatchKind.REFUND) == []


def test_a_changed_account_that_is_refused_too_waits_again(school: School) -> None:
    refund_id = returned(school)
    enter(school, refund_id)
    confirm(school, refund_id)
    wait(school)
    build(school, BatchKind.REFUND)
    batch = school.batches()[-1]
    assert told(enter(school, refund_id, THIRD)) == (Result.REFUSED, "ACCOUNT_SETTLED")
    assert told(cancel(school, refund_id)) == (Result.REFUSED, "ACCOUNT_SETTLED")
    approve(school, batch.batch_id)
    render(school, batch.batch_id)
    (instruction,) = school.instructions(batch)
    take(school, pain002(batch.message_id, {instruction.end_to_end_id: "RJCT"}, reason="AC04"))
    assert school.refund(refund_id).state is RefundState.RETURNED
    assert told(confirm(school, refund_id)) == (Result.REFUSED, "NO_ACCOUNT_CHANGE")
    # the family says that very account works now: a new change, with a new second person
    assert told(enter(school, refund_id)) == DONE
    assert told(confirm(school, refund_id)) == DONE
    wait(school)
    assert len(build(school, BatchKind.REFUND)) == 1
    assert school.broken() == []


@pytest.mark.parametrize("act", [enter, confirm, cancel])
def test_a_refund_that_is_paid_or_not_there_has_no_account_to_change(
    school: School, act: Callable[[School, UUID], Outcome]
) -> None:
    refund_id = approved_refund(school, school.paid().contract_id)
    build(school, BatchKind.REFUND)
    assert told(act(school, refund_id)) == (Result.REFUSED, "ACCOUNT_SETTLED")
    assert told(act(school, UUID(int=7))) == (Result.REFUSED, "UNKNOWN_REFUND")
    assert school.rows("refund_payee") == []
