"""Sealing takes what is committed as the next block and folds it; no balance changes by it."""

from datetime import date, timedelta

from sqlalchemy import text

from ledger.books import journal
from ledger.rules import posting, posting_payment
from ledger.terms.ids import new_id
from ledger.terms.journal import AccountClass, Entry
from tests.conftest import Database
from tests.world import CUSTODY, DAY, NOW, RESERVE, World

PAYABLE = AccountClass.PAYABLE


def blocks(world: World) -> list[tuple[int, int]]:
    """Number and entries of every block."""
    with world.engine.begin() as conn:
        rows = conn.execute(
            text("SELECT block_no, entries FROM ledger.block WHERE institution_id = :i ORDER BY 1"), {"i": world.number}
        )
        return [(row.block_no, row.entries) for row in rows]


def waiting(world: World) -> int:
    with world.engine.begin() as conn:
        return int(
            conn.scalar(text("SELECT count(*) FROM ledger.inbox WHERE institution_id = :i"), {"i": world.number})
        )


def test_balances_are_the_same_before_and_after_a_seal(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(
        posting.hours_released(world.contract(contract), 5_00),
        posting.deposit_to_suspense(CUSTODY, world.new_id(), 7_00),
        posting_payment.interest_booked(CUSTODY, 1_00),
        posting_payment.unordered_debit(CUSTODY, world.new_id(), 2_00),
        posting_payment.reserve_topped_up(RESERVE, 30_00),
    )
    before = world.balances()
    world.seal()
    assert world.balances() == before
    world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 20_00))
    before = world.balances()
    assert before[CUSTODY, "payable", None] == 30_00
    world.seal()
    assert world.balances() == before
    assert world.broken() == []


def test_blocks_are_numbered_without_gaps_and_hold_every_entry_once_in_id_order(world: World) -> None:
    assert world.seal() == 0
    for wanted in (3, 1, 2):
        world.done(*(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1) for _ in range(wanted)))
        world.seal()
    assert blocks(world) == [(1, 3), (2, 1), (3, 2)]
    with world.engine.begin() as conn:
        rows = conn.execute(
            text("SELECT entry_id FROM ledger.block_item WHERE institution_id = :i ORDER BY block_no, ctid"),
            {"i": world.number},
        ).scalars()
        ids = list(rows)
    assert ids == sorted(ids)
    assert len(set(ids)) == 6
    assert waiting(world) == 0


def test_nothing_to_seal_makes_no_block(world: World) -> None:
    assert [world.seal(), world.seal()] == [0, 0]
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 1))
    assert [world.seal(), world.seal(), world.seal()] == [1, 1, 1]
    assert blocks(world) == [(1, 1)]


def test_a_refusal_is_sealed_and_a_later_is_not(world: World) -> None:
    event = posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 1)
    world.post(event, fold=False)
    assert waiting(world) == 0
    assert world.refused(event) == "PAYABLE_TOO_SMALL"
    assert waiting(world) == 1
    assert world.seal() == 1
    assert world.broken() == []


def test_an_institution_that_is_not_registered_has_no_block(world: World) -> None:
    with world.engine.begin() as conn:
        assert journal.seal(conn, world.number + 900_000, NOW) is None


def test_an_entry_that_is_not_committed_waits_for_the_next_block(world: World) -> None:
    older = Entry(
        new_id(NOW - timedelta(days=1)),
        "slow",
        (),
        posting.deposit_to_suspense(CUSTODY, world.new_id(), 5),
        DAY,
        "test",
    )
    with world.engine.begin() as slow:
        journal.post(slow, world.number, [older], NOW)
        world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 7))
        assert world.seal() == 1
        assert blocks(world) == [(1, 1)]
    assert world.balance("suspense") == 12
    assert world.seal() == 2
    assert blocks(world) == [(1, 1), (2, 1)]
    assert world.broken() == []


