"""What a booked bank line is: certain, or left to a person."""

from datetime import date
from uuid import UUID

import pytest

from ledger.rules import match
from ledger.rules.match import Matching, match_key
from ledger.terms.contract import ContractBalance
from ledger.terms.institution import Fund
from ledger.terms.journal import AccountClass, FundKind
from ledger.terms.match import KnownInstruction, LineAnswer, MatchFacts, OpenLine

DAY = date(2026, 3, 2)
CONTRACT, OTHER, INSTRUCTION, REFUND, BREAK = (UUID(int=n) for n in range(1, 6))
CUSTODY, RESERVE = 1, 2


def fund(kind: FundKind = FundKind.CUSTODY, fund_no: int = CUSTODY) -> Fund:
    return Fund(1001, fund_no, kind, "6232001000000000118", "京华银行", "102100099996", "CNY", 0, DAY)


def contract(**changes: int) -> ContractBalance:
    return ContractBalance(CONTRACT, CUSTODY, **{"price_fen": 100_00, "hours_total": 10_00, **changes})


def instruction(
    purpose: str = "refund", source: AccountClass = AccountClass.REFUND_DUE, **changes: object
) -> KnownInstruction:
    facts: dict[str, object] = {
        "instruction_id": INSTRUCTION, "fund_no": CUSTODY, "batch_kind": "refund", "source": source,
        "amount_fen": 30_00, "state": "in_transit", "contract_id": CONTRACT, "refund_id": REFUND,
        "order_id": None, "line_id": None,
        "purpose": purpose,
    }  # fmt: skip
    return KnownInstruction(**{**facts, **changes})  # type: ignore[arg-type]  # a mapping of the fields above


def line(
    amount_fen: int = 30_00, *, credit: bool = True, key: str = "", end_to_end_id: str = "", code: str = ""
) -> OpenLine:
    return OpenLine(UUID(int=99), 1, amount_fen, credit, DAY, key, end_to_end_id, code)


def matching(
    *,
    of: Fund | None = None,
    known: KnownInstruction | None = None,
    ended: bool = False,
    signed: ContractBalance | None = None,
    dues: tuple[ContractBalance, ...] = (),
) -> Matching:
    return Matching(
        MatchFacts(
            fund=of or fund(),
            contracts={"PP000001": signed or contract()},
            ended=frozenset({CONTRACT} if ended else ()),
            instructions={"RF1": known} if known else {},
            dues=dues,
        )
    )


def moves(answer: LineAnswer) -> list[tuple[str, str, int]]:
    return [(t.debit, t.credit, t.amount_fen) for event in answer.events for t in event.transfers]


@pytest.mark.parametrize(
    ("texts", "key"),
    [
        (("", "预付课时费 PP-000001"), "PP000001"),
        (("NOTPROVIDED", "pp 000 001 学费"), "PP000001"),
        (("", "ＰＰ０００００１"), "PP000001"),
        (("RS001001", "PP000001"), "RS001001"),
        (("", "XPP000001"), ""),
        (("", "PP12345"), ""),
        ((), ""),
    ],
)
def test_the_reference_is_picked_from_what_people_write(texts: tuple[str, ...], key: str) -> None:
    assert match_key(texts) == key


def test_what_is_looked_up_is_each_key_once() -> None:
    lines = [line(key="PP2", end_to_end_id="RF1"), line(key="PP1"), line(key="PP2", end_to_end_id="RF1")]
    assert match.keys_of(lines) == (["PP1", "PP2"], ["RF1"])


def test_our_own_payment_is_booked_once_and_its_double_is_a_break() -> None:
    answers = matching(known=instruction())
    first = answers.answer(line(credit=False, end_to_end_id="RF1"), BREAK)
    assert (first.rule, first.kind, first.ref, first.broken) == ("R0", "refund_booked", INSTRUCTION, "")
    assert moves(first) == [("in_transit", "bank", 30_00)]
    second = answers.answer(line(credit=False, end_to_end_id="RF1"), BREAK)
    assert (second.finding, second.broken, second.ref) == ("DOUBLE_EXECUTION", "double_execution", BREAK)
    assert moves(second) == [("difference", "bank", 30_00)]


@pytest.mark.parametrize(
    ("known", "amount_fen", "finding"),
    [
        (instruction(), 29_99, "WRONG_AMOUNT"),
        (instruction(fund_no=RESERVE), 30_00, "UNORDERED_DEBIT"),
        (None, 30_00, "UNORDERED_DEBIT"),
    ],
)
def test_a_debit_nobody_ordered_is_a_difference(known: KnownInstruction | None, amount_fen: int, finding: str) -> None:
    answer = matching(known=known).answer(line(amount_fen, credit=False, end_to_end_id="RF1"), BREAK)
    assert (answer.finding, moves(answer)) == (finding, [("difference", "bank", amount_fen)])


