-- The items of a block, for a proof, a statement page and "known at a block". The BRIN index of 0009 was passed over by the
-- planner on tables it had not analysed, and every sealed item was read instead; a b-tree costs 8 bytes an entry.
DROP INDEX ledger.block_item_of_block;
CREATE INDEX block_item_of_block ON ledger.block_item (institution_id, block_no);
