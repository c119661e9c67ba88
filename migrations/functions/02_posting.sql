-- Second half of posting: locks, gauges, walk, apply, and ledger.post itself.

-- Lock every row the set may lower, each table in key order, and check that all of it lies in the fund of its entry.
-- Answers whether a contract's gauge may not bear the set: then, and only then, its items are judged one by one.
CREATE FUNCTION ledger._lock(p_institution integer, p_items ledger._item[], p_contracts ledger._contract_sum[],
                             p_sides ledger._side[], p_special boolean) RETURNS boolean
LANGUAGE plpgsql AS $$
DECLARE ids uuid[]; wrong text; tight boolean;
BEGIN
    IF p_special THEN
        PERFORM pg_advisory_xact_lock(hashtextextended(i.reverses::text, 7)) FROM unnest(p_items) i
        WHERE i.reverses IS NOT NULL ORDER BY i.reverses;
    END IF;
    -- the array is in key order, and a loop over it locks in that order
    SELECT min(CASE WHEN b.contract_id IS NULL THEN 'UNKNOWN: contract ' || c.contract_id
                    WHEN b.fund_no <> c.fund_no THEN 'CROSS_FUND: contract ' || c.contract_id END),
           coalesce(bool_or(
               b.price_fen - b.paid_fen < c.from_price OR b.claim_fen - b.held_fen < c.from_claim
               OR b.claim_fen + b.refund_due_fen - b.due_fen < c.from_cover OR b.due_fen < c.from_due
               OR b.refund_due_fen < c.from_refund_due OR b.hours_total - b.hours_released < c.from_hours
               OR b.hours_released < c.from_taught OR b.paid_fen < c.from_paid OR b.released_fen < c.from_released
               OR b.refunded_fen < c.from_refunded OR b.held_fen < c.from_held), false)
    INTO wrong, tight
    FROM unnest(p_contracts) c
    LEFT JOIN LATERAL (SELECT x.* FROM contract_balance x WHERE x.institution_id = p_institution
                       AND x.contract_id = c.contract_id OFFSET 0 FOR NO KEY UPDATE) b ON true;
    IF p_sides IS NOT NULL THEN
        ids := ARRAY(SELECT DISTINCT s.item_id FROM unnest(p_sides) s WHERE s.item_id IS NOT NULL);
        PERFORM FROM item_balance b WHERE b.institution_id = p_institution AND b.item_id = ANY (ids)
        ORDER BY b.item_id, b.class FOR NO KEY UPDATE;
    END IF;
    IF p_special THEN
        ids := ARRAY(SELECT DISTINCT i.hold_id FROM unnest(p_items) i WHERE i.hold_id IS NOT NULL);
        PERFORM FROM hold h WHERE h.institution_id = p_institution AND h.hold_id = ANY (ids)
        ORDER BY h.hold_id FOR NO KEY UPDATE;
    END IF;
    IF p_sides IS NOT NULL THEN
        PERFORM FROM balance b WHERE b.institution_id = p_institution AND b.guarded AND (b.fund_no, b.class) IN
            (SELECT s.fund_no, s.class FROM unnest(p_sides) s WHERE s.item_id IS NULL)
        ORDER BY b.fund_no, b.class FOR NO KEY UPDATE;
    END IF;

    IF wrong IS NULL AND p_sides IS NOT NULL THEN
        SELECT min('CROSS_FUND: item ' || s.item_id) INTO wrong
        FROM unnest(p_sides) s
        CROSS JOIN LATERAL (SELECT x.* FROM item_balance x WHERE x.institution_id = p_institution
                            AND x.item_id = s.item_id AND x.class = s.class OFFSET 0) b
        WHERE b.fund_no <> s.fund_no OR b.contract_id IS DISTINCT FROM s.contract_id;
    END IF;
    IF wrong IS NULL AND p_special THEN
        SELECT min(CASE WHEN i.hold_action = 'place' THEN 'TAKEN: hold ' || i.hold_id || ' was placed before'
                        ELSE 'CROSS_FUND: hold ' || i.hold_id END) INTO wrong
        FROM unnest(p_items) i
        CROSS JOIN LATERAL (SELECT x.* FROM hold x WHERE x.institution_id = p_institution
                                                     AND x.hold_id = i.hold_id OFFSET 0) h
        WHERE i.hold_action = 'place' OR h.fund_no <> i.fund_no OR h.contract_id IS DISTINCT FROM i.contract_id;
    END IF;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = CASE WHEN wrong LIKE 'CROSS_FUND%' THEN 'LG003' ELSE 'LG004' END;
    END IF;
    RETURN tight;
