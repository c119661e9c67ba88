-- What happened: lessons, refunds, bank statements, payment files, orders. Insert-only. A state is the last row of the
-- steps table; a step number is part of its key, so two writers cannot both take the next step.

CREATE TABLE ledger.lesson (                       -- one lesson of one contract
    institution_id integer NOT NULL, lesson_id uuid NOT NULL,
    contract_id uuid NOT NULL, lesson_no text NOT NULL,
    taught_on date NOT NULL, starts_at time NOT NULL, minutes integer NOT NULL, hours ledger.hundredths NOT NULL,
    teacher text NOT NULL, room text NOT NULL, mode text NOT NULL, attendance text NOT NULL,
    flags text[] NOT NULL,                         -- unlawful lesson times: silence never confirms these
    answer_until date,                             -- the last day a parent may answer; null: silence never confirms it
    recorded_at timestamptz NOT NULL, recorded_by text NOT NULL,
    PRIMARY KEY (institution_id, lesson_id),
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract,
    CONSTRAINT "a lesson number is unique in its contract" UNIQUE (institution_id, contract_id, lesson_no),
    CONSTRAINT "a lesson takes hours or charges none" CHECK (hours BETWEEN 0 AND 100000));
-- `custody due` finds the lessons whose time to answer has run out
CREATE INDEX lesson_answer_until ON ledger.lesson (institution_id, answer_until) WHERE answer_until IS NOT NULL;
CREATE TABLE ledger.lesson_step (
    institution_id integer NOT NULL, lesson_id uuid NOT NULL, step smallint NOT NULL,
    state text NOT NULL CONSTRAINT "a lesson state is known"
        CHECK (state IN ('recorded', 'confirmed', 'disputed', 'released', 'reversed')),
    at timestamptz NOT NULL, actor text NOT NULL, reason text NOT NULL DEFAULT '', entry_id uuid,
    PRIMARY KEY (institution_id, lesson_id, step),
    FOREIGN KEY (institution_id, lesson_id) REFERENCES ledger.lesson);

CREATE TABLE ledger.refund (
    institution_id integer NOT NULL, refund_id uuid NOT NULL,
    contract_id uuid NOT NULL,
    follows uuid,                                  -- the closed refund that this supplementary one names
    cause text NOT NULL CONSTRAINT "a cause is known" CHECK (cause IN ('institution', 'consumer', 'neither')),
    amount_fen ledger.fen NOT NULL, hold_id uuid,
    worksheet jsonb NOT NULL, quote_digest bytea NOT NULL, rulebook text NOT NULL, rulebook_digest bytea NOT NULL,
    asked_on date NOT NULL, asked_by text NOT NULL, answer_by date NOT NULL, pay_by date NOT NULL,
    payee_name_sealed bytea NOT NULL, payee_account_sealed bytea NOT NULL, payee_bank text NOT NULL,
    PRIMARY KEY (institution_id, refund_id),
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract,
    CONSTRAINT "one open refund per contract" UNIQUE NULLS NOT DISTINCT (institution_id, contract_id, follows));
CREATE TABLE ledger.refund_closed (                -- paid, withdrawn or refused: only such a one may be followed
    institution_id integer NOT NULL, refund_id uuid NOT NULL, closed_on date NOT NULL,
    PRIMARY KEY (institution_id, refund_id),
    FOREIGN KEY (institution_id, refund_id) REFERENCES ledger.refund);
ALTER TABLE ledger.refund ADD CONSTRAINT "a supplementary refund follows a closed one"
    FOREIGN KEY (institution_id, follows) REFERENCES ledger.refund_closed;
CREATE TABLE ledger.refund_step (
    institution_id integer NOT NULL, refund_id uuid NOT NULL, step smallint NOT NULL,
    state text NOT NULL CONSTRAINT "a refund state is known" CHECK (state IN
        ('asked', 'agreed', 'objected', 'approved', 'in_transit', 'paid', 'returned', 'withdrawn', 'refused')),
    at timestamptz NOT NULL, actor text NOT NULL, reason text NOT NULL DEFAULT '', entry_id uuid,
    PRIMARY KEY (institution_id, refund_id, step),
    FOREIGN KEY (institution_id, refund_id) REFERENCES ledger.refund);
CREATE TABLE ledger.approval (                     -- the second person: refund, batch, order
    institution_id integer NOT NULL, subject_id uuid NOT NULL, subject text NOT NULL,
    made_by text NOT NULL, approved_by text NOT NULL, approved_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, subject_id),
    CONSTRAINT "maker and checker are two people" CHECK (made_by <> approved_by));

CREATE TABLE ledger.reserve_order (                -- of the competent department; the reserve moves on nothing else
    institution_id integer NOT NULL, order_id uuid NOT NULL,
    fund_no smallint NOT NULL, purpose text NOT NULL CONSTRAINT "an order draws or releases" CHECK (purpose IN ('draw', 'release')),
    amount_fen ledger.fen NOT NULL CONSTRAINT "an order is for an amount" CHECK (amount_fen > 0),
    office text NOT NULL, document_no text NOT NULL, ordered_on date NOT NULL, entered_by text NOT NULL,
    PRIMARY KEY (institution_id, order_id),
    CONSTRAINT "a document orders once" UNIQUE (institution_id, document_no));

