-- Every hot account equals the plain sum over its transfers: payable = releases - payouts, and so on.
WITH sums AS (
    SELECT e.institution_id, e.fund_no, s.class, sum(s.fen) AS fen
    FROM ledger.transfer t JOIN ledger.journal_entry e USING (institution_id, entry_id)
    CROSS JOIN LATERAL (VALUES (t.debit_class, -t.amount_fen::bigint), (t.credit_class, t.amount_fen)) s (class, fen)
    GROUP BY 1, 2, 3)
SELECT i.institution_id, i.code || ' fund ' || b.fund_no || ' ' || b.class AS place, coalesce(s.fen, 0) AS expected_fen,
       b.credit_fen - b.debit_fen AS found_fen
FROM ledger.institution i CROSS JOIN LATERAL ledger.balances(i.institution_id) b
LEFT JOIN sums s ON s.institution_id = i.institution_id AND s.fund_no = b.fund_no AND s.class = b.class
WHERE b.contract_id IS NULL
