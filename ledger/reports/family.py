"""What a guardian's pages show: contracts over all institutions, lessons, movements, refunds. Read-only.

Amounts in fen, hours in hundredths, days are legal days of Asia/Shanghai. Names stay sealed: the page opens them.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.terms.journal import FundKind
from ledger.terms.lesson import LessonState
from ledger.terms.refund import Cause
from ledger.terms.refund_request import RefundState


@dataclass(frozen=True, slots=True)
class FamilyContract:
    """One contract of a guardian's child with everything a card says of it.

    ``price_fen`` is the price in force. ``reserve_bank`` and ``reserve_account`` stand behind the money where the
    institution holds it itself. ``booked_through``: the last bank day whose statement is in the books. ``closed``: the
    institution has closed. ``moving_fen``: the money that is on its way to another bank, ``moving_to``.
    """

    institution_id: int
    contract_id: UUID
    contract_no: str
    payment_reference: str
    student_id: UUID
    student_sealed: bytes
    course: str
    subject: str
    minutes: int
    institution: str
    place: str
    zone: str
    office_name: str
    office_phone: str
    fund_kind: FundKind
    bank: str | None
    account_no: str | None
    reserve_bank: str | None
    reserve_account: str | None
    booked_through: date | None
    price_fen: int
    list_price_fen: int | None
    hours_bought: int
    hours_gifted: int
    months: int | None
    first_lesson_on: date
    signed_on: date
    paid_fen: int
    released_fen: int
    refunded_fen: int
    held_fen: int
    claim_fen: int
    hours_released: int
    closed: bool = False
    moving_fen: int = 0
    moving_to: str | None = None

    @property
    def hours_total(self) -> int:
        return self.hours_bought + self.hours_gifted


@dataclass(frozen=True, slots=True)
class FamilyLesson:
    """A lesson and what became of it. ``charged_fen`` left the claim for it; ``by_silence``: nobody answered in time.

    ``answer_until``: the last day to answer before silence counts; None where silence never confirms. ``reason`` is
    what was said with the last step.
    """

    lesson_id: UUID
    contract_id: UUID
    taught_on: date
    starts_at: time
    minutes: int
    hours: int
    teacher: str
    attendance: str
    flags: tuple[str, ...]
    answer_until: date | None
    state: LessonState
    reason: str
    by_silence: bool
    charged_fen: int

    @property
    def before(self) -> bool:
        """Hours in one sum, taught before the school's books were taken over: no day and no time of their own."""
        return self.minutes == 0

    @property
    def waits(self) -> bool:
        """Recorded, and not answered yet."""
        return self.state is LessonState.RECORDED and self.hours > 0


@dataclass(frozen=True, slots=True)
class Movement:
    """What changed a claim on one day: ``amount_fen`` > 0 came in. ``counter``: paid, released or refunded;
    ``payment_id``: of what was paid.
    """

    on: date
    kind: str
    counter: str
    amount_fen: int
    payment_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class FamilyRefund:
    """The newest refund of a contract with the worksheet it was asked with (as flows/refund.py keeps it)."""

    contract_id: UUID
    refund_id: UUID
    cause: Cause
    amount_fen: int
    asked_on: date
    answer_by: date
    pay_by: date
    closed_on: date | None
    state: RefundState
    worksheet: dict[str, Any]
    rulebook: str


@dataclass(frozen=True, slots=True)
class DemoFamily:
    """A guardian worth a click in the demo; ``situation``: waiting, refund, reserve, disputed, plain or ended."""

    guardian_id: UUID
    name_sealed: bytes
    phone_sealed: bytes
    institution: str
    situation: str


