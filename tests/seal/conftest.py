"""A busy, sealed and signed ledger that the tests of one file share; each test rolls back what it does to it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from sqlalchemy import Connection, Engine, text

from ledger import vault
from ledger.books import seal as book
from ledger.flows import seal, verify
from ledger.rules import posting, posting_payment
from ledger.terms.journal import AccountClass
from ledger.terms.seal import Anchor, Fault
from tests.conftest import Database
from tests.world import CUSTODY, RESERVE, World, make_world

PAYABLE = AccountClass.PAYABLE


@dataclass(frozen=True)
class Sealed:
    """``owner`` may do anything to the tables once triggers are off."""

    world: World
    owner: Engine
    private: bytes
    anchors: list[Anchor]

    def faults(self, conn: Connection) -> list[str]:
        """What verifying this very connection's view names, kinds of the chain and promises that are broken."""
        found = verify.verify(conn, self.anchors)
        named = [fault.kind for fault in found.faults]
        return named + [one.name for one in found.promises if one.violations]

    def first(self, conn: Connection) -> Fault:
        fault = verify.verify(conn).first_fault
        assert isinstance(fault, Fault), fault
        return fault


@pytest.fixture(scope="module")
def sealed(module_database: Database) -> Sealed:
    world = make_world(module_database.app, 1001)
    busy(world)
    private = vault.make_signing_key()
    with module_database.app.begin() as conn:
        (signed,) = seal.sign(conn, private, world.clock, at_close=True)
        (block,) = book.last_blocks(conn)
    anchor = Anchor(block.code, block.number, block.hash, signed.key, signed.signed_at, signed.signature)
    return Sealed(world, module_database.owner, private, [anchor])


@pytest.fixture
def tampering(sealed: Sealed) -> Iterator[Connection]:
    """A superuser's session with every trigger off; what it does is rolled back."""
    with sealed.owner.connect() as conn:
        transaction = conn.begin()
        triggers_off(conn)
        yield conn
        transaction.rollback()


def triggers_off(conn: Connection) -> None:
    """Until the transaction ends, as only a superuser can: replica mode for keys, our own triggers disabled."""
    conn.execute(text("SET LOCAL session_replication_role = replica"))
    names = conn.execute(text("SELECT tablename FROM pg_tables WHERE schemaname = 'ledger'")).scalars().all()
    for name in names:
        conn.execute(text(f'ALTER TABLE ledger."{name}" DISABLE TRIGGER ALL'))


def busy(world: World) -> None:
    """A few families with every kind of row a money table keeps, over five blocks."""
    families = [world.open_contract(paid_fen=60_00) for _ in range(3)]
    world.seal()
    events = [posting.hours_released(world.contract(one), 3_00) for one in families]
    released = world.done(*events)
    world.done(
        posting_payment.reserve_topped_up(RESERVE, 9_00), posting.deposit_to_suspense(CUSTODY, world.new_id(), 7)
    )
    world.seal()
    world.clock += timedelta(days=1)
    hold = world.new_id()
    world.done(posting.hold_placed(CUSTODY, hold, 2_00, families[0]))
    world.done(posting.hold_ended(CUSTODY, hold, 1_00, families[0]))
    world.refused(replace(posting.hours_released(world.contract(families[1]), 2_00), hours=99_00))
    world.seal()
    world.done(posting_payment.reversal(events[2], released[2]))
    world.done(posting_payment.instructed(PAYABLE, CUSTODY, world.new_id(), 20_00))
    world.seal()
    world.done(*(posting.deposit(world.contract(one), world.new_id(), 1_00) for one in families))
    assert world.seal() == 5
    assert world.broken() == []
