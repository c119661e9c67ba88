"""Contracts go on in another custody account of their institution: the custodian bank changes.

One payment a contract, so that every family's money is one line at either bank. Until it is booked in the new account
the contract takes nothing, neither money nor lessons nor refunds; then its successor is the contract.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import contract as contracts
from ledger.books import contract_move as moves
from ledger.books import payout_batch, record, register
from ledger.books.payout_batch import NewPayment
from ledger.errors import Outcome, Result
from ledger.rules import contract_move as rules
from ledger.rules import posting_payment
from ledger.terms.contract import Contract, ContractBalance
from ledger.terms.contract_move import MoveCandidate, Stay
from ledger.terms.ids import new_ids
from ledger.terms.institution import Fund, Institution, Payee
from ledger.terms.journal import AccountClass, FundKind
from ledger.terms.payout import BatchKind
from ledger.vault import Vault


@dataclass(frozen=True, slots=True)
class Moved:
    """What a batch takes along: each contract's number and the one it goes on under. ``stays``: which do not move now,
    and why. ``refused``: nothing is done at all.
    """

    refused: Outcome | None
    numbers: dict[str, str]
    stays: tuple[tuple[str, Stay], ...]


def build(
    conn: Connection, vault: Vault, institution: Institution, source: Fund, target: Fund, execute_on: date, actor: str,
    now: datetime,
) -> Moved:  # fmt: skip
    """Put every claim of ``source`` that may go into a batch to ``target``: claim -> in_transit, one payment each.

    Safe to run again: what stayed may go later. Refused: SAME_ACCOUNT, NOT_CUSTODY.
    """
    if (source.institution_id, source.fund_no) == (target.institution_id, target.fund_no):
        return Moved(Outcome(Result.REFUSED, "SAME_ACCOUNT"), {}, ())
    if source.institution_id != target.institution_id or {source.kind, target.kind} != {FundKind.CUSTODY}:
        return Moved(Outcome(Result.REFUSED, "NOT_CUSTODY"), {}, ())
    number = institution.institution_id
    found = moves.candidates(conn, number, source.fund_no)
    balances = register.lock_contracts(conn, number, [one.contract_id for one in found])
    found = moves.candidates(conn, number, source.fund_no)  # again: as they stand under the lock
    going, stays = [], []
    for one in found:
        why = rules.stays(one, balances[one.contract_id])
        if why is None:
            going.append(one)
        else:
            stays.append((one.contract_no, why))
    numbers = _open_successors(conn, number, going, balances, target, actor, now)
    paid = register.read_payments(conn, number, [one.contract_id for one in going])
    assert target.account_no is not None, "a custody account is at a bank"
    assert target.bank_no is not None
    payee = Payee(institution.name, target.account_no, target.bank_no)
    payments = []
    for one, instruction_id in zip(going, new_ids(now, len(going)), strict=True):
        balance = balances[one.contract_id]
        event = posting_payment.contract_moved_out(balance, instruction_id, balance.claim_fen, paid[one.contract_id])
        payments.append(
            NewPayment(AccountClass.CLAIM, balance.claim_fen, payee, event, instruction_id, one.contract_id)
        )
    payout_batch.build(conn, vault, number, source.fund_no, BatchKind.MOVE, payments, execute_on, actor, now)
    return Moved(None, numbers, tuple(stays))


def _open_successors(
    conn: Connection, institution_id: int, going: Sequence[MoveCandidate], balances: Mapping[UUID, ContractBalance],
    target: Fund, actor: str, now: datetime,
) -> dict[str, str]:  # fmt: skip
    """The rows contracts go on under in ``target``: as they were signed, with numbers of their own; one that is there
    from a move that did not get there is used again. Old number -> new number.
    """
    ids = [one.contract_id for one in going]
    known = moves.successors(conn, institution_id, ids, target.fund_no)
    chains = moves.chains(conn, institution_id, ids)
    signed = {one.contract_id: one for one in contracts.find(conn, institution_id, ids=[*ids, *known.values()])}
    rows, links, prices, numbers = [], [], [], {}
    for one, successor_id in zip(going, new_ids(now, len(going)), strict=True):
        contract = signed[one.contract_id]
        if one.contract_id in known:
            numbers[one.contract_no] = signed[known[one.contract_id]].contract_no
            continue
        chain, balance = chains[one.contract_id], balances[one.contract_id]
        successor = replace(
            contract,
            contract_id=successor_id,
            contract_no=chain.next(chain.contract_no),
            payment_reference=chain.next(chain.payment_reference),
            fund_no=target.fund_no,
        )
        numbers[one.contract_no] = successor.contract_no
        rows.append({**{name: getattr(successor, name) for name in Contract.__slots__}, "signed_at": now})
        links.append({
            "institution_id": institution_id, "successor_id": successor_id, "contract_id": one.contract_id,
            "first_id": chain.first_id, "opened_at": now, "opened_by": actor,
        })  # fmt: skip
        if balance.price_fen != balance.price_signed_fen:
            prices.append({
                "institution_id": institution_id, "contract_id": successor_id, "since": contract.signed_on,
                "price_fen": balance.price_fen, "reason": "moved", "decided_by": actor,
            })  # fmt: skip
    register.open_contracts(conn, institution_id, rows)
    record.insert(conn, "contract_move", links)
    record.insert(conn, "contract_price", prices)
    return numbers
