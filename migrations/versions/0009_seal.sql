-- Sealed blocks become a signed chain of Merkle trees. What is sealed is an answered request: posted or refused.
-- Blocks that are there are hashed in their order by ledger._chain_again, which 0009_seal.py calls once.

ALTER TABLE ledger.inbox ADD COLUMN request_key uuid;
UPDATE ledger.inbox i SET request_key = r.request_key FROM ledger.request r
WHERE r.institution_id = i.institution_id AND r.entry_id = i.entry_id;
ALTER TABLE ledger.inbox ALTER COLUMN request_key SET NOT NULL;
-- refusals were not sealed before: they wait for the next block
INSERT INTO ledger.inbox (institution_id, entry_id, request_key)
SELECT r.institution_id, r.entry_id, r.request_key FROM ledger.refusal f JOIN ledger.request r USING (institution_id, request_key)
ON CONFLICT DO NOTHING;

ALTER TABLE ledger.block_item DISABLE TRIGGER append_only;
ALTER TABLE ledger.block_item DROP COLUMN position, ALTER COLUMN block_no TYPE integer,
    ADD COLUMN request_key uuid, ADD COLUMN mark bigint;   -- mark: first 8 bytes of the leaf, to name the one that changed
UPDATE ledger.block_item i SET request_key = r.request_key, mark = 0 FROM ledger.request r
WHERE r.institution_id = i.institution_id AND r.entry_id = i.entry_id;
ALTER TABLE ledger.block_item ALTER COLUMN request_key SET NOT NULL, ALTER COLUMN mark SET NOT NULL;
-- the items of a block, for a proof: they lie together, so a few bytes tell where
CREATE INDEX block_item_of_block ON ledger.block_item USING brin (institution_id, block_no) WITH (pages_per_range = 8);

ALTER TABLE ledger.block ADD COLUMN tree_size bigint, ADD COLUMN root bytea, ADD COLUMN previous bytea, ADD COLUMN hash bytea,
    ADD COLUMN totals bigint[];                    -- debit and credit so far of each class, in the order of the classes

-- Buckets keep all classes: those of contracts as one sum per fund.
ALTER TABLE ledger.bucket DISABLE TRIGGER never_deleted;
DELETE FROM ledger.bucket;
ALTER TABLE ledger.bucket ENABLE ALWAYS TRIGGER never_deleted;
INSERT INTO ledger.bucket
SELECT e.institution_id, e.fund_no, s.class, e.effective_on, (b.sealed_at AT TIME ZONE 'Asia/Shanghai')::date, sum(s.debit),
       sum(s.credit)
FROM ledger.block_item x JOIN ledger.block b USING (institution_id, block_no)
JOIN ledger.journal_entry e USING (institution_id, entry_id) JOIN ledger.transfer t USING (institution_id, entry_id)
CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen::bigint, 0::bigint), (t.credit_class, 0, t.amount_fen))
    s (class, debit, credit)
GROUP BY 1, 2, 3, 4, 5;

CREATE TABLE ledger.signing_key (                  -- whose signatures count; each key is signed by the one before
    key_no integer PRIMARY KEY,
    public_key bytea NOT NULL CONSTRAINT "an Ed25519 key has 32 bytes" CHECK (length(public_key) = 32),
    added_at timestamptz NOT NULL,
    signature bytea NOT NULL);
CREATE TABLE ledger.checkpoint (                   -- a block as it was signed; insert-only
    institution_id integer NOT NULL, block_no integer NOT NULL,
    key_no integer NOT NULL REFERENCES ledger.signing_key,
    signed_at timestamptz NOT NULL,
    statement text NOT NULL,                       -- the words that are signed (ledger/formats/checkpoint.py)
    signature bytea NOT NULL,
    PRIMARY KEY (institution_id, block_no));
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['signing_key', 'checkpoint'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;
-- a family's statement and the recomputation of one contract; without the entry a key is kept once for many rows
DROP INDEX ledger.transfer_contract;
CREATE INDEX transfer_contract ON ledger.transfer (institution_id, contract_id) WHERE contract_id IS NOT NULL;

CREATE FUNCTION ledger._chain_again() RETURNS void LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
DECLARE b record; of_block record; owner integer; size bigint; hash_before bytea; sums bigint[];
BEGIN
    ALTER TABLE block DISABLE TRIGGER append_only;
    FOR b IN SELECT * FROM block ORDER BY institution_id, block_no LOOP
        IF owner IS DISTINCT FROM b.institution_id THEN
            owner := b.institution_id; size := 0; hash_before := '\x'; sums := array_fill(0::bigint, ARRAY[20]);
        END IF;
        SELECT array_agg(x.entry_id ORDER BY x.entry_id) AS entries, array_agg(x.request_key ORDER BY x.entry_id) AS keys
        INTO of_block FROM block_item x WHERE x.institution_id = b.institution_id AND x.block_no = b.block_no;
        UPDATE block_item i SET mark = _mark(l.leaf) FROM _leaves(owner, of_block.entries, of_block.keys) l
        WHERE i.institution_id = owner AND i.entry_id = l.entry_id;
        size := size + b.entries;
        sums := _totals(sums, ARRAY(SELECT t FROM _totals_of(owner, of_block.entries) t));
        UPDATE block k SET tree_size = size, totals = sums, previous = hash_before,
            root = _root(ARRAY(SELECT l.leaf FROM _leaves(owner, of_block.entries, of_block.keys) l ORDER BY l.entry_id))
        WHERE k.institution_id = owner AND k.block_no = b.block_no;
        UPDATE block k SET hash = _block_hash(k) WHERE k.institution_id = owner AND k.block_no = b.block_no
        RETURNING k.hash INTO hash_before;
    END LOOP;
    ALTER TABLE block ENABLE ALWAYS TRIGGER append_only;
    ALTER TABLE block_item ENABLE ALWAYS TRIGGER append_only;
END $$;
