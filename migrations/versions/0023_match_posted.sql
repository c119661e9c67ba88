CREATE TABLE ledger.match_posted (                 -- what became of a part in the books; a code where they took less or nothing
    institution_id integer NOT NULL, line_id uuid NOT NULL, payment_id uuid NOT NULL, match_id uuid NOT NULL,
    entry_id uuid, release_id uuid,                -- the assignment; the hours that it released in the same breath
    code text NOT NULL, posted_at timestamptz NOT NULL,
    PRIMARY KEY (institution_id, line_id, payment_id, match_id),
    FOREIGN KEY (institution_id, line_id, payment_id, match_id) REFERENCES ledger.match_part,
    CONSTRAINT "a part is posted or says why not" CHECK (entry_id IS NOT NULL OR code <> ''),
    CONSTRAINT "hours are released after money is assigned" CHECK (release_id IS NULL OR entry_id IS NOT NULL));
CREATE TABLE ledger.match_proposal (               -- one person proposes; ledger.approval (subject 'match') has the second
    institution_id integer NOT NULL, proposal_id uuid NOT NULL,
    fund_no smallint NOT NULL, undoes uuid,        -- the match to undo; null: a match of these parts
    parts jsonb NOT NULL, reason text NOT NULL CONSTRAINT "a person matches for a reason" CHECK (reason <> ''),
    proposed_at timestamptz NOT NULL, proposed_by text NOT NULL,
    PRIMARY KEY (institution_id, proposal_id),
    FOREIGN KEY (institution_id, fund_no) REFERENCES ledger.fund,
    CONSTRAINT "a proposal matches or undoes" CHECK ((undoes IS NULL) = (jsonb_array_length(parts) > 0)));

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['match_posted', 'match_proposal'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;

-- Undone is a match that is there, once what it posted is reversed: no money stays where its reason has gone.
CREATE FUNCTION ledger._match_undone_fits() RETURNS trigger LANGUAGE plpgsql SET search_path = ledger, pg_temp AS $$
BEGIN
    IF EXISTS (SELECT FROM added n WHERE NOT EXISTS (
                   SELECT FROM match_part p WHERE p.institution_id = n.institution_id AND p.match_id = n.match_id)) THEN
        RAISE EXCEPTION 'a match that is undone is there' USING ERRCODE = 'LG003';
    END IF;
    IF EXISTS (SELECT FROM added n JOIN match_part p USING (institution_id, match_id)
               JOIN match_posted d USING (institution_id, line_id, payment_id, match_id)
               CROSS JOIN LATERAL (VALUES (d.entry_id), (d.release_id)) e (id)
               WHERE e.id IS NOT NULL AND NOT EXISTS (
                   SELECT FROM reversal r WHERE r.institution_id = n.institution_id AND r.entry_id = e.id)) THEN
        RAISE EXCEPTION 'a match is undone once what it posted is reversed' USING ERRCODE = 'LG003';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER match_undone_fits AFTER INSERT ON ledger.match_undone REFERENCING NEW TABLE AS added
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._match_undone_fits();
ALTER TABLE ledger.match_undone ENABLE ALWAYS TRIGGER match_undone_fits;

-- What a provider kept of an assigned payment is due from the institution: the family has paid the whole.
INSERT INTO ledger.posting_rule (kind, debit_class, credit_class, claim_counter, debit_item, credit_item) VALUES
    ('suspense_assigned', 'due', 'claim', 'paid', 'none', 'kept');
