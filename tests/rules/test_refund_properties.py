"""What holds of every refund, whatever its facts: 500 examples that shrink, and 100,000 thrown ones in a full run."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

import pytest

from ledger.formats.refund_worksheet import parts_of
from ledger.rules import posting, refund, refund_funding
from ledger.terms.contract import ContractBalance, Payment
from ledger.terms.ids import new_id
from ledger.terms.journal import AccountClass
from ledger.terms.refund import (
    Cause,
    DaysServed,
    DisputedHours,
    FaceValueUsed,
    HoursUsed,
    InterestRate,
    InterestTerms,
    MonthsUsed,
    PaidOn,
    Part,
    ProgressUsed,
    RefundContract,
    RefundRequest,
    Term,
    Used,
    Worksheet,
)
from ledger.terms.refund_request import Payer, RefundParts
from ledger.terms.rulebook import NATION, Rulebooks
from tests.picks import Pick, drawn, thrown
from tests.rules.refunds import BOOKS, CALENDAR, CONSUMER, INSTITUTION, NEITHER, NO_DATES, VOID, clauses, quote
from tests.world import NOW

QUICK, FULL = 500, 100_000
PAID_ON, YEAR_ON = date(2026, 3, 2), date(2026, 1, 1)
CODES = ["gift_hours_used_first", "discounted_price_on_any_cause", *VOID]
PAID_FEN_MAX = 3_000_000
Facts = tuple[RefundContract, Used, RefundRequest]


def pack(pick: Pick, *, capped: bool = True) -> tuple[RefundContract, HoursUsed]:
    """A pack of hours, perhaps partly paid, gifted, listed, capped, with clauses."""
    bought, gifted, paid_fen = pick.number(1, 30_000), pick.number(0, 5_000), pick.number(0, PAID_FEN_MAX)

    def price() -> int | None:
        return pick.number(0, 200_000) if pick.yes() else None

    contract = RefundContract(
        paid_fen=paid_fen,
        price_fen=pick.number(paid_fen, 4_000_000) if pick.yes() else None,
        hours_bought=bought,
        hours_gifted=gifted,
        list_price_fen=price(),
        list_price_proven=pick.yes(),
        market_price_fen=price(),
        clauses=clauses(*pick.some(CODES, 3)),
        price_cap_fen=price() if capped else None,
    )
    return contract, HoursUsed(pick.number(0, bought + gifted))


def other(pick: Pick) -> tuple[RefundContract, Used]:
    """A time pass by days or by months, a course counted by progress, or a stored-value card."""
    paid_fen, named = pick.number(0, PAID_FEN_MAX), clauses(*pick.some(CODES, 2))
    kind = pick.one_of(("days", "months", "progress", "card"))
    if kind == "days":
        days = pick.number(1, 800)
        served, stopped = (YEAR_ON + timedelta(days=pick.number(-3, days - 1)) for _ in range(2))
        year = Term(YEAR_ON, YEAR_ON + timedelta(days=days - 1))
        return RefundContract(paid_fen, term=year, clauses=named), DaysServed(served, stopped if pick.yes() else None)
    if kind == "months":
        months = Fraction(pick.number(1, 48), 2)
        used = MonthsUsed(pick.fraction(months, 60))
        return RefundContract(paid_fen, term=Term(months=months), clauses=named), used
    if kind == "progress":
        return RefundContract(paid_fen, clauses=named), ProgressUsed(pick.fraction(Fraction(100), 400))
    gift_fen = pick.number(0, 500_000)
    card = RefundContract(paid_fen, gift_money_fen=gift_fen, clauses=named)
    return card, FaceValueUsed(pick.number(0, paid_fen + gift_fen))


def request_of(pick: Pick, paid_fen: int) -> RefundRequest:
    """Undated, or one or two payments on 2 March and an asking within the next twelve days."""
    if pick.yes():
        return NO_DATES
    late = pick.number(0, paid_fen)
    payments = (PaidOn(PAID_ON - timedelta(days=pick.number(0, 30)), paid_fen - late), PaidOn(PAID_ON, late))
    return RefundRequest(payments, PAID_ON + timedelta(days=pick.number(0, 12)), pick.yes())


def case(pick: Pick) -> Facts:
    contract, used = pack(pick) if pick.yes() else other(pick)
    return contract, used, request_of(pick, contract.paid_fen)


def by_cause(facts: Facts) -> dict[Cause, Worksheet]:
    return {cause: quote(facts[0], facts[1], cause, facts[2]) for cause in Cause}


def a_refund_lies_between_nothing_and_what_was_paid_and_its_lines_add_up(pick: Pick) -> None:
    facts = case(pick)
    for worksheet in by_cause(facts).values():
        assert 0 <= worksheet.refund_fen <= facts[0].paid_fen
        assert worksheet.refund_fen == sum(line.amount_fen for line in worksheet.lines)
        assert worksheet.refund_fen == parts_of(worksheet).total_fen == worksheet.principal_fen
        assert all(worksheet.part_fen(part) >= 0 for part in Part)


def the_institutions_cause_never_gives_less_than_the_consumers(pick: Pick) -> None:
    facts = case(pick)
    found = by_cause(facts)
    assert found[INSTITUTION].refund_fen == found[NEITHER].refund_fen >= found[CONSUMER].refund_fen
    for cause, worksheet in found.items():
        assert {one.cause: one.refund_fen for one in worksheet.alternatives} == {
            other: found[other].refund_fen for other in Cause if other is not cause
        }


def more_hours_used_never_bring_more_back(pick: Pick) -> None:
    contract, used = pack(pick)
    request = request_of(pick, contract.paid_fen)
    fewer = HoursUsed(pick.number(0, used.hours))
    for cause in Cause:
        less, more = (quote(contract, hours, cause, request).refund_fen for hours in (fewer, used))
        assert less >= more


def what_is_undisputed_and_what_is_disputed_make_the_whole(pick: Pick) -> None:
    contract, used = pack(pick)
    cause = pick.one_of(tuple(Cause))
    parts, left = [], used.hours
    for n in range(pick.number(1, 4)):
        hours = pick.number(0, left)
        parts.append(DisputedHours(f"lesson {n}", hours))
        left -= hours
    split = quote(contract, used, cause, disputed=tuple(parts))
    assert split.refund_fen == quote(contract, used, cause).refund_fen
    assert split.refund_fen + split.disputed_fen == quote(contract, HoursUsed(left), cause).refund_fen
    assert all(part.adds_fen >= 0 for part in split.disputed)


def a_later_rulebook_never_changes_an_older_quote(pick: Pick) -> None:
    facts, on = case(pick), date(2025, 5, 1) + timedelta(days=pick.number(0, 579))
    days, cooling_off = pick.number(0, 400), pick.number(0, 60)
    law = next(version for version in BOOKS.versions if "refund.law" in version.values)
    right = law.values["refund.cooling_off_days"]
    changed = {**law.values, "refund.cooling_off_days": replace(right, value=cooling_off)}
    later = replace(law, effective_on=on + timedelta(days=days + 1), values=changed, digest=f"later {days}")
    more = Rulebooks((*BOOKS.versions, later), BOOKS.calendars, BOOKS.rates)
    before, after = (refund.rules_in_force(books.in_force(NATION, "", on)) for books in (BOOKS, more))
    for cause in Cause:
        assert quote(facts[0], facts[1], cause, facts[2], rules=before) == quote(
            facts[0], facts[1], cause, facts[2], rules=after
        )


def releases_and_refund_and_remainder_are_what_was_paid(pick: Pick) -> None:
    contract, _ = pack(pick, capped=False)
    lessons = [pick.number(0, 400) for _ in range(pick.number(0, 12))]
    assert contract.hours_bought is not None
    plain = RefundContract(contract.paid_fen, contract.price_fen, contract.hours_bought, contract.hours_gifted)
    price_fen = plain.paid_fen if plain.price_fen is None else plain.price_fen
    total = contract.hours_bought + contract.hours_gifted
    books = ContractBalance(new_id(NOW), 1, price_fen, total, paid_fen=plain.paid_fen)
    for hours in lessons:
        taught = min(hours, total - books.hours_released)
        books = posting.after_release(books, posting.hours_released(books, taught))
    assert books.released_fen == posting.released_through(price_fen, plain.paid_fen, books.hours_released, total)
    refund_fen = quote(plain, HoursUsed(books.hours_released), INSTITUTION).refund_fen
    remainder_fen = books.claim_fen - refund_fen
    assert remainder_fen in (0, 1)
    assert books.released_fen + refund_fen + remainder_fen == plain.paid_fen


def the_digest_is_the_same_for_the_same_facts_and_names_the_sum(pick: Pick) -> None:
    facts, cause, days = case(pick), pick.one_of(tuple(Cause)), pick.number(0, 90)
    rate = InterestRate(Fraction(3), "LPR")
    terms = InterestTerms(PAID_ON, PAID_ON + timedelta(days=days), 365, lpr=rate, deposit=rate)
    first, again = (
        refund.quote(
            facts[0], facts[1], cause, facts[2], refund.rules_in_force(BOOKS.in_force(NATION, "", date(2026, 11, 23))),
            calendar=CALENDAR, interest=terms,
        )
        for _ in range(2)
    )  # fmt: skip
    assert first == again
    plain = quote(facts[0], facts[1], cause, facts[2])
    assert first.digest != plain.digest
    assert first.refund_fen >= plain.refund_fen


def books_of(pick: Pick) -> ContractBalance:
    """A contract's row within its guards: released, refunded, held and due as the database lets them be."""
    paid = pick.number(0, 1_000_000)
    released = pick.number(0, paid)
    refunded = pick.number(0, paid - released)
    held = pick.number(0, paid - released - refunded)
    due = pick.number(0, paid - released - refunded)
    return ContractBalance(
        new_id(NOW), 1, paid, 1000, paid_fen=paid, released_fen=released, refunded_fen=refunded, held_fen=held,
        due_fen=due,
    )  # fmt: skip


