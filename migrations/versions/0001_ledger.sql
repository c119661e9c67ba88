-- The books: what money is where, and nothing about why. Read this file first, then 0002 (posting), 0003 (sealing).
--
-- An ACCOUNT is (institution, fund, class) and, for a contract's three classes, the contract. A fund is one custody
-- account (A), one reserve account (R) or the institution's own hands (H). A transfer names two classes and lies in the
-- fund of its entry, so "both sides in one fund" holds by construction; there is no account id that could point elsewhere.
-- institution_id leads every key (see README, "Beyond one machine"); ids are time-ordered UUIDs made by the caller.

CREATE TYPE ledger.fund_kind AS ENUM ('custody', 'reserve', 'hands');
CREATE TYPE ledger.account_class AS ENUM (
    'bank', 'due', 'claim', 'refund_due', 'payable', 'in_transit', 'suspense', 'reserve', 'interest', 'difference');
CREATE TYPE ledger.lane AS ENUM ('cold', 'guarded_hot', 'free_hot');
CREATE TYPE ledger.claim_counter AS ENUM ('paid', 'released', 'refunded');
CREATE TYPE ledger.hold_action AS ENUM ('place', 'capture', 'release');
CREATE TYPE ledger.item_rule AS ENUM ('kept', 'named', 'none');
CREATE DOMAIN ledger.fen AS bigint;                -- integer minor units; CNY: 1 yuan = 100 fen
CREATE DOMAIN ledger.hundredths AS integer;        -- class hours, 1 hour = 100

-- Which side of each class is normal, and its lane: how its balance is kept (design: three lanes).
CREATE TABLE ledger.class_rule (
    class ledger.account_class PRIMARY KEY,
    debit_normal boolean NOT NULL,
    lane ledger.lane NOT NULL);
INSERT INTO ledger.class_rule VALUES
    ('bank', true, 'free_hot'), ('due', true, 'cold'), ('claim', false, 'cold'), ('refund_due', false, 'cold'),
    ('payable', false, 'guarded_hot'), ('reserve', false, 'guarded_hot'), ('interest', false, 'guarded_hot'),
    ('in_transit', false, 'free_hot'), ('suspense', false, 'free_hot'), ('difference', false, 'free_hot');

CREATE TABLE ledger.institution (
    institution_id integer PRIMARY KEY,            -- its number in the register; given by the competent department
    code text NOT NULL CONSTRAINT "an institution code is unique" UNIQUE
        CONSTRAINT "an institution code is 2 to 20 capitals and digits" CHECK (code ~ '^[A-Z][A-Z0-9]{1,19}$'),
    name text NOT NULL,
    place text NOT NULL CONSTRAINT "a place is a GB/T 2260 code" CHECK (place ~ '^[0-9]{6}$'),
    zone text NOT NULL DEFAULT '',
    category text NOT NULL CONSTRAINT "a category is known"
        CHECK (category IN ('academic', 'non_academic', 'after_school')),
    mode text NOT NULL CONSTRAINT "a mode is known" CHECK (mode IN ('custody', 'reserve', 'both')),
    office_name text NOT NULL, office_phone text NOT NULL,
    payee_name_sealed bytea NOT NULL, payee_account_sealed bytea NOT NULL, payee_bank text NOT NULL,
    registered_at timestamptz NOT NULL);

CREATE TABLE ledger.fund (
    institution_id integer NOT NULL REFERENCES ledger.institution,
    fund_no smallint NOT NULL,
    kind ledger.fund_kind NOT NULL,
    account_no text,                               -- the bank account; none for the institution's own hands
    bank_name text, bank_no text,                  -- 12-digit CNAPS number
    currency char(3) NOT NULL DEFAULT 'CNY',
    opening_fen ledger.fen NOT NULL DEFAULT 0,     -- what the bank's first statement opens with
    opened_on date NOT NULL,
    opened_by text NOT NULL, approved_by text NOT NULL,
    PRIMARY KEY (institution_id, fund_no),
    CONSTRAINT "hands have no bank account and every other fund has one" CHECK ((kind = 'hands') = (account_no IS NULL)),
    CONSTRAINT "an account is opened by two people" CHECK (opened_by <> approved_by));
