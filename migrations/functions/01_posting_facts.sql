-- ledger.post: the only way money moves. One set of items (entries) for one institution; the answer is a row per item that
-- is not new (a set is new as a rule, and its rows took a tenth of the time):
--   replayed | conflict (field = index of the differing field digest) | refused (code) | later
-- Raised (a bug of the caller, nothing is written): LG002 not allowed, LG003 cross-fund, LG004 unknown or unnamed, LG005 shape.
--
-- Order, always the same, every set sorted by key: the institution's books (shared), request keys, reversed entries, contract
-- rows, item rows, hold rows, guarded hot rows. Under the locks every limit is a GAUGE: a level that may not go below zero.
-- Items are walked in order; an item that would take a gauge below zero is refused whole and leaves no trace in the levels,
-- so a set that would overdraw refuses exactly the items that break a limit. The table CHECKs are the backstop.
--
-- A guarded account's level is a lower bound (its credits wait for the sealer). Too low means 'later': nothing is recorded
-- under the key, the caller seals and asks again with the block number the seal gave; only then is the refusal final.

CREATE TYPE ledger._item AS (
    ord integer, request_key uuid, field_digests bytea, entry_id uuid, kind text, fund_no smallint, effective_on date,
    actor text, ref uuid, contract_id uuid, hours integer, hold_id uuid, hold_action ledger.hold_action, hold_fen bigint,
    reverses uuid);
CREATE TYPE ledger._move AS (                      -- a transfer with its rule looked up
    item integer, ord integer, fund_no smallint, debit_class ledger.account_class, credit_class ledger.account_class,
    amount_fen bigint, contract_id uuid, debit_item uuid, credit_item uuid,
    claim_counter ledger.claim_counter, debit_rule ledger.item_rule, credit_rule ledger.item_rule, entry_id uuid);
CREATE TYPE ledger._contract_effect AS (
    item integer, contract_id uuid, fund_no smallint,
    paid bigint, released bigint, refunded bigint, held bigint, due bigint, refund_due bigint, hours bigint);
CREATE TYPE ledger._contract_sum AS (              -- of a whole set; from_*: what it takes from each gauge at most
    contract_id uuid, fund_no smallint, paid bigint, released bigint, refunded bigint, held bigint, due bigint,
    refund_due bigint, hours bigint, from_price bigint, from_claim bigint, from_cover bigint, from_due bigint,
    from_refund_due bigint, from_hours bigint, from_taught bigint, from_paid bigint, from_released bigint,
    from_refunded bigint, from_held bigint);
CREATE TYPE ledger._side AS (                      -- one side of an item_balance row or of a guarded hot account
    item integer, item_id uuid, class ledger.account_class, fund_no smallint, contract_id uuid, debit bigint, credit bigint,
    held bigint);
CREATE TYPE ledger._gauge AS (item integer, rank integer, key text, code text, delta bigint, level bigint);

-- sum() of bigint without the detour over numeric; it raises where 64 bits would not hold the sum.
CREATE AGGREGATE ledger._total(bigint) (SFUNC = int8pl, STYPE = bigint, INITCOND = '0');

-- Claim the request keys. Answers a row per item that is not new: replayed, conflict, or refused as it was before.
-- twin: the item of this very set that claimed the key first; what becomes of it is not known yet.
CREATE FUNCTION ledger._claim(p_institution integer, p_items ledger._item[])
RETURNS TABLE (ord integer, result text, code text, field integer, entry_id uuid, twin integer)
LANGUAGE plpgsql AS $$
DECLARE fresh uuid[];
BEGIN
    WITH claimed AS (
        INSERT INTO request (institution_id, request_key, field_digests, entry_id)
        SELECT p_institution, i.request_key, i.field_digests, i.entry_id FROM unnest(p_items) i
        ORDER BY i.request_key, i.ord ON CONFLICT (institution_id, request_key) DO NOTHING RETURNING request.request_key)
    SELECT array_agg(c.request_key) INTO fresh FROM claimed c;
    IF cardinality(fresh) = cardinality(p_items) THEN RETURN; END IF;
    RETURN QUERY
    SELECT i.ord, CASE WHEN differs.at IS NULL THEN 'replayed' ELSE 'conflict' END,
           CASE WHEN differs.at IS NULL THEN f.code END, differs.at, r.entry_id, i.first
    FROM (SELECT u.*, c.key IS NOT NULL AS claimed,
                 CASE WHEN c.key IS NOT NULL THEN min(u.ord) OVER (PARTITION BY u.request_key) END AS first
          FROM unnest(p_items) u LEFT JOIN unnest(fresh) c (key) ON c.key = u.request_key) i
    CROSS JOIN LATERAL (SELECT x.* FROM request x WHERE x.institution_id = p_institution
                                                    AND x.request_key = i.request_key OFFSET 0) r
    LEFT JOIN LATERAL (SELECT x.code FROM refusal x WHERE x.institution_id = p_institution
                                                      AND x.request_key = i.request_key OFFSET 0) f ON true
    LEFT JOIN LATERAL (
        SELECT min(n) AS at FROM generate_series(0, greatest(length(r.field_digests), length(i.field_digests)) / 8 - 1) n
        WHERE substr(r.field_digests, n * 8 + 1, 8) <> substr(i.field_digests, n * 8 + 1, 8)) differs ON true
    WHERE NOT i.claimed OR i.ord <> i.first;
