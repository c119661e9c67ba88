"""Lines become payments of their contracts: by the rules, or by two people; and come apart again by two people."""

from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from ledger.books import close as closes
from ledger.books import journal, register
from ledger.books import match as matches
from ledger.errors import Outcome, Result
from ledger.flows import announced_payment, match
from ledger.rules import posting_payment
from ledger.terms.announced_payment import AnnouncedPayment
from ledger.terms.contract import Contract
from ledger.terms.institution import Fund, Payee
from ledger.terms.journal import AccountClass, Entry
from ledger.terms.match import RuleFound
from ledger.terms.match_proposal import PartAsked
from ledger.terms.match_suggestion import Suggestion
from tests.flows.school import CUSTODY, PRICE_FEN, VAULT, School, account_of, credit
from tests.samples import SampleLine

ON = date(2026, 3, 3)
LATER = datetime(2026, 3, 4, 4, tzinfo=UTC)
PARENT = "6217000055556666777"


def fund(school: School) -> Fund:
    with school.engine.connect() as conn:
        return register.read_funds(conn, school.number)[CUSTODY]


def announced(school: School, contract: Contract, number: str, fen: int, **more: Any) -> None:
    """A payment of ``contract`` that somebody announces."""
    no_text = dict.fromkeys(("reference", "batch", "payer_name", "payer_account", "payer_bank"), "")
    said: dict[str, Any] = {"fee_fen": 0, **no_text, **more}
    row = AnnouncedPayment(
        line=2, payment_no=number, contract_no=contract.contract_no, amount_fen=fen, paid_on=ON, **said
    )
    with school.engine.begin() as conn:
        (outcome,) = announced_payment.announce(conn, VAULT, school.number, [row], "school:zhao", school.at(LATER))
    assert outcome.result is Result.DONE, outcome


def without_reference(fen: int, account: str = PARENT, name: str = "欧阳家长") -> SampleLine:
    return replace(credit(fen, ""), end_to_end_id="", memo="学费", account=account, name=name)


def ran(school: School) -> list[RuleFound]:
    with school.engine.begin() as conn:
        found, _ = match.run(conn, fund(school), "clerk:li", school.tick())
    return found


def posted(school: School) -> match.Posted:
    with school.engine.begin() as conn:
        return match.post(conn, VAULT, fund(school), school.calendar, "clerk:li", school.tick())


def suggested(school: School) -> list[Suggestion]:
    with school.engine.begin() as conn:
        return match.suggest(conn, VAULT, fund(school))[0]


def open_line(school: School) -> UUID:
    with school.engine.begin() as conn:
        (line,) = matches.open_lines(conn, VAULT, school.number, CUSTODY)
    return line.line_id


def proposed(school: School, *parts: PartAsked, by: str = "clerk:li") -> Outcome:
    with school.engine.begin() as conn:
        return match.propose(conn, VAULT, fund(school), parts, "the parent called", by, school.tick())


def undoing(school: School, match_id: UUID, by: str = "clerk:li") -> Outcome:
    with school.engine.begin() as conn:
        return match.propose_undo(conn, fund(school), match_id, "the wrong child", by, school.tick())


def approved(school: School, proposal: Outcome, by: str = "clerk:wang") -> Outcome:
    assert proposal.entry_id is not None
    school.seal()
    with school.engine.begin() as conn:
        return match.approve(conn, VAULT, fund(school), proposal.entry_id, school.calendar, by, school.tick())


def codes(school: School) -> list[str]:
    return sorted(row.code for row in school.rows("finding"))


