CREATE TABLE ledger.takeover (                     -- one person offers a file; ledger.approval (subject 'takeover') has the second
    institution_id integer NOT NULL, takeover_id uuid NOT NULL,
    fund_no smallint NOT NULL, sha256 bytea NOT NULL, file_sealed bytea NOT NULL,
    contracts integer NOT NULL, proposed_at timestamptz NOT NULL, proposed_by text NOT NULL,
    PRIMARY KEY (institution_id, takeover_id),     -- the institution may be registered by this very file: no foreign key
    CONSTRAINT "running books are offered once" UNIQUE (institution_id, sha256));
CREATE TABLE ledger.taken_over_payment (           -- a payment as the family made it, before these books
    institution_id integer NOT NULL, payment_id uuid NOT NULL, contract_id uuid NOT NULL,
    paid_on date NOT NULL, amount_fen ledger.fen NOT NULL CONSTRAINT "a payment is an amount" CHECK (amount_fen > 0),
    payer_name_sealed bytea, payer_account_sealed bytea, payer_bank text,
    PRIMARY KEY (institution_id, payment_id),
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['takeover', 'taken_over_payment'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;

-- What an account held when two people opened it waits in suspense: a take-over explains it from there, so that no fen is
-- counted twice. Straight from the bank nothing was ever taken over.
ALTER TABLE ledger.posting_rule DISABLE TRIGGER append_only;
DELETE FROM ledger.posting_rule WHERE kind = 'taken_over' AND debit_class = 'bank';
ALTER TABLE ledger.posting_rule ENABLE ALWAYS TRIGGER append_only;
INSERT INTO ledger.posting_rule (kind, debit_class, credit_class, claim_counter, debit_item, credit_item) VALUES
    ('taken_over', 'suspense', 'claim', 'paid', 'kept', 'kept'),
    ('taken_over', 'suspense', 'payable', NULL, 'kept', 'none');