END $$;

-- Transfers with their rule, and whether any side of theirs is kept by item or applied to a guarded account at once.
-- A reversal follows the rules of the entry it reverses, sides swapped.
CREATE FUNCTION ledger._moves(p_institution integer, p_items ledger._item[], t_item integer[],
    t_debit ledger.account_class[], t_credit ledger.account_class[], t_amount bigint[], t_contract uuid[],
    t_debit_item uuid[], t_credit_item uuid[], OUT moves ledger._move[], OUT sided boolean)
LANGUAGE plpgsql STABLE AS $$
DECLARE wrong text;
BEGIN
    SELECT array_agg((t.item, t.ord, i.fund_no, t.debit, t.credit, t.amount, t.contract, t.debit_item, t.credit_item,
                      r.claim_counter, f.debit_rule, f.credit_rule, i.entry_id)::_move ORDER BY t.n),
           bool_or('kept' IN (f.debit_rule, f.credit_rule) OR t.debit IN ('payable', 'reserve', 'interest')),
           min(CASE WHEN r.kind IS NULL
                    THEN format('LG002 NOT_ALLOWED: no rule lets %s: %s -> %s', coalesce(o.kind, i.kind), t.debit, t.credit)
                    WHEN (f.debit_rule <> 'none') <> (t.debit_item IS NOT NULL)
                      OR (f.credit_rule <> 'none') <> (t.credit_item IS NOT NULL)
                    THEN 'LG004 ITEM_NOT_NAMED: a side that keeps items names one, any other side names none'
                    WHEN (t.contract IS NOT NULL) <> (t.debit IN ('due', 'claim', 'refund_due')
                                                      OR t.credit IN ('due', 'claim', 'refund_due'))
                    THEN 'LG004 CONTRACT_NOT_NAMED: a contract is named exactly where one of its accounts is'
                    WHEN t.amount IS NULL OR t.amount NOT BETWEEN 1 AND 10000000000000
                    THEN format('LG005 AMOUNT: %s fen in entry %s', t.amount, t.item) END)
    INTO moves, sided, wrong
    FROM (SELECT u.*, row_number() OVER (PARTITION BY u.item ORDER BY u.n) AS ord
          FROM unnest(t_item, t_debit, t_credit, t_amount, t_contract, t_debit_item, t_credit_item) WITH ORDINALITY
               u (item, debit, credit, amount, contract, debit_item, credit_item, n)) t
    JOIN unnest(p_items) i ON i.ord = t.item
    LEFT JOIN LATERAL (SELECT e.kind FROM journal_entry e WHERE e.institution_id = p_institution
                                                            AND e.entry_id = i.reverses OFFSET 0) o ON true
    LEFT JOIN posting_rule r ON (r.kind, r.debit_class, r.credit_class) = (coalesce(o.kind, i.kind),
        CASE WHEN o.kind IS NULL THEN t.debit ELSE t.credit END, CASE WHEN o.kind IS NULL THEN t.credit ELSE t.debit END)
    CROSS JOIN LATERAL (SELECT CASE WHEN i.reverses IS NULL THEN r.debit_item ELSE r.credit_item END,
                               CASE WHEN i.reverses IS NULL THEN r.credit_item ELSE r.debit_item END)
        f (debit_rule, credit_rule);
    IF wrong IS NULL AND coalesce(cardinality(moves), 0) <> cardinality(t_item) THEN
        wrong := 'LG005 SHAPE: a transfer names no entry of its set';
    END IF;
    IF wrong IS NOT NULL THEN RAISE EXCEPTION '%', substr(wrong, 7) USING ERRCODE = left(wrong, 5); END IF;
END $$;

-- What each transfer, hold and count of hours does to its contract: one row each, in fen and hundredths of hours.
-- A plain SQL function, so that the planner writes it into the two that sum it.
CREATE FUNCTION ledger._contract_deltas(p_items ledger._item[], p_moves ledger._move[])
RETURNS TABLE (item integer, contract_id uuid, fund_no smallint, paid bigint, released bigint, refunded bigint, held bigint,
               due bigint, refund_due bigint, hours bigint) LANGUAGE sql STABLE AS $$
    SELECT m.item, m.contract_id, m.fund_no,
           CASE WHEN m.claim_counter = 'paid' THEN CASE m.credit_class WHEN 'claim' THEN m.amount_fen ELSE -m.amount_fen END
                ELSE 0 END,
           CASE WHEN m.claim_counter = 'released' THEN CASE m.debit_class WHEN 'claim' THEN m.amount_fen ELSE -m.amount_fen END
                ELSE 0 END,
           CASE WHEN m.claim_counter = 'refunded' THEN CASE m.debit_class WHEN 'claim' THEN m.amount_fen ELSE -m.amount_fen END
                ELSE 0 END,
           0, CASE 'due'::account_class WHEN m.debit_class THEN m.amount_fen WHEN m.credit_class THEN -m.amount_fen ELSE 0 END,
           CASE 'refund_due'::account_class WHEN m.credit_class THEN m.amount_fen WHEN m.debit_class THEN -m.amount_fen ELSE 0 END, 0
    FROM unnest(p_moves) m WHERE m.contract_id IS NOT NULL
    UNION ALL
    SELECT i.ord, i.contract_id, i.fund_no, 0, 0, 0,
           CASE WHEN i.hold_action = 'place' THEN i.hold_fen ELSE coalesce(-i.hold_fen, 0) END, 0, 0, i.hours::bigint
    FROM unnest(p_items) i WHERE i.contract_id IS NOT NULL AND (i.hours <> 0 OR i.hold_id IS NOT NULL) $$;