_CONTRACTS = text("""
    SELECT c.institution_id, c.contract_id, c.contract_no, c.payment_reference, c.student_id,
           s.name_sealed AS student_sealed, k.name AS course, k.subject, k.minutes, i.name AS institution, i.place,
           i.zone, i.office_name, i.office_phone, f.kind::text AS fund_kind, f.bank_name AS bank, f.account_no,
           r.bank_name AS reserve_bank, r.account_no AS reserve_account,
           (SELECT max(x.last_on) FROM ledger.statement_now x WHERE x.institution_id = c.institution_id
            AND x.fund_no = c.fund_no AND x.believed) AS booked_through,
           coalesce(p.price_fen, c.price_fen) AS price_fen, c.list_price_fen, c.hours_bought, c.hours_gifted, c.months,
           c.first_lesson_on, c.signed_on, b.paid_fen, b.released_fen, b.refunded_fen, b.held_fen, b.claim_fen,
           b.hours_released,
           EXISTS (SELECT FROM ledger.institution_closed x
                   JOIN ledger.approval a ON a.institution_id = x.institution_id AND a.subject_id = x.closed_id
                   WHERE x.institution_id = c.institution_id) AS closed,
           coalesce(v.amount_fen, 0)::bigint AS moving_fen, v.bank_name AS moving_to
    FROM ledger.guardianship g
    JOIN ledger.contract c USING (institution_id, student_id)
    JOIN ledger.contract_balance b USING (institution_id, contract_id)
    JOIN ledger.student s USING (institution_id, student_id)
    JOIN ledger.course k USING (institution_id, course_id)
    JOIN ledger.institution i USING (institution_id)
    JOIN ledger.fund f ON f.institution_id = c.institution_id AND f.fund_no = c.fund_no
    LEFT JOIN LATERAL (SELECT x.bank_name, x.account_no FROM ledger.fund x
                       WHERE f.kind = 'hands' AND x.institution_id = c.institution_id AND x.kind = 'reserve'
                       ORDER BY x.fund_no LIMIT 1) r ON true
    LEFT JOIN LATERAL (SELECT x.price_fen FROM ledger.contract_price x
                       WHERE x.institution_id = c.institution_id AND x.contract_id = c.contract_id
                       ORDER BY x.since DESC LIMIT 1) p ON true
    LEFT JOIN LATERAL (SELECT n.amount_fen, t.bank_name FROM ledger.contract_move_now m
                       JOIN ledger.contract_balance s ON s.institution_id = m.institution_id
                                                     AND s.contract_id = m.successor_id
                       JOIN ledger.fund t ON t.institution_id = m.institution_id AND t.fund_no = s.fund_no
                       JOIN ledger.instruction_now n ON n.institution_id = m.institution_id
                            AND n.contract_id = m.contract_id AND n.source = 'claim'
                            AND n.state IN ('in_transit', 'booked')
                       WHERE m.institution_id = c.institution_id AND m.contract_id = c.contract_id
                         AND m.state = 'moving' ORDER BY m.successor_id DESC, n.instruction_id DESC LIMIT 1) v ON true
    WHERE g.guardian_id = :guardian AND (CAST(:contract AS uuid) IS NULL OR c.contract_id = :contract)
      AND NOT EXISTS (SELECT FROM ledger.contract_move_now m WHERE m.institution_id = c.institution_id
                      AND ((m.contract_id = c.contract_id AND m.state = 'arrived')
                           OR (m.successor_id = c.contract_id AND m.state <> 'arrived')))
    ORDER BY c.signed_on, c.contract_id""")

_LESSONS = text("""
    SELECT l.lesson_id, l.contract_id, l.taught_on, l.starts_at, l.minutes, l.hours, l.teacher, l.attendance, l.flags,
           l.answer_until, l.state, last.reason,
           coalesce((SELECT bool_or(x.reason = 'silence') FROM ledger.lesson_step x
                     WHERE x.institution_id = l.institution_id AND x.lesson_id = l.lesson_id
                       AND x.state = 'confirmed'), false) AS by_silence,
           CASE WHEN l.state = 'released' THEN coalesce(
               (SELECT sum(t.amount_fen) FROM ledger.transfer t WHERE t.institution_id = l.institution_id
                AND t.entry_id = l.entry_id AND t.contract_id = l.contract_id AND t.debit_class = 'claim'), 0)
           ELSE 0 END::bigint AS charged_fen
    FROM ledger.lesson_now l
    JOIN ledger.lesson_step last USING (institution_id, lesson_id, step)
    WHERE l.institution_id = :institution AND l.contract_id = ANY (CAST(:contracts AS uuid[]))
    ORDER BY l.taught_on DESC, l.starts_at DESC, l.lesson_id DESC""")

