-- Coming in by phone and code. Every instant is the caller's.

-- Take a token out of a bucket that holds p_size and gets one more every p_refill. Null: taken; else when there is one.
CREATE FUNCTION ledger.take_token(p_bucket bytea, p_size integer, p_refill interval, p_now timestamptz) RETURNS timestamptz
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE again timestamptz;
BEGIN
    INSERT INTO token_bucket AS b VALUES (p_bucket, p_now + p_refill)
    ON CONFLICT (bucket) DO UPDATE SET full_at = greatest(b.full_at, p_now) + p_refill
        WHERE greatest(b.full_at, p_now) + p_refill <= p_now + p_size * p_refill;
    IF FOUND THEN RETURN NULL; END IF;
    SELECT full_at - (p_size - 1) * p_refill INTO again FROM token_bucket WHERE bucket = p_bucket;
    RETURN coalesce(again, p_now);                 -- forgotten by another in between: at once
END $$;

-- The code a phone may come in with; the one before it counts no more.
CREATE FUNCTION ledger.keep_login_code(p_phone bytea, p_code bytea, p_tries smallint, p_ends_at timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    INSERT INTO login_code VALUES (p_phone, p_code, p_tries, p_ends_at)
    ON CONFLICT (phone_index) DO UPDATE SET code_index = p_code, tries_left = p_tries, ends_at = p_ends_at;
$$;

-- Try a code: 'right' (used up), 'wrong' with the tries that are left, 'over' (none that counts). A wrong try is counted
-- whoever made it; the row's lock makes two tries at once two tries.
CREATE FUNCTION ledger.try_login_code(p_phone bytea, p_code bytea, p_now timestamptz, OUT answer text, OUT tries_left smallint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
DECLARE same boolean;
BEGIN
    UPDATE login_code c SET tries_left = c.tries_left - 1
    WHERE c.phone_index = p_phone AND c.ends_at > p_now AND c.tries_left > 0
    RETURNING c.code_index = p_code, c.tries_left INTO same, tries_left;
    answer := CASE WHEN NOT FOUND THEN 'over' WHEN same THEN 'right' ELSE 'wrong' END;
    IF same THEN DELETE FROM login_code c WHERE c.phone_index = p_phone; END IF;
END $$;

CREATE FUNCTION ledger.begin_session(p_session bytea, p_guardian uuid, p_now timestamptz) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    INSERT INTO login_session VALUES (p_session, p_guardian, p_now, p_now);
$$;

-- Who a session is of, and since when; nobody once it was idle for p_idle or is p_whole old. Being seen is written down
-- once a minute at most, so that reading pages is mostly reading.
CREATE FUNCTION ledger.see_session(p_session bytea, p_now timestamptz, p_idle interval, p_whole interval)
RETURNS TABLE (guardian_id uuid, begun_at timestamptz)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
BEGIN
    UPDATE login_session s SET seen_at = p_now WHERE s.session_digest = p_session
        AND s.seen_at <= p_now - interval '1 minute' AND s.seen_at > p_now - p_idle AND s.begun_at > p_now - p_whole;
    RETURN QUERY SELECT s.guardian_id, s.begun_at FROM login_session s WHERE s.session_digest = p_session
        AND s.seen_at > p_now - p_idle AND s.begun_at > p_now - p_whole;
END $$;

CREATE FUNCTION ledger.end_session(p_session bytea) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    DELETE FROM login_session WHERE session_digest = p_session;
$$;

-- Throw away what counts no more, a little at a time; rows somebody else is at are left for the next.
CREATE FUNCTION ledger.forget_logins(p_now timestamptz, p_whole interval) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = ledger, pg_temp AS $$
    DELETE FROM login_code WHERE phone_index IN (SELECT phone_index FROM login_code WHERE ends_at <= p_now
        ORDER BY ends_at LIMIT 100 FOR UPDATE SKIP LOCKED);
    DELETE FROM login_session WHERE session_digest IN (SELECT session_digest FROM login_session
        WHERE begun_at <= p_now - p_whole ORDER BY begun_at LIMIT 100 FOR UPDATE SKIP LOCKED);
    DELETE FROM token_bucket WHERE bucket IN (SELECT bucket FROM token_bucket WHERE full_at <= p_now
        ORDER BY full_at LIMIT 1000 FOR UPDATE SKIP LOCKED);
$$;
