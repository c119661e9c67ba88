"""What the tests of ledger.post say again and again."""

from sqlalchemy import text

from ledger.books import journal
from ledger.errors import Outcome
from ledger.rules import posting
from ledger.terms.journal import Entry, Event
from tests.world import CUSTODY, DAY, World


def entry(world: World, key: str, event: Event, asked: tuple[tuple[str, str], ...] = (("amount", "1"),)) -> Entry:
    return Entry(world.new_id(), key, asked, event, DAY, "test")


def ask(world: World, *entries: Entry, block: int | None = None) -> list[Outcome]:
    """One call, without sealing for it."""
    with world.engine.begin() as conn:
        return journal.post(conn, world.number, entries, world.clock, block)


def answers(outcomes: list[Outcome]) -> list[tuple[str, str]]:
    return [(outcome.result, outcome.code) for outcome in outcomes]


def rows_under(world: World, key: str) -> tuple[int, int]:
    """How many requests and refusals stand under a key."""
    arguments = {"i": world.number, "k": journal.request_key(world.number, key)}
    with world.engine.begin() as conn:
        found = [
            conn.scalar(
                text(f"SELECT count(*) FROM ledger.{table} WHERE institution_id = :i AND request_key = :k"), arguments
            )
            for table in ("request", "refusal")
        ]
    return found[0], found[1]


def suspense(world: World, amount_fen: int, fund_no: int = CUSTODY) -> Event:
    return posting.deposit_to_suspense(fund_no, world.new_id(), amount_fen)
