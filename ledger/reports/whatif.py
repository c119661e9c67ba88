"""The past as a what-if asks about it: signings with what was open then, contracts and refunds at the end of a day."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from ledger.terms.prepayment import Funding, OpenCharge
from ledger.terms.refund import Cause, PaidOn
from ledger.terms.whatif import ContractState, PastRefund, Signing

_SIGNED = text("""
    SELECT c.contract_id, c.contract_no, c.course_id, c.student_id, k.subject, k.category, k.lesson_price_fen,
           c.signed_on, c.signed_at, c.first_lesson_on, c.price_fen, c.list_price_fen, c.gift_money_fen,
           c.hours_bought + c.hours_gifted AS hours, c.months, c.funded_by_loan,
           (SELECT min((s.at AT TIME ZONE 'Asia/Shanghai')::date)
            FROM ledger.refund r JOIN ledger.refund_step s USING (institution_id, refund_id)
            WHERE (r.institution_id, r.contract_id) = (c.institution_id, c.contract_id)
              AND s.state = 'approved') AS ended_on
    FROM ledger.contract c JOIN ledger.course k USING (institution_id, course_id)
    WHERE c.institution_id = :i AND c.signed_on <= :on
      AND NOT EXISTS (SELECT FROM ledger.contract_move m  -- the same contract in another account
                      WHERE m.institution_id = c.institution_id AND m.successor_id = c.contract_id)
    ORDER BY c.signed_on, c.contract_no""")
_RELEASED = text("""
    SELECT contract_id, effective_on AS day, sum(hours)::bigint AS moved FROM ledger.journal_entry
    WHERE institution_id = :i AND hours <> 0 AND effective_on <= :on GROUP BY 1, 2 ORDER BY 1, 2""")
# Hours put down, on the day they were; a lesson taken back counts until the day of that.
_RECORDED = text("""
    SELECT contract_id, day, sum(hours)::bigint AS moved FROM (
        SELECT l.contract_id, (l.recorded_at AT TIME ZONE 'Asia/Shanghai')::date AS day, l.hours
        FROM ledger.lesson l WHERE l.institution_id = :i
        UNION ALL
        SELECT l.contract_id, (s.at AT TIME ZONE 'Asia/Shanghai')::date, -l.hours
        FROM ledger.lesson l JOIN ledger.lesson_step s USING (institution_id, lesson_id)
        WHERE l.institution_id = :i AND s.state = 'reversed') x
    WHERE day <= :on GROUP BY 1, 2 ORDER BY 1, 2""")
# What moved each counter of a claim, a reversal with the counter of the entry it undoes.
_CLAIMS = text("""
    SELECT t.contract_id, e.effective_on AS day, r.claim_counter::text AS counter,
           sum(t.amount_fen * CASE WHEN (t.credit_class = 'claim') = (r.claim_counter = 'paid')
                                   THEN 1 ELSE -1 END)::bigint AS moved
    FROM ledger.journal_entry e
    JOIN ledger.transfer t USING (institution_id, entry_id)
    LEFT JOIN ledger.journal_entry o ON o.institution_id = e.institution_id AND o.entry_id = e.reverses
    JOIN ledger.posting_rule r ON r.claim_counter IN ('paid', 'refunded') AND r.kind = coalesce(o.kind, e.kind)
     AND (r.debit_class, r.credit_class) = CASE WHEN o.kind IS NULL THEN (t.debit_class, t.credit_class)
                                                ELSE (t.credit_class, t.debit_class) END
    WHERE e.institution_id = :i AND e.effective_on <= :on
    GROUP BY 1, 2, 3 ORDER BY 1, 2""")
_REFUNDS = text("""
    SELECT r.contract_id, r.cause, r.asked_on, r.amount_fen, c.first_lesson_on,
           coalesce((SELECT p.price_fen FROM ledger.contract_price p
                     WHERE (p.institution_id, p.contract_id) = (c.institution_id, c.contract_id)
                       AND p.since <= r.asked_on ORDER BY p.since DESC LIMIT 1), c.price_fen) AS price_fen
    FROM ledger.refund_now r JOIN ledger.contract c USING (institution_id, contract_id)
    WHERE r.institution_id = :i AND r.asked_on <= :on AND c.signed_on <= :on
      AND NOT EXISTS (SELECT FROM ledger.refund_step s
                      WHERE s.institution_id = r.institution_id AND s.refund_id = r.refund_id
                        AND s.state IN ('withdrawn', 'refused')
                        AND (s.at AT TIME ZONE 'Asia/Shanghai')::date <= :on)
    ORDER BY r.refund_id""")


_DAY = timedelta(days=1)


@dataclass(slots=True)
class _Sums:
    """What moved day by day, and the sum at the end of each day."""

    days: list[date] = field(default_factory=list)
    sums: list[int] = field(default_factory=list)

    def add(self, day: date, moved: int) -> None:
        self.sums.append(moved + (self.sums[-1] if self.sums else 0))
        self.days.append(day)

    def until(self, on: date) -> int:
        """The sum at the end of ``on``."""
        at = bisect_right(self.days, on)
        return self.sums[at - 1] if at else 0


class Past:
    """The contracts of an institution signed by ``on`` and everything that moved them until then, read at once."""

    def __init__(self, conn: Connection, institution_id: int, on: date) -> None:
        asked = {"i": institution_id, "on": on}
        self._signed = list(conn.execute(_SIGNED, asked))
        self._released: dict[UUID, _Sums] = defaultdict(_Sums)
        self._recorded: dict[UUID, _Sums] = defaultdict(_Sums)
        self._claims: dict[str, dict[UUID, _Sums]] = {"paid": defaultdict(_Sums), "refunded": defaultdict(_Sums)}
        self._payments: dict[UUID, list[PaidOn]] = defaultdict(list)
        for row in conn.execute(_RELEASED, asked):
            self._released[row.contract_id].add(row.day, row.moved)
        for row in conn.execute(_RECORDED, asked):
            self._recorded[row.contract_id].add(row.day, row.moved)
        for row in conn.execute(_CLAIMS, asked):
            self._claims[row.counter][row.contract_id].add(row.day, row.moved)
            if row.counter == "paid" and row.moved > 0:
                self._payments[row.contract_id].append(PaidOn(row.day, row.moved))
        self._refunds = list(conn.execute(_REFUNDS, asked))
        self._by_id = {row.contract_id: row for row in self._signed}
        self._of_pupil: dict[UUID, list[Row[Any]]] = defaultdict(list)
        self._of_course: dict[UUID, list[Row[Any]]] = defaultdict(list)
        for row in self._signed:
            self._of_pupil[row.student_id].append(row)
            self._of_course[row.course_id].append(row)
        self._sales: dict[tuple[UUID, int], list[Row[Any]]] = {}

    def signings(self) -> Iterator[Signing]:
        """Every contract with the pupil's other contracts that were open on its day."""
        for row in self._signed:
            of_pupil = self._of_pupil[row.student_id]
            before = of_pupil[: of_pupil.index(row)]
            others = tuple(
                _charge(other, self._released[other.contract_id].until(row.signed_on))
                for other in before
                if self._is_open(other, row.signed_on)
            )
            yield Signing(row.contract_no, Funding.LOAN if row.funded_by_loan else Funding.OWN, _charge(row, 0), others)

    def state(self, contract_id: UUID, on: date, refunded_until: date | None = None) -> ContractState | None:
        """A contract at the end of ``on``; None where there was no money of it to give back.

        ``refunded_until``: what was refunded later than that does not count.
        """
        row = self._by_id[contract_id]
        paid_fen = self._claims["paid"][contract_id].until(on)
        refunded_fen = self._claims["refunded"][contract_id].until(refunded_until or on)
        if paid_fen <= refunded_fen:
            return None
        return ContractState(
            paid_fen=paid_fen,
            refunded_fen=refunded_fen,
            hours_used=max(self._recorded[contract_id].until(on), self._released[contract_id].until(on)),
            payments=tuple(payment for payment in self._payments[contract_id] if payment.on <= on),
            list_price_sold=row.list_price_fen is not None and self._was_sold(row, on),
            same_service_before=any(
                other.signed_on < row.signed_on and self._released[other.contract_id].until(on) > 0
                for other in self._of_pupil[row.student_id]
                if other.subject == row.subject
            ),
        )

    def refunds(self) -> Iterator[PastRefund]:
        """Refunds that were asked and not withdrawn or refused, each with its contract as it stood that day."""
        for row in self._refunds:
            # what was refunded on the day of the asking is this refund's own money
            state = self.state(row.contract_id, row.asked_on, row.asked_on - _DAY)
            if state is not None:
                yield PastRefund(
                    contract_id=row.contract_id,
                    cause=Cause(row.cause),
                    asked_on=row.asked_on,
                    first_lesson_on=row.first_lesson_on,
                    price_fen=row.price_fen,
                    amount_fen=row.amount_fen,
                    state=state,
                )

    def _is_open(self, other: Row[Any], on: date) -> bool:
        """Hours left to teach on the day of a new signing, and no refund approved by then."""
        ended = other.ended_on is not None and other.ended_on <= on
        return not ended and self._released[other.contract_id].until(on) < other.hours

    def _was_sold(self, row: Row[Any], on: date) -> bool:
        """Whether another contract of the course, signed no later, was paid at the list price."""
        key = row.course_id, row.list_price_fen
        if key not in self._sales:
            self._sales[key] = [
                sale
                for sale in self._of_course[row.course_id]
                if Fraction(sale.price_fen * 100, sale.hours) >= row.list_price_fen
            ]
        return any(
            sale.signed_on <= row.signed_on and self._claims["paid"][sale.contract_id].until(on) > 0
            for sale in self._sales[key]
            if sale.contract_id != row.contract_id
        )


def _charge(row: Row[Any], hours_released: int) -> OpenCharge:
    return OpenCharge(
        contract_id=row.contract_id,
        student_id=row.student_id,
        subject=row.subject,
        category=row.category,
        lesson_price_fen=row.lesson_price_fen,
        signed_on=row.signed_on,
        signed_at=row.signed_at,
        first_lesson_on=row.first_lesson_on,
        price_fen=row.price_fen,
        gift_money_fen=row.gift_money_fen,
        hours=row.hours,
        hours_left=row.hours - hours_released,
        months=row.months,
    )
