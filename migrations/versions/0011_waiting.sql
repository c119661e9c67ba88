-- What a request proves is fixed when it is answered, not when it is sealed: its leaf waits in the inbox, and what a call
-- moved waits as sums in `unfolded`. Sealing reads no journal, and a row changed between posting and sealing is found too.
-- What waits already is hashed by ledger._leaves, which 0011_waiting.py brings for this purpose.
ALTER TABLE ledger.inbox ADD COLUMN leaf bytea;
UPDATE ledger.inbox i SET leaf = l.leaf FROM (
    SELECT b.institution_id, x.* FROM (
        SELECT institution_id, array_agg(entry_id) AS entries, array_agg(request_key) AS keys FROM ledger.inbox GROUP BY 1) b
    CROSS JOIN LATERAL ledger._leaves(b.institution_id, b.entries, b.keys) x) l
WHERE i.institution_id = l.institution_id AND i.entry_id = l.entry_id;
ALTER TABLE ledger.inbox ALTER COLUMN leaf SET NOT NULL;

CREATE TABLE ledger.unfolded (                     -- what each call since the last seal moved, summed; churns with the inbox
    institution_id integer NOT NULL,
    entry_id uuid NOT NULL,                        -- the first entry of the call
    fund_no smallint NOT NULL, class ledger.account_class NOT NULL, effective_on date NOT NULL,
    debit_fen ledger.fen NOT NULL, credit_fen ledger.fen NOT NULL,
    PRIMARY KEY (institution_id, entry_id, fund_no, class, effective_on));
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON ledger.unfolded
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.unfolded ENABLE ALWAYS TRIGGER never_truncated;
INSERT INTO ledger.unfolded
SELECT e.institution_id, e.entry_id, e.fund_no, s.class, e.effective_on, sum(s.debit), sum(s.credit)
FROM ledger.inbox i JOIN ledger.journal_entry e USING (institution_id, entry_id) JOIN ledger.transfer t USING (institution_id, entry_id)
CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen::bigint, 0::bigint), (t.credit_class, 0, t.amount_fen))
    s (class, debit, credit)
GROUP BY 1, 2, 3, 4, 5;
