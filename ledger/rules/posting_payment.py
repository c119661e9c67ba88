"""Second part of the "Events" table: refunds, payouts, reserve, interest, contracts that move, bank differences."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from ledger.rules.posting import (
    BANK,
    CLAIM,
    DIFFERENCE,
    DUE,
    IN_TRANSIT,
    INTEREST,
    PAYABLE,
    REFUND_DUE,
    RESERVE,
    SUSPENSE,
    moving,
    unrelease_transfers,
)
from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.journal import AccountClass, Event, HoldAction, HoldMove, Transfer

# The kinds of a payment by the class it left: instructed, booked, rejected before booking, returned after booking.
PAYMENT_KINDS: dict[AccountClass, tuple[str, str, str, str]] = {
    REFUND_DUE: ("refund_instructed", "refund_booked", "refund_rejected", "refund_returned"),
    PAYABLE: ("payout_instructed", "payout_booked", "payout_rejected", "payout_returned"),
    SUSPENSE: ("suspense_sent_back", "suspense_return_booked", "suspense_return_rejected", "suspense_returned"),
}


def split_by_payment(payments: Sequence[Payment], amount_fen: int) -> tuple[tuple[UUID, int], ...]:
    """Which payments a refund goes back on: newest first, never more than a payment has left. ``payments``
    newest first.
    """
    parts: list[tuple[UUID, int]] = []
    for payment in payments:
        part = min(amount_fen, payment.left_fen)
        if part > 0:
            parts.append((payment.payment_id, part))
            amount_fen -= part
    if amount_fen:
        raise ValueError("a refund is larger than all payments of its contract")
    return tuple(parts)


def refund_approved(
    contract: ContractBalance,
    principal_fen: int,
    payments: Sequence[Payment],
    payable_fen: int,
    hold: tuple[UUID, int] | None,
) -> Event:
    """Refund approved: un-release what the claim lacks, then claim -> refund_due, split over the payments
    newest first.
    """
    held = hold[1] if hold else 0
    lacking = max(principal_fen - (contract.free_fen + held), 0)
    back = tuple(
        Transfer(CLAIM, REFUND_DUE, part, contract.contract_id, debit_item=payment_id)
        for payment_id, part in split_by_payment(payments, principal_fen)
    )
    move = HoldMove(hold[0], HoldAction.CAPTURE, hold[1]) if hold else None
    return Event(
        "refund_approved",
        contract.fund_no,
        unrelease_transfers(contract, lacking, payable_fen) + back,
        contract.contract_id if move else None,
        hold=move,
    )


def taken_from_payable(event: Event) -> int:
    """What an event takes out of payable, in fen."""
    return sum(t.amount_fen for t in event.transfers if t.debit is PAYABLE)


def compensation_due(contract: ContractBalance, amount_fen: int, payable_fen: int) -> Event:
    """Costs and damages to the family: payable first, the rest due from the institution; no ceiling of the
    principal.
    """
    from_payable = min(amount_fen, payable_fen)
    return Event(
        "compensation_due",
        contract.fund_no,
        moving(
            Transfer(PAYABLE, REFUND_DUE, from_payable, contract.contract_id),
            Transfer(DUE, REFUND_DUE, amount_fen - from_payable, contract.contract_id),
        ),
    )


def interest_due(contract: ContractBalance, amount_fen: int) -> Event:
    """Interest of the custody account that belongs to the family."""
    return Event(
        "compensation_due", contract.fund_no, moving(Transfer(INTEREST, REFUND_DUE, amount_fen, contract.contract_id))
    )


def remainder_left(contract: ContractBalance, amount_fen: int) -> Event:
    """What the rule leaves to the institution, rounding fen included, when the refund is booked: as for hours."""
    to_due = min(amount_fen, contract.due_fen)
    return Event(
        "remainder_left",
        contract.fund_no,
        moving(
            Transfer(CLAIM, DUE, to_due, contract.contract_id),
            Transfer(CLAIM, PAYABLE, amount_fen - to_due, contract.contract_id),
        ),
    )


def overcharge_returned(
    contract: ContractBalance, release_back_fen: int, overcharge_fen: int, payments: Sequence[Payment], payable_fen: int
) -> Event:
    """Price found above the cap: un-release down to the new price, overcharge claim -> refund_due; the
    contract goes on.
    """
    back = tuple(
        Transfer(CLAIM, REFUND_DUE, part, contract.contract_id, debit_item=payment_id)
        for payment_id, part in split_by_payment(payments, overcharge_fen)
    )
    transfers = unrelease_transfers(contract, release_back_fen, payable_fen) + back
    return Event("overcharge_returned", contract.fund_no, transfers)


# -- payments out: one instruction, from the class it leaves to the bank's answer


def instructed(
    source: AccountClass, fund_no: int, instruction_id: UUID, amount_fen: int, *, contract_id: UUID | None = None,
    line_id: UUID | None = None,
) -> Event:  # fmt: skip
    """refund_due, payable or suspense -> in_transit."""
    moved = Transfer(source, IN_TRANSIT, amount_fen, contract_id, debit_item=line_id, credit_item=instruction_id)
    return Event(PAYMENT_KINDS[source][0], fund_no, moving(moved))


def booked(kind: str, fund_no: int, instruction_id: UUID, amount_fen: int) -> Event:
    """in_transit -> bank: the bank has carried it out. ``kind``: the booked kind of what the instruction is for."""
    moved = Transfer(IN_TRANSIT, BANK, amount_fen, debit_item=instruction_id, credit_item=instruction_id)
    return Event(kind, fund_no, moving(moved))


def rejected(
    source: AccountClass, fund_no: int, instruction_id: UUID, amount_fen: int, *, contract_id: UUID | None = None,
    line_id: UUID | None = None,
) -> Event:  # fmt: skip
    """Rejected before booking: in_transit -> where it came from, never back to the claim."""
    moved = Transfer(IN_TRANSIT, source, amount_fen, contract_id, debit_item=instruction_id, credit_item=line_id)
    return Event(PAYMENT_KINDS[source][2], fund_no, moving(moved))


def returned(
    source: AccountClass, fund_no: int, instruction_id: UUID, amount_fen: int, *, contract_id: UUID | None = None,
    line_id: UUID | None = None,
) -> Event:  # fmt: skip
    """Returned after booking: bank -> where it came from, at most what was booked."""
    moved = Transfer(BANK, source, amount_fen, contract_id, debit_item=instruction_id, credit_item=line_id)
    return Event(PAYMENT_KINDS[source][3], fund_no, moving(moved))


def refund_proved(contract: ContractBalance, amount_fen: int) -> Event:
    """Refund in reserve mode, paid by the institution (or from the reserve) and proved: refund_due -> due (H)."""
    return Event("refund_proved", contract.fund_no, moving(Transfer(REFUND_DUE, DUE, amount_fen, contract.contract_id)))


def refund_unproved(contract: ContractBalance, amount_fen: int) -> Event:
    """The reserve's payment of such a refund came back: owed to the family and held by the institution again (H)."""
    return Event(
        "refund_unproved", contract.fund_no, moving(Transfer(DUE, REFUND_DUE, amount_fen, contract.contract_id))
    )


