"""What each business event does to the accounts: the "Events" table of the accounting policy, one function per row.

Pure: facts in, an ``Event`` out. The allow-list in migrations/versions/0002 holds the same pairs; the database refuses
any other. Amounts in fen, hours in hundredths. ``ValueError`` where a caller asks for what its own checks should have
stopped (a negative amount); limits of money are the posting function's to refuse.
"""

from dataclasses import replace
from uuid import UUID

from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.journal import AccountClass, Event, HoldAction, HoldMove, Transfer

BANK, DUE, CLAIM, REFUND_DUE = AccountClass.BANK, AccountClass.DUE, AccountClass.CLAIM, AccountClass.REFUND_DUE
PAYABLE, IN_TRANSIT, SUSPENSE = AccountClass.PAYABLE, AccountClass.IN_TRANSIT, AccountClass.SUSPENSE
RESERVE, INTEREST, DIFFERENCE = AccountClass.RESERVE, AccountClass.INTEREST, AccountClass.DIFFERENCE


def moving(*transfers: Transfer) -> tuple[Transfer, ...]:
    """The transfers that move something; a negative one is a bug of the caller."""
    if any(transfer.amount_fen < 0 for transfer in transfers):
        raise ValueError("a transfer moves a positive amount")
    return tuple(transfer for transfer in transfers if transfer.amount_fen)


# -- deposits


def deposit(contract: ContractBalance, line_id: UUID, amount_fen: int) -> Event:
    """Deposit booked, contract known: bank -> claim up to the price, the excess waits in suspense. The line is
    the payment.
    """
    taken = min(amount_fen, contract.payable_room_fen)
    return Event(
        "deposit",
        contract.fund_no,
        moving(
            Transfer(BANK, CLAIM, taken, contract.contract_id, credit_item=line_id),
            Transfer(BANK, SUSPENSE, amount_fen - taken, credit_item=line_id),
        ),
    )


def provider_deposit(contract: ContractBalance, line_id: UUID, net_fen: int, fee_fen: int) -> Event:
    """The same through a payment provider, net of its fee: the family has paid the gross, the institution owes
    the fee.
    """
    gross = min(net_fen + fee_fen, contract.payable_room_fen)
    fee = min(fee_fen, gross)
    return Event(
        "provider_deposit",
        contract.fund_no,
        moving(
            Transfer(BANK, CLAIM, gross - fee, contract.contract_id, credit_item=line_id),
            Transfer(DUE, CLAIM, fee, contract.contract_id, credit_item=line_id),
            Transfer(BANK, SUSPENSE, net_fen - (gross - fee), credit_item=line_id),
        ),
    )


def deposit_to_suspense(fund_no: int, line_id: UUID, amount_fen: int) -> Event:
    """Deposit with an unknown owner, or one the contract may not take: never refused, the bank has it."""
    return Event("deposit_to_suspense", fund_no, moving(Transfer(BANK, SUSPENSE, amount_fen, credit_item=line_id)))


def suspense_assigned(
    contract: ContractBalance, line_id: UUID, payment_id: UUID, amount_fen: int, fee_fen: int = 0
) -> Event:
    """Suspense assigned to a contract: that part of the line becomes a payment of it. What a provider kept of the
    payment is due from the institution: the family has paid the whole.
    """
    contract_id = contract.contract_id
    return Event(
        "suspense_assigned",
        contract.fund_no,
        moving(
            Transfer(SUSPENSE, CLAIM, amount_fen, contract_id, debit_item=line_id, credit_item=payment_id),
            Transfer(DUE, CLAIM, fee_fen, contract_id, credit_item=payment_id),
        ),
    )


def suspense_pays_due(contract: ContractBalance, line_id: UUID, amount_fen: int) -> Event:
    """Suspense assigned to what the institution must bring in for a contract (it paid with a wrong reference)."""
    moved = Transfer(SUSPENSE, DUE, amount_fen, contract.contract_id, debit_item=line_id)
    return Event("suspense_assigned", contract.fund_no, moving(moved))


def suspense_to_reserve(fund_no: int, line_id: UUID, amount_fen: int) -> Event:
    """Suspense of a reserve account assigned to the reserve."""
    return Event("suspense_assigned", fund_no, moving(Transfer(SUSPENSE, RESERVE, amount_fen, debit_item=line_id)))


def prepaid_to_institution(contract: ContractBalance, payment_id: UUID, amount_fen: int) -> Event:
    """Prepayment in reserve mode: the institution holds it, the family has a claim (fund H)."""
    moved = Transfer(DUE, CLAIM, amount_fen, contract.contract_id, credit_item=payment_id)
    return Event("prepaid_to_institution", contract.fund_no, moving(moved))


def takeable_fen(contract: ContractBalance, payment: Payment) -> int:
    """What of a payment can leave its contract again: not refunded, not held, and not what the institution has yet
    to bring in
    (it would be other families' cash).
    """
    brought_in = contract.claim_fen + contract.refund_due_fen - contract.due_fen
    return min(payment.left_fen, contract.free_fen, brought_in)


def deposit_taken_back(contract: ContractBalance, payment: Payment, break_id: UUID, amount_fen: int) -> Event:
    """Deposit taken back by the bank: from the claim as far as it reaches, the rest is a difference the
    institution makes good.
    """
    taken = min(amount_fen, takeable_fen(contract, payment))
    return Event(
        "deposit_taken_back",
        contract.fund_no,
        moving(
            Transfer(CLAIM, BANK, taken, contract.contract_id, debit_item=payment.payment_id),
            Transfer(DIFFERENCE, BANK, amount_fen - taken, debit_item=break_id),
        ),
    )


