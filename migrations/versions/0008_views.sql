-- Views: how people and reports read the books. None of them writes.

-- Two rows per transfer, as accountants write them.
CREATE VIEW ledger.posting AS
SELECT e.institution_id, e.entry_id, t.ord, e.kind, e.effective_on, e.recorded_at, e.fund_no, s.class, t.contract_id,
       s.debit_fen, s.credit_fen, e.ref, e.actor
FROM ledger.journal_entry e
JOIN ledger.transfer t USING (institution_id, entry_id)
CROSS JOIN LATERAL (VALUES (t.debit_class, t.amount_fen::bigint, 0::bigint), (t.credit_class, 0, t.amount_fen))
    s (class, debit_fen, credit_fen);

-- The state of a lesson is its last step.
CREATE VIEW ledger.lesson_now AS
SELECT l.*, s.step, s.state, s.at AS state_at, s.actor AS state_actor, s.entry_id
FROM ledger.lesson l
JOIN LATERAL (SELECT x.* FROM ledger.lesson_step x
              WHERE x.institution_id = l.institution_id AND x.lesson_id = l.lesson_id
              ORDER BY x.step DESC LIMIT 1) s ON true;

CREATE VIEW ledger.refund_now AS
SELECT r.*, s.step, s.state, s.at AS state_at, s.actor AS state_actor, s.entry_id
FROM ledger.refund r
JOIN LATERAL (SELECT x.* FROM ledger.refund_step x
              WHERE x.institution_id = r.institution_id AND x.refund_id = r.refund_id
              ORDER BY x.step DESC LIMIT 1) s ON true;

-- An instruction and what became of it: in transit, booked by the bank, returned after booking, or rejected before.
CREATE VIEW ledger.instruction_now AS
SELECT i.*, b.kind AS batch_kind, b.message_id, b.created_at,
       CASE WHEN coalesce(x.debit_fen, 0) < i.amount_fen THEN 'in_transit'
            WHEN coalesce(k.debit_fen, 0) > 0 THEN 'returned'
            WHEN coalesce(k.credit_fen, 0) > 0 THEN 'booked' ELSE 'rejected' END AS state
FROM ledger.instruction i
JOIN ledger.payout_batch b USING (institution_id, batch_id)
LEFT JOIN ledger.item_balance x ON x.institution_id = i.institution_id AND x.item_id = i.instruction_id
                               AND x.class = 'in_transit'
LEFT JOIN ledger.item_balance k ON k.institution_id = i.institution_id AND k.item_id = i.instruction_id
                               AND k.class = 'bank';
