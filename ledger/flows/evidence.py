"""What one side says or shows of a lesson in dispute, kept beside it."""

from datetime import datetime

from sqlalchemy import Connection

from ledger.books import evidence, record, register
from ledger.books import lesson as lessons
from ledger.errors import Outcome, Result
from ledger.terms.evidence import PIECES_MAX, NewEvidence
from ledger.terms.lesson import LessonState
from ledger.vault import Vault


def give(conn: Connection, vault: Vault, institution_id: int, new: NewEvidence, now: datetime) -> Outcome:
    """Keep a piece. Given before: replayed. Refused: UNKNOWN_LESSON, EVIDENCE_LATE (the lesson is not in dispute),
    EVIDENCE_FULL.
    """
    found = lessons.by_id(conn, institution_id, [new.lesson_id])
    register.lock_contracts(conn, institution_id, [one.contract_id for one in found.values()])
    lesson = lessons.by_id(conn, institution_id, [new.lesson_id]).get(new.lesson_id)  # as it stands under the lock
    if lesson is None:
        return Outcome(Result.REFUSED, "UNKNOWN_LESSON")
    known = evidence.of_lesson(conn, vault, institution_id, new.lesson_id)
    if any(one.evidence_id == new.evidence_id for one in known):
        return Outcome(Result.REPLAYED, entry_id=new.evidence_id)
    if lesson.state is not LessonState.DISPUTED:
        return Outcome(Result.REFUSED, "EVIDENCE_LATE")
    if len(known) >= PIECES_MAX:
        return Outcome(Result.REFUSED, "EVIDENCE_FULL")
    record.insert(conn, "lesson_evidence", [evidence.row(vault, institution_id, new, now)])
    return Outcome(Result.DONE, entry_id=new.evidence_id)
