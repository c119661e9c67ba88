"""Matches in the books: runs of the rules, the parts whose money is still to be posted, what is open on both sides."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.match import MatchPart, RuleFound
from ledger.terms.match_suggestion import ExpectedPayment, OpenReceipt
from ledger.vault import Vault

NOTHING = UUID(int=0)  # before every id
# Rows of ``ledger.match_now`` of a line or a payment (alias ``m``), to be summed.
_OF_LINE = "FROM ledger.match_now m WHERE m.institution_id = l.institution_id AND m.line_id = l.line_id"
_OF_PAYMENT = "FROM ledger.match_now m WHERE m.institution_id = a.institution_id AND m.payment_id = a.payment_id"
# Money in that no match has taken: what the line has left in suspense, less what is matched and not posted yet.
_OPEN_LINES = f"""
    SELECT l.line_id, l.booked_on, l.match_key, l.payer_account_index, l.payer_name_sealed,
           least(b.credit_fen - b.debit_fen,
                 l.amount_fen - coalesce((SELECT sum(m.amount_fen) {_OF_LINE}), 0)) AS open_fen
    FROM ledger.item_balance b
    JOIN ledger.statement_line l ON l.institution_id = b.institution_id AND l.line_id = b.item_id
    WHERE b.institution_id = :i AND b.fund_no = :f AND b.class = 'suspense' AND b.debit_fen <> b.credit_fen
      AND l.credit"""
_OPEN_PAYMENTS = f"""
    SELECT a.payment_id, a.payment_no, a.contract_id, a.paid_on, a.match_key, a.batch_key, a.payer_account_index,
           a.payer_name_sealed,
           a.amount_fen - coalesce((SELECT sum(m.amount_fen + m.fee_fen) {_OF_PAYMENT}), 0) AS gross_fen,
           a.fee_fen - coalesce((SELECT sum(m.fee_fen) {_OF_PAYMENT}), 0) AS fee_fen
    FROM ledger.announced_payment a WHERE a.institution_id = :i AND a.fund_no = :f"""
# What a matched line has in suspense is still to be posted; a line that went to a contract by its reference is posted.
_TO_POST = """
    SELECT m.line_id, m.payment_id, m.match_id, a.contract_id, m.amount_fen::bigint AS amount_fen,
           m.fee_fen::bigint AS fee_fen, l.booked_on, l.payer_name_sealed,
           coalesce(b.credit_fen - b.debit_fen, 0)::bigint AS in_suspense_fen
    FROM ledger.match_now m
    JOIN ledger.statement_line l ON l.institution_id = m.institution_id AND l.line_id = m.line_id
    JOIN ledger.line_match k ON k.institution_id = m.institution_id AND k.line_id = m.line_id
    JOIN ledger.announced_payment a ON a.institution_id = m.institution_id AND a.payment_id = m.payment_id
    LEFT JOIN ledger.item_balance b ON b.institution_id = m.institution_id AND b.fund_no = m.fund_no
                                   AND b.class = 'suspense' AND b.item_id = m.line_id
    WHERE m.institution_id = :i AND m.fund_no = :f AND (m.line_id, m.payment_id) > (:line, :payment)
      AND (m.rule = 'MANUAL' OR k.kind <> 'deposit') AND (CAST(:match AS uuid) IS NULL OR m.match_id = :match)
      AND NOT EXISTS (SELECT FROM ledger.match_posted d WHERE d.institution_id = m.institution_id
                      AND d.line_id = m.line_id AND d.payment_id = m.payment_id AND d.match_id = m.match_id)
    ORDER BY m.line_id, m.payment_id LIMIT :n"""


@dataclass(frozen=True, slots=True)
class Surplus:
    """A line that carries the key and amount of a payment that another line was."""

    line_id: UUID
    booked_on: date
    amount_fen: int


def lock(conn: Connection, institution_id: int) -> None:
    """One writer of an institution's matches at a time, before the books' own locks. The key of ``_lock_matching``."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:i, 99997)"), {"i": institution_id})


