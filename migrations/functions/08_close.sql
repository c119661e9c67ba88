-- Close a fund through a day: nothing posted later may lie on it or before. The exclusive lock waits for every posting at
-- work in the institution's books (they hold it shared) and keeps new ones out until this transaction ends; what they
-- committed is sealed into the block the step names. Answers the number of that block; null where the fund is closed
-- through that day already.
CREATE FUNCTION ledger.close_day(p_institution integer, p_fund smallint, p_through date, p_at timestamptz, p_by text,
                                 p_certificate bytea DEFAULT NULL, p_approved_by text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE block_no bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(p_institution, 0);
    UPDATE close c SET closed_through = p_through
    WHERE c.institution_id = p_institution AND c.fund_no = p_fund AND c.closed_through < p_through;
    IF NOT FOUND THEN RETURN NULL; END IF;
    block_no := seal(p_institution, p_at);
    PERFORM _close_step(p_institution, p_fund, 'close', p_through, block_no, p_certificate, p_by, p_approved_by, p_at);
    RETURN block_no;
END $$;

-- Open days again, with two people: the days after p_through. Null where they are open.
CREATE FUNCTION ledger.reopen_day(p_institution integer, p_fund smallint, p_through date, p_at timestamptz, p_by text,
                                  p_approved_by text, p_certificate bytea DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE block_no bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(p_institution, 0);
    UPDATE close c SET closed_through = p_through
    WHERE c.institution_id = p_institution AND c.fund_no = p_fund AND c.closed_through > p_through;
    IF NOT FOUND THEN RETURN NULL; END IF;
    block_no := seal(p_institution, p_at);
    PERFORM _close_step(p_institution, p_fund, 'reopen', p_through, block_no, p_certificate, p_by, p_approved_by, p_at);
    RETURN block_no;
END $$;

CREATE FUNCTION ledger._close_step(p_institution integer, p_fund smallint, p_action text, p_through date, p_block bigint,
                                   p_certificate bytea, p_by text, p_approved_by text, p_at timestamptz) RETURNS void
LANGUAGE sql AS $$
    INSERT INTO close_step (institution_id, fund_no, step, action, closed_through, block_no, certificate, by, approved_by, at)
    SELECT p_institution, p_fund, coalesce(max(s.step), 0) + 1, p_action, p_through, p_block, p_certificate, p_by,
           p_approved_by, p_at
    FROM close_step s WHERE s.institution_id = p_institution AND s.fund_no = p_fund $$;
