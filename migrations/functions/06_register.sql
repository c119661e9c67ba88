-- Open a custody account, a reserve account or the institution's hands, with the hot accounts its kind has.
CREATE FUNCTION ledger.open_fund(p_institution integer, p_fund jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE f fund := jsonb_populate_record(NULL::fund, p_fund || jsonb_build_object('institution_id', p_institution));
BEGIN
    f.currency := coalesce(f.currency, 'CNY');
    f.opening_fen := coalesce(f.opening_fen, 0);
    INSERT INTO fund SELECT f.*;
    INSERT INTO close VALUES (p_institution, f.fund_no, f.opened_on - 1);
    INSERT INTO balance (institution_id, fund_no, class, guarded)
    SELECT p_institution, f.fund_no, r.class, r.lane = 'guarded_hot' FROM class_rule r
    WHERE r.lane <> 'cold' AND f.kind <> 'hands'
      AND r.class <> (CASE f.kind WHEN 'custody' THEN 'reserve' ELSE 'payable' END)::account_class;
END $$;

CREATE FUNCTION ledger.register_institution(p_institution jsonb) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    INSERT INTO institution SELECT * FROM jsonb_populate_record(NULL::institution, p_institution);
    INSERT INTO seal_state (institution_id) VALUES ((p_institution ->> 'institution_id')::integer);
END $$;

-- Contracts and their balance rows, as a set.
CREATE FUNCTION ledger.open_contracts(p_institution integer, p_contracts jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE n integer;
BEGIN
    INSERT INTO contract_balance (institution_id, contract_id, fund_no, price_fen, hours_total)
    SELECT p_institution, c.contract_id, c.fund_no, c.price_fen, c.hours_bought + c.hours_gifted
    FROM jsonb_populate_recordset(NULL::contract, p_contracts) c ORDER BY c.contract_id;
    INSERT INTO contract
    SELECT c.* FROM jsonb_populate_recordset(NULL::contract, p_contracts) c WHERE c.institution_id = p_institution
    ORDER BY c.contract_id;
    GET DIAGNOSTICS n = ROW_COUNT;
    IF n <> jsonb_array_length(p_contracts) THEN
        RAISE EXCEPTION 'UNKNOWN: a contract of another institution' USING ERRCODE = 'LG004';
    END IF;
    RETURN n;
END $$;

-- Lock contracts in id order before a flow reads, decides and posts about them. As in posting, the books of the institution
-- come first, before any row: who closes a day holds them for itself and then asks for rows. (Taken after a row, by the
-- posting that follows, that lock closed a circle with close_day: one of the two was aborted. Taken fund by fund, who
-- held an account of one fund and went on in another that was being closed did the same: closing seals, and sealing folds
-- every fund. So there is one lock for all funds of an institution.)
CREATE FUNCTION ledger.lock_contracts(p_institution integer, p_contracts uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT pg_advisory_xact_lock_shared(p_institution, 0);
    SELECT FROM contract_balance WHERE institution_id = p_institution AND contract_id = ANY (p_contracts)
    ORDER BY contract_id FOR NO KEY UPDATE $$;
-- Lock the guarded account a flow is about to split by what it holds; then read, decide, post. The books first, as above.
CREATE FUNCTION ledger.lock_account(p_institution integer, p_fund smallint, p_class text) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    SELECT pg_advisory_xact_lock_shared(p_institution, 0);
    SELECT FROM balance WHERE institution_id = p_institution AND fund_no = p_fund AND class = p_class::account_class
    FOR NO KEY UPDATE $$;