def run(
    conn: Connection, institution_id: int, fund_no: int, run_id: UUID, version: str, actor: str, now: datetime
) -> list[RuleFound]:
    """Run the rules R1 to R5 over what is open; what each found, nothing where none did."""
    rows = conn.execute(
        text("""SELECT rule, matches, lines, payments
                FROM ledger.match_account(:i, CAST(:f AS smallint), :run, :version, :at, :by)"""),
        {"i": institution_id, "f": fund_no, "run": run_id, "version": version, "at": now, "by": actor},
    )
    return [RuleFound(*row) for row in rows]


def surplus(conn: Connection, institution_id: int, fund_no: int) -> list[Surplus]:
    """Open lines with a key and an amount whose payments have all been received: somebody paid twice."""
    rows = conn.execute(
        text(f"""WITH open AS MATERIALIZED ({_OPEN_LINES} AND l.match_key IS NOT NULL),
                      announced AS MATERIALIZED (
                          SELECT a.match_key, a.amount_fen - a.fee_fen AS net_fen,
                                 bool_and(EXISTS (SELECT {_OF_PAYMENT})) AS all_in
                          FROM ledger.announced_payment a
                          WHERE a.institution_id = :i AND a.fund_no = :f AND a.match_key IN (SELECT match_key FROM open)
                          GROUP BY 1, 2)
                 SELECT o.line_id, o.booked_on, o.open_fen::bigint
                 FROM open o JOIN announced p ON p.match_key = o.match_key AND p.net_fen = o.open_fen
                 WHERE p.all_in ORDER BY o.line_id"""),
        {"i": institution_id, "f": fund_no},
    )
    return [Surplus(*row) for row in rows]


def to_post(
    conn: Connection, vault: Vault, institution_id: int, fund_no: int, after: tuple[UUID, UUID], limit: int,
    match_id: UUID | None = None,
) -> list[MatchPart]:  # fmt: skip
    """Parts of matches (of one, where named) whose money still waits in suspense, in the order of line and payment,
    with the payers' names.
    """
    said = {
        "i": institution_id, "f": fund_no, "line": after[0], "payment": after[1], "n": limit, "match": match_id,
    }  # fmt: skip
    return [
        MatchPart(
            row.line_id, row.payment_id, row.match_id, row.contract_id, row.amount_fen, row.fee_fen, row.booked_on,
            row.in_suspense_fen, _opened(vault, row.payer_name_sealed, "statement_line", row.line_id),
        )
        for row in conn.execute(text(_TO_POST), said)
    ]  # fmt: skip


def parts(conn: Connection, institution_id: int, match_id: UUID) -> tuple[int, bool, list[UUID]] | None:
    """A match: the fund it is in, whether it stands, and what it posted, newest first; None where there is none."""
    rows = conn.execute(
        text("""SELECT p.fund_no, EXISTS (SELECT FROM ledger.match_undone u WHERE u.institution_id = p.institution_id
                                          AND u.match_id = p.match_id) AS undone, d.entry_id, d.release_id
                FROM ledger.match_part p
                LEFT JOIN ledger.match_posted d USING (institution_id, line_id, payment_id, match_id)
                WHERE p.institution_id = :i AND p.match_id = :m ORDER BY d.entry_id DESC"""),
        {"i": institution_id, "m": match_id},
    ).all()
    if not rows:
        return None
    return rows[0].fund_no, not rows[0].undone, [id_ for row in rows for id_ in (row.release_id, row.entry_id) if id_]


