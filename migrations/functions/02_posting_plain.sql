-- Posting by set, made short for its commonest case: every entry of the set is of one kind and one transfer between the same
-- two classes of one fund, about one contract, without holds, items, reversals or guarded debits (class hours released).
-- The profile that asked for it: of a single entry's time two thirds went into beginning some twenty statements, of a large
-- set's a third into carrying its entries from one to the next. Same locks in the same order, same limits, same rows.
--
-- Answers whether it did it. If not, nothing was done (its savepoint is undone), and ledger.post goes its whole way to
-- find out why: a key asked before, a limit that may not bear the set, a fault of the caller.
CREATE FUNCTION ledger._post_plain(
    p_institution integer, p_recorded_at timestamptz,
    p_key uuid[], p_digests bytea[], p_entry uuid[], p_kind text, p_fund smallint, p_effective date[], p_actor text[],
    p_ref uuid[], p_contract uuid[], p_hours integer[],
    p_debit ledger.account_class, p_credit ledger.account_class, p_fen bigint[])
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    n integer := cardinality(p_key); open_on date; counter claim_counter; claimed integer;
    -- what one fen does to the contract (as in _contract_deltas)
    paid integer; released integer; refunded integer; due integer; refund_due integer;
BEGIN
    SELECT c.closed_through + 1, r.claim_counter INTO open_on, counter
    FROM posting_rule r
    JOIN close c ON c.institution_id = p_institution AND c.fund_no = p_fund
    JOIN class_rule d ON d.class = r.debit_class
    JOIN class_rule k ON k.class = r.credit_class
    WHERE r.kind = p_kind AND r.debit_class = p_debit AND r.credit_class = p_credit
      AND r.debit_item = 'none' AND r.credit_item = 'none' AND d.lane <> 'guarded_hot'
      AND (d.lane = 'cold' OR EXISTS (SELECT FROM balance b WHERE b.institution_id = p_institution
                                                              AND b.fund_no = p_fund AND b.class = p_debit))
      AND (k.lane = 'cold' OR EXISTS (SELECT FROM balance b WHERE b.institution_id = p_institution
                                                              AND b.fund_no = p_fund AND b.class = p_credit));
    IF NOT FOUND THEN RETURN false; END IF;
    paid := CASE WHEN counter IS DISTINCT FROM 'paid' THEN 0 WHEN p_credit = 'claim' THEN 1 ELSE -1 END;
    released := CASE WHEN counter IS DISTINCT FROM 'released' THEN 0 WHEN p_debit = 'claim' THEN 1 ELSE -1 END;
    refunded := CASE WHEN counter IS DISTINCT FROM 'refunded' THEN 0 WHEN p_debit = 'claim' THEN 1 ELSE -1 END;
    due := CASE WHEN p_debit = 'due' THEN 1 WHEN p_credit = 'due' THEN -1 ELSE 0 END;
    refund_due := CASE WHEN p_credit = 'refund_due' THEN 1 WHEN p_debit = 'refund_due' THEN -1 ELSE 0 END;

    INSERT INTO request (institution_id, request_key, field_digests, entry_id)
    SELECT p_institution, u.key, u.digests, u.entry FROM unnest(p_key, p_digests, p_entry) u (key, digests, entry)
    ORDER BY u.key ON CONFLICT (institution_id, request_key) DO NOTHING;
    GET DIAGNOSTICS claimed = ROW_COUNT;
    IF claimed < n THEN RAISE SQLSTATE 'LG000'; END IF;

    -- locked in the order of the ids; in each gauge what lowers it counts and what lifts it does not (as in _contract_sums)
    PERFORM FROM (
        SELECT u.contract_id, _total(u.fen) AS fen, _total(greatest(u.hours, 0)) AS taught, _total(greatest(-u.hours, 0)) AS given_back
        FROM unnest(p_contract, p_fen, p_hours) u (contract_id, fen, hours) GROUP BY 1 ORDER BY 1) e
    LEFT JOIN LATERAL (SELECT x.* FROM contract_balance x WHERE x.institution_id = p_institution
                       AND x.contract_id = e.contract_id OFFSET 0 FOR NO KEY UPDATE) b ON true
    WHERE (b.fund_no = p_fund
       AND b.price_fen - b.paid_fen >= greatest(paid, 0) * e.fen
       AND b.claim_fen - b.held_fen >= greatest(released + refunded - paid, 0) * e.fen
       AND b.claim_fen + b.refund_due_fen - b.due_fen >= greatest(released + refunded + due - paid - refund_due, 0) * e.fen
       AND b.due_fen >= -due * e.fen AND b.refund_due_fen >= -refund_due * e.fen AND b.paid_fen >= -paid * e.fen
       AND b.released_fen >= -released * e.fen AND b.refunded_fen >= -refunded * e.fen
       AND b.hours_total - b.hours_released >= e.taught AND b.hours_released >= e.given_back) IS NOT TRUE;
    IF FOUND THEN RAISE SQLSTATE 'LG000'; END IF;

    WITH moved AS (
        UPDATE contract_balance b SET paid_fen = b.paid_fen + paid * e.fen, released_fen = b.released_fen + released * e.fen,
            refunded_fen = b.refunded_fen + refunded * e.fen, due_fen = b.due_fen + due * e.fen,
            refund_due_fen = b.refund_due_fen + refund_due * e.fen, hours_released = b.hours_released + e.hours
        FROM (SELECT u.contract_id, _total(u.fen) AS fen, _total(u.hours) AS hours
              FROM unnest(p_contract, p_fen, p_hours) u (contract_id, fen, hours) GROUP BY 1) e
        CROSS JOIN LATERAL (SELECT x.ctid FROM contract_balance x WHERE x.institution_id = p_institution
                                                                    AND x.contract_id = e.contract_id OFFSET 0) at
        WHERE b.ctid = at.ctid AND b.institution_id = p_institution),
    written AS (
        INSERT INTO journal_entry (institution_id, fund_no, effective_on, entry_id, recorded_at, hours, contract_id, ref, kind,
                                   actor)
        SELECT p_institution, p_fund, greatest(u.on_day, open_on), u.entry, p_recorded_at, u.hours, u.contract_id, u.ref, p_kind, u.actor
        FROM unnest(p_entry, p_effective, p_hours, p_contract, p_ref, p_actor) u (entry, on_day, hours, contract_id, ref, actor)),
    transferred AS (
        INSERT INTO transfer (institution_id, ord, entry_id, amount_fen, debit_class, credit_class, contract_id)
        SELECT p_institution, 1, u.entry, u.fen, p_debit, p_credit, u.contract_id
        FROM unnest(p_entry, p_fen, p_contract) u (entry, fen, contract_id)),
    left_for_seal AS (
        INSERT INTO inbox (institution_id, entry_id, request_key, leaf)
        SELECT p_institution, u.entry, u.key, _leaf(
            ROW(p_institution, u.key, u.digests, u.entry)::request,
            ROW(p_institution, p_fund, greatest(u.on_day, open_on), u.entry, p_recorded_at, u.hours, NULL, NULL, u.contract_id,
                NULL, NULL, u.ref, p_kind, u.actor)::journal_entry,
            _transfer_bytes(ROW(p_institution, 1, u.entry, u.fen, p_debit, p_credit, u.contract_id, NULL, NULL)::transfer), NULL)
        FROM unnest(p_key, p_digests, p_entry, p_effective, p_hours, p_contract, p_ref, p_actor, p_fen)
             u (key, digests, entry, on_day, hours, contract_id, ref, actor, fen))
    INSERT INTO unfolded (institution_id, entry_id, fund_no, class, effective_on, debit_fen, credit_fen)
    SELECT p_institution, p_entry[1], p_fund, s.class, d.on_day, s.debit, s.credit
    FROM (SELECT greatest(u.on_day, open_on) AS on_day, _total(u.fen) AS fen
          FROM unnest(p_effective, p_fen) u (on_day, fen) GROUP BY 1) d
    CROSS JOIN LATERAL (VALUES (p_debit, d.fen, 0::bigint), (p_credit, 0, d.fen)) s (class, debit, credit);
    RETURN true;
EXCEPTION WHEN SQLSTATE 'LG000' THEN
    RETURN false;
END $$;
