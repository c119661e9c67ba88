-- Match the open lines of one account (money in whose owner is unknown, or that is on a contract by its reference) with the
-- announced payments that no line is matched with yet. Rule after rule as a set, each over what the rules before left
-- open; only what is unique on both sides. A line that a person has taken out of a match once waits for a person. One run
-- a call, none where nothing is found. Money is posted by the flow.
CREATE FUNCTION ledger.match_account(p_institution integer, p_fund smallint, p_run uuid, p_version text, p_at timestamptz,
                                     p_by text)
RETURNS TABLE (rule text, matches bigint, lines bigint, payments bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = ledger, pg_temp
SET work_mem = '64MB'
-- sets against sets: on tables nobody has analysed the planner walks one of them for every row of the other
SET enable_nestloop = off AS $$
DECLARE
    -- R5 pairs nobody where more lines or payments than this share account and amount: that is a provider, not a parent
    many CONSTANT integer := 50;
BEGIN
    PERFORM _lock_matching(p_institution);
    CREATE TEMP TABLE open_payment ON COMMIT DROP AS
    SELECT a.payment_id, a.contract_id, a.amount_fen - a.fee_fen AS net_fen, a.fee_fen, a.paid_on, a.match_key, a.batch_key,
           a.payer_account_index
    FROM announced_payment a
    WHERE a.institution_id = p_institution AND a.fund_no = p_fund
      AND NOT EXISTS (SELECT FROM match_now m WHERE m.institution_id = a.institution_id AND m.payment_id = a.payment_id);
    ANALYZE open_payment;
    CREATE TEMP TABLE open_line ON COMMIT DROP AS
    SELECT l.line_id, l.amount_fen, l.booked_on, l.bank_ref, l.match_key, l.payer_account_index, NULL::uuid AS contract_id
    FROM item_balance b JOIN statement_line l ON l.institution_id = b.institution_id AND l.line_id = b.item_id
    WHERE b.institution_id = p_institution AND b.fund_no = p_fund AND b.class = 'suspense' AND b.debit_fen <> b.credit_fen
      AND l.credit AND b.credit_fen - b.debit_fen = l.amount_fen
      AND NOT EXISTS (SELECT FROM match_part m WHERE m.institution_id = l.institution_id AND m.line_id = l.line_id)
    UNION ALL
    SELECT l.line_id, l.amount_fen, l.booked_on, l.bank_ref, l.match_key, l.payer_account_index, k.ref
    FROM statement_line l JOIN line_match k ON k.institution_id = l.institution_id AND k.line_id = l.line_id
    WHERE l.institution_id = p_institution AND l.fund_no = p_fund AND k.kind = 'deposit'
      AND l.match_key IN (SELECT p.match_key FROM open_payment p)
      AND NOT EXISTS (SELECT FROM match_part m WHERE m.institution_id = l.institution_id AND m.line_id = l.line_id);
    ANALYZE open_line;
    CREATE TEMP TABLE found (line_id uuid, payment_id uuid, match_id uuid, rule text, amount_fen bigint, fee_fen bigint)
        ON COMMIT DROP;

    -- R1: key and amount, once on both sides
    INSERT INTO found
    SELECT l.line_id, p.payment_id, gen_random_uuid(), 'R1', l.amount_fen, p.fee_fen
    FROM (SELECT o.*, count(*) OVER (PARTITION BY o.match_key, o.amount_fen) AS n FROM open_line o
          WHERE o.match_key IS NOT NULL) l
    JOIN (SELECT o.*, count(*) OVER (PARTITION BY o.match_key, o.net_fen) AS n FROM open_payment o
          WHERE o.match_key IS NOT NULL) p ON p.match_key = l.match_key AND p.net_fen = l.amount_fen
    WHERE l.n = 1 AND p.n = 1 AND (l.contract_id IS NULL OR l.contract_id = p.contract_id);
    PERFORM _match_left();

    -- R2: key and amount several times: in the order of the bank, as far as both sides go. Never where the payments are of
    -- more than one contract (brothers and sisters under one key): whose the lines are is not known then.
    INSERT INTO found
    SELECT l.line_id, p.payment_id, gen_random_uuid(), 'R2', l.amount_fen, p.fee_fen
    FROM (SELECT o.*, row_number() OVER (PARTITION BY o.match_key, o.amount_fen
                                         ORDER BY o.booked_on, o.bank_ref, o.line_id) AS place FROM left_line o
          WHERE o.match_key IS NOT NULL) l
    JOIN (SELECT o.*, row_number() OVER (PARTITION BY o.match_key, o.net_fen ORDER BY o.paid_on, o.payment_id) AS place
          FROM left_payment o WHERE o.match_key IS NOT NULL) p
      ON p.match_key = l.match_key AND p.net_fen = l.amount_fen AND p.place = l.place
    JOIN (SELECT o.match_key, o.net_fen FROM left_payment o WHERE o.match_key IS NOT NULL
          GROUP BY o.match_key, o.net_fen HAVING count(DISTINCT o.contract_id) = 1) one
      ON one.match_key = p.match_key AND one.net_fen = p.net_fen
    WHERE l.contract_id IS NULL OR l.contract_id = p.contract_id;
    PERFORM _match_left();

    -- R3: one payment in instalments: all lines of its key add up to it. A fee is counted with the first of them.
    INSERT INTO found
    SELECT l.line_id, s.payment_id, s.match_id, 'R3', l.amount_fen,
           CASE WHEN row_number() OVER (PARTITION BY s.payment_id ORDER BY l.booked_on, l.bank_ref, l.line_id) = 1
                THEN s.fee_fen ELSE 0 END
    FROM (SELECT p.match_key, p.payment_id, p.fee_fen, gen_random_uuid() AS match_id
          FROM left_payment p
          JOIN (SELECT o.match_key FROM left_payment o WHERE o.match_key IS NOT NULL GROUP BY o.match_key
                HAVING count(*) = 1) once ON once.match_key = p.match_key
          JOIN (SELECT o.match_key, sum(o.amount_fen) AS fen, count(*) AS n, count(o.contract_id) AS booked
                FROM left_line o WHERE o.match_key IS NOT NULL GROUP BY o.match_key) part ON part.match_key = p.match_key
          WHERE part.n > 1 AND part.fen = p.net_fen AND (part.booked = 0 OR NOT EXISTS (
              SELECT FROM left_line o WHERE o.match_key = p.match_key AND o.contract_id <> p.contract_id))
          OFFSET 0) s
    JOIN left_line l ON l.match_key = s.match_key;
    PERFORM _match_left();

    -- R4: a provider's settlement: one line for all payments of a batch, each less its fee
    INSERT INTO found
    SELECT s.line_id, p.payment_id, s.match_id, 'R4', p.net_fen, p.fee_fen
    FROM (SELECT l.line_id, batch.batch_key, gen_random_uuid() AS match_id
          FROM (SELECT o.batch_key, sum(o.net_fen) AS fen FROM left_payment o WHERE o.batch_key IS NOT NULL
                GROUP BY o.batch_key) batch
          JOIN (SELECT o.match_key FROM left_line o WHERE o.match_key IS NOT NULL GROUP BY o.match_key
                HAVING count(*) = 1) once ON once.match_key = batch.batch_key
          JOIN left_line l ON l.match_key = once.match_key AND l.amount_fen = batch.fen AND l.contract_id IS NULL
          OFFSET 0) s
    JOIN left_payment p ON p.batch_key = s.batch_key;
    PERFORM _match_left();

    -- R5: no key: amount and the payer's account, the bank one day before to three days after, once on both sides; never
    -- where the account was announced with this amount for another child as well
    INSERT INTO found
    SELECT c.line_id, c.payment_id, gen_random_uuid(), 'R5', c.amount_fen, c.fee_fen
    FROM (SELECT l.line_id, p.payment_id, l.amount_fen, p.fee_fen, p.contract_id, p.payer_account_index,
                 p.net_fen + p.fee_fen AS gross_fen,
                 count(*) OVER (PARTITION BY l.line_id) AS payments, count(*) OVER (PARTITION BY p.payment_id) AS lines
          FROM (SELECT o.*, count(*) OVER (PARTITION BY o.payer_account_index, o.amount_fen) AS n FROM left_line o
                WHERE o.match_key IS NULL AND o.payer_account_index IS NOT NULL) l
          JOIN (SELECT o.*, count(*) OVER (PARTITION BY o.payer_account_index, o.net_fen) AS n FROM left_payment o
                WHERE o.payer_account_index IS NOT NULL AND o.batch_key IS NULL) p
            ON p.payer_account_index = l.payer_account_index AND p.net_fen = l.amount_fen
           AND l.booked_on BETWEEN p.paid_on - 1 AND p.paid_on + 3
          WHERE l.n <= many AND p.n <= many) c
    WHERE c.payments = 1 AND c.lines = 1
      AND NOT EXISTS (SELECT FROM announced_payment a WHERE a.institution_id = p_institution AND a.fund_no = p_fund
                      AND a.payer_account_index = c.payer_account_index AND a.amount_fen = c.gross_fen
                      AND a.contract_id <> c.contract_id);

    IF EXISTS (SELECT FROM found) THEN
        INSERT INTO match_run VALUES (p_institution, p_run, p_fund, p_version, p_at, p_by);
        INSERT INTO match_part (institution_id, fund_no, line_id, payment_id, match_id, run_id, rule, amount_fen, fee_fen)
        SELECT p_institution, p_fund, f.line_id, f.payment_id, f.match_id, p_run, f.rule, f.amount_fen, f.fee_fen
        FROM found f ORDER BY f.line_id;
    END IF;
    RETURN QUERY
    SELECT f.rule, count(*), count(*), count(*) FROM found f WHERE f.rule IN ('R1', 'R2', 'R5') GROUP BY f.rule
    UNION ALL
    SELECT f.rule, count(DISTINCT f.match_id), count(DISTINCT f.line_id), count(DISTINCT f.payment_id)
    FROM found f WHERE f.rule IN ('R3', 'R4') GROUP BY f.rule ORDER BY 1;
    DROP TABLE open_payment, open_line, left_payment, left_line, found;
END $$;

-- What the rules so far left open, for the next one.
CREATE FUNCTION ledger._match_left() RETURNS void LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    IF to_regclass('pg_temp.left_line') IS NULL THEN
        CREATE TEMP TABLE left_line ON COMMIT DROP AS
        SELECT o.* FROM open_line o WHERE NOT EXISTS (SELECT FROM found f WHERE f.line_id = o.line_id);
        CREATE TEMP TABLE left_payment ON COMMIT DROP AS
        SELECT o.* FROM open_payment o WHERE NOT EXISTS (SELECT FROM found f WHERE f.payment_id = o.payment_id);
    ELSE
        DELETE FROM left_line o USING found f WHERE f.line_id = o.line_id;
        DELETE FROM left_payment o USING found f WHERE f.payment_id = o.payment_id;
    END IF;
    ANALYZE left_line;
    ANALYZE left_payment;
END $$;

-- One writer of an institution's matches at a time. Key space as books.contract.lock_signing; taken before the books' own locks.
CREATE FUNCTION ledger._lock_matching(p_institution integer) RETURNS void LANGUAGE sql SET search_path = ledger, pg_temp AS $$
    SELECT pg_advisory_xact_lock(p_institution, 99997);
$$;
