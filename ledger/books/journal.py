"""The journal: the one call that moves money, and reading back what it did."""

import hashlib
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.errors import Outcome, Result
from ledger.terms.journal import Entry

_POST = text("""
    SELECT ord, result, code, field, entry_id FROM ledger.post(
        :institution_id, :recorded_at, :folded_block,
        CAST(:keys AS uuid[]), CAST(:digests AS bytea[]), CAST(:entries AS uuid[]), CAST(:kinds AS text[]),
        CAST(:funds AS smallint[]), CAST(:effective AS date[]), CAST(:actors AS text[]), CAST(:refs AS uuid[]),
        CAST(:contracts AS uuid[]), CAST(:hours AS integer[]), CAST(:holds AS uuid[]), CAST(:hold_actions AS text[]),
        CAST(:hold_fen AS bigint[]), CAST(:reverses AS uuid[]),
        CAST(:t_item AS integer[]), CAST(:t_debit AS text[]), CAST(:t_credit AS text[]), CAST(:t_amount AS bigint[]),
        CAST(:t_contract AS uuid[]), CAST(:t_debit_item AS uuid[]), CAST(:t_credit_item AS uuid[]))
    ORDER BY ord""")
_RESULTS = {
    "new": Result.DONE,
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
    rows = conn.execute(_POST, _arguments(institution_id, entries, now, folded_block)).all()
    return [
        _outcome(entry, row.result, row.code, row.field, row.entry_id) for entry, row in zip(entries, rows, strict=True)
    ]


def seal(conn: Connection, institution_id: int, now: datetime, *, wait: bool = True) -> int | None:
    """Seal what is waiting and fold it; the number of the institution's last block, None when another sealer
    is at work.
    """
    number = conn.scalar(text("SELECT ledger.seal(:i, :now, :wait)"), {"i": institution_id, "now": now, "wait": wait})
    return None if number is None else int(number)


def request_key(institution_id: int, key: str) -> UUID:
    """A request's key as the books keep it: 16 bytes of SHA-256 over the institution and the asker's words."""
    return UUID(bytes=hashlib.sha256(f"{institution_id}\x00{key}".encode()).digest()[:16])


def _digests(asked: tuple[tuple[str, str], ...]) -> bytes:
    """8 bytes per field asked, in order: enough to name the field that differs."""
    return b"".join(hashlib.sha256(f"{name}\x00{value}".encode()).digest()[:8] for name, value in asked)


def _outcome(entry: Entry, result: str, code: str | None, field: int | None, entry_id: UUID) -> Outcome:
    name = ""
    if field is not None:
        name = entry.asked[field][0] if field < len(entry.asked) else "fields"
        code = "REQUEST_CONFLICT"
    return Outcome(_RESULTS[result], code or "", name, entry_id)


def _arguments(
    institution_id: int, entries: Sequence[Entry], now: datetime, folded_block: int | None
) -> dict[str, object]:
    events = [entry.event for entry in entries]
    moves = [(n, t) for n, event in enumerate(events, 1) for t in event.transfers]
    return {
        "institution_id": institution_id,
        "recorded_at": now,
        "folded_block": folded_block,
        "keys": [request_key(institution_id, entry.key) for entry in entries],
        "digests": [_digests(entry.asked) for entry in entries],
        "entries": [entry.entry_id for entry in entries],
        "kinds": [event.kind for event in events],
        "funds": [event.fund_no for event in events],
        "effective": [entry.effective_on for entry in entries],
        "actors": [entry.actor for entry in entries],
        "refs": [entry.ref for entry in entries],
        "contracts": [event.contract_id for event in events],
        "hours": [event.hours for event in events],
        "holds": [event.hold.hold_id if event.hold else None for event in events],
        "hold_actions": [event.hold.action.value if event.hold else None for event in events],
        "hold_fen": [event.hold.amount_fen if event.hold else None for event in events],
        "reverses": [event.reverses for event in events],
        "t_item": [n for n, _ in moves],
        "t_debit": [t.debit.value for _, t in moves],
        "t_credit": [t.credit.value for _, t in moves],
        "t_amount": [t.amount_fen for _, t in moves],
        "t_contract": [t.contract_id for _, t in moves],
        "t_debit_item": [t.debit_item for _, t in moves],
        "t_credit_item": [t.credit_item for _, t in moves],
    }
