"""A day's close: two people, the very figures, one chain of signed certificates, and reopening that voids."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ledger import vault
from ledger.books import certificate as certificates
from ledger.books import close as closes
from ledger.books import journal
from ledger.books import register as registered
from ledger.errors import BadInput
from ledger.flows import close as flow
from ledger.flows import seal as sealing
from ledger.flows import verify
from ledger.rules import posting
from ledger.terms.close import Certificate, CloseAction, Closing
from ledger.terms.ids import new_id
from ledger.terms.journal import Entry
from tests.conftest import Database
from tests.flows.school import CUSTODY, OPENED_ON, PRICE_FEN, RESERVE, SIGNED_ON, School, credit, debit

KEY = bytes(range(32))
# Take away what defends the table: its triggers and its checks.
FREE = (
    "ALTER TABLE ledger.certificate DISABLE TRIGGER ALL",
    'ALTER TABLE ledger.certificate DROP CONSTRAINT "a digest is that of the content"',
)
SECOND, THIRD = date(2026, 3, 3), date(2026, 3, 4)


@pytest.fixture(autouse=True)
def signed_in(school: School) -> None:
    """The list of keys begins with ours, as the command makes it begin."""
    with school.engine.begin() as conn:
        sealing.sign(conn, KEY, school.tick(), at_close=True)


def propose(school: School, on: date = SIGNED_ON, actor: str = "clerk:li", fund_no: int = CUSTODY) -> Closing:
    with school.engine.begin() as conn:
        institution = registered.find_institution(conn, school.number)
        assert institution is not None
        fund = registered.read_funds(conn, school.number)[fund_no]
        return flow.propose(conn, institution, fund, on, school.rulebook, actor, school.tick())


def reopen(school: School, through: date, actor: str = "clerk:li", fund_no: int = CUSTODY) -> Closing:
    with school.engine.begin() as conn:
        institution = registered.find_institution(conn, school.number)
        assert institution is not None
        fund = registered.read_funds(conn, school.number)[fund_no]
        return flow.propose_reopening(conn, institution, fund, through, "银行更正了对账单", actor, school.tick())


def approve(school: School, actor: str = "clerk:wang", key: bytes = KEY, fund_no: int = CUSTODY) -> Closing:
    with school.engine.begin() as conn:
        institution = registered.find_institution(conn, school.number)
        assert institution is not None
        fund = registered.read_funds(conn, school.number)[fund_no]
        return flow.approve(conn, institution, fund, school.rulebook, key, actor, school.tick())


def closed(school: School, on: date = SIGNED_ON, fund_no: int = CUSTODY) -> Certificate:
    """A day closed by two people."""
    assert codes(propose(school, on, fund_no=fund_no)) == []
    found = approve(school, fund_no=fund_no)
    assert found.certificate is not None, found
    return found.certificate


def codes(found: Closing) -> list[str]:
    assert (found.outcome.code or None) == (found.reasons[0].code if found.reasons else None)
    return [one.code for one in found.reasons]


def through(school: School) -> date | None:
    with school.engine.connect() as conn:
        return closes.closed_through(conn, school.number, CUSTODY)


def chain(school: School) -> list[Certificate]:
    with school.engine.connect() as conn:
        return certificates.certificates(conn, school.number)


def said(one: Certificate) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(one.content)
    return found


def faults(school: School) -> list[str]:
    with school.engine.connect() as conn:
        found = verify.verify(conn)
    code = f"JG{school.number}"
    return [f"{one.kind} {one.where.removeprefix(code)}" for one in found.faults if one.where.startswith(code)]


def test_a_day_is_closed_by_two_people_and_certified(school: School) -> None:
    contract = school.paid()
    assert through(school) == OPENED_ON - timedelta(days=1)
    assert codes(approve(school)) == ["NOTHING_PROPOSED"]
    assert codes(propose(school)) == []
    assert propose(school).outcome.result.value == "replayed"
    assert codes(approve(school, "clerk:li")) == ["SAME_PERSON"]
    assert through(school) == OPENED_ON - timedelta(days=1)
    made = approve(school).certificate
    assert made is not None
    assert through(school) == SIGNED_ON
    assert approve(school).outcome.result.value == "replayed"
    found = said(made)
    assert (found["record"], found["previous"], found["action"], found["through"]) == (1, None, "close", "2026-03-02")
    assert [(one["role"], one["name"]) for one in found["signers"]] == [
        ("clerk", "clerk:li"),
        ("approver", "clerk:wang"),
    ]
    facts = found["facts"]
    assert facts["figures"]["bank"] == facts["figures"]["books"] == facts["figures"]["accounts"]["claim"] == "4000.00"
    assert [one["statement"] for one in facts["statements"]] == ["S-0001"]
    assert len(facts["statements"][0]["file_sha256"]) == 64
    assert found["block"]["number"] >= 1
    with school.engine.connect() as conn:
        key = newest_key(school)
        assert vault.is_signed(key, made.content.decode(), made.signature)
        step = conn.execute(
            text("SELECT * FROM ledger.close_step WHERE institution_id = :i AND fund_no = 1"), {"i": school.number}
        ).one()
    assert (step.by, step.approved_by, bytes(step.certificate)) == ("clerk:li", "clerk:wang", made.sha256)
    # what comes later counts on the first open day
    school.taught(contract.contract_id, 1_00)
    assert school.rows("journal_entry")[-1].effective_on == date(2026, 3, 9)
    assert faults(school) == []


def newest_key(school: School) -> bytes:
    with school.engine.connect() as conn:
        return bytes(conn.scalar(text("SELECT public_key FROM ledger.signing_key ORDER BY key_no DESC LIMIT 1")))


def test_each_certificate_names_the_one_before(school: School) -> None:
    school.paid()
    first = closed(school)
    school.bank(CUSTODY, on=SECOND)
    school.bank(CUSTODY, credit(100, "?"), on=THIRD)
    second = closed(school, THIRD)  # the day between is in it: its statement is
    assert (second.record, second.previous) == (2, first.sha256)
    facts = said(second)["facts"]
    assert ([one["to"] for one in facts["statements"]], facts["closed_before"]) == (
        ["2026-03-03", "2026-03-04"], "2026-03-02",
    )  # fmt: skip
    (item,) = facts["items"]
    assert (item["account"], item["name"], item["amount"]) == ("suspense", "S-0003 1", "1.00")
    assert codes(propose(school, SECOND)) == ["DAY_CLOSED"]
    assert faults(school) == []


def test_without_its_statement_a_day_stays_open(school: School) -> None:
    school.paid()
    assert codes(propose(school, SECOND)) == ["STATEMENT_MISSING"]
    school.statements[CUSTODY] = (school.statements[CUSTODY][0] + 1, PRICE_FEN)
    school.bank(CUSTODY, on=THIRD)  # the one before is missing: held
    assert codes(propose(school, THIRD)) == ["STATEMENT_HELD", "STATEMENT_MISSING"]
    assert propose(school, THIRD).reasons[0].detail.endswith("SEQUENCE_GAP")
    assert codes(propose(school)) == []


def test_one_fen_that_nothing_explains_keeps_the_day_open(school: School) -> None:
    school.paid()
    school.bank(CUSTODY, debit(1, "?"), on=SECOND)
    assert codes(propose(school, SECOND)) == []  # a difference that a break names is explained
    facts = propose(school, SECOND).facts
    assert facts is not None
    assert [(one.kind, one.amount_fen) for one in facts.figures.breaks] == [("unordered_debit", 1)]
    assert [(one.account, one.name, one.fen) for one in facts.items] == [("difference", "unordered_debit", -1)]
    event = posting.deposit_to_suspense(CUSTODY, new_id(school.tick()), 1)  # a fen no bank line brought
    entry = Entry(new_id(school.tick()), "from nowhere", (), event, SECOND, "clerk:li")
    with school.engine.begin() as conn:
        (outcome,) = journal.post(conn, school.number, [entry], school.tick())
    assert outcome.accepted
    found = propose(school, SECOND)
    assert codes(found) == ["DIFFERENCE_UNEXPLAINED"]
    assert found.reasons[0].detail == "bank -0.01"
    assert codes(propose(school)) == []  # the day before does not know of it


def test_figures_that_changed_are_proposed_again(school: School) -> None:
    school.paid()
    propose(school)
    school.bank(CUSTODY, credit(PRICE_FEN, "PP99999999"))
    assert codes(approve(school)) == ["FIGURES_CHANGED"]
    assert codes(propose(school)) == []
    assert approve(school).certificate is not None


def test_a_late_line_is_named_on_the_day_it_counts(school: School) -> None:
    school.paid()
    closed(school)
    school.bank(CUSTODY, credit(700, "?"), on=SIGNED_ON)
    school.bank(CUSTODY, on=SECOND)
    (late,) = said(closed(school, SECOND))["facts"]["late"]
    assert (late["booked_on"], late["counted_on"], late["amount"]) == ("2026-03-02", "2026-03-03", "7.00")


def test_reopening_is_a_record_that_voids_what_came_later(school: School) -> None:
    school.paid()
    first = closed(school)
    school.bank(CUSTODY, on=SECOND)
    second = closed(school, SECOND)
    assert codes(reopen(school, SECOND)) == ["DAY_OPEN"]
    assert codes(reopen(school, SIGNED_ON)) == []
    assert codes(approve(school, "clerk:li")) == ["SAME_PERSON"]
    made = approve(school).certificate
    assert made is not None
    assert (made.action, made.record, made.previous) == (CloseAction.REOPEN, 3, second.sha256)
    assert (said(made)["voids"], said(made)["reason"]) == ([second.sha256.hex()], "银行更正了对账单")
    assert through(school) == SIGNED_ON
    assert [(one.record, one.voided) for one in chain(school)] == [(1, False), (2, True), (3, False)]
    again = closed(school, SECOND)
    assert (again.record, again.previous, through(school)) == (4, made.sha256, SECOND)
    assert [one.voided for one in chain(school)] == [False, True, False, False]
    assert codes(reopen(school, OPENED_ON - timedelta(days=1))) == []
    all_open = approve(school).certificate
    assert all_open is not None
    assert said(all_open)["voids"] == [first.sha256.hex(), again.sha256.hex()]
    assert faults(school) == []
    assert codes(reopen(school, OPENED_ON - timedelta(days=1))) == ["DAY_OPEN"]


def test_a_reopening_overtaken_by_another_is_not_approved(school: School) -> None:
    school.paid()
    closed(school)
    reopen(school, OPENED_ON)
    with school.engine.begin() as conn:
        closes.reopen_day(conn, school.number, CUSTODY, OPENED_ON, school.tick(), "a", "b")
    assert codes(approve(school)) == ["DAY_OPEN"]


def test_a_reserve_account_is_closed_against_its_requirement(reserve_school: School) -> None:
    with reserve_school.engine.begin() as conn:
        sealing.sign(conn, KEY, reserve_school.tick(), at_close=True)
    reserve_school.bank(RESERVE, credit(50_000_00, "RS00000001"))
    facts = said(closed(reserve_school, fund_no=RESERVE))["facts"]
    assert facts["reserve"]["held"] == "50000.00"
    assert facts["reserve"]["required"] == "100000.00"  # the floor of the place: nobody has paid yet


def test_only_the_newest_key_signs(school: School) -> None:
    school.paid()
    propose(school)
    with pytest.raises(BadInput, match="KEY_NOT_LISTED"):
        approve(school, key=b"\x07" * 32)
    assert (through(school), chain(school)) == (OPENED_ON - timedelta(days=1), [])


def rewritten(old: str, new: str, also: str = "") -> list[str]:
    """The bytes changed, and the digest beside them with them."""
    changed = f"convert_to(replace(convert_from(content, 'UTF8'), '{old}', '{new}'), 'UTF8')"
    return [f"UPDATE {{c}} SET {also}content = {changed}", "UPDATE {c} SET sha256 = pg_catalog.sha256(content)"]


@pytest.mark.parametrize(
    ("kind", "record", "changes"),
    [
        ("signature_wrong", 2, ["UPDATE {c} SET signature = decode(repeat('00', 64), 'hex')"]),
        ("signature_wrong", 2, rewritten("4000.00", "4000.01")),
        ("certificate_changed", 2, ["UPDATE {c} SET approved_by = 'clerk:zhao'"]),
        ("certificate_changed", 2, rewritten("clerk:wang", "clerk:zhao")),
        ("certificate_changed", 2, rewritten('"key"', '"Key"')),
        ("key_unknown", 2, rewritten('"key": 1', '"key": 99', "key_no = 99, ")),
        ("certificate_missing", 1, ["DELETE FROM {c}"]),
    ],
)  # fmt: skip
def test_verifying_names_a_certificate_that_was_changed(
    school: School, module_database: Database, kind: str, record: int, changes: list[str]
) -> None:
    school.paid()
    closed(school)
    school.bank(CUSTODY, on=SECOND)
    closed(school, SECOND)
    assert faults(school) == []
    where = f" WHERE institution_id = {school.number} AND record = {record}"
    with module_database.owner.connect() as conn:  # whoever owns the tables; never committed
        for statement in FREE:
            conn.exec_driver_sql(statement)
        for change in changes:
            conn.exec_driver_sql((change + where).format(c="ledger.certificate"))
        found = verify.verify(conn).faults
    told = [one for one in found if one.where.startswith(f"JG{school.number}")]
    assert [(one.kind, one.where.rpartition(" ")[2]) for one in told] == [(kind, str(record))]


def test_nobody_changes_a_certificate(school: School) -> None:
    school.paid()
    closed(school)
    for statement in ("UPDATE ledger.certificate SET record = 2", "DELETE FROM ledger.close_proposal"):
        with pytest.raises(DBAPIError, match="permission denied"), school.engine.begin() as conn:
            conn.exec_driver_sql(statement)
