"""The ledger once more in plain Python, written from the accounting policy and not from the SQL."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from uuid import UUID

from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.journal import DEBIT_NORMAL, OF_A_CONTRACT, AccountClass, Event, HoldAction, Transfer

BANK, DUE, CLAIM, REFUND_DUE = AccountClass.BANK, AccountClass.DUE, AccountClass.CLAIM, AccountClass.REFUND_DUE
GUARDED = (AccountClass.PAYABLE, AccountClass.RESERVE, AccountClass.INTEREST)
# A claim that meets payable or due: hours released, or taken back; unless the event is a payment.
_PAYMENTS = ("provider_deposit", "prepaid_to_institution", "deposit_moved", "taken_over", "contract_moved_in")
_COUNTERS = {
    BANK: "paid_fen",
    AccountClass.SUSPENSE: "paid_fen",
    REFUND_DUE: "refunded_fen",
    AccountClass.IN_TRANSIT: "refunded_fen",
}

Account = tuple[int, AccountClass, UUID | None]


@dataclass
class Model:
    """Accounts are positive on their normal side. ``items``: what a payment, line, instruction or break still holds."""

    contracts: dict[UUID, ContractBalance]
    accounts: Counter[Account] = field(default_factory=Counter)
    items: Counter[tuple[UUID, AccountClass]] = field(default_factory=Counter)
    payments: dict[UUID, dict[UUID, tuple[int, int]]] = field(default_factory=dict)
    holds: dict[UUID, tuple[int, UUID | None]] = field(default_factory=dict)
    held: Counter[int] = field(default_factory=Counter)
    reversed_ids: set[UUID] = field(default_factory=set)
    unfolded: Counter[tuple[int, AccountClass]] = field(default_factory=Counter)

    def payments_of(self, contract_id: UUID) -> tuple[Payment, ...]:
        """Newest first."""
        found = self.payments.get(contract_id, {})
        return tuple(Payment(one, *found[one]) for one in sorted(found, reverse=True))

    def take(self, event: Event, kind: str) -> bool:
        """Book an event when all that must hold still does; whether it was. ``kind``: a reversal has its original's."""
        after = self._after(event, kind)
        if after is None or not all(after._covers(event.fund_no, guarded, 0) for guarded in GUARDED):
            return False
        self.__dict__.update(after.__dict__)
        return True

    def answer(self, event: Event, kind: str, *, final: bool) -> str:
        """The same as one asks it: "done", "refused", or "later" where only a guarded account is too small and what
        came into it since the last seal is not counted yet. ``final``: asked again after a seal.
        """
        after = self._after(event, kind)
        if after is None:
            return "refused"
        for guarded in GUARDED:
            taken = any(t.debit is guarded for t in event.transfers)
            held = guarded is AccountClass.PAYABLE and event.hold is not None and event.contract_id is None
            if (taken or held) and not after._covers(event.fund_no, guarded, after.unfolded[event.fund_no, guarded]):
                return "refused" if final else "later"
        self.__dict__.update(after.__dict__)
        return "done"

    def book(self, event: Event, kind: str) -> None:
        """Book what somebody else has accepted, without asking whether it fits: ``overdrawn`` tells afterwards."""
        if event.reverses is not None:
            assert event.reverses not in self.reversed_ids, "an entry is reversed twice"
            self.reversed_ids.add(event.reverses)
        for transfer in event.transfers:
            self._move(event.fund_no, kind, transfer)
        self._hours_and_hold(event)

    def overdrawn(self) -> list[str]:
        """Every limit that does not hold, over all families, items, holds and guarded accounts."""
        funds = {fund_no for fund_no, _, _ in self.accounts}
        return [
            *(f"family {one}" for one, row in self.contracts.items() if not _kept(row)),
            *(f"{kind} item {one}" for (one, kind), fen in self.items.items() if fen < 0 and kind != "difference"),
            *(f"hold {one}" for one, (fen, _) in self.holds.items() if fen < 0),
            *(f"{one} of fund {fund}" for fund in funds for one in GUARDED if not self._covers(fund, one, 0)),
        ]

    def fold(self) -> None:
        """A seal: what came into guarded accounts counts from now on."""
        self.unfolded = Counter()

    def _after(self, event: Event, kind: str) -> "Model | None":
        """The books with the event in them, None where a limit other than a guarded account's is broken."""
        after = Model(
            dict(self.contracts), self.accounts.copy(), self.items.copy(), dict(self.payments), dict(self.holds),
            self.held.copy(), set(self.reversed_ids), self.unfolded.copy(),
        )  # fmt: skip
        if event.reverses is not None:
            if event.reverses in after.reversed_ids:
                return None
            after.reversed_ids.add(event.reverses)
        for transfer in event.transfers:
            after._move(event.fund_no, kind, transfer)
        after._hours_and_hold(event)
        return after if after._stands(event) else None

    def _covers(self, fund_no: int, guarded: AccountClass, less: int) -> bool:
        return self.accounts[fund_no, guarded, None] - less >= self.held_on(fund_no, guarded)

    def _move(self, fund_no: int, kind: str, moved: Transfer) -> None:
        for account_class, item, sign in ((moved.debit, moved.debit_item, 1), (moved.credit, moved.credit_item, -1)):
            contract_id = moved.contract_id if account_class in OF_A_CONTRACT else None
            normal = 1 if account_class in DEBIT_NORMAL else -1
            self.accounts[fund_no, account_class, contract_id] += sign * normal * moved.amount_fen
            if sign < 0 and account_class in GUARDED:
                self.unfolded[fund_no, account_class] += moved.amount_fen
            if item is not None and account_class is not AccountClass.RESERVE:
                self.items[item, account_class] -= sign * moved.amount_fen
            if item is not None and account_class is CLAIM and contract_id:
                self._pay(contract_id, item, -sign * moved.amount_fen)
        if moved.contract_id is not None:
            self._count(kind, moved)

    def _pay(self, contract_id: UUID, payment_id: UUID, fen: int) -> None:
        paid, refunded = self.payments.get(contract_id, {}).get(payment_id, (0, 0))
        row = (paid + fen, refunded) if fen > 0 else (paid, refunded - fen)
        self.payments[contract_id] = {**self.payments.get(contract_id, {}), payment_id: row}

    def _count(self, kind: str, moved: Transfer) -> None:
        assert moved.contract_id is not None
        row = self.contracts[moved.contract_id]
        changed: Counter[str] = Counter()
        for account_class, sign in ((moved.debit, 1), (moved.credit, -1)):
            if account_class is DUE:
                changed["due_fen"] += sign * moved.amount_fen
            elif account_class is REFUND_DUE:
                changed["refund_due_fen"] -= sign * moved.amount_fen
            elif account_class is CLAIM:
                other = moved.credit if account_class is moved.debit else moved.debit
                counter = "paid_fen" if kind in _PAYMENTS else _COUNTERS.get(other, "released_fen")
                changed[counter] += (-sign if counter == "paid_fen" else sign) * moved.amount_fen
        self.contracts[moved.contract_id] = replace(
            row, **{name: getattr(row, name) + fen for name, fen in changed.items()}
        )

    def _hours_and_hold(self, event: Event) -> None:
        if event.contract_id is not None and event.hours:
            row = self.contracts[event.contract_id]
            self.contracts[event.contract_id] = replace(row, hours_released=row.hours_released + event.hours)
        if event.hold is None:
            return
        fen = event.hold.amount_fen if event.hold.action is HoldAction.PLACE else -event.hold.amount_fen
        self.holds[event.hold.hold_id] = (self.holds.get(event.hold.hold_id, (0, None))[0] + fen, event.contract_id)
        if event.contract_id is None:
            self.held[event.fund_no] += fen
        else:
            row = self.contracts[event.contract_id]
            self.contracts[event.contract_id] = replace(row, held_fen=row.held_fen + fen)

    def _stands(self, event: Event) -> bool:
        touched = {t.contract_id for t in event.transfers if t.contract_id} | ({event.contract_id} - {None})
        sides = [side for t in event.transfers for side in ((t.debit_item, t.debit), (t.credit_item, t.credit))]
        return (
            all(_kept(self.contracts[one]) for one in touched if one)
            and all(self.items[item, side] >= 0 for item, side in sides if item and side is not AccountClass.DIFFERENCE)
            and (event.hold is None or self.holds[event.hold.hold_id][0] >= 0)
        )

    def held_on(self, fund_no: int, account_class: AccountClass) -> int:
        return self.held[fund_no] if account_class is AccountClass.PAYABLE else 0

    def balances(self) -> dict[Account, int]:
        return {account: fen for account, fen in self.accounts.items() if fen}

    def equation(self) -> Iterable[tuple[int, int]]:
        """Both sides of the equation of every fund."""
        for fund_no in {fund for fund, _, _ in self.accounts}:
            sides = [0, 0]
            for (fund, account_class, _), fen in self.accounts.items():
                if fund == fund_no:
                    sides[account_class not in DEBIT_NORMAL] += fen
            yield sides[0], sides[1]


def _kept(row: ContractBalance) -> bool:
    """What must hold for one family."""
    return (
        min(row.paid_fen, row.released_fen, row.refunded_fen, row.held_fen, row.due_fen, row.refund_due_fen) >= 0
        and row.released_fen + row.refunded_fen + row.held_fen <= row.paid_fen <= row.price_signed_fen
        and 0 <= row.hours_released <= row.hours_total
        and row.due_fen <= row.claim_fen + row.refund_due_fen
    )
