"""The journal: the one call that moves money, and reading back what it did."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.errors import Outcome, Result
from ledger.terms.journal import AccountClass, Entry, Event, Transfer

# Spoken to the driver as it stands: composing the statement anew cost a single entry a tenth of its time.
_POST = """
    SELECT ord, result, code, field, entry_id FROM ledger.post(
        %(institution_id)s, %(recorded_at)s, %(folded_block)s,
        %(keys)s::uuid[], %(digests)s::bytea[], %(entries)s::uuid[], %(kinds)s::text[],
        %(funds)s::smallint[], %(effective)s::date[], %(actors)s::text[], %(refs)s::uuid[],
        %(contracts)s::uuid[], %(hours)s::integer[], %(holds)s::uuid[], %(hold_actions)s::text[],
        %(hold_fen)s::bigint[], %(reverses)s::uuid[],
        %(t_item)s::integer[], %(t_debit)s::ledger.account_class[],
        %(t_credit)s::ledger.account_class[], %(t_amount)s::bigint[],
        %(t_contract)s::uuid[], %(t_debit_item)s::uuid[], %(t_credit_item)s::uuid[])"""
_RESULTS = {
    "replayed": Result.REPLAYED,
    "conflict": Result.CONFLICT,
    "refused": Result.REFUSED,
    "later": Result.LATER,
}


def post(
    conn: Connection, institution_id: int, entries: Sequence[Entry], now: datetime, folded_block: int | None = None
) -> list[Outcome]:
    """Post a set of entries of one institution; one outcome per entry, in order.

    ``now`` (UTC) is the recording instant. ``folded_block`` is None at the first asking; after ``later`` the edge seals
    and asks again with the block number the seal gave. Raises the database's error for what no caller may send (a pair
    that is not allowed, another fund's row): a bug, nothing is written.
    """
    if not entries:
        return []
    outcomes = [Outcome(Result.DONE, "", "", entry.entry_id) for entry in entries]
    for row in conn.exec_driver_sql(_POST, _arguments(institution_id, entries, now, folded_block)):
        outcomes[row.ord - 1] = _outcome(entries[row.ord - 1], row.result, row.code, row.field, row.entry_id)
    return outcomes


def events(conn: Connection, institution_id: int, entry_ids: Sequence[UUID]) -> dict[UUID, Event]:
    """What posted entries moved, by entry id (holds left out: an entry that moved one is not read back)."""
    rows = conn.execute(
        text("""SELECT e.entry_id, e.kind, e.fund_no, e.contract_id AS whose, e.hours::integer AS hours, t.debit_class,
                       t.credit_class, t.amount_fen::bigint AS fen, t.contract_id, t.debit_item, t.credit_item
                FROM ledger.journal_entry e JOIN ledger.transfer t USING (institution_id, entry_id)
                WHERE e.institution_id = :i AND e.entry_id = ANY (CAST(:ids AS uuid[])) AND e.hold_id IS NULL
                ORDER BY e.entry_id, t.ord"""),
        {"i": institution_id, "ids": list(entry_ids)},
    ).all()
    moved: dict[UUID, list[Transfer]] = {}
    for row in rows:
        sides = AccountClass(row.debit_class), AccountClass(row.credit_class)
        transfer = Transfer(*sides, row.fen, row.contract_id, row.debit_item, row.credit_item)
        moved.setdefault(row.entry_id, []).append(transfer)
    return {
        row.entry_id: Event(row.kind, row.fund_no, tuple(moved[row.entry_id]), row.whose, row.hours) for row in rows
    }


def seal(conn: Connection, institution_id: int, now: datetime, *, wait: bool = True) -> int | None:
    """Seal what is waiting and fold it; the number of the institution's last block, None when another sealer
    is at work.
    """
    number = conn.scalar(text("SELECT ledger.seal(:i, :now, :wait)"), {"i": institution_id, "now": now, "wait": wait})
    return None if number is None else int(number)


def request_key(institution_id: int, key: str) -> UUID:
    """A request's key as the books keep it: 16 bytes of SHA-256 over the institution and the asker's words."""
    return UUID(hex=_key_hex(institution_id, key))


def _key_hex(institution_id: int, key: str) -> str:
    return hashlib.sha256(f"{institution_id}\x00{key}".encode()).hexdigest()[:32]


def _digests(asked: tuple[tuple[str, str], ...], known: dict[tuple[str, str], str]) -> str:
    """8 bytes per field asked as hex, in order: enough to name the field that differs. ``known``: those of this set."""
    for field in asked:
        if field not in known:
            known[field] = hashlib.sha256(f"{field[0]}\x00{field[1]}".encode()).hexdigest()[:16]
    return "".join([known[field] for field in asked])


def _outcome(entry: Entry, result: str, code: str | None, field: int | None, entry_id: UUID) -> Outcome:
    name = ""
    if field is not None:
        name = entry.asked[field][0] if field < len(entry.asked) else "fields"
        code = "REQUEST_CONFLICT"
    return Outcome(_RESULTS[result], code or "", name, entry_id)


def _arguments(
    institution_id: int, entries: Sequence[Entry], now: datetime, folded_block: int | None
) -> dict[str, object]:
    """The arrays of ``ledger.post`` as PostgreSQL writes arrays: half of a set's time went into adapting lists."""
    events = [entry.event for entry in entries]
    moves = [(n, t) for n, event in enumerate(events, 1) for t in event.transfers]
    holds = [event.hold for event in events]
    known: dict[tuple[str, str], str] = {}
    return {
        "institution_id": institution_id,
        "recorded_at": now,
        "folded_block": folded_block,
        "keys": _plain([_key_hex(institution_id, entry.key) for entry in entries]),
        "digests": _plain([f"\\\\x{_digests(entry.asked, known)}" for entry in entries]),
        "entries": _plain([entry.entry_id.hex for entry in entries]),
        "kinds": _words([event.kind for event in events]),
        "funds": _plain([event.fund_no for event in events]),
        "effective": _plain([entry.effective_on for entry in entries]),
        "actors": _words([entry.actor for entry in entries]),
        "refs": _uuids([entry.ref for entry in entries]),
        "contracts": _uuids([event.contract_id for event in events]),
        "hours": _plain([event.hours for event in events]),
        "holds": _uuids([hold.hold_id if hold else None for hold in holds]),
        "hold_actions": _plain([hold.action.value if hold else "NULL" for hold in holds]),
        "hold_fen": _plain([hold.amount_fen if hold else "NULL" for hold in holds]),
        "reverses": _uuids([event.reverses for event in events]),
        "t_item": _plain([n for n, _ in moves]),
        "t_debit": _plain([t.debit.value for _, t in moves]),
        "t_credit": _plain([t.credit.value for _, t in moves]),
        "t_amount": _plain([t.amount_fen for _, t in moves]),
        "t_contract": _uuids([t.contract_id for _, t in moves]),
        "t_debit_item": _uuids([t.debit_item for _, t in moves]),
        "t_credit_item": _uuids([t.credit_item for _, t in moves]),
    }


def _plain(values: Sequence[object]) -> str:
    """An array of values that need no quotes: numbers, days, hex, words of a closed list."""
    return f"{{{','.join(map(str, values))}}}"


def _uuids(values: Sequence[UUID | None]) -> str:
    return f"{{{','.join(['NULL' if value is None else value.hex for value in values])}}}"


def _words(values: Sequence[str]) -> str:
    """An array of texts, each in quotes; backslashes and quotes keep their meaning."""
    quoted = {value: '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in set(values)}
    return f"{{{','.join([quoted[value] for value in values])}}}"
