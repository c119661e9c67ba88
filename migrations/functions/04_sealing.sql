-- Sealing and folding are one transaction per institution.

CREATE TYPE ledger._bucket AS (
    fund_no smallint, class ledger.account_class, effective_on date, debit_fen bigint, credit_fen bigint);
CREATE TYPE ledger._waiting AS (entry_id uuid, request_key uuid, leaf bytea);

-- Take the answered requests in the inbox as the next block, in id order; fold them into the hot accounts and the buckets.
-- Answers the number of the last block: a new one, or the last when nothing was waiting. Null when another sealer is at
-- work and p_wait is false. An uncommitted entry is not visible here and waits for the next block.
CREATE FUNCTION ledger.seal(p_institution integer, p_sealed_at timestamptz, p_wait boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp SET enable_nestloop = off AS $$
DECLARE last bigint; at timestamptz; waiting _waiting[]; sums _bucket[];
BEGIN
    IF p_wait THEN
        SELECT s.block_no, s.sealed_at INTO last, at FROM seal_state s WHERE s.institution_id = p_institution FOR UPDATE;
    ELSE
        SELECT s.block_no, s.sealed_at INTO last, at FROM seal_state s WHERE s.institution_id = p_institution
        FOR UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN RETURN NULL; END IF;
    -- one statement, one snapshot: a call's rows and its sums go together, or wait together for the next block
    WITH gone AS (DELETE FROM inbox i WHERE i.institution_id = p_institution RETURNING i.entry_id, i.request_key, i.leaf),
    moved AS (DELETE FROM unfolded u WHERE u.institution_id = p_institution RETURNING u.*)
    SELECT (SELECT array_agg(ROW(g.entry_id, g.request_key, g.leaf)::_waiting ORDER BY g.entry_id) FROM gone g),
           ARRAY(SELECT ROW(m.fund_no, m.class, m.effective_on, _total(m.debit_fen), _total(m.credit_fen))::_bucket
                 FROM moved m GROUP BY m.fund_no, m.class, m.effective_on)
    INTO waiting, sums;
    IF waiting IS NULL THEN RETURN last; END IF;
    at := greatest(at, p_sealed_at);               -- a block's time is never below the last block's
    INSERT INTO block_item (institution_id, entry_id, block_no, request_key, mark)
    SELECT p_institution, w.entry_id, last + 1, w.request_key, _mark(w.leaf) FROM unnest(waiting) w;
    PERFORM _append_block(p_institution, last, at, ARRAY(SELECT w.leaf FROM unnest(waiting) w), sums);
    INSERT INTO block_sum SELECT p_institution, last + 1, s.* FROM unnest(sums) s;
    INSERT INTO bucket AS k (institution_id, fund_no, class, effective_on, sealed_on, debit_fen, credit_fen)
    SELECT p_institution, s.fund_no, s.class, s.effective_on, (at AT TIME ZONE 'Asia/Shanghai')::date, s.debit_fen, s.credit_fen
    FROM unnest(sums) s ORDER BY 2, 3, 4
    ON CONFLICT (institution_id, fund_no, class, effective_on, sealed_on)
    DO UPDATE SET debit_fen = k.debit_fen + excluded.debit_fen, credit_fen = k.credit_fen + excluded.credit_fen;
    -- lock order of the posting function: (fund_no, class)
    PERFORM FROM balance h WHERE h.institution_id = p_institution ORDER BY h.fund_no, h.class FOR NO KEY UPDATE;
    UPDATE balance h SET credit_fen = h.credit_fen + f.credit_fen, version = h.version + 1,
                         debit_fen = h.debit_fen + CASE WHEN h.guarded THEN 0 ELSE f.debit_fen END
    FROM (SELECT s.fund_no, s.class, _total(s.debit_fen) debit_fen, _total(s.credit_fen) credit_fen
          FROM unnest(sums) s GROUP BY 1, 2) f
    WHERE h.institution_id = p_institution AND h.fund_no = f.fund_no AND h.class = f.class;
    UPDATE seal_state s SET block_no = last + 1, sealed_at = at WHERE s.institution_id = p_institution;
    RETURN last + 1;
END $$;

-- The block itself: root, totals so far per class, hash over both and over the block before.
CREATE FUNCTION ledger._append_block(p_institution integer, p_last bigint, p_at timestamptz, p_leaves bytea[],
                                     p_sums ledger._bucket[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE before block; b block;
BEGIN
    SELECT * INTO before FROM block x WHERE x.institution_id = p_institution AND x.block_no = p_last;
    b.institution_id := p_institution; b.block_no := p_last + 1; b.entries := cardinality(p_leaves); b.sealed_at := p_at;
    b.tree_size := coalesce(before.tree_size, 0) + b.entries;
    b.root := _root(p_leaves);
    b.previous := coalesce(before.hash, '');
    b.totals := _totals(coalesce(before.totals, array_fill(0::bigint, ARRAY[20])), ARRAY(
        SELECT coalesce(_total(CASE d.side WHEN 1 THEN s.debit_fen ELSE s.credit_fen END), 0)
        FROM unnest(enum_range(NULL::account_class)) WITH ORDINALITY c (class, n) CROSS JOIN generate_series(1, 2) d (side)
        LEFT JOIN unnest(p_sums) s ON s.class = c.class GROUP BY c.n, d.side ORDER BY c.n, d.side));
    b.hash := _block_hash(b);
    INSERT INTO block SELECT b.*;
END $$;

-- Keep a signature over a block, and a key with the signature of the key before it. Who may sign is checked by whoever
-- verifies: the database keeps what it is given and never changes it.
CREATE FUNCTION ledger.keep_checkpoint(p_institution integer, p_block integer, p_key integer, p_signed_at timestamptz,
                                       p_statement text, p_signature bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    INSERT INTO checkpoint VALUES (p_institution, p_block, p_key, p_signed_at, p_statement, p_signature)
    ON CONFLICT DO NOTHING $$;
CREATE FUNCTION ledger.keep_signing_key(p_key integer, p_public bytea, p_added_at timestamptz, p_signature bytea)
RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    INSERT INTO signing_key VALUES (p_key, p_public, p_added_at, p_signature) $$;

-- The leaves of an institution's sealed items, hashed anew from the rows as they are now, strung together in their order,
-- up to 1024 a row (a whole subtree of a block). First of each row, where it is: an item that is not there any more, and
-- one whose leaf is not the one that was sealed. One pass over each table, whatever the size; see reports, whole_books.
CREATE FUNCTION ledger.sealed_leaves(p_institution integer)
RETURNS TABLE (block_no integer, leaves bytea, missing text, changed text)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    WITH again AS (
        SELECT i.block_no, i.entry_id, i.mark, _leaf(r, e, t.bytes, f.code) AS leaf,
               e.entry_id IS NOT NULL OR f.code IS NOT NULL AS found
        FROM block_item i
        LEFT JOIN request r ON r.institution_id = p_institution AND r.request_key = i.request_key
        LEFT JOIN journal_entry e ON e.institution_id = p_institution AND e.entry_id = i.entry_id
        LEFT JOIN (SELECT m.entry_id, string_agg(_transfer_bytes(m), '' ORDER BY m.ord) AS bytes
                   FROM transfer m WHERE m.institution_id = p_institution GROUP BY m.entry_id) t ON t.entry_id = i.entry_id
        LEFT JOIN refusal f ON f.institution_id = p_institution AND f.request_key = i.request_key AND e.entry_id IS NULL
        WHERE i.institution_id = p_institution),
    placed AS (SELECT a.*, (row_number() OVER (PARTITION BY a.block_no ORDER BY a.entry_id) - 1) / 1024 AS part FROM again a)
    SELECT p.block_no, string_agg(p.leaf, '' ORDER BY p.entry_id), min(p.entry_id::text) FILTER (WHERE NOT p.found),
           min(p.entry_id::text) FILTER (WHERE p.mark <> _mark(p.leaf))
    FROM placed p GROUP BY p.block_no, p.part ORDER BY p.block_no, p.part $$;

-- Of what waits for the next block: the first answer that is not what it was when it was given.
CREATE FUNCTION ledger.waiting_changed(p_institution integer) RETURNS text
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT min(i.entry_id::text)
    FROM (SELECT array_agg(x.entry_id) AS entries, array_agg(x.request_key) AS keys FROM inbox x
          WHERE x.institution_id = p_institution) w
    CROSS JOIN LATERAL _leaves(p_institution, w.entries, w.keys) l
    JOIN inbox i ON i.institution_id = p_institution AND i.entry_id = l.entry_id
    WHERE i.leaf IS DISTINCT FROM l.leaf $$;

-- The blocks of an institution with their hash reckoned anew.
CREATE FUNCTION ledger.blocks_again(p_institution integer)
RETURNS TABLE (block_no bigint, entries integer, tree_size bigint, root bytea, previous bytea, hash bytea, hash_again bytea,
               sealed_at timestamptz, totals bigint[])
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT b.block_no, b.entries, b.tree_size, b.root, b.previous, b.hash, _block_hash(b), b.sealed_at, b.totals
    FROM block b WHERE b.institution_id = p_institution ORDER BY b.block_no $$;

-- For the proof of one entry: the bytes of its leaf, and the leaves of its block in their order. Both look up what they
-- need by key, so that a proof costs as much as its block, whatever the size of the books.
CREATE FUNCTION ledger.leaf_content(p_institution integer, p_entry uuid) RETURNS bytea
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp SET enable_seqscan = off AS $$
    SELECT c.content FROM block_item i
    CROSS JOIN LATERAL _leaf_contents(p_institution, ARRAY[i.entry_id], ARRAY[i.request_key]) c
    WHERE i.institution_id = p_institution AND i.entry_id = p_entry $$;
CREATE FUNCTION ledger.block_leaves(p_institution integer, p_block integer) RETURNS TABLE (entry_id uuid, leaf bytea)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT l.entry_id, l.leaf
    FROM (SELECT array_agg(i.entry_id) AS entries, array_agg(i.request_key) AS keys
          FROM block_item i WHERE i.institution_id = p_institution AND i.block_no = p_block) b
    CROSS JOIN LATERAL _leaves(p_institution, b.entries, b.keys) l ORDER BY l.entry_id $$;