# -- the institution


def paid_in(fund_no: int, line_id: UUID, amount_fen: int, dues: Sequence[ContractBalance]) -> Event:
    """The institution pays in: bank -> due, oldest first as given; what no due takes waits in suspense."""
    transfers: list[Transfer] = []
    for contract in dues:
        part = min(amount_fen, contract.due_fen)
        transfers.append(Transfer(BANK, DUE, part, contract.contract_id))
        amount_fen -= part
    return Event("paid_in", fund_no, moving(*transfers, Transfer(BANK, SUSPENSE, amount_fen, credit_item=line_id)))


def dues_after(dues: Sequence[ContractBalance], amount_fen: int) -> list[ContractBalance]:
    """The dues that are left when ``amount_fen`` has met them in order."""
    left = []
    for contract in dues:
        part = min(amount_fen, contract.due_fen)
        amount_fen -= part
        if part < contract.due_fen:
            left.append(replace(contract, due_fen=contract.due_fen - part))
    return left


def set_off(fund_no: int, payable_fen: int, dues: Sequence[ContractBalance]) -> Event:
    """Set-off of earned money before a payout: payable -> due, oldest first as given."""
    transfers: list[Transfer] = []
    for contract in dues:
        part = min(payable_fen, contract.due_fen)
        transfers.append(Transfer(PAYABLE, DUE, part, contract.contract_id))
        payable_fen -= part
    return Event("set_off", fund_no, moving(*transfers))


# -- reserve and interest


def reserve_topped_up(fund_no: int, amount_fen: int) -> Event:
    """Reserve top-up booked: bank -> reserve (fund R)."""
    return Event("reserve_topped_up", fund_no, moving(Transfer(BANK, RESERVE, amount_fen)))


