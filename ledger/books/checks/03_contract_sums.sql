-- Each counter of each contract equals what its journal adds up to; claim = paid - released - refunded follows.
WITH moved AS (
    SELECT t.institution_id, t.contract_id, r.claim_counter, t.amount_fen, t.debit_class, t.credit_class
    FROM ledger.transfer t
    JOIN ledger.journal_entry e USING (institution_id, entry_id)
    LEFT JOIN ledger.journal_entry o ON o.institution_id = e.institution_id AND o.entry_id = e.reverses
    JOIN ledger.posting_rule r ON r.kind = coalesce(o.kind, e.kind)
     AND r.debit_class = CASE WHEN o.kind IS NULL THEN t.debit_class ELSE t.credit_class END
     AND r.credit_class = CASE WHEN o.kind IS NULL THEN t.credit_class ELSE t.debit_class END
    WHERE t.contract_id IS NOT NULL),
sums AS (
    SELECT institution_id, contract_id,
           sum(amount_fen * CASE WHEN credit_class = 'claim' THEN 1 ELSE -1 END) FILTER (WHERE claim_counter = 'paid') AS paid,
           sum(amount_fen * CASE WHEN debit_class = 'claim' THEN 1 ELSE -1 END)
               FILTER (WHERE claim_counter = 'released') AS released,
           sum(amount_fen * CASE WHEN debit_class = 'claim' THEN 1 ELSE -1 END)
               FILTER (WHERE claim_counter = 'refunded') AS refunded,
           sum(amount_fen * ((debit_class = 'due')::int - (credit_class = 'due')::int)) AS due,
           sum(amount_fen * ((credit_class = 'refund_due')::int - (debit_class = 'refund_due')::int)) AS refund_due
    FROM moved GROUP BY 1, 2),
said AS (
    SELECT institution_id, contract_id, sum(hours) AS hours,
           sum(CASE hold_action WHEN 'place' THEN hold_fen ELSE -hold_fen END) AS held
    FROM ledger.journal_entry WHERE contract_id IS NOT NULL GROUP BY 1, 2)
SELECT b.institution_id, b.contract_id || ' ' || x.counter AS place, coalesce(x.expected, 0) AS expected_fen, x.found AS found_fen
FROM ledger.contract_balance b
LEFT JOIN sums s USING (institution_id, contract_id)
LEFT JOIN said j USING (institution_id, contract_id)
CROSS JOIN LATERAL (VALUES ('paid', s.paid, b.paid_fen::bigint), ('released', s.released, b.released_fen),
    ('refunded', s.refunded, b.refunded_fen), ('due', s.due, b.due_fen), ('refund_due', s.refund_due, b.refund_due_fen),
    ('hours', j.hours, b.hours_released), ('held', j.held, b.held_fen)) x (counter, expected, found)
