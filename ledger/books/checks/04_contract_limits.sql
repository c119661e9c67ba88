-- Per contract: released + refunded + held <= paid <= price, hours within those bought and gifted, nothing below zero.
-- expected: the limit that is nearest to being broken, 0; found: how far it is broken (0 when it holds).
SELECT b.institution_id, b.contract_id::text AS place, 0::bigint AS expected_fen,
       greatest(b.released_fen + b.refunded_fen + b.held_fen - b.paid_fen, b.paid_fen - b.price_fen,
                (b.hours_released - b.hours_total)::bigint, -b.paid_fen, -b.released_fen, -b.refunded_fen, -b.held_fen,
                -b.due_fen, -b.refund_due_fen, -b.hours_released::bigint, 0) AS found_fen
FROM ledger.contract_balance b