-- The same per item, for the walk: only a set that may break a limit needs it.
CREATE FUNCTION ledger._contract_effects(p_items ledger._item[], p_moves ledger._move[])
RETURNS ledger._contract_effect[] LANGUAGE sql STABLE AS $$
    SELECT array_agg((item, contract_id, fund_no, paid, released, refunded, held, due, refund_due, hours)::_contract_effect
                     ORDER BY item, contract_id)
    FROM (SELECT item, contract_id, fund_no, _total(paid) paid, _total(released) released, _total(refunded) refunded,
                 _total(held) held, _total(due) due, _total(refund_due) refund_due, _total(hours) hours
          FROM _contract_deltas(p_items, p_moves) GROUP BY 1, 2, 3) sums $$;

-- The same per contract, in key order, with what the set takes from each gauge at most (all that lowers it, nothing that
-- lifts it): a level that bears this bears the items in any order and any choice of them.
CREATE FUNCTION ledger._contract_sums(p_items ledger._item[], p_moves ledger._move[])
RETURNS ledger._contract_sum[] LANGUAGE sql STABLE AS $$
    SELECT array_agg((contract_id, fund_no, paid, released, refunded, held, due, refund_due, hours, from_price, from_claim,
                      from_cover, from_due, from_refund_due, from_hours, from_taught, from_paid, from_released,
                      from_refunded, from_held)::_contract_sum ORDER BY contract_id, fund_no)
    FROM (SELECT contract_id, fund_no, _total(paid) paid, _total(released) released, _total(refunded) refunded, _total(held) held,
                 _total(due) due, _total(refund_due) refund_due, _total(hours) hours, _total(greatest(paid, 0)) from_price,
                 _total(greatest(released + refunded + held - paid, 0)) from_claim,
                 _total(greatest(released + refunded + due - paid - refund_due, 0)) from_cover,
                 _total(greatest(-due, 0)) from_due, _total(greatest(-refund_due, 0)) from_refund_due,
                 _total(greatest(hours, 0)) from_hours, _total(greatest(-hours, 0)) from_taught,
                 _total(greatest(-paid, 0)) from_paid, _total(greatest(-released, 0)) from_released,
                 _total(greatest(-refunded, 0)) from_refunded, _total(greatest(-held, 0)) from_held
          FROM _contract_deltas(p_items, p_moves) GROUP BY 1, 2) sums $$;

-- Sides that item_balance keeps (item_id set) and the sides of guarded hot accounts that are applied at once (item_id null).
CREATE FUNCTION ledger._sides(p_items ledger._item[], p_moves ledger._move[])
RETURNS ledger._side[] LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (
    SELECT array_agg((item, item_id, class, fund_no, contract_id, debit, credit, held)::_side ORDER BY item, item_id, class)
    FROM (SELECT item, item_id, class, fund_no, contract_id, _total(debit) debit, _total(credit) credit, _total(held) held
          FROM (SELECT m.item, m.debit_item AS item_id, m.debit_class AS class, m.fund_no,
                       CASE WHEN m.debit_class = 'claim' THEN m.contract_id END AS contract_id,
                       m.amount_fen AS debit, 0::bigint AS credit, 0::bigint AS held
                FROM unnest(p_moves) m WHERE m.debit_rule = 'kept'
                UNION ALL
                SELECT m.item, m.credit_item, m.credit_class, m.fund_no,
                       CASE WHEN m.credit_class = 'claim' THEN m.contract_id END, 0, m.amount_fen, 0
                FROM unnest(p_moves) m WHERE m.credit_rule = 'kept'
                UNION ALL
                SELECT m.item, NULL, m.debit_class, m.fund_no, NULL, m.amount_fen, 0, 0
                FROM unnest(p_moves) m WHERE m.debit_class IN ('payable', 'reserve', 'interest')
                UNION ALL
                SELECT i.ord, NULL, 'payable', i.fund_no, NULL, 0, 0,
                       CASE i.hold_action WHEN 'place' THEN i.hold_fen ELSE -i.hold_fen END
                FROM unnest(p_items) i WHERE i.hold_id IS NOT NULL AND i.contract_id IS NULL) s
          GROUP BY item, item_id, class, fund_no, contract_id) sums);
END $$;