END $$;

-- Every limit the set touches, one row per item and gauge. level: what the gauge shows before the set. rank: which of
-- several broken limits names the refusal; the nearest cause first, hot accounts last (theirs may only mean "later").
-- LATERAL with OFFSET 0 pins look-ups by key, whatever the planner believes of tables it has not analysed.
CREATE FUNCTION ledger._gauges(p_institution integer, p_items ledger._item[], p_contracts ledger._contract_effect[],
                               p_sides ledger._side[])
RETURNS SETOF ledger._gauge LANGUAGE plpgsql STABLE SET enable_seqscan = off AS $$
BEGIN
    RETURN QUERY
    SELECT c.item, CASE g.code WHEN 'OTHER_FAMILYS_MONEY' THEN 4 ELSE 2 END, c.contract_id::text, g.code, g.delta, g.level
    FROM unnest(p_contracts) c
    CROSS JOIN LATERAL (SELECT * FROM contract_balance x
                        WHERE x.institution_id = p_institution AND x.contract_id = c.contract_id OFFSET 0) b
    CROSS JOIN LATERAL (VALUES
        ('PRICE_EXCEEDED', -c.paid, b.price_fen - b.paid_fen),
        ('CLAIM_TOO_SMALL', c.paid - c.released - c.refunded - c.held, b.claim_fen - b.held_fen),
        ('OTHER_FAMILYS_MONEY', c.paid - c.released - c.refunded + c.refund_due - c.due,
                                b.claim_fen + b.refund_due_fen - b.due_fen),
        ('DUE_TOO_SMALL', c.due, b.due_fen), ('REFUND_DUE_TOO_SMALL', c.refund_due, b.refund_due_fen),
        ('HOURS_EXCEEDED', -c.hours, (b.hours_total - b.hours_released)::bigint),
        ('HOURS_BELOW_ZERO', c.hours, b.hours_released::bigint), ('PAID_BELOW_ZERO', c.paid, b.paid_fen),
        ('RELEASED_BELOW_ZERO', c.released, b.released_fen), ('REFUNDED_BELOW_ZERO', c.refunded, b.refunded_fen),
        ('HELD_BELOW_ZERO', c.held, b.held_fen)) g (code, delta, level)
    WHERE g.delta <> 0
    UNION ALL
    SELECT i.ord, 0, i.reverses::text, 'ALREADY_REVERSED', -1, (NOT EXISTS (
               SELECT FROM reversal v WHERE v.institution_id = p_institution AND v.entry_id = i.reverses))::int::bigint
    FROM unnest(p_items) i WHERE i.reverses IS NOT NULL
    UNION ALL
    SELECT s.item, 3, s.item_id || s.class::text,
           CASE s.class WHEN 'claim' THEN 'PAYMENT_SPENT' WHEN 'suspense' THEN 'LINE_SPENT' WHEN 'bank' THEN 'ALREADY_RETURNED'
                        ELSE 'INSTRUCTION_SPENT' END, s.credit - s.debit, coalesce(b.credit_fen - b.debit_fen, 0)
    FROM unnest(p_sides) s
    LEFT JOIN LATERAL (SELECT * FROM item_balance x WHERE x.institution_id = p_institution AND x.item_id = s.item_id
                       AND x.class = s.class OFFSET 0) b ON true
    WHERE s.item_id IS NOT NULL AND s.class <> 'difference'
    UNION ALL
    SELECT i.ord, 1, i.hold_id::text, 'HOLD_SPENT', CASE i.hold_action WHEN 'place' THEN i.hold_fen ELSE -i.hold_fen END,
           coalesce(h.amount_fen - h.captured_fen - h.released_fen, 0)
    FROM unnest(p_items) i
    LEFT JOIN LATERAL (SELECT * FROM hold x WHERE x.institution_id = p_institution AND x.hold_id = i.hold_id OFFSET 0) h ON true
    WHERE i.hold_id IS NOT NULL
    UNION ALL
    SELECT s.item, 5, s.fund_no || s.class::text, upper(s.class::text) || '_TOO_SMALL', -s.debit - s.held,
           b.credit_fen - b.debit_fen - b.held_fen
    FROM unnest(p_sides) s
    JOIN balance b ON b.institution_id = p_institution AND b.fund_no = s.fund_no AND b.class = s.class
    WHERE s.item_id IS NULL;
