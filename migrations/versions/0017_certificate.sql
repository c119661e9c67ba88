-- What one person asks: to close a fund through a day on these figures, or to open the days after one again.
CREATE TABLE ledger.close_proposal (
    institution_id integer NOT NULL, fund_no smallint NOT NULL, proposal integer NOT NULL,
    action text NOT NULL CONSTRAINT "a proposal closes or reopens" CHECK (action IN ('close', 'reopen')),
    through date NOT NULL,
    figures_digest bytea NOT NULL,                 -- SHA-256 of the figures proposed: those, and no others, are approved
    reason text NOT NULL,
    proposed_at timestamptz NOT NULL, proposed_by text NOT NULL,
    PRIMARY KEY (institution_id, fund_no, proposal),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund,
    CONSTRAINT "days are reopened for a reason" CHECK (action = 'close' OR reason <> ''));

-- What a second person approved: the certificate as its bytes, signed, each naming the one before by its SHA-256.
CREATE TABLE ledger.certificate (
    institution_id integer NOT NULL, fund_no smallint NOT NULL, record integer NOT NULL,
    proposal integer NOT NULL,
    action text NOT NULL, through date NOT NULL,
    content bytea NOT NULL, sha256 bytea NOT NULL, previous bytea,
    key_no integer NOT NULL, signature bytea NOT NULL,
    proposed_by text NOT NULL, approved_by text NOT NULL, signed_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, fund_no, record),
    FOREIGN KEY (institution_id, fund_no, proposal) REFERENCES ledger.close_proposal,
    CONSTRAINT "a proposal is approved once" UNIQUE (institution_id, fund_no, proposal),
    CONSTRAINT "a certificate is named by its digest" UNIQUE (institution_id, fund_no, sha256),
    CONSTRAINT "a digest is that of the content" CHECK (sha256 = pg_catalog.sha256(content)),
    CONSTRAINT "a certificate names the one before" FOREIGN KEY (institution_id, fund_no, previous)
        REFERENCES ledger.certificate (institution_id, fund_no, sha256),
    CONSTRAINT "one certificate follows another" UNIQUE NULLS NOT DISTINCT (institution_id, fund_no, previous),
    CONSTRAINT "only the first certificate names none" CHECK ((record = 1) = (previous IS NULL)),
    CONSTRAINT "a certificate has two people" CHECK (proposed_by <> approved_by));

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['close_proposal', 'certificate'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;
