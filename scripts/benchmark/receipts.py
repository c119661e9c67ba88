"""Scenario M1 of any size, made by the server: announced payments, bank lines in suspense, and what must come of them.

Of every 100 payments 80 have an exact key, 10 none but an account of their own, 4 come as one settlement, 2 in two
halves, 1 a fen short, 1 not at all, 1 twice, 1 on another account; beside them a line of unknown origin per 200.
"""

from typing import Final
from uuid import UUID

from scripts.benchmark.server import Session

# What a run answers for every 10,000 payments: rule -> matches, lines, payments.
EXPECTED: Final = {
    "R1": (8_000, 8_000, 8_000), "R2": (100, 100, 100), "R3": (200, 400, 200), "R4": (100, 100, 400),
    "R5": (1_000, 1_000, 1_000),
}  # fmt: skip
LINES_OPEN, PAYMENTS_OPEN = 250, 300  # of the same, on the account itself; 100 lines more wait on another one
# Brothers and sisters beside them, per 10,000: two children, one parent's account, one amount, one day, no key.
PAIRS: Final = 100

_FEN = "(10000 + i %% 9973 * 100)"
_PAID_ON = "(date '2026-03-02' + (i / 100 %% 20)::integer)"
_KEY = "'OR' || lpad(i::text, 10, '0')"
_PAYER = "sha256(convert_to('account ' || i, 'UTF8'))"
_PAYMENTS = f"""
    INSERT INTO ledger.announced_payment (institution_id, payment_id, fund_no, payment_no, contract_id, amount_fen,
        fee_fen, paid_on, match_key, batch_key, payer_account_index, announced_at, announced_by)
    SELECT %(institution)s, ('01980000-0000-7000-8000-' || lpad(to_hex(i), 12, '0'))::uuid, %(fund)s, 'OR' || i,
           (%(contracts)s::uuid[])[i %% cardinality(%(contracts)s::uuid[]) + 1],
           {_FEN}, 0, {_PAID_ON},
           CASE WHEN i %% 100 NOT BETWEEN 80 AND 93 THEN {_KEY} END,
           CASE WHEN i %% 100 BETWEEN 90 AND 93 THEN 'WX' || lpad((i / 100)::text, 10, '0') END,
           {_PAYER}, now(), 'bench'
    FROM generate_series(0, %(payments)s - 1) i
    UNION ALL
    SELECT %(institution)s, ('01980000-0000-7000-9000-' || lpad(to_hex(i), 12, '0'))::uuid, %(fund)s, 'SB' || i,
           (%(contracts)s::uuid[])[i %% cardinality(%(contracts)s::uuid[]) + 1], 128000, 0, date '2026-03-02',
           NULL, NULL, sha256(convert_to('parent ' || i / 2, 'UTF8')), now(), 'bench'
    FROM generate_series(0, 2 * %(pairs)s - 1) i"""
# Every kind of line: which payments it is about, its account, amount, day, key and payer.
_LINES = f"""
    CREATE TEMP TABLE made AS
    SELECT row_number() OVER (ORDER BY booked_on, kind, i, half) AS n, x.* FROM (
        SELECT 'plain' AS kind, i, half, %(fund)s AS fund_no, booked_on, key, payer, fen FROM (
            SELECT i, half, {_PAID_ON} + CASE WHEN i %% 100 BETWEEN 80 AND 89
                                                           THEN (i %% 3)::integer ELSE 0 END AS booked_on,
                   CASE WHEN i %% 100 NOT BETWEEN 80 AND 89 THEN {_KEY} END AS key, {_PAYER} AS payer,
                   CASE WHEN i %% 100 IN (94, 95) THEN CASE half WHEN 1 THEN {_FEN} / 2
                                                       ELSE {_FEN} - {_FEN} / 2 END
                        WHEN i %% 100 = 96 THEN {_FEN} - 1 ELSE {_FEN} END AS fen
            FROM generate_series(0, %(received)s - 1) i, generate_series(1, 2) half
            WHERE i %% 100 NOT IN (90, 91, 92, 93, 97, 99) AND (half = 1 OR i %% 100 IN (94, 95, 98))) one
        UNION ALL
        SELECT 'settlement', min(i), 1, %(fund)s, min({_PAID_ON}), 'WX' || lpad((i / 100)::text, 10, '0'),
               sha256('provider'), sum({_FEN})
        FROM generate_series(0, %(received)s - 1) i WHERE i %% 100 BETWEEN 90 AND 93 GROUP BY i / 100
        UNION ALL
        SELECT 'elsewhere', i, 1, %(other_fund)s, {_PAID_ON}, {_KEY}, {_PAYER}, {_FEN}
        FROM generate_series(99, %(received)s - 1, 100) i
        UNION ALL
        SELECT 'unknown', i, 1, %(fund)s, {_PAID_ON}, NULL, sha256(convert_to('unknown ' || i, 'UTF8')),
               777 + i
        FROM generate_series(0, %(received)s - 1, 200) i
        UNION ALL
        SELECT 'siblings', i, 1, %(fund)s, date '2026-03-02', NULL, sha256(convert_to('parent ' || i / 2, 'UTF8')),
               128000
        FROM generate_series(0, 2 * %(pairs)s - 1) i) x"""
_ID = "('01980000-0000-7000-a000-' || lpad(to_hex(n), 12, '0'))::uuid"
_STORED = (
    """INSERT INTO ledger.statement (institution_id, fund_no, statement_id, account_no, opening_fen, closing_fen,
           first_on, last_on, lines, content_digest, file_sha256, verdict, class, position, imported_at)
       SELECT %(institution)s, fund_no, 'M1', '6', 0, sum(fen), min(booked_on), max(booked_on), count(*), ''::bytea,
              ''::bytea, 'accept', '', 1, now() FROM made GROUP BY fund_no""",
    f"""INSERT INTO ledger.statement_line (institution_id, line_id, fund_no, statement_id, ord, amount_fen, credit,
            booked_on, bank_ref, match_key, bank_code, occurrence, payer_account_index)
        SELECT %(institution)s, {_ID}, fund_no, 'M1', n, fen, true, booked_on, 'B' || n, key, '', 1, payer
        FROM made ORDER BY n""",
    f"""INSERT INTO ledger.line_match (institution_id, line_id, rule, kind, matched_at, matched_by)
        SELECT %(institution)s, {_ID}, 'NONE', 'deposit_to_suspense', now(), 'bench' FROM made ORDER BY n""",
    f"""INSERT INTO ledger.item_balance (institution_id, item_id, class, fund_no, credit_fen)
        SELECT %(institution)s, {_ID}, 'suspense', fund_no, fen FROM made ORDER BY n""",
    "DROP TABLE made",
)


def fill(
    conn: Session, institution_id: int, fund_no: int, other_fund: int, contracts: list[UUID], payments: int,
    received: int = 0,
) -> None:  # fmt: skip
    """Write the scenario beside the books (no entry stands behind it): ``payments`` a multiple of 10,000, the lines of
    the first ``received`` of them (0: of all).

    ``conn``: a superuser's, whose keys are not asked row by row: these rows are ours.
    """
    said = {
        "institution": institution_id, "fund": fund_no, "other_fund": other_fund, "contracts": contracts,
        "payments": payments, "received": received or payments, "pairs": PAIRS * (received or payments) // 10_000,
    }  # fmt: skip
    conn.execute("SET session_replication_role = replica")
    for statement in (_PAYMENTS, _LINES, *_STORED):
        conn.execute(statement, said)
    conn.execute("SET session_replication_role = DEFAULT")