END $$;

-- Walk the items in order; the answer holds the code of each refused item at its index, null where it passes.
CREATE FUNCTION ledger._walk(p_gauges ledger._gauge[], p_count integer) RETURNS text[]
LANGUAGE plpgsql STABLE AS $$
DECLARE
    item integer[]; gauge integer[]; delta bigint[]; code text[]; level bigint[];
    codes text[] := array_fill(NULL::text, ARRAY[p_count]);
    n integer; i integer := 1; j integer; bad text;
BEGIN
    SELECT array_agg(x.item ORDER BY x.item, x.rank, x.no), array_agg(x.no::int ORDER BY x.item, x.rank, x.no),
           array_agg(x.delta ORDER BY x.item, x.rank, x.no), array_agg(x.code ORDER BY x.item, x.rank, x.no), count(*)
    INTO item, gauge, delta, code, n
    FROM (SELECT g.*, dense_rank() OVER (ORDER BY g.rank, g.key, g.code) no FROM unnest(p_gauges) g) x;
    SELECT array_agg(x.level ORDER BY x.no) INTO level
    FROM (SELECT DISTINCT ON (g.rank, g.key, g.code) dense_rank() OVER (ORDER BY g.rank, g.key, g.code) no, g.level
          FROM unnest(p_gauges) g ORDER BY g.rank, g.key, g.code) x;
    WHILE i <= n LOOP
        j := i; bad := NULL;
        WHILE j <= n AND item[j] = item[i] LOOP
            IF bad IS NULL AND delta[j] < 0 AND level[gauge[j]] + delta[j] < 0 THEN bad := code[j]; END IF;
            j := j + 1;
        END LOOP;
        IF bad IS NULL THEN
            FOR k IN i..j - 1 LOOP level[gauge[k]] := level[gauge[k]] + delta[k]; END LOOP;
        ELSE
            codes[item[i]] := bad;
        END IF;
        i := j;
    END LOOP;
    RETURN codes;
END $$;

-- Apply the accepted items to the rows that are locked, and write the journal. The rows are under our lock, so the place
-- (ctid) a look-up by key has just found is theirs until we are done: again one look-up per row, whatever the planner believes.
CREATE FUNCTION ledger._apply(p_institution integer, p_recorded_at timestamptz, p_items ledger._item[],
    p_moves ledger._move[], p_contracts ledger._contract_sum[], p_sides ledger._side[], p_special boolean)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE kept integer;
