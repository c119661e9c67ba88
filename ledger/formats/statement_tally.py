"""Counts and sums of a statement while its lines stream by, and the ``Statement`` they end in (MT940, spreadsheets)."""

from datetime import date
from typing import NamedTuple

from ledger.errors import BadInput
from ledger.formats.statement_digest import ContentDigest
from ledger.terms.currency import AMOUNT_MAX
from ledger.terms.statement import Fault, Statement, StatementLine, Verdict

ENTRIES_MAX = 500_000


class Head(NamedTuple):
    """What a statement says beside its lines. Balances are signed smallest units; None where there is none."""

    account: str
    statement_id: str
    sequence: int | None
    currency: str
    opening_fen: int | None
    closing_fen: int | None
    from_on: date | None
    to_on: date | None
    newest_first: bool = False


class Tally:
    """Fed line by line. Memory grows only with the references, which tell real twins apart."""

    def __init__(self, ord_: int, format_: str, version: str) -> None:
        self.ord, self._format, self.version = ord_, format_, version
        self.entries = self.booked_entries = 0
        # credit? -> of all lines with a direction
        self.counts = {False: 0, True: 0}
        self.sums = {False: 0, True: 0}
        self.booked = {False: 0, True: 0}
        self.first_on: date | None = None
        self.last_on: date | None = None
        self._refs: set[str] = set()
        self._digest = ContentDigest()

    def is_new(self, reference: str) -> bool:
        """Whether a bank reference comes for the first time in this statement; remembers it."""
        known = reference in self._refs
        self._refs.add(reference)
        return not known

    def add(self, line: StatementLine, *, directed: bool = True) -> None:
        """Count a line. Not ``directed``: money that went neither in nor out counts as an entry and in no sum.

        Raises BadInput LIMIT_EXCEEDED, BAD_AMOUNT (a sum beyond what the books hold).
        """
        self.entries += 1
        if self.entries > ENTRIES_MAX:
            raise BadInput("LIMIT_EXCEEDED", field="entries", value=ENTRIES_MAX)
        if line.status == "BOOK":
            self.booked_entries += 1
            self.booked[line.credit] += line.amount_fen
        if directed:
            self.counts[line.credit] += 1
            self.sums[line.credit] += line.amount_fen
            if self.sums[line.credit] >= AMOUNT_MAX:
                raise BadInput("BAD_AMOUNT", field="sum")
        assert line.booked_on is not None, "these formats date every line"
        self.first_on = min(self.first_on or line.booked_on, line.booked_on)
        self.last_on = max(self.last_on or line.booked_on, line.booked_on)
        self._digest.add(line)

    def moved_from(self, opening_fen: int) -> int:
        """The balance that the booked lines reach from ``opening_fen``."""
        return opening_fen + self.booked[True] - self.booked[False]

    def close(self, head: Head, verdict: Verdict, fault: Fault | None, *, proved: bool) -> Statement:
        """The statement, read to its end."""
        digest = self._digest.close(
            (head.account, head.statement_id, head.sequence),
            (head.currency, head.opening_fen, head.closing_fen),
            (head.from_on, head.to_on, head.to_on),
        )
        # An export has no id of its own: what it says is its id.
        statement_id = head.statement_id or " ".join(filter(None, (_period(head), digest[:16])))
        return self._statement(head._replace(statement_id=statement_id), verdict, fault, proved, digest)

    def rejected(self, head: Head, fault: Fault) -> Statement:
        """The statement as far as it was read, rejected; its figures are None."""
        return self._statement(head, Verdict.REJECT, fault, False, "")

    def _statement(self, head: Head, verdict: Verdict, fault: Fault | None, proved: bool, digest: str) -> Statement:
        whole = bool(digest)
        return Statement(
            ord=self.ord,
            format=self._format,
            version=self.version,
            account=head.account,
            statement_id=head.statement_id,
            sequence=head.sequence,
            currency=head.currency,
            opening_fen=head.opening_fen,
            closing_fen=head.closing_fen,
            from_on=head.from_on,
            to_on=head.to_on,
            closing_on=head.to_on,
            entries=self.entries if whole else None,
            booked_entries=self.booked_entries if whole else None,
            sum_credits_fen=self.sums[True] if whole else None,
            sum_debits_fen=self.sums[False] if whole else None,
            booked_credits_fen=self.booked[True] if whole else None,
            booked_debits_fen=self.booked[False] if whole else None,
            proved=proved,
            verdict=verdict,
            fault=fault,
            content_digest=digest,
            newest_first=head.newest_first,
        )


def _period(head: Head) -> str:
    days = {day.isoformat() for day in (head.from_on, head.to_on) if day is not None}
    return "..".join(sorted(days))