@pytest.mark.parametrize(
    ("purpose", "source", "kind", "side"),
    [
        ("refund", AccountClass.REFUND_DUE, "refund_returned", "refund_due"),
        ("payout", AccountClass.PAYABLE, "payout_returned", "payable"),
        ("draw", AccountClass.RESERVE, "reserve_topped_up", "reserve"),
    ],
)
def test_a_payment_that_comes_back_goes_where_it_came_from(
    purpose: str, source: AccountClass, kind: str, side: str
) -> None:
    answers = matching(known=instruction(purpose, source, state="booked"))
    back = answers.answer(line(end_to_end_id="RF1"), BREAK)
    assert (back.kind, moves(back)) == (kind, [("bank", side, 30_00)])
    again = answers.answer(line(end_to_end_id="RF1"), BREAK)
    assert (again.kind, again.finding) == ("deposit_to_suspense", "OWNER_UNKNOWN")


def test_a_reserve_draw_and_what_the_institution_pays_in_meet_its_dues_oldest_first() -> None:
    first, second = (
        contract(paid_fen=100_00, due_fen=20_00),
        ContractBalance(OTHER, CUSTODY, 50_00, 1_00, due_fen=15_00),
    )
    draw = instruction("draw", AccountClass.RESERVE, fund_no=RESERVE, state="in_transit")
    answers = matching(known=draw, dues=(first, second))
    assert moves(answers.answer(line(end_to_end_id="RF1"), BREAK)) == [("bank", "due", 20_00), ("bank", "due", 10_00)]
    paid_in = answers.answer(line(8_00, key="BK001001"), BREAK)
    assert moves(paid_in) == [("bank", "due", 5_00), ("bank", "suspense", 3_00)]


def test_an_answer_of_another_amount_is_not_our_payment_coming_back() -> None:
    answer = matching(known=instruction(state="booked")).answer(line(29_99, end_to_end_id="RF1"), BREAK)
    assert (answer.finding, moves(answer)) == ("OWNER_UNKNOWN", [("bank", "suspense", 29_99)])


def test_money_of_another_account_that_is_no_draw_has_no_known_owner() -> None:
    release = instruction("release", AccountClass.RESERVE, fund_no=RESERVE)
    assert matching(known=release).answer(line(end_to_end_id="RF1"), BREAK).finding == "OWNER_UNKNOWN"


def test_a_top_up_counts_on_a_reserve_account_only() -> None:
    reserve = matching(of=fund(FundKind.RESERVE, RESERVE))
    assert moves(reserve.answer(line(key="RS001001"), BREAK)) == [("bank", "reserve", 30_00)]
    assert matching().answer(line(key="RS001001"), BREAK).finding == "OWNER_UNKNOWN"
    assert reserve.answer(line(key="PP000001"), BREAK).finding == "OWNER_UNKNOWN"


def test_a_deposit_goes_to_its_contract_up_to_the_price_and_releases_what_was_taught_meanwhile() -> None:
    answers = matching(signed=contract(hours_released=5_00))
    first = answers.answer(line(40_00, key="PP000001"), BREAK)
    assert moves(first) == [("bank", "claim", 40_00), ("claim", "payable", 40_00)]
    second = answers.answer(line(70_00, key="PP000001"), BREAK)
    assert moves(second) == [("bank", "claim", 60_00), ("bank", "suspense", 10_00), ("claim", "payable", 10_00)]
    assert (second.ref, second.finding) == (CONTRACT, "PAYMENT_OVER_PRICE")
    third = answers.answer(line(1_00, key="PP000001"), BREAK)
    assert (moves(third), third.finding) == ([("bank", "suspense", 1_00)], "PAYMENT_OVER_PRICE")


def test_a_deposit_before_any_lesson_releases_nothing() -> None:
    answer = matching().answer(line(key="PP000001"), BREAK)
    assert (answer.rule, moves(answer), answer.finding) == ("R1", [("bank", "claim", 30_00)], "")


def test_a_deposit_on_a_contract_that_ended_waits_in_suspense() -> None:
    answer = matching(ended=True).answer(line(key="PP000001"), BREAK)
    assert (answer.finding, answer.ref, moves(answer)) == ("CONTRACT_NOT_OPEN", CONTRACT, [("bank", "suspense", 30_00)])


def test_interest_is_told_by_the_bank_s_code() -> None:
    answer = matching().answer(line(code="PMNT/RCDT/INTR"), BREAK)
    assert (answer.rule, moves(answer)) == ("CODE", [("bank", "interest", 30_00)])
