-- Sealing and folding are one transaction per institution. Balance is one function: folded + the unsealed tail.

-- Take the entries in the inbox as the next block, in id order, fold them into the hot accounts and the buckets.
-- Answers the number of the last block: a new one, or the last when nothing was waiting. Null when another sealer is at
-- work and p_wait is false. An uncommitted entry is not visible here and waits for the next block.
CREATE FUNCTION ledger.seal(p_institution integer, p_sealed_at timestamptz, p_wait boolean DEFAULT true) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp SET enable_nestloop = off AS $$
DECLARE last bigint; at timestamptz; taken uuid[];
BEGIN
    IF p_wait THEN
        SELECT s.block_no, s.sealed_at INTO last, at FROM seal_state s WHERE s.institution_id = p_institution FOR UPDATE;
    ELSE
        SELECT s.block_no, s.sealed_at INTO last, at FROM seal_state s WHERE s.institution_id = p_institution
        FOR UPDATE SKIP LOCKED;
    END IF;
    IF NOT FOUND THEN RETURN NULL; END IF;
    WITH gone AS (DELETE FROM inbox i WHERE i.institution_id = p_institution RETURNING i.entry_id)
    SELECT array_agg(g.entry_id ORDER BY g.entry_id) INTO taken FROM gone g;
    IF taken IS NULL THEN RETURN last; END IF;
    at := greatest(at, p_sealed_at);               -- a block's time is never below the last block's
    INSERT INTO block VALUES (p_institution, last + 1, cardinality(taken), at);
    INSERT INTO block_item SELECT p_institution, x.entry_id, last + 1, x.n FROM unnest(taken) WITH ORDINALITY x (entry_id, n);
    INSERT INTO bucket AS b (institution_id, fund_no, class, effective_on, sealed_on, debit_fen, credit_fen)
    SELECT p_institution, s.fund_no, s.class, s.effective_on, (at AT TIME ZONE 'Asia/Shanghai')::date,
           sum(s.debit_fen), sum(s.credit_fen)
    FROM _sides_of(p_institution, taken) s GROUP BY s.fund_no, s.class, s.effective_on
    ON CONFLICT (institution_id, fund_no, class, effective_on, sealed_on)
    DO UPDATE SET debit_fen = b.debit_fen + excluded.debit_fen, credit_fen = b.credit_fen + excluded.credit_fen;
    -- lock order of the posting function: (fund_no, class)
    PERFORM FROM balance b WHERE b.institution_id = p_institution ORDER BY b.fund_no, b.class FOR NO KEY UPDATE;
    UPDATE balance b SET credit_fen = b.credit_fen + f.credit_fen, version = b.version + 1,
                         debit_fen = b.debit_fen + CASE WHEN b.guarded THEN 0 ELSE f.debit_fen END
    FROM (SELECT s.fund_no, s.class, sum(s.debit_fen) debit_fen, sum(s.credit_fen) credit_fen
          FROM _sides_of(p_institution, taken) s GROUP BY 1, 2) f
    WHERE b.institution_id = p_institution AND b.fund_no = f.fund_no AND b.class = f.class;
    UPDATE seal_state s SET block_no = last + 1, sealed_at = at WHERE s.institution_id = p_institution;
    RETURN last + 1;
END $$;

-- The sides of hot accounts in some entries. Look-ups by key (see 0004, _gauges): the tail is short, the
-- journal is not.
CREATE FUNCTION ledger._sides_of(p_institution integer, p_entries uuid[])
RETURNS TABLE (fund_no smallint, class ledger.account_class, effective_on date, debit_fen bigint, credit_fen bigint)
LANGUAGE sql STABLE SET search_path = ledger, pg_temp
SET enable_seqscan = off AS $$
    SELECT e.fund_no, s.class, e.effective_on, s.debit_fen, s.credit_fen
    FROM unnest(p_entries) x (entry_id)
    CROSS JOIN LATERAL (SELECT * FROM journal_entry j
                        WHERE j.institution_id = p_institution AND j.entry_id = x.entry_id OFFSET 0) e
    CROSS JOIN LATERAL (SELECT * FROM transfer m
                        WHERE m.institution_id = p_institution AND m.entry_id = x.entry_id OFFSET 0) t
    CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen::bigint, 0::bigint), (t.credit_class, 0, t.amount_fen))
        s (class, debit_fen, credit_fen)
    WHERE s.class NOT IN ('due', 'claim', 'refund_due') $$;
