"""Disputed and unlawful hours: their money is held, two people decide, and the hour stands or is the family's again."""

from uuid import UUID

from ledger.books import lesson as lessons
from ledger.errors import Result
from ledger.flows import lesson, payout, refund_dispute
from ledger.terms.lesson import Verdict
from ledger.terms.payout import BatchKind
from ledger.terms.refund import Cause
from tests.flows.school import CUSTODY, VAULT, School, debit
from tests.flows.teaching import (
    LATE,
    approve,
    confirm,
    decide,
    decided,
    dispute,
    held_by_disputes,
    put_down,
    states,
    taught,
    told,
)
from tests.flows.test_payout import BOOKED_ON, EXECUTE_ON, build, render
from tests.flows.test_payout import approve as approve_batch

DONE, REPLAYED = (Result.DONE, ""), (Result.REPLAYED, "")
HOUR = 100_00  # 4,000 yuan for 40 hours


def refused(code: str) -> tuple[Result, str]:
    return Result.REFUSED, code


def paid_out(school: School) -> None:
    """Everything earned leaves the account."""
    assert told(build(school, BatchKind.PAYOUT)) == [DONE]
    (batch,) = school.batches()
    assert approve_batch(school, batch.batch_id).result is Result.DONE
    assert render(school, batch.batch_id)[0].result is Result.DONE
    (instruction,) = school.instructions(batch)
    school.bank(CUSTODY, debit(batch.control_fen, instruction.end_to_end_id), on=BOOKED_ON)


# -- before release


def test_a_disputed_hour_is_held_in_the_claim_and_silence_does_not_confirm_it(school: School) -> None:
    contract = school.paid()
    (disputed, other) = put_down(school, contract, 2)
    (outcome,) = dispute(school, disputed)
    balance = school.balance(contract.contract_id)
    assert (outcome.result, balance.held_fen, held_by_disputes(school, contract)) == (Result.DONE, HOUR, HOUR)
    with school.engine.begin() as conn:
        lesson.confirm_silent(conn, school.number, BOOKED_ON.replace(month=11), school.tick(), 100)
    assert states(school, disputed, other) == ["disputed", "released"]
    assert told(confirm(school, disputed)) == [refused("LESSON_DISPUTED")]
    assert school.broken() == []


def test_a_disputed_hour_that_stands_is_released(school: School) -> None:
    contract = school.paid()
    (disputed,) = put_down(school, contract, 1)
    dispute(school, disputed)
    decided(school, Verdict.RELEASED, disputed)
    balance = school.balance(contract.contract_id)
    assert (balance.held_fen, balance.released_fen, balance.hours_released) == (0, HOUR, 1_00)
    assert states(school, disputed) == ["released"]
    assert [row.state for row in sorted(school.rows("lesson_step"), key=lambda row: row.step)] == [
        "recorded", "disputed", "confirmed", "released",
    ]  # fmt: skip
    assert (school.sums(), school.broken()) == ({"bank": 4_000_00, "claim": 3_900_00, "payable": HOUR}, [])


def test_a_disputed_hour_that_comes_back_moves_nothing(school: School) -> None:
    contract = school.paid()
    (disputed,) = put_down(school, contract, 1)
    dispute(school, disputed)
    decided(school, Verdict.REVERSED, disputed)
    balance = school.balance(contract.contract_id)
    assert (balance.held_fen, balance.released_fen, balance.claim_fen) == (0, 0, 4_000_00)
    assert states(school, disputed) == ["reversed"]
    assert school.broken() == []


def test_a_contract_nobody_paid_holds_nothing(school: School) -> None:
    contract = school.signed()
    (disputed,) = put_down(school, contract, 1)
    (outcome,) = dispute(school, disputed)
    assert (outcome.result, outcome.entry_id, school.rows("hold")) == (Result.DONE, None, [])
    decided(school, Verdict.RELEASED, disputed)
    assert (school.balance(contract.contract_id).hours_released, school.broken()) == (1_00, [])


# -- after release


