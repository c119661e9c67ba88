"""Bank statements: a file counts once, a gap or a lie changes no balance, and unknown money waits for a person."""

from dataclasses import replace
from datetime import date

import pytest

from ledger.books import register
from ledger.errors import Result
from ledger.flows import statement
from ledger.terms.lesson import Verdict
from ledger.terms.statement import Verdict as StatementVerdict
from tests.flows.school import CUSTODY, PRICE_FEN, VAULT, School, account_of, credit, debit
from tests.flows.teaching import decided, taught
from tests.samples import camt053

ON = date(2026, 3, 3)


def codes(school: School) -> list[str]:
    return sorted(row.code for row in school.rows("finding"))


def test_a_file_counts_once(school: School) -> None:
    contract = school.signed()
    content = school.statement_bytes(CUSTODY, credit(PRICE_FEN, contract.payment_reference))
    assert school.take(content).verdict is StatementVerdict.ACCEPT
    before = (school.sums(), school.rows("statement_line"), school.rows("statement"))
    again = school.take(content)
    assert (again.verdict, again.lines, again.already, again.posted) == (StatementVerdict.IDEMPOTENT, 0, 1, 0)
    assert (school.sums(), school.rows("statement_line"), school.rows("statement")) == before
    assert school.balance(contract.contract_id).paid_fen == PRICE_FEN
    assert school.broken() == []


def test_money_of_unknown_origin_waits_in_suspense(school: School) -> None:
    imported = school.bank(CUSTODY, credit(88_00, "PP99999999"), on=ON)
    assert imported.posted == 1
    assert school.sums() == {"bank": 88_00, "suspense": 88_00}
    assert codes(school) == ["OWNER_UNKNOWN"]
    (match,) = school.rows("line_match")
    assert (match.rule, match.kind) == ("NONE", "deposit_to_suspense")
    assert school.broken() == []


def test_what_is_paid_over_the_price_waits_in_suspense(school: School) -> None:
    contract = school.signed()
    school.bank(CUSTODY, credit(PRICE_FEN + 50_00, contract.payment_reference), on=ON)
    assert school.sums() == {"bank": PRICE_FEN + 50_00, "claim": PRICE_FEN, "suspense": 50_00}
    assert codes(school) == ["PAYMENT_OVER_PRICE"]
    assert school.broken() == []


def test_two_payments_of_one_contract_in_one_file_count_each_other(school: School) -> None:
    contract = school.signed()
    half = [credit(2_500_00, contract.payment_reference) for _ in range(2)]
    school.bank(CUSTODY, *half, on=ON)
    assert school.balance(contract.contract_id).paid_fen == PRICE_FEN
    assert school.sums()["suspense"] == 1_000_00
    assert school.broken() == []


def test_a_debit_nobody_ordered_opens_a_break(school: School) -> None:
    school.paid()
    school.bank(CUSTODY, debit(70_00, "XX1"), on=ON)
    (opened,) = school.rows("break")
    assert (opened.kind, opened.amount_fen, opened.owner, opened.opened_on) == ("unordered_debit", 70_00, "bank", ON)
    assert opened.due_on == date(2026, 3, 10)  # five working days
    assert codes(school) == ["UNORDERED_DEBIT"]
    assert school.sums()["bank"] == PRICE_FEN - 70_00
    assert school.broken() == []


def test_lines_are_stored_and_posted_in_sets_as_if_they_were_one(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statement, "SET", 2)
    contract = school.signed()
    school.bank(CUSTODY, on=ON)
    part = credit(900_00, contract.payment_reference)
    lines = [part, *[replace(part, ref=f"{part.ref}{n}") for n in range(4)]]
    imported = school.bank(CUSTODY, *lines, on=ON)
    assert (imported.lines, imported.posted) == (5, 5)
    assert school.sums() == {"bank": 4_500_00, "claim": PRICE_FEN, "suspense": 500_00}
    matched = {row.line_id: row.entry_id for row in school.rows("line_match")}
    ordered = sorted(school.rows("statement_line"), key=lambda row: row.ord)
    assert [row.line_id for row in ordered] == sorted(matched)
    assert [matched[row.line_id] for row in ordered] == sorted(matched.values())
    assert school.broken() == []


def test_an_account_of_nobody_is_rejected_and_kept(school: School) -> None:
    content = camt053(account=account_of(school.number, 99), opening_fen=0, lines=[credit(1_00, "PP1")], on=ON)
    imported = school.take(content)
    assert imported.verdict is StatementVerdict.REJECT
    assert imported.fault is not None
    assert imported.fault.code == "UNKNOWN_ACCOUNT"
    assert school.rows("statement") == []