def test_an_open_posting_does_not_hold_up_the_sealer_nor_the_sealer_a_posting(world: World) -> None:
    """A sealer that waited for a writer (or the other way round) would be felt in every month end."""
    event = posting.deposit_to_suspense(CUSTODY, world.new_id(), 7)
    entry = Entry(world.new_id(), "slow", (), event, DAY, "test")
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 5))
    with world.engine.begin() as sealer:
        sealer.execute(text("SET LOCAL lock_timeout = '200ms'"))
        with world.engine.begin() as writer:
            writer.execute(text("SET LOCAL lock_timeout = '200ms'"))
            journal.post(writer, world.number, [entry], NOW)
            assert journal.seal(sealer, world.number, NOW) == 1
            line = world.new_id()
            second = Entry(world.new_id(), "b", (), posting.deposit_to_suspense(CUSTODY, line, 9), DAY, "test")
            journal.post(writer, world.number, [second], NOW)
    assert world.balance("suspense") == 21


def test_of_two_sealers_one_works_and_the_other_goes_away_or_waits(world: World) -> None:
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 5))
    with world.engine.begin() as one:
        assert journal.seal(one, world.number, NOW) == 1
        with world.engine.begin() as other:
            assert journal.seal(other, world.number, NOW, wait=False) is None
        assert world.balance("suspense") == 5  # still the tail for everybody else
    with world.engine.begin() as other:
        assert journal.seal(other, world.number, NOW, wait=False) == 1


def test_a_seal_that_is_rolled_back_leaves_the_tail_as_it_was(world: World) -> None:
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 5))
    with world.engine.connect() as conn:
        assert journal.seal(conn, world.number, NOW) == 1
        conn.rollback()
    assert (blocks(world), waiting(world), world.balance("suspense")) == ([], 1, 5)
    assert world.seal() == 1
    assert world.broken() == []


def test_a_blocks_time_never_goes_back(world: World) -> None:
    times = []
    for at in (NOW, NOW - timedelta(hours=1), NOW + timedelta(hours=1)):
        world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 5))
        with world.engine.begin() as conn:
            journal.seal(conn, world.number, at)
            times.append(
                conn.scalar(
                    text("SELECT sealed_at FROM ledger.block WHERE institution_id = :i ORDER BY block_no DESC LIMIT 1"),
                    {"i": world.number},
                )
            )
    assert times == [NOW, NOW, NOW + timedelta(hours=1)]


def test_buckets_add_up_by_accounting_day_and_day_of_the_block(world: World) -> None:
    def post_on(day: date, fen: int) -> None:
        event = posting.deposit_to_suspense(CUSTODY, world.new_id(), fen)
        with world.engine.begin() as conn:
            journal.post(conn, world.number, [Entry(world.new_id(), f"{day} {fen}", (), event, day, "test")], NOW)

    post_on(DAY, 5)
    post_on(DAY + timedelta(days=1), 7)
    world.seal()
    post_on(DAY, 11)
    world.seal()
    post_on(DAY, 13)
    with world.engine.begin() as conn:
        evening = NOW.replace(hour=16)  # the next day in Shanghai
        journal.seal(conn, world.number, evening)
        rows = conn.execute(
            text("""SELECT effective_on, sealed_on, credit_fen FROM ledger.bucket
                    WHERE institution_id = :i AND class = 'suspense' ORDER BY 1, 2"""),
            {"i": world.number},
        ).all()
    next_day = DAY + timedelta(days=1)
    assert [tuple(row) for row in rows] == [(DAY, DAY, 16), (DAY, next_day, 13), (next_day, DAY, 7)]
    assert world.broken() == []


def test_a_reading_taken_during_a_seal_is_whole(world: World, module_database: Database) -> None:
    """Balance is one statement over fold and tail: whoever reads sees both or neither side of a seal."""
    world.done(posting.deposit_to_suspense(CUSTODY, world.new_id(), 5))
    with module_database.app.connect() as reader:
        reader.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"))
        before = reader.execute(text("SELECT * FROM ledger.balances(:i)"), {"i": world.number}).all()
        world.seal()
        during = reader.execute(text("SELECT * FROM ledger.balances(:i)"), {"i": world.number}).all()
    assert sorted(map(str, before)) == sorted(map(str, during))
    assert world.balance("suspense") == 5


def test_later_is_final_only_after_everything_committed_before_is_folded(world: World) -> None:
    contract = world.open_contract(paid_fen=100_00)
    world.done(posting.hours_released(world.contract(contract), 1_00))
    (outcome,) = world.post(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 10_00))
    assert outcome.result == "done"  # later, sealed, asked once more
    assert blocks(world) == [(1, 2)]
