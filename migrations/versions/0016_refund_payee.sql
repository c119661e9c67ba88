-- A refund goes to the account its money came from. Another one counts once a second person has confirmed it
-- (ledger.approval, subject 'payee') and its time to object is over; until then the refund is not paid at all.
CREATE TABLE ledger.refund_payee (
    institution_id integer NOT NULL, change_id uuid NOT NULL,
    refund_id uuid NOT NULL,
    payee_name_sealed bytea NOT NULL, payee_account_sealed bytea NOT NULL, payee_bank text NOT NULL,
    reason text NOT NULL CONSTRAINT "an account is changed for a reason" CHECK (reason <> ''),
    returned boolean NOT NULL,                     -- the account so far sent the refund back: it is no way out
    cooling_hours smallint NOT NULL CONSTRAINT "a changed account is not used at once" CHECK (cooling_hours > 0),
    entered_at timestamptz NOT NULL, entered_by text NOT NULL,
    PRIMARY KEY (institution_id, change_id),
    FOREIGN KEY (institution_id, refund_id) REFERENCES ledger.refund);
-- building a batch looks for the newest change of every refund it pays
CREATE INDEX refund_payee_refund ON ledger.refund_payee (institution_id, refund_id, change_id);
CREATE TABLE ledger.refund_payee_cancelled (       -- taken back before it was used: somebody objected
    institution_id integer NOT NULL, change_id uuid NOT NULL,
    cancelled_at timestamptz NOT NULL, cancelled_by text NOT NULL, reason text NOT NULL,
    PRIMARY KEY (institution_id, change_id),
    FOREIGN KEY (institution_id, change_id) REFERENCES ledger.refund_payee);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['refund_payee', 'refund_payee_cancelled'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;

-- Changes as they stand. usable_at: null before the second person; the newest that was not cancelled counts.
CREATE VIEW ledger.refund_payee_now AS
SELECT p.*, a.approved_by AS confirmed_by, a.approved_at AS confirmed_at,
       a.approved_at + p.cooling_hours * interval '1 hour' AS usable_at, c.cancelled_at, c.cancelled_by
FROM ledger.refund_payee p
LEFT JOIN ledger.approval a ON a.institution_id = p.institution_id AND a.subject_id = p.change_id
LEFT JOIN ledger.refund_payee_cancelled c ON c.institution_id = p.institution_id AND c.change_id = p.change_id;
