"""What holds of every refund, whatever its facts: 500 examples in a normal run, 100,000 with CUSTODY_TEST_FULL."""

import os
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

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
from tests.rules.refunds import BOOKS, CALENDAR, CONSUMER, INSTITUTION, NEITHER, NO_DATES, VOID, clauses, quote
from tests.world import NOW

FULL = os.environ.get("CUSTODY_TEST_FULL") == "1"
every = settings(
    max_examples=100_000 if FULL else 500, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)  # fmt: skip
PAID_ON, YEAR_ON = date(2026, 3, 2), date(2026, 1, 1)
CODES = ["gift_hours_used_first", "discounted_price_on_any_cause", *VOID]
fen = st.integers(0, 3_000_000)
Facts = tuple[RefundContract, Used, RefundRequest]


@st.composite
def packs(draw: st.DrawFn, *, capped: bool = True) -> tuple[RefundContract, HoursUsed]:
    """A pack of hours, perhaps partly paid, gifted, listed, capped, with clauses."""
    bought, gifted, paid_fen = draw(st.integers(1, 30_000)), draw(st.integers(0, 5_000)), draw(fen)
    prices = st.none() | st.integers(0, 200_000)
    contract = RefundContract(
        paid_fen=paid_fen,
        price_fen=draw(st.none() | st.integers(paid_fen, 4_000_000)),
        hours_bought=bought,
        hours_gifted=gifted,
        list_price_fen=draw(prices),
        list_price_proven=draw(st.booleans()),
        market_price_fen=draw(prices),
        clauses=clauses(*draw(st.lists(st.sampled_from(CODES), max_size=3, unique=True))),
        price_cap_fen=draw(prices) if capped else None,
    )
    return contract, HoursUsed(draw(st.integers(0, bought + gifted)))


@st.composite
def others(draw: st.DrawFn) -> tuple[RefundContract, Used]:
    """A time pass, a course counted by progress, or a stored-value card."""
    paid_fen, gift_fen = draw(fen), draw(st.integers(0, 500_000))
    months = Fraction(draw(st.integers(1, 48)), 2)
    days = draw(st.integers(1, 800))
    year = Term(YEAR_ON, YEAR_ON + timedelta(days=days - 1))
    served = st.integers(-3, days - 1).map(lambda day: YEAR_ON + timedelta(days=day))
    named = clauses(*draw(st.lists(st.sampled_from(CODES), max_size=2, unique=True)))
    found: tuple[RefundContract, Used] = draw(
        st.one_of(
            st.builds(DaysServed, served, st.none() | served).map(
                lambda used: (RefundContract(paid_fen, term=year, clauses=named), used)
            ),
            st.fractions(0, months, max_denominator=60).map(
                lambda used: (RefundContract(paid_fen, term=Term(months=months), clauses=named), MonthsUsed(used))
            ),
            st.fractions(0, 100, max_denominator=400).map(
                lambda percent: (RefundContract(paid_fen, clauses=named), ProgressUsed(percent))
            ),
            st.integers(0, paid_fen + gift_fen).map(
                lambda used: (RefundContract(paid_fen, gift_money_fen=gift_fen, clauses=named), FaceValueUsed(used))
            ),
        )
    )
    return found


@st.composite
def requests(draw: st.DrawFn, paid_fen: int) -> RefundRequest:
    """Undated, or one or two payments on 2 March and an asking within the next twelve days."""
    if draw(st.booleans()):
        return NO_DATES
    late = draw(st.integers(0, paid_fen))
    payments = (PaidOn(PAID_ON - timedelta(days=draw(st.integers(0, 30))), paid_fen - late), PaidOn(PAID_ON, late))
    asked_on = PAID_ON + timedelta(days=draw(st.integers(0, 12)))
    return RefundRequest(payments, asked_on, draw(st.booleans()))


@st.composite
def cases(draw: st.DrawFn) -> Facts:
    contract, used = draw(packs() | others())
    return contract, used, draw(requests(contract.paid_fen))


def by_cause(facts: Facts) -> dict[Cause, Worksheet]:
    return {cause: quote(facts[0], facts[1], cause, facts[2]) for cause in Cause}