def test_a_matched_line_becomes_a_payment_of_its_contract(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", PRICE_FEN, payer_account=PARENT)
    school.bank(CUSTODY, without_reference(PRICE_FEN), on=ON)
    assert school.sums() == {"bank": PRICE_FEN, "suspense": PRICE_FEN}
    assert ran(school) == [RuleFound("R5", 1, 1, 1)]
    assert school.balance(contract.contract_id).paid_fen == 0  # a match says what the line is; posting follows
    assert posted(school) == match.Posted(1, {}, None)
    assert school.sums() == {"bank": PRICE_FEN, "claim": PRICE_FEN}
    (payment,) = school.rows("announced_payment")
    with school.engine.connect() as conn:
        ((paid,),) = register.read_payments(conn, school.number, [contract.contract_id]).values()
    assert (paid.payment_id, paid.left_fen) == (payment.payment_id, PRICE_FEN)
    (entry,) = [one for one in school.rows("journal_entry") if one.kind == "suspense_assigned"]
    assert (entry.effective_on, entry.actor, entry.ref) == (ON, "clerk:li", payment.payment_id)
    assert school.broken() == []
    assert (ran(school), posted(school)) == ([], match.Posted(0, {}, None))
    assert school.balance(contract.contract_id).paid_fen == PRICE_FEN


def test_a_settlement_pays_every_contract_whole_and_the_fee_is_due(school: School) -> None:
    one, two = school.signed(), school.signed()
    announced(school, one, "OR1", 1_000_00, fee_fen=6_00, batch="WX20260303")
    announced(school, two, "OR2", 500_00, fee_fen=3_00, batch="WX20260303")
    school.bank(CUSTODY, credit(1_491_00, "WX20260303"), on=ON)
    assert ran(school) == [RuleFound("R4", 1, 1, 2)]
    assert posted(school).assigned == 2
    assert school.sums() == {"bank": 1_491_00, "claim": 1_500_00, "due": 9_00}
    assert [school.balance(c.contract_id).due_fen for c in (one, two)] == [6_00, 3_00]
    assert school.broken() == []


def test_a_refund_of_matched_money_goes_back_to_who_paid_not_to_whom_somebody_names(school: School) -> None:
    """By its line; of a provider's settlement by what was announced, as the line names the provider."""
    directly, settled = school.signed(), school.signed()
    announced(school, directly, "OR1", 1_000_00, payer_account=PARENT)
    payer = {"payer_name": "王家长", "payer_account": "6222021234567890123", "payer_bank": "103100000026"}
    announced(school, settled, "OR2", 500_00, fee_fen=3_00, batch="WX20260303", **payer)
    school.bank(CUSTODY, without_reference(1_000_00), credit(497_00, "WX20260303"), on=ON)
    ran(school)
    assert posted(school).assigned == 2
    stranger = Payee("别人", "6217000011112222333", "102100099996")
    for contract in (directly, settled):
        school.asked(contract.contract_id, payee=stranger)
    rows = {row.contract_id: row for row in school.rows("refund")}
    found = {
        contract_id: (
            VAULT.open(bytes(row.payee_account_sealed), "refund", "payee_account", row.refund_id),
            row.payee_bank,
        )
        for contract_id, row in rows.items()
    }
    assert found == {
        directly.contract_id: (PARENT, "105100000017"),
        settled.contract_id: ("6222021234567890123", "103100000026"),
    }


def test_an_instalment_releases_what_was_taught_before_it(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", 2_000_00, reference="OR000001")
    school.taught(contract.contract_id, 10_00)
    school.bank(CUSTODY, credit(500_00, "OR000001"), credit(1_500_00, "OR000001"), on=ON)
    assert ran(school) == [RuleFound("R3", 1, 2, 1)]
    assert posted(school).assigned == 2
    assert school.balance(contract.contract_id).released_fen == 1_000_00
    assert school.sums() == {"bank": 2_000_00, "claim": 1_000_00, "payable": 1_000_00}
    assert school.broken() == []


def test_what_a_contract_may_not_take_stays_in_suspense_and_says_why(school: School) -> None:
    contract, lent = school.signed(), school.signed()
    announced(school, contract, "OR1", PRICE_FEN + 50_00, reference="OR000001")
    announced(school, lent, "OR2", PRICE_FEN, reference="OR000002")
    loan = replace(credit(PRICE_FEN, "OR000002"), name="某某消费金融有限公司")
    school.bank(CUSTODY, credit(PRICE_FEN + 50_00, "OR000001"), loan, on=ON)
    assert ran(school) == [RuleFound("R1", 2, 2, 2)]
    assert posted(school) == match.Posted(0, {"PAYMENT_OVER_PRICE": 1, "LOAN_FUNDED": 1}, None)
    assert school.sums() == {"bank": 2 * PRICE_FEN + 50_00, "claim": PRICE_FEN, "suspense": PRICE_FEN + 50_00}
    told = {row.code: row.entry_id is None for row in school.rows("match_posted")}
    assert told == {"PAYMENT_OVER_PRICE": False, "LOAN_FUNDED": True}
    assert codes(school) == ["LOAN_FUNDED", "OWNER_UNKNOWN", "OWNER_UNKNOWN", "PAYMENT_OVER_PRICE"]
    assert school.broken() == []
    assert posted(school) == match.Posted(0, {}, None)  # said once


def test_a_line_with_the_contracts_reference_is_matched_and_not_posted_twice(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", PRICE_FEN, reference=contract.payment_reference)
    school.bank(CUSTODY, credit(PRICE_FEN, contract.payment_reference), on=ON)
    assert (ran(school), posted(school)) == ([RuleFound("R1", 1, 1, 1)], match.Posted(0, {}, None))
    assert school.sums() == {"bank": PRICE_FEN, "claim": PRICE_FEN}


def test_a_second_receipt_of_a_payment_is_named_once_and_never_suggested(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", 100_00, reference="OR000001")
    announced(school, contract, "OR2", 100_00)  # of the same day and amount: no sum may be made of the second receipt
    school.bank(CUSTODY, credit(100_00, "OR000001"), credit(100_00, "OR000001"), on=ON)
    with school.engine.begin() as conn:
        assert match.run(conn, fund(school), "clerk:li", school.tick()) == ([RuleFound("R2", 1, 1, 1)], 1)
    assert codes(school) == ["DUPLICATE_RECEIPT", "OWNER_UNKNOWN", "OWNER_UNKNOWN"]
    with school.engine.begin() as conn:
        assert match.run(conn, fund(school), "clerk:li", school.tick()) == ([], 0)
    assert suggested(school) == []


def test_equal_payments_of_one_parent_are_one_question_and_none_where_they_have_keys(school: School) -> None:
    one, two = school.signed(), school.signed()
    announced(school, one, "OR1", 1_280_00, payer_account=PARENT)
    announced(school, two, "OR2", 1_280_00, payer_account=PARENT)
    school.bank(CUSTODY, without_reference(1_280_00), without_reference(1_280_00), on=ON)
    assert ran(school) == []
    (asked,) = suggested(school)
    assert (asked.rule, len(asked.line_ids), len(asked.payment_ids), asked.ambiguous) == ("R5", 2, 2, True)
    announced(school, one, "OR3", 990_00, payer_account=PARENT, reference="OR000003")
    announced(school, two, "OR4", 990_00, payer_account=PARENT, reference="OR000004")
    school.bank(CUSTODY, credit(990_00, "OR000003"), credit(990_00, "OR000004"), on=date(2026, 3, 4))
    assert ran(school) == [RuleFound("R1", 2, 2, 2)]


def test_sums_of_a_day_are_suggested_and_never_taken_for_granted(school: School) -> None:
    contract = school.signed()
    for fen in (100_00, 200_00, 300_00, 400_00):
        announced(school, contract, f"OR{fen}", fen)
    school.bank(CUSTODY, without_reference(500_00), without_reference(1_000_00, name="某支付公司"), on=ON)
    assert ran(school) == []
    assert [(one.rule, len(one.payment_ids), one.answers) for one in suggested(school)] == [("R6", 4, 1), ("R7", 4, 2)]
    assert school.sums() == {"bank": 1_500_00, "suspense": 1_500_00}


def test_two_people_say_whose_money_it_is(school: School) -> None:
    one, two = school.signed(), school.signed()
    announced(school, one, "OR1", 1_280_00, payer_account=PARENT)
    announced(school, two, "OR2", 1_280_00, payer_account=PARENT)
    school.bank(CUSTODY, without_reference(1_280_00), on=ON)
    assert ran(school) == []  # two children, one parent's account
    (asked,) = suggested(school)
    assert (asked.rule, asked.ambiguous, len(asked.payment_ids)) == ("R5", True, 2)
    proposal = proposed(school, PartAsked(open_line(school), "OR2"))
    assert proposal.result is Result.DONE
    assert proposed(school, PartAsked(open_line(school), "OR2")).result is Result.REPLAYED
    assert school.sums() == {"bank": 1_280_00, "suspense": 1_280_00}  # nothing yet
    assert approved(school, proposal, by="clerk:li").code == "SAME_PERSON"
    assert approved(school, proposal).result is Result.DONE
    assert approved(school, proposal).result is Result.REPLAYED
    assert [school.balance(c.contract_id).paid_fen for c in (one, two)] == [0, 1_280_00]
    (decided,) = school.rows("approval")
    assert (decided.subject, decided.made_by, decided.approved_by) == ("match", "clerk:li", "clerk:wang")
    assert (posted(school), suggested(school)) == (match.Posted(0, {}, None), [])
    assert school.broken() == []


def test_a_line_is_split_over_contracts_nobody_announced_anything_for(school: School) -> None:
    one, two = school.signed(), school.signed()
    school.bank(CUSTODY, without_reference(2_990_00), on=ON)
    line = open_line(school)
    parts = (PartAsked(line, one.contract_no, 1_000_00), PartAsked(line, two.contract_no, 1_990_00, 10_00))
    assert approved(school, proposed(school, *parts)).result is Result.DONE
    assert [school.balance(c.contract_id).paid_fen for c in (one, two)] == [1_000_00, 2_000_00]
    assert school.sums() == {"bank": 2_990_00, "claim": 3_000_00, "due": 10_00}
    made = school.rows("announced_payment")
    assert [(row.amount_fen, row.fee_fen, row.announced_by) for row in made] == [
        (1_000_00, 0, "clerk:li"),
        (2_000_00, 10_00, "clerk:li"),
    ]
    assert school.broken() == []


def test_what_is_not_open_cannot_be_proposed(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", 300_00)
    school.bank(CUSTODY, without_reference(500_00), on=ON)
    line = open_line(school)
    asked = {
        "UNKNOWN_LINE": PartAsked(uuid4(), "OR1"),
        "UNKNOWN_PAYMENT": PartAsked(line, "OR9"),
        "LINE_SPENT": PartAsked(line, contract.contract_no, 500_01),
        "PAYMENT_RECEIVED": PartAsked(line, "OR1", 300_01),
    }
    assert {code: proposed(school, part).code for code, part in asked.items()} == {code: code for code in asked}
    twice = proposed(school, PartAsked(line, contract.contract_no, 300_00), PartAsked(line, "OR1", 200_01))
    assert twice.code == "LINE_SPENT"
    first, second = (proposed(school, PartAsked(line, "OR1"), by=by) for by in ("clerk:li", "clerk:chen"))
    assert approved(school, first).result is Result.DONE
    assert approved(school, second).code == "UNKNOWN_PAYMENT"  # received meanwhile
    assert undoing(school, uuid4()).code == "UNKNOWN_MATCH"
    assert approved(school, Outcome(Result.DONE, entry_id=uuid4())).code == "UNKNOWN_PROPOSAL"


def test_a_contract_that_may_not_take_the_money_refuses_the_whole_proposal(school: School) -> None:
    contract = school.signed()
    school.bank(CUSTODY, without_reference(PRICE_FEN + 1), on=ON)
    proposal = proposed(school, PartAsked(open_line(school), contract.contract_no))
    assert approved(school, proposal).code == "PAYMENT_OVER_PRICE"
    assert [school.rows(table) for table in ("match_part", "announced_payment", "approval")] == [[], [], []]
    assert school.sums() == {"bank": PRICE_FEN + 1, "suspense": PRICE_FEN + 1}
    assert codes(school) == ["OWNER_UNKNOWN"]


def test_a_wrong_match_comes_apart_by_two_people_and_is_not_made_again(school: School) -> None:
    wrong, right = school.signed(), school.signed()
    announced(school, wrong, "OR1", 2_000_00, payer_account=PARENT)
    school.taught(wrong.contract_id, 10_00)
    school.bank(CUSTODY, without_reference(2_000_00), on=ON)
    ran(school)
    posted(school)
    assert school.sums() == {"bank": 2_000_00, "claim": 1_000_00, "payable": 1_000_00}
    (part,) = school.rows("match_part")
    undo = undoing(school, part.match_id)
    assert approved(school, undo, by="clerk:li").code == "SAME_PERSON"
    assert approved(school, undo).result is Result.DONE
    assert school.sums() == {"bank": 2_000_00, "suspense": 2_000_00}
    assert school.broken() == []
    assert (ran(school), posted(school)) == ([], match.Posted(0, {}, None))  # a person said no
    assert undoing(school, part.match_id).code == "UNKNOWN_MATCH"
    assert approved(school, proposed(school, PartAsked(open_line(school), right.contract_no))).result is Result.DONE
    assert [school.balance(c.contract_id).paid_fen for c in (wrong, right)] == [0, 2_000_00]
    assert school.broken() == []


def test_money_that_has_gone_on_keeps_its_match(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", 1_000_00, payer_account=PARENT)
    school.bank(CUSTODY, without_reference(1_000_00), on=ON)
    ran(school)
    posted(school)
    school.taught(contract.contract_id, 10_00)
    before = school.sums()
    (part,) = school.rows("match_part")
    refused = approved(school, undoing(school, part.match_id))
    assert refused.result is Result.REFUSED
    assert refused.code == "CLAIM_TOO_SMALL"
    assert (school.sums(), school.rows("match_undone"), school.rows("reversal")) == (before, [], [])


def test_parts_are_posted_in_sets_and_a_run_that_was_cut_off_goes_on(
    school: School, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(match, "SET", 2)
    contracts = [school.signed() for _ in range(5)]
    for n, contract in enumerate(contracts):
        announced(school, contract, f"OR{n}", 100_00, reference=f"OR00000{n}")
    school.bank(CUSTODY, *[credit(100_00, f"OR00000{n}") for n in range(5)], on=ON)
    ran(school)
    first = posted(school)
    assert (first.assigned, first.last is not None) == (2, True)
    again = posted(school)  # from the beginning, as a new process would
    assert again.last is not None
    with school.engine.begin() as conn:
        rest = match.post(conn, VAULT, fund(school), school.calendar, "clerk:li", school.tick(), again.last)
    assert (again.assigned, rest) == (2, match.Posted(1, {}, None))
    assert school.sums() == {"bank": 500_00, "claim": 500_00}


def test_money_sent_back_before_it_was_posted_stops_no_run(school: School) -> None:
    gone, other = school.signed(), school.signed()
    for n, contract in enumerate((gone, other)):
        announced(school, contract, f"OR{n}", 100_00, reference=f"OR00000{n}")
    school.bank(CUSTODY, *[credit(100_00, f"OR00000{n}") for n in range(2)], on=ON)
    ran(school)
    (payment,) = [one for one in school.rows("announced_payment") if one.contract_id == gone.contract_id]
    (line_id,) = [one.line_id for one in school.rows("match_part") if one.payment_id == payment.payment_id]
    back = posting_payment.instructed(AccountClass.SUSPENSE, CUSTODY, uuid4(), 100_00, line_id=line_id)
    entry = Entry(uuid4(), "back", (), back, ON, "clerk:li")
    with school.engine.begin() as conn:
        (outcome,) = journal.post(conn, school.number, [entry], school.tick())
    assert outcome.accepted, outcome
    assert posted(school) == match.Posted(1, {"LINE_SPENT": 1}, None)
    assert posted(school) == match.Posted(0, {}, None)
    assert (school.balance(gone.contract_id).paid_fen, school.balance(other.contract_id).paid_fen) == (0, 100_00)


def test_money_matched_on_a_day_closed_since_counts_on_the_first_open_one(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", PRICE_FEN, payer_account=PARENT)
    school.bank(CUSTODY, without_reference(PRICE_FEN), on=ON)
    ran(school)
    with school.engine.begin() as conn:
        closes.close_day(conn, school.number, CUSTODY, ON, school.tick(), "clerk:li")
    assert posted(school) == match.Posted(1, {}, None)
    (entry,) = [one for one in school.rows("journal_entry") if one.kind == "suspense_assigned"]
    assert entry.effective_on == date(2026, 3, 4)
    assert school.sums() == {"bank": PRICE_FEN, "claim": PRICE_FEN}


def test_no_match_comes_apart_under_posted_money(school: School) -> None:
    contract = school.signed()
    announced(school, contract, "OR1", 100_00, payer_account=PARENT)
    school.bank(CUSTODY, without_reference(100_00), on=ON)
    ran(school)
    posted(school)
    (part,) = school.rows("match_part")
    sql = """SELECT ledger.record('match_undone', jsonb_build_array(jsonb_build_object('institution_id', :i,
             'match_id', CAST(:m AS text), 'undone_at', now(), 'undone_by', 'x', 'reason', 'x')), '{}')"""
    for match_id, said in (
        (part.match_id, "a match is undone once what it posted is reversed"),
        (uuid4(), "a match that is undone is there"),
    ):
        with school.engine.connect() as conn, pytest.raises(Exception, match=said):
            conn.execute(text(sql), {"i": school.number, "m": str(match_id)})
    assert account_of(school.number, CUSTODY) == fund(school).account_no
