"""Everything recomputed: every sum and counter of the books from the journal, and how much there was to check."""

from dataclasses import dataclass

from sqlalchemy import Connection, text

from ledger.reports import promises
from ledger.terms.journal import Promise, Violation


@dataclass(frozen=True, slots=True)
class Verification:
    """What was there and what was found. ``unsealed``: entries that wait for the next block."""

    institutions: int
    entries: int
    transfers: int
    blocks: int
    unsealed: int
    promises: tuple[Promise, ...]

    @property
    def first_fault(self) -> Violation | None:
        """The first thing that does not hold; None when all is well."""
        return next((fault for promise in self.promises for fault in promise.violations), None)


def verify(conn: Connection) -> Verification:
    """Check every promise and count what there is; ``conn`` should see one moment (``transaction.snapshot``)."""
    counted = conn.execute(
        text("""SELECT (SELECT count(*) FROM ledger.institution) AS institutions,
                       (SELECT count(*) FROM ledger.journal_entry) AS entries,
                       (SELECT count(*) FROM ledger.transfer) AS transfers,
                       (SELECT count(*) FROM ledger.block) AS blocks,
                       (SELECT count(*) FROM ledger.inbox) AS unsealed""")
    ).one()
    return Verification(**counted._mapping, promises=tuple(promises.check(conn)))
