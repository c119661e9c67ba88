"""States of payments only move forward, whatever order the bank's reports arrive in."""

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import permutations
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger.rules.payout_status import known_state, rejection, step_kind, steps, waits_for_account
from ledger.terms.ids import new_id
from ledger.terms.journal import AccountClass, Transfer
from ledger.terms.payout_status import (
    KnownPayment,
    PartStatus,
    PaymentState,
    PaymentStatus,
    SentPayment,
    StatusReason,
    StatusReport,
    StepKind,
)

S = PaymentState
WAY = (S.RECEIVED, S.TECHNICAL, S.PROFILE, S.IN_PROCESS, S.SETTLED, S.CREDITED)
SINGLE = [state for state in S if state is not S.PARTIAL]
CLOSED = (StatusReason("AC04", ""),)


def report(*parts: PartStatus, state: PaymentState | None = None) -> StatusReport:
    return StatusReport("pain.002.001.10", "BANK-1", "RF1", state, (), parts, "0" * 64)


def part(*payments: tuple[str, PaymentState | None], id_: str = "P1", state: PaymentState | None = None) -> PartStatus:
    return PartStatus(id_, state, CLOSED, tuple(PaymentStatus(name, said, ()) for name, said in payments))


def known(*ids: str, state: PaymentState | None = None, part_id: str = "P1") -> list[KnownPayment]:
    return [KnownPayment(id_, part_id, state) for id_ in ids]


def moved(found: StatusReport, payments: Sequence[KnownPayment]) -> dict[str, str]:
    return {step.end_to_end_id: f"{step.state} {step.kind}" for step in steps(found, payments).steps}


def test_every_way_through_the_states_ends_at_the_highest() -> None:
    for order in permutations(WAY):
        state: PaymentState | None = None
        for arrived in order:
            kind = step_kind(state, arrived)
            assert kind in (StepKind.FORWARD, StepKind.LATE)
            state = arrived if kind is StepKind.FORWARD else state
        assert state is S.CREDITED


@given(st.sampled_from(SINGLE), st.sampled_from(SINGLE))
def test_a_step_forward_is_never_taken_back(before: PaymentState, after: PaymentState) -> None:
    if step_kind(before, after) is StepKind.FORWARD:
        assert step_kind(after, before) in (StepKind.LATE, StepKind.CONTRADICTS)
    assert step_kind(before, before) is StepKind.SAME
    assert step_kind(None, after) is StepKind.FORWARD


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (S.IN_PROCESS, S.REJECTED, StepKind.FORWARD),
        (S.SETTLED, S.REJECTED, StepKind.CONTRADICTS),
        (S.CREDITED, S.CANCELLED, StepKind.CONTRADICTS),
        (S.REJECTED, S.SETTLED, StepKind.CONTRADICTS),
        (S.REJECTED, S.RECEIVED, StepKind.LATE),
        (S.REJECTED, S.CANCELLED, StepKind.SAME),
        (S.RECEIVED, S.PENDING, StepKind.LATE),
        (S.PENDING, S.RECEIVED, StepKind.FORWARD),
        (S.PROFILE, S.CHANGED, StepKind.FORWARD),
        (S.FUNDS, S.CHANGED, StepKind.LATE),
    ],
)
def test_rejections_are_final_and_pending_is_neutral(before: S, after: S, kind: StepKind) -> None:
    assert step_kind(before, after) is kind


def test_ten_of_a_thousand_rejected() -> None:
    ids = [f"RF{n}" for n in range(1_000)]
    found = report(part(*((id_, S.REJECTED) for id_ in ids[:10])), state=S.PARTIAL)
    first = steps(found, known(*ids, state=S.RECEIVED))
    assert (len(first.steps), first.counts[StepKind.FORWARD], first.unknown) == (10, 10, ())
    again = steps(found, known(*ids[:10], state=S.REJECTED) + known(*ids[10:], state=S.RECEIVED))
    assert (again.counts[StepKind.FORWARD], again.counts[StepKind.SAME]) == (0, 10)
    booked = steps(found, known(*ids, state=S.SETTLED))
    assert booked.counts[StepKind.CONTRADICTS] == 10