CREATE TABLE ledger.payout_batch (
    institution_id integer NOT NULL, batch_id uuid NOT NULL,
    fund_no smallint NOT NULL, kind text NOT NULL CONSTRAINT "a batch pays out, refunds or moves a reserve" CHECK (kind IN ('payout', 'refund', 'reserve')),
    message_id text NOT NULL, created_at timestamptz NOT NULL, execute_on date NOT NULL,
    instructions integer NOT NULL, control_fen ledger.fen NOT NULL, built_by text NOT NULL,
    PRIMARY KEY (institution_id, batch_id),
    CONSTRAINT "a message id is used once" UNIQUE (institution_id, message_id));
CREATE TABLE ledger.instruction (
    institution_id integer NOT NULL, instruction_id uuid NOT NULL,
    batch_id uuid NOT NULL, fund_no smallint NOT NULL,
    source ledger.account_class NOT NULL,          -- where it came from and where a rejected one goes back to
    contract_id uuid, refund_id uuid, order_id uuid, line_id uuid,
    amount_fen ledger.fen NOT NULL, end_to_end_id text NOT NULL,
    payee_name_sealed bytea NOT NULL, payee_account_sealed bytea NOT NULL, payee_bank text NOT NULL, memo text NOT NULL,
    PRIMARY KEY (institution_id, instruction_id),
    FOREIGN KEY (institution_id, batch_id) REFERENCES ledger.payout_batch,
    CONSTRAINT "an end-to-end id is used once" UNIQUE (institution_id, end_to_end_id));
CREATE INDEX instruction_batch ON ledger.instruction (institution_id, batch_id);
CREATE INDEX instruction_refund ON ledger.instruction (institution_id, refund_id) WHERE refund_id IS NOT NULL;
CREATE TABLE ledger.payout_file (
    institution_id integer NOT NULL, batch_id uuid NOT NULL,
    file_sealed bytea NOT NULL, sha256 bytea NOT NULL, written_at timestamptz NOT NULL, written_by text NOT NULL,
    PRIMARY KEY (institution_id, batch_id),
    FOREIGN KEY (institution_id, batch_id) REFERENCES ledger.payout_batch);

CREATE TABLE ledger.statement_file (               -- every file ever offered, accepted or quarantined
    file_id uuid PRIMARY KEY, sha256 bytea NOT NULL, name text NOT NULL, verdict text NOT NULL, class text NOT NULL,
    raw_sealed bytea NOT NULL, offered_at timestamptz NOT NULL, offered_by text NOT NULL);
CREATE INDEX statement_file_digest ON ledger.statement_file (sha256);
CREATE TABLE ledger.statement (
    institution_id integer NOT NULL, fund_no smallint NOT NULL, statement_id text NOT NULL,
    account_no text NOT NULL, sequence integer, opening_fen ledger.fen NOT NULL, closing_fen ledger.fen NOT NULL,
    first_on date NOT NULL, last_on date NOT NULL, lines integer NOT NULL,
    content_digest bytea NOT NULL, file_sha256 bytea NOT NULL,
    verdict text NOT NULL, class text NOT NULL, position integer NOT NULL, imported_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, fund_no, statement_id),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund,
    CONSTRAINT "statements of an account are numbered as they came" UNIQUE (institution_id, fund_no, position));
CREATE TABLE ledger.statement_line (
    institution_id integer NOT NULL, line_id uuid NOT NULL,
    fund_no smallint NOT NULL, statement_id text NOT NULL, ord integer NOT NULL,
    amount_fen ledger.fen NOT NULL, credit boolean NOT NULL, booked_on date NOT NULL, value_on date,
    bank_ref text, match_key text, end_to_end_id text, bank_code text NOT NULL, occurrence integer NOT NULL,
    payer_name_sealed bytea, payer_account_sealed bytea, payer_account_index bytea, payer_bank text, memo_sealed bytea,
    PRIMARY KEY (institution_id, line_id),
    FOREIGN KEY (institution_id, fund_no, statement_id) REFERENCES ledger.statement,
    CONSTRAINT "a line has one place in its statement" UNIQUE (institution_id, fund_no, statement_id, ord),
    CONSTRAINT "a bank reference is imported once" UNIQUE (institution_id, fund_no, bank_ref, occurrence));
CREATE TABLE ledger.line_match (                   -- what a bank line turned out to be; one answer per line
    institution_id integer NOT NULL, line_id uuid NOT NULL,
    rule text NOT NULL, kind text NOT NULL, entry_id uuid, ref uuid, matched_at timestamptz NOT NULL, matched_by text NOT NULL,
    PRIMARY KEY (institution_id, line_id),
    FOREIGN KEY (institution_id, line_id) REFERENCES ledger.statement_line);
CREATE TABLE ledger.break (
    institution_id integer NOT NULL, break_id uuid NOT NULL,
    fund_no smallint NOT NULL, kind text NOT NULL, amount_fen ledger.fen NOT NULL, owner text NOT NULL, reason text NOT NULL,
    opened_on date NOT NULL, due_on date NOT NULL, ref uuid, contract_id uuid,
    PRIMARY KEY (institution_id, break_id));

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['course', 'student', 'guardian', 'guardianship', 'contract', 'contract_price', 'finding',
        'lesson', 'lesson_step', 'refund', 'refund_closed', 'refund_step', 'approval', 'reserve_order', 'payout_batch',
        'instruction', 'payout_file', 'statement_file', 'statement', 'statement_line', 'line_match', 'break'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;