-- one bank account belongs to one fund; the import finds the fund by the account a statement names
CREATE UNIQUE INDEX "a bank account belongs to one fund" ON ledger.fund (institution_id, account_no);
CREATE INDEX fund_by_account ON ledger.fund (account_no);

-- Moved only under the exclusive advisory lock of the fund; posting holds it shared (3-ledger-core, "closed days").
CREATE TABLE ledger.close (
    institution_id integer NOT NULL, fund_no smallint NOT NULL,
    closed_through date NOT NULL,
    PRIMARY KEY (institution_id, fund_no),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund);

-- Hot accounts. Guarded: credits folded by the sealer, debits and holds applied at once. Free: both sides folded.
CREATE TABLE ledger.balance (
    institution_id integer NOT NULL, fund_no smallint NOT NULL,
    class ledger.account_class NOT NULL,
    guarded boolean NOT NULL,
    debit_fen ledger.fen NOT NULL DEFAULT 0, credit_fen ledger.fen NOT NULL DEFAULT 0, held_fen ledger.fen NOT NULL DEFAULT 0,
    version bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (institution_id, fund_no, class),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund,
    CONSTRAINT "sides and holds never go below zero" CHECK (debit_fen >= 0 AND credit_fen >= 0 AND held_fen >= 0),
    CONSTRAINT "a guarded account is never overdrawn, holds counted"
        CHECK (NOT guarded OR credit_fen - debit_fen - held_fen >= 0))
    WITH (fillfactor = 60);

-- The contract row IS the balance of claim:C, due:C and refund_due:C; there is no second one.
CREATE TABLE ledger.contract_balance (
    institution_id integer NOT NULL,
    contract_id uuid NOT NULL,
    fund_no smallint NOT NULL,
    price_fen ledger.fen NOT NULL,                 -- the price signed; a later lower price does not shrink it
    hours_total ledger.hundredths NOT NULL,        -- bought and gifted
    paid_fen ledger.fen NOT NULL DEFAULT 0, released_fen ledger.fen NOT NULL DEFAULT 0,
    refunded_fen ledger.fen NOT NULL DEFAULT 0, held_fen ledger.fen NOT NULL DEFAULT 0,
    due_fen ledger.fen NOT NULL DEFAULT 0, refund_due_fen ledger.fen NOT NULL DEFAULT 0,
    hours_released ledger.hundredths NOT NULL DEFAULT 0,
    claim_fen bigint GENERATED ALWAYS AS (paid_fen - released_fen - refunded_fen) STORED,
    PRIMARY KEY (institution_id, contract_id),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund,
    CONSTRAINT "no more is paid than the price" CHECK (paid_fen BETWEEN 0 AND price_fen),
    CONSTRAINT "a claim is never overdrawn, holds counted"
        CHECK (released_fen >= 0 AND refunded_fen >= 0 AND held_fen >= 0
               AND released_fen + refunded_fen + held_fen <= paid_fen),
    CONSTRAINT "what is owed is never negative" CHECK (due_fen >= 0 AND refund_due_fen >= 0),
    CONSTRAINT "no family is paid with another family's money"
        CHECK (due_fen <= paid_fen - released_fen - refunded_fen + refund_due_fen),
    CONSTRAINT "no more hours are released than bought and gifted" CHECK (hours_released BETWEEN 0 AND hours_total))
    WITH (fillfactor = 60);

-- What a class's balance is made of: payments (claim), instructions (in_transit), bank lines (suspense), breaks (difference).
CREATE TABLE ledger.item_balance (
    institution_id integer NOT NULL,
    item_id uuid NOT NULL,
    class ledger.account_class NOT NULL,
    fund_no smallint NOT NULL,
    contract_id uuid,                              -- the contract of a payment
    debit_fen ledger.fen NOT NULL DEFAULT 0, credit_fen ledger.fen NOT NULL DEFAULT 0,
    PRIMARY KEY (institution_id, item_id, class),
    CONSTRAINT "no more leaves an item than came into it" CHECK (class = 'difference' OR debit_fen <= credit_fen),
    CONSTRAINT "sides of an item never go below zero" CHECK (debit_fen >= 0 AND credit_fen >= 0))
    WITH (fillfactor = 70);
