"""What each bank line turned out to be, in the books: its match, what must be looked at, the break it opens."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from sqlalchemy import Connection

from ledger.books import record
from ledger.terms.ids import new_ids
from ledger.terms.match import LineAnswer


def keep(
    conn: Connection, institution_id: int, fund_no: int, answers: Sequence[LineAnswer],
    entries: Mapping[UUID, Sequence[UUID | None]], due_on: Mapping[date, date], actor: str, now: datetime,
) -> None:  # fmt: skip
    """Keep the answers to some lines; ``entries``: what each line posted; ``due_on``: by when a break of a day must be
    made good.
    """
    here = {"institution_id": institution_id}
    record.insert(conn, "line_match", [{
        **here, "line_id": a.line.line_id, "rule": a.rule, "kind": a.kind, "entry_id": entries[a.line.line_id][0],
        "ref": a.ref, "matched_at": now, "matched_by": actor,
    } for a in answers])  # fmt: skip
    finding_ids = iter(new_ids(now + timedelta(milliseconds=2), len(answers)))
    record.insert(conn, "finding", [{
        **here, "finding_id": next(finding_ids), "code": a.finding, "ref": a.line.line_id,
        "contract_id": a.ref if a.kind.startswith("deposit") else None, "found_on": a.line.booked_on,
        "facts": {"amount_fen": a.line.amount_fen, "credit": a.line.credit},
    } for a in answers if a.finding])  # fmt: skip
    record.insert(conn, "break", [{
        **here, "break_id": a.ref, "fund_no": fund_no, "kind": a.broken, "amount_fen": a.line.amount_fen,
        "owner": "bank", "reason": a.finding, "opened_on": a.line.booked_on, "due_on": due_on[a.line.booked_on],
        "ref": a.line.line_id, "contract_id": None,
    } for a in answers if a.broken])  # fmt: skip
