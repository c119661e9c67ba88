-- Item sums: suspense is its open bank lines, in_transit its open instructions, difference its open breaks,
-- and what a contract's payments have left is paid less refunded.
SELECT i.institution_id, i.code || ' fund ' || b.fund_no || ' ' || b.class AS place,
       b.credit_fen - b.debit_fen AS expected_fen, coalesce(s.open_fen, 0) AS found_fen
FROM ledger.institution i
CROSS JOIN LATERAL ledger.balances(i.institution_id) b
LEFT JOIN (SELECT institution_id, fund_no, class, sum(credit_fen - debit_fen) AS open_fen
           FROM ledger.item_balance GROUP BY 1, 2, 3) s
       ON s.institution_id = i.institution_id AND s.fund_no = b.fund_no AND s.class = b.class
WHERE b.class IN ('suspense', 'in_transit', 'difference')
UNION ALL
SELECT c.institution_id, c.contract_id || ' payments', c.paid_fen - c.refunded_fen, coalesce(p.left_fen, 0)
FROM ledger.contract_balance c
LEFT JOIN (SELECT institution_id, contract_id, sum(credit_fen - debit_fen) AS left_fen
           FROM ledger.item_balance WHERE class = 'claim' GROUP BY 1, 2) p USING (institution_id, contract_id)
