"""A contested cause: both outcomes are kept, the office's decision takes up its own, and two people stand behind it."""

from collections.abc import Sequence
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from ledger.books import record
from ledger.books import refund as refunds
from ledger.errors import Outcome, Result
from ledger.flows import refund, refund_cause
from ledger.flows.refund_cause import CauseDecided
from ledger.reports import family
from ledger.terms.contract import Contract
from ledger.terms.ids import new_id
from ledger.terms.refund import Cause
from ledger.terms.refund_request import CauseDecision, RefundState
from tests.flows.school import School

DONE = (Result.DONE, "")
DIGEST = bytes(range(32))


def told(outcome: Outcome) -> tuple[Result, str]:
    return outcome.result, outcome.code


def contested(school: School, taught: int = 10_00, cause: Cause = Cause.INSTITUTION) -> tuple[Contract, UUID]:
    """4,000 yuan for 40 hours, some taught; another family paid its list price of 150. Asked, then objected to."""
    school.paid(price_fen=3_000_00, hours_bought=20_00)
    contract = school.paid(list_price_fen=150_00)
    school.taught(contract.contract_id, taught)
    refund_id = school.asked(contract.contract_id, cause)
    with school.engine.begin() as conn:
        refund.answer(conn, school.number, [refund_id], RefundState.OBJECTED, "school", school.tick(), "学生自愿退课")
    return contract, refund_id


def decide(
    school: School, refund_id: UUID, cause: Cause, actor: str = "clerk:li", evidence: str = "聊天记录"
) -> Outcome:
    decided = [CauseDecided(refund_id, cause, "区教委", evidence, DIGEST, actor)]
    with school.engine.begin() as conn:
        (outcome,) = refund_cause.decide(conn, school.number, decided, school.tick())
    return outcome


def confirm(school: School, *refund_ids: UUID, actor: str = "clerk:wang") -> list[Outcome]:
    with school.engine.begin() as conn:
        return refund_cause.confirm(conn, school.number, refund_ids, actor, school.tick())


def decisions(school: School, refund_id: UUID) -> Sequence[CauseDecision]:
    with school.engine.begin() as conn:
        return refunds.decisions(conn, school.number, [refund_id])


def test_both_outcomes_are_kept_while_the_cause_is_open(school: School) -> None:
    contract, refund_id = contested(school)
    with school.engine.begin() as conn:
        shown = family.refunds(conn, school.number, [contract.contract_id])[contract.contract_id]
    assert (shown.cause, shown.amount_fen) == (Cause.INSTITUTION, 3_000_00)
    by_cause = {one["cause"]: one for one in shown.worksheet["alternatives"]}
    assert {cause: one["refund_fen"] for cause, one in by_cause.items()} == {"consumer": 2_500_00, "neither": 3_000_00}
    for one in (shown.worksheet, *by_cause.values()):
        assert sum(line["amount_fen"] for line in one["lines"]) == one["refund_fen"]
        assert sum(part["amount_fen"] for part in one["funding"]) == one["refund_fen"]
    assert decisions(school, refund_id) == []


def test_a_decision_counts_once_a_second_person_confirmed_it(school: School) -> None:
    contract, refund_id = contested(school)
    assert told(decide(school, refund_id, Cause.CONSUMER)) == DONE
    assert school.refund(refund_id).amount_fen == 3_000_00
    assert [told(one) for one in confirm(school, refund_id, actor="clerk:li")] == [(Result.REFUSED, "SAME_PERSON")]
    assert [told(one) for one in confirm(school, refund_id)] == [DONE]
    found = school.refund(refund_id)
    assert (found.cause, found.amount_fen, found.state) == (Cause.CONSUMER, 2_500_00, RefundState.AGREED)
    (decision,) = decisions(school, refund_id)
    assert (decision.office, decision.evidence, decision.evidence_digest) == ("区教委", "聊天记录", DIGEST.hex())
    assert (decision.entered_by, decision.confirmed_by) == ("clerk:li", "clerk:wang")
    with school.engine.begin() as conn:
        shown = family.refunds(conn, school.number, [contract.contract_id])[contract.contract_id]
        (outcome,) = refund.approve(conn, school.number, [refund_id], "clerk:zhao", school.tick())
    assert [line["code"] for line in shown.worksheet["lines"]] == ["paid", "hours_at_list_price"]
    assert {one["cause"] for one in shown.worksheet["alternatives"]} == {"institution", "neither"}
    assert told(outcome) == DONE
    balance = school.balance(contract.contract_id)
    assert (balance.refund_due_fen, balance.held_fen, balance.claim_fen) == (2_500_00, 0, 500_00)
    assert school.broken() == []


def test_a_decision_for_the_family_takes_up_the_higher_sheet(school: School) -> None:
    contract, refund_id = contested(school, cause=Cause.CONSUMER)
    assert school.refund(refund_id).amount_fen == 2_500_00
    decide(school, refund_id, Cause.INSTITUTION)
    confirm(school, refund_id)
    with school.engine.begin() as conn:
        refund.approve(conn, school.number, [refund_id], "clerk:zhao", school.tick())
    assert school.balance(contract.contract_id).refund_due_fen == 3_000_00
    assert school.broken() == []


def test_the_cause_that_was_asked_may_be_confirmed_as_it_is(school: School) -> None:
    _, refund_id = contested(school)
    decide(school, refund_id, Cause.INSTITUTION)
    confirm(school, refund_id)
    found = school.refund(refund_id)
    assert (found.amount_fen, found.state) == (3_000_00, RefundState.AGREED)


