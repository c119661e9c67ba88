-- Who may do what. Five roles a database; {ledger} owns everything and cannot log in, the others log in and own nothing.
-- Written from nothing by every run of `custody migrate`, after versions and functions. Functions whose name begins with
-- "_" are the ledger's own: nobody may call them. Tables are written by functions alone: no login may INSERT anywhere.
REVOKE ALL ON SCHEMA ledger FROM PUBLIC, {app}, {sealer}, {reader}, {backup};
REVOKE ALL ON ALL TABLES IN SCHEMA ledger FROM PUBLIC, {app}, {sealer}, {reader}, {backup};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA ledger FROM PUBLIC, {app}, {sealer}, {reader}, {backup};
REVOKE ALL ON ALL ROUTINES IN SCHEMA ledger FROM PUBLIC, {app}, {sealer}, {reader}, {backup};
GRANT USAGE ON SCHEMA ledger TO {app}, {sealer}, {reader}, {backup};

-- {app}: commands and pages. Reads everything; writes through the functions: registers, posting, closing. It may seal and
-- keep signatures too: an answer that comes later is sealed by whoever asked.
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO {app};
GRANT EXECUTE ON FUNCTION ledger.register_institution, ledger.open_fund, ledger.open_contracts, ledger.record, ledger.keep_file_part,
    ledger.lock_contracts, ledger.lock_account, ledger.post, ledger.close_day, ledger.reopen_day, ledger.match_account TO {app};
-- Coming in is the pages' own.
GRANT EXECUTE ON FUNCTION ledger.take_token, ledger.keep_login_code, ledger.try_login_code, ledger.begin_session,
    ledger.see_session, ledger.end_session, ledger.forget_logins TO {app};

-- {sealer}: `custody seal` on its own. Seals, signs, and sees no family.
GRANT SELECT ON ledger.institution, ledger.seal_state, ledger.block, ledger.checkpoint, ledger.signing_key,
    ledger.alembic_version TO {sealer};
GRANT EXECUTE ON FUNCTION ledger.seal, ledger.keep_checkpoint, ledger.keep_signing_key TO {app}, {sealer};

-- {reader}: reports, trial balance, verifying. The money tables, and of the registers what names nobody.
GRANT SELECT ON ledger.class_rule, ledger.posting_rule, ledger.fund, ledger.close, ledger.close_step, ledger.certificate,
    ledger.close_proposal, ledger.balance,
    ledger.contract_balance, ledger.item_balance, ledger.hold, ledger.request, ledger.refusal, ledger.journal_entry,
    ledger.transfer, ledger.reversal, ledger.inbox, ledger.unfolded, ledger.seal_state, ledger.block, ledger.block_item,
    ledger.block_sum, ledger.bucket,
    ledger.checkpoint, ledger.signing_key, ledger.posting, ledger.contract, ledger.course, ledger.alembic_version TO {reader};
GRANT SELECT (institution_id, code, name, place, zone, category, mode, office_name, office_phone, registered_at)
    ON ledger.institution TO {reader};
GRANT EXECUTE ON FUNCTION ledger.balances, ledger.class_balances, ledger.balance_as_of, ledger.account_statement,
    ledger.sealed_leaves, ledger.waiting_changed, ledger.blocks_again,
    ledger.leaf_content, ledger.block_leaves TO {app}, {reader};

-- {backup}: pg_dump. Reads every table, calls nothing.
GRANT SELECT ON ALL TABLES IN SCHEMA ledger TO {backup};
GRANT SELECT ON ALL SEQUENCES IN SCHEMA ledger TO {backup};
