-- `custody due` confirms a month's lessons in sets: each begins after the last lesson of the set before
DROP INDEX ledger.lesson_answer_until;
CREATE INDEX lesson_answer_until ON ledger.lesson (institution_id, answer_until, lesson_id) WHERE answer_until IS NOT NULL;