BEGIN
    IF p_sides IS NOT NULL THEN
        INSERT INTO item_balance (institution_id, item_id, class, fund_no, contract_id)
        SELECT DISTINCT p_institution, s.item_id, s.class, s.fund_no, s.contract_id FROM unnest(p_sides) s
        WHERE s.item_id IS NOT NULL ORDER BY 2, 3 ON CONFLICT (institution_id, item_id, class) DO NOTHING;
        UPDATE item_balance b SET debit_fen = b.debit_fen + e.debit, credit_fen = b.credit_fen + e.credit
        FROM (SELECT item_id, class, fund_no, contract_id, sum(debit) debit, sum(credit) credit FROM unnest(p_sides)
              WHERE item_id IS NOT NULL GROUP BY 1, 2, 3, 4) e
        CROSS JOIN LATERAL (SELECT x.ctid FROM item_balance x WHERE x.institution_id = p_institution
                            AND x.item_id = e.item_id AND x.class = e.class AND x.fund_no = e.fund_no
                            AND x.contract_id IS NOT DISTINCT FROM e.contract_id OFFSET 0) at
        WHERE b.ctid = at.ctid AND b.institution_id = p_institution;
        GET DIAGNOSTICS kept = ROW_COUNT;
        -- an item that was not there when the rows were locked may have come to lie in another fund or contract
        IF kept <> (SELECT count(DISTINCT (item_id, class, fund_no, contract_id)) FROM unnest(p_sides) WHERE item_id IS NOT NULL) THEN
            RAISE EXCEPTION 'CROSS_FUND: an item lies in one fund and contract' USING ERRCODE = 'LG003';
        END IF;
        UPDATE balance b SET debit_fen = b.debit_fen + e.debit, held_fen = b.held_fen + e.held, version = b.version + 1
        FROM (SELECT fund_no, class, sum(debit) debit, sum(held) held FROM unnest(p_sides) WHERE item_id IS NULL GROUP BY 1, 2) e
        WHERE b.institution_id = p_institution AND b.fund_no = e.fund_no AND b.class = e.class;
    END IF;
    IF p_special THEN
        INSERT INTO hold (institution_id, hold_id, fund_no, contract_id, amount_fen)
        SELECT p_institution, i.hold_id, i.fund_no, i.contract_id, i.hold_fen FROM unnest(p_items) i WHERE i.hold_action = 'place';
        UPDATE hold h SET captured_fen = h.captured_fen + e.captured, released_fen = h.released_fen + e.released
        FROM (SELECT hold_id, coalesce(sum(hold_fen) FILTER (WHERE hold_action = 'capture'), 0) captured,
                     coalesce(sum(hold_fen) FILTER (WHERE hold_action = 'release'), 0) released
              FROM unnest(p_items) WHERE hold_action IN ('capture', 'release') GROUP BY 1) e
        CROSS JOIN LATERAL (SELECT x.ctid FROM hold x WHERE x.institution_id = p_institution
                                                        AND x.hold_id = e.hold_id OFFSET 0) at
        WHERE h.ctid = at.ctid AND h.institution_id = p_institution;
    END IF;

    WITH moved AS (
        UPDATE contract_balance b SET paid_fen = b.paid_fen + e.paid, released_fen = b.released_fen + e.released,
            refunded_fen = b.refunded_fen + e.refunded, held_fen = b.held_fen + e.held, due_fen = b.due_fen + e.due,
            refund_due_fen = b.refund_due_fen + e.refund_due, hours_released = b.hours_released + e.hours
        FROM unnest(p_contracts) e
        CROSS JOIN LATERAL (SELECT x.ctid FROM contract_balance x WHERE x.institution_id = p_institution
                                                                    AND x.contract_id = e.contract_id OFFSET 0) at
        WHERE b.ctid = at.ctid AND b.institution_id = p_institution),
    written AS (
        INSERT INTO journal_entry (institution_id, fund_no, effective_on, entry_id, recorded_at, hours, hold_action, hold_fen,
                                   contract_id, hold_id, reverses, ref, kind, actor)
        SELECT p_institution, i.fund_no, i.effective_on, i.entry_id, p_recorded_at, i.hours,
               i.hold_action, i.hold_fen, i.contract_id, i.hold_id, i.reverses, i.ref, i.kind, i.actor
        FROM unnest(p_items) i ORDER BY i.ord)
    INSERT INTO transfer (institution_id, ord, entry_id, amount_fen, debit_class, credit_class, contract_id, debit_item,
                          credit_item)
    SELECT p_institution, m.ord, m.entry_id, m.amount_fen, m.debit_class, m.credit_class, m.contract_id, m.debit_item,
           m.credit_item
    FROM unnest(p_moves) m ORDER BY m.item, m.ord;
    IF p_special THEN
        INSERT INTO reversal SELECT p_institution, i.reverses, i.entry_id FROM unnest(p_items) i
        WHERE i.reverses IS NOT NULL ORDER BY i.reverses;
    END IF;
END $$;

-- What the accepted items leave for the sealer: the leaf of each, and the sums of the whole call. Both joins are over arrays,
-- whose size the planner cannot know: they are hashed, never walked.
CREATE FUNCTION ledger._leave_for_seal(p_institution integer, p_recorded_at timestamptz, p_items ledger._item[],
                                       p_moves ledger._move[]) RETURNS void
