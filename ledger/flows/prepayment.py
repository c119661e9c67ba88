"""Prepayments in reserve mode: no custody account holds them, so the reserve must cover them before they count."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import Connection

from ledger.books import journal, register
from ledger.books import reserve as reserves
from ledger.errors import Outcome, Result
from ledger.rules import posting
from ledger.rules import reserve as reserve_rules
from ledger.terms.calendar import shanghai_day
from ledger.terms.contract import ContractBalance
from ledger.terms.ids import new_ids
from ledger.terms.institution import Fund
from ledger.terms.journal import Entry, FundKind
from ledger.terms.prepayment_receipt import Receipt
from ledger.terms.rulebook import Rulebook


def receive(
    conn: Connection, institution_id: int, receipts: Sequence[Receipt], rulebook: Rulebook, actor: str, now: datetime
) -> list[Outcome]:
    """Book prepayments the institution holds: due -> claim. One outcome per receipt.

    Refused RESERVE_BELOW_REQUIRED where the reserve does not meet its requirement (asked of the place's rulebook before
    the set), UNKNOWN_CONTRACT, NOT_RESERVE_MODE (its money belongs in a custody account), DATE_IN_FUTURE, and what the
    books refuse (PRICE_EXCEEDED).
    """
    contracts = register.lock_contracts(conn, institution_id, [receipt.contract_id for receipt in receipts])
    today, funds = shanghai_day(now), register.read_funds(conn, institution_id)
    rule = reserve_rules.rule(rulebook)
    facts = reserves.facts(conn, institution_id, today, rule.rolling_months)
    facts = reserve_rules.with_entered(facts, reserves.entered(conn, institution_id), today)
    required = reserve_rules.required(rule, facts)
    _, held = reserves.positions(conn, institution_id)
    outcomes: list[Outcome] = []
    entries: dict[int, Entry] = {}
    for n, (receipt, entry_id) in enumerate(zip(receipts, new_ids(now, len(receipts)), strict=True)):
        contract = contracts.get(receipt.contract_id)
        refusal = _refusal(receipt, contract, funds, today)
        if contract is None or refusal or held < required.required_fen:
            outcomes.append(Outcome(Result.REFUSED, refusal or "RESERVE_BELOW_REQUIRED"))
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


def _refusal(receipt: Receipt, contract: ContractBalance | None, funds: Mapping[int, Fund], today: date) -> str:
    if contract is None:
        return "UNKNOWN_CONTRACT"
    if funds[contract.fund_no].kind is not FundKind.HANDS:
        return "NOT_RESERVE_MODE"
    return "DATE_IN_FUTURE" if receipt.paid_on > today else ""
