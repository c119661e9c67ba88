-- A payment that was announced: the institution's sales list, a provider's settlement report, or a clerk who knows whose
-- money a line is. The bank has not said so yet; nothing is posted from it alone.
CREATE TABLE ledger.announced_payment (
    institution_id integer NOT NULL, payment_id uuid NOT NULL,
    fund_no smallint NOT NULL, payment_no text NOT NULL, contract_id uuid NOT NULL,
    amount_fen ledger.fen NOT NULL CONSTRAINT "an announced payment is of an amount" CHECK (amount_fen > 0),
    fee_fen ledger.fen NOT NULL CONSTRAINT "a provider keeps less than the payment" CHECK (fee_fen >= 0 AND fee_fen < amount_fen),
    paid_on date NOT NULL, match_key text, batch_key text,
    payer_name_sealed bytea, payer_account_sealed bytea, payer_account_index bytea, payer_bank text,
    announced_at timestamptz NOT NULL, announced_by text NOT NULL,
    PRIMARY KEY (institution_id, payment_id),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund,
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract,
    CONSTRAINT "a payment is announced once under its number" UNIQUE (institution_id, payment_no));
-- R5 asks whether an account was ever announced for another child with the same amount
CREATE INDEX announced_payment_payer ON ledger.announced_payment (institution_id, fund_no, payer_account_index, amount_fen)
    WHERE payer_account_index IS NOT NULL;

CREATE TABLE ledger.match_run (                    -- one pass of the rules over an account, or one decision of two people
    institution_id integer NOT NULL, run_id uuid NOT NULL,
    fund_no smallint NOT NULL, rules_version text NOT NULL, ran_at timestamptz NOT NULL, ran_by text NOT NULL,
    PRIMARY KEY (institution_id, run_id),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund);
-- Which part of which line is which payment. Rows of one match_id stand or fall together. No foreign keys to lines and
-- payments: a trigger over the whole set (functions/09) asks for both, at a million rows in seconds.
CREATE TABLE ledger.match_part (
    institution_id integer NOT NULL, fund_no smallint NOT NULL,
    line_id uuid NOT NULL, payment_id uuid NOT NULL, match_id uuid NOT NULL, run_id uuid NOT NULL,
    rule text NOT NULL CONSTRAINT "a match names its rule" CHECK (rule IN ('R1', 'R2', 'R3', 'R4', 'R5', 'MANUAL')),
    amount_fen ledger.fen NOT NULL CONSTRAINT "a match is of an amount" CHECK (amount_fen > 0),
    fee_fen ledger.fen NOT NULL CONSTRAINT "a fee of a match is not negative" CHECK (fee_fen >= 0),
    PRIMARY KEY (institution_id, line_id, payment_id, match_id));
-- what a payment is matched with; undoing reads the other parts of one match by it, or by the line
CREATE INDEX match_part_payment ON ledger.match_part (institution_id, payment_id);
CREATE TABLE ledger.match_undone (
    institution_id integer NOT NULL, match_id uuid NOT NULL,
    undone_at timestamptz NOT NULL, undone_by text NOT NULL, reason text NOT NULL,
    PRIMARY KEY (institution_id, match_id),
    CONSTRAINT "a match is undone for a reason" CHECK (reason <> ''));

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['announced_payment', 'match_run', 'match_part', 'match_undone'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;

-- Matches as they stand.
CREATE VIEW ledger.match_now AS
SELECT p.* FROM ledger.match_part p
WHERE NOT EXISTS (SELECT FROM ledger.match_undone u WHERE u.institution_id = p.institution_id AND u.match_id = p.match_id);

-- What every set of parts is asked, in place of keys row by row: the line is money in, of the same account as the payment,
-- and neither is matched beyond its amount.
CREATE FUNCTION ledger._match_parts_fit() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added n
               LEFT JOIN statement_line l ON l.institution_id = n.institution_id AND l.line_id = n.line_id
               LEFT JOIN announced_payment a ON a.institution_id = n.institution_id AND a.payment_id = n.payment_id
               WHERE (l.fund_no = n.fund_no AND l.credit AND a.fund_no = n.fund_no) IS NOT TRUE) THEN
        RAISE EXCEPTION 'a match joins a line and a payment of one account' USING ERRCODE = 'LG003';
    END IF;
    IF EXISTS (SELECT FROM match_now m JOIN statement_line l USING (institution_id, line_id)
               WHERE (m.institution_id, m.line_id) IN (SELECT institution_id, line_id FROM added)
               GROUP BY m.institution_id, m.line_id, l.amount_fen HAVING sum(m.amount_fen) > l.amount_fen) THEN
        RAISE EXCEPTION 'a line is matched up to its amount' USING ERRCODE = 'LG003';
    END IF;
    IF EXISTS (SELECT FROM match_now m JOIN announced_payment a USING (institution_id, payment_id)
               WHERE (m.institution_id, m.payment_id) IN (SELECT institution_id, payment_id FROM added)
               GROUP BY m.institution_id, m.payment_id, a.amount_fen
               HAVING sum(m.amount_fen + m.fee_fen) > a.amount_fen) THEN
        RAISE EXCEPTION 'a payment is matched up to its amount' USING ERRCODE = 'LG003';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER match_parts_fit AFTER INSERT ON ledger.match_part REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._match_parts_fit();
ALTER TABLE ledger.match_part ENABLE ALWAYS TRIGGER match_parts_fit;
