-- What an account holds: now, as of an accounting day, as known at a block; and its statement.

-- THE definition of a balance. Every account of an institution that has one, debit and credit side in fen; contract
-- accounts one row per contract. A hot account is folded + tail; a guarded one has its debits applied at once.
CREATE FUNCTION ledger.balances(p_institution integer)
RETURNS TABLE (fund_no smallint, class ledger.account_class, contract_id uuid, debit_fen bigint, credit_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp SET enable_nestloop = on AS $$
    WITH tail AS (
        SELECT u.fund_no, u.class, sum(u.debit_fen)::bigint debit_fen, sum(u.credit_fen)::bigint credit_fen
        FROM unfolded u WHERE u.institution_id = p_institution GROUP BY 1, 2)
    SELECT b.fund_no, b.class, NULL::uuid,
           b.debit_fen + CASE WHEN b.guarded THEN 0 ELSE coalesce(t.debit_fen, 0) END, b.credit_fen + coalesce(t.credit_fen, 0)
    FROM balance b LEFT JOIN tail t USING (fund_no, class) WHERE b.institution_id = p_institution
    UNION ALL
    SELECT c.fund_no, x.class, c.contract_id, greatest(x.fen, 0), greatest(-x.fen, 0)
    FROM contract_balance c CROSS JOIN LATERAL (VALUES
        ('claim'::account_class, -c.claim_fen), ('due', c.due_fen), ('refund_due', -c.refund_due_fen)) x (class, fen)
    WHERE c.institution_id = p_institution $$;

-- Both sides of every class of every fund: entries whose accounting day is not after p_as_of (null: all), as known at block
-- p_block (null: all there is, the unsealed tail included). From the buckets, less what later blocks of that block's day
-- brought; a class of contracts is their sum. p_fund and p_class (null: all) narrow the question.
CREATE FUNCTION ledger.class_balances(p_institution integer, p_as_of date, p_block bigint, p_fund smallint DEFAULT NULL,
                                      p_class ledger.account_class DEFAULT NULL)
RETURNS TABLE (fund_no smallint, class ledger.account_class, debit_fen bigint, credit_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp SET enable_seqscan = off AS $$
    WITH day AS (
        SELECT (b.sealed_at AT TIME ZONE 'Asia/Shanghai')::date AS sealed_on FROM block b
        WHERE b.institution_id = p_institution AND b.block_no = p_block),
    outside AS (                                   -- +1 the tail, -1 blocks after p_block on its day
        SELECT u.fund_no, u.class, u.effective_on, u.debit_fen::bigint AS debit_fen, u.credit_fen::bigint AS credit_fen
        FROM unfolded u WHERE u.institution_id = p_institution AND p_block IS NULL
        UNION ALL
        SELECT s.fund_no, s.class, s.effective_on, -s.debit_fen, -s.credit_fen
        FROM (SELECT b.block_no FROM block b, day WHERE b.institution_id = p_institution AND b.block_no > p_block
              AND (b.sealed_at AT TIME ZONE 'Asia/Shanghai')::date = day.sealed_on) later
        CROSS JOIN LATERAL (SELECT x.* FROM block_sum x WHERE x.institution_id = p_institution
                                                          AND x.block_no = later.block_no OFFSET 0) s)
    SELECT a.fund_no, a.class, sum(a.debit_fen)::bigint, sum(a.credit_fen)::bigint
    FROM (SELECT k.fund_no, k.class, k.effective_on, k.debit_fen, k.credit_fen FROM bucket k
          WHERE k.institution_id = p_institution AND (p_block IS NULL OR k.sealed_on <= (SELECT sealed_on FROM day))
          UNION ALL
          SELECT o.fund_no, o.class, o.effective_on, o.debit_fen, o.credit_fen FROM outside o) a
    WHERE (p_as_of IS NULL OR a.effective_on <= p_as_of) AND (p_fund IS NULL OR a.fund_no = p_fund)
      AND (p_class IS NULL OR a.class = p_class)
    GROUP BY 1, 2 $$;

-- The same for one account: a class of a fund, or one contract's.
CREATE FUNCTION ledger.balance_as_of(p_institution integer, p_fund smallint, p_class ledger.account_class, p_contract uuid,
                                     p_as_of date, p_block bigint)
RETURNS TABLE (debit_fen bigint, credit_fen bigint)
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    IF p_contract IS NULL THEN
        RETURN QUERY SELECT coalesce(sum(c.debit_fen), 0)::bigint, coalesce(sum(c.credit_fen), 0)::bigint
        FROM class_balances(p_institution, p_as_of, p_block, p_fund, p_class) c;
    ELSE
        RETURN QUERY SELECT coalesce(sum(l.debit_fen), 0)::bigint, coalesce(sum(l.credit_fen), 0)::bigint
        FROM _contract_lines(p_institution, p_class, p_contract) l
        WHERE (p_as_of IS NULL OR l.effective_on <= p_as_of) AND (p_block IS NULL OR l.block_no <= p_block)
          AND l.fund_no = p_fund;
    END IF;
END $$;

CREATE TYPE ledger._line AS (
    block_no integer, entry_id uuid, ord smallint, fund_no smallint, effective_on date, recorded_at timestamptz, kind text,
    ref uuid, debit_fen bigint, credit_fen bigint);

-- Every line of one account of a contract; block_no is null while it is not sealed. Look-ups by key, see 02_posting.
CREATE FUNCTION ledger._contract_lines(p_institution integer, p_class ledger.account_class, p_contract uuid)
RETURNS SETOF ledger._line LANGUAGE sql STABLE AS $$
    SELECT i.block_no, t.entry_id, t.ord, e.fund_no, e.effective_on, e.recorded_at, e.kind, e.ref,
           CASE WHEN t.debit_class = p_class THEN t.amount_fen ELSE 0 END::bigint,
           CASE WHEN t.credit_class = p_class THEN t.amount_fen ELSE 0 END::bigint
    FROM transfer t
    CROSS JOIN LATERAL (SELECT j.* FROM journal_entry j WHERE j.institution_id = p_institution
                                                          AND j.entry_id = t.entry_id OFFSET 0) e
    LEFT JOIN LATERAL (SELECT b.block_no FROM block_item b WHERE b.institution_id = p_institution
                                                             AND b.entry_id = t.entry_id OFFSET 0) i ON true
    WHERE t.institution_id = p_institution AND t.contract_id = p_contract AND p_class IN (t.debit_class, t.credit_class) $$;

-- A page of an account's statement: its sealed lines in the order of the books (block, entry, line), after a place in that
-- order. What is recorded late comes later, so a page that was read once never changes.
CREATE FUNCTION ledger.account_statement(p_institution integer, p_fund smallint, p_class ledger.account_class,
    p_contract uuid, p_after_block integer, p_after_entry uuid, p_after_ord integer, p_limit integer,
    p_last_block integer DEFAULT NULL, p_last_entry uuid DEFAULT NULL)
RETURNS SETOF ledger._line LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE n integer := 0; b integer := p_after_block; got integer;
BEGIN
    IF p_contract IS NOT NULL THEN
        RETURN QUERY SELECT l.* FROM _contract_lines(p_institution, p_class, p_contract) l
        WHERE l.fund_no = p_fund AND (p_last_block IS NULL OR l.block_no <= p_last_block) AND (l.block_no, l.entry_id, l.ord) > (p_after_block, p_after_entry, p_after_ord)
        ORDER BY l.block_no, l.entry_id, l.ord LIMIT p_limit;
        RETURN;
    END IF;
    FOR b IN SELECT x.block_no FROM block x WHERE x.institution_id = p_institution AND x.block_no >= p_after_block
             AND (p_last_block IS NULL OR x.block_no <= p_last_block) ORDER BY x.block_no LOOP
        RETURN QUERY
        SELECT b, i.entry_id, t.ord, e.fund_no, e.effective_on, e.recorded_at, e.kind, e.ref,
               CASE WHEN t.debit_class = p_class THEN t.amount_fen ELSE 0 END::bigint,
               CASE WHEN t.credit_class = p_class THEN t.amount_fen ELSE 0 END::bigint
        FROM (SELECT k.entry_id FROM block_item k WHERE k.institution_id = p_institution AND k.block_no = b
              AND (b > p_after_block OR k.entry_id >= p_after_entry)
              AND (p_last_entry IS NULL OR b < p_last_block OR k.entry_id <= p_last_entry) ORDER BY k.entry_id OFFSET 0) i
        CROSS JOIN LATERAL (SELECT j.* FROM journal_entry j WHERE j.institution_id = p_institution
                                                              AND j.entry_id = i.entry_id OFFSET 0) e
        CROSS JOIN LATERAL (SELECT m.* FROM transfer m WHERE m.institution_id = p_institution
                            AND m.entry_id = i.entry_id ORDER BY m.ord OFFSET 0) t
        WHERE e.fund_no = p_fund AND p_class IN (t.debit_class, t.credit_class)
          AND (b, i.entry_id, t.ord) > (p_after_block, p_after_entry, p_after_ord) LIMIT p_limit - n;
        GET DIAGNOSTICS got = ROW_COUNT;
        n := n + got;
        EXIT WHEN n >= p_limit;
    END LOOP;
END $$;
