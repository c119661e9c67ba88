"""What families of an institution that closed would get, to the fen."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from ledger.rules import closed
from ledger.terms.closed import Entitlement, Gap
from ledger.terms.contract import ContractBalance

A, B, C = (UUID(int=n) for n in range(1, 4))


def test_the_reserve_fills_gaps_in_proportion() -> None:
    gaps = [Gap(A, 100_00), Gap(B, 200_00), Gap(C, 1)]
    assert closed.shares(gaps, 150_00) == {A: 50_00, B: 100_00, C: 0}
    assert closed.shares(gaps, 900_00) == {A: 100_00, B: 200_00, C: 1}
    assert closed.shares(gaps, 0) == {A: 0, B: 0, C: 0}
    assert closed.shares([], 5) == {}


@given(st.lists(st.integers(1, 10**9), max_size=30), st.integers(-5, 10**11))
def test_no_family_gets_more_than_its_gap_and_every_fen_is_given(dues: list[int], reserve: int) -> None:
    gaps = [Gap(UUID(int=n + 1), due) for n, due in enumerate(dues)]
    shares = closed.shares(gaps, reserve)
    assert sum(shares.values()) == max(min(reserve, sum(dues)), 0)
    assert all(0 <= shares[gap.contract_id] <= gap.due_fen for gap in gaps)


def test_a_family_s_own_money_comes_first() -> None:
    contract = ContractBalance(A, 1, 3_000_00, 30_00, paid_fen=3_000_00, released_fen=500_00, due_fen=800_00,
                               refund_due_fen=100_00)  # fmt: skip
    own = closed.entitlement(contract, 300_00)
    assert own == Entitlement(2_600_00, 1_800_00, 300_00)
    assert (own.expected_fen, own.missing_fen) == (2_100_00, 500_00)


def test_all_families_together() -> None:
    assert closed.together(1_000, 200, 50) == Entitlement(1_000, 800, 50)
    assert closed.together(1_000, 200, 500) == Entitlement(1_000, 800, 200)
    assert closed.together(0, 0, -3) == Entitlement(0, 0, 0)
