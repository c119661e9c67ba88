-- The cause of a refund is its contested input: the competent office decides it, one person enters the decision with its
-- evidence, another confirms it (ledger.approval, subject 'cause'). Only then does it count: refund_now shows it.
CREATE TABLE ledger.refund_cause (
    institution_id integer NOT NULL, decision_id uuid NOT NULL,
    refund_id uuid NOT NULL,
    cause text NOT NULL CONSTRAINT "a decided cause is known" CHECK (cause IN ('institution', 'consumer', 'neither')),
    office text NOT NULL CONSTRAINT "an office decides a cause" CHECK (office <> ''),
    evidence text NOT NULL CONSTRAINT "a cause is decided on evidence" CHECK (evidence <> ''),
    evidence_digest bytea CONSTRAINT "evidence has a SHA-256" CHECK (octet_length(evidence_digest) = 32),
    amount_fen ledger.fen NOT NULL, worksheet jsonb NOT NULL,   -- the sheet of that cause, kept since the refund was asked
    decided_on date NOT NULL, entered_by text NOT NULL, entered_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, decision_id),
    FOREIGN KEY (institution_id, refund_id) REFERENCES ledger.refund,
    CONSTRAINT "what is decided is what its worksheet comes to"
        CHECK (amount_fen >= 0 AND amount_fen = (worksheet ->> 'refund_fen')::bigint));
-- refund_now looks for the decision of every refund it shows
CREATE INDEX refund_cause_refund ON ledger.refund_cause (institution_id, refund_id);

CREATE TABLE ledger.refund_date (                  -- open dates reckoned anew when a holiday notice is loaded
    institution_id integer NOT NULL, refund_id uuid NOT NULL, step smallint NOT NULL,
    answer_by date NOT NULL, pay_by date NOT NULL, delayed_after date NOT NULL,
    dates jsonb NOT NULL,                          -- each with the rule that gives it
    renewed_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, refund_id, step),
    FOREIGN KEY (institution_id, refund_id) REFERENCES ledger.refund);

-- a refund asks whether the list price of a course was ever paid: the other contracts of that course
CREATE INDEX contract_course ON ledger.contract (institution_id, course_id);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['refund_cause', 'refund_date'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;

-- A refund as it stands: the newest confirmed decision on its cause, its newest dates, its last step. The columns of 0008
-- keep their places; refunds asked before their dates were kept have no day from which their delay is deliberate.
CREATE OR REPLACE VIEW ledger.refund_now AS
SELECT r.institution_id, r.refund_id, r.contract_id, r.follows, coalesce(d.cause, r.cause) AS cause,
       coalesce(d.amount_fen, r.amount_fen)::ledger.fen AS amount_fen, r.hold_id,
       coalesce(d.worksheet, r.worksheet) AS worksheet, r.quote_digest, r.rulebook, r.rulebook_digest,
       r.asked_on, r.asked_by, coalesce(m.answer_by, r.answer_by) AS answer_by, coalesce(m.pay_by, r.pay_by) AS pay_by,
       r.payee_name_sealed, r.payee_account_sealed, r.payee_bank,
       s.step, s.state, s.at AS state_at, s.actor AS state_actor, s.entry_id,
       r.cause AS asked_cause, d.decision_id,
       coalesce(m.dates, r.worksheet -> 'dates') AS dates,
       coalesce(m.delayed_after, (SELECT (x ->> 'on')::date FROM jsonb_array_elements(r.worksheet -> 'dates') x
                                  WHERE x ->> 'code' = 'delayed_after')) AS delayed_after
FROM ledger.refund r
JOIN LATERAL (SELECT x.* FROM ledger.refund_step x
              WHERE x.institution_id = r.institution_id AND x.refund_id = r.refund_id
              ORDER BY x.step DESC LIMIT 1) s ON true
LEFT JOIN LATERAL (SELECT x.* FROM ledger.refund_cause x
                   JOIN ledger.approval a ON a.institution_id = x.institution_id AND a.subject_id = x.decision_id
                   WHERE x.institution_id = r.institution_id AND x.refund_id = r.refund_id
                   ORDER BY x.decision_id DESC LIMIT 1) d ON true
LEFT JOIN LATERAL (SELECT x.* FROM ledger.refund_date x
                   WHERE x.institution_id = r.institution_id AND x.refund_id = r.refund_id
                   ORDER BY x.step DESC LIMIT 1) m ON true;
