"""Cash receipts in the books, and the deposits that should have followed them."""

from collections.abc import Collection, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.cash import CashReceipt

_COLUMNS = "receipt_no, contract_id, amount_fen, received_on, due_on"


def by_number(conn: Connection, institution_id: int, numbers: Collection[str]) -> dict[str, CashReceipt]:
    """Receipts by number; unknown ones are left out."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.cash_receipt
                 WHERE institution_id = :i AND receipt_no = ANY (CAST(:n AS text[]))"""),
        {"i": institution_id, "n": list(numbers)},
    )
    return {row.receipt_no: CashReceipt(**row._mapping) for row in rows}


def of_late_days(conn: Connection, institution_id: int, today: date) -> list[CashReceipt]:
    """Every receipt of the contracts that have one whose last day was before ``today``."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS} FROM ledger.cash_receipt r WHERE r.institution_id = :i
                 AND EXISTS (SELECT FROM ledger.cash_receipt o WHERE o.institution_id = r.institution_id
                             AND o.contract_id = r.contract_id AND o.due_on < :today)
                 ORDER BY receipt_no"""),
        {"i": institution_id, "today": today},
    )
    return [CashReceipt(**row._mapping) for row in rows]


def booked(
    conn: Connection, institution_id: int, contract_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[date, int]]]:  # fmt: skip
    """The days and amounts (fen) of bank deposits of contracts, oldest first."""
    rows = conn.execute(
        text("""SELECT t.contract_id, e.effective_on, t.amount_fen
                FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)
                WHERE t.institution_id = :i AND t.credit_class = 'claim' AND t.contract_id = ANY (CAST(:c AS uuid[]))
                  AND e.kind IN ('deposit', 'provider_deposit', 'suspense_assigned')
                ORDER BY t.contract_id, e.effective_on, e.entry_id"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    found: dict[UUID, list[tuple[date, int]]] = {}
    for row in rows:
        found.setdefault(row.contract_id, []).append((row.effective_on, row.amount_fen))
    return found
