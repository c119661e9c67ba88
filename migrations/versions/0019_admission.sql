-- A held statement is stored and matches nothing. A row here releases it: a person with a reason, or the statement that was
-- missing and joins it to those before. From then on it is believed and has its place in the chain of its account.
CREATE TABLE ledger.statement_release (
    institution_id integer NOT NULL, fund_no smallint NOT NULL, statement_id text NOT NULL,
    position integer NOT NULL,
    joined_by text,                                -- the statement that came and joined it; null: a person released it
    released_at timestamptz NOT NULL, released_by text NOT NULL,
    reason text NOT NULL,
    PRIMARY KEY (institution_id, fund_no, statement_id),
    FOREIGN KEY (institution_id, fund_no, statement_id) REFERENCES ledger.statement,
    CONSTRAINT "a released statement has one place in its chain" UNIQUE (institution_id, fund_no, position),
    CONSTRAINT "a person releases with a reason" CHECK (joined_by IS NOT NULL OR reason <> ''));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.statement_release
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.statement_release ENABLE ALWAYS TRIGGER append_only;

-- Statements as they count now: ``believed``, and ``place`` in the chain of their account.
CREATE VIEW ledger.statement_now AS
SELECT s.*, (s.verdict = 'accept' OR r.position IS NOT NULL) AS believed, coalesce(r.position, s.position) AS place,
       r.released_at, r.released_by, r.reason AS release_reason
FROM ledger.statement s LEFT JOIN ledger.statement_release r USING (institution_id, fund_no, statement_id);
