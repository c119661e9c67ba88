"""Bank statements in the books: files as they were offered, statements, lines, and what each line turned out to be."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.contract import ContractBalance
from ledger.terms.journal import AccountClass
from ledger.terms.match import KnownInstruction
from ledger.terms.statement import KnownStatement

# What an instruction is for, in the words of ``rules.match``.
_PURPOSE = """CASE WHEN i.order_id IS NOT NULL THEN (SELECT o.purpose FROM ledger.reserve_order o
                        WHERE o.institution_id = i.institution_id AND o.order_id = i.order_id)
                   WHEN i.source = 'refund_due' THEN 'refund' WHEN i.source = 'payable' THEN 'payout'
                   WHEN i.source = 'suspense' THEN 'suspense' ELSE 'move' END"""


def lock_fund(conn: Connection, institution_id: int, fund_no: int) -> None:
    """One import at a time on an account: two would both see the same last statement."""
    conn.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:k, 11))"), {"k": f"{institution_id} {fund_no}"})


def history(conn: Connection, institution_id: int, fund_no: int) -> list[KnownStatement]:
    """The stored statements of an account in the order they came, held ones included."""
    rows = conn.execute(
        text("""SELECT statement_id, content_digest, sequence, closing_fen, last_on, file_sha256, verdict
                FROM ledger.statement WHERE institution_id = :i AND fund_no = :f ORDER BY position"""),
        {"i": institution_id, "f": fund_no},
    )
    return [
        KnownStatement(
            statement_id=row.statement_id,
            content_digest=bytes(row.content_digest).hex(),
            sequence=row.sequence,
            closing_fen=row.closing_fen,
            to_on=row.last_on,
            file_sha256=bytes(row.file_sha256).hex(),
            believed=row.verdict == "accept",
        )
        for row in rows
    ]


def offered(conn: Connection, sha256: str) -> set[str]:
    """The verdicts under which a file of these bytes (SHA-256, hex) was kept before."""
    return set(
        conn.scalars(text("SELECT verdict FROM ledger.statement_file WHERE sha256 = :d"), {"d": bytes.fromhex(sha256)})
    )


def occurrences(
    conn: Connection, institution_id: int, fund_no: int, bank_refs: Sequence[str]
) -> dict[str, tuple[int, bool]]:
    """How often an account's lines carry each bank reference, and whether a believed statement does."""
    rows = conn.execute(
        text("""SELECT l.bank_ref, max(l.occurrence) AS last, bool_or(s.verdict = 'accept') AS believed
                FROM ledger.statement_line l JOIN ledger.statement s USING (institution_id, fund_no, statement_id)
                WHERE l.institution_id = :i AND l.fund_no = :f AND l.bank_ref = ANY (CAST(:refs AS text[]))
                GROUP BY l.bank_ref"""),
        {"i": institution_id, "f": fund_no, "refs": list(bank_refs)},
    )
    return {row.bank_ref: (row.last, row.believed) for row in rows}


def contracts_by_reference(conn: Connection, institution_id: int, references: Sequence[str]) -> dict[str, UUID]:
    """The contract of each payment reference; unknown ones are left out."""
    rows = conn.execute(
        text("""SELECT payment_reference, contract_id FROM ledger.contract
                WHERE institution_id = :i AND payment_reference = ANY (CAST(:r AS text[]))"""),
        {"i": institution_id, "r": list(references)},
    )
    return {row.payment_reference: row.contract_id for row in rows}


def instructions_by_end_to_end(
    conn: Connection, institution_id: int, ids: Sequence[str]
) -> dict[str, KnownInstruction]:
    """Our own payments by end-to-end id."""
    rows = conn.execute(
        text(f"""SELECT i.end_to_end_id, i.instruction_id, i.fund_no, i.batch_kind, i.source, i.amount_fen, i.state,
                        i.contract_id, i.refund_id, i.order_id, i.line_id, {_PURPOSE} AS purpose
                 FROM ledger.instruction_now i
                 WHERE i.institution_id = :i AND i.end_to_end_id = ANY (CAST(:ids AS text[]))"""),
        {"i": institution_id, "ids": list(ids)},
    )
    return {
        row.end_to_end_id: KnownInstruction(
            **{k: v for k, v in row._mapping.items() if k not in ("end_to_end_id", "source")},
            source=AccountClass(row.source),
        )
        for row in rows
    }


def dues(conn: Connection, institution_id: int, fund_no: int) -> list[UUID]:
    """Contracts of a fund the institution must still bring money in for, oldest first."""
    return list(
        conn.scalars(
            text("""SELECT contract_id FROM ledger.contract_balance
                    WHERE institution_id = :i AND fund_no = :f AND due_fen > 0 ORDER BY contract_id"""),
            {"i": institution_id, "f": fund_no},
        )
    )


def account_figures(conn: Connection, institution_id: int, fund_no: int, on: date) -> tuple[str, int, int, str] | None:
    """The last believed statement of an account up to a day: its id, opening and closing fen, last day; or None."""
    row = conn.execute(
        text("""SELECT statement_id, opening_fen, closing_fen, last_on FROM ledger.statement
                WHERE institution_id = :i AND fund_no = :f AND verdict = 'accept' AND last_on <= :on
                ORDER BY position DESC LIMIT 1"""),
        {"i": institution_id, "f": fund_no, "on": on},
    ).one_or_none()
    return None if row is None else (row.statement_id, row.opening_fen, row.closing_fen, row.last_on.isoformat())


def in_order(ids: Sequence[UUID], found: dict[UUID, ContractBalance]) -> list[ContractBalance]:
    """Contract rows in the order of ``ids``."""
    return [found[contract_id] for contract_id in ids]
