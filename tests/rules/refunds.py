"""Contracts, clauses and a short way to quote them, for the tests of refunds."""

from datetime import date

from ledger.formats.rulebook import BUILT_IN, load_rulebooks
from ledger.money import yuan
from ledger.rules import refund
from ledger.terms.clause import Clause, read_clause
from ledger.terms.refund import (
    Cause,
    Cost,
    DisputedHours,
    InterestTerms,
    PaidOn,
    RefundContract,
    RefundRequest,
    RefundRules,
    Term,
    Used,
    Worksheet,
)
from ledger.terms.rulebook import NATION

BOOKS = load_rulebooks([BUILT_IN])
RULES = refund.rules_in_force(BOOKS.in_force(NATION, "", date(2026, 11, 23)))
CALENDAR = BOOKS.calendar(NATION)
NO_DATES = RefundRequest()
INSTITUTION, CONSUMER, NEITHER = Cause.INSTITUTION, Cause.CONSUMER, Cause.NEITHER


def clauses(*codes: str) -> tuple[Clause, ...]:
    found = [read_clause(code) for code in codes]
    return tuple(clause for clause in found if clause is not None)


def quote(
    contract: RefundContract,
    used: Used,
    cause: Cause = CONSUMER,
    request: RefundRequest = NO_DATES,
    costs: tuple[Cost, ...] = (),
    interest: InterestTerms | None = None,
    rules: RefundRules = RULES,
    disputed: tuple[DisputedHours, ...] = (),
) -> Worksheet:
    return refund.quote(
        contract, used, cause, request, rules, calendar=CALENDAR, costs=costs, interest=interest, disputed=disputed
    )


def back(contract: RefundContract, used: Used, cause: Cause = CONSUMER, request: RefundRequest = NO_DATES) -> str:
    return yuan(quote(contract, used, cause, request).refund_fen)


def lines(worksheet: Worksheet) -> list[tuple[str, str]]:
    return [(line.code, yuan(line.amount_fen)) for line in worksheet.lines]


PACK = RefundContract(800_000, hours_bought=4000, list_price_fen=40_000, list_price_proven=True)
GIFTED = RefundContract(1_000_000, hours_bought=4000, hours_gifted=1000, list_price_fen=30_000, list_price_proven=True)
CARD = RefundContract(300_000, gift_money_fen=100_000)
YEAR = RefundContract(365_000, term=Term(first_on=date(2025, 1, 1), last_on=date(2025, 12, 31)))


VOID = (
    "no_refund",
    "expiry_forfeits",
    "list_price_clawback",
    "breach_fee_20_percent",
    "handling_fee_500",
    "handling_fee_2.5_percent",
    "planning_fee_30_percent",
)


def asked(paid_on: date, requested_on: date, *, before: bool = False, paid_fen: int = 800_000) -> RefundRequest:
    return RefundRequest((PaidOn(paid_on, paid_fen),), requested_on, same_service_before=before)
