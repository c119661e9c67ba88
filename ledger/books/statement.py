"""Bank statements in the books: files as they were offered, statements, lines, and what each line turned out to be."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.errors import InvariantBroken
from ledger.terms.contract import ContractBalance
from ledger.terms.institution import Fund, Payee
from ledger.terms.journal import AccountClass
from ledger.terms.match import KnownInstruction, OpenLine
from ledger.terms.statement import AccountHistory, KnownRef, KnownStatement, StatementLine
from ledger.vault import Vault

_KEEP_PART = text("SELECT ledger.keep_file_part(:f, :n, :b)")
# What an instruction is for, in the words of ``rules.match``.
_PURPOSE = """CASE WHEN i.order_id IS NOT NULL THEN (SELECT o.purpose FROM ledger.reserve_order o
                        WHERE o.institution_id = i.institution_id AND o.order_id = i.order_id)
                   WHEN i.source = 'refund_due' THEN 'refund' WHEN i.source = 'payable' THEN 'payout'
                   WHEN i.source = 'suspense' THEN 'suspense' ELSE 'move' END"""


def lock_fund(conn: Connection, institution_id: int, fund_no: int) -> None:
    """One import at a time on an account: two would both see the same last statement. The books of the institution are
    taken as posting does, so that a file about several of them takes all in their order, whatever its own.
    """
    conn.execute(
        text("SELECT pg_advisory_xact_lock(hashtextextended(:k, 11)), pg_advisory_xact_lock_shared(:i, 0)"),
        {"k": f"{institution_id} {fund_no}", "i": institution_id},
    )


def history(conn: Connection, institution_id: int, fund_no: int) -> list[KnownStatement]:
    """The stored statements of an account in the order they chain, held ones included."""
    rows = conn.execute(
        text("""SELECT s.statement_id, s.content_digest, s.sequence, s.opening_fen, s.closing_fen, s.last_on,
                       s.file_sha256, s.believed, s.class,
                       CASE WHEN s.believed THEN NULL ELSE
                           (SELECT array_agg(DISTINCT l.bank_ref) FROM ledger.statement_line l
                            WHERE l.institution_id = s.institution_id AND l.fund_no = s.fund_no
                              AND l.statement_id = s.statement_id AND l.bank_ref NOT LIKE '~%') END AS refs
                FROM ledger.statement_now s WHERE s.institution_id = :i AND s.fund_no = :f ORDER BY s.place"""),
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
            believed=row.believed,
            opening_fen=row.opening_fen,
            class_=row[8],
            refs=frozenset(row.refs or ()),
        )
        for row in rows
    ]


def account_history(conn: Connection, fund: Fund, bank_refs: Iterable[str]) -> AccountHistory:
    """What new statements of an account are judged by; ``bank_refs``: those of their lines."""
    known = history(conn, fund.institution_id, fund.fund_no)
    held = {ref for one in known for ref in one.refs}
    refs = occurrences(conn, fund.institution_id, fund.fund_no, sorted({*bank_refs, *held}))
    return AccountHistory(fund.currency, fund.opening_fen, tuple(known), refs)


def next_place(conn: Connection, institution_id: int, fund_no: int) -> int:
    """The place in its account's chain that the next statement gets. Under ``lock_fund``."""
    found = conn.scalar(
        text("""SELECT greatest(max(position), max(place)) FROM ledger.statement_now
                WHERE institution_id = :i AND fund_no = :f"""),
        {"i": institution_id, "f": fund_no},
    )
    return int(found or 0) + 1


def find(conn: Connection, statement_id: str, account_no: str | None) -> list[tuple[str, bool]]:
    """The accounts (all, or one) that have a statement of this id, and whether it is believed."""
    rows = conn.execute(
        text("""SELECT account_no, believed FROM ledger.statement_now
                WHERE statement_id = :s AND (CAST(:a AS text) IS NULL OR account_no = :a) ORDER BY account_no"""),
        {"s": statement_id, "a": account_no},
    )
    return [(row.account_no, row.believed) for row in rows]


