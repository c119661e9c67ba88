"""Which lines of an export the books hold already: exports of spreadsheets overlap, statements do not.

A line is known by the bank's reference; where the bank gives none, by what it says and which of its twins it is.
So two equal real payments both count, and the same row in two exports counts once.
"""

import hashlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from ledger.terms.statement import Fault, Lines, Statement, StatementLine, Verdict

LineKey = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Remainder:
    """An export without what is known: the statement that is left, and the places of its lines in the order of time."""

    statement: Statement
    kept: range


def line_refs(lines: Lines) -> list[str]:
    """For each line the bank's reference, or where there is none "~" and a digest of the line."""
    return [line.bank_ref or _digest(line) for line in map(lines.__getitem__, range(len(lines)))]


def is_digest(ref: str) -> bool:
    """Whether a line's reference is ours, because the bank gave none."""
    return ref.startswith("~")


def line_keys(refs: Iterable[str]) -> list[LineKey]:
    """For each reference (reference, 1), or (digest, which of its twins it is, from 1)."""
    seen: dict[str, int] = {}
    keys = []
    for ref in refs:
        if is_digest(ref):
            seen[ref] = seen.get(ref, 0) + 1
        keys.append((ref, seen.get(ref, 1)))
    return keys


def in_time(statement: Statement, lines: Lines) -> range:
    """The places of a file's lines, the oldest first."""
    return range(len(lines) - 1, -1, -1) if statement.newest_first else range(len(lines))


def without_known(statement: Statement, lines: Lines, refs: Sequence[str], known: Collection[LineKey]) -> Remainder:
    """Take the known lines off an export whose running balance chains; what is left opens with the balance after them.

    ``lines`` are the booked ones in the file's order, ``refs`` theirs. All known: idempotent, DUPLICATE_STATEMENT.
    Known lines that are not the oldest ones: hold, OPENING_DISCONTINUITY, as something before them would be missing in
    the books.
    """
    ordered = in_time(statement, lines)
    is_known = [key in known for key in line_keys(refs[place] for place in ordered)]
    count = sum(is_known)
    if not count:
        return Remainder(statement, ordered)
    place = f"statement {statement.ord}"
    if count == len(ordered):
        fault = Fault("DUPLICATE_STATEMENT", place, "lines", str(count))
        return Remainder(replace(statement, verdict=Verdict.IDEMPOTENT, fault=fault), range(0))
    last = lines[ordered[count - 1]]
    if not all(is_known[:count]) or last.balance_fen is None:
        fault = Fault("OPENING_DISCONTINUITY", place, "lines", f"{count} of {len(ordered)} are known")
        return Remainder(replace(statement, verdict=Verdict.HOLD, fault=fault), ordered)
    left = replace(statement, opening_fen=last.balance_fen, from_on=lines[ordered[count]].booked_on)
    return Remainder(left, ordered[count:])


def _digest(line: StatementLine) -> str:
    """What a row says, short. The balance after it tells most twins apart by itself."""
    facts = (
        line.booked_on, line.amount_fen, line.credit, line.balance_fen, line.counterparty_account,
        line.counterparty_name, line.memo,
    )  # fmt: skip
    return "~" + hashlib.sha256("\x1f".join(map(str, facts)).encode()).hexdigest()[:32]
