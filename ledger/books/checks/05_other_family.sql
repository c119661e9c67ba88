-- No family is paid with another family's money: what the institution must still bring in for a family is never more
-- than what that family is owed. found: how far it is broken.
SELECT b.institution_id, b.contract_id::text AS place, 0::bigint AS expected_fen,
       greatest(b.due_fen - b.claim_fen - b.refund_due_fen, 0) AS found_fen
FROM ledger.contract_balance b
