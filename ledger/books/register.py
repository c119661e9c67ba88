"""Institutions, funds and contracts as the books register them, and the contract rows a flow decides by."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books.record import as_json
from ledger.terms.contract import ContractBalance, Payment


def insert_institution(conn: Connection, row: Mapping[str, Any]) -> None:
    """Register one institution (columns of ledger.institution)."""
    conn.execute(text("SELECT ledger.register_institution(CAST(:row AS jsonb))"), {"row": as_json(row)})


def open_fund(conn: Connection, institution_id: int, row: Mapping[str, Any]) -> None:
    """Open a custody account, a reserve account or the institution's hands (columns of ledger.fund)."""
    conn.execute(
        text("SELECT ledger.open_fund(:i, CAST(:row AS jsonb))"), {"i": institution_id, "row": as_json(row)}
    )


def open_contracts(conn: Connection, institution_id: int, rows: Sequence[Mapping[str, Any]]) -> None:
    """Open contracts with their balance rows (columns of ledger.contract), as one set."""
    if rows:
        conn.execute(
            text("SELECT ledger.open_contracts(:i, CAST(:rows AS jsonb))"), {"i": institution_id, "rows": as_json(rows)}
        )


_BALANCES = text("""
    SELECT b.*, coalesce(p.price_fen, b.price_fen) AS price_now
    FROM ledger.contract_balance b
    LEFT JOIN LATERAL (SELECT c.price_fen FROM ledger.contract_price c
                       WHERE c.institution_id = b.institution_id AND c.contract_id = b.contract_id
                       ORDER BY c.since DESC LIMIT 1) p ON true
    WHERE b.institution_id = :i AND b.contract_id = ANY (CAST(:ids AS uuid[]))
    ORDER BY b.contract_id""")


def lock_contracts(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, ContractBalance]:
    """Lock contracts in id order for this transaction and read them; unknown ids are left out."""
    ids = sorted(set(contract_ids))
    conn.execute(text("SELECT ledger.lock_contracts(:i, CAST(:ids AS uuid[]))"), {"i": institution_id, "ids": ids})
    return read_contracts(conn, institution_id, ids)


def read_contracts(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, ContractBalance]:
    """The balance rows of contracts, in id order, without locking them."""
    rows = conn.execute(_BALANCES, {"i": institution_id, "ids": list(contract_ids)})
    return {
        row.contract_id: ContractBalance(
            contract_id=row.contract_id,
            fund_no=row.fund_no,
            price_fen=row.price_now,
            hours_total=row.hours_total,
            paid_fen=row.paid_fen,
            released_fen=row.released_fen,
            refunded_fen=row.refunded_fen,
            held_fen=row.held_fen,
            due_fen=row.due_fen,
            refund_due_fen=row.refund_due_fen,
            hours_released=row.hours_released,
            price_signed_fen=row.price_fen,
        )
        for row in rows
    }


def read_payments(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, tuple[Payment, ...]]:
    """The payments of contracts, newest first (payment ids are time-ordered)."""
    rows = conn.execute(
        text("""SELECT contract_id, item_id, credit_fen, debit_fen FROM ledger.item_balance
                WHERE institution_id = :i AND class = 'claim' AND contract_id = ANY (CAST(:ids AS uuid[]))
                ORDER BY contract_id, item_id DESC"""),
        {"i": institution_id, "ids": list(contract_ids)},
    )
    found: dict[UUID, tuple[Payment, ...]] = {}
    for row in rows:
        payment = Payment(row.item_id, row.credit_fen, row.debit_fen)
        found[row.contract_id] = (*found.get(row.contract_id, ()), payment)
    return found


def lock_account(conn: Connection, institution_id: int, fund_no: int, account_class: str) -> int:
    """Lock a guarded hot account and answer what it holds for sure: folded less taken less held, in fen."""
    arguments = {"i": institution_id, "f": fund_no, "c": account_class}
    conn.execute(text("SELECT ledger.lock_account(:i, CAST(:f AS smallint), :c)"), arguments)
    return int(
        conn.scalar(
            text("""SELECT credit_fen - debit_fen - held_fen FROM ledger.balance
                    WHERE institution_id = :i AND fund_no = :f AND class = CAST(:c AS ledger.account_class)"""),
            arguments,
        )
        or 0
    )
