"""Reserve mode: a prepayment counts once the reserve covers what is required, and a draw pays families from it."""

from datetime import UTC, date, datetime, time
from uuid import UUID

from ledger.errors import Outcome, Result
from ledger.flows import payout, prepayment, refund, reserve
from ledger.terms.ids import new_id
from ledger.terms.institution import Payee
from ledger.terms.payout import ReserveOrder
from ledger.terms.prepayment_receipt import Receipt
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundAsked, RefundState
from tests.flows.school import HANDS, PRICE_FEN, RESERVE, SIGNED_ON, VAULT, School, credit, debit

RECEIVED_AT = datetime.combine(SIGNED_ON, time(4), UTC)
FLOOR_FEN = 100_000_00  # the least reserve of the demo world
ORDERED_ON, BOOKED_ON = date(2026, 3, 23), date(2026, 3, 25)
FAMILY = Payee("欧阳家长", "6217000099998888777", "105100000017")


def told(outcome: Outcome) -> tuple[Result, str]:
    return outcome.result, outcome.code


def receive(school: School, *receipts: Receipt) -> list[Outcome]:
    with school.engine.begin() as conn:
        return prepayment.receive(conn, school.number, receipts, school.rulebook, "school", school.at(RECEIVED_AT))


def receipt(contract_id: UUID, number: str = "SJ-1", amount_fen: int = PRICE_FEN) -> Receipt:
    return Receipt(number, contract_id, amount_fen, SIGNED_ON)


def top_up(school: School, amount_fen: int = FLOOR_FEN) -> None:
    imported = school.bank(RESERVE, credit(amount_fen, "RS00000001"))
    assert imported.posted == 1
    school.seal()


def order(school: School, amount_fen: int = PRICE_FEN, document_no: str = "沪教保〔2026〕1号") -> ReserveOrder:
    return ReserveOrder(
        new_id(school.tick()), RESERVE, "draw", amount_fen, "浦东新区教育局", document_no, ORDERED_ON, "clerk:li"
    )  # fmt: skip


def enter(school: School, new: ReserveOrder, approver: str = "clerk:wang") -> Outcome:
    with school.engine.begin() as conn:
        return reserve.enter_order(conn, school.number, new, approver, school.tick())


def draw(school: School, found: ReserveOrder, *refund_ids: UUID) -> list[Outcome]:
    school.seal()
    with school.engine.begin() as conn:
        return payout.build_reserve(
            conn, VAULT, school.number, found, refund_ids, BOOKED_ON, "clerk:li", school.tick()
        )  # fmt: skip


def family_to_pay(school: School) -> tuple[UUID, UUID]:
    """A family that paid the school and whose refund is approved: its contract and the refund."""
    contract_id = school.signed().contract_id
    assert [told(one) for one in receive(school, receipt(contract_id, f"SJ-{contract_id}"))] == [(Result.DONE, "")]
    refund_id = school.asked(contract_id, Cause.INSTITUTION, FAMILY)
    with school.engine.begin() as conn:
        refund.answer(conn, school.number, [refund_id], RefundState.AGREED, "school", school.tick())
        (outcome,) = refund.approve(conn, school.number, [refund_id], "clerk:wang", school.tick())
    assert outcome.result is Result.DONE, outcome
    return contract_id, refund_id


def test_a_prepayment_waits_for_the_reserve(reserve_school: School) -> None:
    contract_id = reserve_school.signed().contract_id
    below = (Result.REFUSED, "RESERVE_BELOW_REQUIRED")
    assert [told(one) for one in receive(reserve_school, receipt(contract_id))] == [below]
    top_up(reserve_school, FLOOR_FEN - 1)
    assert [told(one) for one in receive(reserve_school, receipt(contract_id))] == [below]
    assert reserve_school.balance(contract_id).paid_fen == 0
    top_up(reserve_school, 1)
    assert [told(one) for one in receive(reserve_school, receipt(contract_id))] == [(Result.DONE, "")]
    assert reserve_school.sums(HANDS) == {"claim": PRICE_FEN, "due": PRICE_FEN}
    assert reserve_school.sums(RESERVE) == {"bank": FLOOR_FEN, "reserve": FLOOR_FEN}
    assert reserve_school.broken() == []