# The counter that a posting rule moves tells what a change of the claim was: money in, hours taught, money back.
_MOVEMENTS = text("""
    SELECT coalesce(o.paid_on, e.effective_on) AS on, e.kind, r.claim_counter::text AS counter,
           sum(CASE WHEN t.credit_class = 'claim' THEN t.amount_fen ELSE -t.amount_fen END)::bigint AS amount_fen,
           CASE WHEN r.claim_counter = 'paid' AND t.credit_class = 'claim' THEN t.credit_item END AS payment_id
    FROM ledger.transfer t
    JOIN ledger.journal_entry e USING (institution_id, entry_id)
    JOIN ledger.posting_rule r USING (kind, debit_class, credit_class)
    LEFT JOIN ledger.taken_over_payment o ON o.institution_id = t.institution_id AND o.payment_id = t.credit_item
    WHERE t.institution_id = :institution AND t.contract_id = :contract AND r.claim_counter IS NOT NULL
    GROUP BY 1, e.entry_id, e.kind, r.claim_counter, 5
    ORDER BY 1, e.entry_id, 5""")

_REFUNDS = text("""
    SELECT DISTINCT ON (r.contract_id) r.contract_id, r.refund_id, r.cause, r.amount_fen, r.asked_on, r.answer_by,
           r.pay_by, x.closed_on, r.state, r.worksheet, r.rulebook
    FROM ledger.refund_now r
    LEFT JOIN ledger.refund_closed x USING (institution_id, refund_id)
    WHERE r.institution_id = :institution AND r.contract_id = ANY (CAST(:contracts AS uuid[]))
    ORDER BY r.contract_id, r.refund_id DESC""")

_DEMO_FAMILIES = text("""
    SELECT f.situation, f.guardian_id, g.name_sealed, g.phone_sealed, i.name AS institution
    FROM (
        SELECT s.situation, b.guardian_id, b.institution_id,
               row_number() OVER (PARTITION BY s.situation ORDER BY b.guardian_id, c.contract_id) AS turn
        FROM ledger.guardianship b
        JOIN ledger.contract c USING (institution_id, student_id)
        JOIN ledger.contract_balance v USING (institution_id, contract_id)
        JOIN ledger.fund a ON a.institution_id = c.institution_id AND a.fund_no = c.fund_no
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN EXISTS (SELECT FROM ledger.refund r WHERE r.institution_id = c.institution_id
                             AND r.contract_id = c.contract_id
                             AND NOT EXISTS (SELECT FROM ledger.refund_closed x
                                             WHERE x.institution_id = r.institution_id
                                               AND x.refund_id = r.refund_id)) THEN 'refund'
                WHEN v.claim_fen = 0 THEN 'ended'
                WHEN EXISTS (SELECT FROM ledger.lesson_now l WHERE l.institution_id = c.institution_id
                             AND l.contract_id = c.contract_id AND l.state = 'disputed') THEN 'disputed'
                WHEN a.kind = 'hands' THEN 'reserve'
                WHEN EXISTS (SELECT FROM ledger.lesson_now l WHERE l.institution_id = c.institution_id
                             AND l.contract_id = c.contract_id AND l.state = 'recorded'
                             AND l.answer_until >= :today) THEN 'waiting'
                ELSE 'plain' END AS situation) s
        ) f
    JOIN ledger.guardian g USING (guardian_id)
    JOIN ledger.institution i USING (institution_id)
    WHERE f.turn <= :count
    ORDER BY f.turn,
             array_position(ARRAY['waiting', 'refund', 'reserve', 'disputed', 'plain', 'ended'], f.situation)""")