@given(cases())
@every
def test_a_refund_lies_between_nothing_and_what_was_paid_and_its_lines_add_up(facts: Facts) -> None:
    for worksheet in by_cause(facts).values():
        assert 0 <= worksheet.refund_fen <= facts[0].paid_fen
        assert worksheet.refund_fen == sum(line.amount_fen for line in worksheet.lines)
        assert worksheet.refund_fen == parts_of(worksheet).total_fen == worksheet.principal_fen
        assert all(worksheet.part_fen(part) >= 0 for part in Part)


@given(cases())
@every
def test_the_institutions_cause_never_gives_less_than_the_consumers(facts: Facts) -> None:
    found = by_cause(facts)
    assert found[INSTITUTION].refund_fen == found[NEITHER].refund_fen >= found[CONSUMER].refund_fen
    for cause, worksheet in found.items():
        assert {one.cause: one.refund_fen for one in worksheet.alternatives} == {
            other: found[other].refund_fen for other in Cause if other is not cause
        }


@given(packs(), st.data())
@every
def test_more_hours_used_never_bring_more_back(pack: tuple[RefundContract, HoursUsed], data: st.DataObject) -> None:
    contract, used = pack
    request = data.draw(requests(contract.paid_fen))
    fewer = HoursUsed(data.draw(st.integers(0, used.hours)))
    for cause in Cause:
        less, more = (quote(contract, hours, cause, request).refund_fen for hours in (fewer, used))
        assert less >= more


@given(packs(), st.data(), st.sampled_from(Cause))
@every
def test_what_is_undisputed_and_what_is_disputed_make_the_whole(
    pack: tuple[RefundContract, HoursUsed], data: st.DataObject, cause: Cause
) -> None:
    contract, used = pack
    parts, left = [], used.hours
    for n in range(data.draw(st.integers(1, 4))):
        hours = data.draw(st.integers(0, left))
        parts.append(DisputedHours(f"lesson {n}", hours))
        left -= hours
    split = quote(contract, used, cause, disputed=tuple(parts))
    assert split.refund_fen == quote(contract, used, cause).refund_fen
    assert split.refund_fen + split.disputed_fen == quote(contract, HoursUsed(left), cause).refund_fen
    assert all(part.adds_fen >= 0 for part in split.disputed)


@given(cases(), st.dates(date(2025, 5, 1), date(2026, 12, 1)), st.integers(0, 400), st.integers(0, 60))
@every
def test_a_later_rulebook_never_changes_an_older_quote(facts: Facts, on: date, days: int, cooling_off: int) -> None:
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


@given(packs(capped=False), st.lists(st.integers(0, 400), max_size=12))
@every
def test_releases_and_refund_and_remainder_are_what_was_paid(
    pack: tuple[RefundContract, HoursUsed], lessons: list[int]
) -> None:
    contract, _ = pack
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


@given(cases(), st.sampled_from(Cause), st.integers(0, 90))
@every
def test_the_digest_is_the_same_for_the_same_facts_and_names_the_sum(facts: Facts, cause: Cause, days: int) -> None:
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


@st.composite
def books_of(draw: st.DrawFn) -> ContractBalance:
    """A contract's row within its guards: released, refunded, held and due as the database lets them be."""
    paid = draw(st.integers(0, 1_000_000))
    released = draw(st.integers(0, paid))
    refunded = draw(st.integers(0, paid - released))
    held = draw(st.integers(0, paid - released - refunded))
    due = draw(st.integers(0, paid - released - refunded))
    return ContractBalance(
        new_id(NOW), 1, paid, 1000, paid_fen=paid, released_fen=released, refunded_fen=refunded, held_fen=held,
        due_fen=due,
    )  # fmt: skip


@given(books_of(), st.data())
@every
def test_who_pays_adds_up_to_what_is_paid_and_to_what_is_posted(books: ContractBalance, data: st.DataObject) -> None:
    back_fen = data.draw(st.integers(0, books.paid_fen - books.refunded_fen))
    overcharge_fen = data.draw(st.integers(0, back_fen))
    parts = RefundParts(overcharge_fen, back_fen - overcharge_fen, data.draw(st.integers(0, 50_000)))
    payable_fen, reserve_fen = data.draw(st.integers(0, 500_000)), data.draw(st.integers(0, 500_000))
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
    kept_fen = data.draw(st.integers(0, 10_000))
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
