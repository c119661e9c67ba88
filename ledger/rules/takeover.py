"""Running books taken over: what of a file cannot be true, and how an account's money lies on payments. Pure."""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date
from uuid import UUID

from ledger.money import hours_text, yuan
from ledger.rules.posting import CLAIM, DUE, PAYABLE
from ledger.terms.contract import ContractBalance
from ledger.terms.journal import AccountClass, Event
from ledger.terms.takeover import RunningBooks, RunningContract, TakenOver, TakeoverRefusal


def refusals(books: RunningBooks, balance_fen: int, today: date) -> list[TakeoverRefusal]:
    """What in a file contradicts itself or the account; ``balance_fen``: what of its opening balance nobody has
    explained yet. Codes: DATE_IN_FUTURE, PRICE_EXCEEDED, LESSON_OVER_HOURS, CUSTODY_OVER_PAID, TAKEOVER_OVER_BALANCE.
    """
    found = []
    if books.fund.opened_on > today:
        found.append(TakeoverRefusal("DATE_IN_FUTURE", "account.opened_on"))
    for place, contract in enumerate(books.contracts):
        found += _of_contract(contract, f"contracts[{place}]", books.fund.opened_on)
    if books.explained_fen > balance_fen:
        found.append(
            TakeoverRefusal("TAKEOVER_OVER_BALANCE", "account.balance", _over(books.explained_fen, balance_fen))
        )
    return found


def _of_contract(contract: RunningContract, where: str, until: date) -> list[TakeoverRefusal]:
    found = []
    late = [f"payments[{n}].paid_on" for n, one in enumerate(contract.payments) if one.paid_on > until]
    late += ["signed_on"] if contract.signed_on > until else []
    found += [TakeoverRefusal("DATE_IN_FUTURE", f"{where}.{key}") for key in late]
    paid = contract.paid_fen
    if paid > contract.price_fen:
        found.append(TakeoverRefusal("PRICE_EXCEEDED", f"{where}.payments", _over(paid, contract.price_fen)))
    if contract.hours_taught > contract.hours_total:
        over = f"{hours_text(contract.hours_taught)} > {hours_text(contract.hours_total)}"
        found.append(TakeoverRefusal("LESSON_OVER_HOURS", f"{where}.hours_taught", over))
    if contract.in_custody_fen > paid:
        found.append(TakeoverRefusal("CUSTODY_OVER_PAID", f"{where}.in_custody", _over(contract.in_custody_fen, paid)))
    return found


def _over(fen: int, most_fen: int) -> str:
    return f"{yuan(fen)} > {yuan(most_fen)}"


def on_payments(contract: RunningContract) -> list[tuple[UUID, int, int]]:
    """Each payment with what of it the account holds and what the institution has yet to bring in, newest first: the
    newest money is what was taught least of.
    """
    left, found = contract.in_custody_fen, []
    for payment in reversed(contract.payments):
        held = min(left, payment.amount_fen)
        left -= held
        found.append((payment.payment_id, held, payment.amount_fen - held))
    return found


def already_known(books: RunningBooks, numbers: Collection[str], references: Collection[str]) -> list[TakeoverRefusal]:
    """Contracts of the file whose number or payment reference is in the books already. Code: CONTRACT_KNOWN."""
    return [
        TakeoverRefusal("CONTRACT_KNOWN", f"contracts[{place}].{key}")
        for place, contract in enumerate(books.contracts)
        for key, known in (
            ("number", contract.contract_no in numbers),
            ("payment_reference", contract.payment_reference in references),
        )
        if known
    ]


def after(contract: ContractBalance, running: RunningContract) -> ContractBalance:
    """The contract as it stands once its money is taken over, before its hours are released."""
    return replace(
        contract, paid_fen=running.paid_fen, due_fen=contract.due_fen + running.paid_fen - running.in_custody_fen
    )


def result(contracts: int, events: Sequence[Event], unexplained_fen: int, findings: int) -> TakenOver:
    """What a take-over came to, added up from what it posted."""
    moved: Counter[AccountClass] = Counter()
    for transfer in (transfer for event in events for transfer in event.transfers):
        moved[transfer.credit] += transfer.amount_fen
        moved[transfer.debit] -= transfer.amount_fen
    paid = sum(t.amount_fen for event in events for t in event.transfers if t.credit is CLAIM)
    return TakenOver(
        contracts=contracts,
        paid_fen=paid,
        released_fen=paid - moved[CLAIM],
        claim_fen=moved[CLAIM],
        due_fen=-moved[DUE],
        payable_fen=moved[PAYABLE],
        unexplained_fen=unexplained_fen,
        findings=findings,
    )