def test_a_statement_that_does_not_follow_the_last_moves_no_money(school: School) -> None:
    contract = school.signed()
    school.bank(CUSTODY, credit(1_000_00, contract.payment_reference), on=ON)
    sequence, opening_fen = school.statements[CUSTODY]
    school.statements[CUSTODY] = (sequence + 1, opening_fen + 500_00)  # one statement is missing
    imported = school.bank(CUSTODY, credit(1_00, contract.payment_reference), on=ON)
    assert imported.verdict is StatementVerdict.HOLD
    assert imported.posted == 0
    assert school.balance(contract.contract_id).paid_fen == 1_000_00
    assert school.sums() == {"bank": 1_000_00, "claim": 1_000_00}


def test_a_line_the_bank_sends_again_in_another_statement_is_held(school: School) -> None:
    contract = school.signed()
    line = credit(1_000_00, contract.payment_reference)
    school.bank(CUSTODY, line, on=ON)
    imported = school.bank(CUSTODY, line, on=date(2026, 3, 4))
    assert imported.verdict is StatementVerdict.HOLD
    assert imported.fault is not None
    assert imported.fault.code == "DUPLICATE_ENTRY_REF"
    assert school.balance(contract.contract_id).paid_fen == 1_000_00


def test_a_payer_cannot_be_read_in_the_tables(school: School) -> None:
    contract = school.signed()
    line = replace(credit(PRICE_FEN, contract.payment_reference), name="龘思源", account="6217000055556666777")
    school.bank(CUSTODY, line, on=ON)
    (row,) = school.rows("statement_line")
    stored = b"".join(bytes(value) for value in row if isinstance(value, (bytes, memoryview)))
    assert row.payer_account_index is not None
    for secret in (line.name, line.account, line.memo):
        assert secret.encode() not in stored


def test_what_a_lender_pays_waits_in_suspense(school: School) -> None:
    contract = school.signed()
    loan = replace(credit(PRICE_FEN, contract.payment_reference), name="某某消费金融有限公司")
    school.bank(CUSTODY, loan, on=ON)
    assert school.sums() == {"bank": PRICE_FEN, "suspense": PRICE_FEN}
    assert codes(school) == ["LOAN_FUNDED"]
    assert school.broken() == []


def test_a_contract_over_a_limit_when_its_money_comes_takes_none(school: School) -> None:
    first = school.paid(price_fen=3_000_00, hours_bought=20_00)
    ids = taught(school, first, 10, hours="2")
    following = school.contract(first.student_id, price_fen=3_000_00, hours_bought=20_00)
    assert school.sign(following)[0].result is Result.DONE  # all of the first is taught
    decided(school, Verdict.REVERSED, *ids)  # it was not
    school.bank(CUSTODY, credit(3_000_00, following.payment_reference), on=ON)
    assert (school.balance(following.contract_id).paid_fen, school.sums()["suspense"]) == (0, 3_000_00)
    assert codes(school) == ["PREPAYMENT_OVER_AMOUNT"]
    school.bank(CUSTODY, credit(3_000_00, first.payment_reference), on=ON)
    assert codes(school) == ["PAYMENT_OVER_PRICE", "PREPAYMENT_OVER_AMOUNT"]  # the earlier one is not to blame
    assert school.broken() == []


def test_the_limits_of_the_day_of_signing_count_when_the_money_comes(school: School) -> None:
    contract = school.signed()
    school.rules = {"prepayment.non_academic_amount_max": 1_000_00}
    school.bank(CUSTODY, credit(PRICE_FEN, contract.payment_reference), on=ON)
    assert (school.balance(contract.contract_id).paid_fen, codes(school)) == (PRICE_FEN, [])


def test_a_lender_in_a_held_statement_is_known_when_it_is_released(school: School) -> None:
    contract = school.signed()
    school.bank(CUSTODY, on=ON)
    sequence, opening_fen = school.statements[CUSTODY]
    school.statements[CUSTODY] = (sequence + 1, opening_fen)  # one statement is missing
    loan = replace(credit(PRICE_FEN, contract.payment_reference), name="某某消费金融有限公司")
    imported = school.bank(CUSTODY, loan, on=ON)
    assert (imported.verdict, school.sums()) == (StatementVerdict.HOLD, {})
    (held,) = imported.statements
    with school.engine.begin() as conn:
        (fund,) = register.funds_by_account(conn, [held.account]).values()
        outcome = statement.release(
            conn, VAULT, fund, held.identity, "asked the bank", school.calendar, "clerk:li", school.tick()
        )
    assert outcome.result is Result.DONE
    assert school.sums() == {"bank": PRICE_FEN, "suspense": PRICE_FEN}
    assert codes(school) == ["LOAN_FUNDED"]
    assert school.broken() == []
