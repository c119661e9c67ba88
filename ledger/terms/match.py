"""Bank lines as they are matched: what the books know about them, and what each turned out to be."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from uuid import UUID

from ledger.terms.contract import ContractBalance
from ledger.terms.contract_move import Arrival
from ledger.terms.institution import Fund
from ledger.terms.journal import AccountClass, Event
from ledger.terms.prepayment import ChargeAtBooking


@dataclass(frozen=True, slots=True)
class OpenLine:
    """A booked bank line that nothing explains yet. ``match_key`` was picked from its texts at import; ``payer`` is the
    other side's name as the bank gives it.
    """

    line_id: UUID
    ord: int
    amount_fen: int
    credit: bool
    booked_on: date
    match_key: str
    end_to_end_id: str
    bank_code: str
    payer: str = ""


@dataclass(frozen=True, slots=True)
class KnownInstruction:
    """One of our own payments. ``source`` is the account class it left; ``state`` in_transit, booked,
    returned, rejected.
    """

    instruction_id: UUID
    fund_no: int
    batch_kind: str
    source: AccountClass
    amount_fen: int
    state: str
    contract_id: UUID | None
    refund_id: UUID | None
    order_id: UUID | None
    line_id: UUID | None
    purpose: str


@dataclass(frozen=True, slots=True)
class MatchFacts:
    """What the lines of one account are matched against. ``dues``: contracts of the fund with a due, oldest first.

    ``charges``: what the limits on prepayment are asked about when money for a contract is booked. ``arrivals``: what
    payments of another account bring to this one, by instruction; ``undo``: what payments that took a contract's money
    along have posted, newest first, should the bank give it back.
    """

    fund: Fund
    contracts: Mapping[str, ContractBalance]
    ended: frozenset[UUID]
    instructions: Mapping[str, KnownInstruction]
    dues: Sequence[ContractBalance]
    charges: Mapping[UUID, ChargeAtBooking] = field(default_factory=dict)
    arrivals: Mapping[UUID, Arrival] = field(default_factory=dict)
    undo: Mapping[UUID, Sequence[tuple[UUID, Event]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LineAnswer:
    """What a line is: the rule that said so, its events, and what must be looked at by a person.

    ``ref``: contract, instruction or break. ``finding``: a code where booked money was not lawful or not expected.
    ``broken``: the kind of break a debit nobody ordered opens. ``arrival``: a contract whose money this is.
    """

    line: OpenLine
    rule: str
    kind: str
    events: tuple[Event, ...]
    ref: UUID | None = None
    instruction: KnownInstruction | None = None
    finding: str = ""
    broken: str = ""
    arrival: Arrival | None = None


@dataclass(frozen=True, slots=True)
class RuleFound:
    """What one rule of a run found: matches, and the lines and payments in them."""

    rule: str
    matches: int
    lines: int
    payments: int


@dataclass(frozen=True, slots=True)
class MatchPart:
    """A part of a bank line that is (a part of) a payment of a contract. ``amount_fen`` is what the bank booked,
    ``fee_fen`` what a provider kept of the payment before. ``in_suspense_fen``: what the line still has there, for all
    its parts. ``payer``: the other side's name as the bank gives it.
    """

    line_id: UUID
    payment_id: UUID
    match_id: UUID
    contract_id: UUID
    amount_fen: int
    fee_fen: int
    booked_on: date
    in_suspense_fen: int
    payer: str = ""


@dataclass(frozen=True, slots=True)
class PartAnswer:
    """What a part does to the books: the money assigned, hours released by it; ``code``: why less or nothing."""

    part: MatchPart
    events: tuple[Event, ...]
    code: str = ""
