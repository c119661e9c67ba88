-- The allow-list of 4-accounting ("Events"): which business kind may debit and credit which classes, and which counter
-- of the contract moves when a side is claim. The posting function refuses every other pair. 'reserve' leaves only to
-- 'in_transit', with the order of the competent department as its item. A kind without a row may move hours or a hold only.
-- The last two columns say whether a side names an item: 'kept' (item_balance keeps its sides), 'named' or 'none'. A booked
-- payment keeps its instruction on the bank side, so that the bank can return it at most once.
INSERT INTO ledger.posting_rule (kind, debit_class, credit_class, claim_counter, debit_item, credit_item) VALUES
    -- deposits
    ('deposit', 'bank', 'claim', 'paid', 'none', 'kept'),
    ('deposit', 'bank', 'suspense', NULL, 'none', 'kept'),
    ('provider_deposit', 'bank', 'claim', 'paid', 'none', 'kept'),
    ('provider_deposit', 'due', 'claim', 'paid', 'none', 'kept'),
    ('provider_deposit', 'bank', 'suspense', NULL, 'none', 'kept'),
    ('deposit_to_suspense', 'bank', 'suspense', NULL, 'none', 'kept'),
    ('suspense_assigned', 'suspense', 'claim', 'paid', 'kept', 'kept'),
    ('suspense_assigned', 'suspense', 'due', NULL, 'kept', 'none'),
    ('suspense_assigned', 'suspense', 'reserve', NULL, 'kept', 'none'),
    ('suspense_sent_back', 'suspense', 'in_transit', NULL, 'kept', 'kept'),
    ('suspense_return_booked', 'in_transit', 'bank', NULL, 'kept', 'kept'),
    ('suspense_return_rejected', 'in_transit', 'suspense', NULL, 'kept', 'kept'),
    ('suspense_returned', 'bank', 'suspense', NULL, 'kept', 'kept'),
    ('prepaid_to_institution', 'due', 'claim', 'paid', 'none', 'kept'),
    ('deposit_taken_back', 'claim', 'bank', 'paid', 'kept', 'none'),
    ('deposit_taken_back', 'difference', 'bank', NULL, 'kept', 'none'),
    ('deposit_moved', 'claim', 'suspense', 'paid', 'kept', 'kept'),
    ('deposit_moved', 'suspense', 'claim', 'paid', 'kept', 'kept'),
    ('deposit_moved', 'payable', 'claim', 'paid', 'none', 'kept'),
    ('deposit_moved', 'due', 'claim', 'paid', 'none', 'kept'),
    -- teaching
    ('hours_released', 'claim', 'due', 'released', 'none', 'none'),
    ('hours_released', 'claim', 'payable', 'released', 'none', 'none'),
    ('released_ahead', 'due', 'payable', NULL, 'none', 'none'),
    ('unreleased', 'payable', 'claim', 'released', 'none', 'none'),
    ('unreleased', 'due', 'claim', 'released', 'none', 'none'),
    -- hold_placed moves no money: hours or a hold only
    -- hold_ended moves no money: hours or a hold only
    -- refunds
    ('refund_approved', 'payable', 'claim', 'released', 'none', 'none'),
    ('refund_approved', 'due', 'claim', 'released', 'none', 'none'),
    ('refund_approved', 'claim', 'refund_due', 'refunded', 'kept', 'none'),
    ('compensation_due', 'interest', 'refund_due', NULL, 'none', 'none'),
    ('compensation_due', 'payable', 'refund_due', NULL, 'none', 'none'),
    ('compensation_due', 'due', 'refund_due', NULL, 'none', 'none'),
    ('remainder_left', 'claim', 'due', 'released', 'none', 'none'),
    ('remainder_left', 'claim', 'payable', 'released', 'none', 'none'),
    ('refund_instructed', 'refund_due', 'in_transit', NULL, 'none', 'kept'),
    ('refund_booked', 'in_transit', 'bank', NULL, 'kept', 'kept'),
    ('refund_rejected', 'in_transit', 'refund_due', NULL, 'kept', 'none'),
    ('refund_returned', 'bank', 'refund_due', NULL, 'kept', 'none'),
    ('refund_proved', 'refund_due', 'due', NULL, 'none', 'none'),
    ('refund_unproved', 'due', 'refund_due', NULL, 'none', 'none'),
    ('overcharge_returned', 'payable', 'claim', 'released', 'none', 'none'),
    ('overcharge_returned', 'due', 'claim', 'released', 'none', 'none'),
    ('overcharge_returned', 'claim', 'refund_due', 'refunded', 'kept', 'none'),
    -- the institution
    ('paid_in', 'bank', 'due', NULL, 'none', 'none'),
    ('paid_in', 'bank', 'suspense', NULL, 'none', 'kept'),
    ('set_off', 'payable', 'due', NULL, 'none', 'none'),
    ('payout_instructed', 'payable', 'in_transit', NULL, 'none', 'kept'),
    ('payout_booked', 'in_transit', 'bank', NULL, 'kept', 'kept'),
    ('payout_rejected', 'in_transit', 'payable', NULL, 'kept', 'none'),
    ('payout_returned', 'bank', 'payable', NULL, 'kept', 'none'),
    -- reserve and interest
    ('reserve_topped_up', 'bank', 'reserve', NULL, 'none', 'none'),
    ('reserve_drawn', 'reserve', 'in_transit', NULL, 'named', 'kept'),
    ('reserve_draw_booked', 'in_transit', 'bank', NULL, 'kept', 'kept'),
    ('reserve_draw_rejected', 'in_transit', 'reserve', NULL, 'kept', 'none'),
    ('reserve_released', 'reserve', 'in_transit', NULL, 'named', 'kept'),
    ('reserve_release_booked', 'in_transit', 'bank', NULL, 'kept', 'kept'),
    ('interest_booked', 'bank', 'interest', NULL, 'none', 'none'),
    ('interest_paid_over', 'interest', 'payable', NULL, 'none', 'none'),
    -- contracts that move, books taken over, bank differences
    ('contract_moved_out', 'claim', 'in_transit', 'refunded', 'kept', 'kept'),
    ('contract_moved_out_booked', 'in_transit', 'bank', NULL, 'kept', 'kept'),
    ('contract_moved_in', 'bank', 'claim', 'paid', 'none', 'kept'),
    ('taken_over', 'bank', 'claim', 'paid', 'none', 'kept'),
    ('taken_over', 'bank', 'payable', NULL, 'none', 'none'),
    ('taken_over', 'due', 'claim', 'paid', 'none', 'kept'),
    ('unordered_debit', 'difference', 'bank', NULL, 'kept', 'none'),
    ('difference_made_good', 'bank', 'difference', NULL, 'none', 'kept');
