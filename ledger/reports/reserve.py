"""What a reserve report reads: every institution's claims, cash and reserve at the end of an accounting day."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import Connection, Row, text

from ledger.books.reserve import PAID
from ledger.terms.reserve import MONTHS_OF_A_CHARGE, EnteredFacts, FundPosition, ReserveFacts, ReserveFigures

# Entries of known blocks alone, so that the blocks a report names are exactly what it rests on.
_SEALED = """e.effective_on <= :on AND EXISTS (
            SELECT FROM ledger.block_item k
            JOIN unnest(CAST(:institutions AS integer[]), CAST(:blocks AS bigint[])) n (institution_id, block_no)
              ON n.institution_id = k.institution_id AND k.block_no <= n.block_no
            WHERE k.institution_id = e.institution_id AND k.entry_id = e.entry_id)"""
# Per fund, and with fund_no null per institution: what families are owed, and how many of them.
_OWED = f"""
    WITH owed AS (
        SELECT e.institution_id, e.fund_no, t.contract_id,
               sum(t.amount_fen * ((t.credit_class = 'claim')::int - (t.debit_class = 'claim')::int)) AS claim,
               sum(t.amount_fen * ((t.credit_class = 'claim')::int - (t.debit_class = 'claim')::int))
                   FILTER (WHERE e.effective_on < date_trunc('quarter', CAST(:on AS date))) AS quarter,
               sum(t.amount_fen * ((t.credit_class = 'refund_due')::int
                                   - (t.debit_class = 'refund_due')::int)) AS refund_due,
               sum(t.amount_fen * ((t.debit_class = 'due')::int - (t.credit_class = 'due')::int)) AS due
        FROM ledger.journal_entry e JOIN ledger.transfer t USING (institution_id, entry_id)
        WHERE t.contract_id IS NOT NULL AND {_SEALED} GROUP BY 1, 2, 3)
    SELECT o.institution_id, o.fund_no, coalesce(sum(o.claim), 0)::bigint AS claim,
           coalesce(sum(o.refund_due), 0)::bigint AS refund_due, coalesce(sum(o.due), 0)::bigint AS due,
           coalesce(sum(o.quarter), 0)::bigint AS quarter,
           count(DISTINCT c.student_id) FILTER (WHERE o.claim > 0) AS students
    FROM owed o JOIN ledger.contract c USING (institution_id, contract_id)
    GROUP BY GROUPING SETS ((o.institution_id, o.fund_no), (o.institution_id))"""
_CASH = f"""
    SELECT e.institution_id, e.fund_no,
           sum(t.amount_fen * ((t.debit_class = 'bank')::int - (t.credit_class = 'bank')::int))::bigint AS bank,
           sum(t.amount_fen * ((t.credit_class = 'reserve')::int - (t.debit_class = 'reserve')::int))::bigint AS reserve
    FROM ledger.journal_entry e JOIN ledger.transfer t USING (institution_id, entry_id)
    WHERE {_SEALED} GROUP BY 1, 2"""
_RECEIPTS = f"""
    SELECT institution_id, sum(fen)::bigint AS year,
           coalesce(sum(fen) FILTER (WHERE effective_on > CAST(:on AS date) - make_interval(months => :charge)),
                    0)::bigint AS period,
           coalesce(sum(fen) FILTER (WHERE effective_on > CAST(:on AS date) - make_interval(months => m.months)),
                    0)::bigint AS recent
    FROM ({PAID} WHERE {_SEALED} AND e.effective_on > CAST(:on AS date) - interval '1 year') paid
    JOIN unnest(CAST(:institutions AS integer[]), CAST(:months AS integer[])) m (institution_id, months)
         USING (institution_id)
    GROUP BY 1"""

# What was entered of each institution by the time its known block was sealed.
_ENTERED = f"""
    SELECT DISTINCT ON (f.institution_id) f.institution_id, {", ".join(f"f.{name}" for name in EnteredFacts.__slots__)}
    FROM unnest(CAST(:institutions AS integer[]), CAST(:blocks AS bigint[])) n (institution_id, block_no)
    JOIN ledger.block k USING (institution_id, block_no)
    JOIN ledger.institution_fact f ON f.institution_id = n.institution_id AND f.recorded_at <= k.sealed_at
    ORDER BY f.institution_id, f.recorded_at DESC"""


def figures(
    conn: Connection, on: date, known: Mapping[int, int] | None = None, rolling_months: Mapping[int, int] | None = None
) -> dict[int, ReserveFigures]:
    """Every institution at the end of ``on``, by number, from sealed entries whose accounting day is not later.

    ``known``: the last block that counts of each institution (None: all that is sealed). One charging period is the
    three months up to ``on``, a year the twelve months; payments are recent for ``rolling_months`` (by institution; one
    charging period where none are given). The last quarter ended before that of ``on``. Read in one snapshot.
    """
    if known is None:
        known = {row[0]: row[1] for row in conn.execute(text("SELECT institution_id, block_no FROM ledger.seal_state"))}
    months = [(rolling_months or {}).get(number, MONTHS_OF_A_CHARGE) for number in known]
    given = {
        "on": on, "institutions": list(known), "blocks": list(known.values()), "months": months,
        "charge": MONTHS_OF_A_CHARGE,
    }  # fmt: skip
    owed, cash = _by_key(conn, _OWED, given), _by_key(conn, _CASH, given)
    entered = {row.institution_id: _entered(row) for row in conn.execute(text(_ENTERED), given)}
    receipts = {row.institution_id: row for row in conn.execute(text(_RECEIPTS), given)}
    funds: dict[int, list[Row[Any]]] = {}
    for fund in conn.execute(text("SELECT institution_id, fund_no, kind FROM ledger.fund ORDER BY 1, 2")):
        funds.setdefault(fund.institution_id, []).append(fund)
    found = {}
    for number in conn.scalars(text("SELECT institution_id FROM ledger.institution ORDER BY 1")):
        paid = receipts.get(number)
        books = _of_institution(number, funds.get(number, []), owed, cash, paid, on)
        found[number] = replace(books, entered=entered.get(number))
    return found


def _entered(row: Row[Any]) -> EnteredFacts:
    return EnteredFacts(**{name: getattr(row, name) for name in EnteredFacts.__slots__})


def _by_key(conn: Connection, sql: str, given: Mapping[str, Any]) -> dict[tuple[int, int | None], Row[Any]]:
    return {(row.institution_id, row.fund_no): row for row in conn.execute(text(sql), given)}


def _of_institution(
    number: int,
    funds: list[Row[Any]],
    owed: dict[tuple[int, int | None], Row[Any]],
    cash: dict[tuple[int, int | None], Row[Any]],
    paid: Row[Any] | None,
    on: date,
) -> ReserveFigures:
    positions = []
    for fund in funds:
        row = owed.get((number, fund.fund_no))
        if row is not None and fund.kind != "reserve":
            positions.append(FundPosition(fund.kind == "custody", row.claim, row.refund_due, row.due))
    whole = owed.get((number, None))
    undelivered, year = (whole.claim if whole else 0), (paid.year if paid else 0)
    period, recent = (paid.period, paid.recent) if paid else (0, 0)
    return ReserveFigures(
        institution_id=number,
        facts=ReserveFacts(
            undelivered_fen=undelivered,
            balance_fen=undelivered,
            last_quarter_balance_fen=whole.quarter if whole else 0,
            last_year_receipts_fen=year,
            last_year_income_fen=year,
            recent_payments_fen=recent,
            period_receipts_fen=period,
            students=whole.students if whole else 0,
        ),
        funds=tuple(positions),
        held_fen=_sum(cash, number, funds, "reserve", "reserve"),
        custody_fen=_sum(cash, number, funds, "custody", "bank"),
        on=on,
    )


def _sum(
    cash: dict[tuple[int, int | None], Row[Any]], number: int, funds: list[Row[Any]], kind: str, column: str
) -> int:
    of_kind = [cash[number, fund.fund_no] for fund in funds if fund.kind == kind and (number, fund.fund_no) in cash]
    return sum(getattr(row, column) for row in of_kind)
