-- The cash book of each bank account equals the closing balance of its last believed statement.
SELECT s.institution_id, i.code || ' ' || s.account_no AS place, s.closing_fen AS expected_fen,
       coalesce(b.debit_fen - b.credit_fen, 0) AS found_fen
FROM (SELECT DISTINCT ON (institution_id, fund_no) institution_id, fund_no, account_no, closing_fen
      FROM ledger.statement_now WHERE believed ORDER BY institution_id, fund_no, place DESC) s
JOIN ledger.institution i USING (institution_id)
JOIN LATERAL ledger.balances(s.institution_id) b ON b.fund_no = s.fund_no AND b.class = 'bank'