-- open lines, open instructions and the payments of a contract (newest first) are read by these
CREATE INDEX item_balance_open ON ledger.item_balance (institution_id, fund_no, class) WHERE debit_fen <> credit_fen;
CREATE INDEX item_balance_payment ON ledger.item_balance (institution_id, contract_id, item_id) WHERE contract_id IS NOT NULL;

CREATE TABLE ledger.hold (
    institution_id integer NOT NULL,
    hold_id uuid NOT NULL,
    fund_no smallint NOT NULL,
    contract_id uuid,                              -- none: a hold on the fund's payable
    amount_fen ledger.fen NOT NULL,
    captured_fen ledger.fen NOT NULL DEFAULT 0, released_fen ledger.fen NOT NULL DEFAULT 0,
    PRIMARY KEY (institution_id, hold_id),
    CONSTRAINT "a hold ends at most once" CHECK (amount_fen > 0 AND captured_fen >= 0 AND released_fen >= 0
                                                  AND captured_fen + released_fen <= amount_fen));

CREATE TABLE ledger.posting_rule (                 -- the allow-list; rows in 0002
    kind text NOT NULL,
    debit_class ledger.account_class NOT NULL, credit_class ledger.account_class NOT NULL,
    claim_counter ledger.claim_counter,            -- which counter of the contract moves when a side is claim
    debit_item ledger.item_rule NOT NULL, credit_item ledger.item_rule NOT NULL,
    PRIMARY KEY (kind, debit_class, credit_class),
    CONSTRAINT "a counter is named exactly where claim is a side"
        CHECK (('claim' IN (debit_class, credit_class)) = (claim_counter IS NOT NULL)));

CREATE TABLE ledger.request (                      -- one thing asked once, for ever: insert-only
    institution_id integer NOT NULL,
    request_key uuid NOT NULL,                     -- first 16 bytes of SHA-256 over the asker's key and its scope
    field_digests bytea NOT NULL,                  -- 8 bytes per field, in the order the kind defines
    entry_id uuid NOT NULL,                        -- of the entry, or that the entry would have had
    PRIMARY KEY (institution_id, request_key));
CREATE TABLE ledger.refusal (                      -- a refused request stays refused
    institution_id integer NOT NULL,
    request_key uuid NOT NULL,
    code text NOT NULL,
    PRIMARY KEY (institution_id, request_key),
    FOREIGN KEY (institution_id, request_key) REFERENCES ledger.request);

CREATE TABLE ledger.journal_entry (
    institution_id integer NOT NULL,
    fund_no smallint NOT NULL,
    effective_on date NOT NULL,                    -- accounting day; never in a closed day
    entry_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    hours ledger.hundredths NOT NULL,              -- class hours released (> 0) or given back (< 0) with this entry
    hold_action ledger.hold_action,
    hold_fen ledger.fen,
    contract_id uuid,                              -- whose hours or hold
    hold_id uuid,
    reverses uuid,
    ref uuid,                                      -- the business row: lesson, refund, bank line, batch ...
    kind text NOT NULL,
    actor text NOT NULL,
    PRIMARY KEY (institution_id, entry_id),
    CONSTRAINT "a hold move is whole" CHECK ((hold_id IS NULL) = (hold_action IS NULL)
        AND (hold_id IS NULL) = (hold_fen IS NULL) AND (hold_fen IS NULL OR hold_fen > 0)),
    CONSTRAINT "hours belong to a contract" CHECK (hours = 0 OR contract_id IS NOT NULL));

CREATE TABLE ledger.transfer (
    institution_id integer NOT NULL,
    ord smallint NOT NULL,
    entry_id uuid NOT NULL,
    amount_fen ledger.fen NOT NULL CONSTRAINT "an amount is positive" CHECK (amount_fen > 0),
    debit_class ledger.account_class NOT NULL, credit_class ledger.account_class NOT NULL,
    contract_id uuid, debit_item uuid, credit_item uuid,
    PRIMARY KEY (institution_id, entry_id, ord),
    CONSTRAINT "debit and credit differ" CHECK (debit_class <> credit_class),
    CONSTRAINT "a contract is named exactly where one of its accounts is"
        CHECK ((contract_id IS NOT NULL) = (debit_class IN ('due', 'claim', 'refund_due')
                                            OR credit_class IN ('due', 'claim', 'refund_due'))));
