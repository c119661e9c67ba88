-- A batch may be rendered in several formats, each once and the same bytes ever after. Files so far were pain.001.001.09.
ALTER TABLE ledger.payout_file ADD COLUMN format text NOT NULL DEFAULT 'pain.001.09'
    CONSTRAINT "a payment file has a known format" CHECK (format IN ('pain.001.09', 'pain.001.03', 'csv', 'xlsx'));
ALTER TABLE ledger.payout_file ALTER COLUMN format DROP DEFAULT;
ALTER TABLE ledger.payout_file DROP CONSTRAINT payout_file_pkey;
ALTER TABLE ledger.payout_file ADD PRIMARY KEY (institution_id, batch_id, format);

-- The outbox: payout_file is written before a file exists, a row here once it has its name and its folder is synced.
CREATE TABLE ledger.payout_placed (
    institution_id integer NOT NULL, batch_id uuid NOT NULL, format text NOT NULL,
    placed_at timestamptz NOT NULL, placed_by text NOT NULL,
    PRIMARY KEY (institution_id, batch_id, format),
    FOREIGN KEY (institution_id, batch_id, format) REFERENCES ledger.payout_file);
INSERT INTO ledger.payout_placed SELECT institution_id, batch_id, format, written_at, written_by FROM ledger.payout_file;

CREATE TABLE ledger.payout_report (                -- a pain.002 of a bank on one of our batches, as it came
    institution_id integer NOT NULL, report_id uuid NOT NULL,
    batch_id uuid NOT NULL, message_id text NOT NULL, version text NOT NULL,
    sha256 bytea NOT NULL, file_sealed bytea NOT NULL, received_at timestamptz NOT NULL, received_by text NOT NULL,
    PRIMARY KEY (institution_id, report_id),
    FOREIGN KEY (institution_id, batch_id) REFERENCES ledger.payout_batch,
    CONSTRAINT "a status report is taken once" UNIQUE (institution_id, sha256));

-- What a bank said of one payment: the last step that went forward is its state. Status, no money: only the step of a
-- rejection names an entry, and that gives back what was in transit.
CREATE TABLE ledger.instruction_step (
    institution_id integer NOT NULL, instruction_id uuid NOT NULL, step smallint NOT NULL,
    report_id uuid NOT NULL,
    state text NOT NULL CONSTRAINT "a payment state is known" CHECK (state IN ('RCVD', 'PDNG', 'PATC', 'ACTC', 'ACCP', 'ACFC',
        'ACWC', 'ACWP', 'ACSP', 'ACSC', 'ACCC', 'RJCT', 'CANC')),
    kind text NOT NULL CONSTRAINT "a step goes forward, comes late or contradicts" CHECK (kind IN ('forward', 'late', 'contradicts')),
    reasons text[] NOT NULL,                       -- codes; the bank's words lie sealed in the report
    at timestamptz NOT NULL, actor text NOT NULL, entry_id uuid,
    PRIMARY KEY (institution_id, instruction_id, step),
    FOREIGN KEY (institution_id, instruction_id) REFERENCES ledger.instruction,
    FOREIGN KEY (institution_id, report_id) REFERENCES ledger.payout_report,
    CONSTRAINT "only a rejection moves money" CHECK (entry_id IS NULL OR (state IN ('RJCT', 'CANC') AND kind = 'forward')));
CREATE UNIQUE INDEX "a payment is rejected once" ON ledger.instruction_step (institution_id, instruction_id)
    WHERE entry_id IS NOT NULL;

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['payout_placed', 'payout_report', 'instruction_step'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;
