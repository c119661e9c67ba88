ALTER TABLE ledger.payout_batch DROP CONSTRAINT "a batch pays out, refunds or moves a reserve";
ALTER TABLE ledger.payout_batch ADD CONSTRAINT "a batch pays out, refunds, moves a reserve or sends back"
    CHECK (kind IN ('payout', 'refund', 'reserve', 'return'));
