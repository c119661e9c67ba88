-- THE definition of a balance. Every account of an institution that has one, debit and credit side in fen; contract
-- accounts one row per contract. A hot account is folded + tail; a guarded one has its debits applied at once.
CREATE FUNCTION ledger.balances(p_institution integer)
RETURNS TABLE (fund_no smallint, class ledger.account_class, contract_id uuid, debit_fen bigint, credit_fen bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = ledger, pg_temp SET enable_nestloop = on AS $$
    WITH tail AS (
        SELECT s.fund_no, s.class, sum(s.debit_fen)::bigint debit_fen, sum(s.credit_fen)::bigint credit_fen
        FROM _sides_of(p_institution, ARRAY(SELECT i.entry_id FROM inbox i WHERE i.institution_id = p_institution)) s
        GROUP BY 1, 2)
    SELECT b.fund_no, b.class, NULL::uuid,
           b.debit_fen + CASE WHEN b.guarded THEN 0 ELSE coalesce(t.debit_fen, 0) END, b.credit_fen + coalesce(t.credit_fen, 0)
    FROM balance b LEFT JOIN tail t USING (fund_no, class) WHERE b.institution_id = p_institution
    UNION ALL
    SELECT c.fund_no, x.class, c.contract_id, greatest(x.fen, 0), greatest(-x.fen, 0)
    FROM contract_balance c CROSS JOIN LATERAL (VALUES
        ('claim'::account_class, -c.claim_fen), ('due', c.due_fen), ('refund_due', -c.refund_due_fen)) x (class, fen)
    WHERE c.institution_id = p_institution $$;