LANGUAGE plpgsql SET enable_nestloop = off AS $$
BEGIN
    INSERT INTO inbox (institution_id, entry_id, request_key, leaf)
    SELECT p_institution, i.entry_id, i.request_key,
           _leaf(ROW(p_institution, i.request_key, i.field_digests, i.entry_id)::request,
                 ROW(p_institution, i.fund_no, i.effective_on, i.entry_id, p_recorded_at, i.hours, i.hold_action, i.hold_fen,
                     i.contract_id, i.hold_id, i.reverses, i.ref, i.kind, i.actor)::journal_entry, t.bytes, NULL)
    FROM unnest(p_items) i
    LEFT JOIN (SELECT m.item, string_agg(_transfer_bytes(ROW(p_institution, m.ord, m.entry_id, m.amount_fen, m.debit_class,
                          m.credit_class, m.contract_id, m.debit_item, m.credit_item)::transfer), '' ORDER BY m.ord) AS bytes
               FROM unnest(p_moves) m GROUP BY m.item) t ON t.item = i.ord
    ORDER BY i.ord;
    INSERT INTO unfolded (institution_id, entry_id, fund_no, class, effective_on, debit_fen, credit_fen)
    SELECT p_institution, (p_items[1]).entry_id, p.fund_no, s.class, p.effective_on, _total(s.debit), _total(s.credit)
    FROM (SELECT i.fund_no, i.effective_on, m.debit_class, m.credit_class, _total(m.amount_fen) AS fen
          FROM unnest(p_moves) m JOIN unnest(p_items) i ON i.ord = m.item GROUP BY 1, 2, 3, 4) p
    CROSS JOIN LATERAL (VALUES (p.debit_class, p.fen, 0::bigint), (p.credit_class, 0, p.fen)) s (class, debit, credit)
    GROUP BY p.fund_no, s.class, p.effective_on;
END $$;

-- What a set must look like before any row is locked; each fault is a bug of the caller.
CREATE FUNCTION ledger._check_shape(p_institution integer, p_items ledger._item[], p_moves ledger._move[],
                                    p_special boolean) RETURNS void
LANGUAGE plpgsql STABLE AS $$
DECLARE wrong text;
BEGIN
    SELECT min(format('EMPTY: entry %s moves nothing', i.entry_id)) INTO wrong FROM unnest(p_items) i
    WHERE i.hours = 0 AND i.hold_id IS NULL AND NOT EXISTS (SELECT FROM unnest(p_moves) m WHERE m.item = i.ord);
    IF wrong IS NULL THEN
        SELECT min(format('NO_ACCOUNT: fund %s has no %s account', m.fund_no, m.class)) INTO wrong
        FROM (SELECT fund_no, debit_class AS class FROM unnest(p_moves)
              UNION SELECT fund_no, credit_class FROM unnest(p_moves)
              UNION SELECT fund_no, 'payable' FROM unnest(p_items) WHERE hold_id IS NOT NULL AND contract_id IS NULL) m
        JOIN class_rule r ON r.class = m.class AND r.lane <> 'cold'
        WHERE NOT EXISTS (SELECT FROM balance b WHERE b.institution_id = p_institution AND b.fund_no = m.fund_no
                                                  AND b.class = m.class);
    END IF;
    IF wrong IS NOT NULL THEN RAISE EXCEPTION '%', wrong USING ERRCODE = 'LG005'; END IF;
    IF NOT p_special THEN RETURN; END IF;
    -- a reversal is the mirror of its original: same fund, sides swapped, hours given back
    SELECT min('NOT_A_MIRROR: ' || i.reverses) INTO wrong FROM unnest(p_items) i
    WHERE i.reverses IS NOT NULL AND (
        NOT EXISTS (SELECT FROM journal_entry o WHERE o.institution_id = p_institution AND o.entry_id = i.reverses
                    AND o.fund_no = i.fund_no AND o.hours = -i.hours
                    AND o.contract_id IS NOT DISTINCT FROM i.contract_id AND o.hold_id IS NULL AND i.hold_id IS NULL)
        OR EXISTS ((SELECT m.debit_class, m.credit_class, m.amount_fen, m.contract_id, m.debit_item, m.credit_item
                    FROM unnest(p_moves) m WHERE m.item = i.ord)
                   EXCEPT ALL
                   (SELECT t.credit_class, t.debit_class, t.amount_fen, t.contract_id, t.credit_item, t.debit_item
                    FROM transfer t WHERE t.institution_id = p_institution AND t.entry_id = i.reverses))
        OR (SELECT count(*) FROM unnest(p_moves) m WHERE m.item = i.ord)
           <> (SELECT count(*) FROM transfer t WHERE t.institution_id = p_institution AND t.entry_id = i.reverses));
    IF wrong IS NOT NULL THEN RAISE EXCEPTION '%', wrong USING ERRCODE = 'LG005'; END IF;
END $$;

-- Decide under the locks: the code that refuses each item, null where it passes.
CREATE FUNCTION ledger._decide(p_institution integer, p_items ledger._item[], p_contracts ledger._contract_effect[],
                               p_sides ledger._side[], p_count integer) RETURNS text[]