def about(conn: Connection, institution_id: int, fund_no: int, named: str) -> list[dict[str, Any]]:
    """The parts of every match, undone ones too, that a line (by its id) or an announced payment (by its number) is in,
    oldest first.
    """
    rows = conn.execute(
        text("""SELECT p.match_id, p.rule, p.line_id, a.payment_no, c.contract_no, p.amount_fen::bigint AS amount_fen,
                       p.fee_fen::bigint AS fee_fen, r.ran_at, r.ran_by, d.entry_id, coalesce(d.code, '') AS code,
                       u.undone_at, u.undone_by, coalesce(u.reason, '') AS reason
                FROM ledger.match_part p
                JOIN ledger.match_run r USING (institution_id, run_id)
                JOIN ledger.announced_payment a USING (institution_id, payment_id)
                JOIN ledger.contract c USING (institution_id, contract_id)
                LEFT JOIN ledger.match_posted d USING (institution_id, line_id, payment_id, match_id)
                LEFT JOIN ledger.match_undone u USING (institution_id, match_id)
                WHERE p.institution_id = :i AND p.fund_no = :f AND p.match_id IN (
                    SELECT q.match_id FROM ledger.match_part q
                    JOIN ledger.announced_payment b USING (institution_id, payment_id)
                    WHERE q.institution_id = :i AND (CAST(q.line_id AS text) = :named OR b.payment_no = :named))
                ORDER BY r.ran_at, p.match_id, p.line_id, p.payment_id"""),
        {"i": institution_id, "f": fund_no, "named": named},
    )
    return [{**row._mapping} for row in rows]


def numbers(conn: Connection, institution_id: int, payment_ids: Collection[UUID]) -> dict[UUID, str]:
    """The numbers of announced payments."""
    rows = conn.execute(
        text("""SELECT payment_id, payment_no FROM ledger.announced_payment
                WHERE institution_id = :i AND payment_id = ANY (CAST(:ids AS uuid[]))"""),
        {"i": institution_id, "ids": list(payment_ids)},
    )
    return {row.payment_id: row.payment_no for row in rows}


def open_lines(
    conn: Connection, vault: Vault, institution_id: int, fund_no: int, ids: Collection[UUID] | None = None,
    names_max: int = 0,
) -> list[OpenReceipt]:  # fmt: skip
    """Lines with money in suspense that no match has taken, oldest first (only ``ids`` where given). Payers' names are
    opened where there are at most ``names_max`` lines.
    """
    wanted = "" if ids is None else " AND l.line_id = ANY (CAST(:ids AS uuid[]))"
    said: dict[str, object] = {"i": institution_id, "f": fund_no} | ({} if ids is None else {"ids": list(ids)})
    rows = conn.execute(
        text(f"SELECT * FROM ({_OPEN_LINES}{wanted}) x WHERE open_fen > 0 ORDER BY line_id"), said
    ).all()
    named = len(rows) <= names_max
    return [
        OpenReceipt(
            row.line_id, row.booked_on, int(row.open_fen), row.match_key or "", row.payer_account_index,
            _opened(vault, row.payer_name_sealed, "statement_line", row.line_id) if named else "",
        )
        for row in rows
    ]  # fmt: skip


def expected(
    conn: Connection, vault: Vault, institution_id: int, fund_no: int, numbers: Sequence[str] | None = None,
    names_max: int = 0,
) -> list[ExpectedPayment]:  # fmt: skip
    """Announced payments that no line has covered, oldest first; otherwise as ``open_lines``."""
    wanted = "" if numbers is None else " AND a.payment_no = ANY (CAST(:n AS text[]))"
    said: dict[str, object] = {"i": institution_id, "f": fund_no} | ({} if numbers is None else {"n": list(numbers)})
    sql = f"SELECT * FROM ({_OPEN_PAYMENTS}{wanted}) x WHERE gross_fen > 0 ORDER BY payment_id"
    rows = conn.execute(text(sql), said).all()
    named = len(rows) <= names_max
    return [
        ExpectedPayment(
            row.payment_id, row.payment_no, row.contract_id, int(row.gross_fen - row.fee_fen), int(row.fee_fen),
            row.paid_on, row.match_key or "", row.batch_key or "", row.payer_account_index,
            _opened(vault, row.payer_name_sealed, "announced_payment", row.payment_id) if named else "",
        )
        for row in rows
    ]  # fmt: skip


def _opened(vault: Vault, sealed: bytes | None, table: str, row_id: UUID) -> str:
    return "" if sealed is None else vault.open(sealed, table, "payer_name", row_id)
