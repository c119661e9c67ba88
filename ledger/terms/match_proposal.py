"""A match, or the undoing of one, that a person proposes and a second person approves."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class PartAsked:
    """A part as a person names it: a line, the number of an announced payment or of a contract, and the amounts in fen
    (``amount_fen`` None: as much as is open on both sides).
    """

    line_id: UUID
    target: str
    amount_fen: int | None = None
    fee_fen: int = 0


@dataclass(frozen=True, slots=True)
class ProposedPart:
    """A part as it is kept: ``payment_id`` None where the approval announces the payment of ``contract_id`` itself."""

    line_id: UUID
    contract_id: UUID
    payment_id: UUID | None
    amount_fen: int
    fee_fen: int

    def as_row(self) -> dict[str, object]:
        """As the proposal's JSON holds it."""
        return {
            "line_id": str(self.line_id), "contract_id": str(self.contract_id),
            "payment_id": None if self.payment_id is None else str(self.payment_id),
            "amount_fen": self.amount_fen, "fee_fen": self.fee_fen,
        }  # fmt: skip

    @classmethod
    def of_row(cls, row: dict[str, Any]) -> "ProposedPart":
        """Read back what ``as_row`` wrote."""
        paid = row["payment_id"]
        return cls(
            UUID(row["line_id"]), UUID(row["contract_id"]), None if paid is None else UUID(paid), row["amount_fen"],
            row["fee_fen"],
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Proposal:
    """``undoes``: the match to undo; None where ``parts`` are to become one."""

    proposal_id: UUID
    fund_no: int
    undoes: UUID | None
    parts: tuple[ProposedPart, ...]
    reason: str
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None