def reserve_instructed(fund_no: int, purpose: str, order_id: UUID, instruction_id: UUID, amount_fen: int) -> Event:
    """Draw or release on an order of the competent department: reserve -> in_transit. ``purpose``: "draw" or
    "release".
    """
    kind = {"draw": "reserve_drawn", "release": "reserve_released"}[purpose]
    moved = Transfer(RESERVE, IN_TRANSIT, amount_fen, debit_item=order_id, credit_item=instruction_id)
    return Event(kind, fund_no, moving(moved))


def reserve_rejected(fund_no: int, instruction_id: UUID, amount_fen: int) -> Event:
    """A draw the bank rejected before booking goes back to the reserve."""
    return Event(
        "reserve_draw_rejected", fund_no, moving(Transfer(IN_TRANSIT, RESERVE, amount_fen, debit_item=instruction_id))
    )


def interest_booked(fund_no: int, amount_fen: int) -> Event:
    """Bank interest booked, not yet allocated."""
    return Event("interest_booked", fund_no, moving(Transfer(BANK, INTEREST, amount_fen)))


def interest_paid_over(fund_no: int, amount_fen: int) -> Event:
    """Interest that belongs to the institution."""
    return Event("interest_paid_over", fund_no, moving(Transfer(INTEREST, PAYABLE, amount_fen)))


# -- contracts that move, books taken over, bank differences


def contract_moved_out(
    contract: ContractBalance, instruction_id: UUID, amount_fen: int, payments: Sequence[Payment]
) -> Event:
    """A contract moves to another account or institution, old side: claim -> in_transit, refunded +."""
    parts = split_by_payment(payments, amount_fen)
    return Event(
        "contract_moved_out",
        contract.fund_no,
        tuple(
            Transfer(CLAIM, IN_TRANSIT, part, contract.contract_id, debit_item=payment_id, credit_item=instruction_id)
            for payment_id, part in parts
        ),
    )


def contract_moved_in(contract: ContractBalance, parts: Sequence[tuple[UUID, int, int]]) -> Event:
    """New side, when its bank books: each payment of the successor contract with what of it came (bank -> claim) and
    what was released of it before (due -> claim, until the hours are released again).
    """
    transfers = [
        transfer
        for payment_id, came_fen, before_fen in parts
        for transfer in (
            Transfer(BANK, CLAIM, came_fen, contract.contract_id, credit_item=payment_id),
            Transfer(DUE, CLAIM, before_fen, contract.contract_id, credit_item=payment_id),
        )
    ]
    return Event("contract_moved_in", contract.fund_no, moving(*transfers))


def taken_over(contract: ContractBalance, opening: UUID, parts: Sequence[tuple[UUID, int, int]]) -> Event:
    """Take-over of running books, one entry per contract: each payment with what of it the account holds and what the
    institution still owes. ``opening``: the item under which the account's opening balance waits in suspense.
    """
    transfers = [
        transfer
        for payment_id, held_fen, due_fen in parts
        for transfer in (
            Transfer(SUSPENSE, CLAIM, held_fen, contract.contract_id, debit_item=opening, credit_item=payment_id),
            Transfer(DUE, CLAIM, due_fen, contract.contract_id, credit_item=payment_id),
        )
    ]
    return Event("taken_over", contract.fund_no, moving(*transfers))


def payable_taken_over(fund_no: int, opening: UUID, amount_fen: int) -> Event:
    """Take-over: money earned before and not paid out yet."""
    return Event("taken_over", fund_no, moving(Transfer(SUSPENSE, PAYABLE, amount_fen, debit_item=opening)))


def unordered_debit(fund_no: int, break_id: UUID, amount_fen: int) -> Event:
    """Bank debit nobody ordered (fee, seizure, double execution): a break with owner and due day."""
    return Event("unordered_debit", fund_no, moving(Transfer(DIFFERENCE, BANK, amount_fen, debit_item=break_id)))


def difference_made_good(fund_no: int, break_id: UUID, amount_fen: int) -> Event:
    """The difference is made good: bank -> difference."""
    return Event("difference_made_good", fund_no, moving(Transfer(BANK, DIFFERENCE, amount_fen, credit_item=break_id)))


def reversal(event: Event, entry_id: UUID) -> Event:
    """The mirror of a posted entry: sides swapped, hours given back. At most once per entry; a hold is ended,
    not reversed.
    """
    if event.hold is not None:
        raise ValueError("a hold is ended by a decision, not reversed")
    mirrored = tuple(
        Transfer(t.credit, t.debit, t.amount_fen, t.contract_id, t.credit_item, t.debit_item) for t in event.transfers
    )
    return Event("reversal", event.fund_no, mirrored, event.contract_id, -event.hours, reverses=entry_id)
