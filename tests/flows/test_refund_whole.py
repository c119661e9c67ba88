"""A refund with everything in it: overcharge, costs, interest, hours in dispute, who pays, and dates a notice moves."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

from ledger.books import journal, record
from ledger.books import refund as refunds
from ledger.errors import Outcome, Result
from ledger.flows import refund, refund_deadline, refund_dispute, register
from ledger.rules import posting
from ledger.terms.calendar import CalendarDays, Side
from ledger.terms.contract import Contract
from ledger.terms.ids import new_id
from ledger.terms.institution import CourseOffer
from ledger.terms.journal import Entry
from ledger.terms.payout import BatchKind
from ledger.terms.price_cap import Category, Course, Mode, Stage
from ledger.terms.refund import Cause, Cost
from ledger.terms.refund_request import RefundAsked, RefundState
from tests.flows.school import ASKED_AT, CUSTODY, LAW, PRICE_FEN, SIGNED_ON, VAULT, School, credit, debit
from tests.flows.test_payout import approve, build, render

ASKED_ON, ENDED_ON = ASKED_AT.date(), date(2026, 3, 10)


def ask(school: School, asked: RefundAsked, at: datetime = ASKED_AT, calendar: CalendarDays | None = None) -> UUID:
    now = school.at(at)
    with school.engine.begin() as conn:
        (outcome,) = refund.ask(
            conn, VAULT, school.number, [asked], school.rulebook, calendar or school.calendar, now, LAW.rates
        )
    assert outcome.result is Result.DONE, outcome
    assert outcome.entry_id is not None
    return outcome.entry_id


def approved(school: School, refund_id: UUID) -> Outcome:
    with school.engine.begin() as conn:
        refund.answer(conn, school.number, [refund_id], RefundState.AGREED, "school", school.tick())
        (outcome,) = refund.approve(conn, school.number, [refund_id], "clerk:wang", school.tick())
    return outcome


def kept(school: School, refund_id: UUID) -> dict[str, Any]:
    with school.engine.begin() as conn:
        return refunds.worksheets(conn, school.number, [refund_id])[refund_id]


def entries(school: School, refund_id: UUID) -> dict[str, int]:
    """What the entries of a refund move, by kind."""
    amounts = {row.entry_id: 0 for row in school.rows("journal_entry")}
    for row in school.rows("transfer"):
        amounts[row.entry_id] += row.amount_fen
    rows = sorted(school.rows("journal_entry"), key=lambda row: row.entry_id)
    return {row.kind: amounts[row.entry_id] for row in rows if row.ref == refund_id}


def paid_out(school: School, amount_fen: int, on: date) -> None:
    """One batch with this sum goes out and is booked."""
    assert [outcome.result for outcome in build(school, BatchKind.REFUND)] == [Result.DONE]
    batch = max(school.batches(), key=lambda one: one.batch_id)
    assert batch.control_fen == amount_fen
    assert approve(school, batch.batch_id).result is Result.DONE
    assert render(school, batch.batch_id)[0].result is Result.DONE
    (instruction,) = school.instructions(batch)
    school.bank(CUSTODY, debit(amount_fen, instruction.end_to_end_id), on=on)


# -- interest and costs


def test_interest_and_costs_are_quoted_kept_and_posted_with_the_principal(school: School) -> None:
    contract = school.paid()
    school.taught(contract.contract_id, 10_00)
    costs = (Cost(Side.PARENT, 30_00),)
    asked = RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1", ended_on=ENDED_ON, costs=costs)
    with school.engine.begin() as conn:
        shown = refund.quote_asked(
            conn, school.number, [asked], school.rulebook, school.calendar, ASKED_AT.date(), LAW.rates
        )[contract.contract_id]  # fmt: skip
    # 3000 x 3 % x 10 / 365 = 2.4657...
    assert [(line.code, line.amount_fen) for line in shown.lines[-2:]] == [("cost_parent", 30_00), ("interest", 2_47)]
    refund_id = ask(school, replace(asked, shown_digest=shown.digest))
    found = school.refund(refund_id)
    assert (found.amount_fen, found.extra_fen, found.overcharge_fen) == (3_032_47, 32_47, 0)
    sheet = kept(school, refund_id)
    assert sheet["digest"] == shown.digest
    assert sheet["funding"] == [
        {"part": "principal", "payer": "custody", "amount_fen": 3_000_00},
        {"part": "extra", "payer": "payable", "amount_fen": 32_47},
    ]
    other = {one["cause"]: one["refund_fen"] for one in sheet["alternatives"]}
    # the consumer's: no cost, 3000 x 1.5 % x 10 / 365 = 1.23; neither's the same
    assert other == {"consumer": 3_001_23, "neither": 3_001_23}
    assert school.balance(contract.contract_id).held_fen == 3_000_00

    assert approved(school, refund_id).result is Result.DONE
    assert entries(school, refund_id) == {"hold_placed": 0, "refund_approved": 3_000_00, "compensation_due": 32_47}
    balance = school.balance(contract.contract_id)
    assert (balance.refund_due_fen, balance.due_fen, balance.claim_fen) == (3_032_47, 0, 0)
    assert school.sums()["payable"] == 1_000_00 - 32_47
    assert school.broken() == []


def test_interest_the_institution_has_still_to_bring_in_does_not_hold_up_the_principal(school: School) -> None:
    contract = school.paid()
    refund_id = ask(school, RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1", ended_on=ENDED_ON))
    assert school.refund(refund_id).extra_fen == 3_29  # 4000 x 3 % x 10 / 365 = 3.287...
    assert kept(school, refund_id)["funding"][-1] == {"part": "extra", "payer": "institution", "amount_fen": 3_29}
    approved(school, refund_id)
    balance = school.balance(contract.contract_id)
    assert (balance.refund_due_fen, balance.due_fen) == (4_003_29, 3_29)
    paid_out(school, PRICE_FEN, date(2026, 3, 25))
    assert school.refund(refund_id).state is RefundState.APPROVED
    assert school.balance(contract.contract_id).refund_due_fen == 3_29
    assert [(one.result, one.code) for one in build(school, BatchKind.REFUND)] == [
        (Result.REFUSED, "OTHER_FAMILYS_MONEY")
    ]
    school.bank(CUSTODY, credit(3_29, "school pays in"), on=date(2026, 3, 26))
    (line,) = [row for row in school.rows("statement_line") if row.amount_fen == 3_29]
    event = posting.suspense_pays_due(school.balance(contract.contract_id), line.line_id, 3_29)
    now = school.tick()
    with school.engine.begin() as conn:
        entry = Entry(new_id(now), "pays in", (), event, date(2026, 3, 26), "clerk:li")
        (outcome,) = journal.post(conn, school.number, [entry], now)
    assert outcome.accepted, outcome
    paid_out(school, 3_29, date(2026, 3, 27))
    assert school.refund(refund_id).state is RefundState.PAID
    assert school.sums() == {}
    assert school.broken() == []


# -- overcharge


def capped_contract(school: School) -> Contract:
    """40 hours for 4,000 yuan of a course whose cap is 88 (Beijing: 80 and 10 % for less than ten pupils)."""
    course = Course(Stage.COMPULSORY, Category.ACADEMIC, Mode.OFFLINE, 8, 45, 88_00)
    offer = CourseOffer(new_id(school.tick()), "数学", "数学班", "数学", course)
    with school.engine.begin() as conn:
        (outcome,) = register.courses(conn, school.number, [offer], school.rulebook, school.tick())
    assert outcome.result is Result.DONE, outcome
    return school.paid(subject="数学")


def test_what_was_charged_above_the_cap_comes_back_first_as_its_own_entry(school: School) -> None:
    contract = capped_contract(school)
    school.taught(contract.contract_id, 10_00)
    refund_id = ask(school, RefundAsked(contract.contract_id, Cause.CONSUMER, "guardian:1"))
    # 4000 - 40 x 88 = 480 first; 3520 x 30 / 40 = 2640
    found = school.refund(refund_id)
    assert (found.amount_fen, found.overcharge_fen) == (3_120_00, 480_00)
    assert [(line["code"], line["amount_fen"]) for line in kept(school, refund_id)["lines"]] == [
        ("overcharge", 480_00), ("paid_lawful", 3_520_00), ("hours_at_paid_price", -880_00),
    ]  # fmt: skip
    # released at 100 an hour: the claim of 3000 lacks 120, which the institution earned and gives back
    assert kept(school, refund_id)["funding"] == [
        {"part": "overcharge", "payer": "custody", "amount_fen": 480_00},
        {"part": "principal", "payer": "custody", "amount_fen": 2_520_00},
        {"part": "principal", "payer": "payable", "amount_fen": 120_00},
    ]
    approved(school, refund_id)
    moved = entries(school, refund_id)
    assert list(moved) == ["hold_placed", "refund_approved", "overcharge_returned"]
    assert moved["refund_approved"] + moved["overcharge_returned"] == 3_120_00 + 120_00
    balance = school.balance(contract.contract_id)
    assert (balance.refund_due_fen, balance.claim_fen, balance.held_fen) == (3_120_00, 0, 0)
    assert school.broken() == []


# -- hours in dispute


def test_the_undisputed_part_is_paid_now_and_the_disputed_part_stays_kept(school: School) -> None:
    contract = school.paid()
    for _ in range(3):
        school.lesson_recorded(contract.contract_no)
    first, second, _ = sorted(school.rows("lesson"), key=lambda row: row.lesson_id)
    dispute(school, first.lesson_id, second.lesson_id)
    refund_id = ask(school, RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1"))
    found = school.refund(refund_id)
    assert (found.amount_fen, found.disputed_fen) == (3_700_00, 200_00)
    assert {one["lesson"]: one["adds_fen"] for one in kept(school, refund_id)["disputed"]} == {
        str(first.lesson_id): 100_00, str(second.lesson_id): 100_00,
    }  # fmt: skip
    assert school.balance(contract.contract_id).held_fen == 3_900_00
    approved(school, refund_id)
    balance = school.balance(contract.contract_id)
    assert (balance.refund_due_fen, balance.claim_fen, balance.held_fen) == (3_700_00, 300_00, 200_00)
    paid_out(school, 3_700_00, date(2026, 3, 25))
    balance = school.balance(contract.contract_id)
    assert (balance.claim_fen, balance.held_fen) == (200_00, 200_00)  # the hour nobody disputes is earned

    # one of the two is decided for the family: a refund that follows the first takes it up
    step(school, first.lesson_id, "reversed", 3)
    step(school, second.lesson_id, "released", 3)
    second_id = ask(school, RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1"), school.clock)
    assert school.refund(second_id).amount_fen == 100_00
    approved(school, second_id)
    paid_out(school, 100_00, date(2026, 3, 26))
    balance = school.balance(contract.contract_id)
    assert (balance.refunded_fen, balance.released_fen, balance.held_fen) == (3_800_00, 200_00, 0)
    again = school.ask(RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1"), school.clock)
    assert (again.result, again.code) == (Result.REFUSED, "REFUND_DONE")
    assert school.broken() == []


def test_what_was_kept_for_hours_decided_to_be_taught_is_the_institutions(school: School) -> None:
    contract = school.paid()
    school.lesson_recorded(contract.contract_no)
    (lesson,) = school.rows("lesson")
    dispute(school, lesson.lesson_id)
    refund_id = ask(school, RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1"))
    approved(school, refund_id)
    paid_out(school, 3_900_00, date(2026, 3, 25))
    assert leave(school) == 0  # still in dispute
    assert school.balance(contract.contract_id).held_fen == 100_00
    step(school, lesson.lesson_id, "released", 3)
    assert (leave(school), leave(school)) == (1, 0)
    balance = school.balance(contract.contract_id)
    assert (balance.held_fen, balance.claim_fen, balance.released_fen) == (0, 0, 100_00)
    assert school.sums() == {"bank": 100_00, "payable": 100_00}
    assert school.broken() == []


def leave(school: School) -> int:
    with school.engine.begin() as conn:
        return refund_dispute.leave_earned(conn, school.number, school.tick())


def dispute(school: School, *lesson_ids: UUID) -> None:
    for lesson_id in lesson_ids:
        step(school, lesson_id, "disputed", 2)


def step(school: School, lesson_id: UUID, state: str, number: int) -> None:
    row = {
        "institution_id": school.number, "lesson_id": lesson_id, "step": number, "state": state, "at": school.tick(),
        "actor": "guardian:1", "reason": "", "entry_id": None,
    }  # fmt: skip
    with school.engine.begin() as conn:
        record.insert(conn, "lesson_step", [row])


# -- what the ledger itself shows


def test_a_list_price_that_was_paid_by_another_family_is_proven(school: School) -> None:
    cheap = school.paid(list_price_fen=150_00)
    school.taught(cheap.contract_id, 10_00)
    unproven = quoted(school, cheap.contract_id)
    assert unproven.refund_fen == 3_000_00
    assert [note.code for note in unproven.notes][-1] == "LIST_PRICE_NOT_PROVEN"
    school.paid(price_fen=3_000_00, hours_bought=20_00)  # 150 an hour
    assert quoted(school, cheap.contract_id).refund_fen == 2_500_00  # 4000 - 10 x 150


def test_the_same_subject_taught_here_before_ends_the_seven_day_right(school: School) -> None:
    pupil = school.pupil()
    earlier = school.contract(pupil, price_fen=1_000_00, hours_bought=10_00, signed_on=SIGNED_ON - timedelta(days=1))
    later = school.contract(pupil, price_fen=1_000_00, hours_bought=10_00)
    assert [one.result for one in school.sign(earlier, later)] == [Result.DONE, Result.DONE]
    lines = [credit(1_000_00, one.payment_reference) for one in (earlier, later)]
    school.bank(CUSTODY, *lines)
    on = SIGNED_ON + timedelta(days=2)
    assert [note.code for note in quoted(school, later.contract_id, on).notes] == ["SEVEN_DAYS_APPLY"]
    school.taught(earlier.contract_id, 1_00)
    assert [note.code for note in quoted(school, later.contract_id, on).notes] == ["SAME_SERVICE_BEFORE"]


def quoted(school: School, contract_id: UUID, on: date = ASKED_ON) -> Any:
    with school.engine.begin() as conn:
        asked = {contract_id: Cause.CONSUMER}
        return refund.quote(conn, school.number, asked, school.rulebook, school.calendar, on)[contract_id]


# -- dates


def test_every_date_is_kept_with_its_rule_and_a_notice_moves_it_for_the_family_only(school: School) -> None:
    contract = school.paid()
    asked = RefundAsked(contract.contract_id, Cause.INSTITUTION, "guardian:1")
    refund_id = ask(school, asked, datetime(2026, 12, 25, 4, tzinfo=UTC))
    with school.engine.begin() as conn:
        dates = refunds.dates(conn, school.number, [refund_id])[refund_id]
    # five working days without a notice for 2027 end on 1 January; fifteen days on Saturday the 9th, so Monday the 11th
    assert [(one["code"], one["on"], one["provisional"]) for one in dates] == [
        ("answer_by", "2027-01-01", True), ("pay_by", "2027-01-11", True), ("delayed_after", "2027-01-26", True),
    ]  # fmt: skip
    assert all(one["source"] for one in dates)
    known = school.calendar
    with_2027 = CalendarDays(
        holidays=known.holidays | {date(2027, 1, 1)}, workdays=known.workdays | {date(2027, 1, 9)},
        noticed_years=known.noticed_years | {2027},
    )  # fmt: skip
    for renewed in (1, 0):
        with school.engine.begin() as conn:
            assert refund_deadline.renew(conn, school.number, with_2027, school.tick()) == renewed
    found = school.refund(refund_id)
    # New Year's Day off would give the institution until the 4th: not taken; Saturday the 9th worked: two days earlier
    assert (found.answer_by, found.pay_by, found.delayed_after) == (
        date(2027, 1, 1), date(2027, 1, 9), date(2027, 1, 25),
    )  # fmt: skip


def test_a_delay_that_counts_as_deliberate_is_marked_beside_the_overdue_mark(school: School) -> None:
    refund_id = school.asked(school.paid().contract_id)
    last = school.refund(refund_id).delayed_after
    assert last == date(2026, 4, 22)  # fifteen days after 7 April
    for day, marked in ((last, 1), (last + timedelta(days=1), 0), (last + timedelta(days=2), 0)):
        with school.engine.begin() as conn:
            assert refund.mark_overdue(conn, school.number, day, school.tick()) == marked
    codes = sorted(row.code for row in school.rows("finding"))
    assert codes == ["REFUND_DELAYED", "REFUND_OVERDUE"]
