"""Accounts, transfers, entries: the words of double entry as this ledger uses them."""

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from uuid import UUID


class AccountClass(StrEnum):
    """The classes of the chart (4-accounting). An account is an institution, a fund, a class and for the first
    three a contract.
    """

    DUE = "due"
    CLAIM = "claim"
    REFUND_DUE = "refund_due"
    BANK = "bank"
    PAYABLE = "payable"
    IN_TRANSIT = "in_transit"
    SUSPENSE = "suspense"
    RESERVE = "reserve"
    INTEREST = "interest"
    DIFFERENCE = "difference"


DEBIT_NORMAL = frozenset({AccountClass.BANK, AccountClass.DUE})
OF_A_CONTRACT = frozenset({AccountClass.DUE, AccountClass.CLAIM, AccountClass.REFUND_DUE})


class FundKind(StrEnum):
    """A custody account (A), a reserve account (R), or the institution's own hands (H, reserve mode)."""

    CUSTODY = "custody"
    RESERVE = "reserve"
    HANDS = "hands"


@dataclass(frozen=True, slots=True)
class Transfer:
    """``amount_fen`` > 0 from a debit to a credit account of the entry's fund.

    The items name what a side is made of: a payment (claim), an instruction (in_transit, bank), a bank line
    (suspense), a break (difference), an order (reserve). ``migrations/versions/0002`` says which sides need one.
    """

    debit: AccountClass
    credit: AccountClass
    amount_fen: int
    contract_id: UUID | None = None
    debit_item: UUID | None = None
    credit_item: UUID | None = None


class HoldAction(StrEnum):
    PLACE = "place"
    CAPTURE = "capture"
    RELEASE = "release"


@dataclass(frozen=True, slots=True)
class HoldMove:
    """Money kept from being used without moving it: on a contract's claim, or on the fund's payable."""

    hold_id: UUID
    action: HoldAction
    amount_fen: int


@dataclass(frozen=True, slots=True)
class Event:
    """What one business event does to the accounts of one fund: transfers, hours (hundredths), a hold; all or
    nothing.
    """

    kind: str
    fund_no: int
    transfers: tuple[Transfer, ...] = ()
    contract_id: UUID | None = None
    hours: int = 0
    hold: HoldMove | None = None
    reverses: UUID | None = None

    @property
    def moves_something(self) -> bool:
        """Whether there is anything to post; an event that moves nothing (0 fen released) is not an entry."""
        return bool(self.transfers) or self.hours != 0 or self.hold is not None


@dataclass(frozen=True, slots=True)
class Entry:
    """An event asked for under a key. ``asked`` is what the asker said (not what was decided): a second asking
    under the
    same key with other words is a conflict that names the field. ``effective_on`` is the accounting day, Asia/Shanghai.
    """

    entry_id: UUID
    key: str
    asked: tuple[tuple[str, str], ...]
    event: Event
    effective_on: date
    actor: str
    ref: UUID | None = None


@dataclass(frozen=True, slots=True)
class PostedTransfer:
    """A transfer as it is read back: accounts by name, <institution>:<class>:<item>; ``amount_fen`` > 0."""

    debit: str
    credit: str
    amount_fen: int


@dataclass(frozen=True, slots=True)
class PostedEntry:
    """An entry as it is read back; without transfers where it moved hours or a hold only."""

    entry_id: UUID
    effective_on: date
    kind: str
    transfers: tuple[PostedTransfer, ...]


@dataclass(frozen=True, slots=True)
class AccountBalance:
    """One account: both sides in fen; ``balance_fen`` is debit positive. ``account`` is
    <institution>:<class>[:<item>].
    """

    account: str
    debit_fen: int
    credit_fen: int

    @property
    def balance_fen(self) -> int:
        return self.debit_fen - self.credit_fen


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise of "What must hold" that does not: which, where, and by how much."""

    promise: str
    where: str
    expected_fen: int
    found_fen: int


@dataclass(frozen=True, slots=True)
class Promise:
    """A promise, how many things were checked for it, and what was found wrong."""

    name: str
    checked: int
    violations: tuple[Violation, ...] = field(default=())
