"""Whether a statement joins what is known of its account: known already, in conflict, next in line, or not.

A statement that proves itself may still be a second delivery, or follow a missing day. What does not join is
held: stored, and matched only when a person releases it with a reason.
"""

from collections.abc import Sequence
from dataclasses import replace

from ledger.terms.currency import amount_text
from ledger.terms.statement import Fault, Judgement, KnownStatement, Statement, Verdict


def judge_against_history(
    statement: Statement, file_sha256: str, history: Sequence[KnownStatement], registered_opening_fen: int | None
) -> Judgement:
    """The verdict of a statement that was checked by itself, given its account's stored statements.

    ``history`` is in the order in which they chain (oldest first), held ones included. The first statement chains to
    ``registered_opening_fen``, the balance two people entered when the account was registered (None: none was).

    - rejected, or for information: stays so
    - same file bytes as a known statement of this id: idempotent, ALREADY_IMPORTED
    - same id, same content: idempotent, DUPLICATE_STATEMENT; other content: reject, CONFLICTING_STATEMENT
    - a number that is not the last one + 1 (or 1 in a new year): hold, SEQUENCE_GAP; not judged where a bank gives none
    - an opening balance that is not the last closing balance: hold, OPENING_DISCONTINUITY; not judged without balances
    - else its own verdict (accept, or hold for what it holds)
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
    last = next((known for known in reversed(history) if known.believed), None)
    broken = _broken_chain(statement, last, registered_opening_fen)
    if broken is not None:
        return Judgement(Verdict.HOLD, broken)
    return Judgement(statement.verdict, statement.fault)


def _broken_chain(
    statement: Statement, last: KnownStatement | None, registered_opening_fen: int | None
) -> Fault | None:
    place = f"statement {statement.ord}"
    if last is not None and not _follows(statement, last):
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


def _follows(statement: Statement, last: KnownStatement) -> bool:
    """Whether the number is the next one. Many banks count from 1 again each year."""
    if statement.sequence is None or last.sequence is None or statement.sequence == last.sequence + 1:
        return True
    new_year = statement.to_on is not None and last.to_on is not None and statement.to_on.year > last.to_on.year
    return new_year and statement.sequence == 1
