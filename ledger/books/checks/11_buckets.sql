-- The buckets of each hot account equal the sum over its sealed transfers, per accounting day.
WITH sums AS (
    SELECT e.institution_id, e.fund_no, s.class, e.effective_on, sum(s.fen) AS fen
    FROM ledger.block_item b JOIN ledger.journal_entry e USING (institution_id, entry_id)
    JOIN ledger.transfer t USING (institution_id, entry_id)
    CROSS JOIN LATERAL (VALUES (t.debit_class, -t.amount_fen::bigint), (t.credit_class, t.amount_fen)) s (class, fen)
    WHERE s.class NOT IN ('due', 'claim', 'refund_due') GROUP BY 1, 2, 3, 4),
kept AS (SELECT institution_id, fund_no, class, effective_on, sum(credit_fen - debit_fen) AS fen
         FROM ledger.bucket GROUP BY 1, 2, 3, 4)
SELECT institution_id, 'fund ' || fund_no || ' ' || class || ' ' || effective_on AS place,
       coalesce(s.fen, 0) AS expected_fen, coalesce(k.fen, 0) AS found_fen
FROM sums s FULL JOIN kept k USING (institution_id, fund_no, class, effective_on)
