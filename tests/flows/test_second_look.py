"""What a hostile or hurried caller tries: the same thing twice in one call, two calls at once, a gap in the rules."""

import threading
import time
from datetime import date

from ledger.errors import Outcome, Result
from ledger.flows import contract as contracts
from ledger.flows import prepayment, refund
from ledger.terms.prepayment_receipt import Receipt
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundAsked, RefundState
from tests.flows.school import ASKED_AT, RESERVE, SIGNED_ON, VAULT, School, credit, debit
from tests.flows.test_payout import approved_refund
from tests.flows.test_prepayment import draw, enter, family_to_pay, order, top_up
from tests.flows.test_refund import told, withdrawn


def test_a_withdrawn_refund_leaves_the_contract_counted(school: School) -> None:
    signed = school.paid()
    assert withdrawn(school, school.asked(signed.contract_id)).result is Result.DONE
    (outcome,) = school.sign(school.contract(signed.student_id))
    assert told(outcome) == (Result.REFUSED, "PREPAYMENT_OVER_HOURS")


def test_two_signings_at_once_are_counted_together(school: School) -> None:
    pupil = school.pupil()
    first, second = (school.contract(pupil, price_fen=3000_00, hours_bought=20_00) for _ in range(2))
    outcomes: list[list[Outcome]] = []

    def sign_second() -> None:
        with school.engine.begin() as conn:
            outcomes.append(contracts.sign(conn, school.number, [second], school.rulebook, school.tick()))

    other = threading.Thread(target=sign_second)
    with school.engine.begin() as conn:
        outcomes.append(contracts.sign(conn, school.number, [first], school.rulebook, school.tick()))
        other.start()
        time.sleep(0.5)  # the other one has asked by now, and waits for the pupil
    other.join(timeout=20)
    assert [told(one) for (one,) in outcomes] == [(Result.DONE, ""), (Result.REFUSED, "PREPAYMENT_OVER_AMOUNT")]


def test_asked_twice_in_one_call_is_one_refund(school: School) -> None:
    asked = RefundAsked(school.paid().contract_id, Cause.INSTITUTION, "guardian")
    with school.engine.begin() as conn:
        first, second = refund.ask(
            conn, VAULT, school.number, [asked, asked], school.rulebook, school.calendar, school.at(ASKED_AT)
        )
    assert (first.result, second.result, second.entry_id) == (Result.DONE, Result.REPLAYED, first.entry_id)
    assert len(school.rows("refund")) == 1


def test_answered_and_withdrawn_twice_in_one_call_count_once(school: School) -> None:
    asked = school.asked(school.paid().contract_id)
    with school.engine.begin() as conn:
        answers = refund.answer(conn, school.number, [asked, asked], RefundState.AGREED, "school", school.tick())
        ends = refund.withdraw(conn, school.number, [asked, asked], "guardian", school.tick())
    assert [one.result for one in (*answers, *ends)] == [Result.DONE, Result.REPLAYED] * 2
    assert school.broken() == []


def test_a_returned_refund_is_still_owed_and_not_withdrawn(reserve_school: School) -> None:
    top_up(reserve_school)
    contract_id, refund_id = family_to_pay(reserve_school)
    owed = reserve_school.balance(contract_id)
    ordered = order(reserve_school)
    enter(reserve_school, ordered)
    (paid,) = draw(reserve_school, ordered, refund_id)
    assert paid.result is Result.DONE
    (payment,) = reserve_school.instructions(reserve_school.batches()[-1])
    reserve_school.bank(RESERVE, debit(payment.amount_fen, payment.end_to_end_id), on=date(2026, 3, 25))
    assert reserve_school.balance(contract_id).refund_due_fen == 0
    reserve_school.bank(RESERVE, credit(payment.amount_fen, payment.end_to_end_id), on=date(2026, 3, 26))
    back = reserve_school.balance(contract_id)
    assert (back.refund_due_fen, back.due_fen) == (owed.refund_due_fen, owed.refund_due_fen)
    assert reserve_school.refund(refund_id).state is RefundState.RETURNED
    assert told(withdrawn(reserve_school, refund_id)) == (Result.REFUSED, "REFUND_APPROVED")
    assert reserve_school.broken() == []


def test_the_reserve_pays_on_a_confirmed_order_in_reserve_mode(school: School, reserve_school: School) -> None:
    top_up(reserve_school)
    _, refund_id = family_to_pay(reserve_school)
    assert [told(one) for one in draw(reserve_school, order(reserve_school), refund_id)] == [
        (Result.REFUSED, "ORDER_UNKNOWN")
    ]
    top_up(school)
    in_custody = approved_refund(school, school.paid().contract_id)
    ordered = order(school)
    enter(school, ordered)
    assert [told(one) for one in draw(school, ordered, in_custody)] == [(Result.REFUSED, "NOT_RESERVE_MODE")]


def test_a_receipt_of_tomorrow_or_for_a_custody_contract_is_refused(school: School, reserve_school: School) -> None:
    for one, paid_on, code in (
        (reserve_school, date(2030, 1, 1), "DATE_IN_FUTURE"),
        (school, SIGNED_ON, "NOT_RESERVE_MODE"),
    ):
        top_up(one)
        receipt = Receipt("SJ-9", one.signed().contract_id, 100, paid_on)
        with one.engine.begin() as conn:
            (outcome,) = prepayment.receive(conn, one.number, [receipt], one.rulebook, "school", one.tick())
        assert told(outcome) == (Result.REFUSED, code)
