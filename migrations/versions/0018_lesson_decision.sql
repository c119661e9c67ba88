-- What the rulebook in force at signing says of a contract (null: signed before it was kept), a stored-value card's gift
-- money, and the attendance states the contract says are charged (null: it says nothing).
ALTER TABLE ledger.contract
    ADD COLUMN gift_money_fen ledger.fen CONSTRAINT "gift money is not negative" CHECK (gift_money_fen >= 0),
    ADD COLUMN charged_states text[],
    ADD COLUMN rules jsonb;
-- A keyed digest of the device a person confirmed on: many parents on one device are a signal.
ALTER TABLE ledger.lesson_step ADD COLUMN device_index bytea;

-- What somebody decided on a disputed or unlawful lesson. It takes effect when a second person approves it (ledger.approval).
CREATE TABLE ledger.lesson_decision (
    institution_id integer NOT NULL, decision_id uuid NOT NULL, lesson_id uuid NOT NULL,
    verdict text NOT NULL CONSTRAINT "a decision releases or reverses" CHECK (verdict IN ('released', 'reversed')),
    reason text NOT NULL CONSTRAINT "a decision says why" CHECK (reason <> ''),
    decided_by text NOT NULL, decided_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, decision_id),
    FOREIGN KEY (institution_id, lesson_id) REFERENCES ledger.lesson);
-- whether the authority has released an unlawful lesson
CREATE INDEX lesson_decision_lesson ON ledger.lesson_decision (institution_id, lesson_id);

-- What a dispute keeps from being used; none where no money was there to hold.
CREATE TABLE ledger.lesson_dispute (
    institution_id integer NOT NULL, lesson_id uuid NOT NULL, step smallint NOT NULL,   -- the lesson's step that opened it
    was_released boolean NOT NULL, hold_id uuid,
    PRIMARY KEY (institution_id, lesson_id, step),
    FOREIGN KEY (institution_id, lesson_id, step) REFERENCES ledger.lesson_step);

-- A last day to answer that moved when a holiday notice was loaded, or that lies in a year without one. The newest row is
-- the last day; none: as the lesson was recorded. Refunds have ledger.refund_date.
CREATE TABLE ledger.lesson_date (
    institution_id integer NOT NULL, lesson_id uuid NOT NULL, step smallint NOT NULL,
    answer_until date NOT NULL, provisional boolean NOT NULL, renewed_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, lesson_id, step),
    FOREIGN KEY (institution_id, lesson_id) REFERENCES ledger.lesson);

CREATE TABLE ledger.cash_receipt (                 -- cash an institution took; it must be in the account by due_on
    institution_id integer NOT NULL, receipt_no text NOT NULL, contract_id uuid NOT NULL,
    amount_fen ledger.fen NOT NULL CONSTRAINT "a receipt is for an amount" CHECK (amount_fen > 0),
    received_on date NOT NULL, due_on date NOT NULL, recorded_by text NOT NULL, recorded_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, receipt_no),
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract,
    CONSTRAINT "cash is due after it was received" CHECK (due_on >= received_on));

-- `custody due` asks whether a finding was written before
CREATE INDEX finding_code_ref ON ledger.finding (institution_id, code, ref);
-- the lessons of some days, for lesson times and signals
CREATE INDEX lesson_taught_on ON ledger.lesson (institution_id, taught_on);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['lesson_decision', 'lesson_dispute', 'lesson_date', 'cash_receipt'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;