def deposit_moved(
    wrong: ContractBalance,
    right: ContractBalance,
    payment: Payment,
    amount_fen: int,
    payable_fen: int,
    new_payment: UUID,
) -> Event:
    """Deposit booked on the wrong contract: what is left of it goes over through suspense; what was released meanwhile
    comes out of the institution's payable as far as that holds, the rest is due from the institution.
    """
    left = min(amount_fen, takeable_fen(wrong, payment))
    gone = amount_fen - left
    from_payable = min(gone, payable_fen)
    to_right = right.contract_id
    line_id = payment.payment_id
    return Event(
        "deposit_moved",
        right.fund_no,
        moving(
            Transfer(CLAIM, SUSPENSE, left, wrong.contract_id, debit_item=line_id, credit_item=line_id),
            Transfer(SUSPENSE, CLAIM, left, to_right, debit_item=line_id, credit_item=new_payment),
            Transfer(PAYABLE, CLAIM, from_payable, to_right, credit_item=new_payment),
            Transfer(DUE, CLAIM, gone - from_payable, to_right, credit_item=new_payment),
        ),
    )


# -- teaching


def released_through(price_fen: int, paid_fen: int, hours: int, hours_total: int) -> int:
    """What ``hours`` (hundredths) of a contract earn by running total: floor(price x h / all hours), at most
    what is paid.
    """
    return min(price_fen * hours // hours_total, paid_fen)


def hours_released(contract: ContractBalance, hours: int) -> Event:
    """Hours confirmed: claim -> due as far as due reaches, the rest claim -> payable; at most what is paid and
    not held.
    """
    through = released_through(
        contract.price_fen,
        contract.paid_fen - contract.refunded_fen,
        contract.hours_released + hours,
        contract.hours_total,
    )
    amount = max(min(through - contract.released_fen, contract.free_fen), 0)
    to_due = min(amount, contract.due_fen)
    return Event(
        "hours_released",
        contract.fund_no,
        moving(
            Transfer(CLAIM, DUE, to_due, contract.contract_id),
            Transfer(CLAIM, PAYABLE, amount - to_due, contract.contract_id),
        ),
        contract.contract_id if hours else None,
        hours,
    )


def after_release(contract: ContractBalance, event: Event) -> ContractBalance:
    """The contract as it stands after a ``hours_released`` event of its own."""
    to_due = sum([t.amount_fen for t in event.transfers if t.credit is DUE])
    to_payable = sum([t.amount_fen for t in event.transfers if t.credit is PAYABLE])
    return replace(
        contract,
        released_fen=contract.released_fen + to_due + to_payable,
        due_fen=contract.due_fen - to_due,
        hours_released=contract.hours_released + event.hours,
    )


def caught_up(contract: ContractBalance, paid: Event) -> tuple[tuple[Event, ...], ContractBalance]:
    """``paid`` gives a contract money: it, the release of hours taught before, and the contract after both."""
    contract = replace(
        contract,
        paid_fen=contract.paid_fen + sum(t.amount_fen for t in paid.transfers if t.credit is CLAIM),
        due_fen=contract.due_fen + sum(t.amount_fen for t in paid.transfers if t.debit is DUE),
    )
    release = hours_released(contract, 0)
    return ((paid, release), after_release(contract, release)) if release.moves_something else ((paid,), contract)


def after_unrelease(contract: ContractBalance, event: Event) -> ContractBalance:
    """The contract as it stands after an ``unreleased`` event of its own."""
    return replace(
        contract,
        released_fen=contract.released_fen - sum(t.amount_fen for t in event.transfers),
        due_fen=contract.due_fen + sum(t.amount_fen for t in event.transfers if t.debit is DUE),
        hours_released=contract.hours_released + event.hours,
    )


def released_ahead(contract: ContractBalance, amount_fen: int) -> Event:
    """Released ahead of teaching, where the rulebook says so: the institution owes the hours (due)."""
    return Event("released_ahead", contract.fund_no, moving(Transfer(DUE, PAYABLE, amount_fen, contract.contract_id)))


def unrelease_transfers(contract: ContractBalance, amount_fen: int, payable_fen: int) -> tuple[Transfer, ...]:
    """Payable -> claim as far as payable covers, the rest due -> claim: one rule for every reason to take a
    release back.
    """
    from_payable = min(amount_fen, payable_fen)
    return moving(
        Transfer(PAYABLE, CLAIM, from_payable, contract.contract_id),
        Transfer(DUE, CLAIM, amount_fen - from_payable, contract.contract_id),
    )


def unreleased(contract: ContractBalance, amount_fen: int, hours: int, payable_fen: int) -> Event:
    """An hour reversed: its release and its hours come back."""
    transfers = unrelease_transfers(contract, amount_fen, payable_fen)
    return Event("unreleased", contract.fund_no, transfers, contract.contract_id if hours else None, -hours)


def hold_placed(fund_no: int, hold_id: UUID, amount_fen: int, contract_id: UUID | None) -> Event:
    """A refund asked, or a dispute opened: no money moves, it may not be used."""
    return Event("hold_placed", fund_no, contract_id=contract_id, hold=HoldMove(hold_id, HoldAction.PLACE, amount_fen))


def hold_ended(fund_no: int, hold_id: UUID, amount_fen: int, contract_id: UUID | None) -> Event:
    """A refund withdrawn or refused, a dispute decided: the hold ends."""
    return Event("hold_ended", fund_no, contract_id=contract_id, hold=HoldMove(hold_id, HoldAction.RELEASE, amount_fen))
