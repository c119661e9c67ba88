"""The custodian bank changes: every family's money goes over as one line of its own, and its contract goes on there."""

from datetime import date
from uuid import UUID

from ledger.books import contract as contracts
from ledger.errors import Result
from ledger.flows import contract_move, register
from ledger.flows.contract_move import Moved
from ledger.terms.contract import Contract, ContractBalance
from ledger.terms.journal import FundKind
from ledger.terms.payout import Batch, BatchKind, Instruction
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundAsked
from tests.flows.school import CUSTODY, VAULT, School, credit, debit, fund, institution
from tests.flows.test_payout import BOOKED_ON, EXECUTE_ON, approve, render
from tests.flows.test_payout_status import take
from tests.pain002 import pain002

OTHER = 4
TAUGHT = 10_00


def open_other(school: School) -> None:
    with school.engine.begin() as conn:
        opened = register.fund(conn, fund(school.number, OTHER, FundKind.CUSTODY), "clerk:li", "clerk:wang",
                               school.tick())  # fmt: skip
    assert opened.result is Result.DONE


def move(school: School, source: int = CUSTODY, target: int = OTHER) -> Moved:
    with school.engine.begin() as conn:
        of = {one: fund(school.number, one, FundKind.CUSTODY) for one in (source, target)}
        return contract_move.build(
            conn, VAULT, institution(school.number), of[source], of[target], EXECUTE_ON, "clerk:li", school.tick()
        )  # fmt: skip


def moved_batch(school: School) -> tuple[Batch, list[Instruction]]:
    batch = school.batches()[-1]
    approve(school, batch.batch_id)
    assert render(school, batch.batch_id)[0].result is Result.DONE
    return batch, school.instructions(batch)


def named(school: School, number: str) -> Contract:
    with school.engine.begin() as conn:
        (found,) = contracts.find(conn, school.number, numbers=[number])
    return found


def counters(balance: ContractBalance) -> tuple[int, int, int, int, int]:
    return (balance.paid_fen, balance.released_fen, balance.refunded_fen, balance.due_fen, balance.hours_released)


def begun(school: School) -> Contract:
    """A paid contract of which ten hours were taught; what that earned was paid out of the account's own payable."""
    open_other(school)
    made = school.paid()
    school.taught(made.contract_id, TAUGHT)
    return made