def test_where_nothing_comes_back_the_refund_is_refused_and_the_money_is_free_again(school: School) -> None:
    contract, refund_id = contested(school, taught=30_00)  # 30 x 150 = 4500 > 4000
    assert school.balance(contract.contract_id).held_fen == 1_000_00
    assert told(decide(school, refund_id, Cause.CONSUMER)) == DONE
    assert [told(one) for one in confirm(school, refund_id)] == [DONE]
    assert school.refund(refund_id).state is RefundState.REFUSED
    assert school.balance(contract.contract_id).held_fen == 0
    assert [row.refund_id for row in school.rows("refund_closed")] == [refund_id]
    assert school.broken() == []


def test_only_an_open_question_is_decided_and_each_decision_once(school: School) -> None:
    _, refund_id = contested(school)
    unknown = new_id(school.tick())
    assert told(decide(school, unknown, Cause.CONSUMER)) == (Result.REFUSED, "UNKNOWN_REFUND")
    assert [told(one) for one in confirm(school, unknown, refund_id)] == [
        (Result.REFUSED, "UNKNOWN_REFUND"), (Result.REFUSED, "CAUSE_UNDECIDED"),
    ]  # fmt: skip
    first = decide(school, refund_id, Cause.CONSUMER)
    again = decide(school, refund_id, Cause.CONSUMER, "clerk:zhao")
    assert (again.result, again.entry_id) == (Result.REPLAYED, first.entry_id)
    newer = decide(school, refund_id, Cause.INSTITUTION, evidence="搬迁通知")
    assert told(newer) == DONE
    assert [told(one) for one in confirm(school, refund_id, refund_id)] == [DONE, (Result.REFUSED, "CAUSE_SETTLED")]
    assert school.refund(refund_id).cause is Cause.INSTITUTION
    assert [one.confirmed_by for one in decisions(school, refund_id)] == [None, "clerk:wang"]
    assert told(decide(school, refund_id, Cause.CONSUMER)) == (Result.REFUSED, "CAUSE_SETTLED")


def old_refund(school: School) -> UUID:
    """A refund as it was kept before sheets of every cause, dates and parts were: asked by an earlier version."""
    contract = school.paid()
    now = school.tick()
    refund_id = new_id(now)
    sheet = {
        "refund_fen": 4_000_00, "lines": [{"code": "paid", "amount_fen": 4_000_00}], "digest": "00",
        "alternatives": [{"cause": "consumer", "refund_fen": 1_00}, {"cause": "neither", "refund_fen": 2_00}],
    }  # fmt: skip
    row = {
        "institution_id": school.number, "refund_id": refund_id, "contract_id": contract.contract_id, "follows": None,
        "cause": "institution", "amount_fen": 4_000_00, "hold_id": None, "worksheet": sheet, "quote_digest": b"x",
        "rulebook": "x", "rulebook_digest": b"x", "asked_on": "2026-03-20", "asked_by": "guardian:1",
        "answer_by": "2026-03-27", "pay_by": "2026-04-07", "payee_name_sealed": b"x", "payee_account_sealed": b"x",
        "payee_bank": "102100099996",
    }  # fmt: skip
    with school.engine.begin() as conn:
        record.insert(conn, "refund", [row])
        record.insert(
            conn, "refund_step", [refunds.step(school.number, refund_id, 1, RefundState.ASKED, "guardian:1", now)]
        )
    return refund_id


def test_a_refund_without_kept_sheets_stays_whole_and_is_decided_only_as_it_was_asked(school: School) -> None:
    refund_id = old_refund(school)
    found = school.refund(refund_id)
    assert (found.parts.principal_fen, found.parts.extra_fen, found.delayed_after) == (4_000_00, 0, None)
    with school.engine.begin() as conn:
        assert refunds.dates(conn, school.number, [refund_id]) == {}
    assert told(decide(school, refund_id, Cause.CONSUMER)) == (Result.REFUSED, "CAUSE_NOT_QUOTED")
    assert told(decide(school, refund_id, Cause.INSTITUTION)) == DONE
    assert [told(one) for one in confirm(school, refund_id)] == [DONE]
    assert school.refund(refund_id).state is RefundState.AGREED


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"evidence": ""}, "a cause is decided on evidence"),
        ({"office": ""}, "an office decides a cause"),
        ({"cause": "parent"}, "a decided cause is known"),
        ({"amount_fen": 1}, "what is decided is what its worksheet comes to"),
        ({"evidence_digest": b"short"}, "evidence has a SHA-256"),
    ],
)
def test_the_database_refuses_a_decision_without_its_parts(
    school: School, changed: dict[str, object], name: str
) -> None:
    _, refund_id = contested(school)
    row = {
        "institution_id": school.number, "decision_id": new_id(school.tick()), "refund_id": refund_id,
        "cause": "consumer", "office": "区教委", "evidence": "x", "evidence_digest": DIGEST, "amount_fen": 5,
        "worksheet": {"refund_fen": 5}, "decided_on": "2026-03-21", "entered_by": "a", "entered_at": school.tick(),
    }  # fmt: skip
    with pytest.raises(DBAPIError, match=name), school.engine.begin() as conn:
        record.insert(conn, "refund_cause", [row | changed])
    assert school.rows("refund_cause") == []
