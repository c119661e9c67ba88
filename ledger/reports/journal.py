"""The journal as people read it: accounts by name, entries in the order of their accounting days."""

from collections.abc import Iterator, Mapping
from datetime import date
from itertools import groupby

from sqlalchemy import Connection, text

from ledger.terms.journal import PostedEntry, PostedTransfer

# Rows fetched at once: a journal of any length is read in constant memory.
_ROWS = 2_000
# What an account's name is made of, beside the posting's class.
NAMING = """JOIN ledger.institution i USING (institution_id)
            JOIN ledger.fund f USING (institution_id, fund_no)
            LEFT JOIN ledger.contract c USING (institution_id, contract_id)"""
# Only what is sealed up to a block of each institution; for rows of ``j``.
_KNOWN = """JOIN ledger.block_item b ON b.institution_id = j.institution_id AND b.entry_id = j.entry_id
            JOIN unnest(CAST(:institutions AS integer[]), CAST(:blocks AS bigint[])) k (institution_id, block_no)
              ON k.institution_id = b.institution_id AND b.block_no <= k.block_no"""


def account_name(account_class: str) -> str:
    """SQL for the name of an account: <institution>:<class>:<contract, or bank account of the fund>.

    ``account_class``: the SQL of its class; the query joins ``NAMING``.
    """
    return f"""i.code || ':' || {account_class} || ':' || CASE WHEN {account_class} IN ('due', 'claim', 'refund_due')
               THEN c.contract_no ELSE coalesce(f.account_no, 'hands') END"""


def accounts(conn: Connection, known: Mapping[int, int] | None = None) -> Iterator[tuple[str, date]]:
    """Every account that ever moved and the first accounting day it did, by name; ``known`` as in ``entries``."""
    rows = conn.execute(
        text(f"""
        WITH first AS (
            SELECT institution_id, fund_no, class, min(effective_on) AS first_on,
                   CASE WHEN class IN ('due', 'claim', 'refund_due') THEN contract_id END AS contract_id
            FROM (SELECT j.* FROM ledger.posting j {"" if known is None else _KNOWN}) posted GROUP BY 1, 2, 3, 5)
        SELECT {account_name("p.class")} COLLATE "C" AS account, p.first_on
        FROM first p {NAMING} ORDER BY 1""").execution_options(stream_results=True, yield_per=_ROWS),
        _arrays(known),
    )
    for row in rows:
        yield row.account, row.first_on


def entries(conn: Connection, known: Mapping[int, int] | None = None) -> Iterator[PostedEntry]:
    """The whole journal, by accounting day and entry id.

    ``known``: the last block that counts of each institution; the same blocks give the same entries for ever. None:
    everything, sealed or not.
    """
    rows = conn.execute(
        text(f"""
        SELECT e.entry_id, e.effective_on, e.kind, t.amount_fen,
               {account_name("t.debit_class")} AS debit, {account_name("t.credit_class")} AS credit
        FROM (SELECT j.institution_id, j.entry_id, j.fund_no, j.effective_on, j.kind
              FROM ledger.journal_entry j {"" if known is None else _KNOWN}) e
        LEFT JOIN ledger.transfer t USING (institution_id, entry_id)
        {NAMING} ORDER BY e.effective_on, e.entry_id, t.ord""").execution_options(stream_results=True, yield_per=_ROWS),
        _arrays(known),
    )
    for (entry_id, effective_on, kind), group in groupby(rows, key=lambda row: (row[0], row[1], row[2])):
        moved = tuple(PostedTransfer(row.debit, row.credit, row.amount_fen) for row in group if row.amount_fen)
        yield PostedEntry(entry_id, effective_on, kind, moved)


def _arrays(known: Mapping[int, int] | None) -> dict[str, list[int]]:
    return {} if known is None else {"institutions": list(known), "blocks": list(known.values())}
