"""Refunds in the books: found by id, by contract, or because an answer or a payment is due."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.refund import Cause
from ledger.terms.refund_request import Refund, RefundState

_SELECT = """
    SELECT r.refund_id, r.contract_id, b.fund_no, r.cause, r.amount_fen, r.hold_id, r.asked_on, r.asked_by, r.answer_by,
           r.pay_by, r.state, r.step
    FROM ledger.refund_now r JOIN ledger.contract_balance b USING (institution_id, contract_id)
    WHERE r.institution_id = :i"""


@dataclass(frozen=True, slots=True)
class PayerLine:
    """Where a contract's newest payment came from: sealed fields of its bank line."""

    line_id: UUID
    name_sealed: bytes | None
    account_sealed: bytes | None
    bank_no: str | None


def by_id(conn: Connection, institution_id: int, refund_ids: Sequence[UUID]) -> dict[UUID, Refund]:
    """Refunds by id; unknown ones are left out."""
    sql = f"{_SELECT} AND r.refund_id = ANY (CAST(:ids AS uuid[]))"
    return {refund.refund_id: refund for refund in _read(conn, sql, {"i": institution_id, "ids": list(refund_ids)})}


def of_contracts(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, list[Refund]]:
    """Every refund of some contracts, oldest first."""
    sql = f"{_SELECT} AND r.contract_id = ANY (CAST(:ids AS uuid[])) ORDER BY r.refund_id"
    found: dict[UUID, list[Refund]] = {}
    for refund in _read(conn, sql, {"i": institution_id, "ids": list(contract_ids)}):
        found.setdefault(refund.contract_id, []).append(refund)
    return found


def unanswered(conn: Connection, institution_id: int, today: date) -> list[Refund]:
    """Refunds the institution has not answered by the last day it had."""
    sql = f"{_SELECT} AND r.answer_by < :today AND r.state = 'asked' ORDER BY r.refund_id"
    return _read(conn, sql, {"i": institution_id, "today": today})


def in_state(conn: Connection, institution_id: int, state: RefundState) -> list[UUID]:
    """The ids of an institution's refunds in a state, oldest first."""
    sql = f"{_SELECT} AND r.state = :state ORDER BY r.refund_id"
    return [refund.refund_id for refund in _read(conn, sql, {"i": institution_id, "state": state.value})]


def overdue(conn: Connection, institution_id: int, today: date) -> list[Refund]:
    """Refunds that should have been paid and are not, and that carry no overdue mark yet."""
    sql = f"""{_SELECT} AND r.pay_by < :today AND r.state NOT IN ('paid', 'withdrawn', 'refused')
              AND NOT EXISTS (SELECT FROM ledger.finding f WHERE f.institution_id = r.institution_id
                              AND f.code = 'REFUND_OVERDUE' AND f.ref = r.refund_id) ORDER BY r.refund_id"""
    return _read(conn, sql, {"i": institution_id, "today": today})


def payer_lines(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, PayerLine]:
    """The bank line of each contract's newest payment; contracts paid without the bank are left out."""
    rows = conn.execute(
        text("""SELECT DISTINCT ON (p.contract_id) p.contract_id, l.line_id, l.payer_name_sealed,
                       l.payer_account_sealed, l.payer_bank
                FROM ledger.item_balance p JOIN ledger.statement_line l
                     ON l.institution_id = p.institution_id AND l.line_id = p.item_id
                WHERE p.institution_id = :i AND p.class = 'claim' AND p.contract_id = ANY (CAST(:ids AS uuid[]))
                ORDER BY p.contract_id, p.item_id DESC"""),
        {"i": institution_id, "ids": list(contract_ids)},
    )
    return {
        row.contract_id: PayerLine(row.line_id, row.payer_name_sealed, row.payer_account_sealed, row.payer_bank)
        for row in rows
    }


def paid_days(
    conn: Connection, institution_id: int, contract_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[date, int]]]:
    """The days and amounts (fen) of the payments of contracts, oldest first."""
    rows = conn.execute(
        text("""SELECT t.contract_id, e.effective_on, t.amount_fen
                FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)
                WHERE t.institution_id = :i AND t.credit_class = 'claim' AND t.contract_id = ANY (CAST(:ids AS uuid[]))
                  AND e.kind IN ('deposit', 'provider_deposit', 'suspense_assigned', 'prepaid_to_institution',
                  'deposit_moved',
                                 'contract_moved_in', 'taken_over')
                ORDER BY t.contract_id, e.effective_on, e.entry_id"""),
        {"i": institution_id, "ids": list(contract_ids)},
    )
    found: dict[UUID, list[tuple[date, int]]] = {}
    for row in rows:
        found.setdefault(row.contract_id, []).append((row.effective_on, row.amount_fen))
    return found


def _read(conn: Connection, sql: str, arguments: dict[str, object]) -> list[Refund]:
    return [
        Refund(**{**row._mapping, "cause": Cause(row.cause), "state": RefundState(row.state)})
        for row in conn.execute(text(sql), arguments)
    ]