def test_a_dispute_after_release_holds_what_the_hour_earned(school: School) -> None:
    contract = school.paid()
    first, second = taught(school, contract, 2)
    assert told(dispute(school, first)) == [DONE]
    assert held_by_disputes(school, contract) == HOUR
    assert told(build(school, BatchKind.PAYOUT)) == [DONE]
    (batch,) = school.batches()
    assert batch.control_fen == HOUR  # the other hour's: what is held is not paid out
    decided(school, Verdict.REVERSED, first)
    balance = school.balance(contract.contract_id)
    assert (balance.released_fen, balance.hours_released, balance.due_fen) == (HOUR, 1_00, 0)
    assert (states(school, first, second), held_by_disputes(school, contract)) == (["reversed", "released"], 0)
    assert school.broken() == []


def test_a_released_hour_that_stands_stays_released(school: School) -> None:
    contract = school.paid()
    (only,) = taught(school, contract, 1)
    dispute(school, only)
    decided(school, Verdict.RELEASED, only)
    assert (states(school, only), held_by_disputes(school, contract)) == (["released"], 0)
    assert (school.sums(), school.broken()) == ({"bank": 4_000_00, "claim": 3_900_00, "payable": HOUR}, [])


def test_money_that_has_left_is_owed_by_the_institution(school: School) -> None:
    contract = school.paid()
    (only,) = taught(school, contract, 1)
    paid_out(school)
    (outcome,) = dispute(school, only)
    assert (outcome.result, outcome.entry_id) == (Result.DONE, None)  # nothing is there to hold
    decided(school, Verdict.REVERSED, only)
    balance = school.balance(contract.contract_id)
    assert (balance.claim_fen, balance.due_fen) == (4_000_00, HOUR)
    assert school.broken() == []


def test_two_disputes_never_hold_the_same_money_twice(school: School) -> None:
    contract = school.paid()
    ids = taught(school, contract, 3)
    build(school, BatchKind.PAYOUT)
    ids += taught(school, contract, 1)  # its fee alone is payable
    assert told(dispute(school, *ids)) == [DONE] * 4
    assert held_by_disputes(school, contract) == HOUR
    decided(school, Verdict.REVERSED, *ids)
    balance = school.balance(contract.contract_id)
    assert (balance.claim_fen, balance.released_fen, balance.due_fen) == (4_000_00, 0, 3 * HOUR)
    assert school.broken() == []


def test_an_hour_reversed_without_a_dispute_comes_back(school: School) -> None:
    contract = school.paid()
    first, second = taught(school, contract, 2)
    decided(school, Verdict.REVERSED, second)
    assert (school.balance(contract.contract_id).released_fen, states(school, first, second)) == (
        HOUR, ["released", "reversed"],
    )  # fmt: skip
    assert school.broken() == []


# -- unlawful times


def test_an_unlawful_hour_waits_for_the_decision_though_a_parent_confirmed_it(school: School) -> None:
    contract = school.paid()
    late, lawful = *put_down(school, contract, 1, starts=LATE), *put_down(school, contract, 1)
    assert told(confirm(school, late, lawful)) == [DONE, DONE]
    assert states(school, late, lawful) == ["confirmed", "released"]
    assert waiting(school) == [late]
    decided(school, Verdict.RELEASED, late)
    assert (states(school, late), school.balance(contract.contract_id).released_fen) == (["released"], 2 * HOUR)
    assert waiting(school) == []
    assert school.broken() == []


def test_an_unlawful_hour_may_be_decided_for_the_family(school: School) -> None:
    contract = school.paid()
    (late,) = put_down(school, contract, 1, starts=LATE)
    decided(school, Verdict.REVERSED, late)
    assert (states(school, late), waiting(school)) == (["reversed"], [])
    assert school.balance(contract.contract_id).claim_fen == 4_000_00


def waiting(school: School) -> list[UUID]:
    with school.engine.begin() as conn:
        return [one.lesson_id for one in lessons.waiting_for_decision(conn, school.number)]


# -- who may


