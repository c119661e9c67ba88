CREATE TABLE ledger.lesson_evidence (              -- what one side says or shows of a lesson in dispute
    institution_id integer NOT NULL, evidence_id uuid NOT NULL, lesson_id uuid NOT NULL,
    words_sealed bytea, file_sealed bytea, sha256 bytea, media_type text, bytes integer,
    given_at timestamptz NOT NULL, given_by text NOT NULL,
    PRIMARY KEY (institution_id, evidence_id),
    FOREIGN KEY (institution_id, lesson_id) REFERENCES ledger.lesson,
    CONSTRAINT "evidence says or shows something" CHECK (words_sealed IS NOT NULL OR file_sealed IS NOT NULL),
    CONSTRAINT "a photo has a digest, a type and a size" CHECK ((file_sealed IS NULL) = (sha256 IS NULL)
        AND (file_sealed IS NULL) = (media_type IS NULL) AND (file_sealed IS NULL) = (bytes IS NULL)));
-- a lesson's page and whoever decides read all of it
CREATE INDEX lesson_evidence_lesson ON ledger.lesson_evidence (institution_id, lesson_id);

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.lesson_evidence
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.lesson_evidence ENABLE ALWAYS TRIGGER append_only;
