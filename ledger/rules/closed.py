"""What the families of an institution that closed would get: their own money in custody first, then the reserve by
shares of what is missing, to the fen. Pure.
"""

from collections.abc import Sequence
from uuid import UUID

from ledger.money import split_by_largest_remainder
from ledger.terms.closed import Entitlement, Gap
from ledger.terms.contract import ContractBalance


def shares(gaps: Sequence[Gap], reserve_fen: int) -> dict[UUID, int]:
    """What of the reserve fills the gap of each contract: in proportion, never more than the gap; ties by contract id.

    ``gaps`` in the order of their contracts' ids.
    """
    missing = sum(gap.due_fen for gap in gaps)
    parts = split_by_largest_remainder(max(min(reserve_fen, missing), 0), [gap.due_fen for gap in gaps])
    return {gap.contract_id: part for gap, part in zip(gaps, parts, strict=True)}


def entitlement(contract: ContractBalance, from_reserve_fen: int) -> Entitlement:
    """What one family is owed for hours not taught and refunds approved, and where that is."""
    owed = contract.claim_fen + contract.refund_due_fen
    return Entitlement(owed, owed - contract.due_fen, from_reserve_fen)


def together(owed_fen: int, missing_fen: int, reserve_fen: int) -> Entitlement:
    """The same for all families of the institution."""
    return Entitlement(owed_fen, owed_fen - missing_fen, max(min(reserve_fen, missing_fen), 0))
