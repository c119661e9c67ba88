"""Institutions, funds and contracts as the books register them, and the contract rows a flow decides by."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books.record import as_json
from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.institution import Fund, Institution
from ledger.terms.journal import FundKind


def insert_institution(conn: Connection, row: Mapping[str, Any]) -> None:
    """Register one institution (columns of ledger.institution)."""
    conn.execute(text("SELECT ledger.register_institution(CAST(:row AS jsonb))"), {"row": as_json(row)})


def open_fund(conn: Connection, institution_id: int, row: Mapping[str, Any]) -> None:
    """Open a custody account, a reserve account or the institution's hands (columns of ledger.fund)."""
    conn.execute(text("SELECT ledger.open_fund(:i, CAST(:row AS jsonb))"), {"i": institution_id, "row": as_json(row)})


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


def read_payments(
    conn: Connection, institution_id: int, contract_ids: Sequence[UUID]
) -> dict[UUID, tuple[Payment, ...]]:
    """The payments of contracts, newest first (payment ids are time-ordered)."""
    # An item that names a contract is a payment. Asked for the class as well, the planner reads, on tables nobody has
    # analysed, every item of the institution by the primary key instead of these by item_balance_payment.
    rows = conn.execute(
        text("""SELECT contract_id, item_id, credit_fen, debit_fen FROM ledger.item_balance
                WHERE institution_id = :i AND contract_id = ANY (CAST(:ids AS uuid[]))
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
    return read_account(conn, institution_id, fund_no, account_class)


def read_account(conn: Connection, institution_id: int, fund_no: int, account_class: str) -> int:
    """The same without locking it: to show, not to decide."""
    return int(
        conn.scalar(
            text("""SELECT credit_fen - debit_fen - held_fen FROM ledger.balance
                    WHERE institution_id = :i AND fund_no = :f AND class = CAST(:c AS ledger.account_class)"""),
            {"i": institution_id, "f": fund_no, "c": account_class},
        )
        or 0
    )


def find_institution(conn: Connection, institution_id: int) -> Institution | None:
    """A registered institution, or None."""
    return next(iter(read_institutions(conn, [institution_id])), None)


def read_institutions(conn: Connection, numbers: Sequence[int] | None = None) -> list[Institution]:
    """Registered institutions by number (all when None), in order."""
    columns = ", ".join(Institution.__slots__)
    rows = conn.execute(
        text(f"""SELECT {columns} FROM ledger.institution
                 WHERE CAST(:all AS boolean) OR institution_id = ANY (CAST(:ids AS integer[]))
                 ORDER BY institution_id"""),
        {"all": numbers is None, "ids": list(numbers or ())},
    )
    return [Institution(**row._mapping) for row in rows]


def read_funds(conn: Connection, institution_id: int) -> dict[int, Fund]:
    """The funds of an institution by number."""
    rows = conn.execute(
        text(f"SELECT {', '.join(Fund.__slots__)} FROM ledger.fund WHERE institution_id = :i ORDER BY fund_no"),
        {"i": institution_id},
    )
    return {row.fund_no: Fund(**{**row._mapping, "kind": FundKind(row.kind)}) for row in rows}


def funds_by_account(conn: Connection, accounts: Sequence[str]) -> dict[str, Fund]:
    """Which fund each bank account number belongs to; unknown ones are left out."""
    rows = conn.execute(
        text(f"SELECT {', '.join(Fund.__slots__)} FROM ledger.fund WHERE account_no = ANY (CAST(:a AS text[]))"),
        {"a": list(accounts)},
    )
    return {row.account_no: Fund(**{**row._mapping, "kind": FundKind(row.kind)}) for row in rows}


def accounts(conn: Connection) -> dict[tuple[int, int], str | None]:
    """The bank account of every fund, by institution and fund number; None for an institution's hands."""
    rows = conn.execute(text("SELECT institution_id, fund_no, account_no FROM ledger.fund"))
    return {(row.institution_id, row.fund_no): row.account_no for row in rows}


def course_ids(conn: Connection, institution_id: int, codes: Sequence[str]) -> dict[str, UUID]:
    """The ids of published courses by code."""
    rows = conn.execute(
        text("SELECT code, course_id FROM ledger.course WHERE institution_id = :i AND code = ANY (CAST(:c AS text[]))"),
        {"i": institution_id, "c": list(codes)},
    )
    return {row.code: row.course_id for row in rows}


def student_ids(conn: Connection, institution_id: int, indexes: Sequence[bytes]) -> dict[bytes, UUID]:
    """The ids of registered pupils by the index of their identity number."""
    rows = conn.execute(
        text("""SELECT identity_index, student_id FROM ledger.student
                WHERE institution_id = :i AND identity_index = ANY (CAST(:x AS bytea[]))"""),
        {"i": institution_id, "x": list(indexes)},
    )
    return {bytes(row.identity_index): row.student_id for row in rows}


def guardian_ids(conn: Connection, indexes: Sequence[bytes]) -> dict[bytes, UUID]:
    """The ids of registered guardians by the index of their phone."""
    rows = conn.execute(
        text("SELECT phone_index, guardian_id FROM ledger.guardian WHERE phone_index = ANY (CAST(:x AS bytea[]))"),
        {"x": list(indexes)},
    )
    return {bytes(row.phone_index): row.guardian_id for row in rows}


def open_holds(conn: Connection, institution_id: int, hold_ids: Sequence[UUID]) -> dict[UUID, int]:
    """What holds still keep, in fen, by hold id; ended ones are left out."""
    rows = conn.execute(
        text("""SELECT hold_id, amount_fen - captured_fen - released_fen AS open_fen FROM ledger.hold
                WHERE institution_id = :i AND hold_id = ANY (CAST(:h AS uuid[]))
                  AND captured_fen + released_fen < amount_fen"""),
        {"i": institution_id, "h": list(hold_ids)},
    )
    return {row.hold_id: row.open_fen for row in rows}
