-- Every item row equals what the journal moved through that item.
WITH sides AS (
    SELECT t.institution_id, t.debit_item AS item_id, t.debit_class AS class, t.amount_fen AS debit_fen, 0::bigint AS credit_fen
    FROM ledger.transfer t WHERE t.debit_item IS NOT NULL AND t.debit_class <> 'reserve'
    UNION ALL
    SELECT t.institution_id, t.credit_item, t.credit_class, 0, t.amount_fen
    FROM ledger.transfer t WHERE t.credit_item IS NOT NULL AND t.credit_class <> 'reserve'),
sums AS (SELECT institution_id, item_id, class, sum(debit_fen) debit_fen, sum(credit_fen) credit_fen FROM sides GROUP BY 1, 2, 3)
SELECT institution_id, item_id || ' ' || class || x.side AS place, coalesce(x.expected, 0) AS expected_fen,
       coalesce(x.found, 0) AS found_fen
FROM ledger.item_balance b FULL JOIN sums s USING (institution_id, item_id, class)
CROSS JOIN LATERAL (VALUES (' debit', s.debit_fen, b.debit_fen::bigint), (' credit', s.credit_fen, b.credit_fen))
    x (side, expected, found)