def test_a_group_or_part_speaks_for_the_payments_it_does_not_list() -> None:
    payments = [*known("A", "B"), *known("C", part_id="P2")]
    assert moved(report(state=S.REJECTED), payments) == dict.fromkeys("ABC", "RJCT forward")
    assert moved(report(part(state=S.REJECTED), state=S.PROFILE), payments) == {
        "A": "RJCT forward", "B": "RJCT forward", "C": "ACCP forward",
    }  # fmt: skip
    assert moved(report(part(("A", S.SETTLED), ("B", None)), state=S.PROFILE), payments) == {
        "A": "ACSC forward", "B": "ACCP forward", "C": "ACCP forward",
    }  # fmt: skip
    assert moved(report(part(("A", S.SETTLED)), state=S.PARTIAL), payments) == {"A": "ACSC forward"}
    assert moved(report(), payments) == {}


def test_a_reason_above_goes_with_the_state_above() -> None:
    (step, _) = steps(report(part(state=S.REJECTED)), known("A", "B")).steps
    assert (step.reasons, step.before) == (CLOSED, None)


def test_ids_that_were_never_sent_are_named() -> None:
    found = steps(report(part(("A", S.SETTLED), ("X", S.SETTLED), ("X", S.SETTLED)), part(id_="P9")), known("A"))
    assert found.unknown == ("X", "P9")
    assert [step.end_to_end_id for step in found.steps] == ["A"]


def test_an_id_listed_twice_is_taken_in_the_order_listed() -> None:
    found = steps(report(part(("A", S.SETTLED), ("A", S.RECEIVED), ("A", S.REJECTED))), known("A"))
    assert [step.kind for step in found.steps] == [StepKind.FORWARD, StepKind.LATE, StepKind.CONTRADICTS]


ID, CONTRACT, LINE = (new_id(datetime(2026, 3, second, tzinfo=UTC)) for second in (1, 2, 3))


def sent(source: AccountClass, books: str = "in_transit", said: PaymentState | None = None) -> SentPayment:
    return SentPayment(ID, "RF1", 1, source, 500, CONTRACT, None, LINE, books, said, 0)


@pytest.mark.parametrize(
    ("books", "said", "known_as"),
    [
        ("in_transit", None, None),
        ("in_transit", S.IN_PROCESS, S.IN_PROCESS),
        ("booked", None, S.SETTLED),
        ("booked", S.IN_PROCESS, S.SETTLED),
        ("booked", S.CREDITED, S.CREDITED),
        ("returned", S.SETTLED, S.SETTLED),
        ("rejected", None, S.REJECTED),
    ],
)
def test_a_booked_line_says_settled(books: str, said: PaymentState | None, known_as: PaymentState | None) -> None:
    assert known_state(sent(AccountClass.REFUND_DUE, books, said)) is known_as


@pytest.mark.parametrize(
    ("source", "kind", "contract_id", "line_id"),
    [
        (AccountClass.REFUND_DUE, "refund_rejected", CONTRACT, LINE),
        (AccountClass.PAYABLE, "payout_rejected", None, LINE),
        (AccountClass.SUSPENSE, "suspense_return_rejected", None, LINE),
        (AccountClass.RESERVE, "reserve_draw_rejected", None, None),
    ],
)
def test_a_rejection_goes_back_to_where_the_payment_came_from(
    source: AccountClass, kind: str, contract_id: UUID | None, line_id: UUID | None
) -> None:
    event = rejection(sent(source))
    assert event.kind == kind
    assert event.transfers == (
        Transfer(AccountClass.IN_TRANSIT, source, 500, contract_id, debit_item=ID, credit_item=line_id),
    )


def test_only_a_fault_of_the_account_waits_for_another() -> None:
    assert waits_for_account([StatusReason("AM04", ""), StatusReason("AC04", "")])
    assert not waits_for_account([StatusReason("AM04", ""), StatusReason("", "AC04")])
    assert not waits_for_account([])
