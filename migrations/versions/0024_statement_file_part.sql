-- A file's bytes in parts of a megabyte, each sealed for its place. Files kept before are whole, in their own row.
CREATE TABLE ledger.statement_file_part (
    file_id uuid NOT NULL REFERENCES ledger.statement_file, part integer NOT NULL, raw_sealed bytea NOT NULL,
    PRIMARY KEY (file_id, part),
    CONSTRAINT "parts of a file are counted from 1" CHECK (part >= 1));
-- what is sealed cannot be compressed
ALTER TABLE ledger.statement_file_part ALTER COLUMN raw_sealed SET STORAGE EXTERNAL;
ALTER TABLE ledger.statement_file ALTER COLUMN raw_sealed DROP NOT NULL;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.statement_file_part
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.statement_file_part ENABLE ALWAYS TRIGGER append_only;
