CREATE TABLE ledger.institution_closed (           -- one person enters the order; ledger.approval (subject 'closed') has the second
    institution_id integer NOT NULL REFERENCES ledger.institution, closed_id uuid NOT NULL,
    closed_on date NOT NULL, office text NOT NULL, document_no text NOT NULL,
    choose_by date NOT NULL, news_on date NOT NULL, -- until when families say what they want; when they hear more
    entered_at timestamptz NOT NULL, entered_by text NOT NULL,
    PRIMARY KEY (institution_id, closed_id),
    CONSTRAINT "a document closes once" UNIQUE (institution_id, document_no),
    CONSTRAINT "families choose after it closed" CHECK (choose_by >= closed_on AND news_on >= closed_on));
CREATE TABLE ledger.closed_choice (                -- a family would rather go on elsewhere; the last row counts
    institution_id integer NOT NULL, contract_id uuid NOT NULL,
    nth integer NOT NULL CONSTRAINT "a contract's choices count from one" CHECK (nth > 0), chosen_at timestamptz NOT NULL,
    choice text NOT NULL CONSTRAINT "a family chooses a refund or another school" CHECK (choice IN ('refund', 'transfer')),
    chosen_by text NOT NULL,
    PRIMARY KEY (institution_id, contract_id, nth),
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract);

DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['institution_closed', 'closed_choice'] LOOP
        EXECUTE format('CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.%I
                        FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change()', t);
        EXECUTE format('ALTER TABLE ledger.%I ENABLE ALWAYS TRIGGER append_only', t);
    END LOOP;
END $$;
