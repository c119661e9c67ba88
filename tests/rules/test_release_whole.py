"""Whatever happens to a contract, fen by fen: releases and refund and remainder are what was paid.

500 examples in a normal run, 100,000 in a full one.
"""

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.rules import lesson_dispute, posting, posting_payment, refund_funding, release
from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.journal import AccountClass, Event
from ledger.terms.refund_request import RefundParts
from ledger.terms.release import ReleaseFacts, ReleaseMode, ReleaseTerms
from tests.picks import Pick, drawn, thrown
from tests.rules.rulebooks import THIRDS

CALENDAR = load_rulebooks([BUILT_IN]).calendar("110000")
QUICK, FULL = 500, 100_000
MODES = [
    ReleaseTerms(),
    ReleaseTerms(ReleaseMode.PERIODIC, period_days=7),
    ReleaseTerms(ReleaseMode.MILESTONES, milestones=THIRDS),
    ReleaseTerms(ReleaseMode.AFTER_ORDER, after_order_working_days=15),
]
CONTRACT, HOLD = UUID(int=1), UUID(int=2)


@dataclass
class Life:
    """A contract and the institution's money: ``payable`` earned and not drawn, ``drawn`` paid out. Amounts in fen."""

    by: ReleaseTerms
    contract: ContractBalance
    payments: list[Payment] = field(default_factory=list)
    payable: int = 0
    drawn: int = 0
    confirmed: int = 0
    today: date = date(2026, 3, 2)
    waiting_since: date | None = None
    last_on: date | None = None

    def pay(self, amount: int) -> None:
        amount = min(amount, self.contract.payable_room_fen)
        if amount:
            self.payments.insert(0, Payment(UUID(int=100 + len(self.payments)), amount, 0))
            self.contract = replace(self.contract, paid_fen=self.contract.paid_fen + amount)
            self._released(posting.hours_released(self.contract, 0))

    def teach(self, hours: int) -> None:
        if self.confirmed == self.contract.hours_released:
            self.waiting_since = self.today
        self.confirmed = min(self.confirmed + hours, self.contract.hours_total)
        self.last_on = self.today

    def wait(self, days: int) -> None:
        """Days pass, and the calendar releases what the contract's mode lets go."""
        self.today += timedelta(days=days)
        facts = ReleaseFacts(
            self.contract.hours_total, self.contract.hours_released, self.confirmed, self.waiting_since, self.last_on
        )
        hours = release.hours_to_release(self.by, facts, self.today, CALENDAR)
        self._released(posting.hours_released(self.contract, hours))

    def take_back(self, hours: int) -> None:
        """Hours that were released come back to the family."""
        hours = min(hours, self.contract.hours_released)
        amount = lesson_dispute.taken_back(self.contract, hours)
        event = posting.unreleased(self.contract, amount, hours, self.payable)
        self.payable -= posting_payment.taken_from_payable(event)
        self.contract = posting.after_unrelease(self.contract, event)
        self.confirmed -= hours

    def hold(self, hours: int) -> None:
        """A dispute; one at a time."""
        amount = lesson_dispute.held_before_release(replace(self.contract, held_fen=0), hours)
        self.contract = replace(self.contract, held_fen=amount)

    def draw(self, _: int) -> None:
        self.drawn, self.payable = self.drawn + self.payable, 0

    def end(self, asked: int) -> None:
        """A refund of ``asked``, as far as it was paid, and what the rule leaves to the institution."""
        held = self.contract.held_fen
        back = min(asked, self.contract.paid_fen)
        parts = RefundParts(0, back, 0)
        hold = (HOLD, held) if held else None
        for event in refund_funding.approved(self.contract, parts, self.payments, self.payable, hold):
            self.payable -= posting_payment.taken_from_payable(event)
            self.contract = refund_funding.after(self.contract, event)
        self.contract = replace(self.contract, held_fen=0)
        assert self.contract.refunded_fen == back
        self._released(posting_payment.remainder_left(self.contract, self.contract.claim_fen))

    def _released(self, event: Event) -> None:
        self.payable += sum(one.amount_fen for one in event.transfers if one.credit is AccountClass.PAYABLE)
        self.contract = posting.after_release(self.contract, event)

    def check(self) -> None:
        one = self.contract
        assert one.paid_fen == one.released_fen + one.refunded_fen + one.claim_fen
        assert one.released_fen == self.payable + self.drawn - one.due_fen
        assert min(one.claim_fen, one.free_fen, one.due_fen, self.payable) >= 0
        assert one.hours_released <= self.confirmed <= one.hours_total


STEPS = {"pay": 600_000, "teach": 3_00, "wait": 30, "take_back": 5_00, "hold": 3_00, "draw": 0}


def releases_and_refund_and_remainder_are_what_was_paid(pick: Pick) -> None:
    life = Life(pick.one_of(MODES), ContractBalance(CONTRACT, 1, pick.number(1, 600_000), pick.number(1, 60_00)))
    for _ in range(pick.number(0, 20)):
        step = pick.one_of(tuple(STEPS))
        getattr(life, step)(pick.number(1 if step == "pay" else 0, STEPS[step]))
        life.check()
    life.end(pick.number(0, 700_000))
    life.check()
    assert life.contract.claim_fen == 0
    assert life.contract.released_fen + life.contract.refunded_fen == life.contract.paid_fen


def test_releases_and_refund_and_remainder_are_what_was_paid() -> None:
    drawn(releases_and_refund_and_remainder_are_what_was_paid, QUICK)
    thrown(releases_and_refund_and_remainder_are_what_was_paid, QUICK)


@pytest.mark.full
def test_a_hundred_thousand_lives_come_to_what_was_paid() -> None:
    thrown(releases_and_refund_and_remainder_are_what_was_paid, FULL)