def test_a_contract_goes_on_in_the_other_account_with_everything_that_was(school: School) -> None:
    made = begun(school)
    before = school.balance(made.contract_id)
    moved = move(school)
    assert (moved.refused, moved.stays) == (None, ())
    number = f"{made.contract_no}/2"
    assert moved.numbers == {made.contract_no: number}
    batch, (payment,) = moved_batch(school)
    assert (batch.kind, payment.amount_fen, payment.contract_id) == (BatchKind.MOVE, 3_000_00, made.contract_id)
    assert payment.payee_account.endswith(f"{OTHER:05d}")
    assert school.sums() == {"bank": 4_000_00, "in_transit": 3_000_00, "payable": 1_000_00}
    school.bank(CUSTODY, debit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    assert school.sums() == {"bank": 1_000_00, "payable": 1_000_00}
    school.bank(OTHER, credit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    assert school.sums(OTHER) == {"bank": 3_000_00, "claim": 3_000_00}
    after = school.balance(named(school, number).contract_id)
    assert counters(after) == counters(before)
    assert school.broken() == []


def test_the_other_bank_may_be_first(school: School) -> None:
    made = begun(school)
    move(school)
    _, (payment,) = moved_batch(school)
    school.bank(OTHER, credit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    school.bank(CUSTODY, debit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    assert school.sums(OTHER) == {"bank": 3_000_00, "claim": 3_000_00}
    assert school.sums() == {"bank": 1_000_00, "payable": 1_000_00}
    assert school.balance(made.contract_id).claim_fen == 0
    assert school.broken() == []


def test_a_refund_there_counts_what_was_taught_here_and_goes_back_to_who_paid(school: School) -> None:
    made = begun(school)
    move(school)
    _, (payment,) = moved_batch(school)
    school.bank(OTHER, credit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    successor = named(school, f"{made.contract_no}/2")
    asked = school.refund(school.asked(successor.contract_id))
    assert (asked.amount_fen, asked.fund_no) == (3_000_00, OTHER)
    (kept,) = [row for row in school.rows("taken_over_payment") if row.contract_id == successor.contract_id]
    assert (kept.paid_on, kept.amount_fen, kept.payer_bank) == (date(2026, 3, 2), 4_000_00, "105100000017")
    (lesson,) = [row for row in school.rows("lesson") if row.contract_id == successor.contract_id]
    assert (lesson.hours, lesson.minutes, lesson.lesson_no) == (TAUGHT, 0, "taken over")


def test_the_family_s_reference_leads_to_the_account_the_contract_is_in(school: School) -> None:
    open_other(school)
    made = school.signed()
    school.bank(CUSTODY, credit(1_000_00, made.payment_reference))
    move(school)
    _, (payment,) = moved_batch(school)
    school.bank(OTHER, credit(500_00, made.payment_reference), on=BOOKED_ON)  # too early: it waits for a person
    assert school.sums(OTHER) == {"bank": 500_00, "suspense": 500_00}
    school.bank(OTHER, credit(1_000_00, payment.end_to_end_id), on=BOOKED_ON)
    school.bank(OTHER, credit(700_00, made.payment_reference), on=BOOKED_ON)
    assert school.sums(OTHER) == {"bank": 2_200_00, "suspense": 500_00, "claim": 1_700_00}
    school.bank(CUSTODY, credit(300_00, made.payment_reference), on=BOOKED_ON)  # the old account takes no more
    assert school.sums()["suspense"] == 300_00
    assert school.broken() == []


def test_on_the_way_a_contract_takes_neither_money_nor_lessons_nor_refunds(school: School) -> None:
    made = begun(school)
    move(school)
    outcome = school.ask(RefundAsked(made.contract_id, Cause.INSTITUTION, "guardian:1"))
    assert (outcome.result, outcome.code) == (Result.REFUSED, "CONTRACT_MOVING")
    successor = named(school, f"{made.contract_no}/2")
    outcome = school.ask(RefundAsked(successor.contract_id, Cause.INSTITUTION, "guardian:1"))
    assert outcome.code == "CONTRACT_MOVING"
    with school.engine.begin() as conn:
        ids = [made.contract_id, successor.contract_id]
        assert contracts.ended(conn, school.number, ids) == set(ids)
        (charge,) = contracts.open_charges(conn, school.number, {made.student_id})
    assert charge.contract_id == made.contract_id  # it counts once for the limits of the pupil
    assert move(school).numbers == {}


def test_what_the_bank_rejects_or_returns_stays_whole_where_it_was_and_goes_later(school: School) -> None:
    made = begun(school)
    before = school.balance(made.contract_id)
    numbers = move(school).numbers
    batch, (payment,) = moved_batch(school)
    take(school, pain002(batch.message_id, {payment.end_to_end_id: "RJCT"}, reason="AM04"))
    assert school.balance(made.contract_id) == before
    assert move(school).numbers == numbers
    _, (again,) = moved_batch(school)
    school.bank(CUSTODY, debit(3_000_00, again.end_to_end_id), on=BOOKED_ON)
    school.bank(CUSTODY, credit(3_000_00, again.end_to_end_id), on=BOOKED_ON)
    assert school.balance(made.contract_id) == before
    assert school.sums() == {"bank": 4_000_00, "claim": 3_000_00, "payable": 1_000_00}
    assert school.asked(made.contract_id)  # it is open again
    assert school.broken() == []


def test_what_came_back_after_it_arrived_is_a_person_s_to_explain(school: School) -> None:
    begun(school)
    move(school)
    _, (payment,) = moved_batch(school)
    school.bank(CUSTODY, debit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    school.bank(OTHER, credit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    school.bank(CUSTODY, credit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    school.bank(OTHER, credit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    assert (school.sums()["suspense"], school.sums(OTHER)["suspense"]) == (3_000_00, 3_000_00)
    assert school.sums(OTHER)["claim"] == 3_000_00
    assert school.broken() == []


def test_what_is_not_settled_stays_with_its_reason(school: School) -> None:
    open_other(school)
    refunded, taught, going = school.paid(), school.paid(), school.paid()
    school.asked(refunded.contract_id)
    school.lesson_recorded(taught.contract_no)
    moved = move(school)
    assert [(number, why.value) for number, why in moved.stays] == [
        (refunded.contract_no, "MOVE_REFUND_OPEN"), (taught.contract_no, "MOVE_LESSON_OPEN")
    ]  # fmt: skip
    assert moved.numbers == {going.contract_no: f"{going.contract_no}/2"}


def test_a_contract_may_move_twice(school: School) -> None:
    made = begun(school)
    third = 5
    with school.engine.begin() as conn:
        register.fund(conn, fund(school.number, third, FundKind.CUSTODY), "clerk:li", "clerk:wang", school.tick())
    for source, target, number in ((CUSTODY, OTHER, "2"), (OTHER, third, "3")):
        assert list(move(school, source, target).numbers.values()) == [f"{made.contract_no}/{number}"]
        _, (payment,) = moved_batch(school)
        school.bank(source, debit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
        school.bank(target, credit(3_000_00, payment.end_to_end_id), on=BOOKED_ON)
    last = school.balance(named(school, f"{made.contract_no}/3").contract_id)
    assert counters(last) == (4_000_00, 1_000_00, 0, 0, TAUGHT)
    school.bank(third, credit(1, made.payment_reference), on=BOOKED_ON)
    assert school.sums(third)["suspense"] == 1  # it is paid in full: no room, but its own account
    assert school.broken() == []


def test_contracts_move_between_custody_accounts_of_one_institution_alone(school: School) -> None:
    begun(school)
    same = move(school, CUSTODY, CUSTODY).refused
    assert same is not None
    assert same.code == "SAME_ACCOUNT"
    with school.engine.begin() as conn:
        reserve = fund(school.number, 2, FundKind.RESERVE)
        of = fund(school.number, CUSTODY, FundKind.CUSTODY)
        here = institution(school.number)
        refused = contract_move.build(conn, VAULT, here, of, reserve, EXECUTE_ON, "clerk:li", school.tick()).refused
    assert refused is not None
    assert (refused.code, school.batches()) == ("NOT_CUSTODY", [])
    assert UUID(int=0) not in {batch.batch_id for batch in school.batches()}
