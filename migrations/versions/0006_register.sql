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
