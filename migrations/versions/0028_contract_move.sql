-- A contract lives in one account for life: in another one it goes on under a row of its own, its successor, which counts
-- from the day its money is booked there. ``first_id``: the contract the chain began with; its reference stays good.
CREATE TABLE ledger.contract_move (
    institution_id integer NOT NULL, successor_id uuid NOT NULL,
    contract_id uuid NOT NULL, first_id uuid NOT NULL, opened_at timestamptz NOT NULL, opened_by text NOT NULL,
    PRIMARY KEY (institution_id, successor_id),
    FOREIGN KEY (institution_id, successor_id) REFERENCES ledger.contract,
    FOREIGN KEY (institution_id, contract_id) REFERENCES ledger.contract,
    CONSTRAINT "a contract does not follow itself" CHECK (successor_id <> contract_id));
-- who asks about a contract asks whether it stands elsewhere; a family's reference leads to the last of its chain
CREATE INDEX contract_move_contract ON ledger.contract_move (institution_id, contract_id);
CREATE INDEX contract_move_first ON ledger.contract_move (institution_id, first_id);
-- the payment that takes a contract's money along
CREATE INDEX instruction_move ON ledger.instruction (institution_id, contract_id) WHERE source = 'claim';

-- and what booked it, should the bank give it back
CREATE INDEX line_match_move ON ledger.line_match (institution_id, ref) WHERE kind = 'contract_moved_out_booked';

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON ledger.contract_move
    FOR EACH STATEMENT EXECUTE FUNCTION ledger._refuse_change();
ALTER TABLE ledger.contract_move ENABLE ALWAYS TRIGGER append_only;

-- arrived: its money is booked in the other account. moving: on the way. waiting: the bank refused or returned it.
CREATE VIEW ledger.contract_move_now AS
SELECT m.*, CASE WHEN b.paid_fen > 0 THEN 'arrived'
                 WHEN EXISTS (SELECT FROM ledger.instruction i
                              JOIN ledger.instruction_now n USING (institution_id, instruction_id)
                              WHERE i.institution_id = m.institution_id AND i.contract_id = m.contract_id
                                AND i.source = 'claim' AND n.state IN ('in_transit', 'booked')) THEN 'moving'
                 ELSE 'waiting' END AS state
FROM ledger.contract_move m
JOIN ledger.contract_balance b ON b.institution_id = m.institution_id AND b.contract_id = m.successor_id;

ALTER TABLE ledger.payout_batch DROP CONSTRAINT "a batch pays out, refunds, moves a reserve or sends back";
ALTER TABLE ledger.payout_batch ADD CONSTRAINT "a batch pays out, refunds, moves money or sends back"
    CHECK (kind IN ('payout', 'refund', 'reserve', 'return', 'move'));
-- What was taught before is paid along with what comes: the release that follows takes it off again.
INSERT INTO ledger.posting_rule (kind, debit_class, credit_class, claim_counter, debit_item, credit_item) VALUES
    ('contract_moved_in', 'due', 'claim', 'paid', 'none', 'kept');
