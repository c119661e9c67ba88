-- Held on each contract, and on each payable, is what its open holds add up to; no other account is held.
SELECT b.institution_id, b.contract_id || ' held' AS place, coalesce(h.open_fen, 0) AS expected_fen, b.held_fen AS found_fen
FROM ledger.contract_balance b
LEFT JOIN (SELECT institution_id, contract_id, sum(amount_fen - captured_fen - released_fen) AS open_fen
           FROM ledger.hold WHERE contract_id IS NOT NULL GROUP BY 1, 2) h USING (institution_id, contract_id)
UNION ALL
SELECT b.institution_id, 'fund ' || b.fund_no || ' ' || b.class || ' held', coalesce(h.open_fen, 0), b.held_fen
FROM ledger.balance b
LEFT JOIN (SELECT institution_id, fund_no, sum(amount_fen - captured_fen - released_fen) AS open_fen
           FROM ledger.hold WHERE contract_id IS NULL GROUP BY 1, 2) h
       ON h.institution_id = b.institution_id AND h.fund_no = b.fund_no AND b.class = 'payable'
