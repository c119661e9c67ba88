"""When a contract may go on in another custody account, and what its arrival does to the accounts. Pure."""

from ledger.rules import posting_payment
from ledger.rules.posting import CLAIM, DUE, moving
from ledger.terms.contract import ContractBalance
from ledger.terms.contract_move import Arrival, MoveCandidate, Stay
from ledger.terms.journal import Event, Transfer


def stays(candidate: MoveCandidate, contract: ContractBalance) -> Stay | None:
    """Why a contract does not move now; None when all of its claim may go.

    A refund on its way ends where it began, an hour that is not released is the old account's, what is held may not be
    used, and what the institution has yet to bring in cannot be taken along: it would be other families' cash.
    """
    if candidate.refund_open or contract.refund_due_fen:
        return Stay.REFUND_OPEN
    if candidate.lesson_open:
        return Stay.LESSON_OPEN
    if contract.held_fen:
        return Stay.HELD
    return Stay.DUE if contract.due_fen else None


def arrived(arrival: Arrival) -> tuple[Event, ...]:
    """The money is booked here: every payment is a payment of the successor, whole; what was released of it before is
    due for a moment and released again, with the hours. What is left is the claim that came, to the fen.
    """
    contract = arrival.successor
    parts = [(one.payment_id, one.moved_fen, one.left_fen - one.moved_fen) for one in arrival.payments]
    before = moving(Transfer(CLAIM, DUE, arrival.paid_fen - arrival.moved_fen, contract.contract_id))
    hours = arrival.hours_released
    came = posting_payment.contract_moved_in(contract, parts)
    released = Event("hours_released", contract.fund_no, before, contract.contract_id if hours else None, hours)
    return (came, released) if released.moves_something else (came,)