-- a family's statement and the recomputation of one contract
CREATE INDEX transfer_contract ON ledger.transfer (institution_id, contract_id, entry_id) WHERE contract_id IS NOT NULL;

CREATE TABLE ledger.reversal (
    institution_id integer NOT NULL,
    entry_id uuid NOT NULL,                        -- the original
    reversed_by uuid NOT NULL,
    CONSTRAINT "an entry is reversed at most once" PRIMARY KEY (institution_id, entry_id));

CREATE TABLE ledger.inbox (                        -- entries not yet sealed; the only table that churns
    institution_id integer NOT NULL, entry_id uuid NOT NULL, PRIMARY KEY (institution_id, entry_id));

CREATE TABLE ledger.seal_state (                   -- its row lock is the seal lock
    institution_id integer PRIMARY KEY, block_no bigint NOT NULL DEFAULT 0, sealed_at timestamptz);
CREATE TABLE ledger.block (
    institution_id integer NOT NULL, block_no bigint NOT NULL,
    entries integer NOT NULL, sealed_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, block_no));
CREATE TABLE ledger.block_item (
    institution_id integer NOT NULL, entry_id uuid NOT NULL,
    block_no bigint NOT NULL, position integer NOT NULL,
    CONSTRAINT "an entry is sealed exactly once" PRIMARY KEY (institution_id, entry_id));
CREATE TABLE ledger.bucket (                       -- additive sums of hot accounts per accounting day and day of the block
    institution_id integer NOT NULL, fund_no smallint NOT NULL, class ledger.account_class NOT NULL,
    effective_on date NOT NULL, sealed_on date NOT NULL,
    debit_fen ledger.fen NOT NULL, credit_fen ledger.fen NOT NULL,
    PRIMARY KEY (institution_id, fund_no, class, effective_on, sealed_on));

-- Append-only: nothing posted is ever changed, whoever asks. ALWAYS: also when replication roles switch triggers off.
CREATE FUNCTION ledger._refuse_change() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    RAISE EXCEPTION 'APPEND_ONLY: % on % is refused; correct by adding a reversal', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'LG001';
END $$;
-- A request that was neither posted nor refused ("later") leaves no trace: its claim may be taken back, and only then.
CREATE FUNCTION ledger._refuse_forgetting() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM journal_entry e WHERE (e.institution_id, e.entry_id) = (OLD.institution_id, OLD.entry_id))
       OR EXISTS (SELECT FROM refusal r WHERE (r.institution_id, r.request_key) = (OLD.institution_id, OLD.request_key))
    THEN RAISE EXCEPTION 'APPEND_ONLY: an answered request is never forgotten' USING ERRCODE = 'LG001';
    END IF;
    RETURN OLD;
END $$;
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['journal_entry', 'transfer', 'reversal', 'refusal', 'block', 'block_item', 'posting_rule',
                             'class_rule', 'institution', 'fund'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
    FOREACH t IN ARRAY ARRAY['balance', 'contract_balance', 'item_balance', 'hold', 'close', 'seal_state', 'bucket'] LOOP
        EXECUTE format('CREATE TRIGGER never_deleted BEFORE DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER never_deleted', t);
    END LOOP;
END $$;
CREATE TRIGGER append_only BEFORE UPDATE OR TRUNCATE ON ledger.request
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
CREATE TRIGGER answered_stays BEFORE DELETE ON ledger.request
    FOR EACH ROW EXECUTE FUNCTION ledger._refuse_forgetting();
ALTER TABLE ledger.request ENABLE ALWAYS TRIGGER append_only, ENABLE ALWAYS TRIGGER answered_stays;
CREATE TRIGGER never_truncated BEFORE TRUNCATE ON ledger.inbox
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.inbox ENABLE ALWAYS TRIGGER never_truncated;