LANGUAGE plpgsql AS $$
BEGIN
    -- where all that the set takes from a gauge is there before it, no order of the items can break the limit
    IF NOT EXISTS (SELECT FROM _gauges(p_institution, p_items, p_contracts, p_sides) g WHERE g.delta < 0
                   GROUP BY g.rank, g.key, g.code HAVING min(g.level) + sum(g.delta) < 0) THEN
        RETURN array_fill(NULL::text, ARRAY[p_count]);
    END IF;
    RETURN _walk(ARRAY(SELECT g FROM _gauges(p_institution, p_items, p_contracts, p_sides) g), p_count);
END $$;

CREATE FUNCTION ledger.post(
    p_institution integer, p_recorded_at timestamptz, p_folded_block bigint,
    p_key uuid[], p_digests bytea[], p_entry uuid[], p_kind text[], p_fund smallint[], p_effective date[], p_actor text[],
    p_ref uuid[], p_contract uuid[], p_hours integer[], p_hold uuid[], p_hold_action text[], p_hold_fen bigint[],
    p_reverses uuid[],
    t_item integer[], t_debit ledger.account_class[], t_credit ledger.account_class[], t_amount bigint[], t_contract uuid[], t_debit_item uuid[],
    t_credit_item uuid[])
RETURNS TABLE (ord integer, result text, code text, field integer, entry_id uuid)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp SET plan_cache_mode = force_generic_plan AS $$
DECLARE
    n integer := cardinality(p_key);
    -- a set without holds and reversals passes by every statement that is about them
    special boolean := array_remove(p_hold, NULL) <> '{}' OR array_remove(p_reverses, NULL) <> '{}';
    items _item[]; passed _item[]; moves _move[]; contracts _contract_sum[]; sides _side[];
    answered integer[]; codes text[]; sided boolean; tight boolean; final boolean;
    twin integer; twins integer[]; twin_of integer[];   -- items under a key that an earlier item of the set has claimed
