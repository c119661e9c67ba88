-- Cover: what an institution must still bring in for a family of a custody account is named by an open break.
-- expected: due beyond what the rulebook lets it hold; found: what the breaks name.
SELECT b.institution_id, b.contract_id || ' cover' AS place, b.due_fen AS expected_fen, coalesce(x.amount_fen, 0) AS found_fen
FROM ledger.contract_balance b
JOIN ledger.fund f USING (institution_id, fund_no)
LEFT JOIN LATERAL (SELECT k.amount_fen FROM ledger.break k
                   WHERE k.institution_id = b.institution_id AND k.contract_id = b.contract_id AND k.kind = 'shortfall'
                   ORDER BY k.break_id DESC LIMIT 1) x ON true
WHERE f.kind = 'custody' AND b.due_fen > 0
