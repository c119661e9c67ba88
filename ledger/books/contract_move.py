"""Contracts on their way to another custody account, in the books."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import journal, record, refund_payer, register, takeover
from ledger.terms.contract_move import Arrival, Chain, MoveCandidate, PaymentMade
from ledger.terms.ids import id_stream
from ledger.terms.journal import Event
from ledger.vault import Vault


def candidates(conn: Connection, institution_id: int, fund_no: int) -> list[MoveCandidate]:
    """The contracts of an account with a claim, oldest first, and what may keep them there."""
    rows = conn.execute(
        text("""SELECT c.contract_id, c.contract_no,
                       EXISTS (SELECT FROM ledger.refund r
                               LEFT JOIN ledger.refund_closed x USING (institution_id, refund_id)
                               WHERE r.institution_id = c.institution_id AND r.contract_id = c.contract_id
                                 AND (x.refund_id IS NULL OR EXISTS (
                                      SELECT FROM ledger.refund_step s WHERE s.institution_id = r.institution_id
                                      AND s.refund_id = r.refund_id AND s.state = 'approved'))) AS refund_open,
                       EXISTS (SELECT FROM ledger.lesson_now l
                               WHERE l.institution_id = c.institution_id AND l.contract_id = c.contract_id
                                 AND l.hours > 0 AND l.state NOT IN ('released', 'reversed')) AS lesson_open
                FROM ledger.contract_balance b JOIN ledger.contract c USING (institution_id, contract_id)
                WHERE b.institution_id = :i AND b.fund_no = :f AND b.claim_fen > 0
                ORDER BY c.contract_id"""),
        {"i": institution_id, "f": fund_no},
    )
    return [MoveCandidate(**row._mapping) for row in rows]


def successors(conn: Connection, institution_id: int, contract_ids: Collection[UUID], fund_no: int) -> dict[UUID, UUID]:
    """The successors that some contracts have in an account from a move that did not get there."""
    rows = conn.execute(
        text("""SELECT m.contract_id, m.successor_id FROM ledger.contract_move m
                JOIN ledger.contract_balance b ON b.institution_id = m.institution_id
                                              AND b.contract_id = m.successor_id
                WHERE m.institution_id = :i AND m.contract_id = ANY (CAST(:c AS uuid[])) AND b.fund_no = :f"""),
        {"i": institution_id, "c": list(contract_ids), "f": fund_no},
    )
    return {row.contract_id: row.successor_id for row in rows}


def chains(conn: Connection, institution_id: int, contract_ids: Collection[UUID]) -> dict[UUID, Chain]:
    """The contract each of some contracts began with, and how often that has moved so far."""
    rows = conn.execute(
        text("""SELECT c.contract_id, f.contract_id AS first_id, f.contract_no, f.payment_reference,
                       (SELECT count(*) FROM ledger.contract_move x
                        WHERE x.institution_id = c.institution_id AND x.first_id = f.contract_id) AS moves
                FROM ledger.contract c
                LEFT JOIN ledger.contract_move m ON m.institution_id = c.institution_id
                                                AND m.successor_id = c.contract_id
                JOIN ledger.contract f ON f.institution_id = c.institution_id
                                      AND f.contract_id = coalesce(m.first_id, c.contract_id)
                WHERE c.institution_id = :i AND c.contract_id = ANY (CAST(:c AS uuid[]))"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return {row.contract_id: Chain(row.first_id, row.contract_no, row.payment_reference, row.moves) for row in rows}


def elsewhere(conn: Connection, institution_id: int, contract_ids: Collection[UUID]) -> dict[UUID, str]:
    """Which of some contracts take nothing now: ``moving`` or ``arrived`` (in another account), ``dormant`` (a
    successor whose money is not here).
    """
    rows = conn.execute(
        text("""SELECT m.contract_id, m.state FROM ledger.contract_move_now m
                WHERE m.institution_id = :i AND m.contract_id = ANY (CAST(:c AS uuid[])) AND m.state <> 'waiting'
                UNION ALL
                SELECT m.successor_id, 'dormant' FROM ledger.contract_move_now m
                WHERE m.institution_id = :i AND m.successor_id = ANY (CAST(:c AS uuid[])) AND m.state <> 'arrived'"""),
        {"i": institution_id, "c": list(contract_ids)},
    )
    return {row.contract_id: row.state for row in rows}


def on_the_way(
    conn: Connection, vault: Vault, institution_id: int, fund_no: int, instruction_ids: Collection[UUID], now: datetime
) -> dict[UUID, Arrival]:
    """What some payments bring to an account, by instruction: those whose money is not booked here yet."""
    rows = conn.execute(
        text("""SELECT i.instruction_id, m.contract_id, m.successor_id, o.hours_released, k.mode
                FROM ledger.instruction i
                JOIN ledger.contract_move m USING (institution_id, contract_id)
                JOIN ledger.contract_balance b ON b.institution_id = m.institution_id
                                              AND b.contract_id = m.successor_id
                JOIN ledger.contract_balance o ON o.institution_id = m.institution_id AND o.contract_id = m.contract_id
                JOIN ledger.contract c ON c.institution_id = m.institution_id AND c.contract_id = m.successor_id
                JOIN ledger.course k ON k.institution_id = c.institution_id AND k.course_id = c.course_id
                WHERE i.institution_id = :i AND i.instruction_id = ANY (CAST(:n AS uuid[])) AND i.source = 'claim'
                  AND b.fund_no = :f AND b.paid_fen = 0"""),
        {"i": institution_id, "n": list(instruction_ids), "f": fund_no},
    ).all()
    balances = register.lock_contracts(conn, institution_id, [row.successor_id for row in rows])
    made = payments(conn, vault, institution_id, {row.contract_id: row.instruction_id for row in rows}, now)
    return {
        row.instruction_id: Arrival(
            row.contract_id, balances[row.successor_id], row.hours_released, made[row.contract_id], row.mode
        )
        for row in rows
    }


