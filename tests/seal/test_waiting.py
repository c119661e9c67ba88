"""What is answered and not sealed yet: fixed when it was answered, so a change before the seal is found as well."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from ledger.flows import verify
from ledger.rules import posting
from tests.conftest import Database
from tests.seal.conftest import triggers_off
from tests.world import CUSTODY, World, make_world


@pytest.fixture
def waiting(fresh_database: Database) -> Iterator[tuple[World, Connection]]:
    """Two deposits without owner and a refusal wait; a superuser's session with every trigger off."""
    world = make_world(fresh_database.app)
    contract = world.open_contract(paid_fen=1_00)
    world.done(
        posting.deposit_to_suspense(CUSTODY, world.new_id(), 7), posting.deposit_to_suspense(CUSTODY, world.new_id(), 8)
    )
    world.refused(posting.hold_placed(CUSTODY, world.new_id(), 2_00, contract))
    with fresh_database.owner.connect() as conn:
        triggers_off(conn)
        yield world, conn


def faults(conn: Connection) -> list[str]:
    return [f"{fault.kind}: {fault.where.partition(',')[0]}" for fault in verify.verify(conn).faults]


def test_nothing_is_wrong_with_what_only_waits(waiting: tuple[World, Connection]) -> None:
    assert faults(waiting[1]) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.transfer SET amount_fen = amount_fen + 1 WHERE amount_fen = 7",
        "UPDATE ledger.journal_entry SET effective_on = effective_on + 1 WHERE kind = 'deposit_to_suspense'",
        "UPDATE ledger.refusal SET code = 'HOLD_SPENT'",
        "UPDATE ledger.request SET field_digests = field_digests || '\\x00' WHERE request_key IN "
        "(SELECT request_key FROM ledger.refusal)",
        "UPDATE ledger.inbox SET leaf = sha256(leaf)",
    ],
)
def test_a_change_before_the_seal_is_found(waiting: tuple[World, Connection], change: str) -> None:
    _, conn = waiting
    conn.execute(text(change))
    assert faults(conn) == ["item_changed: JG1001 not sealed yet"]


def test_sums_that_wait_are_those_of_the_journal(waiting: tuple[World, Connection]) -> None:
    _, conn = waiting
    conn.execute(text("UPDATE ledger.unfolded SET credit_fen = credit_fen + 1 WHERE class = 'suspense'"))
    broken = [promise.name for promise in verify.verify(conn).promises if promise.violations]
    assert "08_hot_accounts" in broken
