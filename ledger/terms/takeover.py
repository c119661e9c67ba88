"""Running books of an institution as they are taken over: what was paid, what was taught, where the money is."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Final
from uuid import UUID

from ledger.terms.institution import CourseOffer, Family, Fund, Institution, Payee

# The number of the one lesson that stands for all hours taught before, and the reason of its steps.
LESSON_NO: Final = "taken over"


def opening_key(fund_no: int) -> str:
    """The key of the entry by which an account's opening balance came into suspense."""
    return f"opening of fund {fund_no}"


@dataclass(frozen=True, slots=True)
class RunningPayment:
    """What a family paid before, and from which account where that is known. ``payment_id`` as it will be kept."""

    payment_id: UUID
    paid_on: date
    amount_fen: int
    payer: Payee | None


@dataclass(frozen=True, slots=True)
class RunningContract:
    """A contract that runs already. ``payments`` oldest first; ``hours_taught`` in hundredths; ``in_custody_fen``: what
    the account holds for it, for hours not taught and for those earned and not paid out.
    """

    contract_id: UUID
    contract_no: str
    payment_reference: str
    course_code: str
    family: Family
    price_fen: int
    list_price_fen: int | None
    hours_bought: int
    hours_gifted: int
    months: int | None
    first_lesson_on: date
    signed_on: date
    payments: tuple[RunningPayment, ...]
    hours_taught: int
    in_custody_fen: int

    @property
    def paid_fen(self) -> int:
        return sum(payment.amount_fen for payment in self.payments)

    @property
    def hours_total(self) -> int:
        return self.hours_bought + self.hours_gifted


@dataclass(frozen=True, slots=True)
class RunningBooks:
    """A file of them, for one account. ``earned_fen``: what the account holds of the institution's own besides, from
    contracts that are over.
    """

    institution: Institution
    payee: Payee
    fund: Fund
    courses: tuple[CourseOffer, ...]
    contracts: tuple[RunningContract, ...]
    earned_fen: int

    @property
    def explained_fen(self) -> int:
        """What of the account's balance the file explains."""
        return self.earned_fen + sum(contract.in_custody_fen for contract in self.contracts)


@dataclass(frozen=True, slots=True)
class TakeoverProposal:
    """A file as one person offered it; ``approved_by``: who offered the same one again."""

    takeover_id: UUID
    proposed_by: str
    proposed_at: datetime
    approved_by: str | None


@dataclass(frozen=True, slots=True)
class TakeoverRefusal:
    """Why a file is not taken over: a code, where in the file, and what is more than what it may be at most."""

    code: str
    where: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class TakenOver:
    """What a take-over came to, in fen: sums of its contracts as the books hold them, and what no one explains yet."""

    contracts: int
    paid_fen: int
    released_fen: int
    claim_fen: int
    due_fen: int
    payable_fen: int
    unexplained_fen: int
    findings: int
