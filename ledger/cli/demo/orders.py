"""What is planted in the demo, and money out: payment files the bank executes, a refund it returns, a reserve drawn."""

from datetime import date, timedelta
from uuid import UUID

from ledger.books import contract as contracts
from ledger.books import payout as batches
from ledger.books import refund as refunds
from ledger.cli.demo.bank import BankLine
from ledger.cli.demo.story import Story
from ledger.cli.demo.world import BANK_CLERK, CLERK, CUSTODY, RESERVE, SUPERVISOR, School, Signed, instant
from ledger.flows import payout, reserve
from ledger.flows import seal as sealing
from ledger.terms.ids import new_id
from ledger.terms.payout import PayoutFormat, ReserveOrder
from ledger.terms.refund_request import RefundState

# What becomes of a refund, by the number of the request: half are paid, the others stop on the way.
FATES = ("paid", "paid", "silent", "paid", "objected", "withdrawn")
COLLAPSED = 1002  # in reserve mode: its first family is paid from the reserve by order
EVERY = 16  # one pupil in sixteen asks a refund


def number_of(signed: Signed) -> int:
    """The pupil's number."""
    return int(signed.contract_no[-5:])


def asks_on(signed: Signed, days: int) -> int:
    """The bank day on which a family asks its refund; -1: never."""
    n = number_of(signed)
    if n == COLLAPSED - 1001:
        return 2
    return 2 + n // EVERY % max(days - 3, 1) if n % EVERY == 3 or (n % EVERY == 12 and n % 3 == 0) else -1


def fate(signed: Signed) -> str:
    """What becomes of it."""
    n = number_of(signed)
    return "paid" if n == COLLAPSED - 1001 else FATES[n // EVERY % len(FATES)]


def planted(story: Story, school: School, fund_no: int, k: int) -> list[BankLine]:
    """Lines nobody announced: a deposit without reference, a bank fee, interest, one refund that comes back."""
    n = school.institution.institution_id - 1001
    lines = []
    if fund_no == CUSTODY and k == 1 and n % 10 == 0:
        lines.append(BankLine(1_280_00, True, "", "无名", "6217999900000000001", "102100099996", "培训费"))
    if fund_no == CUSTODY and k == 2 and n == 3:
        lines.append(BankLine(15_00, False, "", "", "", "", "账户管理费", "ICDT/CHRG"))
    if k == len(story.days) - 1 and n % 4 == 0:
        lines.append(BankLine(12_34 + n, True, "", "", "", "", "结息", "RCDT/INTR"))
    if fund_no == CUSTODY and k >= 4:
        lines += _returned(story, school, k)
    return lines


def _returned(story: Story, school: School, k: int) -> list[BankLine]:
    """The first refund the bank ever booked comes back: the card was closed."""
    marker = story.folder / "returned.txt"
    if marker.exists() and marker.read_text(encoding="utf-8") != f"{school.institution.institution_id} {k}":
        return []
    number = school.institution.institution_id
    with story.engine.begin() as conn:
        booked = batches.booked_refund(conn, number)
        if booked is None:
            return []
        marker.write_text(f"{number} {k}", encoding="utf-8")
        found = (
            instruction
            for batch in batches.batches(conn, number)
            for instruction in batches.instructions(conn, story.vault, number, batch.batch_id)
        )
        back = next(instruction for instruction in found if instruction.instruction_id == booked)
    memo = f"{back.end_to_end_id} 退汇 账户已销户"
    return [
        BankLine(
            back.amount_fen,
            True,
            back.end_to_end_id,
            back.payee_name,
            back.payee_account,
            back.payee_bank,
            memo,
            "RCDT/RRTN",
        )
    ]


def pay(story: Story, school: School, k: int, on: date) -> None:
    """Build, approve and write the day's payment files, and hand them to the bank."""
    number, now = school.institution.institution_id, instant(on, 16)
    execute_on = on + timedelta(days=1)
    with story.engine.begin() as conn:
        sealing.seal(conn, number, now)
    if number == COLLAPSED and k >= 3:
        _draw(story, school, execute_on, k, on)
    elif not school.is_reserve_mode:
        with story.engine.begin() as conn:
            story.note(payout.build_refunds(conn, story.vault, number, CUSTODY, execute_on, CLERK, now))
            story.note(
                payout.build_payout(
                    conn, story.vault, number, CUSTODY, execute_on, CLERK, now, story.rulebook(school, on)
                )
            )
    with story.engine.begin() as conn:
        for batch in batches.batches(conn, number):
            if batch.written_sha256 is None:
                payout.approve(conn, number, batch.batch_id, BANK_CLERK, now)
                _, content = payout.render(conn, story.vault, number, batch.batch_id, BANK_CLERK, now)
                path = story.folder / "payments" / f"{batch.message_id}.xml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(content)
                payout.placed(conn, number, batch.batch_id, PayoutFormat.PAIN_09, BANK_CLERK, now)
    for path in sorted((story.folder / "payments").glob(f"??{number:06d}-*.xml")):
        story.bank.take_order(path.name, path.read_bytes())


def _draw(story: Story, school: School, execute_on: date, k: int, on: date) -> None:
    """The department orders a draw for the families of the collapsed school whose refunds are approved."""
    number, now = school.institution.institution_id, instant(on, 16)
    with story.engine.begin() as conn:
        ids = [c.contract_id for c in contracts.find(conn, number, numbers=[s.contract_no for s in school.contracts])]
        every = refunds.of_contracts(conn, number, ids)
        approved = [r for found in every.values() for r in found if r.state is RefundState.APPROVED]
        if not approved:
            return
        order = ReserveOrder(
            order_id=new_id(now),
            fund_no=RESERVE,
            purpose="draw",
            amount_fen=sum(refund.amount_fen for refund in approved),
            office=school.institution.office_name,
            document_no=f"浦教函〔2026〕{k}号",
            ordered_on=on,
            entered_by=CLERK,
        )
        reserve.enter_order(conn, number, order, SUPERVISOR, now)
        ids_to_pay: list[UUID] = [refund.refund_id for refund in approved]
        story.note(payout.build_reserve(conn, story.vault, number, order, ids_to_pay, execute_on, CLERK, now))
        place = school.institution.place
        reserve.call_top_up(conn, number, story.rulebook(school, on), story.rulebooks.calendar(place), now)
