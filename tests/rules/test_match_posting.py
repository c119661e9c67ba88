"""What a matched line's money does to its contract, and what a person may still match."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from ledger.rules.match_posting import Assigning
from ledger.rules.match_proposal import fitting
from ledger.terms.contract import ContractBalance
from ledger.terms.journal import AccountClass
from ledger.terms.match import MatchPart
from ledger.terms.match_proposal import PartAsked, ProposedPart
from ledger.terms.match_suggestion import ExpectedPayment, OpenReceipt

CONTRACT = ContractBalance(UUID(int=1), 1, 500_00, 10_00)
PART = MatchPart(UUID(int=2), UUID(int=3), UUID(int=4), UUID(int=1), 300_00, 0, date(2026, 3, 6), 900_00)
LINE = OpenReceipt(UUID(int=2), date(2026, 3, 6), 500_00, "", None)
PAID = ExpectedPayment(UUID(int=3), "OR1", UUID(int=1), 297_00, 3_00, date(2026, 3, 6), "", "", None)


def moved(*parts: MatchPart, ended: frozenset[UUID] = frozenset()) -> list[tuple[int, str]]:
    """What each part gave the contract, and why not more."""
    assigning = Assigning({CONTRACT.contract_id: CONTRACT}, ended, {})
    answers = [assigning.answer(part) for part in parts]
    return [
        (sum(t.amount_fen for e in one.events for t in e.transfers if t.credit is AccountClass.CLAIM), one.code)
        for one in answers
    ]


def test_each_part_counts_for_the_next_one() -> None:
    assert moved(PART, PART) == [(300_00, ""), (200_00, "PAYMENT_OVER_PRICE")]
    assert moved(PART, PART, PART)[2] == (0, "PAYMENT_OVER_PRICE")


def test_money_that_has_left_suspense_is_not_there_to_assign() -> None:
    assert moved(replace(PART, in_suspense_fen=299_99)) == [(0, "LINE_SPENT")]
    both = replace(PART, in_suspense_fen=500_00, amount_fen=300_00)
    assert moved(both, both) == [(300_00, ""), (0, "LINE_SPENT")]  # what one part took is gone for the next


def test_a_contract_that_has_ended_takes_nothing() -> None:
    assert moved(PART, ended=frozenset({CONTRACT.contract_id})) == [(0, "CONTRACT_NOT_OPEN")]


def test_a_fee_is_taken_whole_or_not_at_all() -> None:
    assert moved(replace(PART, fee_fen=2_00)) == [(302_00, "")]
    full = replace(PART, amount_fen=499_00)
    assert moved(full, replace(PART, fee_fen=1_00)) == [(499_00, ""), (0, "PAYMENT_OVER_PRICE")]


def test_without_an_amount_all_that_is_open_is_meant() -> None:
    whole = ProposedPart(LINE.line_id, PAID.contract_id, PAID.payment_id, 297_00, 3_00)
    assert fitting([PartAsked(LINE.line_id, "OR1")], [LINE], [PAID], {}) == ((whole,), None)
    short = replace(LINE, open_fen=100_00)
    (part,), _ = fitting([PartAsked(LINE.line_id, "OR1")], [short], [PAID], {})
    assert (part.amount_fen, part.fee_fen) == (100_00, 3_00)
    said = PartAsked(LINE.line_id, "HT1", None, 5_00)
    (part,), _ = fitting([said], [LINE], [], {"HT1": UUID(int=9)})
    assert part == ProposedPart(LINE.line_id, UUID(int=9), None, 500_00, 5_00)


def test_a_payment_is_covered_once_by_several_parts() -> None:
    halves = [PartAsked(LINE.line_id, "OR1", 150_00), PartAsked(LINE.line_id, "OR1", 150_00)]
    assert fitting(halves, [LINE], [PAID], {})[1] is None
    parts, refusal = fitting([*halves, PartAsked(LINE.line_id, "OR1", 1)], [LINE], [PAID], {})
    assert (parts, refusal and refusal.code) == ((), "PAYMENT_RECEIVED")
    _, refusal = fitting([PartAsked(LINE.line_id, "OR1", 0)], [LINE], [PAID], {})
    assert refusal is not None
    assert refusal.code == "LINE_SPENT"
