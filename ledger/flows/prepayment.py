"""Prepayments in reserve mode: no custody account holds them, so the reserve must cover them before they count."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection

from ledger.books import journal, register
from ledger.books import reserve as reserves
from ledger.errors import Outcome, Result
from ledger.rules import posting
from ledger.rules import reserve as reserve_rules
from ledger.terms.calendar import shanghai_day
from ledger.terms.ids import new_ids
from ledger.terms.journal import Entry
from ledger.terms.prepayment_receipt import Receipt
from ledger.terms.rulebook import Rulebook


def receive(
    conn: Connection, institution_id: int, receipts: Sequence[Receipt], rulebook: Rulebook, actor: str, now: datetime
) -> list[Outcome]:
    """Book prepayments the institution holds: due -> claim. One outcome per receipt.

    Refused RESERVE_BELOW_REQUIRED where the reserve does not meet its requirement (asked of the place's rulebook before
    the set), UNKNOWN_CONTRACT, and what the books refuse (PRICE_EXCEEDED).
    """
    contracts = register.lock_contracts(conn, institution_id, [receipt.contract_id for receipt in receipts])
    facts = reserves.facts(conn, institution_id, shanghai_day(now))
    required = reserve_rules.required(reserve_rules.rule(rulebook), facts)
    _, held = reserves.positions(conn, institution_id)
    outcomes: list[Outcome] = []
    entries: dict[int, Entry] = {}
    for n, (receipt, entry_id) in enumerate(zip(receipts, new_ids(now, len(receipts)), strict=True)):
        contract = contracts.get(receipt.contract_id)
        if contract is None or held < required.required_fen:
            outcomes.append(Outcome(Result.REFUSED, "RESERVE_BELOW_REQUIRED" if contract else "UNKNOWN_CONTRACT"))
            continue
        outcomes.append(Outcome(Result.DONE))
        entries[n] = Entry(
            entry_id=entry_id,
            key=f"receipt {receipt.receipt_no}",
            asked=(("contract", str(receipt.contract_id)), ("amount", str(receipt.amount_fen))),
            event=posting.prepaid_to_institution(contract, entry_id, receipt.amount_fen),
            effective_on=receipt.paid_on,
            actor=actor,
            ref=entry_id,
        )
    for n, outcome in zip(entries, journal.post(conn, institution_id, list(entries.values()), now), strict=True):
        outcomes[n] = outcome
    return outcomes
