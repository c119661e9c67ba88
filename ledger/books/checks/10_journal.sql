-- Every entry has its request; every answered request is either sealed once or waiting, and answered once, by an entry or
-- by a refusal; every transfer has its entry; every reversal is told by its entry; every block holds what it says.
SELECT e.institution_id, e.entry_id || ' request' AS place, 1::bigint AS expected_fen, count(r.*) AS found_fen
FROM ledger.journal_entry e
LEFT JOIN ledger.request r ON r.institution_id = e.institution_id AND r.entry_id = e.entry_id
GROUP BY 1, e.entry_id HAVING count(r.*) <> 1
UNION ALL
SELECT r.institution_id, r.entry_id || ' sealed or waiting', 1, (b.entry_id IS NOT NULL)::int + (i.entry_id IS NOT NULL)::int
FROM ledger.request r
LEFT JOIN ledger.block_item b USING (institution_id, entry_id) LEFT JOIN ledger.inbox i USING (institution_id, entry_id)
UNION ALL
SELECT coalesce(e.institution_id, v.institution_id), coalesce(e.entry_id, v.reversed_by) || ' reversal', 1,
       coalesce((e.reverses = v.entry_id)::int, 0)
FROM (SELECT * FROM ledger.journal_entry WHERE reverses IS NOT NULL) e
FULL JOIN ledger.reversal v ON v.institution_id = e.institution_id AND v.reversed_by = e.entry_id
UNION ALL
SELECT t.institution_id, t.entry_id || ' transfer', 1, 0
FROM ledger.transfer t LEFT JOIN ledger.journal_entry e USING (institution_id, entry_id) WHERE e.entry_id IS NULL
UNION ALL
SELECT r.institution_id, r.request_key || ' answered', 1, (e.entry_id IS NOT NULL)::int + (f.request_key IS NOT NULL)::int
FROM ledger.request r
LEFT JOIN ledger.journal_entry e USING (institution_id, entry_id)
LEFT JOIN ledger.refusal f USING (institution_id, request_key)
UNION ALL
SELECT f.institution_id, f.request_key || ' refused', 1, (r.request_key IS NOT NULL)::int
FROM ledger.refusal f LEFT JOIN ledger.request r USING (institution_id, request_key)
UNION ALL
SELECT b.institution_id, 'block ' || b.block_no, b.entries, count(x.entry_id)
FROM ledger.block b LEFT JOIN ledger.block_item x USING (institution_id, block_no) GROUP BY 1, b.block_no, b.entries
