-- What the books cannot know of an institution by themselves, as it was entered: the newest row counts, and a report that
-- rests on a block counts what was entered by then.
CREATE TABLE ledger.institution_fact (
    institution_id integer NOT NULL REFERENCES ledger.institution,
    recorded_at timestamptz NOT NULL,
    opened_on date,
    opening_funds_fen ledger.fen, capital_fen ledger.fen, last_year_income_fen ledger.fen,
    issuer_kind text CONSTRAINT "an issuer is large, a group or a brand" CHECK (issuer_kind IN ('large', 'group', 'brand')),
    source text NOT NULL CONSTRAINT "a fact names the document it stands in" CHECK (source <> ''),
    entered_by text NOT NULL,
    PRIMARY KEY (institution_id, recorded_at));
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.institution_fact
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.institution_fact ENABLE ALWAYS TRIGGER append_only;
