"""Whether a statement joins what is known of its account: known already, in conflict, next in line, or not.

A statement that proves itself may still be a second delivery, or follow a missing day. What does not join is
held: stored, and matched only when a person releases it with a reason, or the missing one comes and joins both.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from ledger.rules.statement_line import Remainder, is_digest, line_keys, without_known
from ledger.terms.currency import amount_text
from ledger.terms.statement import (
    AccountHistory,
    Fault,
    Judgement,
    KnownRef,
    KnownStatement,
    Lines,
    Statement,
    Verdict,
)

# Exports overlap by nature: what is known of them is taken off. Statements do not.
_EXPORTS: Final = frozenset({"csv", "xlsx", "xls"})
# Held for nothing but what is missing before them: they join by themselves once it is there.
_WAITING: Final = frozenset({"SEQUENCE_GAP", "OPENING_DISCONTINUITY"})
_NEVER: Final = KnownRef(0, 0)


def of_account(statement: Statement, account: str) -> Statement:
    """A statement of ``account`` ("" : whatever it says). Sheets often name none; another one is rejected."""
    if not account or statement.account == account or statement.verdict is Verdict.REJECT:
        return statement
    if not statement.account:
        return replace(statement, account=account)
    fault = Fault("OTHER_ACCOUNT", f"statement {statement.ord}", "account")
    return replace(statement, verdict=Verdict.REJECT, fault=fault)


def judge_against_history(
    statement: Statement, file_sha256: str, history: Sequence[KnownStatement], registered_opening_fen: int | None
) -> Judgement:
    """The verdict of a statement that was checked by itself, given its account's stored statements.

    ``history`` is in the order in which they chain (oldest first), held ones included. The first statement chains to
    ``registered_opening_fen``, the balance two people entered when the account was registered (None: none was).

    - rejected, or for information: stays so
    - same file bytes as a known statement of this id: idempotent, ALREADY_IMPORTED
    - same id, same content: idempotent, DUPLICATE_STATEMENT; other content: reject, CONFLICTING_STATEMENT
    - held for what it says itself: stays so, and waits for a person even when it joins later
    - a number that is not the last one + 1 (or 1 in a new year): hold, SEQUENCE_GAP; not judged where a bank gives none
    - an opening balance that is not the last closing balance: hold, OPENING_DISCONTINUITY; not judged without balances
    - else accept
    """
    if statement.verdict in (Verdict.REJECT, Verdict.INFO_ONLY):
        return Judgement(statement.verdict, statement.fault)
    place = Fault("", f"statement {statement.ord}", "Id", statement.statement_id)
    for known in history:
        if known.statement_id != statement.identity:
            continue
        if known.file_sha256 == file_sha256:
            return Judgement(Verdict.IDEMPOTENT, replace(place, code="ALREADY_IMPORTED"))
        if known.content_digest == statement.content_digest:
            return Judgement(Verdict.IDEMPOTENT, replace(place, code="DUPLICATE_STATEMENT"))
        return Judgement(Verdict.REJECT, replace(place, code="CONFLICTING_STATEMENT"))
    broken = _broken_chain(statement, _last(history), registered_opening_fen)
    if broken is not None and statement.verdict is not Verdict.HOLD:
        return Judgement(Verdict.HOLD, broken)
    return Judgement(statement.verdict, statement.fault)


def joining(history: Sequence[KnownStatement], refs: Mapping[str, KnownRef]) -> KnownStatement | None:
    """The held statement that now follows the last believed one by number and balance, and repeats no line of it."""
    last = _last(history)
    for known in history:
        if last is None or known.believed or known.class_ not in _WAITING or known.opening_fen != last.closing_fen:
            continue
        repeats = any(refs.get(ref, _NEVER).believed for ref in known.refs)
        if not repeats and _next(known.sequence, known, last):
            return known
    return None


def opening_gap(statement: KnownStatement, history: Sequence[KnownStatement], registered_opening_fen: int) -> int:
    """What an opening balance has more (less: negative) than the last believed closing, in fen."""
    last = _last(history)
    expected = registered_opening_fen if last is None else last.closing_fen
    assert expected is not None, "stored statements carry balances"
    assert statement.opening_fen is not None
    return statement.opening_fen - expected


def is_overtaken(statement: KnownStatement, history: Sequence[KnownStatement]) -> bool:
    """Whether a later day is believed already: what happened before it can no longer be chained in."""
    last = _last(history)
    return last is not None and last.to_on is not None and statement.to_on is not None and statement.to_on < last.to_on


@dataclass(frozen=True, slots=True)
class Judged:
    """A statement with its final verdict and the places of the lines to store, in the order of time; ``joined``: held
    ones that its coming releases.
    """

    statement: Statement
    kept: range
    joined: tuple[str, ...] = ()


class Judging:
    """Judges the statements of one file by the history of their accounts; each counts for those after it in the file.

    ``kept``: the file's bytes were accepted before. Accounts that are not registered have no history.
    """

    def __init__(self, file_sha256: str, accounts: Mapping[str, AccountHistory], *, kept: bool = False) -> None:
        self._file_sha256, self._accounts, self._kept = file_sha256, accounts, kept
        self._history = {account: list(known.statements) for account, known in accounts.items()}
        self._refs = {account: dict(known.refs) for account, known in accounts.items()}

    def judge(self, statement: Statement, lines: Lines, refs: Sequence[str]) -> Judged:
        """A statement by its booked lines and their references (``line_refs``). A line that a believed statement holds:
        held; of an export it is left out."""
        kept = range(len(lines))
        if statement.verdict in (Verdict.REJECT, Verdict.INFO_ONLY):
            return Judged(statement, kept)
        place, known = f"statement {statement.ord}", self._accounts.get(statement.account)
        if known is None:
            return _verdict(statement, kept, Verdict.REJECT, Fault("UNKNOWN_ACCOUNT", place, "Acct"))
        if statement.currency != known.currency:
            fault = Fault("CURRENCY_MISMATCH", place, "Ccy", statement.currency)
            return _verdict(statement, kept, Verdict.REJECT, fault)
        if self._kept and statement.opening_fen is None:  # nothing of it was stored but the file
            return _verdict(statement, kept, Verdict.IDEMPOTENT, Fault("ALREADY_IMPORTED", place, "Id"))
        history = self._history[statement.account]
        found = judge_against_history(statement, self._file_sha256, history, known.opening_fen)
        if found.verdict in (Verdict.ACCEPT, Verdict.HOLD):
            own = statement.verdict
            statement, kept = self._without_known(statement, lines, refs)
            if statement.verdict is not own:
                found = Judgement(statement.verdict, statement.fault)
            else:
                found = judge_against_history(statement, self._file_sha256, history, known.opening_fen)
            if found.verdict is Verdict.ACCEPT:
                found = self._repeated(statement, [refs[place] for place in kept]) or found
        joined = self._take(statement, [refs[place] for place in kept], found)
        return Judged(replace(statement, verdict=found.verdict, fault=found.fault), kept, joined)

    def _without_known(self, statement: Statement, lines: Lines, refs: Sequence[str]) -> tuple[Statement, range]:
        if statement.format not in _EXPORTS or not statement.proved:
            return statement, range(len(lines))
        known = self._refs[statement.account]
        keys = {(ref, n) for ref, n in line_keys(refs) if n <= known.get(ref, _NEVER).believed}
        left: Remainder = without_known(statement, lines, refs, keys)
        return left.statement, left.kept

    def _repeated(self, statement: Statement, refs: Sequence[str]) -> Judgement | None:
        known = self._refs[statement.account]
        twice = next((ref for ref in refs if not is_digest(ref) and known.get(ref, _NEVER).believed), "")
        place = f"statement {statement.ord}"
        return Judgement(Verdict.HOLD, Fault("DUPLICATE_ENTRY_REF", place, "AcctSvcrRef", twice)) if twice else None

    def _take(self, statement: Statement, own: Sequence[str], found: Judgement) -> tuple[str, ...]:
        """Let a stored statement count from now on, and with it the held ones that it joins; their ids."""
        if found.verdict not in (Verdict.ACCEPT, Verdict.HOLD) or statement.closing_fen is None:
            return ()
        history, refs = self._history[statement.account], self._refs[statement.account]
        believed = found.verdict is Verdict.ACCEPT
        waiting = frozenset() if believed else frozenset(ref for ref in own if not is_digest(ref))
        history.append(
            KnownStatement(
                statement.identity, statement.content_digest, statement.sequence, statement.closing_fen,
                statement.to_on, self._file_sha256, believed, statement.opening_fen,
                found.fault.code if found.fault else "", waiting,
            )
        )  # fmt: skip
        if not believed:
            return ()
        _count(refs, own)
        return tuple(joined.statement_id for joined in join_all(history, refs))


def join_all(history: list[KnownStatement], refs: dict[str, KnownRef]) -> list[KnownStatement]:
    """Every held statement that joins, one after the other; ``history`` and ``refs`` count them from then on."""
    joined = []
    while (found := joining(history, refs)) is not None:
        history.remove(found)
        history.append(replace(found, believed=True))
        _count(refs, found.refs)
        joined.append(found)
    return joined


def _count(refs: dict[str, KnownRef], more: Sequence[str] | frozenset[str]) -> None:
    for ref in more:
        before = refs.get(ref, _NEVER)
        refs[ref] = KnownRef(before.last + 1, before.believed + 1)


def _verdict(statement: Statement, kept: range, verdict: Verdict, fault: Fault) -> Judged:
    return Judged(replace(statement, verdict=verdict, fault=fault), kept)


def _last(history: Sequence[KnownStatement]) -> KnownStatement | None:
    return next((known for known in reversed(history) if known.believed), None)


def _broken_chain(
    statement: Statement, last: KnownStatement | None, registered_opening_fen: int | None
) -> Fault | None:
    place = f"statement {statement.ord}"
    if last is not None and not _next(statement.sequence, statement, last):
        return Fault("SEQUENCE_GAP", place, "sequence", f"{statement.sequence} after {last.sequence}")
    if not statement.proved:
        return None
    expected = registered_opening_fen if last is None else last.closing_fen
    if expected is None or statement.opening_fen != expected:
        shown = [
            "none" if fen is None else amount_text(fen, statement.currency) for fen in (statement.opening_fen, expected)
        ]
        return Fault("OPENING_DISCONTINUITY", place, "opening", " <> ".join(shown))
    return None


def _next(sequence: int | None, statement: Statement | KnownStatement, last: KnownStatement) -> bool:
    """Whether the number is the next one. Many banks count from 1 again each year."""
    if sequence is None or last.sequence is None or sequence == last.sequence + 1:
        return True
    new_year = statement.to_on is not None and last.to_on is not None and statement.to_on.year > last.to_on.year
    return new_year and sequence == 1