def institution_code(conn: Connection, institution_id: int) -> str:
    """The code of an institution, by which anybody may check it."""
    sql = text("SELECT code FROM ledger.institution WHERE institution_id = :i")
    return str(conn.scalar(sql, {"i": institution_id}))


def guardian_name(conn: Connection, guardian_id: UUID) -> bytes | None:
    """The sealed name of a guardian (column ``guardian.name``), or None for an unknown one."""
    found = conn.scalar(
        text("SELECT name_sealed FROM ledger.guardian WHERE guardian_id = :g"), {"g": guardian_id}
    )  # fmt: skip
    return None if found is None else bytes(found)


def guardian_phone(conn: Connection, guardian_id: UUID) -> bytes | None:
    """The sealed phone of a guardian (column ``guardian.phone``), or None for an unknown one."""
    found = conn.scalar(
        text("SELECT phone_sealed FROM ledger.guardian WHERE guardian_id = :g"), {"g": guardian_id}
    )  # fmt: skip
    return None if found is None else bytes(found)


def contracts(conn: Connection, guardian_id: UUID, contract_id: UUID | None = None) -> list[FamilyContract]:
    """The contracts of a guardian's children over all institutions, oldest first; only one with ``contract_id``.

    A contract of another family is left out like one that does not exist.
    """
    rows = conn.execute(_CONTRACTS, {"guardian": guardian_id, "contract": contract_id})
    return [FamilyContract(**{**row._mapping, "fund_kind": FundKind(row.fund_kind)}) for row in rows]


def lessons(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, list[FamilyLesson]]:
    """The lessons of contracts, newest first, by contract; one without lessons has an empty list."""
    found: dict[UUID, list[FamilyLesson]] = {contract_id: [] for contract_id in contract_ids}
    for row in conn.execute(_LESSONS, {"institution": institution_id, "contracts": list(contract_ids)}):
        known = {**row._mapping, "flags": tuple(row.flags), "state": LessonState(row.state)}
        found[row.contract_id].append(FamilyLesson(**known))
    return found


def movements(conn: Connection, institution_id: int, contract_id: UUID) -> list[Movement]:
    """Everything that ever changed a contract's claim, oldest first; the amounts add up to the claim."""
    rows = conn.execute(_MOVEMENTS, {"institution": institution_id, "contract": contract_id})
    return [Movement(**row._mapping) for row in rows]


def refunds(conn: Connection, institution_id: int, contract_ids: Sequence[UUID]) -> dict[UUID, FamilyRefund]:
    """The newest refund of each contract that has one."""
    rows = conn.execute(_REFUNDS, {"institution": institution_id, "contracts": list(contract_ids)})
    return {
        row.contract_id: FamilyRefund(
            **{**row._mapping, "cause": Cause(row.cause), "state": RefundState(row.state)}
        )
        for row in rows
    }  # fmt: skip


def demo_families(conn: Connection, today: date, count: int = 4) -> list[DemoFamily]:
    """At most ``count`` families, each once, of as many situations as there are: the demo's log-ins."""
    found: dict[UUID, DemoFamily] = {}
    for row in conn.execute(_DEMO_FAMILIES, {"today": today, "count": count}):
        found.setdefault(row.guardian_id, DemoFamily(**row._mapping))
    return list(found.values())[:count]


def last_day(conn: Connection) -> date | None:
    """The last day the books know of a bank statement or a lesson; None in empty books."""
    found: date | None = conn.scalar(
        text("""SELECT greatest((SELECT max(last_on) FROM ledger.statement),
                                (SELECT max(taught_on) FROM ledger.lesson))""")
    )
    return found