def test_a_receipt_is_booked_once(reserve_school: School) -> None:
    top_up(reserve_school)
    contract_id = reserve_school.signed().contract_id
    half = receipt(contract_id, amount_fen=2_000_00)
    outcomes = receive(reserve_school, half) + receive(reserve_school, half)
    assert [outcome.result for outcome in outcomes] == [Result.DONE, Result.REPLAYED]
    (other,) = receive(reserve_school, receipt(contract_id, amount_fen=1_999_00))
    assert (other.result, other.field) == (Result.CONFLICT, "amount")
    assert reserve_school.balance(contract_id).paid_fen == 2_000_00


def test_receipts_are_answered_one_by_one(reserve_school: School) -> None:
    top_up(reserve_school)
    contract_id = reserve_school.signed().contract_id
    unknown = new_id(reserve_school.tick())
    outcomes = receive(
        reserve_school, receipt(unknown, "SJ-1"), receipt(contract_id, "SJ-2"), receipt(contract_id, "SJ-3", 1)
    )  # fmt: skip
    assert [told(one) for one in outcomes] == [
        (Result.REFUSED, "UNKNOWN_CONTRACT"), (Result.DONE, ""), (Result.REFUSED, "PRICE_EXCEEDED"),
    ]  # fmt: skip
    assert reserve_school.balance(contract_id).paid_fen == PRICE_FEN


def test_a_draw_pays_the_family_and_the_school_owes_it(reserve_school: School) -> None:
    top_up(reserve_school)
    contract_id, refund_id = family_to_pay(reserve_school)
    ordered = order(reserve_school)
    assert told(enter(reserve_school, ordered)) == (Result.DONE, "")
    assert [told(one) for one in draw(reserve_school, ordered, refund_id)] == [(Result.DONE, "")]
    assert reserve_school.refund(refund_id).state is RefundState.IN_TRANSIT
    (instruction,) = reserve_school.instructions(reserve_school.batches()[0])
    assert (instruction.payee_account, instruction.amount_fen) == (FAMILY.account, PRICE_FEN)
    before = reserve_school.balance(contract_id)
    assert (before.refund_due_fen, before.due_fen) == (PRICE_FEN, PRICE_FEN)
    reserve_school.bank(RESERVE, debit(PRICE_FEN, instruction.end_to_end_id), on=BOOKED_ON)
    after = reserve_school.balance(contract_id)
    assert (after.refund_due_fen, after.due_fen) == (0, 0)
    assert reserve_school.refund(refund_id).state is RefundState.PAID
    assert reserve_school.sums(HANDS) == {}
    left = FLOOR_FEN - PRICE_FEN
    assert reserve_school.sums(RESERVE) == {"bank": left, "reserve": left}
    assert reserve_school.broken() == []


def test_an_order_is_spent_once(reserve_school: School) -> None:
    top_up(reserve_school)
    (_, first), (_, second) = family_to_pay(reserve_school), family_to_pay(reserve_school)
    ordered = order(reserve_school)
    enter(reserve_school, ordered)
    assert [told(one) for one in draw(reserve_school, ordered, first, second)] == [(Result.REFUSED, "ORDER_SPENT")]
    assert reserve_school.batches() == []
    assert [told(one) for one in draw(reserve_school, ordered, first)] == [(Result.DONE, "")]
    assert [told(one) for one in draw(reserve_school, ordered, second)] == [(Result.REFUSED, "ORDER_SPENT")]
    assert reserve_school.refund(second).state is RefundState.APPROVED
    assert len(reserve_school.batches()) == 1


def test_a_draw_pays_approved_refunds_only(reserve_school: School) -> None:
    top_up(reserve_school)
    contract_id = reserve_school.signed().contract_id
    receive(reserve_school, receipt(contract_id))
    asked = reserve_school.asked(contract_id, Cause.INSTITUTION, FAMILY)
    ordered = order(reserve_school)
    enter(reserve_school, ordered)
    assert [told(one) for one in draw(reserve_school, ordered, asked)] == [(Result.REFUSED, "REFUND_NOT_APPROVED")]
    assert reserve_school.batches() == []


def test_a_family_paid_outside_the_bank_must_say_to_which_account(reserve_school: School) -> None:
    top_up(reserve_school)
    contract_id = reserve_school.signed().contract_id
    receive(reserve_school, receipt(contract_id))
    outcome = reserve_school.ask(RefundAsked(contract_id, Cause.INSTITUTION, "guardian:1"))
    assert told(outcome) == (Result.REFUSED, "PAYEE_UNKNOWN")
    assert reserve_school.balance(contract_id).held_fen == 0
