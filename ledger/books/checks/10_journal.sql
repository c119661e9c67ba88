-- Everything asked was answered once, by an entry or by a refusal, and is either sealed once or waiting; every transfer has
-- its entry; every reversal is told by its entry; every block holds what it says.
WITH said AS (
    SELECT institution_id, entry_id, 1 AS asked, 0 AS answered, 0 AS placed FROM ledger.request
    UNION ALL SELECT institution_id, entry_id, 0, 1, 0 FROM ledger.journal_entry
    UNION ALL SELECT r.institution_id, r.entry_id, 0, 1, 0
              FROM ledger.refusal f JOIN ledger.request r USING (institution_id, request_key)
    UNION ALL SELECT institution_id, entry_id, 0, 0, 1 FROM ledger.block_item
    UNION ALL SELECT institution_id, entry_id, 0, 0, 1 FROM ledger.inbox)
SELECT s.institution_id, s.entry_id || x.what AS place, 1::bigint AS expected_fen, x.times AS found_fen
FROM (SELECT institution_id, entry_id, sum(asked) AS asked, sum(answered) AS answered, sum(placed) AS placed
      FROM said GROUP BY 1, 2) s
CROSS JOIN LATERAL (VALUES (' asked', s.asked), (' answered', s.answered), (' sealed or waiting', s.placed)) x (what, times)
UNION ALL
SELECT coalesce(e.institution_id, v.institution_id), coalesce(e.entry_id, v.reversed_by) || ' reversal', 1,
       coalesce((e.reverses = v.entry_id)::int, 0)
FROM (SELECT * FROM ledger.journal_entry WHERE reverses IS NOT NULL) e
FULL JOIN ledger.reversal v ON v.institution_id = e.institution_id AND v.reversed_by = e.entry_id
UNION ALL
SELECT t.institution_id, t.entry_id || ' transfer', 1, 0
FROM ledger.transfer t LEFT JOIN ledger.journal_entry e USING (institution_id, entry_id) WHERE e.entry_id IS NULL
UNION ALL
SELECT f.institution_id, f.request_key || ' refused', 1, (r.request_key IS NOT NULL)::int
FROM ledger.refusal f LEFT JOIN ledger.request r USING (institution_id, request_key)
UNION ALL
SELECT b.institution_id, 'block ' || b.block_no, b.entries, count(x.entry_id)
FROM ledger.block b LEFT JOIN ledger.block_item x USING (institution_id, block_no) GROUP BY 1, b.block_no, b.entries