def believed_count(conn: Connection, institution_id: int, fund_no: int) -> int:
    """How many statements of an account are believed."""
    sql = "SELECT count(*) FROM ledger.statement_now WHERE institution_id = :i AND fund_no = :f AND believed"
    return int(conn.scalar(text(sql), {"i": institution_id, "f": fund_no}) or 0)


def released(conn: Connection, institution_id: int, fund_no: int, statement_id: str) -> bool:
    """Whether a statement was held and is released."""
    return bool(
        conn.scalar(
            text("""SELECT EXISTS (SELECT FROM ledger.statement_release
                                   WHERE institution_id = :i AND fund_no = :f AND statement_id = :s)"""),
            {"i": institution_id, "f": fund_no, "s": statement_id},
        )
    )


def open_lines(
    conn: Connection, vault: Vault, institution_id: int, fund_no: int, statement_id: str, limit: int
) -> list[OpenLine]:
    """The first ``limit`` lines of a stored statement that nothing explains yet, in its order, their payers' names
    opened.
    """
    rows = conn.execute(
        text("""SELECT line_id, ord, amount_fen, credit, booked_on, coalesce(match_key, '') AS match_key,
                       coalesce(end_to_end_id, '') AS end_to_end_id, bank_code, payer_name_sealed
                FROM ledger.statement_line l
                WHERE institution_id = :i AND fund_no = :f AND statement_id = :s
                  AND NOT EXISTS (SELECT FROM ledger.line_match m
                                  WHERE m.institution_id = l.institution_id AND m.line_id = l.line_id)
                ORDER BY line_id LIMIT :n"""),
        {"i": institution_id, "f": fund_no, "s": statement_id, "n": limit},
    )
    return [
        OpenLine(
            row.line_id, row.ord, row.amount_fen, row.credit, row.booked_on, row.match_key, row.end_to_end_id,
            row.bank_code, "" if row.payer_name_sealed is None
            else vault.open(row.payer_name_sealed, "statement_line", "payer_name", row.line_id),
        )
        for row in rows
    ]  # fmt: skip


def offered(conn: Connection, sha256: str) -> set[str]:
    """The verdicts under which a file of these bytes (SHA-256, hex) was kept before."""
    return set(
        conn.scalars(text("SELECT verdict FROM ledger.statement_file WHERE sha256 = :d"), {"d": bytes.fromhex(sha256)})
    )


def keep_file(conn: Connection, vault: Vault, file_id: UUID, parts: Iterable[bytes]) -> None:
    """Keep a file's bytes, sealed part by part."""
    for number, part in enumerate(parts, 1):
        sealed = vault.seal_bytes(part, "statement_file_part", f"raw {number}", file_id)
        conn.execute(_KEEP_PART, {"f": file_id, "n": number, "b": sealed})


def file_bytes(conn: Connection, vault: Vault, file_id: UUID) -> Iterator[bytes]:
    """A kept file, part by part, as it was offered. Raises InvariantBroken SEAL_BROKEN: and at the end, where the whole
    is not what was offered.
    """
    kept = conn.execute(
        text("SELECT raw_sealed, sha256 FROM ledger.statement_file WHERE file_id = :f"), {"f": file_id}
    ).one()
    digest = hashlib.sha256()
    for part in _file_parts(conn, vault, file_id, kept.raw_sealed):
        digest.update(part)
        yield part
    if digest.digest() != bytes(kept.sha256):
        raise InvariantBroken("SEAL_BROKEN", f"statement_file.raw of {file_id}")


def _file_parts(conn: Connection, vault: Vault, file_id: UUID, whole: bytes | None) -> Iterator[bytes]:
    if whole is not None:  # kept before files were kept in parts
        yield vault.open_bytes(whole, "statement_file", "raw", file_id)
    rows = conn.execute(
        text("SELECT part, raw_sealed FROM ledger.statement_file_part WHERE file_id = :f ORDER BY part"), {"f": file_id}
    )
    for row in rows:
        yield vault.open_bytes(row.raw_sealed, "statement_file_part", f"raw {row.part}", file_id)


