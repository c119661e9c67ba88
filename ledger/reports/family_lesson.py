"""What a family sees of one lesson: every step of it, and what each side did."""

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.calendar import shanghai_day
from ledger.terms.lesson import LessonState


@dataclass(frozen=True, slots=True)
class LessonStep:
    """``at`` is an instant in UTC; ``side``: who did it (family, school, office, nobody for silence)."""

    state: LessonState
    at: datetime
    side: str
    reason: str

    @property
    def on(self) -> date:
        """The legal day, Asia/Shanghai."""
        return shanghai_day(self.at)


def steps(conn: Connection, institution_id: int, lesson_id: UUID) -> list[LessonStep]:
    """Every step of a lesson that a family is told of, oldest first: the release that follows a confirmation is not."""
    rows = conn.execute(
        text("""SELECT s.state, s.at, s.reason,
                       CASE WHEN s.actor LIKE 'guardian%' THEN 'family' WHEN s.actor = 'custody:due' THEN 'nobody'
                            WHEN s.state IN ('recorded') THEN 'school'
                            WHEN EXISTS (SELECT FROM ledger.lesson_step d WHERE d.institution_id = s.institution_id
                                         AND d.lesson_id = s.lesson_id AND d.step < s.step AND d.state = 'disputed')
                            THEN 'office' ELSE 'school' END AS side
                FROM ledger.lesson_step s WHERE s.institution_id = :i AND s.lesson_id = :l
                  AND NOT (s.state = 'released' AND EXISTS (
                        SELECT FROM ledger.lesson_step c WHERE c.institution_id = s.institution_id
                        AND c.lesson_id = s.lesson_id AND c.step = s.step - 1 AND c.state = 'confirmed'))
                ORDER BY s.step"""),
        {"i": institution_id, "l": lesson_id},
    )
    return [LessonStep(LessonState(row.state), row.at, row.side, row.reason) for row in rows]
