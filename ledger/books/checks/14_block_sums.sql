-- What each block brought to a class of a fund equals the sums over its transfers, per accounting day.
WITH sums AS (
    SELECT b.institution_id, b.block_no, e.fund_no, s.class, e.effective_on, sum(s.debit) AS debit, sum(s.credit) AS credit
    FROM ledger.block_item b
    JOIN ledger.journal_entry e USING (institution_id, entry_id)
    JOIN ledger.transfer t USING (institution_id, entry_id)
    CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen::bigint, 0::bigint), (t.credit_class, 0, t.amount_fen))
        s (class, debit, credit)
    GROUP BY 1, 2, 3, 4, 5)
SELECT institution_id, 'block ' || block_no || ' fund ' || fund_no || ' ' || class || ' ' || effective_on || side.name AS place,
       side.expected AS expected_fen, side.found AS found_fen
FROM sums s FULL JOIN ledger.block_sum k USING (institution_id, block_no, fund_no, class, effective_on)
CROSS JOIN LATERAL (VALUES (' debit', coalesce(s.debit, 0), coalesce(k.debit_fen, 0)),
                           (' credit', coalesce(s.credit, 0), coalesce(k.credit_fen, 0))) side (name, expected, found)
