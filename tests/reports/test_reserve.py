"""The reserve figures: cut by accounting day and by what is sealed, equal to what the books keep."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from sqlalchemy import text

from ledger.books import journal
from ledger.books import reserve as kept
from ledger.books.transaction import snapshot
from ledger.errors import Message
from ledger.reports import reserve
from ledger.rules import posting, posting_payment
from ledger.rules.reserve import line
from ledger.terms.ids import new_id
from ledger.terms.institution import Institution
from ledger.terms.journal import Entry, Event
from ledger.terms.reserve import ReserveFigures
from ledger.terms.rulebook import Confidence, Rulebook, RuleValue
from tests.conftest import Database
from tests.world import DAY, HANDS, World, make_world


@pytest.fixture
def world(fresh_database: Database) -> World:
    return make_world(fresh_database.app)


def on_day(world: World, event: Event, on: date) -> None:
    """Post an event of another accounting day."""
    world.clock += timedelta(milliseconds=5)
    entry = Entry(new_id(world.clock), f"k{next(world.keys)}", (("event", repr(event)),), event, on, "test")
    with world.engine.begin() as conn:
        (outcome,) = journal.post(conn, world.number, [entry], world.clock)
    assert outcome.accepted


def figures(world: World, on: date) -> ReserveFigures:
    with snapshot(world.engine) as conn:
        return reserve.figures(conn, on)[world.number]


def test_only_what_is_sealed_and_not_later_counts(world: World) -> None:
    contract_id = world.open_contract(500_00, paid_fen=300_00)
    assert figures(world, DAY).facts.undelivered_fen == 0
    world.seal()
    on_day(world, posting.deposit(world.contract(contract_id), world.new_id(), 100_00), DAY + timedelta(days=3))
    world.seal()
    early, late = figures(world, DAY + timedelta(days=2)), figures(world, DAY + timedelta(days=3))
    assert (early.facts.undelivered_fen, early.custody_fen, early.facts.students) == (300_00, 300_00, 1)
    assert (late.facts.undelivered_fen, late.custody_fen, late.facts.period_receipts_fen) == (400_00, 400_00, 400_00)
    with snapshot(world.engine) as conn:
        at_first = reserve.figures(conn, DAY + timedelta(days=3), {world.number: 1})[world.number]
    assert (at_first.facts.undelivered_fen, at_first.custody_fen) == (300_00, 300_00)  # as the first block knew it


def test_today_is_what_the_books_keep(world: World) -> None:
    taught = world.open_contract(300_00, paid_fen=300_00)
    world.done(posting.hours_released(world.contract(taught), 4_00))
    world.seal()
    refund = posting_payment.refund_approved(world.contract(taught), 200_00, world.payments(taught), 120_00, None)
    world.done(refund)
    world.done(posting_payment.reserve_topped_up(2, 1_000_00))
    held = world.open_contract(100_00, fund_no=HANDS)
    world.done(posting.prepaid_to_institution(world.contract(held), world.new_id(), 60_00))
    world.seal()
    found = figures(world, DAY)
    with world.engine.connect() as conn:
        positions, held_fen = kept.positions(conn, world.number)
        assert found.facts == kept.facts(conn, world.number, DAY)
    assert (list(found.funds), found.held_fen) == (
        [one for one in positions if one.claim_fen or one.refund_due_fen],
        held_fen,
    )
    assert found.custody_fen == world.balance("bank") == 300_00


def test_receipts_are_what_families_paid_not_what_a_release_gave_back(world: World) -> None:
    contract_id = world.open_contract(300_00, paid_fen=300_00)
    world.done(posting.hours_released(world.contract(contract_id), 4_00))
    world.done(posting.unreleased(world.contract(contract_id), 50_00, 0, 0))  # due -> claim: no family paid that
    (payment,) = world.payments(contract_id)
    world.done(posting.deposit_taken_back(world.contract(contract_id), payment, world.new_id(), 20_00))
    world.done(posting.deposit(world.contract(contract_id), world.new_id(), 10_00))
    event = posting.deposit(world.contract(contract_id), world.new_id(), 7_00)
    (entry_id,) = world.done(event)
    world.done(posting_payment.reversal(event, entry_id))
    world.seal()
    assert figures(world, DAY).facts.last_year_receipts_fen == 290_00
    with world.engine.connect() as conn:
        assert kept.facts(conn, world.number, DAY).last_year_receipts_fen == 290_00


def test_a_year_and_a_charging_period_end_on_their_day(world: World) -> None:
    world.open_contract(100_00, paid_fen=100_00)
    world.seal()
    last_of_period, last_of_year = date(2026, 6, 1), date(2027, 3, 1)
    assert figures(world, last_of_period).facts.period_receipts_fen == 100_00
    assert figures(world, last_of_period + timedelta(days=1)).facts.period_receipts_fen == 0
    assert figures(world, last_of_year).facts.last_year_receipts_fen == 100_00
    assert figures(world, last_of_year + timedelta(days=1)).facts.last_year_receipts_fen == 0


def test_recent_payments_go_back_as_far_as_the_rule_says(world: World) -> None:
    world.open_contract(100_00, paid_fen=100_00)
    world.seal()
    late = date(2026, 8, 10)  # more than five months after the payment
    with snapshot(world.engine) as conn:
        found = {n: reserve.figures(conn, late, None, {world.number: n})[world.number].facts for n in (5, 6)}
        assert found[6] == kept.facts(conn, world.number, late, 6)
    assert (found[5].recent_payments_fen, found[6].recent_payments_fen) == (0, 100_00)
    assert found[6].period_receipts_fen == 0


def test_the_last_quarter_ends_before_that_of_the_day(world: World) -> None:
    contract_id = world.open_contract(300_00, paid_fen=100_00)  # in the first quarter of 2026
    world.seal()
    on_day(world, posting.deposit(world.contract(contract_id), world.new_id(), 50_00), date(2026, 4, 1))
    world.seal()
    days = {date(2026, 3, 31): 0, date(2026, 4, 1): 100_00, date(2026, 6, 30): 100_00, date(2026, 7, 1): 150_00}
    assert {day: figures(world, day).facts.last_quarter_balance_fen for day in days} == days
    with world.engine.connect() as conn:
        assert kept.facts(conn, world.number, date(2026, 7, 1)).last_quarter_balance_fen == 150_00


# -- the line a report makes of it


@pytest.fixture
def rulebook() -> Rulebook:
    def value(of: str | int | Fraction) -> RuleValue:
        return RuleValue(of, "test", Confidence.DEMO, "110000", "", DAY, "file")

    values = {
        "reserve.formula": value("share_of_undelivered"),
        "reserve.floor": value(0),
        "reserve.percent": value(Fraction(30)),
    }
    return Rulebook("110000", "", DAY, Message("p", "地"), values, (), ("110000-2026-01-01",), "ab" * 32)


@pytest.mark.parametrize(("mode", "required"), [("custody", 0), ("reserve", 90_00), ("both", 90_00)])
def test_a_line_asks_what_the_mode_asks(world: World, rulebook: Rulebook, mode: str, required: int) -> None:
    world.open_contract(300_00, paid_fen=300_00)
    world.done(posting_payment.reserve_topped_up(2, 50_00))
    world.seal()
    school = Institution(world.number, "JG1001", "学校", "110000", "", "non_academic", mode, "区教委", "010")
    made = line(school, figures(world, DAY), rulebook)
    assert (made.required_fen, made.held_fen, made.lacking_fen) == (required, 50_00, max(required - 50_00, 0))
    assert made.coverage is not None
    assert int(made.coverage * 300) == 350
    assert (made.rulebooks, made.custody_fen, made.students) == (("110000-2026-01-01",), 300_00, 1)


def test_an_institution_without_any_entry_is_a_line_of_zeros(world: World, rulebook: Rulebook) -> None:
    school = Institution(world.number, "JG1001", "学校", "110000", "", "non_academic", "both", "区教委", "010")
    made = line(school, figures(world, DAY), rulebook)
    assert (made.claim_fen, made.custody_fen, made.held_fen, made.coverage, made.students) == (0, 0, 0, None, 0)


def test_a_snapshot_writes_nothing(world: World) -> None:
    with snapshot(world.engine) as conn, pytest.raises(Exception, match="read-only"):
        conn.execute(text("SELECT ledger.seal(1001, '2026-03-02T00:00Z')"))
