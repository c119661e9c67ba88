-- Per fund: bank + due = claim + refund_due + payable + in_transit + suspense + reserve + interest + difference.
-- expected: the left side; found: the right side.
SELECT i.institution_id, i.code || ' fund ' || f.fund_no AS place,
       coalesce(sum(b.debit_fen - b.credit_fen) FILTER (WHERE b.class IN ('bank', 'due')), 0) AS expected_fen,
       coalesce(sum(b.credit_fen - b.debit_fen) FILTER (WHERE b.class NOT IN ('bank', 'due')), 0) AS found_fen
FROM ledger.institution i
JOIN ledger.fund f USING (institution_id)
LEFT JOIN LATERAL ledger.balances(i.institution_id) b ON b.fund_no = f.fund_no
GROUP BY i.institution_id, i.code, f.fund_no
