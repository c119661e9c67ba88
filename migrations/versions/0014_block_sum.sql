-- What a block brought to each class of each fund per accounting day: a bucket of one block. Buckets hold whole days; what was
-- known at a block in the middle of a day is the day's buckets less the sums of its later blocks. Before, those blocks' entries
-- were looked up one by one.
CREATE TABLE ledger.block_sum (
    institution_id integer NOT NULL, block_no integer NOT NULL,
    fund_no smallint NOT NULL, class ledger.account_class NOT NULL, effective_on date NOT NULL,
    debit_fen ledger.fen NOT NULL, credit_fen ledger.fen NOT NULL,
    PRIMARY KEY (institution_id, block_no, fund_no, class, effective_on));
INSERT INTO ledger.block_sum
SELECT b.institution_id, b.block_no, e.fund_no, s.class, e.effective_on, sum(s.debit), sum(s.credit)
FROM ledger.block_item b JOIN ledger.journal_entry e USING (institution_id, entry_id)
JOIN ledger.transfer t USING (institution_id, entry_id)
CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen::bigint, 0::bigint), (t.credit_class, 0, t.amount_fen))
    s (class, debit, credit)
GROUP BY 1, 2, 3, 4, 5;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.block_sum
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.block_sum ENABLE ALWAYS TRIGGER append_only;