def test_asked_twice_is_done_once(school: School) -> None:
    contract = school.paid()
    (only,) = put_down(school, contract, 1)
    assert told(dispute(school, only, only) + dispute(school, only)) == [DONE, REPLAYED, REPLAYED]
    made = decide(school, Verdict.REVERSED, only, only) + decide(school, Verdict.REVERSED, only)
    assert told(made) == [DONE, REPLAYED, REPLAYED]
    assert len({one.entry_id for one in made}) == len(school.rows("lesson_decision")) == 1
    decision_id = made[0].entry_id
    assert told(approve(school, decision_id, decision_id) + approve(school, decision_id)) == [DONE, REPLAYED, REPLAYED]
    assert len(school.rows("approval")) == 1
    assert school.broken() == []


def test_what_has_no_object_is_refused(school: School) -> None:
    contract = school.paid()
    unknown = UUID(int=1)
    lawful, gone = put_down(school, contract, 2)
    assert told(dispute(school, unknown)) == [refused("UNKNOWN_LESSON")]
    assert told(decide(school, Verdict.RELEASED, unknown, lawful)) == [
        refused("UNKNOWN_LESSON"), refused("LESSON_NOT_WAITING"),
    ]  # fmt: skip
    assert told(approve(school, unknown)) == [refused("UNKNOWN_DECISION")]
    decided(school, Verdict.REVERSED, gone)
    assert told(dispute(school, gone)) == [refused("LESSON_REVERSED")]
    assert told(decide(school, Verdict.REVERSED, gone)) == [refused("LESSON_REVERSED")]
    assert states(school, lawful, gone) == ["recorded", "reversed"]


def test_nobody_approves_a_decision_of_their_own_nor_one_that_was_replaced(school: School) -> None:
    contract = school.paid()
    (only,) = put_down(school, contract, 1)
    dispute(school, only)
    (first,) = decide(school, Verdict.REVERSED, only)
    assert told(approve(school, first.entry_id, by="clerk:li")) == [refused("SAME_PERSON")]
    (second,) = decide(school, Verdict.RELEASED, only, by="clerk:zhao")
    assert told(approve(school, first.entry_id)) == [refused("DECISION_REPLACED")]
    assert states(school, only) == ["disputed"]
    assert told(approve(school, second.entry_id)) == [DONE]
    assert states(school, only) == ["released"]


def test_a_decision_whose_lesson_changed_since_is_refused(school: School) -> None:
    contract = school.paid()
    (only,) = put_down(school, contract, 1)
    dispute(school, only)
    (stale,) = decide(school, Verdict.RELEASED, only)
    (newer,) = decide(school, Verdict.REVERSED, only)
    assert told(approve(school, newer.entry_id)) == [DONE]
    assert told(decide(school, Verdict.REVERSED, only)) == [refused("LESSON_REVERSED")]
    assert told(approve(school, stale.entry_id)) == [refused("DECISION_REPLACED")]


# -- beside a refund


def test_a_refund_holds_a_disputed_hour_once_and_leaves_it_when_it_stands(school: School) -> None:
    contract = school.paid()
    (only,) = put_down(school, contract, 1)
    dispute(school, only)
    refund_id = school.asked(contract.contract_id, Cause.INSTITUTION)
    asked = school.refund(refund_id)
    assert asked.amount_fen + HOUR == 4_000_00
    assert school.balance(contract.contract_id).held_fen == 4_000_00
    decided(school, Verdict.RELEASED, only)
    balance = school.balance(contract.contract_id)
    assert (balance.held_fen, balance.released_fen) == (asked.amount_fen, HOUR)
    with school.engine.begin() as conn:
        assert refund_dispute.leave_earned(conn, school.number, school.tick()) == 0
    assert school.broken() == []


def test_what_was_held_is_paid_out_once_it_stands(school: School) -> None:
    contract = school.paid()
    (only,) = taught(school, contract, 1)
    dispute(school, only)
    school.seal()
    with school.engine.begin() as conn:
        built = payout.build_payout(
            conn, VAULT, school.number, CUSTODY, EXECUTE_ON, "clerk:li", school.tick(), school.rulebook
        )
    assert built == []
    decided(school, Verdict.RELEASED, only)
    paid_out(school)
    assert school.sums() == {"bank": 3_900_00, "claim": 3_900_00}
    assert school.broken() == []
