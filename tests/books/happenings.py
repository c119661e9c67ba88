"""Events drawn at random from what families, institutions and banks do, decided on the model's books.

Whoever draws gives the luck (``rng``), so that a test may repeat it or let Hypothesis choose it.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from uuid import UUID

from ledger.rules import posting, posting_payment
from ledger.terms.contract import ContractBalance
from ledger.terms.journal import AccountClass, Event
from tests.books.ledger_model import Model
from tests.world import CUSTODY, HANDS, RESERVE

PAYABLE, REFUND_DUE, SUSPENSE = AccountClass.PAYABLE, AccountClass.REFUND_DUE, AccountClass.SUSPENSE


@dataclass
class Instruction:
    """One payment out and what the walk knows of it."""

    kind: str
    source: AccountClass
    fund_no: int
    instruction_id: UUID
    fen: int
    contract_id: UUID | None = None
    line_id: UUID | None = None


@dataclass
class Happenings:
    """About a fifth of the events are too large, too late or decided on an old reading.

    ``new``: a fresh id, each greater than the one before.
    """

    model: Model
    rng: random.Random
    new: Callable[[], UUID]
    lines: list[UUID] = field(default_factory=list)
    reserve_lines: list[UUID] = field(default_factory=list)
    breaks: list[UUID] = field(default_factory=list)
    holds: list[tuple[UUID, UUID | None]] = field(default_factory=list)
    instructions: list[Instruction] = field(default_factory=list)
    posted: list[tuple[UUID, Event]] = field(default_factory=list)
    old: dict[UUID, ContractBalance] = field(default_factory=dict)

    def family(self, fund_no: int = CUSTODY) -> ContractBalance:
        """A family's row: as it is, or one time in ten as it was a while ago."""
        rows = self.old if self.old and self.rng.random() < 0.1 else self.model.contracts
        return self.rng.choice([row for row in rows.values() if row.fund_no == fund_no])

    def fen(self, most: int) -> int:
        """An amount, mostly within ``most``, sometimes just beyond or far beyond it."""
        most = max(most, 1)
        return self.rng.choice([1, most, most + 1, *(self.rng.randint(1, most * 6 // 5 + 1) for _ in range(9))])

    def line(self) -> UUID:
        self.lines.append(self.new())
        return self.lines[-1]

    def some_line(self) -> UUID:
        return self.rng.choice(self.lines[-30:]) if self.lines else self.new()

    def left(self, account_class: AccountClass, fund_no: int = CUSTODY) -> int:
        return self.model.accounts[fund_no, account_class, None] - self.model.held_on(fund_no, account_class)

    # -- money in

    def deposit(self) -> Event:
        row = self.family()
        return posting.deposit(row, self.line(), self.fen(row.payable_room_fen + 10_00))

    def provider_deposit(self) -> Event:
        row = self.family()
        return posting.provider_deposit(row, self.line(), self.fen(row.payable_room_fen), self.rng.randint(0, 60))

    def unknown_deposit(self) -> Event:
        return posting.deposit_to_suspense(CUSTODY, self.line(), self.fen(50_00))

    def unknown_top_up(self) -> Event:
        if self.reserve_lines and self.rng.random() < 0.5:
            line = self.rng.choice(self.reserve_lines[-5:])
            return posting.suspense_to_reserve(RESERVE, line, self.fen(self.model.items[line, SUSPENSE]))
        self.reserve_lines.append(self.new())
        return posting.deposit_to_suspense(RESERVE, self.reserve_lines[-1], self.fen(50_00))

    def assigned(self) -> Event:
        row, line = self.family(), self.some_line()
        return posting.suspense_assigned(row, line, self.new(), self.fen(self.model.items[line, SUSPENSE]))

    def suspense_pays_due(self) -> Event:
        row = self.family()
        return posting.suspense_pays_due(row, self.some_line(), self.fen(row.due_fen))

    def taken_back(self) -> Event | None:
        row = self.family()
        payments = self.model.payments_of(row.contract_id)
        if not payments:
            return None
        payment = self.rng.choice(payments)
        self.breaks.append(self.new())
        return posting.deposit_taken_back(row, payment, self.breaks[-1], self.fen(payment.paid_fen))

    def moved(self) -> Event | None:
        wrong, right = self.family(), self.family()
        payments = self.model.payments_of(wrong.contract_id)
        if not payments or wrong.contract_id == right.contract_id:
            return None
        payment = self.rng.choice(payments)
        return posting.deposit_moved(wrong, right, payment, self.fen(payment.left_fen), self.left(PAYABLE), self.new())

    def prepaid(self) -> Event:
        row = self.family(HANDS)
        return posting.prepaid_to_institution(row, self.new(), self.fen(row.payable_room_fen))

    # -- teaching

    def taught(self) -> Event:
        return posting.hours_released(
            self.family(self.rng.choice([CUSTODY, CUSTODY, HANDS])), self.rng.randint(0, 1_50)
        )

    def ahead(self) -> Event:
        row = self.family()
        return posting.released_ahead(row, self.fen((row.claim_fen - row.due_fen) // 3))

    def unreleased(self) -> Event:
        row = self.family()
        hours = self.rng.randint(0, 2_00)
        return posting.unreleased(row, self.fen(row.released_fen // 2), hours, self.left(PAYABLE))

    def hold(self) -> Event:
        row = self.family(self.rng.choice([CUSTODY, HANDS]))
        on_payable = self.rng.random() < 0.2
        self.holds.append((self.new(), None if on_payable else row.contract_id))
        if on_payable:
            return posting.hold_placed(CUSTODY, self.holds[-1][0], self.fen(self.left(PAYABLE) // 4), None)
        return posting.hold_placed(row.fund_no, self.holds[-1][0], self.fen(row.free_fen // 2), row.contract_id)

    def hold_ended(self) -> Event | None:
        if not self.holds:
            return None
        hold_id, contract_id = self.rng.choice(self.holds[-20:])
        fund_no = self.model.contracts[contract_id].fund_no if contract_id else CUSTODY
        open_fen = self.model.holds.get(hold_id, (0, None))[0]
        return posting.hold_ended(
            fund_no, hold_id, self.rng.choice([max(open_fen, 1), self.fen(open_fen)]), contract_id
        )

    # -- refunds

    def approved(self) -> Event | None:
        row = self.family(self.rng.choice([CUSTODY, CUSTODY, HANDS]))
        payments = self.model.payments_of(row.contract_id)
        owned = [h for h in self.holds if h[1] == row.contract_id and self.model.holds.get(h[0], (0, None))[0] > 0]
        hold = (owned[-1][0], self.model.holds[owned[-1][0]][0]) if owned and self.rng.random() < 0.7 else None
        most = sum(payment.left_fen for payment in payments)
        fen = min(self.fen(max(row.free_fen + 5_00, 1)), most)
        payable = self.left(PAYABLE) if row.fund_no == CUSTODY else 0
        return posting_payment.refund_approved(row, fen, payments, payable, hold) if fen else None

    def captured(self) -> Event | None:
        """A part of a hold becomes a refund; the rest stays held for the next part."""
        open_holds = [(one, self.model.holds.get(one[0], (0, None))[0]) for one in self.holds if one[1] is not None]
        open_holds = [(one, fen) for one, fen in open_holds if fen > 0]
        if not open_holds:
            return None
        (hold_id, contract_id), open_fen = self.rng.choice(open_holds[-20:])
        row = self.model.contracts[contract_id] if contract_id else self.family()
        payments = self.model.payments_of(row.contract_id)
        part = min(self.fen(open_fen), sum(payment.left_fen for payment in payments))
        if not part:
            return None
        payable = self.left(PAYABLE) if row.fund_no == CUSTODY else 0
        return posting_payment.refund_approved(row, part, payments, payable, (hold_id, part))

    def compensated(self) -> Event:
        return posting_payment.compensation_due(self.family(), self.fen(5_00), self.left(PAYABLE))

    def interest_due(self) -> Event:
        return posting_payment.interest_due(self.family(), self.fen(self.left(AccountClass.INTEREST)))

    def remainder(self) -> Event:
        row = self.family()
        return posting_payment.remainder_left(row, self.fen(row.free_fen // 4))

    def overcharged(self) -> Event | None:
        row = self.family()
        payments = self.model.payments_of(row.contract_id)
        fen = min(self.fen(row.free_fen // 4), sum(payment.left_fen for payment in payments))
        back = self.rng.randint(0, row.released_fen // 3 + 1)
        return posting_payment.overcharge_returned(row, back, fen, payments, self.left(PAYABLE)) if fen else None

    def proved(self) -> Event:
        row = self.family(HANDS)
        return posting_payment.refund_proved(row, self.fen(row.refund_due_fen))

    def unproved(self) -> Event:
        row = self.family(HANDS)
        return posting_payment.refund_unproved(row, self.fen(max(row.claim_fen - row.due_fen, 0)))

    # -- money out

    def instructed(self) -> Event:
        source = self.rng.choice([PAYABLE, REFUND_DUE, REFUND_DUE, SUSPENSE])
        one = Instruction(posting_payment.PAYMENT_KINDS[source][1], source, CUSTODY, self.new(), 0)
        if source is PAYABLE:
            one.fen = self.fen(self.left(PAYABLE) // 2)
        elif source is REFUND_DUE:
            owed = [row for row in self.model.contracts.values() if row.fund_no == CUSTODY and row.refund_due_fen]
            row = self.rng.choice(owed or [self.family()])
            one.contract_id, one.fen = row.contract_id, self.fen(row.refund_due_fen)
        else:
            one.line_id = self.some_line()
            one.fen = self.fen(self.model.items[one.line_id, SUSPENSE])
        self.instructions.append(one)
        return posting_payment.instructed(
            source, CUSTODY, one.instruction_id, one.fen, contract_id=one.contract_id, line_id=one.line_id
        )

    def moved_out(self) -> Event | None:
        row = self.family()
        payments = self.model.payments_of(row.contract_id)
        fen = min(self.fen(row.free_fen // 2), sum(payment.left_fen for payment in payments))
        if not fen:
            return None
        self.instructions.append(
            Instruction("contract_moved_out_booked", AccountClass.CLAIM, CUSTODY, self.new(), fen, row.contract_id)
        )
        return posting_payment.contract_moved_out(row, self.instructions[-1].instruction_id, fen, payments)

    def drawn(self) -> Event:
        purpose = self.rng.choice(["draw", "release"])
        kind = {"draw": "reserve_draw_booked", "release": "reserve_release_booked"}[purpose]
        fen = self.fen(self.left(AccountClass.RESERVE, RESERVE) // 2)
        self.instructions.append(Instruction(kind, AccountClass.RESERVE, RESERVE, self.new(), fen))
        return posting_payment.reserve_instructed(
            RESERVE, purpose, self.new(), self.instructions[-1].instruction_id, fen
        )

    def answered(self) -> Event | None:
        """The bank's answer to an instruction: booked, rejected or returned, in any order and more than once."""
        if not self.instructions:
            return None
        one = self.rng.choice(self.instructions[-12:])
        answer = self.rng.choice(["booked", "booked", "rejected", "returned"])
        if answer == "booked" or one.source is AccountClass.CLAIM:
            return posting_payment.booked(one.kind, one.fund_no, one.instruction_id, one.fen)
        if one.source is AccountClass.RESERVE:
            return posting_payment.reserve_rejected(RESERVE, one.instruction_id, one.fen)
        event = posting_payment.rejected if answer == "rejected" else posting_payment.returned
        return event(
            one.source, one.fund_no, one.instruction_id, one.fen, contract_id=one.contract_id, line_id=one.line_id
        )

    # -- the institution and the bank

    def paid_in(self) -> Event:
        dues = [row for row in self.model.contracts.values() if row.fund_no == CUSTODY and row.due_fen][:3]
        return posting_payment.paid_in(CUSTODY, self.line(), self.fen(sum(row.due_fen for row in dues)), dues)

    def set_off(self) -> Event | None:
        dues = [row for row in self.model.contracts.values() if row.fund_no == CUSTODY and row.due_fen][:3]
        return posting_payment.set_off(CUSTODY, self.fen(self.left(PAYABLE)), dues) if dues else None

    def topped_up(self) -> Event:
        return posting_payment.reserve_topped_up(RESERVE, self.fen(40_00))

    def interest(self) -> Event:
        if self.rng.random() < 0.5:
            return posting_payment.interest_booked(CUSTODY, self.fen(2_00))
        return posting_payment.interest_paid_over(CUSTODY, self.fen(self.left(AccountClass.INTEREST) // 2))

    def difference(self) -> Event:
        if self.breaks and self.rng.random() < 0.5:
            return posting_payment.difference_made_good(CUSTODY, self.rng.choice(self.breaks), self.fen(5_00))
        self.breaks.append(self.new())
        return posting_payment.unordered_debit(CUSTODY, self.breaks[-1], self.fen(5_00))

    def reversal(self) -> Event | None:
        plain = [
            (entry_id, event) for entry_id, event in self.posted[-60:] if event.hold is None and not event.reverses
        ]
        if not plain:
            return None
        entry_id, event = self.rng.choice(plain)
        return posting_payment.reversal(event, entry_id)

    # -- books taken over, contracts that come from elsewhere

    def taken_over(self) -> Event:
        row = self.family()
        if self.rng.random() < 0.3:
            return posting_payment.payable_taken_over(CUSTODY, self.some_line(), self.fen(20_00))
        parts = [(self.new(), self.fen(row.payable_room_fen // 2), self.rng.randint(0, 60))]
        return posting_payment.taken_over(row, self.some_line(), parts)

    def moved_in(self) -> Event:
        row = self.family()
        parts = [(self.new(), self.fen(row.payable_room_fen), self.rng.randint(0, 1) * self.rng.randint(0, 60))]
        return posting_payment.contract_moved_in(row, parts)

    def event(self) -> Event:
        """Any of them, the everyday ones more often."""
        while True:
            event = self.try_one(self.rng.choice(OFTEN))
            if event is not None:
                return event

    def try_one(self, name: str) -> Event | None:
        """One of ``OFTEN`` by name; None where the books have nothing it could happen to."""
        event: Event | None = getattr(self, name)()
        return event if event is not None and event.moves_something else None

    def kind_of(self, event: Event) -> str:
        """The kind whose rules an event follows: a reversal those of its original."""
        if event.reverses is None:
            return event.kind
        return next(original.kind for entry_id, original in self.posted if entry_id == event.reverses)


OFTEN = (
    *("deposit", "taught", "answered", "answered") * 2, "taught", "approved", "approved", "instructed", "instructed",
    "provider_deposit", "unknown_deposit", "assigned", "taken_back", "suspense_pays_due", "moved", "prepaid", "ahead",
    "unreleased", "hold", "hold_ended", "captured", "compensated", "remainder", "interest_due", "overcharged", "proved",
    "unproved", "moved_out", "moved_in", "drawn", "paid_in", "set_off", "topped_up", "unknown_top_up", "interest",
    "difference", "reversal", "taken_over",
)  # fmt: skip
