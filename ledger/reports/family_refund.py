"""What a family sees of its refunds: which there are, every step, the payment, and what changed since it looked."""

from dataclasses import dataclass
from datetime import date, datetime, time
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.calendar import shanghai_day
from ledger.terms.refund_request import RefundState


@dataclass(frozen=True, slots=True)
class Claim:
    """A refund of a guardian's child."""

    institution_id: int
    contract_id: UUID
    refund_id: UUID


@dataclass(frozen=True, slots=True)
class Step:
    """``at`` is an instant in UTC. ``by_family``: the guardian did it; ``reason`` is what was said with it."""

    step: int
    state: RefundState
    at: datetime
    by_family: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Payment:
    """An order to the bank for a refund, one for each account it goes to; ``written``: the bank's file is cut."""

    amount_fen: int
    end_to_end_id: str
    written: bool


@dataclass(frozen=True, slots=True)
class Approval:
    """When a refund was approved (UTC), and the entry and block by which anybody can prove it."""

    at: datetime
    entry_id: UUID
    block_no: int | None

    @property
    def on(self) -> date:
        """The legal day, Asia/Shanghai."""
        return shanghai_day(self.at)


@dataclass(frozen=True, slots=True)
class LessonNews:
    """A lesson that was recorded, answered or disputed after an instant."""

    taught_on: date
    starts_at: time
    hours: int
    state: str


def claims(conn: Connection, guardian_id: UUID, contract_id: UUID | None = None) -> list[Claim]:
    """Every refund ever asked for a guardian's children, the newest first; of one contract with ``contract_id``."""
    rows = conn.execute(
        text("""SELECT r.institution_id, r.contract_id, r.refund_id FROM ledger.guardianship g
                JOIN ledger.contract c USING (institution_id, student_id)
                JOIN ledger.refund r USING (institution_id, contract_id)
                WHERE g.guardian_id = :g AND (CAST(:c AS uuid) IS NULL OR c.contract_id = :c)
                ORDER BY r.refund_id DESC"""),
        {"g": guardian_id, "c": contract_id},
    )
    return [Claim(**row._mapping) for row in rows]


def steps(conn: Connection, institution_id: int, refund_id: UUID) -> list[Step]:
    """Every step of a refund, oldest first."""
    rows = conn.execute(
        text("""SELECT s.step, s.state, s.at, s.actor LIKE 'guardian:%' AS by_family, s.reason
                FROM ledger.refund_step s WHERE s.institution_id = :i AND s.refund_id = :r ORDER BY s.step"""),
        {"i": institution_id, "r": refund_id},
    )
    return [Step(**{**row._mapping, "state": RefundState(row.state)}) for row in rows]


def approval(conn: Connection, institution_id: int, refund_id: UUID) -> Approval | None:
    """The approval that stands, with its entry and, once it is sealed, the block that holds it."""
    row = conn.execute(
        text("""SELECT s.at, s.entry_id, k.block_no FROM ledger.refund_step s
                LEFT JOIN ledger.block_item k ON k.institution_id = s.institution_id AND k.entry_id = s.entry_id
                WHERE s.institution_id = :i AND s.refund_id = :r AND s.state = 'approved' AND s.entry_id IS NOT NULL
                ORDER BY s.step LIMIT 1"""),
        {"i": institution_id, "r": refund_id},
    ).one_or_none()
    return None if row is None else Approval(**row._mapping)


def payments(conn: Connection, institution_id: int, refund_id: UUID) -> list[Payment]:
    """The orders to the bank that were neither rejected nor came back, oldest first."""
    rows = conn.execute(
        text("""SELECT n.amount_fen, n.end_to_end_id,
                       EXISTS (SELECT FROM ledger.payout_file f WHERE f.institution_id = n.institution_id
                               AND f.batch_id = n.batch_id) AS written
                FROM ledger.instruction_now n WHERE n.institution_id = :i AND n.refund_id = :r
                  AND n.state IN ('in_transit', 'booked')
                ORDER BY n.instruction_id"""),
        {"i": institution_id, "r": refund_id},
    )
    return [Payment(**row._mapping) for row in rows]


def news(conn: Connection, institution_id: int, contract_id: UUID, since: datetime) -> list[LessonNews]:
    """The lessons of a contract that moved after an instant, oldest first: why a quote is not what it was."""
    rows = conn.execute(
        text("""SELECT l.taught_on, l.starts_at, l.hours, l.state FROM ledger.lesson_now l
                WHERE l.institution_id = :i AND l.contract_id = :c AND l.state_at > :since
                ORDER BY l.taught_on, l.starts_at, l.lesson_id"""),
        {"i": institution_id, "c": contract_id, "since": since},
    )
    return [LessonNews(**row._mapping) for row in rows]
