-- Every kept row is one that belongs there: a contract's limits are those signed, a fund has exactly the hot accounts of its
-- kind, an item lies in the fund and contract of its entries, a hold is what its entries say, a signature has its institution.
SELECT coalesce(c.institution_id, b.institution_id) AS institution_id,
       'contract ' || coalesce(c.contract_id, b.contract_id) AS place, 1::bigint AS expected_fen,
       coalesce(((c.fund_no, c.price_fen, c.hours_bought + c.hours_gifted)
                 = (b.fund_no, b.price_fen, b.hours_total))::int, 0)::bigint AS found_fen
FROM ledger.contract c FULL JOIN ledger.contract_balance b USING (institution_id, contract_id)
UNION ALL
SELECT coalesce(f.institution_id, b.institution_id), 'account ' || coalesce(f.fund_no, b.fund_no) || ' '
       || coalesce(f.class, b.class), 1, coalesce((f.guarded = b.guarded)::int, 0)
FROM (SELECT f.institution_id, f.fund_no, r.class, r.lane = 'guarded_hot' AS guarded FROM ledger.fund f
      JOIN ledger.class_rule r ON r.lane <> 'cold' AND r.class <> (CASE f.kind WHEN 'custody' THEN 'reserve' ELSE 'payable' END)::ledger.account_class
      WHERE f.kind <> 'hands') f
FULL JOIN ledger.balance b USING (institution_id, fund_no, class)
UNION ALL
SELECT b.institution_id, 'item ' || b.item_id || ' ' || b.class, 1,
       coalesce((s.least_fund = b.fund_no AND s.most_fund = b.fund_no AND s.contract_id IS NOT DISTINCT FROM b.contract_id)::int, 0)
FROM ledger.item_balance b
LEFT JOIN (SELECT s.institution_id, s.item_id, s.class, min(e.fund_no) AS least_fund, max(e.fund_no) AS most_fund,
                  min(s.contract_id::text)::uuid AS contract_id
           FROM (SELECT institution_id, entry_id, debit_item AS item_id, debit_class AS class,
                        CASE WHEN debit_class = 'claim' THEN contract_id END AS contract_id
                 FROM ledger.transfer WHERE debit_item IS NOT NULL
                 UNION ALL
                 SELECT institution_id, entry_id, credit_item, credit_class, CASE WHEN credit_class = 'claim' THEN contract_id END
                 FROM ledger.transfer WHERE credit_item IS NOT NULL) s
           JOIN ledger.journal_entry e USING (institution_id, entry_id) GROUP BY 1, 2, 3) s USING (institution_id, item_id, class)
UNION ALL
SELECT coalesce(h.institution_id, e.institution_id), 'hold ' || coalesce(h.hold_id, e.hold_id), 1,
       coalesce((h.fund_no = e.fund_no AND h.contract_id IS NOT DISTINCT FROM e.contract_id
                 AND (h.amount_fen, h.captured_fen, h.released_fen) = (e.placed, e.captured, e.released))::int, 0)
FROM ledger.hold h
FULL JOIN (SELECT institution_id, hold_id, min(fund_no) AS fund_no, min(contract_id::text)::uuid AS contract_id,
                  coalesce(sum(hold_fen) FILTER (WHERE hold_action = 'place'), 0) AS placed,
                  coalesce(sum(hold_fen) FILTER (WHERE hold_action = 'capture'), 0) AS captured,
                  coalesce(sum(hold_fen) FILTER (WHERE hold_action = 'release'), 0) AS released
           FROM ledger.journal_entry WHERE hold_id IS NOT NULL GROUP BY 1, 2) e USING (institution_id, hold_id)
UNION ALL
SELECT k.institution_id, 'checkpoint of block ' || k.block_no, 1, (i.institution_id IS NOT NULL)::int
FROM ledger.checkpoint k LEFT JOIN ledger.institution i USING (institution_id)
UNION ALL
SELECT b.institution_id, 'block ' || b.block_no, 1, (i.institution_id IS NOT NULL)::int
FROM ledger.block b LEFT JOIN ledger.institution i USING (institution_id)