def who_pays_adds_up_to_what_is_paid_and_to_what_is_posted(pick: Pick) -> None:
    books = books_of(pick)
    back_fen = pick.number(0, books.paid_fen - books.refunded_fen)
    overcharge_fen = pick.number(0, back_fen)
    parts = RefundParts(overcharge_fen, back_fen - overcharge_fen, pick.number(0, 50_000))
    payable_fen, reserve_fen = pick.number(0, 500_000), pick.number(0, 500_000)
    shares = refund_funding.funding(books, parts, payable_fen, books.held_fen, reserve_fen)
    assert all(share.amount_fen > 0 for share in shares)
    for part, wanted in zip(Part, (parts.overcharge_fen, parts.principal_fen, parts.extra_fen), strict=True):
        assert sum(share.amount_fen for share in shares if share.part is part) == wanted
    by_payer = {payer: sum(share.amount_fen for share in shares if share.payer is payer) for payer in Payer}
    assert by_payer[Payer.PAYABLE] <= payable_fen
    assert by_payer[Payer.RESERVE] <= reserve_fen
    assert by_payer[Payer.CUSTODY] <= max(0, books.claim_fen - books.due_fen)

    hold = (new_id(NOW), books.held_fen) if books.held_fen else None
    payments = [Payment(new_id(NOW), books.paid_fen, books.refunded_fen)]
    kept_fen = pick.number(0, 10_000)
    row = books
    for event in refund_funding.approved(books, parts, payments, payable_fen, hold, kept_fen):
        row = refund_funding.after(row, event)
        assert row.released_fen >= 0
        assert row.held_fen >= 0
        assert row.released_fen + row.refunded_fen + row.held_fen <= row.paid_fen
        payable_fen -= sum(t.amount_fen for t in event.transfers if t.debit is AccountClass.PAYABLE)
    assert payable_fen >= 0
    assert row.refund_due_fen == parts.total_fen
    assert row.refunded_fen == books.refunded_fen + back_fen


PROPERTIES: tuple[Callable[[Pick], None], ...] = (
    a_refund_lies_between_nothing_and_what_was_paid_and_its_lines_add_up,
    the_institutions_cause_never_gives_less_than_the_consumers,
    more_hours_used_never_bring_more_back,
    what_is_undisputed_and_what_is_disputed_make_the_whole,
    a_later_rulebook_never_changes_an_older_quote,
    releases_and_refund_and_remainder_are_what_was_paid,
    the_digest_is_the_same_for_the_same_facts_and_names_the_sum,
    who_pays_adds_up_to_what_is_paid_and_to_what_is_posted,
)
each = pytest.mark.parametrize("holds", PROPERTIES, ids=lambda holds: holds.__name__)


@each
def test_holds_of_every_refund(holds: Callable[[Pick], None]) -> None:
    drawn(holds, QUICK)


@each
def test_thrown_facts_hold_too(holds: Callable[[Pick], None]) -> None:
    thrown(holds, QUICK)


@pytest.mark.full
@each
def test_holds_of_a_hundred_thousand_refunds(holds: Callable[[Pick], None]) -> None:
    thrown(holds, FULL)
