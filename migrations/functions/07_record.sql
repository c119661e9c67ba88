-- Keep one part of a statement file: bytes as they are, not as text. Only beside the file itself, in the transaction that
-- keeps it: a file kept before gets no more of them.
CREATE FUNCTION ledger.keep_file_part(p_file uuid, p_part integer, p_sealed bytea) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    INSERT INTO statement_file_part SELECT p_file, p_part, p_sealed FROM statement_file f
        WHERE f.file_id = p_file AND f.raw_sealed IS NULL AND f.xmin = pg_current_xact_id()::xid;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'NOT_ALLOWED: parts are kept with their file' USING ERRCODE = 'LG002';
    END IF;
END $$;

-- Insert JSON rows into one insert-only table of this file or 0006 (contracts have their own function). One call a set;
-- what all rows have in common comes once.
CREATE FUNCTION ledger.record(p_table text, p_rows jsonb, p_common jsonb) RETURNS integer
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE n integer;
BEGIN
    IF p_table NOT IN ('course', 'student', 'guardian', 'guardianship', 'contract_price', 'finding', 'lesson', 'lesson_step',
        'refund', 'refund_closed', 'refund_step', 'approval', 'reserve_order', 'payout_batch', 'instruction', 'payout_file',
        'statement_file', 'statement', 'statement_line', 'line_match', 'break', 'refund_cause', 'refund_date',
        'payout_placed', 'payout_report', 'instruction_step', 'refund_payee', 'refund_payee_cancelled', 'close_proposal',
        'certificate', 'lesson_decision', 'lesson_dispute', 'lesson_date', 'cash_receipt', 'statement_release',
        'institution_fact', 'announced_payment', 'match_run', 'match_part', 'match_undone', 'match_posted',
        'match_proposal', 'takeover', 'taken_over_payment', 'contract_move',
        'lesson_evidence', 'share_link', 'share_ended', 'notice', 'notice_sent',
        'institution_closed', 'closed_choice') THEN
        RAISE EXCEPTION 'NOT_ALLOWED: % is not a table of records', p_table USING ERRCODE = 'LG002';
    END IF;
    -- the limits of a match are asked of what is committed: one writer at a time (as ledger.match_account)
    IF p_table IN ('match_part', 'match_undone', 'match_posted') THEN
        PERFORM _lock_matching(coalesce(p_common ->> 'institution_id', p_rows -> 0 ->> 'institution_id')::integer);
    END IF;
    -- a refund that came back and was paid again keeps the day it was first closed on
    EXECUTE format('INSERT INTO ledger.%1$I SELECT * FROM jsonb_populate_recordset(
        jsonb_populate_record(NULL::ledger.%1$I, $2), $1) %2$s', p_table,
                   CASE WHEN p_table = 'refund_closed' THEN 'ON CONFLICT (institution_id, refund_id) DO NOTHING' END) USING p_rows, p_common;
    GET DIAGNOSTICS n = ROW_COUNT;
    RETURN n;
END $$;