BEGIN
    PERFORM pg_advisory_xact_lock_shared(p_institution, 0);
    IF NOT special AND t_contract = p_contract AND array_position(p_contract, NULL) IS NULL
       AND 1 <= ALL (t_amount) AND 10000000000000 >= ALL (t_amount)
       AND array_remove(t_debit_item, NULL) = '{}' AND array_remove(t_credit_item, NULL) = '{}'
       AND array_remove(p_kind, p_kind[1]) = '{}' AND array_remove(p_fund, p_fund[1]) = '{}'
       AND array_remove(t_debit, t_debit[1]) = '{}' AND array_remove(t_credit, t_credit[1]) = '{}'
       AND (n = 1 AND t_item = '{1}' OR t_item = ARRAY(SELECT generate_series(1, n))) AND _post_plain(
           p_institution, p_recorded_at, p_key, p_digests, p_entry, p_kind[1], p_fund[1], p_effective, p_actor, p_ref,
           p_contract, p_hours, t_debit[1], t_credit[1], t_amount) THEN
        RETURN;
    END IF;
    -- what belongs to a closed day is booked on the first open one; under the lock, days cannot close meanwhile
    items := ARRAY(SELECT ROW(u.*)::_item FROM (
        SELECT x.n::int, x.key, x.digests, x.entry, x.kind, x.fund, greatest(x.effective, c.open_on), x.actor, x.ref,
               x.contract, x.hours, x.hold, x.hold_action::hold_action, x.hold_fen, x.reverses
        FROM unnest(p_key, p_digests, p_entry, p_kind, p_fund, p_effective, p_actor, p_ref, p_contract, p_hours, p_hold,
                    p_hold_action, p_hold_fen, p_reverses) WITH ORDINALITY
             x (key, digests, entry, kind, fund, effective, actor, ref, contract, hours, hold, hold_action, hold_fen,
                reverses, n)
        LEFT JOIN (SELECT fund_no, closed_through + 1 AS open_on FROM close WHERE institution_id = p_institution) c
               ON c.fund_no = x.fund) u ORDER BY 1);
    SELECT m.moves, m.sided INTO moves, sided
    FROM _moves(p_institution, items, t_item, t_debit, t_credit, t_amount, t_contract, t_debit_item, t_credit_item) m;
    PERFORM _check_shape(p_institution, items, moves, special);

    FOR ord, result, code, field, entry_id, twin IN SELECT * FROM _claim(p_institution, items) LOOP
        answered := answered || ord;
        IF twin IS NULL OR result = 'conflict' THEN
            RETURN NEXT;
        ELSE
            twins := twins || ord;
            twin_of := twin_of || twin;
        END IF;
    END LOOP;
    IF cardinality(answered) = n THEN RETURN; END IF;
    IF answered IS NOT NULL THEN
        items := ARRAY(SELECT i FROM unnest(items) i WHERE i.ord <> ALL (answered));
        moves := ARRAY(SELECT m FROM unnest(moves) m WHERE m.item <> ALL (answered));
    END IF;
    contracts := _contract_sums(items, moves);
    IF sided OR special THEN sides := _sides(items, moves); END IF;
    tight := _lock(p_institution, items, contracts, sides, special);
    IF tight OR sides IS NOT NULL OR special THEN
        codes := _decide(p_institution, items, CASE WHEN tight THEN _contract_effects(items, moves) END, sides, n);
    END IF;
    passed := items;
    IF array_remove(codes, NULL) <> '{}' THEN
        passed := ARRAY(SELECT i FROM unnest(items) i WHERE codes[i.ord] IS NULL);
        moves := ARRAY(SELECT m FROM unnest(moves) m WHERE codes[m.item] IS NULL);
        sides := ARRAY(SELECT s FROM unnest(sides) s WHERE codes[s.item] IS NULL);
        contracts := _contract_sums(passed, moves);
    END IF;
    PERFORM _apply(p_institution, p_recorded_at, passed, moves, contracts, sides, special);
    PERFORM _leave_for_seal(p_institution, p_recorded_at, passed, moves);
    IF codes IS NULL AND twins IS NULL THEN RETURN; END IF;
    -- a guarded account too small is final only against a fold that came after the question was first asked
    final := EXISTS (SELECT FROM seal_state s WHERE s.institution_id = p_institution AND s.block_no >= p_folded_block);
    RETURN QUERY
    WITH decided AS MATERIALIZED (SELECT * FROM _record_refusals(p_institution, items, codes, final))
    SELECT * FROM decided
    UNION ALL
    SELECT t.ord, CASE d.result WHEN 'later' THEN 'later' ELSE 'replayed' END, d.code, NULL, i.entry_id
    FROM unnest(twins, twin_of) t (ord, twin) JOIN unnest(items) i ON i.ord = t.twin LEFT JOIN decided d ON d.ord = t.twin;
END $$;

-- Write down what was refused, take back the claim of what comes later, and answer for both.
CREATE FUNCTION ledger._record_refusals(p_institution integer, p_items ledger._item[], p_codes text[], p_final boolean)
RETURNS TABLE (ord integer, result text, code text, field integer, entry_id uuid)
LANGUAGE plpgsql AS $$
DECLARE later text[] := CASE WHEN p_final THEN '{}'::text[]
                             ELSE ARRAY['PAYABLE_TOO_SMALL', 'RESERVE_TOO_SMALL', 'INTEREST_TOO_SMALL'] END;
BEGIN
    DELETE FROM request r USING unnest(p_items) i
    WHERE r.institution_id = p_institution AND r.request_key = i.request_key AND p_codes[i.ord] = ANY (later);
    INSERT INTO refusal SELECT p_institution, i.request_key, p_codes[i.ord] FROM unnest(p_items) i
    WHERE p_codes[i.ord] IS NOT NULL AND p_codes[i.ord] <> ALL (later) ORDER BY i.request_key;
    INSERT INTO inbox (institution_id, entry_id, request_key, leaf)
    SELECT p_institution, i.entry_id, i.request_key,
           _leaf(ROW(p_institution, i.request_key, i.field_digests, i.entry_id)::request, NULL, NULL, p_codes[i.ord])
    FROM unnest(p_items) i
    WHERE p_codes[i.ord] IS NOT NULL AND p_codes[i.ord] <> ALL (later) ORDER BY i.ord;
    RETURN QUERY SELECT i.ord, CASE WHEN p_codes[i.ord] = ANY (later) THEN 'later' ELSE 'refused' END, p_codes[i.ord],
                        NULL::integer, i.entry_id
    FROM unnest(p_items) i WHERE p_codes[i.ord] IS NOT NULL ORDER BY i.ord;
END $$;
