"""Findings: what a rule noticed without refusing it. The same thing is written down once."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from sqlalchemy import Connection, text

from ledger.books import record
from ledger.terms.ids import new_ids


@dataclass(frozen=True, slots=True)
class NewFinding:
    """``ref`` names the thing found (a lesson, a receipt); with ``code`` it is written once."""

    code: str
    ref: UUID
    facts: dict[str, object]
    contract_id: UUID | None = None


def write_new(
    conn: Connection, institution_id: int, found: Sequence[NewFinding], found_on: date, now: datetime
) -> list[NewFinding]:
    """Write down what was not found before, and answer that. Two at once would both write: the caller holds a lock."""
    known = _known(conn, institution_id, {one.code for one in found}, {one.ref for one in found})
    new = [one for one in found if (one.code, one.ref) not in known]
    record.insert(conn, "finding", [{
        "institution_id": institution_id, "finding_id": finding_id, "code": one.code, "ref": one.ref,
        "contract_id": one.contract_id, "found_on": found_on, "facts": one.facts,
    } for finding_id, one in zip(new_ids(now, len(new)), new, strict=True)])  # fmt: skip
    return new


def lock(conn: Connection, institution_id: int) -> None:
    """One finder at a time per institution. Key space as ``books.contract.lock_signing``."""
    conn.execute(text("SELECT pg_advisory_xact_lock(:i, 99999)"), {"i": institution_id})


def _known(
    conn: Connection, institution_id: int, codes: Collection[str], refs: Collection[UUID]
) -> set[tuple[str, UUID]]:
    rows = conn.execute(
        text("""SELECT code, ref FROM ledger.finding WHERE institution_id = :i AND code = ANY (CAST(:c AS text[]))
                AND ref = ANY (CAST(:r AS uuid[]))"""),
        {"i": institution_id, "c": list(codes), "r": list(refs)},
    )
    return {(row.code, row.ref) for row in rows}
