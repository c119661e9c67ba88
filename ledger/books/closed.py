"""Institutions that have closed, in the books: the order with its second person, gaps, and what families chose."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import record
from ledger.terms.closed import Choice, Closed, Gap

_COLUMNS = "closed_id, closed_on, office, document_no, choose_by, news_on, entered_by"


def orders(conn: Connection, institution_id: int) -> list[Closed]:
    """The orders that close an institution, oldest first, confirmed or waiting for the second person."""
    rows = conn.execute(
        text(f"""SELECT {_COLUMNS}, a.approved_by AS confirmed_by FROM ledger.institution_closed c
                 LEFT JOIN ledger.approval a ON a.institution_id = c.institution_id AND a.subject_id = c.closed_id
                 WHERE c.institution_id = :i ORDER BY c.closed_id"""),
        {"i": institution_id},
    )
    return [Closed(**row._mapping) for row in rows]


def standing(conn: Connection, institution_id: int) -> Closed | None:
    """The order by which an institution is closed; None while it is open."""
    return next((one for one in reversed(orders(conn, institution_id)) if one.confirmed_by is not None), None)


def stops(conn: Connection, institution_id: int, batch_id: UUID) -> bool:
    """Whether a batch pays an institution that has closed: what it earned, or its reserve. Families are paid on."""
    if standing(conn, institution_id) is None:
        return False
    return bool(conn.scalar(
        text("""SELECT EXISTS (SELECT FROM ledger.payout_batch b
                               JOIN ledger.instruction i USING (institution_id, batch_id)
                               LEFT JOIN ledger.reserve_order o USING (institution_id, order_id)
                               WHERE b.institution_id = :i AND b.batch_id = :b
                                 AND (b.kind = 'payout' OR o.purpose = 'release'))"""),
        {"i": institution_id, "b": batch_id},
    ))  # fmt: skip


def lock(conn: Connection, institution_id: int) -> None:
    """One decision after the other. Key space as ``books.contract.lock_signing``."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:i, 99996)"), {"i": institution_id})


def gaps(conn: Connection, institution_id: int) -> list[Gap]:
    """What is missing for each contract, in the order of their ids."""
    rows = conn.execute(
        text("""SELECT contract_id, due_fen FROM ledger.contract_balance
                WHERE institution_id = :i AND due_fen > 0 ORDER BY contract_id"""),
        {"i": institution_id},
    )
    return [Gap(row.contract_id, row.due_fen) for row in rows]


def owed(conn: Connection, institution_id: int) -> tuple[int, int]:
    """What an institution's families are owed in all, in fen, and how many contracts that is."""
    row = conn.execute(
        text("""SELECT coalesce(sum(claim_fen + refund_due_fen), 0)::bigint AS fen,
                       count(*) FILTER (WHERE claim_fen + refund_due_fen > 0) AS contracts
                FROM ledger.contract_balance WHERE institution_id = :i"""),
        {"i": institution_id},
    ).one()
    return row.fen, row.contracts


def choice(conn: Connection, institution_id: int, contract_id: UUID) -> Choice | None:
    """What a family said last."""
    found = conn.scalar(
        text("""SELECT choice FROM ledger.closed_choice WHERE institution_id = :i AND contract_id = :c
                ORDER BY nth DESC LIMIT 1"""),
        {"i": institution_id, "c": contract_id},
    )
    return None if found is None else Choice(found)


def choose(
    conn: Connection, institution_id: int, contract_id: UUID, wanted: Choice, actor: str, now: datetime
) -> None:  # fmt: skip
    """Keep what a family wants as its next choice. The caller holds the lock of the contract."""
    nth = conn.scalar(
        text("SELECT count(*) + 1 FROM ledger.closed_choice WHERE institution_id = :i AND contract_id = :c"),
        {"i": institution_id, "c": contract_id},
    )
    record.insert(conn, "closed_choice", [{
        "institution_id": institution_id, "contract_id": contract_id, "nth": nth, "chosen_at": now,
        "choice": wanted, "chosen_by": actor,
    }])  # fmt: skip
