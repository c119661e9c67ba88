-- Who and what: courses, families, contracts. Insert-only; written through ledger.record, which takes JSON rows.
-- Columns ending in _sealed hold AES-256-GCM tokens (ledger/vault.py); _index a keyed digest for look-up.

CREATE TABLE ledger.course (
    institution_id integer NOT NULL REFERENCES ledger.institution,
    course_id uuid NOT NULL,
    code text NOT NULL, name text NOT NULL, subject text NOT NULL,
    stage text NOT NULL, category text NOT NULL, mode text NOT NULL,
    class_size integer NOT NULL CONSTRAINT "a class has at least one pupil" CHECK (class_size > 0),
    minutes integer NOT NULL CONSTRAINT "a lesson lasts 1 to 300 minutes" CHECK (minutes BETWEEN 1 AND 300),
    lesson_price_fen ledger.fen NOT NULL CONSTRAINT "a price is not negative" CHECK (lesson_price_fen >= 0),
    cap_verdict text NOT NULL, cap_fen ledger.fen, excess_fen ledger.fen, rulebook text NOT NULL,
    rulebook_digest bytea NOT NULL, published_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, course_id),
    CONSTRAINT "a course code is unique in its institution" UNIQUE (institution_id, code));

CREATE TABLE ledger.student (
    institution_id integer NOT NULL REFERENCES ledger.institution,
    student_id uuid NOT NULL,
    name_sealed bytea NOT NULL, identity_index bytea NOT NULL,
    registered_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, student_id),
    CONSTRAINT "a pupil is registered once in an institution" UNIQUE (institution_id, identity_index));
-- A guardian is one person across institutions: found by phone at log-in, so it belongs to no institution.
CREATE TABLE ledger.guardian (
    guardian_id uuid PRIMARY KEY,
    name_sealed bytea NOT NULL, phone_sealed bytea NOT NULL, phone_index bytea NOT NULL,
    registered_at timestamptz NOT NULL,
    CONSTRAINT "a phone belongs to one guardian" UNIQUE (phone_index));
CREATE TABLE ledger.guardianship (
    institution_id integer NOT NULL, student_id uuid NOT NULL,
    guardian_id uuid NOT NULL REFERENCES ledger.guardian,
    PRIMARY KEY (institution_id, student_id, guardian_id),
    FOREIGN KEY (institution_id, student_id) REFERENCES ledger.student);
-- "my money": every contract of one guardian, over all institutions
CREATE INDEX guardianship_guardian ON ledger.guardianship (guardian_id);

CREATE TABLE ledger.contract (
    institution_id integer NOT NULL,
    contract_id uuid NOT NULL,
    contract_no text NOT NULL,
    payment_reference text NOT NULL,               -- the key the family writes into the transfer
    course_id uuid NOT NULL, student_id uuid NOT NULL, fund_no smallint NOT NULL,
    price_fen ledger.fen NOT NULL, list_price_fen ledger.fen,
    hours_bought ledger.hundredths NOT NULL, hours_gifted ledger.hundredths NOT NULL,
    months integer, first_lesson_on date NOT NULL, signed_on date NOT NULL,
    funded_by_loan boolean NOT NULL DEFAULT false,
    rulebook text NOT NULL, rulebook_digest bytea NOT NULL,
    signed_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, contract_id),
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract_balance,
    FOREIGN KEY (institution_id, course_id) REFERENCES ledger.course,
    FOREIGN KEY (institution_id, student_id) REFERENCES ledger.student,
    CONSTRAINT "a contract number is unique in its institution" UNIQUE (institution_id, contract_no),
    CONSTRAINT "a payment reference is unique in its institution" UNIQUE (institution_id, payment_reference),
    CONSTRAINT "no training loan funds a contract" CHECK (NOT funded_by_loan),
    CONSTRAINT "a contract buys hours" CHECK (hours_bought > 0 AND hours_gifted >= 0 AND price_fen > 0));
-- prepayment limits are counted over the open contracts of one pupil
CREATE INDEX contract_student ON ledger.contract (institution_id, student_id);

CREATE TABLE ledger.contract_price (               -- a dated new price; the signed one stays on the contract
    institution_id integer NOT NULL, contract_id uuid NOT NULL, since date NOT NULL,
    price_fen ledger.fen NOT NULL, reason text NOT NULL, decided_by text NOT NULL,
    PRIMARY KEY (institution_id, contract_id, since),
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract);
CREATE TABLE ledger.finding (                      -- what a rule noticed without refusing it
    institution_id integer NOT NULL, finding_id uuid NOT NULL,
    code text NOT NULL, ref uuid, contract_id uuid, found_on date NOT NULL, facts jsonb NOT NULL,
    PRIMARY KEY (institution_id, finding_id));

-- Open a custody account, a reserve account or the institution's hands, with the hot accounts its kind has.
CREATE FUNCTION ledger.open_fund(p_institution integer, p_fund jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE f fund := jsonb_populate_record(NULL::fund, p_fund || jsonb_build_object('institution_id', p_institution));
BEGIN
    f.currency := coalesce(f.currency, 'CNY');
    f.opening_fen := coalesce(f.opening_fen, 0);
    INSERT INTO fund SELECT f.*;
    INSERT INTO close VALUES (p_institution, f.fund_no, f.opened_on - 1);
    INSERT INTO balance (institution_id, fund_no, class, guarded)
    SELECT p_institution, f.fund_no, r.class, r.lane = 'guarded_hot' FROM class_rule r
    WHERE r.lane <> 'cold' AND f.kind <> 'hands'
      AND r.class <> (CASE f.kind WHEN 'custody' THEN 'reserve' ELSE 'payable' END)::account_class;
END $$;

CREATE FUNCTION ledger.register_institution(p_institution jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    INSERT INTO institution SELECT * FROM jsonb_populate_record(NULL::institution, p_institution);
    INSERT INTO seal_state (institution_id) VALUES ((p_institution ->> 'institution_id')::integer);
END $$;

-- Contracts and their balance rows, as a set.
CREATE FUNCTION ledger.open_contracts(p_institution integer, p_contracts jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE n integer;
BEGIN
    INSERT INTO contract_balance (institution_id, contract_id, fund_no, price_fen, hours_total)
    SELECT p_institution, c.contract_id, c.fund_no, c.price_fen, c.hours_bought + c.hours_gifted
    FROM jsonb_populate_recordset(NULL::contract, p_contracts) c ORDER BY c.contract_id;
    INSERT INTO contract
    SELECT c.* FROM jsonb_populate_recordset(NULL::contract, p_contracts) c WHERE c.institution_id = p_institution
    ORDER BY c.contract_id;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n <> jsonb_array_length(p_contracts) THEN
        RAISE EXCEPTION 'UNKNOWN: a contract of another institution' USING ERRCODE = 'LG004';
    END IF;
    RETURN n;
END $$;

-- Lock contracts in id order before a flow reads, decides and posts about them.
CREATE FUNCTION ledger.lock_contracts(p_institution integer, p_contracts uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT FROM contract_balance WHERE institution_id = p_institution AND contract_id = ANY (p_contracts)
    ORDER BY contract_id FOR NO KEY UPDATE $$;
-- Lock the guarded account a flow is about to split by what it holds; then read, decide, post.
CREATE FUNCTION ledger.lock_account(p_institution integer, p_fund smallint, p_class text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT FROM balance WHERE institution_id = p_institution AND fund_no = p_fund AND class = p_class::account_class
    FOR NO KEY UPDATE $$;