def payments(
    conn: Connection, vault: Vault, institution_id: int, moving: dict[UUID, UUID], now: datetime
) -> dict[UUID, tuple[PaymentMade, ...]]:
    """The payments of contracts (each with the instruction that takes its money along), oldest first, under new ids."""
    rows = conn.execute(
        text("""SELECT p.contract_id, p.item_id, (p.credit_fen - p.debit_fen + coalesce(m.fen, 0))::bigint AS left_fen,
                       coalesce(m.fen, 0)::bigint AS moved_fen, coalesce(o.paid_on, f.paid_on) AS paid_on
                FROM ledger.item_balance p
                LEFT JOIN ledger.taken_over_payment o ON o.institution_id = p.institution_id
                                                     AND o.payment_id = p.item_id
                LEFT JOIN LATERAL (SELECT min(e.effective_on) AS paid_on FROM ledger.transfer t
                                   JOIN ledger.journal_entry e USING (institution_id, entry_id)
                                   WHERE t.institution_id = p.institution_id AND t.contract_id = p.contract_id
                                     AND t.credit_class = 'claim' AND t.credit_item = p.item_id) f ON true
                LEFT JOIN LATERAL (SELECT sum(t.amount_fen) AS fen FROM ledger.transfer t
                                   WHERE t.institution_id = p.institution_id AND t.contract_id = p.contract_id
                                     AND t.debit_class = 'claim' AND t.debit_item = p.item_id
                                     AND t.credit_item = ANY (CAST(:n AS uuid[]))) m ON true
                WHERE p.institution_id = :i AND p.class = 'claim' AND p.contract_id = ANY (CAST(:c AS uuid[]))
                ORDER BY p.contract_id, p.item_id"""),
        {"i": institution_id, "c": list(moving), "n": list(moving.values())},
    ).all()
    lines = refund_payer.lines(conn, institution_id, list(moving))
    payers = {one.payment_id: one.payee(vault) for some in lines.values() for one in some}
    ids = id_stream(now)
    found: dict[UUID, tuple[PaymentMade, ...]] = {}
    for row in rows:
        if row.left_fen:
            made = PaymentMade(next(ids), row.paid_on, row.left_fen, row.moved_fen, payers.get(row.item_id))
            found[row.contract_id] = (*found.get(row.contract_id, ()), made)
    return found


def posted_events(
    conn: Connection, institution_id: int, instruction_ids: Sequence[UUID]
) -> dict[UUID, list[tuple[UUID, Event]]]:
    """What payments that take claims along have posted: by instruction the entries and their events, newest first.
    Those whose money is booked in the other account are left out: there is no way back.
    """
    gone = conn.scalars(
        text("""SELECT i.instruction_id FROM ledger.instruction i
                JOIN ledger.contract_move_now m USING (institution_id, contract_id)
                WHERE i.institution_id = :i AND i.instruction_id = ANY (CAST(:n AS uuid[])) AND m.state = 'arrived'"""),
        {"i": institution_id, "n": list(instruction_ids)},
    )
    instruction_ids = sorted(set(instruction_ids) - set(gone))
    keys = {journal.request_key(institution_id, f"instruct {one}"): one for one in instruction_ids}
    rows = conn.execute(
        text("""SELECT q.request_key, CAST(NULL AS uuid) AS instruction_id, q.entry_id FROM ledger.request q
                WHERE q.institution_id = :i AND q.request_key = ANY (CAST(:k AS uuid[]))
                UNION ALL
                SELECT NULL, m.ref, m.entry_id FROM ledger.line_match m
                WHERE m.institution_id = :i AND m.ref = ANY (CAST(:n AS uuid[]))
                  AND m.kind = 'contract_moved_out_booked'
                ORDER BY entry_id DESC"""),
        {"i": institution_id, "k": list(keys), "n": list(instruction_ids)},
    ).all()
    posted = journal.events(conn, institution_id, [row.entry_id for row in rows])
    found: dict[UUID, list[tuple[UUID, Event]]] = {}
    for row in rows:
        instruction_id = row.instruction_id or keys[row.request_key]
        found.setdefault(instruction_id, []).append((row.entry_id, posted[row.entry_id]))
    return found


def keep_arrival(
    conn: Connection, vault: Vault, institution_id: int, arrivals: Sequence[tuple[Arrival, UUID | None, date]],
    actor: str, now: datetime,
) -> None:  # fmt: skip
    """Keep the payments of contracts that have arrived with the days they were made and who made them, and one lesson
    for all hours taught before (with the entry that released them, on the day they arrived).
    """
    paid, taught, steps = [], [], []
    ids = id_stream(now)
    for arrival, entry_id, on in arrivals:
        contract_id = arrival.successor.contract_id
        paid += [
            takeover.payment_row(
                vault, institution_id, contract_id, one.payment_id, one.paid_on, one.left_fen, one.payer
            )
            for one in arrival.payments
        ]
        if arrival.hours_released:
            lesson, done = takeover.lesson_rows(
                institution_id, next(ids), contract_id, on, arrival.hours_released, arrival.mode, entry_id,
                actor, now,
            )  # fmt: skip
            taught.append(lesson)
            steps += done
    record.insert(conn, "taken_over_payment", paid)
    record.insert(conn, "lesson", taught)
    record.insert(conn, "lesson_step", steps)
