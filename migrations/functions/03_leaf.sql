-- What a block proves. A leaf is one answered request with all it caused, as bytes; a block is a Merkle tree of leaves
-- (RFC 6962: an odd node moves up unchanged), chained to the block before. Every record is written by record_send: number
-- of columns, then per column type, length (-1: null) and value, so that no two contents have the same bytes. Domain and
-- version stand in front: 00 leaf, 01 node, 02 block. Version 1 never changes; another format is another version.

-- The content of one leaf. No entry: the request was refused, and the code stands in its place.
CREATE FUNCTION ledger._leaf_content(r ledger.request, e ledger.journal_entry, p_transfers bytea, p_code text) RETURNS bytea
LANGUAGE sql STABLE AS $$
    SELECT '\x0001'::bytea
        || record_send(ROW((r).institution_id, (r).request_key, (r).field_digests, (r).entry_id))
        || CASE WHEN (e).entry_id IS NULL THEN record_send(ROW(p_code)) ELSE record_send(ROW(
               (e).institution_id, (e).fund_no, (e).effective_on, (e).entry_id, (e).recorded_at, (e).hours::integer,
               (e).hold_action::text, (e).hold_fen::bigint, (e).contract_id, (e).hold_id, (e).reverses, (e).ref, (e).kind,
               (e).actor)) || coalesce(p_transfers, '') END $$;
CREATE FUNCTION ledger._leaf(r ledger.request, e ledger.journal_entry, p_transfers bytea, p_code text) RETURNS bytea
LANGUAGE sql STABLE AS $$ SELECT sha256(_leaf_content(r, e, p_transfers, p_code)) $$;

CREATE FUNCTION ledger._transfer_bytes(t ledger.transfer) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT record_send(ROW((t).ord, (t).amount_fen::bigint, (t).debit_class::text, (t).credit_class::text, (t).contract_id,
                           (t).debit_item, (t).credit_item)) $$;

-- The contents of some items, each looked up by its keys (see 02_posting, _gauges): the tail is short, the journal is not.
-- Without a setting of its own, so that it becomes part of whichever query asks; those set enable_seqscan = off.
CREATE FUNCTION ledger._leaf_contents(p_institution integer, p_entries uuid[], p_keys uuid[])
RETURNS TABLE (entry_id uuid, request_key uuid, content bytea) LANGUAGE sql STABLE AS $$
    SELECT x.entry_id, x.request_key, _leaf_content(r.asked, e.posted, t.bytes, f.code)
    FROM unnest(p_entries, p_keys) x (entry_id, request_key)
    LEFT JOIN LATERAL (SELECT q AS asked FROM ledger.request q WHERE q.institution_id = p_institution
                                                          AND q.request_key = x.request_key OFFSET 0) r ON true
    LEFT JOIN LATERAL (SELECT j AS posted FROM ledger.journal_entry j WHERE j.institution_id = p_institution
                                                                AND j.entry_id = x.entry_id OFFSET 0) e ON true
    LEFT JOIN LATERAL (SELECT string_agg(_transfer_bytes(m), '' ORDER BY m.ord) AS bytes FROM ledger.transfer m
                       WHERE m.institution_id = p_institution AND m.entry_id = x.entry_id) t ON true
    LEFT JOIN LATERAL (SELECT g.code FROM ledger.refusal g WHERE g.institution_id = p_institution
                       AND g.request_key = x.request_key AND (e.posted).entry_id IS NULL OFFSET 0) f ON true $$;
CREATE FUNCTION ledger._leaves(p_institution integer, p_entries uuid[], p_keys uuid[])
RETURNS TABLE (entry_id uuid, request_key uuid, leaf bytea) LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT c.entry_id, c.request_key, sha256(c.content) FROM _leaf_contents(p_institution, p_entries, p_keys) c $$;

CREATE FUNCTION ledger._mark(p_leaf bytea) RETURNS bigint LANGUAGE sql IMMUTABLE AS $$
    SELECT ('x' || encode(substr(p_leaf, 1, 8), 'hex'))::bit(64)::bigint $$;

CREATE FUNCTION ledger._root(p_leaves bytea[]) RETURNS bytea LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE nodes bytea[] := p_leaves;
BEGIN
    WHILE cardinality(nodes) > 1 LOOP
        nodes := ARRAY(SELECT CASE WHEN p.next IS NULL THEN p.node ELSE sha256('\x01'::bytea || p.node || p.next) END
                       FROM (SELECT node, n, lead(node) OVER (ORDER BY n) AS next
                             FROM unnest(nodes) WITH ORDINALITY u (node, n)) p WHERE p.n % 2 = 1 ORDER BY p.n);
    END LOOP;
    RETURN nodes[1];
END $$;

CREATE FUNCTION ledger._block_hash(b ledger.block) RETURNS bytea LANGUAGE sql STABLE AS $$
    SELECT sha256('\x0201'::bytea || record_send(ROW((b).institution_id, (b).block_no, (b).entries, (b).tree_size, (b).root,
                                                     (b).previous, (b).sealed_at, (b).totals))) $$;

-- The sides of some entries, one row each.
CREATE FUNCTION ledger._sides_of(p_institution integer, p_entries uuid[])
RETURNS TABLE (fund_no smallint, class ledger.account_class, effective_on date, debit_fen bigint, credit_fen bigint)
LANGUAGE sql STABLE SET enable_seqscan = off AS $$
    SELECT e.fund_no, s.class, e.effective_on, s.debit_fen, s.credit_fen
    FROM unnest(p_entries) x (entry_id)
    CROSS JOIN LATERAL (SELECT * FROM ledger.journal_entry j
                        WHERE j.institution_id = p_institution AND j.entry_id = x.entry_id OFFSET 0) e
    CROSS JOIN LATERAL (SELECT * FROM ledger.transfer m
                        WHERE m.institution_id = p_institution AND m.entry_id = x.entry_id OFFSET 0) t
    CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen::bigint, 0::bigint), (t.credit_class, 0, t.amount_fen))
        s (class, debit_fen, credit_fen) $$;

-- Debit and credit of each class in some entries, in the order of the classes: 20 rows.
CREATE FUNCTION ledger._totals_of(p_institution integer, p_entries uuid[]) RETURNS SETOF bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(CASE d.side WHEN 1 THEN s.debit_fen ELSE s.credit_fen END), 0)::bigint
    FROM unnest(enum_range(NULL::account_class)) WITH ORDINALITY c (class, n)
    CROSS JOIN generate_series(1, 2) d (side)
    LEFT JOIN _sides_of(p_institution, p_entries) s ON s.class = c.class
    GROUP BY c.n, d.side ORDER BY c.n, d.side $$;
CREATE FUNCTION ledger._totals(p_before bigint[], p_more bigint[]) RETURNS bigint[] LANGUAGE sql IMMUTABLE AS $$
    SELECT array_agg(b + m ORDER BY n) FROM unnest(p_before, p_more) WITH ORDINALITY u (b, m, n) $$;
