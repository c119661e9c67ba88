-- Who closed a fund through which day, and who reopened it: one row a step, never changed. ledger.close is the state now.
CREATE TABLE ledger.close_step (
    institution_id integer NOT NULL, fund_no smallint NOT NULL, step integer NOT NULL,
    action text NOT NULL CONSTRAINT "a step closes or reopens" CHECK (action IN ('close', 'reopen')),
    closed_through date NOT NULL,
    block_no bigint NOT NULL,                      -- all that was known when it was closed
    certificate bytea,                             -- SHA-256 of the day's certificate
    by text NOT NULL, approved_by text,
    at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, fund_no, step),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund,
    CONSTRAINT "a day is reopened by two people" CHECK (action = 'close' OR (approved_by IS NOT NULL AND approved_by <> by)));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.close_step
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.close_step ENABLE ALWAYS TRIGGER append_only;
-- days closed before steps were kept; none of them had a certificate
INSERT INTO ledger.close_step (institution_id, fund_no, step, action, closed_through, block_no, by, at)
SELECT c.institution_id, c.fund_no, 1, 'close', c.closed_through, s.block_no, 'migration', coalesce(s.sealed_at, i.registered_at)
FROM ledger.close c JOIN ledger.fund f USING (institution_id, fund_no) JOIN ledger.seal_state s USING (institution_id)
JOIN ledger.institution i USING (institution_id)
WHERE c.closed_through >= f.opened_on;
