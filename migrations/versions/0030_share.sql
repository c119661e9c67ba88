CREATE TABLE ledger.share_link (                   -- whoever has it may look at one course, and do nothing
    institution_id integer NOT NULL, token_digest bytea NOT NULL,      -- SHA-256 of 256 random bits
    contract_id uuid NOT NULL, guardian_id uuid NOT NULL REFERENCES ledger.guardian,
    made_at timestamptz NOT NULL, ends_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, token_digest),
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract,
    CONSTRAINT "a link ends after it was made" CHECK (ends_at > made_at));
-- the course's page says whether there is one
CREATE INDEX share_link_contract ON ledger.share_link (institution_id, contract_id);
CREATE TABLE ledger.share_ended (                  -- taken back before its day
    institution_id integer NOT NULL, token_digest bytea NOT NULL, ended_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, token_digest),
    FOREIGN KEY (institution_id, token_digest) REFERENCES ledger.share_link);

CREATE TABLE ledger.notice (                       -- what a family is told of its refund on a day after it was asked
    institution_id integer NOT NULL, refund_id uuid NOT NULL, day smallint NOT NULL,
    guardian_id uuid NOT NULL REFERENCES ledger.guardian,
    kind text NOT NULL, made_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, refund_id, day, guardian_id),
    FOREIGN KEY (institution_id, refund_id) REFERENCES ledger.refund,
    CONSTRAINT "a notice has its day" CHECK (day IN (0, 5, 10, 14)));
CREATE TABLE ledger.notice_sent (                  -- handed over to whoever brings it to the phone
    institution_id integer NOT NULL, refund_id uuid NOT NULL, day smallint NOT NULL, guardian_id uuid NOT NULL,
    sent_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, refund_id, day, guardian_id),
    FOREIGN KEY (institution_id, refund_id, day, guardian_id) REFERENCES ledger.notice);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['share_link', 'share_ended', 'notice', 'notice_sent'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;
