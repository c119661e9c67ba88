"""When a contract may go on in another account, and what its arrival does, without a database."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from ledger.rules import contract_move, match
from ledger.rules.posting import BANK, CLAIM, DUE
from ledger.terms.contract import ContractBalance
from ledger.terms.contract_move import Arrival, Chain, MoveCandidate, PaymentMade, Stay
from ledger.terms.journal import AccountClass, Transfer
from ledger.terms.match import KnownInstruction

OLD, NEW, FIRST, SECOND = (UUID(int=n) for n in range(1, 5))
HERE = ContractBalance(OLD, 1, 100_00, 10_00, paid_fen=100_00, price_signed_fen=100_00)
THERE = ContractBalance(NEW, 4, 100_00, 10_00, price_signed_fen=100_00)
FREE = MoveCandidate(OLD, "HT1", refund_open=False, lesson_open=False)
PAID_ON = date(2026, 3, 2)


def test_a_contract_with_nothing_open_goes() -> None:
    assert contract_move.stays(FREE, HERE) is None


@pytest.mark.parametrize(
    ("candidate", "balance", "why"),
    [
        (replace(FREE, refund_open=True), HERE, Stay.REFUND_OPEN),
        (FREE, replace(HERE, refund_due_fen=1), Stay.REFUND_OPEN),
        (replace(FREE, lesson_open=True), HERE, Stay.LESSON_OPEN),
        (FREE, replace(HERE, held_fen=1), Stay.HELD),
        (FREE, replace(HERE, due_fen=1), Stay.DUE),
    ],
)
def test_what_is_open_keeps_a_contract_where_it_is(
    candidate: MoveCandidate, balance: ContractBalance, why: Stay
) -> None:
    assert contract_move.stays(candidate, balance) is why


def test_what_arrives_is_the_claim_to_the_fen_and_every_payment_is_whole() -> None:
    payments = (PaymentMade(FIRST, PAID_ON, 40_00, 15_01, None), PaymentMade(SECOND, PAID_ON, 60_00, 60_00, None))
    arrival = Arrival(OLD, THERE, 2_50, payments, "offline")
    came, released = contract_move.arrived(arrival)
    assert came.transfers == (
        Transfer(BANK, CLAIM, 15_01, NEW, None, FIRST), Transfer(DUE, CLAIM, 24_99, NEW, None, FIRST),
        Transfer(BANK, CLAIM, 60_00, NEW, None, SECOND),
    )  # fmt: skip
    assert released.transfers == (Transfer(CLAIM, DUE, 24_99, NEW),)
    assert (came.kind, came.fund_no, released.kind, released.contract_id, released.hours) == (
        "contract_moved_in", 4, "hours_released", NEW, 2_50
    )  # fmt: skip


def test_a_contract_of_which_nothing_was_taught_arrives_as_its_payments() -> None:
    arrival = Arrival(OLD, THERE, 0, (PaymentMade(FIRST, PAID_ON, 40_00, 40_00, None),), "offline")
    (came,) = contract_move.arrived(arrival)
    assert came.transfers == (Transfer(BANK, CLAIM, 40_00, NEW, None, FIRST),)


def test_the_numbers_of_a_chain_go_on() -> None:
    assert Chain(OLD, "HT000001", "PP1", 0).next("HT000001") == "HT000001/2"
    assert Chain(OLD, "HT000001", "PP1", 2).next("PP1") == "PP1/4"


def test_payments_that_take_contracts_along_are_told_by_their_account() -> None:
    known = KnownInstruction(
        FIRST, 1, "move", AccountClass.CLAIM, 5, "in_transit", OLD, None, None, None, "move"
    )  # fmt: skip
    others = [replace(known, instruction_id=SECOND, fund_no=4), replace(known, purpose="refund")]
    assert match.taken_along([known, *others], 1) == ([FIRST], [SECOND])
