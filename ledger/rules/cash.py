"""Cash into the account (Quanzhou 2021-08-16: within 3 working days; the places' ``deposit.working_days``)."""

from collections.abc import Mapping, Sequence
from datetime import date
from uuid import UUID

from ledger.rules.calendar import add_working_days
from ledger.terms.calendar import CalendarDays, Deadline
from ledger.terms.cash import CashLate, CashReceipt
from ledger.terms.rulebook import Rulebook


def due_on(received_on: date, rulebook: Rulebook, calendar: CalendarDays) -> Deadline:
    """The last day for cash to be in the account. Raises BadInput RULE_MISSING where no day is set."""
    return add_working_days(received_on, rulebook.whole("deposit.working_days"), calendar)


def late(
    receipts: Sequence[CashReceipt], booked: Mapping[UUID, Sequence[tuple[date, int]]], today: date
) -> list[CashLate]:
    """Receipts whose last day has passed on ``today`` and whose money the bank had not booked by then.

    ``booked``: (day, fen) of the deposits of each contract. A deposit counts from the day of the receipt on, up to its
    last day, and for one receipt only, the earliest first: money a family paid by transfer before covers no cash.
    """
    deposits = {contract_id: sorted(found) for contract_id, found in booked.items()}
    left = {contract_id: [fen for _, fen in found] for contract_id, found in deposits.items()}
    found = []
    for receipt in sorted(receipts, key=lambda one: (one.due_on, one.received_on, one.receipt_no)):
        missing = receipt.amount_fen
        for place, (day, _) in enumerate(deposits.get(receipt.contract_id, ())):
            if receipt.received_on <= day <= receipt.due_on:
                taken = min(left[receipt.contract_id][place], missing)
                left[receipt.contract_id][place] -= taken
                missing -= taken
        if missing and receipt.due_on < today:
            found.append(CashLate(receipt, missing))
    return found
