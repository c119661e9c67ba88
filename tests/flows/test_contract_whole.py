"""Whole lives of contracts made by chance, in the books: releases and refund and remainder are what was paid."""

from datetime import timedelta
from random import Random
from uuid import UUID

import pytest

from ledger.errors import Result
from ledger.flows import lesson_decision, refund
from ledger.terms.contract import Contract
from ledger.terms.lesson import Verdict
from ledger.terms.payout import BatchKind
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundAsked, RefundState
from ledger.terms.rulebook import Scalar
from tests.flows.school import CUSTODY, TAUGHT_ON, School, credit, debit
from tests.flows.teaching import LATE, confirm, decide, dispute, put_down, release_due
from tests.flows.test_payout import BOOKED_ON, build, render
from tests.flows.test_payout import approve as approve_batch
from tests.rules.rulebooks import THIRDS

MODES: list[dict[str, Scalar]] = [
    {},
    {"release.mode": "periodic", "release.period_days": 7},
    {"release.mode": "milestones", "release.milestones": THIRDS},
    {"release.mode": "after_order", "release.after_order_working_days": 15},
]
PRICE_FEN, HOURS = 1_000_01, 7  # no hour has a price in whole fen


class Life:
    """A contract to which things happen in an order made by chance."""

    def __init__(self, school: School, seed: int) -> None:
        self.school, self.random = school, Random(seed)
        school.rules = MODES[seed % len(MODES)]
        self.contract: Contract = school.signed(price_fen=PRICE_FEN, hours_bought=HOURS * 100)
        self.lessons: list[UUID] = []
        self.lose(self.pay)

    def lose(self, *happenings: object) -> None:
        for one in happenings:
            assert callable(one)
            one()
            self.whole()

    def whole(self) -> None:
        one = self.school.balance(self.contract.contract_id)
        assert one.paid_fen == one.released_fen + one.refunded_fen + one.claim_fen
        assert min(one.claim_fen, one.free_fen, one.due_fen) >= 0

    def pay(self) -> None:
        amount = self.random.randint(1, PRICE_FEN)
        self.school.bank(CUSTODY, credit(amount, self.contract.payment_reference))

    def teach(self) -> None:
        if len(self.lessons) < HOURS:
            starts = self.random.choice(["16:00", "16:00", LATE])
            on = TAUGHT_ON + timedelta(days=len(self.lessons))
            self.lessons += put_down(self.school, self.contract, 1, starts=starts, first_on=on)

    def confirm(self) -> None:
        confirm(self.school, *self.some())

    def wait(self) -> None:
        self.school.clock += timedelta(days=self.random.randint(1, 20))
        release_due(self.school, self.school.clock.date())

    def dispute(self) -> None:
        dispute(self.school, *self.some())

    def decide(self) -> None:
        made = decide(self.school, self.random.choice(list(Verdict)), *self.some())
        self.school.seal()
        ids = [one.entry_id for one in made if one.entry_id is not None]
        with self.school.engine.begin() as conn:
            lesson_decision.approve(conn, self.school.number, ids, "clerk:wang", self.school.tick())

    def draw(self) -> None:
        self.pay_out(BatchKind.PAYOUT)

    def some(self) -> list[UUID]:
        return self.random.sample(self.lessons, self.random.randint(0, min(2, len(self.lessons))))

    def pay_out(self, kind: BatchKind) -> None:
        """A batch, if there is anything to pay, through to the bank."""
        known = {one.batch_id for one in self.school.batches()}
        build(self.school, kind)
        for batch in self.school.batches():
            if batch.batch_id not in known:
                assert approve_batch(self.school, batch.batch_id).result is Result.DONE
                assert render(self.school, batch.batch_id)[0].result is Result.DONE
                lines = [debit(one.amount_fen, one.end_to_end_id) for one in self.school.instructions(batch)]
                self.school.bank(CUSTODY, *lines, on=BOOKED_ON)

    def end(self) -> None:
        """Every dispute is decided, the institution brings in what it owes, and the family has its refund."""
        school, contract_id = self.school, self.contract.contract_id
        self.decide_all()
        outcome = school.ask(RefundAsked(contract_id, Cause.INSTITUTION, "guardian:1"), school.clock)
        if outcome.result is Result.REFUSED:
            assert outcome.code == "NOTHING_TO_REFUND"
            return
        assert outcome.entry_id is not None
        with school.engine.begin() as conn:
            refund.answer(conn, school.number, [outcome.entry_id], RefundState.AGREED, "school", school.tick())
            (approved,) = refund.approve(conn, school.number, [outcome.entry_id], "clerk:wang", school.tick())
        assert approved.result is Result.DONE, approved
        self.whole()
        due = school.balance(contract_id).due_fen
        if due:
            school.bank(CUSTODY, credit(due, f"TOPUP{school.number}"))
        self.pay_out(BatchKind.REFUND)
        assert school.refund(outcome.entry_id).state is RefundState.PAID
        one = school.balance(contract_id)
        assert (one.claim_fen, one.released_fen + one.refunded_fen) == (0, one.paid_fen)

    def decide_all(self) -> None:
        for lesson_id in self.lessons:
            (made,) = decide(self.school, Verdict.RELEASED, lesson_id)
            if made.entry_id is not None:
                self.school.seal()
                with self.school.engine.begin() as conn:
                    lesson_decision.approve(
                        conn, self.school.number, [made.entry_id], "clerk:wang", self.school.tick()
                    )  # fmt: skip


def live(school: School, seed: int) -> None:
    life = Life(school, seed)
    steps = [life.pay, life.teach, life.teach, life.confirm, life.wait, life.dispute, life.decide, life.draw]
    for _ in range(12):
        life.lose(life.random.choice(steps))
    assert school.broken() == []
    life.lose(life.end)
    assert school.broken() == []


@pytest.mark.parametrize("seed", range(8))
def test_a_life_made_by_chance_is_whole(school: School, seed: int) -> None:
    live(school, seed)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(1_000, 1_200))
def test_many_lives_made_by_chance_are_whole(school: School, seed: int) -> None:
    live(school, seed)