def occurrences(conn: Connection, institution_id: int, fund_no: int, bank_refs: Sequence[str]) -> dict[str, KnownRef]:
    """How often an account's lines carry each bank reference; unknown ones are left out."""
    rows = conn.execute(
        text("""SELECT l.bank_ref, max(l.occurrence) AS last, count(*) FILTER (WHERE s.believed) AS believed
                FROM ledger.statement_line l JOIN ledger.statement_now s USING (institution_id, fund_no, statement_id)
                WHERE l.institution_id = :i AND l.fund_no = :f AND l.bank_ref = ANY (CAST(:refs AS text[]))
                GROUP BY l.bank_ref"""),
        {"i": institution_id, "f": fund_no, "refs": list(bank_refs)},
    )
    return {row.bank_ref: KnownRef(row.last, row.believed) for row in rows}


def contracts_by_reference(conn: Connection, institution_id: int, references: Sequence[str]) -> dict[str, UUID]:
    """The contract of each payment reference, in the account it has last arrived in; unknown ones are left out."""
    rows = conn.execute(
        text("""SELECT c.payment_reference, coalesce(
                    (SELECT m.successor_id FROM ledger.contract_move_now m
                     WHERE m.institution_id = c.institution_id AND m.first_id = c.contract_id AND m.state = 'arrived'
                     ORDER BY m.successor_id DESC LIMIT 1), c.contract_id) AS contract_id
                FROM ledger.contract c
                WHERE c.institution_id = :i AND c.payment_reference = ANY (CAST(:r AS text[]))"""),
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


def payers(conn: Connection, vault: Vault, institution_id: int, line_ids: Sequence[UUID]) -> dict[UUID, Payee]:
    """Who sent the money of some lines, where the bank says name, account and bank."""
    rows = conn.execute(
        text("""SELECT line_id, payer_name_sealed, payer_account_sealed, payer_bank FROM ledger.statement_line
                WHERE institution_id = :i AND line_id = ANY (CAST(:ids AS uuid[]))
                  AND payer_name_sealed IS NOT NULL AND payer_account_sealed IS NOT NULL AND payer_bank <> ''"""),
        {"i": institution_id, "ids": list(line_ids)},
    )
    return {
        row.line_id: Payee(
            vault.open(row.payer_name_sealed, "statement_line", "payer_name", row.line_id),
            vault.open(row.payer_account_sealed, "statement_line", "payer_account", row.line_id),
            row.payer_bank,
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
        text("""SELECT statement_id, opening_fen, closing_fen, last_on FROM ledger.statement_now
                WHERE institution_id = :i AND fund_no = :f AND believed AND last_on <= :on
                ORDER BY place DESC LIMIT 1"""),
        {"i": institution_id, "f": fund_no, "on": on},
    ).one_or_none()
    return None if row is None else (row.statement_id, row.opening_fen, row.closing_fen, row.last_on.isoformat())


def in_order(ids: Sequence[UUID], found: dict[UUID, ContractBalance]) -> list[ContractBalance]:
    """Contract rows in the order of ``ids``."""
    return [found[contract_id] for contract_id in ids]


def line_row(vault: Vault, line_id: UUID, line: StatementLine, match_key: str) -> dict[str, object]:
    """A line as it is stored: who it names and says is sealed, the account blindly indexed."""

    def sealed(value: str, column: str) -> bytes | None:
        return vault.seal(value, "statement_line", column, line_id) if value else None

    return {
        "line_id": line_id, "ord": line.ord, "amount_fen": line.amount_fen, "credit": line.credit,
        "booked_on": line.booked_on, "value_on": line.value_on,
        "match_key": match_key or None,
        "end_to_end_id": line.end_to_end_id or None, "bank_code": line.bank_code,
        "payer_name_sealed": sealed(line.counterparty_name, "payer_name"),
        "payer_account_sealed": sealed(line.counterparty_account, "payer_account"),
        "payer_account_index": vault.index(line.counterparty_account, "account") if line.counterparty_account else None,
        "payer_bank": line.counterparty_bank or None, "memo_sealed": sealed(line.memo, "memo"),
    }  # fmt: skip
