"""What the books know of a contract, as the facts a refund is reckoned by. Pure: rows in, facts out."""

from collections.abc import Sequence
from datetime import date

from ledger.rules import interest
from ledger.terms.contract import Contract, ContractBalance
from ledger.terms.lesson import Lesson, LessonState
from ledger.terms.refund import DisputedHours, HoursUsed, InterestTerms, PaidOn, RefundContract, RefundRequest
from ledger.terms.refund_request import OwnRecords, RefundAsked
from ledger.terms.rulebook import Rate, Rulebook


def contract_facts(contract: Contract, balance: ContractBalance, own: OwnRecords) -> RefundContract:
    """The contract at the price in force. What was refunded before is no longer paid."""
    return RefundContract(
        paid_fen=balance.paid_fen - balance.refunded_fen,
        price_fen=balance.price_fen,
        hours_bought=contract.hours_bought,
        hours_gifted=contract.hours_gifted,
        list_price_fen=contract.list_price_fen,
        list_price_proven=own.list_price_sold,
        price_cap_fen=own.price_cap_fen,
    )


def hours_used(lessons: Sequence[Lesson], balance: ContractBalance) -> HoursUsed:
    """Every hour that was put down and not taken back, the disputed ones too; never less than was released."""
    taught = sum(lesson.hours for lesson in lessons if lesson.state is not LessonState.REVERSED)
    return HoursUsed(max(taught, balance.hours_released))


def hours_disputed(lessons: Sequence[Lesson]) -> tuple[DisputedHours, ...]:
    """The hours a family disputes, in order of teaching."""
    return tuple(
        DisputedHours(str(lesson.lesson_id), lesson.hours)
        for lesson in lessons
        if lesson.state is LessonState.DISPUTED and lesson.hours
    )


def request_facts(
    paid_on: Sequence[tuple[date, int]], balance: ContractBalance, own: OwnRecords, asked_on: date
) -> RefundRequest:
    """When money came and when it is asked back. Once something was refunded, payments have no days of their own."""
    payments = () if balance.refunded_fen else tuple(PaidOn(day, fen) for day, fen in paid_on)
    return RefundRequest(payments, asked_on, own.same_service_before)


def interest_facts(
    asked: RefundAsked, contract: Contract, rates: Sequence[Rate], rulebook: Rulebook, today: date
) -> InterestTerms | None:
    """Arts. 16 and 17: interest from the day the contract ended until today; none where it ends with the asking.

    Raises BadInput RULE_MISSING where it ended before and no file in force says how many days a year of interest has.
    """
    if asked.ended_on is None or asked.ended_on >= today:
        return None
    year_days = rulebook.whole("interest.year_days")
    return interest.terms_of(
        rates, contract.signed_on, asked.ended_on, today, year_days, agreed=asked.agreed, account=asked.account
    )
