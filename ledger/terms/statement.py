"""Bank statements: what a bank says happened on an account, and whether the file may be believed.

Amounts are integers of the smallest unit of the statement's currency (fen for yuan); balances are
signed, a debit (overdrawn) balance is negative; sums and line amounts are never negative.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from ledger.errors import BadInput


class Verdict(StrEnum):
    """What may be done with a statement. Ordered by ``worst``."""

    ACCEPT = "accept"  # import and match
    HOLD = "hold"  # store; a person must release it before anything is matched
    REJECT = "reject"  # import nothing of the file
    IDEMPOTENT = "idempotent"  # known already: change nothing
    INFO_ONLY = "info_only"  # may add detail to known lines, never money


_SEVERITY = (Verdict.REJECT, Verdict.HOLD, Verdict.ACCEPT, Verdict.INFO_ONLY, Verdict.IDEMPOTENT)


def worst(verdicts: list[Verdict]) -> Verdict:
    """The verdict of a file: the worst of its statements (a new statement beside a known one makes it accept)."""
    return min(verdicts, key=_SEVERITY.index)


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a statement or file is rejected or held: a class (code), the place in the file, the field, its text.

    ``value`` is only filled where the text is not personal (amounts, dates, codes).
    """

    code: str
    where: str = ""
    field: str = ""
    value: str = ""

    def text(self, language: str) -> str:
        """One line for a person, in "en" or "zh"."""
        return BadInput(self.code, where=self.where, field=self.field, value=self.value or None).text(language)


@dataclass(frozen=True, slots=True)
class LineDetail:
    """One part of a batch entry: an allocation of the line's money, not money of its own.

    ``amount_fen`` is None where the bank gives none in the statement's currency.
    """

    amount_fen: int | None
    credit: bool
    end_to_end_id: str
    counterparty_account: str
    counterparty_name: str
    memo: str


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry of a statement. Texts the bank does not give are "".

    ``ord`` counts from 1 in the statement. ``credit`` alone carries the sign: money came in. ``status`` is
    BOOK (only these move money), PDNG or INFO. ``booked_on`` is None only when not booked, or in files for
    information. ``details`` is filled when the bank gives two parts or more; ``detail_count`` counts always.
    ``balance_fen``: the account's balance after the line, where the bank gives one (spreadsheets).
    """

    ord: int
    amount_fen: int
    credit: bool
    status: str
    booked_on: date | None
    value_on: date | None
    bank_ref: str
    end_to_end_id: str
    counterparty_account: str
    counterparty_name: str
    counterparty_bank: str
    memo: str
    bank_code: str
    reversal: bool
    detail_count: int
    details: tuple[LineDetail, ...] = ()
    balance_fen: int | None = None


class Lines(Protocol):
    """Lines of a statement by their place, from 0: in a list, or packed away until they are wanted."""

    def __len__(self) -> int: ...

    def __getitem__(self, place: int, /) -> StatementLine: ...


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement without its lines, which readers hand out before it.

    ``entries``, ``sum_credits_fen`` and ``sum_debits_fen`` run over all lines, the booked ones over status
    BOOK; all are None when the statement could not be read to its end. ``proved``: the format carries
    both balances and opening + booked credits - booked debits = closing. ``from_on`` and ``to_on`` are the
    stated period, else the days of the balances. ``content_digest`` (SHA-256, hex) covers account, id,
    sequence, balances, period and lines, not the message's own number and time. ``newest_first``: the file lists
    the last line first.
    """

    ord: int
    format: str
    version: str
    account: str
    statement_id: str
    sequence: int | None
    currency: str
    opening_fen: int | None
    closing_fen: int | None
    from_on: date | None
    to_on: date | None
    closing_on: date | None
    entries: int | None
    booked_entries: int | None
    sum_credits_fen: int | None
    sum_debits_fen: int | None
    booked_credits_fen: int | None
    booked_debits_fen: int | None
    proved: bool
    verdict: Verdict
    fault: Fault | None
    content_digest: str
    newest_first: bool = False

    @property
    def identity(self) -> str:
        """What tells it from the account's other statements: its id; in MT940 with number and day, as many banks
        write the same :20: every day."""
        if self.format != "mt":
            return self.statement_id
        return f"{self.statement_id} {self.sequence or 0} {self.closing_on or ''}".rstrip()

    @property
    def class_(self) -> str | None:
        """The class beside the verdict (BALANCE_MISMATCH, SEQUENCE_GAP ...); None when there is none."""
        return None if self.fault is None else self.fault.code


@dataclass(frozen=True, slots=True)
class Layout:
    """How a spreadsheet was read: by which bank profile, where its header stands ("line 7"), and which column is what.

    ``columns``: (our field, the header as the bank writes it), in the file's order.
    """

    profile: str
    header_at: str
    columns: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class StatementFile:
    """What a file is worth as a whole. ``sha256`` (hex) is of its bytes as they came; ``layout`` of spreadsheets."""

    name: str
    sha256: str
    verdict: Verdict
    fault: Fault | None
    statements: tuple[Statement, ...]
    layout: Layout | None = None

    @property
    def class_(self) -> str | None:
        """The class beside the verdict; None when there is none."""
        return None if self.fault is None else self.fault.code


@dataclass(frozen=True, slots=True)
class KnownStatement:
    """A stored statement of an account, as far as a new one is judged by it.

    ``believed`` is False while it is held: its id and content count, but nothing chains to it. ``class_`` is why, and
    ``refs`` are the bank references of its lines (of held ones alone).
    """

    statement_id: str
    content_digest: str
    sequence: int | None
    closing_fen: int | None
    to_on: date | None
    file_sha256: str
    believed: bool = True
    opening_fen: int | None = None
    class_: str = ""
    refs: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class KnownRef:
    """How often an account's lines carry a bank reference: the last occurrence number of all, and how many are
    believed."""

    last: int
    believed: int


@dataclass(frozen=True, slots=True)
class AccountHistory:
    """What the statements of one account are judged by. ``statements``: the believed ones in the order they chain.

    ``currency`` and ``opening_fen`` as registered; ``refs``: those of the lines at hand that the account has already.
    """

    currency: str
    opening_fen: int | None
    statements: tuple[KnownStatement, ...]
    refs: Mapping[str, KnownRef]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict with its fault, if any."""

    verdict: Verdict
    fault: Fault | None = None
